"""Syncs as they are saved: `[syncs.NAME]` of `config.toml`, with the filters and transfer options of a copy.

[syncs.nightly]
source = "lab:BRAINS"
destination = "qc:BRAINS"
depth = "sizes"               # or digests
scan_type = ["T1*"]           # any filter of copy
fix_scan_types = true         # any transfer option of copy
at = "02:30"                  # or every = "6h": when it is due
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any

from xnat_tui.config import Settings, check_name, save_sync
from xnat_tui.errors import ConfigError, Conflict, NotFound, UsageError, XnatTuiError
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.location import Location, relative_path
from xnat_tui.model.options import CopyOptions, Mode, OnExisting, Via

_OWN = ("source", "destination", "depth", "every", "at")
_LEFT_OUT = frozenset({"on_existing", "event_reason", "executor", "rsync_source", "rsync_destination"})
"""Choices of a copy that a sync makes itself, or that belong to one run."""
_EVERY = re.compile(r"([1-9]\d{0,3})([mhd])")
_AT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


_USUAL = CopyOptions()


@dataclass(frozen=True, slots=True)
class Sync:
    """One definition. `every` (`6h`, `30m`, `1d`) or `at` (`02:30`) says when it is due; "" is never."""

    name: str
    source: str
    destination: str
    filters: Filters = NO_FILTERS
    options: CopyOptions = _USUAL
    depth: str = "sizes"
    every: str = ""
    at: str = ""

    def due(self, last: datetime | None, now: datetime) -> bool:
        """Whether a run is due; both times in one zone. Never, without a schedule."""
        if self.every:
            return last is None or now - last >= interval(self.every)
        if not self.at:
            return False
        hour, minute = map(int, self.at.split(":"))
        today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        latest = today if today <= now else today - timedelta(days=1)
        return last is None or last < latest

    def next_due(self, last: datetime | None, now: datetime) -> datetime | None:
        """When a run is due next, in the zone of both times; not after `now` where it is due already, and
        None without a schedule."""
        if self.every:
            return now if last is None else last + interval(self.every)
        if not self.at:
            return None
        hour, minute = map(int, self.at.split(":"))
        today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if self.due(last, now):
            return min(today, now)
        return today if today > now else today + timedelta(days=1)

    def to_dict(self) -> dict[str, Any]:
        """As `config.toml` has it."""
        found: dict[str, Any] = {"source": self.source, "destination": self.destination}
        if self.depth != "sizes":
            found["depth"] = self.depth
        for values, usual in ((self.filters, NO_FILTERS), (self.options, CopyOptions())):
            for one in fields(values):
                value = getattr(values, one.name)
                if value != getattr(usual, one.name) and one.name not in _LEFT_OUT:
                    found[one.name] = _written(value)
        return found | {key: value for key in ("every", "at") if (value := getattr(self, key))}


def interval(text: str) -> timedelta:
    """`6h`, `30m`, `1d`. Raises UsageError for anything else."""
    match = _EVERY.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no interval.", "Write it as 30m, 6h or 1d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def check_schedule(every: str, at: str) -> None:
    """Raises UsageError for what is no schedule."""
    if every and at:
        raise UsageError("--every and --at exclude each other.", "Name one of them.")
    if every:
        interval(every)
    if at and not _AT.fullmatch(at):
        raise UsageError(f"{at!r} is no time of day.", "Write it as 02:30.")


def syncs(settings: Settings) -> dict[str, Sync]:
    """All that are saved, by name. Raises ConfigError naming the key that cannot be read."""
    return {name: _sync(name, table) for name, table in settings.syncs.items()}


def sync_named(settings: Settings, name: str) -> Sync:
    """Raises NotFound for a name that is not saved."""
    if name not in settings.syncs:
        known = ", ".join(settings.syncs) or "none"
        raise NotFound(f"No sync is saved as {name!r}.", f"Saved are: {known}. Add one: xnat-tui sync add")
    return _sync(name, settings.syncs[name])


def add(settings: Settings, sync: Sync) -> list[str]:
    """Save a new one; what to be told of it. Raises Conflict for a name that is taken, UsageError."""
    if sync.name in settings.syncs:
        hint = f"Change it: xnat-tui sync edit {sync.name}. Or remove it first."
        raise Conflict(f"A sync is saved as {sync.name} already.", hint)
    return edit(settings, sync)


def edit(settings: Settings, sync: Sync) -> list[str]:
    """Save one in place of what has its name; what to be told of it."""
    check_name(sync.name)
    check(settings, sync)
    save_sync(sync.name, sync.to_dict())
    return loops(settings, sync)


def check(settings: Settings, sync: Sync) -> None:
    """Raises UsageError where this can be no sync."""
    check_schedule(sync.every, sync.at)
    source, destination = (
        Location.parse(text, settings.addresses) for text in (sync.source, sync.destination)
    )
    for where in (source, destination):
        if not where.steps or where.has_glob:
            raise UsageError(f"{where} is no single project, subject or session.", "Name one place a side.")
    if settings.server(source.server).url == settings.server(destination.server).url:
        here, there = ([step.name for step in where.steps] for where in (source, destination))
        shorter = min(len(here), len(there))
        if here[:shorter] == there[:shorter]:
            raise UsageError("Source and destination stand one inside the other.", "Name two places apart.")
    if sync.depth not in ("sizes", "digests"):
        raise UsageError(f"depth cannot be {sync.depth!r}.", "It is sizes or digests.")
    sync.options.refuse_deidentify("A sync")
    if sync.options.via is Via.IMPORT or sync.options.mode is Mode.RSYNC:
        raise UsageError(
            "A sync sends files as they are: --via import and --mode rsync mean nothing to it.",
            "What an import rewrites differs from its source for ever.",
        )
    if sync.options.on_existing is not OnExisting.SKIP:
        raise UsageError("A sync decides by itself what to update.", "Leave that option out.")


def loops(settings: Settings, sync: Sync) -> list[str]:
    """What to be told where another sync feeds this one's source from its destination."""
    return [
        f"{other.name} copies {other.source} → {other.destination}, and {sync.name} the way back: they feed"
        " each other."
        for other in syncs(settings).values()
        if other.name != sync.name and (other.source, other.destination) == (sync.destination, sync.source)
    ]


def _sync(name: str, table: Mapping[str, Any]) -> Sync:
    known_filters = {one.name for one in fields(Filters)}
    known_options = {one.name for one in fields(CopyOptions)} - _LEFT_OUT
    for key in table:
        if key not in _OWN and key not in known_filters | known_options:
            raise _bad(name, key, "is not known")
    own = {key: table.get(key, "sizes" if key == "depth" else "") for key in _OWN}
    for key, value in own.items():
        if not isinstance(value, str):
            raise _bad(name, key, "must be text in quotes")
    for key in ("source", "destination"):
        if not own[key]:
            raise _bad(name, key, "is missing")
    try:
        filters = Filters(**{key: _filter(table[key]) for key in table if key in known_filters})
        options = CopyOptions(**{key: table[key] for key in table if key in known_options})
        check_schedule(own["every"], own["at"])
    except (XnatTuiError, ValueError, TypeError) as error:
        raise _bad(name, "", str(error)) from None
    return Sync(
        name, own["source"], own["destination"], filters, options, own["depth"], own["every"], own["at"]
    )


def _filter(value: Any) -> Any:
    if isinstance(value, str):
        return date.fromisoformat(value)
    return tuple(str(one) for one in value) if isinstance(value, list) else value


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, bool | int) else str(value)


def _bad(name: str, key: str, what: str) -> ConfigError:
    where = f"syncs.{name}.{key}" if key else f"[syncs.{name}]"
    return ConfigError(f"config.toml: {where} {what}.", "Correct it, or: xnat-tui sync remove NAME")


def with_changes(sync: Sync, **changes: Any) -> Sync:
    """The same with what is not None changed."""
    return replace(sync, **{key: value for key, value in changes.items() if value is not None})


def with_usual(sync: Sync, names: Iterable[str]) -> Sync:
    """The same without these filters and transfer options, named as a shell names them: `scan-type`, `since`,
    `verify`. Raises UsageError for what is neither."""
    filters, options = sync.filters, sync.options
    for name in names:
        field = name.removeprefix("--").replace("-", "_")
        if field in {one.name for one in fields(Filters)}:
            filters = replace(filters, **{field: getattr(NO_FILTERS, field)})
        elif field in {one.name for one in fields(CopyOptions)} - _LEFT_OUT:
            options = replace(options, **{field: getattr(_USUAL, field)})
        else:
            raise UsageError(f"{name!r} is no filter or option of a sync.", "Name it as add does: scan-type.")
    return replace(sync, filters=filters, options=options)


def path_of(settings: Settings, sync: Sync, text: str) -> str:
    """A location of either side as its path below the synced place; a path is one already."""
    if ":" not in text:
        return text.strip("/")
    where = Location.parse(text, settings.addresses)
    for root in (Location.parse(one, settings.addresses) for one in (sync.source, sync.destination)):
        if where.server == root.server and where.steps[: len(root.steps)] == root.steps:
            return relative_path(where.steps[len(root.steps) :])
    raise NotFound(
        f"{text} is in neither place of {sync.name}.", f"They are {sync.source}, {sync.destination}."
    )
