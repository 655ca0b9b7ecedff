"""Running a planned sync: what agrees is remembered, the plan is a job, what it wrote is compared again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.model.threeway import Change, Deed, Ending
from xnat_tui.model.transfer import Report, State
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.syncing.decisions import Decisions, Told, walked
from xnat_tui.services.syncing.memory import Known, Memory, Remembered, Run
from xnat_tui.services.syncing.planning import SyncPlan
from xnat_tui.services.syncing.states import States, is_as_known, remembered

_PACK = 2_000
"""Rows that one transaction writes at most."""
_QUIET = frozenset({Ending.VERIFIED})
_FAILED = frozenset({Ending.INCOMPLETE, Ending.UNKNOWN, Ending.SENT})


class Runner(Protocol):
    """What carries out a plan, and compares both sides again."""

    def carry_out(self, planned: SyncPlan, note: Callable[[str], None]) -> Report: ...

    def compare(self, planned: SyncPlan) -> Comparison: ...

    def requests(self, planned: SyncPlan) -> tuple[int, int]: ...


@dataclass(slots=True)
class SyncReport:
    """What became of a run. `to_dict` is the document of `sync run --json`."""

    sync: str
    run: str = ""
    state: str = "planned"
    items: list[dict[str, Any]] = field(default_factory=list)
    requests: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    job: Report | None = None
    note: str = ""

    @property
    def failed(self) -> bool:
        """Whether something failed, or could not be known."""
        return self.state not in ("done", "planned") or any(one["state"] in _FAILED for one in self.items)

    @property
    def tells(self) -> bool:
        """Whether something was kept, held, in conflict or gone."""
        return any(one["state"] not in _QUIET or one["change"] == Change.GONE for one in self.items)

    def to_dict(self) -> dict[str, Any]:
        """As the manual describes it; `files` and `bytes` are what the run sent."""
        counts = Counter(str(one["state"]) for one in self.items if one["change"] != "none" or one["reason"])
        done = self.job
        return {
            "sync": self.sync,
            "run": self.run,
            "state": self.state,
            "items": self.items,
            "summary": {str(state): counts.get(str(state), 0) for state in Ending},
            "requests": {"source": self.requests[0], "destination": self.requests[1]},
            "seconds": round(self.seconds, 3),
            "files": done.done_files if done else 0,
            "bytes": done.done_bytes if done else 0,
            **({"job": done.job} if done else {}),
            **({"note": self.note} if self.note else {}),
        }


def planned_report(planned: SyncPlan, *, everything: bool = False) -> SyncReport:
    """What a dry run tells: every change, and how it would end."""
    items = _items(planned.told, planned.decisions.comparison if everything and planned.decisions else None)
    return SyncReport(planned.sync.name, items=items, requests=planned.requests)


def run_sync(planned: SyncPlan, memory: Memory, runner: Runner, *, everything: bool = False) -> SyncReport:
    """Carry out a plan that was agreed to, and remember what is proved. Raises Conflict where another run is
    at work or came in between, and what reading both sides raises."""
    name, began = planned.sync.name, time.monotonic()
    before = memory.runs(name)
    with memory.holding(name, planned.last_run) as run:
        _give_up(before)
        number = memory.make_pair(name, planned.ends)
        report = SyncReport(name, run, "done", requests=planned.requests)
        if planned.decisions is not None:
            _remember_first(planned.decisions, memory, number, run)
        after = planned.decisions.comparison if planned.decisions else None
        told = list(planned.told)
        sent = runner.requests(planned)
        if planned.writes:
            report.job = runner.carry_out(planned, lambda job: memory.note_job(run, job))
            after = _prove(planned, memory, number, run, runner, report, told)
        elif planned.plan is not None and planned.plan.blocked:
            report.state = "failed"
            report.note = " ".join(one.message for one in planned.plan.findings if one.severity == "error")
            for one in told:
                if one.moves and one.state is Ending.VERIFIED:
                    one.state, one.reason = Ending.INCOMPLETE, report.note
        now = runner.requests(planned)
        here, there = planned.requests
        report.requests = here + now[0] - sent[0], there + now[1] - sent[1]
        report.items = _items(told, after if everything else None)
        report.seconds = time.monotonic() - began
        memory.end(run, report.to_dict())
    return report


def adopt(planned: SyncPlan, memory: Memory) -> SyncReport:
    """Take both sides as they are: what is alike is remembered, what is gone on a side is forgotten."""
    began = time.monotonic()
    decisions = planned.decisions
    assert decisions is not None, "both sides are there"
    with memory.holding(planned.sync.name, planned.last_run) as run:
        number = memory.make_pair(planned.sync.name, planned.ends)
        standing = {path for pair, path in walked(decisions.comparison.root) if pair.both}
        lone = [
            path for pair, path in walked(decisions.comparison.root) if not pair.both and pair.error is None
        ]
        gone = [path for path in decisions.known if _stands_below(path, lone) and path not in standing]
        memory.keep(number, run, (), gone)
        for path in gone:
            decisions.known.pop(path)
        _remember_first(decisions, memory, number, run, anew=True)
        told = [one for one in decisions.told if one.state in (Ending.UNKNOWN, Ending.CONFLICT)]
        report = SyncReport(planned.sync.name, run, "done", _items(told, None), planned.requests)
        report.seconds = time.monotonic() - began
        memory.end(run, report.to_dict())
    return report


def _stands_below(path: str, above: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in above)


def _give_up(runs: list[Run]) -> None:
    """The job of a run that died is not gone on with: this run has planned what is left of it."""
    died = next((one for one in runs[:1] if one.state in ("interrupted", "paused") and one.job), None)
    if died is not None:
        with suppress(XnatTuiError), Journal() as journal:
            journal.cancel(died.job)


def _remember_first(
    decisions: Decisions, memory: Memory, number: int, run: str, *, anew: bool = False
) -> None:
    """Before anything is written: renames that both sides have, what is alike, what is taken as it is."""
    for now, old in decisions.renames.followed.items():
        memory.move(number, old, now)
        moved = {
            path: row for path, row in decisions.known.items() if path == old or path.startswith(f"{old}/")
        }
        for path, row in moved.items():
            del decisions.known[path]
            decisions.known[now + path[len(old) :]] = row
    decisions.renames.followed.clear()
    accepted: dict[str, list[str]] = {}
    for one in decisions.told:
        if one.judged.deed is Deed.ACCEPT:
            owner = one.path.rpartition("/files/")[0] if one.pair.kind is Kind.FILE else one.path
            accepted.setdefault(owner, []).append(one.field or one.pair.key)
    _remember(decisions.comparison, decisions.known, memory, number, run, accepted, anew=anew)


def _remember(
    comparison: Comparison,
    known: dict[str, Known],
    memory: Memory,
    number: int,
    run: str,
    accepted: dict[str, list[str]] | None = None,
    *,
    anew: bool = False,
) -> None:
    states = States(comparison.rules)
    rows: list[Remembered] = []
    for pair, path in walked(comparison.root):
        if pair.kind is Kind.FILE or not pair.both or pair.error is not None:
            continue
        have = known.get(path)
        names = (accepted or {}).get(path, ())
        old = memory.remembered(number, path) if have is not None and not anew and _differs(pair) else None
        fresh = remembered(states, pair, path, old, names)
        if fresh is None or is_as_known(fresh, have):
            continue
        if have is not None and old is None and not anew:
            fresh = remembered(states, pair, path, memory.remembered(number, path), names)
            if fresh is None or is_as_known(fresh, have):
                continue
        rows.append(fresh)
        if len(rows) >= _PACK:
            memory.keep(number, run, rows)
            rows = []
    if rows:
        memory.keep(number, run, rows)


def _differs(pair: Pair) -> bool:
    return pair.status is not Status.SAME or (pair.kind is Kind.RESOURCE and bool(pair.differing_below))


def _prove(
    planned: SyncPlan,
    memory: Memory,
    number: int,
    run: str,
    runner: Runner,
    report: SyncReport,
    told: list[Told],
) -> Comparison | None:
    """Compare again, say of everything how it ended, and remember what is alike now."""
    job = report.job
    assert job is not None
    report.state = "done" if job.state in (State.DONE, State.FAILED) else str(job.state)
    report.note = job.note
    try:
        after = runner.compare(planned)
        _list_what_arrived(after, told, planned.decisions is None)
    except Interrupted:
        raise
    except XnatTuiError as error:
        for one in told:
            if one.moves and one.state is Ending.VERIFIED:
                one.state, one.reason = Ending.SENT, f"it could not be looked at again: {error.message}"
        return None
    by_path = {path: pair for pair, path in walked(after.root)}
    above = _above(after)
    for failure in job.failed:
        _note_failure(told, failure.path.removeprefix(above).removeprefix("/"), failure.error)
    for one in told:
        if one.moves and one.state is Ending.VERIFIED:
            _ended(one, by_path)
    if planned.decisions is None:
        told += _first_copy(after, job)
    _remember(after, memory.known(number), memory, number, run)
    return after


def _above(comparison: Comparison) -> str:
    """How steps, which are named from the project down, call the place that is synced."""
    root = comparison.source.root
    return root.path_below(root.up_to(Kind.PROJECT))


def _list_what_arrived(after: Comparison, told: list[Told], whole: bool) -> None:
    """The files of resources that something was sent to, so that they are remembered one by one."""
    prefixes = [one.path for one in told if one.moves and not one.field]
    owners = [one.rpartition("/files/")[0] if "/files/" in one else one for one in prefixes]
    after.list_files(
        [
            pair
            for pair, path in walked(after.root)
            if pair.kind is Kind.RESOURCE and pair.both and (whole or _stands_below(path, owners))
        ]
    )


def _note_failure(told: list[Told], path: str, error: str) -> None:
    for one in told:
        if not one.moves or one.state not in (Ending.VERIFIED, Ending.INCOMPLETE):
            continue
        if path == one.path or path.startswith(f"{one.path}/") or one.path.startswith(f"{path}/files/"):
            one.state, one.reason = Ending.INCOMPLETE, error


def _ended(one: Told, by_path: dict[str, Pair]) -> None:
    pair = by_path.get(one.path)
    if pair is not None and pair.error is not None:
        one.state, one.reason = Ending.SENT, f"it could not be read back: {pair.error.message}"
        return
    if one.pair.kind is Kind.FILE and pair is None:
        pair = by_path.get(one.path.rpartition("/files/")[0])
    if pair is None or not pair.both:
        one.state, one.reason = Ending.INCOMPLETE, "it is not at the destination"
        return
    if one.field:
        if one.field in {difference.name for difference in pair.fields}:
            one.state, one.reason = Ending.INCOMPLETE, "the destination still has another value"
    elif pair.status is not Status.SAME or pair.differing_below:
        one.state, one.reason = Ending.INCOMPLETE, "not all of it is at the destination, or not the same"
    elif pair.unverified:
        one.state, one.reason = Ending.SENT, "a server has no digest that would prove it"


def _first_copy(after: Comparison, job: Report) -> list[Told]:
    """What a copy into a project that it made has brought, subject by subject."""
    from xnat_tui.model.threeway import Judged, Where

    new = Judged(Change.NEW, Where.SOURCE, Ending.VERIFIED, Deed.COPY)
    told = [
        Told(path, pair, new)
        for pair, path in walked(after.root)
        if path.count("/") == 1 and (pair.source is not None)
    ]
    by_path = {one.path: one.pair for one in told}
    for failure in job.failed:
        _note_failure(told, failure.path, failure.error)
    for one in told:
        if one.state is Ending.VERIFIED:
            _ended(one, by_path)
    return told


def _items(told: list[Told], everything: Comparison | None) -> list[dict[str, Any]]:
    found = [
        {
            "path": one.path,
            "kind": str(one.pair.kind),
            "change": str(one.judged.change),
            "side": str(one.judged.where),
            "state": str(one.state),
            "reason": one.reason,
            "source": one.source,
            "destination": one.destination,
            **({"field": one.field} if one.field else {}),
        }
        for one in told
    ]
    if everything is not None:
        listed = {one.path for one in told}
        found += [
            {
                "path": path,
                "kind": str(pair.kind),
                "change": "none",
                "side": "",
                "state": "verified",
                "reason": "",
                "source": "",
                "destination": "",
            }
            for pair, path in walked(everything.root)
            if path not in listed and pair.both and pair.status is Status.SAME
        ]
    return found
