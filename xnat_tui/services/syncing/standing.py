"""How syncs stand: their last runs, when they are due, and what runs have told. Nothing asks a server."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from xnat_tui.config import Settings, save_sync
from xnat_tui.services.syncing.definitions import Sync, path_of, sync_named, syncs
from xnat_tui.services.syncing.memory import Memory, Run


@dataclass(frozen=True, slots=True)
class Standing:
    """One sync, and what became of it last."""

    sync: Sync
    last: Run | None
    """The newest run, which may be at work; None where it was never run."""
    next_due: datetime | None
    """None without a schedule."""
    due: bool

    @property
    def ran(self) -> datetime | None:
        """When the newest run began, in this machine's zone."""
        return began(self.last) if self.last is not None else None


def began(run: Run) -> datetime:
    """When a run began, in this machine's zone."""
    return datetime.fromtimestamp(run.began).astimezone()


def changes(run: Run) -> dict[str, int]:
    """How many changes a run told of, by what became of the things: `new`, `changed`, `renamed`, `gone`."""
    told = Counter(str(item["change"]) for item in run.document.get("items", ()))
    del told["none"]
    return dict(told)


def standings(settings: Settings) -> list[Standing]:
    """All syncs as they are saved, in that order. Raises ConfigError for what cannot be read."""
    now = datetime.now().astimezone()
    found = []
    with Memory() as memory:
        for sync in syncs(settings).values():
            last = memory.last_run(sync.name)
            ran = began(last) if last is not None else None
            found.append(Standing(sync, last, sync.next_due(ran, now), sync.due(ran, now)))
    return found


def runs(settings: Settings, name: str) -> list[Run]:
    """The runs of a sync, newest first. Raises NotFound for a name that is not saved."""
    sync_named(settings, name)
    with Memory() as memory:
        return memory.runs(name)


def item_log(settings: Settings, name: str, text: str) -> list[dict[str, str]]:
    """What all runs told of an item and of what stands below it, oldest first; before that the run that
    proved it first, where one has. `text` is a place of either side, or a path below it. Raises NotFound."""
    sync = sync_named(settings, name)
    return path_log(name, path_of(settings, sync, text))


def path_log(name: str, path: str) -> list[dict[str, str]]:
    """The same, by a path as reports have it."""
    with Memory() as memory:
        first = memory.first_run(name, path)
        return [*([first] if first is not None else []), *memory.log(name, path)]


def remove(settings: Settings, name: str) -> Sync:
    """Forget a sync, what it remembers and its history; what it copied stays. Raises NotFound, and Conflict
    while a run of it is at work."""
    found = sync_named(settings, name)
    with Memory() as memory:
        memory.check_free(name)
        save_sync(name, None)
        memory.forget(name)
    return found
