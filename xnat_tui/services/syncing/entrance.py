"""Syncs of one workspace, by name: planned, run, adopted. Verbs, the explorer and scripts call these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from xnat_tui.config import Settings, load
from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.model.threeway import Prefer, Wishes
from xnat_tui.model.transfer import Report, State
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.syncing import planning, running, standing
from xnat_tui.services.syncing.definitions import Sync, sync_named
from xnat_tui.services.syncing.memory import Memory, Run
from xnat_tui.services.syncing.planning import SyncPlan
from xnat_tui.services.syncing.running import SyncReport
from xnat_tui.services.syncing.standing import Standing, standings

if TYPE_CHECKING:
    from xnat_tui.jobs.job import Event
    from xnat_tui.model.location import Location
    from xnat_tui.model.plan import Plan
    from xnat_tui.services.reading.reader import Reader


class Host(Protocol):
    """What a sync needs of a workspace."""

    settings: Settings

    def location(self, text: str) -> Location: ...

    def readers_anew(self) -> Callable[[str], Reader]: ...

    def remember(self, plan: Plan, journal: Journal) -> str: ...

    def run(
        self, plan: Plan, on_event: Callable[[Event], None] | None = None, *, job: str | None = None
    ) -> Report: ...


class Syncing:
    """All syncs of a workspace's settings. Makes the memory's file when it is first needed."""

    def __init__(
        self,
        workspace: Host,
        on_event: Callable[[Event], None] | None = None,
        *,
        run_job: Callable[[str], Report] | None = None,
    ) -> None:
        """`run_job` runs a job of the journal to its end, as a worker's process does, by its ID; without it
        jobs run in this process."""
        self._workspace = workspace
        self._on_event = on_event
        self._run_job = run_job

    def plan(self, name: str, *, prefer: str = "", restore: bool = False, guarded: bool = True) -> SyncPlan:
        """What a run would do. Writes nothing. Raises NotFound for a name that is not saved, and Conflict."""
        sync = sync_named(self._workspace.settings, name)
        with Memory() as memory:
            return planning.plan_sync(
                sync,
                memory,
                self._workspace.readers_anew(),
                self._workspace.location,
                neutral=self._workspace.settings.neutral_fields,
                wishes=Wishes(Prefer(prefer), restore),
                guarded=guarded,
            )

    def run(self, planned: SyncPlan, *, everything: bool = False) -> SyncReport:
        """Carry out what was planned. Raises Conflict where another run is at work or came in between."""
        with Memory() as memory:
            return running.run_sync(planned, memory, self, everything=everything)

    def adopt(self, name: str) -> SyncReport:
        """Take both sides as they are now: nothing is copied. Raises NotFound where a side is not there."""
        planned = self.plan(name, guarded=False)
        if planned.decisions is None:
            raise Conflict(
                f"{planned.sync.destination} is not there: nothing can be adopted.", "Run the sync."
            )
        with Memory() as memory:
            return running.adopt(planned, memory)

    def standings(self) -> list[Standing]:
        """All syncs as `config.toml` has them now, each with its newest run. Raises ConfigError."""
        self._workspace.settings = replace(self._workspace.settings, syncs=load().syncs)
        return standings(self._workspace.settings)

    def runs(self, name: str) -> list[Run]:
        """Newest first. Raises NotFound for a name that is not saved."""
        return standing.runs(self._workspace.settings, name)

    def item_log(self, name: str, text: str) -> list[dict[str, str]]:
        """What all runs told of an item, by a place of either side or a path. Raises NotFound."""
        return standing.item_log(self._workspace.settings, name, text)

    def path_log(self, name: str, path: str) -> list[dict[str, str]]:
        """The same, by a path as reports have it."""
        return standing.path_log(name, path)

    def remove(self, name: str) -> None:
        """Forget a sync, what it remembers and its history. Raises NotFound, and Conflict while it runs."""
        standing.remove(self._workspace.settings, name)

    def due(self) -> list[Sync]:
        """Those whose schedule says so by now."""
        return [one.sync for one in standings(self._workspace.settings) if one.due]

    def carry_out(self, planned: SyncPlan, note: Callable[[str], None]) -> Report:
        """Run the plan as a job of the journal, in this process or where `run_job` does."""
        assert planned.plan is not None, "it writes something"
        with Journal() as journal:
            job = self._workspace.remember(planned.plan, journal)
        note(job)
        if self._run_job is not None:
            return self._carried_out(job, self._run_job)
        return self._workspace.run(planned.plan, self._on_event, job=job)

    def _carried_out(self, job: str, run_job: Callable[[str], Report]) -> Report:
        try:
            return run_job(job)
        except XnatTuiError as error:
            with Journal() as journal:
                found = report(journal, job)
            if found.state is State.QUEUED:  # it was never begun
                raise
            return replace(found, note=found.note or error.message)  # what has arrived is proved all the same

    def requests(self, planned: SyncPlan) -> tuple[int, int]:
        """How many were sent to source and destination since they were signed in to."""
        readers = self._workspace.readers_anew()
        one, other = (
            readers(self._workspace.location(text).server).connection.requests
            for text in (planned.sync.source, planned.sync.destination)
        )
        return one, other

    def compare(self, planned: SyncPlan) -> Comparison:
        """Both sides as they are now, nothing remembered."""
        return planning.compare(
            planned.sync,
            self._workspace.readers_anew(),
            self._workspace.location,
            self._workspace.settings.neutral_fields,
        )


__all__: Sequence[str] = ["SyncPlan", "SyncReport", "Syncing"]
