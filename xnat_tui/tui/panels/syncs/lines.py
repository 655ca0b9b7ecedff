"""A planned run in rows: what stops it, its steps, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_tui.model.display import clean_beside, counted, short_size
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.plan import SIGNS, Finding, Plan
from xnat_tui.model.threeway import ENDING_SIGNS
from xnat_tui.tui.plans.lines import FINDING_SIGNS, about, weight, where
from xnat_tui.tui.wording import in_keys, told

if TYPE_CHECKING:
    from xnat_tui.services.syncing.decisions import Told
    from xnat_tui.services.syncing.planning import SyncPlan


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a planned run."""

    key: str
    sign: str
    word: str
    path: str
    detail: str
    about: str


def lines_of(planned: SyncPlan) -> list[Line]:
    """What stops it stands first, then its steps, what stays as it is, and what there is to know."""
    plan = planned.plan
    found = [*_steps(plan)] if plan is not None else []
    found += [_stays(number, one) for number, one in enumerate(planned.told) if not one.moves]
    notes = [_note(one) for one in sorted(plan.findings, key=weight)] if plan is not None else []
    first = [one for one in notes if one.word != "info"]
    return [*first, *found, *(one for one in notes if one.word == "info")]


def _note(finding: Finding) -> Line:
    said = told(finding.message, finding.hint)
    sign, text = FINDING_SIGNS[finding.severity], "\n".join(said)
    return Line(f"note {text}", sign, finding.severity, said[0], "", text)


def _steps(plan: Plan) -> Iterator[Line]:
    for step in plan.steps:
        details = plan.details.get(step.number, ())
        size = f"{counted(step.files, 'file')} {short_size(step.bytes)}" if step.files else ""
        words = [size, _values(details) or in_keys(step.reason)]
        yield Line(
            *(f"step {step.number}", SIGNS[step.action], plan.word(step.action), where(step.path)),
            ", ".join(word for word in words if word),
            "\n".join(about(step, details)),
        )
    for number, left in enumerate(plan.left_out):
        reason = in_keys(left.reason)
        yield Line(f"left {number}", "-", "left out", where(left.path), reason, f"{left.path}\n{reason}")


def _values(details: Sequence[FieldDifference]) -> str:
    """What stands there now, and what will."""
    parts = []
    for one in details:
        source, there = clean_beside(one.source, one.destination)
        parts.append(f"{one.name}: {there or '(none)'} → {source or '(none)'}")
    return ", ".join(parts)


def _stays(number: int, one: Told) -> Line:
    name = f"{where(one.path)} {one.field}".rstrip()
    reason = in_keys(one.reason)
    head = f"{one.path or '.'} {one.field}".rstrip()
    lines = [f"{head} · {one.judged.change} · {one.state}", reason, *beside(one.source, one.destination)]
    text = "\n".join(line for line in lines if line)
    return Line(f"told {number}", ENDING_SIGNS[one.state], str(one.state), name, reason, text)


def beside(source: str, destination: str) -> list[str]:
    """The values of both sides, where there are any."""
    if not source and not destination:
        return []
    one, other = clean_beside(source, destination)
    return [f"  source: {one or '(none)'}", f"  destination: {other or '(none)'}"]
