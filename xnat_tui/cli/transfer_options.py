"""The options that `export copy upload` share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click

from xnat_tui.cli.help import TransferOption
from xnat_tui.cli.state import State
from xnat_tui.model.plan import Mode, OnExisting, Policy

_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmg]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SHARED = ("skip", "copy", "share")
_MOST_WORKERS = 8


class RateType(click.ParamType[int]):
    """Bytes per second, such as `500k`, `20M` or `1.5MB/s`; units are decimal."""

    name = "rate"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _RATE.fullmatch(str(value).strip())
        rate = int(float(match["number"]) * _UNITS[match["unit"].lower()]) if match else 0
        if rate < 1:
            self.fail(f"{value!r} is no rate; write it as 500k, 20M or 1.5MB/s.", parameter, context)
        return rate


_option = functools.partial(click.option, cls=TransferOption)


_OPTIONS: tuple[Callable[..., Any], ...] = (
    _option(
        "--workers",
        type=click.IntRange(1, _MOST_WORKERS),
        metavar="N",
        default=4,
        show_default=True,
        help="Transfers at once.",
    ),
    _option(
        "--mode",
        type=click.Choice([mode.value for mode in Mode]),
        default=Mode.AUTO.value,
        show_default=True,
        help="How files travel.",
    ),
    _option("--rsync-source", metavar="[USER@HOST:]FOLDER", help="The source's archive, for rsync."),
    _option(
        "--rsync-destination", metavar="[USER@HOST:]FOLDER", help="The destination's archive, for rsync."
    ),
    _option(
        "--on-existing",
        type=click.Choice([choice.value for choice in OnExisting]),
        default=OnExisting.SKIP.value,
        show_default=True,
        help="What to do with what is there: add what is missing, replace what differs, or all.",
    ),
    _option("--skip-existing-sessions", is_flag=True, help="Leave sessions alone that are there."),
    _option("--fix-scan-types", is_flag=True, help="Give scans the type of their modality."),
    _option("--ignore-missing-datatypes", is_flag=True, help="Leave out what the destination lacks."),
    _option(
        "--via",
        type=click.Choice(["files", "import"]),
        default="files",
        show_default=True,
        help="files keeps every byte; import hands DICOM to the import service, which may rewrite it.",
    ),
    _option(
        "--shared",
        type=click.Choice(_SHARED),
        default="skip",
        show_default=True,
        help="What to do with items shared into the source.",
    ),
    _option("--autorun", is_flag=True, help="Let what is archived start AutoRun."),
    _option("--ohif", is_flag=True, help="Rebuild the viewer's metadata afterwards."),
    _option("--refresh-catalogs", is_flag=True, help="Refresh catalogs afterwards."),
    _option("--clear-caches", is_flag=True, help="Clear the server's caches afterwards."),
    _option("--bandwidth", type=RateType(), metavar="RATE", help="Limit, such as 20M (bytes a second)."),
    _option("--no-verify", is_flag=True, help="Do not compare sizes and digests afterwards."),
    _option("--detach", is_flag=True, help="Start in the background."),
)


def transfer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """All transfer options, handed over as `policy: Policy` and `detach: bool`."""

    @functools.wraps(function)
    def with_policy(*arguments: Any, **options: Any) -> Any:
        mode, source, destination = (options.pop(n) for n in ("mode", "rsync_source", "rsync_destination"))
        if (mode == Mode.RSYNC) != bool(source and destination) or bool(source) != bool(destination):
            raise click.UsageError("--mode rsync, --rsync-source and --rsync-destination go together.")
        policy = Policy(
            mode=Mode(mode),
            rsync_source=source or "",
            rsync_destination=destination or "",
            on_existing=OnExisting(options.pop("on_existing")),
            verify=not options.pop("no_verify"),
            event_reason=click.get_current_context().ensure_object(State).event_reason,
            **{name: options.pop(name) for name in _AS_THEY_ARE},
        )
        return function(*arguments, policy=policy, **options)

    decorated: Callable[..., Any] = with_policy
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


_AS_THEY_ARE = (
    "workers",
    "skip_existing_sessions",
    "fix_scan_types",
    "ignore_missing_datatypes",
    "via",
    "shared",
    "autorun",
    "ohif",
    "refresh_catalogs",
    "clear_caches",
    "bandwidth",
)
