"""The transfer options of the verbs, each with its answers: what a plan's panel offers and calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_tui.model.display import short_size
from xnat_tui.model.options import (
    ExportMode,
    ExportShared,
    Layout,
    Mode,
    OnExisting,
    Shared,
    TransferOptions,
    Via,
)
from xnat_tui.model.threeway import Prefer


@dataclass(frozen=True, slots=True)
class Choosing:
    """One option: a field of the verb's options, its answers, and what they mean; without answers, a text."""

    field: str
    label: str
    answers: tuple[Any, ...]
    about: str
    shown: Callable[[Any], str] = str
    asks: str = ""
    """The question for a text."""
    file: bool = False
    """Whether the text names a file of this machine."""


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _rate(value: int | None) -> str:
    return f"{short_size(value)}/s" if value else "unlimited"


def _file(value: str) -> str:
    return Path(value).name if value else "none"


_YES_NO = (False, True)
_WORKERS = Choosing("workers", "transfers at once", (1, 2, 3, 4, 5, 6, 7, 8), "More than four rarely gain.")
_BANDWIDTH = Choosing(
    *("bandwidth", "rate at most", (None, 1_000_000, 5_000_000, 20_000_000, 100_000_000)),
    "Over all transfers of this job.",
    _rate,
)
_VERIFY = Choosing(
    "verify", "verify", (True, False), "Compare sizes and digests of what has arrived.", _yes_no
)
_AUTORUN = Choosing("autorun", "start AutoRun", _YES_NO, "On what is archived.", _yes_no)
_EVENT_REASON = Choosing(
    *("event_reason", "reason for it", ()),
    "For the server's audit trail; some sites ask for one with each change.",
    lambda value: value or "the server's own",
    "Reason for the server's audit trail (empty is the one saved with the server):",
)
_BIDS_MAP = Choosing(
    *("bids_map", "names by table", ()),
    "A CSV file, for bids: what series are.",
    _file,
    "CSV file with scan, suffix, entities (empty is none):",
    file=True,
)
_MODE = "As zip, one by one, or not at all (metadata)."
_EXISTING = Choosing(
    *("on_existing", "when it exists", tuple(OnExisting)),
    "skip: add what is missing. update: also replace what differs. overwrite: send all again.",
)

OPTIONS: Mapping[str, Sequence[Choosing]] = {
    "copy": (
        _EXISTING,
        Choosing(
            *("shared", "shared items", tuple(Shared)),
            "Items shared into the source project: leave out, copy as their own, or share there too.",
        ),
        Choosing(
            *("skip_existing_sessions", "existing sessions", _YES_NO),
            "Leave sessions that are there alone, with all below them.",
            lambda value: "leave alone" if value else "fill up",
        ),
        Choosing(
            *("via", "DICOM goes by", tuple(Via)),
            "files keeps every byte; import lets the destination's anonymisation rewrite it.",
        ),
        Choosing(
            *("mode", "files travel", tuple(mode for mode in Mode if mode is not Mode.RSYNC)),
            f"{_MODE} rsync: from the command line.",
        ),
        Choosing("fix_scan_types", "fix scan types", _YES_NO, "Types by modality, per scan.", _yes_no),
        Choosing(
            *("ignore_missing_datatypes", "missing data types", _YES_NO),
            "What the destination has no data type for.",
            lambda value: "leave out" if value else "refuse",
        ),
        _AUTORUN,
        Choosing("ohif", "rebuild viewer data", _YES_NO, "OHIF metadata, afterwards.", _yes_no),
        Choosing("refresh_catalogs", "refresh catalogs", _YES_NO, "Afterwards.", _yes_no),
        Choosing("clear_caches", "clear caches", _YES_NO, "The server's, afterwards.", _yes_no),
        *(_VERIFY, _WORKERS, _BANDWIDTH, _EVENT_REASON),
    ),
    "export": (
        Choosing("layout", "layout", tuple(Layout), "Of the folder: as the archive, flat, or BIDS-like."),
        _BIDS_MAP,
        Choosing("metadata", "metadata", (True, False), "XML and a table beside the files.", _yes_no),
        Choosing(
            *("overwrite_local", "complete files", _YES_NO),
            "That are in the folder already.",
            lambda value: "fetch again" if value else "keep",
        ),
        Choosing(
            *("shared", "shared items", tuple(ExportShared)),
            "Items shared into the source project: leave out, or take along.",
        ),
        Choosing(*("mode", "files travel", tuple(ExportMode)), _MODE),
        *(_VERIFY, _WORKERS, _BANDWIDTH),
    ),
    "sync": (
        Choosing(
            *("prefer", "prefer", tuple(Prefer)),
            "Whose value counts where both changed; source overwrites the destination's.",
            lambda value: value or "nobody",
        ),
        Choosing("restore", "restore", _YES_NO, "Bring back what is gone at the destination.", _yes_no),
    ),
    "upload": (_EXISTING, _AUTORUN, _VERIFY, _WORKERS, _BANDWIDTH, _EVENT_REASON),
}
"""By verb, those of its options that are chosen here."""


def described(chosen: TransferOptions) -> str:
    """The first option, and all that are not as usual: what the plan was made by."""
    usual = type(chosen)()
    told = [
        f"{option.label}: {option.shown(getattr(chosen, option.field))}"
        for at, option in enumerate(OPTIONS[chosen.verb])
        if at == 0 or getattr(chosen, option.field) != getattr(usual, option.field)
    ]
    return " · ".join(told)
