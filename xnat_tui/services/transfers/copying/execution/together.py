"""The small resources of one session in one go: one list before, one zip down, one list after all uploads.

Steps stay one per resource, each with its own outcome: the first one that runs does the work of those that
follow it, and these then only tell what became of them. A process that dies in between loses nothing: a step
whose outcome was not kept looks again at what is there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache

from lxml import etree

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.options import Mode, Via
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import ResourceCopy
from xnat_tui.services.transfers.copying.execution import attributes
from xnat_tui.services.transfers.copying.execution.resources import ResourceSending
from xnat_tui.services.transfers.copying.execution.sender import SOURCE_FAILED
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.lists import session_of
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.files import zips
from xnat_tui.xnat.files.zips import Member
from xnat_tui.xnat.http.connection import encode_uri
from xnat_tui.xnat.tables import listing

TOGETHER_BYTES = 64_000_000
TOGETHER_FILES = 5_000
"""What is done in one go at most: enough to be worth it, little enough to be lost."""
SHARE = 0.5
"""The part of a session's bytes from which one zip of all of it is cheaper than one for each resource."""

Key = tuple[str, str]
"""Scan ID, "" at the session itself, and resource label."""
Files = Mapping[Key, Sequence[Item]]
"""Of a session of the destination."""


def copy_resources(run: CopyRun, step: Step, control: Control) -> Outcome:
    """One resource, and those of its session that can go with it."""
    ready = run.ready.pop(step.number, None)
    if ready is not None:
        control.on_bytes(ready.bytes)
        for _ in range(ready.files):
            control.on_file()
        return ready
    steps = _companions(run, step)
    if len(steps) == 1:
        return ResourceSending(run, step, control).copy()
    for number, outcome in _together(run, steps, control).items():
        run.ready[number] = outcome
    return run.ready.pop(step.number)


def _companions(run: CopyRun, step: Step) -> list[Step]:
    """This step first."""
    if goes_alone(run) or not _goes_together(run, step):
        return [step]
    later = (one for one in run.below[step.session] if one.number > step.number)
    return few(run, [step, *(one for one in later if _goes_together(run, one))])


def goes_alone(run: CopyRun) -> bool:
    """Whether each resource is sent by itself: where bandwidth is limited, what others send must count while
    it is sent."""
    return bool(run.options.bandwidth) or run.options.mode is Mode.FILE or run.options.via is Via.IMPORT


def few(run: CopyRun, steps: Iterable[Step]) -> list[Step]:
    """As many of these, in their order, as are done in one go."""
    found: list[Step] = []
    size, files = 0, 0
    for one in steps:
        if one.number in run.ready or (
            found and (size + one.bytes > TOGETHER_BYTES or files + one.files > TOGETHER_FILES)
        ):
            continue
        found.append(one)
        size, files = size + one.bytes, files + one.files
    return found


def is_small(step: Step) -> bool:
    """Whether it sends all that a resource of a session or scan lacks, and not much."""
    work = step.work
    if not isinstance(work, ResourceCopy) or not step.writes or not step.lineage.experiment:
        return False
    if work.only or work.chosen or work.side:
        return False
    return step.bytes <= TOGETHER_BYTES and step.files <= TOGETHER_FILES


def owner_of(step: Step) -> str:
    """The address of what a resource stands at."""
    return step.target.uri.partition("/resources/")[0]


def _goes_together(run: CopyRun, step: Step) -> bool:
    """Whether what it stands at is surely there: the session itself, or a scan in its document."""
    if not is_small(step) or not owner_of(step).startswith(step.session):
        return False
    document = run.session_there(step)
    if document is None:
        return False
    scan = owner_of(step).removeprefix(step.session).removeprefix("/scans/")
    return owner_of(step) == step.session or scan in item_xml.scans(document)


def _together(run: CopyRun, steps: Sequence[Step], control: Control) -> dict[int, Outcome]:
    group = Together(run, steps, control)
    group.send(None if all(run.untouched(step) for step in steps) else _listed(run, steps))
    waiting = [copy.step for copy in group.waiting]
    there = _listed(run, waiting) if len(waiting) > 1 and run.options.verify else None
    group.settle(there)
    return group.prove(lambda: run.stored(steps[0].session))


class Together:
    """Resources of one session: sent, found in a list of all its files, proved by its document."""

    def __init__(self, run: CopyRun, steps: Sequence[Step], control: Control) -> None:
        """What the first step sends is told to `control`; nobody else's progress is."""
        self._run = run
        self._control = control
        self._steps = steps
        self._copies: list[ResourceSending] = []
        self.outcomes: dict[int, Outcome] = {}
        """Of the resources that failed so far."""

    def send(self, known: Files | None) -> None:
        """Upload what is missing, once. `known` are the files that stand there, None where that is to be
        asked for each resource."""
        for step in self._steps:
            first = step is self._steps[0]
            copy = ResourceSending(self._run, step, self._control if first else Unheard(self._control.stop))
            with self._failing(step):
                copy.prepare(None if known is None else known.get(key_of(step), ()))
                self._copies.append(copy)
        self._make()
        sending = [copy for copy in self.waiting if copy.decision.sent]
        with _one_zip(self._run, sending) as members:
            for copy in sending:
                copy.sender.members = members.get(copy.step.source.uri)
                with self._failing(copy.step):
                    copy.upload()
        for copy in self._copies:
            copy.sender.members = None

    @property
    def waiting(self) -> list[ResourceSending]:
        """Those that have not failed."""
        return [copy for copy in self._copies if copy.step.number not in self.outcomes]

    def without(self, missing: Callable[[Step], bool]) -> None:
        """Forget resources: their steps do the work in their turn."""
        forgotten = {step.number for step in self._steps if missing(step)}
        self._copies = [copy for copy in self._copies if copy.step.number not in forgotten]
        for number in forgotten & self.outcomes.keys():
            del self.outcomes[number]

    @property
    def sent_again(self) -> bool:
        """Whether a document that was read before `settle` may be older than what was sent."""
        return any(copy.uploads > 1 for copy in self._copies)

    def settle(self, there: Files | None) -> None:
        """Look for what was sent in this list; None where it could not be had."""
        for copy in self.waiting:
            if copy.decision.sent:
                with self._failing(copy.step):
                    copy.settle(None if there is None else there.get(key_of(copy.step), ()))

    def prove(self, ask: Callable[[], etree._Element | None]) -> dict[int, Outcome]:
        """One document of the session, asked for once, tells the attributes of all; then all outcomes."""
        document = cache(ask)
        for copy in self.waiting:
            if copy.proves_attributes:
                copy.prove_attributes(document)
        for copy in self._copies:
            self.outcomes.setdefault(copy.step.number, copy.outcome())
        return self.outcomes

    def _make(self) -> None:
        """Make what no upload would make as it is planned, all of them seen in one look at the session."""
        steps = {copy.step.number: copy.step for copy in self._copies}
        missing = [copy.step for copy in self._copies if copy.missing]
        try:
            needed = [copy.step for copy in self._copies if copy.is_made_first]
            refused = attributes.make(self._run, needed, missing, self._control)
        except Interrupted:
            raise
        except XnatTuiError as error:
            refused = {step.number: error for step in missing}
        for number, reason in refused.items():
            self.outcomes[number] = Outcome.failed(steps[number], reason)

    @contextmanager
    def _failing(self, step: Step) -> Iterator[None]:
        """What one resource meets is its own outcome, and stops no other."""
        try:
            yield
        except Interrupted:
            raise
        except XnatTuiError as error:
            self.outcomes[step.number] = Outcome.failed(step, error)


class Unheard(Control):
    """Progress of a step that has not begun yet: told when its turn comes."""

    def on_bytes(self, count: int) -> None:
        del count

    def on_file(self) -> None:
        pass


def key_of(step: Step) -> Key:
    """What a resource is known by within its session."""
    return owner_of(step).partition("/scans/")[2], step.carried(ResourceCopy).label


def _listed(run: CopyRun, steps: Sequence[Step]) -> Files | None:
    """All files of the destination's session; None where that cannot be had: each is then asked for alone.

    What one answer lacks proves nothing: `ResourceSending` looks for it again before it sends or fails.
    """
    held = run.held(steps[0], Kind.EXPERIMENT)
    found = files_there(run, [held.id]) if held else None
    return found[held.id] if found and held else None


def files_there(run: CopyRun, sessions: Sequence[str]) -> Mapping[str, Files] | None:
    """All files of these sessions of the destination, by their accession IDs; None where it does not tell."""
    found: dict[str, dict[Key, list[Item]]] = {one: defaultdict(list) for one in sessions}
    anywhere = Item(Kind.RESOURCE, "")
    try:
        for row in run.target.table(f"/data/experiments/{','.join(sessions)}/files", all="true"):
            owner = row["URI"].partition("/resources/")[0]
            session = owner.partition("/experiments/")[2].partition("/")[0]
            if len(sessions) > 1 and session not in found:
                return None  # nobody knows whose the others are
            if "/assessors/" not in owner and "/reconstructions/" not in owner:
                scan = owner.partition("/scans/")[2]
                files = found[session if len(sessions) > 1 else sessions[0]]
                files[scan, row["collection"]].append(listing.file_item(row, anywhere))
    except Interrupted:
        raise
    except XnatTuiError:
        return None
    return found


@contextmanager
def _one_zip(run: CopyRun, copies: Sequence[ResourceSending]) -> Iterator[Mapping[str, Mapping[str, Member]]]:
    """Members by resource address and path, of one zip with all of the session; empty where none pays."""
    session = session_of(copies[0].step.source.uri) if copies else ""
    wanted = sum(item.bytes or 0 for copy in copies for item in copy.decision.sent)
    whole = run.session_bytes(session) if len(copies) > 1 else None
    if whole is None or whole > 2 * TOGETHER_BYTES or wanted < SHARE * whole:
        yield {}
        return
    with ExitStack() as stack:
        try:
            path = f"{encode_uri(session)}/files"
            members = stack.enter_context(zips.fetch(run.source, path, all="true"))
        except SOURCE_FAILED:
            members = ()  # each resource is fetched by itself, and reports its own failure
        yield _grouped(run, copies, members)


def _grouped(
    run: CopyRun, copies: Sequence[ResourceSending], members: Sequence[Member]
) -> dict[str, dict[str, Member]]:
    by_owner: dict[tuple[tuple[str, ...], str], dict[str, Member]] = defaultdict(dict)
    for member in members:
        by_owner[member.owner[1:], member.resource][member.path] = member
    scans = item_xml.scans(run.document(session_of(copies[0].step.source.uri)))
    found: dict[str, dict[str, Member]] = {}
    for copy in copies:
        uri, label = copy.step.source.uri, copy.work.label
        scan = uri.partition("/resources/")[0].partition("/scans/")[2]
        kind = scans[scan].get("type", "") if scan in scans else ""
        # the type stands beside the ID where the address names the scans: not by the source with `all`
        named = {scan, f"{scan}-{re.sub(r'[^A-Za-z0-9_]', '_', kind)}"}
        owners: list[tuple[str, ...]] = [("scans", name) for name in sorted(named)] if scan else [()]
        held = [by_owner[owner, label] for owner in owners if (owner, label) in by_owner]
        if len(held) == 1:
            found[uri] = held[0]
    return found
