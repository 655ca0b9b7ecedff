"""Details of the item under the cursor, where the terminal has no room beside the panes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from xnat_tui.model.changed import What
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.pairing import Judge, Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.widgets.details import DetailsView, has_items


class DetailsSource(Protocol):
    """Who reads what there is to know of a pair."""

    @property
    def judge(self) -> Judge | None:
        """By what rules the items of a pair are compared; None while browsing."""

    def places(self, pair: Pair) -> Iterable[Place]:
        """Where it stands, on either side."""

    def read_documents(self, pair: Pair, show: Callable[[Item | None, Item | None, str], None]) -> None:
        """Read every field of a pair's items; `show` gets source, destination, and what went wrong."""

    def read_files(self, pair: Pair, show: Callable[[str], None]) -> None:
        """List a resource's files; `show` gets what went wrong."""


class DetailsPanel(Panel[None]):
    """Known fields at once, every field of the item's document as soon as it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", tooltip="Only fields whose name or value contains a text"),
        Binding("i,f3,q", "leave", show=False),
    ]
    DEFAULT_CSS = """
    DetailsPanel > .panel--box { width: 100; }
    DetailsPanel Input { display: none; }
    DetailsPanel Input.-shown { display: block; }
    """
    tall = True
    heeds = frozenset({What.ITEMS, What.FILES})

    def __init__(self, pair: Pair, source: DetailsSource) -> None:
        super().__init__(pair.key or "Details")
        self._pair = pair
        self._source = source
        self._found: tuple[Item | None, Item | None, str] = (None, None, "")

    def body(self) -> list[Widget]:
        return [DetailsView(), Input(compact=True, placeholder="filter by name or value")]

    def on_mount(self) -> None:
        self.query_one(DetailsView).focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        waiting = has_items(self._pair)
        self._show("every field follows …" if waiting else "")
        if waiting:
            self._source.read_documents(self._pair, self._read)
        elif self._pair.kind is Kind.RESOURCE and self._pair.children is None:
            self._show("the files follow …")
            self._source.read_files(self._pair, lambda note: self._read(None, None, note))

    def shown_places(self) -> Iterable[Place]:
        return self._source.places(self._pair)

    def written(self) -> None:
        self._begin()

    def _read(self, source: Item | None, destination: Item | None, note: str) -> None:
        self._found = (source, destination, note)
        if self.is_attached:
            self._show(note)

    def _show(self, note: str) -> None:
        source, destination, _ = self._found
        only = self.query_one(Input).value
        judge = self._source.judge
        self.query_one(DetailsView).show(self._pair, source, destination, note=note, only=only, judge=judge)

    def action_filter(self) -> None:
        line = self.query_one(Input)
        line.add_class("-shown")
        line.focus()

    @on(Input.Changed)
    def _filter(self) -> None:
        self._show(self._found[2])

    @on(Input.Submitted)
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(DetailsView).focus()
