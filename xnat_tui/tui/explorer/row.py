"""One line of a pair tree, before it is drawn."""

from __future__ import annotations

from enum import StrEnum

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair


class Message(StrEnum):
    """What a row says that stands for no pair of its own, below the pair it belongs to."""

    LOADING = "loading"
    ERROR = "error"
    EMPTY = "empty"
    HIDDEN = "hidden"


class Row:
    """One line: a pair, or a message below a pair. `visible` counts the rows shown below it."""

    __slots__ = ("depth", "expanded", "last", "message", "pair", "parent", "visible")

    def __init__(self, pair: Pair, parent: Row | None, depth: int, message: Message | None = None) -> None:
        self.pair = pair
        self.parent = parent
        self.depth = depth
        self.message = message
        self.expanded = False
        self.visible = 0
        self.last = False

    def __repr__(self) -> str:
        return f"<Row {self.depth} {self.message or self.pair!r}>"

    @property
    def is_leaf(self) -> bool:
        """Whether nothing can stand below it."""
        return self.message is not None or (self.pair.kind is Kind.FILE and self.pair.group is None)


def errors_of(pair: Pair) -> tuple[XnatTuiError | None, XnatTuiError | None]:
    """Why a pair's children could not be read, for each side that has the pair at all."""
    source = pair.source_error if pair.source is not None else None
    return source, pair.destination_error if pair.destination is not None else None
