"""What an action is: how it is called, what does it, and why it may not be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xnat_tui.tui.selection import Selection, Taken, nothing, why_nothing


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action can be done now."""

    selection: Selection
    comparing: bool = False
    has_cursor: bool = False
    both_open: bool = False
    target_refusal: str = ""
    """Why nothing can be written to the other side; "" when it can."""
    here_refusal: str = ""
    """Why nothing can be written to this pane's server."""


@dataclass(frozen=True, slots=True)
class Opens:
    """The panel that an action opens over the trees."""

    panel: str
    """`module:Class` below `xnat_tui.tui`, loaded when it is first opened."""
    on: Callable[[Selection], Taken] = nothing
    """What the panel is made with, of what is under the cursor or marked."""
    missing: str = ""
    """What to say where nothing of that kind is."""
    clears_marks: bool = False
    """Whether nothing is marked any more when it is left."""


@dataclass(frozen=True, slots=True)
class Action:
    """`id` is `area.verb`. It opens a panel, or else `does` names what does it: a piece of the main screen
    and its method, as in `navigation.swap`."""

    id: str
    keys: str
    label: str
    help: str
    does: str = ""
    opens: Opens | None = None
    needs: tuple[str, ...] = ()
    """Conditions of the table below that must hold."""
    footer: bool = False
    writes: bool = False
    waits: bool = False
    """Whether it is done when panes that are still opening have opened, rather than refused."""

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.id.partition(".")[2].replace("_", " ")

    def why_not(self, situation: Situation) -> str:
        """Why it cannot be done now, in words for the user; "" when it can."""
        reasons = (_REASONS[need](situation) for need in self.needs)
        reason = next((one for one in reasons if one), "")
        if not reason and self.opens is not None and self.opens.on(situation.selection) is None:
            reason = why_nothing(situation.selection, self.opens.on) or self.opens.missing
        return f"{self.label.rstrip('…')}: {reason}" if reason else ""


def _comparing(situation: Situation) -> str:
    return "" if situation.comparing else "only while comparing (= starts)"


def _cursor(situation: Situation) -> str:
    return "" if situation.has_cursor else "nothing is under the cursor"


def _both(situation: Situation) -> str:
    return "" if situation.both_open else "open a place in both panes first (o, g)"


def _target(situation: Situation) -> str:
    return situation.target_refusal


def _here(situation: Situation) -> str:
    return situation.here_refusal


_REASONS = {
    "comparing": _comparing,
    "cursor": _cursor,
    "both": _both,
    "target": _target,
    "here": _here,
}
