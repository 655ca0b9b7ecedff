"""Whether actions can be done now: where the cursor stands, and what may be written to."""

from __future__ import annotations

from collections.abc import Callable

from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.tui.action import Situation
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.panes import Panes


def situation(context: Context, panes: Panes) -> Situation:
    here, there = panes.root, panes.other.root
    return Situation(
        selection=panes,
        comparing=panes.linked is not None,
        has_cursor=panes.cursor is not None,
        both_open=here is not None and there is not None,
        target_refusal=_refusal(context, there),
        here_refusal=_refusal(context, panes.here or here),
    )


def ask_rights(context: Context, panes: Panes, told: Callable[[], None]) -> None:
    """Ask what may be written on either side; `told` is called when more of it is known."""
    for place in (panes.here or panes.root, panes.other.root):
        if place is not None:
            context.rights.ask(place.server, _project(place), told)


def _refusal(context: Context, place: Place | None) -> str:
    if place is None:
        return "open a place in that pane first"
    return context.rights.refusal(place.server, _project(place))


def _project(place: Place) -> str:
    project = place.of(Kind.PROJECT)
    return project.id if project is not None else ""
