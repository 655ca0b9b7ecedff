"""A box to tick, as forms have it."""

from __future__ import annotations

from textual.widgets import Checkbox


class Tick(Checkbox):
    """`[x]` or `[ ]`: the stock one tells the two apart by colour alone."""

    BUTTON_LEFT, BUTTON_INNER, BUTTON_RIGHT = "[", " ", "]"
    DEFAULT_CSS = """
    Tick > .toggle--button, Tick.-on > .toggle--button { color: $foreground; background: $surface; }
    Tick:focus > .toggle--label { text-style: reverse; }
    """

    def watch_value(self) -> None:
        self.BUTTON_INNER = "x" if self.value else " "
        super().watch_value()
