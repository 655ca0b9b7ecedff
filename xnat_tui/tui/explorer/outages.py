"""Servers of the panes that do not answer: said in the state line while requests wait to be sent again."""

from __future__ import annotations

import time
from collections.abc import Iterator

from xnat_tui.model.display import clean
from xnat_tui.model.notice import Outage
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes


class Outages:
    """Asked whenever the state line is drawn: each second while rows load, more often while comparing."""

    def __init__(self, panes: Panes) -> None:
        self._panes = panes

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
    outage = side.reader.connection.outage if side is not None else None
    return outage if outage is not None and outage.until > time.monotonic() else None
