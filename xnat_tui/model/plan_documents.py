"""Plans and steps as documents of JSON's types, and back: what the journal keeps, and what a user saves.

Reading checks types: what is no such plan raises ValueError, TypeError or LookupError. msgspec is imported by
the first call alone: nothing that is shown at once needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from xnat_tui.model.options import OPTIONS
from xnat_tui.model.plan import Finding, LeftOut, Plan, Step
from xnat_tui.model.work import KINDS, Work

T = TypeVar("T")


def step_document(step: Step) -> dict[str, Any]:
    """The work's kind stands in it as `task`."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(step)
    return {**found, "work": {"task": step.work.task, **found["work"]}}


def step_of(document: Mapping[str, Any]) -> Step:
    """What `step_document` made this of. Raises ValueError, TypeError or LookupError for anything else."""
    import msgspec

    return msgspec.convert(document, Step, dec_hook=_work)


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan with all of its steps; its verb says whose options it has."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(replace(plan, steps=(), details={}))
    del found["details"]  # values that may be a patient's
    return {"verb": plan.verb, **found, "steps": [step_document(step) for step in plan.steps]}


def plan_of(document: Mapping[str, Any]) -> Plan:
    """What `plan_document` made this of. Raises as `step_of`."""
    return Plan(
        options=_read(document["options"], OPTIONS[document["verb"]]),
        sources=_read(document["sources"], tuple[str, ...]),
        destination=_read(document["destination"], str),
        steps=tuple(step_of(step) for step in document["steps"]),
        findings=_read(document["findings"], tuple[Finding, ...]),
        command=_read(document["command"], str),
        root=_read(document["root"], str),
        left_out=_read(document["left_out"], tuple[LeftOut, ...]),
    )


def _work(kind: type[Any], given: Any) -> Work:
    """msgspec asks for what it does not know: the kinds of work are told apart by their `task`."""
    if kind is not Work:
        raise NotImplementedError(kind)
    rest = dict(given)
    work = KINDS[rest.pop("task")]
    if unknown := rest.keys() - {one.name for one in fields(work)}:  # type: ignore[arg-type]
        raise ValueError(f"{work.task} carries no {', '.join(sorted(unknown))}")
    return _read(rest, work)


def _read(given: Any, kind: type[T]) -> T:
    import msgspec

    return msgspec.convert(given, kind)
