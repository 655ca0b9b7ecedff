"""Steps and plans in words: what the plan's panel and the transfers' report call them."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.model.display import cell_width, clean, clean_beside, counted, fit, short_size
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.plan import SIGNS, Finding, LeftOut, Plan, Step
from xnat_tui.tui.wording import in_keys

_LEFT_OUT = frozenset({"projects", "subjects", "experiments"})
"""Words of a path that its labels do without on the screen."""
_UNDER_A_SESSION = frozenset({"scans", "assessors", "reconstructions", "experiments"})

FINDING_SIGNS = {"error": "!", "warning": "*", "info": "-"}


def weight(finding: Finding) -> int:
    return list(FINDING_SIGNS).index(finding.severity)


def left_out(one: LeftOut) -> str:
    return f"- left out {one.path}  ({in_keys(one.reason)})"


def searched(step: Step) -> str:
    return f"{step.action} {step.kind} {where(step.path)} {in_keys(step.reason)}".casefold()


def key(step: Step) -> tuple[str, str]:
    return step.path, step.task


def seen(step: Step) -> tuple[object, ...]:
    """What the reader of a plan is shown of a step."""
    return step.action, step.path, step.task, step.files, step.bytes, step.reason


def line(step: Step, room: int, word: str, changed: bool) -> str:
    sign = " " if word == "left out" else SIGNS[step.action]
    figures = f"  {counted(step.files, 'file')} {short_size(step.bytes)}" if step.files else ""
    reasons = [
        *([clean(in_keys(step.reason))] if step.reason else []),
        *(["changed since"] if changed else []),
    ]
    reason = f" ({', '.join(reasons)})" if reasons else ""
    left = room - len(figures) - 11
    text = fit(clean(where(step.path)), max(left * 3 // 5, left - cell_width(reason)))
    text = fit(text + reason, left)
    return f"{sign} {word:<8} {text}{' ' * (left - cell_width(text))}{figures}"


def about(step: Step, details: Sequence[FieldDifference]) -> list[str]:
    """What a step's row has no room for: its address, its whole reason, and what becomes of what is there.

    The last lines may be missing where there are many; the comparison tells them all.
    """
    lines = [step.path or "the whole of it", *([in_keys(step.reason)] if step.reason else [])]
    sign = "→" if step.writes else "stays; here"
    for one in details:
        source, there = clean_beside(one.source, one.destination)
        lines.append(f"  {one.name}: {there or '(none)'} {sign} {source or '(none)'}")
    return lines


def where(path: str) -> str:
    """A step's path by its labels: `S/E/scans/3/DICOM`; a resource of a project or subject says so."""
    if not path:
        return "."
    words = path.split("/")
    if len(words) == 2 and words[0] == "projects":
        return f"project {words[1]}"
    shown: list[str] = []
    above = ""
    for at in range(0, len(words), 2):
        kind, name = words[at], words[at + 1 : at + 2]
        if kind == "files":
            return "/".join([*shown, *words[at + 1 :]])
        if kind not in _LEFT_OUT and not (kind == "resources" and above in _UNDER_A_SESSION):
            shown.append(kind)
        shown += name
        above = kind
    return "/".join(shown)


def counted_steps(plan: Plan) -> str:
    return counted(sum(step.writes for step in plan.steps), "step")
