"""A key with ctrl means the same in every panel as on the main screen."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from textual.binding import Binding

from xnat_tui.tui import panels, plans, transfers
from xnat_tui.tui.actions import ACTIONS
from xnat_tui.tui.panels.panel import Panel


def every_panel() -> list[type[Panel[Any]]]:
    for room in (panels, plans, transfers):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            import_module(module.name)
    found: list[type[Panel[Any]]] = []
    left: list[type[Panel[Any]]] = [Panel]
    while left:
        one = left.pop()
        found.append(one)
        left += one.__subclasses__()
    return found


def test_no_panel_gives_a_key_of_the_whole_program_another_meaning() -> None:
    meant = {
        key: action.label for action in ACTIONS for key in action.keys.split(",") if key.startswith("ctrl+")
    }
    for panel in every_panel():
        for binding in panel.BINDINGS:
            assert isinstance(binding, Binding)
            for key in set(binding.key.split(",")) & (meant.keys() - {"ctrl+l"}):
                assert binding.description.rstrip("…") == meant[key].rstrip("…"), f"{panel.__name__}: {key}"
