"""The small resources of one session in one go: one list before, one zip down, one list after all uploads.

Steps stay one per resource, each with its own outcome: the first one that runs does the work of those that
follow it, and these then only tell what became of them. A process that dies in between loses nothing: a step
whose outcome was not kept looks again at what is there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache

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

_Key = tuple[str, str]
"""Scan ID, "" at the session itself, and resource label."""


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
    """This step first. Alone where bandwidth is limited: what others send must count while it is sent."""
    alone = bool(run.options.bandwidth) or run.options.mode is Mode.FILE or run.options.via is Via.IMPORT
    if alone or not _goes_together(run, step):
        return [step]
    found, size, files = [step], step.bytes, step.files
    for one in run.below[step.session]:
        if one.number <= step.number or one.number in run.ready or not _goes_together(run, one):
            continue
        if size + one.bytes <= TOGETHER_BYTES and files + one.files <= TOGETHER_FILES:
            found.append(one)
            size, files = size + one.bytes, files + one.files
    return found


def _goes_together(run: CopyRun, step: Step) -> bool:
    """Whether what it stands at is surely there: the session itself, or a scan in its document."""
    work = step.work
    if not isinstance(work, ResourceCopy) or not step.writes or not step.lineage.experiment:
        return False
    if step.bytes > TOGETHER_BYTES or work.only or work.side:
        return False
    owner = step.target.uri.partition("/resources/")[0]
    session = step.session
    document = run.session_there(step) if owner.startswith(session) else None
    if document is None:
        return False
    scan = owner.removeprefix(session).removeprefix("/scans/")
    return owner == session or scan in item_xml.scans(document)


def _together(run: CopyRun, steps: Sequence[Step], control: Control) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    copies: list[ResourceSending] = []
    known = None if all(run.untouched(step) for step in steps) else _listed(run, steps)
    for step in steps:
        copy = ResourceSending(run, step, _Own(control.stop) if step is not steps[0] else control)
        with _failing(outcomes, step):
            copy.prepare(None if known is None else known.get(_key(step), ()))
            copies.append(copy)
    _make(run, copies, outcomes, control)
    sending = [copy for copy in copies if copy.decision.sent and copy.step.number not in outcomes]
    with _one_zip(run, sending) as members:
        for copy in copies:
            if copy in sending:
                copy.sender.members = members.get(copy.step.source.uri)
                with _failing(outcomes, copy.step):
                    copy.upload()
    waiting = [copy for copy in copies if copy.decision.sent and copy.step.number not in outcomes]
    there = _listed(run, [copy.step for copy in waiting]) if len(waiting) > 1 and run.options.verify else None
    for copy in copies:
        copy.sender.members = None
        if copy.step.number in outcomes:
            continue
        with _failing(outcomes, copy.step):
            if copy.decision.sent:
                copy.settle(None if there is None else there.get(_key(copy.step), ()))
    _prove_attributes(run, [copy for copy in copies if copy.step.number not in outcomes])
    for copy in copies:
        outcomes.setdefault(copy.step.number, copy.outcome())
    return outcomes


def _make(
    run: CopyRun, copies: Sequence[ResourceSending], outcomes: dict[int, Outcome], control: Control
) -> None:
    """Make what no upload would make as it is planned, all of them seen in one look at the session."""
    steps = {copy.step.number: copy.step for copy in copies}
    missing = [copy.step for copy in copies if copy.missing]
    try:
        needed = [copy.step for copy in copies if copy.is_made_first]
        refused = attributes.make(run, needed, missing, control)
    except Interrupted:
        raise
    except XnatTuiError as error:
        refused = {step.number: error for step in missing}
    for number, reason in refused.items():
        outcomes[number] = Outcome.failed(steps[number], reason)


def _prove_attributes(run: CopyRun, copies: Sequence[ResourceSending]) -> None:
    """One document of the session, asked for once, tells the attributes of all."""
    document = cache(lambda: run.stored(copies[0].step.session))
    for copy in copies:
        if copy.proves_attributes:
            copy.prove_attributes(document)


@contextmanager
def _failing(outcomes: dict[int, Outcome], step: Step) -> Iterator[None]:
    """What one resource meets is its own outcome, and stops no other."""
    try:
        yield
    except Interrupted:
        raise
    except XnatTuiError as error:
        outcomes[step.number] = Outcome.failed(step, error)


class _Own(Control):
    """Progress of a step that has not begun yet: told when its turn comes."""

    def on_bytes(self, count: int) -> None:
        del count

    def on_file(self) -> None:
        pass


def _key(step: Step) -> _Key:
    owner = step.target.uri.partition("/resources/")[0]
    return owner.partition("/scans/")[2], step.carried(ResourceCopy).label


def _listed(run: CopyRun, steps: Sequence[Step]) -> dict[_Key, list[Item]] | None:
    """All files of the destination's session; None where that cannot be had: each is then asked for alone.

    What one answer lacks proves nothing: `ResourceSending` looks for it again before it sends or fails.
    """
    held = run.held(steps[0], Kind.EXPERIMENT)
    if held is None:
        return None
    found: dict[_Key, list[Item]] = defaultdict(list)
    anywhere = Item(Kind.RESOURCE, "")
    try:
        for row in run.target.table(f"/data/experiments/{held.id}/files", all="true"):
            owner = row["URI"].partition("/resources/")[0]
            if "/assessors/" not in owner and "/reconstructions/" not in owner:
                scan = owner.partition("/scans/")[2]
                found[scan, row["collection"]].append(listing.file_item(row, anywhere))
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
