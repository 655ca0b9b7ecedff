"""What a run would do: both sides judged against the memory, and a plan of what was decided alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import Mode, Shared
from xnat_tui.model.pairing import Depth, FieldDifference, Pair
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, Plan
from xnat_tui.model.threeway import PLAIN, Deed, Ending, Wishes
from xnat_tui.model.work import FieldsCopy, ResourceCopy
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.syncing.decisions import Decisions, Told
from xnat_tui.services.syncing.definitions import Sync
from xnat_tui.services.syncing.guards import check_sides
from xnat_tui.services.syncing.memory import Memory
from xnat_tui.services.transfers.copying.planning.plan import NewProject, begin, finished, plan_copy
from xnat_tui.services.transfers.copying.planning.resources import resource_uri
from xnat_tui.services.transfers.copying.planning.spots import Spot
from xnat_tui.services.transfers.copying.planning.walk import Walk
from xnat_tui.services.transfers.file_decisions import state_of

Readers = Callable[[str], Reader]
"""Makes a reader of a server by its name; one that has read nothing yet."""


@dataclass(slots=True)
class SyncPlan:
    """What a run would do, and what it tells. Nothing is written by making it."""

    sync: Sync
    ends: str
    """Both places by address: what is remembered is of these."""
    wishes: Wishes
    plan: Plan | None
    """None where nothing is to be written to the destination."""
    decisions: Decisions | None
    """None where the destination's project has yet to be made."""
    last_run: str
    requests: tuple[int, int] = (0, 0)

    @property
    def told(self) -> list[Told]:
        return self.decisions.told if self.decisions is not None else []

    @property
    def writes(self) -> bool:
        return self.plan is not None and self.plan.writes

    @property
    def overwrites(self) -> bool:
        """Whether what somebody changed at the destination would be overwritten, as it was asked for."""
        return any(one.judged.overrules for one in self.told if one.moves)


def compare(
    sync: Sync, readers: Readers, locations: Callable[[str], Location], neutral: tuple[str, ...]
) -> Comparison:
    """Both sides, read and compared. Raises NotFound where one is not there."""
    places = []
    for text in (sync.source, sync.destination):
        where = locations(text)
        reader = readers(where.server)
        places.append(Side(reader, find_one(reader, where)))
    filters = sync.filters
    for side in places:
        filters = settled(filters, side.reader, [side.root])
    comparison = Comparison(*places, depth=Depth(sync.depth), neutral=neutral, filters=filters)
    comparison.run()
    return comparison


def plan_sync(
    sync: Sync,
    memory: Memory,
    readers: Readers,
    locations: Callable[[str], Location],
    *,
    neutral: tuple[str, ...] = (),
    wishes: Wishes = PLAIN,
    guarded: bool = True,
) -> SyncPlan:
    """Read both sides, judge everything, and plan what was decided. Writes nothing anywhere.

    Raises Conflict while another run of it is at work, and where a side is not what it was (`guards`).
    """
    memory.check_free(sync.name)
    runs = memory.runs(sync.name)
    last = runs[0].id if runs else ""
    source, destination = locations(sync.source), locations(sync.destination)
    ends = " ".join(
        f"{readers(where.server).connection.url} {'/'.join(step.name for step in where.steps)}"
        for where in (source, destination)
    )
    connections = [readers(where.server).connection for where in (source, destination)]
    before = [connection.requests for connection in connections]

    def asked() -> tuple[int, int]:
        one, other = (now.requests - then for now, then in zip(connections, before, strict=True))
        return one, other

    number = memory.pair(sync.name, ends)
    known = memory.known(number) if number else {}
    try:
        comparison = compare(sync, readers, locations, neutral)
    except NotFound:
        target = _new_project(destination, readers)
        if target is None or known:
            raise
        where = find_one(readers(source.server), source)
        plan = plan_copy(
            readers(source.server), [where], readers(destination.server), target, sync.options, sync.filters
        )
        return SyncPlan(sync, ends, wishes, plan, None, last, asked())
    if guarded:
        check_sides(sync.name, comparison, known)
    shared = sync.options.shared is not Shared.SKIP
    decisions = Decisions(comparison, memory, number, known, wishes, shared=shared)
    decisions.make()
    drawn = Draughtsman(sync, comparison, decisions.told).plan()
    return SyncPlan(sync, ends, wishes, drawn, decisions, last, asked())


def _new_project(where: Location, readers: Readers) -> NewProject | None:
    """The destination's project where the server answers that there is none of that name."""
    if len(where.steps) != 1:
        return None
    try:
        find_one(readers(where.server), where)
    except NotFound:
        return NewProject(where.server, where.name)
    return None


class Draughtsman:
    """Makes of verdicts the steps of one plan: what is new by the walk of a copy, the rest one by one."""

    def __init__(self, sync: Sync, comparison: Comparison, told: list[Told]) -> None:
        self._sync = sync
        self._comparison = comparison
        self._told = told
        self._walk: Walk

    def plan(self) -> Plan | None:
        """The plan; None where nothing is to be written. What cannot be planned is told as held."""
        moving = [one for one in self._told if one.moves]
        if not moving:
            return None
        source, destination = self._comparison.source, self._comparison.destination
        filters = replace(self._sync.filters, limit_subjects=None)
        target = (
            destination.root.up_to(Kind.PROJECT) if len(destination.root.items) == 1 else destination.root
        )
        self._walk, meant = begin(
            source.reader, [source.root], destination.reader, target, self._sync.options, filters
        )
        fields: dict[int, list[Told]] = defaultdict(list)
        files: dict[int, list[Told]] = defaultdict(list)
        for one in moving:
            if one.field:
                fields[id(one.pair)].append(one)
            elif one.pair.kind is Kind.FILE:
                files[id(one.pair.parent)].append(one)
            else:
                self._add(one)
        for some in fields.values():
            self._safely(some, self._fields)
        for some in files.values():
            if self._sync.options.mode is Mode.METADATA:
                for one in some:
                    one.state, one.reason = Ending.HELD, "files are left out by --mode metadata"
                continue
            self._safely(some, self._files)
        draft = self._walk.draft
        project = destination.root.of(Kind.PROJECT)
        if project is not None and project.key not in draft.target_projects:
            draft.target_projects.append(project.key)
        self._walk.finish(source.root)
        return finished(draft, [source.root], target, meant)

    def _add(self, one: Told) -> None:
        where = self._comparison.tree.place(one.pair)
        assert where is not None, "what is copied stands at the source"
        first = len(self._walk.draft.steps)
        self._walk.add(where)
        mine = self._walk.draft.steps[first:]
        own = [step for step in mine if step.path == self._walk.context.path(where)]
        refused = next((step for step in own if not step.writes), None)
        if refused is not None and not any(step.writes for step in own):
            one.state, one.reason = Ending.HELD, refused.reason
        elif not own and one.pair.kind is not Kind.RESOURCE:
            why = next((step.reason for step in mine if not step.writes), "filters leave it out")
            one.state, one.reason = Ending.HELD, why

    def _safely(self, some: list[Told], do: Callable[[list[Told]], None]) -> None:
        try:
            do(some)
        except XnatTuiError as error:
            for one in some:
                one.state, one.reason = Ending.HELD, error.message

    def _spot(self, pair: Pair) -> tuple[Place, Spot]:
        """Where a pair that is on both sides stands at the source, and there."""
        place = self._comparison.tree.place(pair)
        assert place is not None
        spot: Spot | None = None
        for item in place.items:
            spot = self._walk.context.there.spot(item, spot)
        assert spot is not None
        return place, spot

    def _fields(self, some: list[Told]) -> None:
        place, spot = self._spot(some[0].pair)
        work = FieldsCopy({one.field: one.destination for one in some})
        words = ", ".join(one.field for one in some)
        self._walk.draft.step(Action.UPDATE, place, spot, words, work, replaces=True, details=_details(some))

    def _files(self, some: list[Told]) -> None:
        resource = some[0].pair.parent
        assert resource is not None
        place = self._comparison.tree.place(resource)
        owner = resource.parent
        while owner is not None and owner.group is not None:
            owner = owner.parent
        there = resource.destination
        assert place is not None
        assert owner is not None
        assert place.item is not None
        _, spot = self._spot(owner)
        item = place.item
        work = ResourceCopy(
            label=item.key,
            number=item.id,
            side=item.side,
            recorded=item.files,
            exists=True,
            format=item.fields.get("format", ""),
            content=item.fields.get("content", ""),
            description=item.fields.get("description", ""),
            tags=item.fields.get("tags", ""),
            chosen={one.pair.key: state_of(one.pair.destination) for one in some},
        )
        size = sum(one.pair.source.bytes or 0 for one in some if one.pair.source is not None)
        new = sum(one.judged.deed is Deed.COPY for one in some)
        parts = [
            f"{count} {word}" for count, word in ((new, "missing"), (len(some) - new, "replaced")) if count
        ]
        self._walk.draft.step(
            Action.UPLOAD,
            place,
            spot,
            ", ".join(parts),
            work,
            uri=resource_uri(spot, item, there),
            there=there,
            files=len(some),
            size=size,
            replaces=len(some) > new,
            details=_details([one for one in some if one.destination]),
        )


def _details(some: list[Told]) -> list[FieldDifference]:
    """What is replaced, and by what."""
    return [FieldDifference(one.field or one.pair.key, one.source, one.destination) for one in some]
