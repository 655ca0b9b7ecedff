"""The profile and the key that a transfer's options name, read from their files."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from xnat_tui.errors import UsageError
from xnat_tui.model.options import CopyOptions, ExportOptions, TransferOptions
from xnat_tui.services.deidentifying.keys import Key, read_key
from xnat_tui.services.deidentifying.profile import Profile, read_profile

_MEANT = frozenset(
    (
        *("on_existing", "verify", "bandwidth", "workers", "shared", "executor", "event_reason"),
        *("deidentify", "key", "label_map", "relabel", "pass_resource", "metadata", "overwrite_local"),
    )
)
"""The choices that say something to a transfer that de-identifies."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to everything that is sent."""

    profile: Profile
    key: Key


def is_deidentified(options: TransferOptions | None) -> bool:
    """Whether a copy or an export sends nothing as it is."""
    return isinstance(options, CopyOptions | ExportOptions) and bool(options.deidentify)


def open_treatment(options: TransferOptions) -> Treatment:
    """Raises UsageError and ConfigError where profile or key cannot be used."""
    if not options.key:
        raise UsageError(
            "--deidentify needs a key, by which UIDs and dates are the same in every run.",
            "Name its file with --key; --new-key makes one.",
        )
    return Treatment(read_profile(options.deidentify), read_key(Path(options.key)))


def check_choices(options: TransferOptions) -> None:
    """Raises UsageError for a choice that could not be kept beside de-identification."""
    usual = type(options)()
    for one in fields(options):
        if one.name not in _MEANT and getattr(options, one.name) != getattr(usual, one.name):
            name = one.name.replace("_", "-")
            raise UsageError(f"--{name} means nothing with --deidentify.", "Leave it out.")
