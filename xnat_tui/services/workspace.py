"""The composition root: servers by name, one connection each, and every call that a user can make.

    with xnat_tui.connect("lab", "qc") as workspace:
        difference = workspace.compare("lab:P", "qc:P", depth="sizes")

The explorer and the verbs use these same calls, and the services that they give.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_tui.config import Settings
from xnat_tui.errors import ConfigError, Conflict, NotFound, UsageError
from xnat_tui.model.changed import Changed, changed_by
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.location import Location
from xnat_tui.model.notice import Notice
from xnat_tui.model.options import CopyOptions, ExportOptions, UploadOptions
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan
from xnat_tui.services.administration.entrance import Administration
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.servers import Prompt, Where

if TYPE_CHECKING:
    from xnat_tui.jobs.job import Event
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.model.transfer import Report
    from xnat_tui.services.asking.table import Table
    from xnat_tui.services.comparing.sites import SiteComparison
    from xnat_tui.services.syncing.entrance import Syncing, SyncPlan, SyncReport
    from xnat_tui.services.transfers.copying.planning.plan import NewProject
    from xnat_tui.services.transfers.deidentified.planning import Target as DeidentifiedTarget
    from xnat_tui.services.transfers.moving import Moving
_log = logging.getLogger("xnat_tui.workspace")


class Workspace(Administration):
    """Servers, and what can be done between them and on them. Safe to use from several threads.

    What is written through it is told to other processes of this user, which may show it.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        prompt: Prompt | None = None,
        insecure: bool = False,
        on_notice: Callable[[Notice], None] | None = None,
    ) -> None:
        super().__init__(settings, prompt=prompt, insecure=insecure, on_notice=on_notice)
        self._heard = threading.local()
        self.changes.listen(self._tell_others)

    def comparison(
        self,
        source: Location | str,
        destination: Location | str,
        *,
        depth: str = "sizes",
        fields: str = "listed",
        filters: Filters = NO_FILTERS,
    ) -> Comparison:
        """Two places ready to be compared; `run` it, or use `compare`. Raises NotFound, UsageError."""
        _one_of("depth", depth, [str(known) for known in Depth])
        _one_of("fields", fields, ["listed", "all"])
        reader = self._anew()
        one, other = (
            find_one(reader(where.server), where) for where in (self._where(source), self._where(destination))
        )
        if one.kind is not other.kind:
            raise UsageError(
                f"{one.location} is a {one.kind}, {other.location} a {other.kind}: they cannot be compared.",
                "Name two places of one kind.",
            )
        for place in (one, other):
            filters = settled(filters, reader(place.server), [place])
        return Comparison(
            Side(reader(one.server), one),
            Side(reader(other.server), other),
            depth=Depth(depth),
            fields=fields,
            neutral=self.settings.neutral_fields,
            filters=filters,
        )

    def compare(
        self,
        source: Location | str,
        destination: Location | str,
        *,
        depth: str = "sizes",
        fields: str = "listed",
        filters: Filters = NO_FILTERS,
    ) -> Comparison:
        """Compare two places completely.

        `depth` is "labels", "sizes" or "digests"; `fields` "listed" or "all". What could not be read is
        in the result as `unreadable`. Raises NotFound, NotAllowed, ServerUnreachable.
        """
        comparison = self.comparison(source, destination, depth=depth, fields=fields, filters=filters)
        comparison.run()
        return comparison

    def table(
        self,
        kind: str,
        *locations: Where,
        columns: Sequence[str] = (),
        sort: Sequence[str] = (),
        filters: Filters = NO_FILTERS,
        remember: bool = False,
    ) -> Table[Place]:
        """A row for each of the "subjects", "sessions", "scans", "assessors", "resources" or "files" at and
        below these places, read anew.

        `pandas.DataFrame(table.rows)` and `polars.DataFrame(table.rows)` take it as it is. `columns` are
        XNAT's names, also `subject.gender` and the like; `known` of the table has them all, and `chosen` and
        `sorted` give it with other ones, and nothing is asked. `sort` are columns, with `-` downwards. What
        could not be read is in `unreadable`, and None in rows. With `remember`, which takes places that were
        looked up, trees of this workspace need not ask again. Raises UsageError, NotFound, NotAllowed.
        """
        from xnat_tui.services.asking.entrance import ask_table

        wanted = [where if isinstance(where, Place) else self._where(where) for where in locations]
        reader = self.reader if remember else self._anew()
        for where in wanted:
            if remember and isinstance(where, Place):
                reader(where.server).forget(where)
        found = ask_table(
            kind, reader, wanted, lambda told: self._find(reader, wanted, on_unreadable=told), filters
        )
        return found.chosen(columns).sorted(sort)

    def compare_sites(self, source: Location | str, destination: Location | str) -> SiteComparison:
        """Compare two servers by their projects and how much each owns: few requests, however many they are.

        Raises UsageError for places below a server, NotAllowed, ServerUnreachable.
        """
        from xnat_tui.services.comparing.sites import SiteComparison

        reader = self._anew()
        one, other = (self._where(where) for where in (source, destination))
        for where in (one, other):
            if where.steps:
                raise UsageError(f"{where} is no server: only servers are compared by projects.", "Name two.")
        sides = (Side(reader(where.server), Place(where.server)) for where in (one, other))
        comparison = SiteComparison(*sides, neutral=self.settings.neutral_fields)
        comparison.run()
        return comparison

    def plan_copy(
        self,
        sources: Sequence[Where] | Where,
        destination: Where,
        *,
        options: CopyOptions | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Plan:
        """What copying these places would do; nothing is written.

        `destination` is a server (project IDs are kept), a project that exists or is to be created, or an
        item further down. Raises NotFound, UsageError, NotAllowed.
        """
        from xnat_tui.services.transfers.copying.planning.plan import plan_copy
        from xnat_tui.services.transfers.deidentified.planning import plan_deidentified

        reader = self._anew()
        places = list(self._find(reader, _several(sources)))
        target: Place | NewProject
        if isinstance(destination, Place):
            target = destination
        else:
            where = self._where(destination)
            target = _target(reader(where.server), where)
        source = reader(places[0].server if places else target.server)
        if options is not None and options.deidentify:
            there = _existing(reader(target.server), target)
            return plan_deidentified(source, places, there, options, filters)
        return plan_copy(
            source,
            places,
            reader(target.server),
            target,
            options,
            filters,
        )

    def moving(
        self,
        server: str,
        destination: Location | str,
        *,
        wait: Callable[[float], bool] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> Moving:
        """What deletes items of a server once they are proved to be at a destination, a server or a project.

        `wait` and `told` as for `renaming`. Raises UsageError for other destinations.
        """
        from xnat_tui.services.transfers.moving import Moving

        where = self._where(destination)
        return Moving(
            self.deletion(server, wait=wait, told=told),
            lambda name: Reader(self.connection(name)),
            where,
            lambda place, options: self.plan_copy([place], where, options=options),
        )

    def plan_export(
        self,
        sources: Sequence[Where] | Where,
        folder: Path | str,
        *,
        options: ExportOptions | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Plan:
        """What downloading these places to a folder would fetch; nothing is written.

        Raises UsageError for places of several servers, NotFound, NotAllowed.
        """
        from xnat_tui.services.transfers.deidentified.planning import Target, plan_deidentified
        from xnat_tui.services.transfers.exporting.planning import plan_export

        reader = self._anew()
        places = list(self._find(reader, _several(sources)))
        if len({place.server for place in places}) != 1:
            raise UsageError("One export has one source server.", "Start one export for each server.")
        if options is not None and options.deidentify:
            there = Target(str(Path(folder).expanduser().resolve()))
            return plan_deidentified(reader(places[0].server), places, there, options, filters)
        return plan_export(reader(places[0].server), places, Path(folder), options, filters)

    def plan_upload(
        self,
        paths: Sequence[Path | str] | Path | str,
        destination: Location | str,
        *,
        to: str = "prearchive",
        options: UploadOptions | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Plan:
        """What sending these files, folders and archives would do; nothing is written.

        A destination of `.../resources/R` takes any files; anything above it takes DICOM, to "prearchive" or
        on to "archive". Raises UsageError, NotFound, NotAllowed.
        """
        from xnat_tui.services.transfers.uploading.planning import plan_upload

        paths = [paths] if isinstance(paths, Path | str) else paths
        return plan_upload(self, paths, destination, to=to, options=options, filters=filters)

    def run(
        self, plan: Plan, on_event: Callable[[Event], None] | None = None, *, job: str | None = None
    ) -> Report:
        """Run a plan in this process, remembered in the journal, and say what became of it.

        `on_event` hears steps and failures. A failure is in the report, not raised; a job that was
        interrupted, or whose server cannot be reached any more, is `paused`, its `note` says why, and it
        can be resumed with `xnat-tui jobs resume`. Raises Conflict for a plan that must not
        run (`Plan.blocked`).
        """
        from xnat_tui.jobs.journal import Journal
        from xnat_tui.jobs.runner import run
        from xnat_tui.services.transfers.running.executors import executor_for

        with Journal() as journal, executor_for(plan, self.connection) as execute:
            name = job or self.remember(plan, journal)
            try:
                return run(journal, name, execute, workers=plan.options.workers, on_event=on_event)
            finally:
                written = dict.fromkeys(changed_by(step) for step in plan.steps)
                self.hear(*(one for one in written if one is not None))

    def syncing(
        self,
        on_event: Callable[[Event], None] | None = None,
        *,
        run_job: Callable[[str], Report] | None = None,
    ) -> Syncing:
        """Saved syncs: planned, run, adopted; `on_event` hears the steps of their jobs. With `run_job` these
        are not run in this process, but by it, which gets their IDs."""
        from xnat_tui.services.syncing.entrance import Syncing

        return Syncing(self, on_event, run_job=run_job)

    def plan_sync(self, name: str, *, prefer: str = "", restore: bool = False) -> SyncPlan:
        """What a run of a saved sync would do; nothing is written. Raises NotFound, Conflict.

        `prefer` is "source" or "destination" for conflicts; `restore` brings back what is gone there.
        """
        return self.syncing().plan(name, prefer=prefer, restore=restore)

    def sync(
        self,
        plan: SyncPlan | str,
        on_event: Callable[[Event], None] | None = None,
        *,
        prefer: str = "",
        restore: bool = False,
    ) -> SyncReport:
        """Run a saved sync, or a plan of one, and say what became of it. Raises NotFound, and Conflict where
        another run of it is at work or a side is not what it was."""
        planned = self.plan_sync(plan, prefer=prefer, restore=restore) if isinstance(plan, str) else plan
        return self.syncing(on_event).run(planned)

    def readers_anew(self) -> Callable[[str], Reader]:
        """Readers by server name that have read nothing yet, each made once."""
        return self._anew()

    def hear(self, *changes: Changed) -> None:
        """Say here what somebody else wrote, who has told other processes himself: a job's worker, a verb."""
        self._heard.now = True
        try:
            self.changes.say(*changes)
        finally:
            self._heard.now = False

    def _tell_others(self, changed: Changed) -> None:
        if getattr(self._heard, "now", False):
            return
        from xnat_tui.jobs.journal import Journal

        try:
            with Journal() as journal:
                journal.tell(changed)
        except ConfigError as error:  # what was written stands; an open explorer shows it after a reload
            _log.warning("other processes were not told of a change: %s", error.message)

    @staticmethod
    def remember(plan: Plan, journal: Journal) -> str:
        """Write a plan to the journal as a queued job; its ID. Raises Conflict if it may not run."""
        if plan.blocked:
            errors = [finding for finding in plan.findings if finding.severity == "error"]
            reasons = " ".join(finding.message for finding in errors)
            raise Conflict(f"This plan cannot be run. {reasons}", "Mend that, then plan again.")
        return journal.create(plan, f"{' '.join(plan.sources)} → {plan.destination}")


def connect(*servers: str, prompt: Prompt | None = None) -> Workspace:
    """Sign in to saved servers or URLs; others are signed in to when a call needs them.

    Raises UsageError for a name that is not saved, ServerUnreachable, SignInFailed.
    """
    workspace = Workspace(prompt=prompt)
    try:
        for name in _known(workspace, servers):
            workspace.reader(name)
    except BaseException:
        workspace.close()
        raise
    return workspace


def _target(reader: Reader, where: Location) -> Place | NewProject:
    from xnat_tui.services.transfers.copying.planning.plan import NewProject

    if not where.steps:
        return Place(where.server)
    try:
        return find_one(reader, where)
    except NotFound:
        if len(where.steps) > 1 or where.has_glob:
            raise
        return NewProject(where.server, where.name)


def _existing(reader: Reader, target: Place | NewProject) -> DeidentifiedTarget:
    """Raises UsageError for what is no project of the destination."""
    from xnat_tui.services.transfers.deidentified.planning import Target

    if not isinstance(target, Place) or target.kind is not Kind.PROJECT:
        raise UsageError(
            "What is de-identified goes into a project that is there: nothing of its source's is copied.",
            "Make one: xnat-tui project create. Then name it.",
        )
    return Target(str(target.location), reader, target)


def _several(locations: Sequence[Where] | Where) -> Sequence[Where]:
    """One location is as good as a list of one."""
    return [locations] if isinstance(locations, Location | str | Place) else locations


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"{name} cannot be {value!r}.", f"It is one of: {', '.join(known)}.")


def _known(workspace: Workspace, servers: Iterable[str]) -> Iterable[str]:
    for text in servers:
        yield workspace.location(text).server if "://" in text else text.removesuffix(":")
