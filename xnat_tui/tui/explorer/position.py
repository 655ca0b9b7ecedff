"""Where a pane stands in its tree, by labels: to be found again in a tree that was read anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.rows import Rows

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Tree

Path = tuple[tuple[str, str], ...]
"""Kind and label of each step below the root."""


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
        way = tuple((str(item.kind), item.key) for item in place.items[len(root.items) :])
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
    return tuple((str(step.group or step.kind), step.key) for step in reversed(steps))


def _at(root: Pair, path: Path) -> Pair | None:
    pair = root
    for kind, key in path:
        below = pair.children or ()
        found = next((one for one in below if (str(one.group or one.kind), one.key) == (kind, key)), None)
        if found is None:
            return None
        pair = found
    return pair
