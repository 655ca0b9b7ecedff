"""Opens the panel that an action names, on what is under the cursor or marked."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from xnat_tui.tui.action import Opens
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.panels.panel import Panel


def panel_class(opens: Opens) -> type[Panel[Any]]:
    """Loaded now, if it was not yet: panels bring libraries along that the first frame can do without."""
    module, _, name = opens.panel.partition(":")
    found: type[Panel[Any]] = getattr(import_module(f"xnat_tui.tui.{module}"), name)
    return found


def open_panel(context: Context, panes: Panes, opens: Opens) -> None:
    taken = opens.on(panes)
    assert taken is not None, "an action whose panel has nothing to be about is refused"
    pane = panes.active

    def left(_: Any) -> None:
        if opens.clears_marks and pane.pair_tree is not None:
            pane.pair_tree.clear_marks()

    context.ask(panel_class(opens)(*taken), left)
