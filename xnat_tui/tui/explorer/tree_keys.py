"""The keys of a pair tree. Each id can be bound anew in the `[keys]` section of the configuration."""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("up,k", "move(-1)", "Up", show=False, id="tree.up"),
    Binding("down,j", "move(1)", "Down", show=False, id="tree.down"),
    Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="tree.page_up"),
    Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="tree.page_down"),
    Binding("home", "top", "Top", show=False, id="tree.top"),
    Binding("end,G", "bottom", "Bottom", show=False, id="tree.bottom"),
    Binding("shift+up", "sibling(-1)", "Previous sibling", show=False, id="tree.previous_sibling"),
    Binding("shift+down", "sibling(1)", "Next sibling", show=False, id="tree.next_sibling"),
    Binding("right,l", "open", "Open; on what is open, to its first row", show=False, id="tree.expand"),
    Binding("enter", "open_or_close", "Open or close; details of a file", show=False, id="tree.open"),
    Binding("left,h", "close", "Collapse, then to parent", show=False, id="tree.collapse"),
    Binding("1", "collapse_to(0)", "Collapse to subjects", show=False, id="tree.subjects"),
    Binding("2", "collapse_to(1)", "Collapse to sessions", show=False, id="tree.sessions"),
    Binding("3", "collapse_to(2)", "Collapse to scans", show=False, id="tree.scans"),
    Binding("4", "collapse_to(3)", "Collapse to resources", show=False, id="tree.resources"),
    Binding("space", "mark", "Mark and move down", id="tree.mark"),
    Binding("v", "range", "Begin a range; again: mark it", show=False, id="tree.range"),
    Binding("plus", "ask_pattern", "Mark siblings by pattern", show=False, id="tree.mark_pattern"),
    Binding("asterisk", "invert", "Invert the marks of siblings", show=False, id="tree.invert"),
    Binding("a", "mark_siblings", "Mark or unmark all siblings", show=False, id="tree.mark_all"),
]
