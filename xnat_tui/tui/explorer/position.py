"""Where a pane stands in its tree, by labels: to be found again in a tree that was read anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_tui.model.entities import Item
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.rows import Rows

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Tree

Path = tuple[tuple[str, str, str], ...]
"""Kind, label and ID of each step below the root. What has got another label is found by its ID."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was open, and what the cursor stood on."""

    opened: tuple[Path, ...] = ()
    cursor: Path = ()

    @classmethod
    def of(cls, rows: Rows | None) -> Standing:
        if rows is None:
            return cls()
        opened = tuple(_path(row.pair) for row in rows if row.expanded)
        return cls(opened, _path(rows.current.pair) if rows.current is not None else ())

    def seen_from(self, root: Place, place: Place) -> Standing | None:
        """The same from `root`, where this is a standing in `place`; None where it is not below it."""
        above = [(item.kind, item.key) for item in place.items[: len(root.items)]]
        if place.server != root.server or above != [(item.kind, item.key) for item in root.items]:
            return None
        way = path_of(place.items[len(root.items) :])
        opened = tuple(way[:end] for end in range(1, len(way) + 1))
        return Standing((*opened, *(way + path for path in self.opened)), way + self.cursor)

    def read(self, model: Tree) -> None:
        """Read what was open, in a tree that nobody shows yet. Waits on the network."""
        model.fill(model.root)
        for path in self.opened:
            pair = _at(model.root, path)
            if pair is not None:
                model.fill(pair)

    def take(self, rows: Rows, *, cursor: bool = True) -> None:
        """Open the same again, as far as it is there, and put the cursor where it was, if wanted."""
        for path in self.opened:
            pair = _at(rows.root, path)
            index = rows.index_of(pair) if pair is not None else None
            if index is not None:
                rows.expand(index)
        path = self.cursor if cursor else ()
        while path:
            pair = _at(rows.root, path)
            index = rows.index_of(pair) if pair is not None else None
            if index is not None:
                rows.cursor = index
                return
            path = path[:-1]


def _path(pair: Pair) -> Path:
    steps = [pair, *pair.ancestors()][:-1]
    return tuple(_step(step) for step in reversed(steps))


def path_of(items: Iterable[Item]) -> Path:
    """The way down through these items."""
    return tuple((str(item.kind), item.key, item.id) for item in items)


def _step(pair: Pair) -> tuple[str, str, str]:
    item = pair.item if pair.group is None else None
    return str(pair.group or pair.kind), pair.key, item.id if item is not None else ""


def _at(root: Pair, path: Path) -> Pair | None:
    pair = root
    for kind, key, identifier in path:
        below = [one for one in pair.children or () if str(one.group or one.kind) == kind]
        found = next((one for one in below if one.key == key), None)
        if found is None and identifier:
            found = next((one for one in below if _step(one)[2] == identifier), None)
        if found is None:
            return None
        pair = found
    return pair
