"""Servers of the panes that do not answer: said in the state line while requests wait to be sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from xnat_tui.model.display import clean
from xnat_tui.model.notice import Outage
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes

_LOOK_SECONDS = 0.5


class Outages:
    """Looks at the connections twice a second; nothing is drawn while nothing has changed."""

    def __init__(self, context: Context, panes: Panes) -> None:
        self._context = context
        self._panes = panes
        self._said = ""

    def begin(self, show: Callable[[], None]) -> None:
        """Look from now on; `show` is called when there is something else to say."""

        def look() -> None:
            said = self.describe()
            if said != self._said:
                self._said = said
                show()

        self._context.every(1 if self._context.plain else _LOOK_SECONDS, look)

    def describe(self) -> str:
        """The state line's part; "" while servers answer."""
        found = dict.fromkeys(outage.told(time.monotonic()) for outage in self._outages())
        return f"! {clean(', '.join(found))}, esc stops" if found else ""

    def _outages(self) -> Iterator[Outage]:
        for pane in self._panes:
            outage = outage_of(pane)
            if outage is not None:
                yield outage


def outage_of(pane: Pane) -> Outage | None:
    """Of the server that a pane shows."""
    model = pane.model
    side = (model.destination if pane.right else model.source) if model is not None else None
    return side.reader.connection.outage if side is not None else None
