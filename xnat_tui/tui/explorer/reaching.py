"""From places that were found elsewhere to their rows: gone to, or marked, in the tree of the active pane."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xnat_tui.model.display import counted
from xnat_tui.model.entities import Item
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Tree


@dataclass(slots=True)
class _Way:
    """What was read of a tree on the way down to some places."""

    gone_to: Pair | None = None
    marked: list[Pair] = field(default_factory=list)
    missed: int = 0
    """Places that the tree does not have."""
    filled: dict[Pair, None] = field(default_factory=dict)


class Reaching:
    """Levels above a place are read as far as the tree does not have them yet."""

    def __init__(self, context: Context, panes: Panes, places: Places) -> None:
        self._context = context
        self._panes = panes
        self._places = places

    def reach(self, place: Place | None, marked: Sequence[Place]) -> None:
        """Put the cursor of the active pane on a place, or without one on the first of those that are
        `marked` there. A place that its tree does not hold is opened."""
        pane = self._panes.active
        model = pane.model
        if model is None:
            if place is not None:
                self._places.go_to(pane, place)
            return

        def walk() -> _Way:
            return _walk(model, place, marked, right=pane.right)

        def arrived(way: _Way) -> None:
            if pane.model is model:
                self._show(pane, way, place)

        self._context.run(("reach", pane.side), walk, arrived)

    def _show(self, pane: Pane, way: _Way, place: Place | None) -> None:
        tree = pane.pair_tree
        if tree is None:
            return
        tree.pairs_changed(*way.filled)
        if way.marked:
            tree.mark(way.marked)
        said = [f"{counted(way.missed, 'marked row')} not in this tree"] if way.missed else []
        cursor = way.gone_to if place is not None else next(iter(way.marked), None)
        if cursor is not None and not tree.goto_pair(cursor):
            said.append("this pane's filter hides that row (0 shows all)")
        if way.gone_to is None and place is not None:
            self._places.go_to(pane, place)
        if said:
            self._context.say("; ".join(said), lasting=True)


def _walk(model: Tree, place: Place | None, marked: Sequence[Place], *, right: bool) -> _Way:
    """Waits on the network where the tree's reader does not remember a level."""
    way = _Way()
    below: dict[Pair, dict[object, Pair]] = {}
    if place is not None:
        way.gone_to = _pair_at(model, place, way, below, right=right)
    for one in marked:
        pair = _pair_at(model, one, way, below, right=right)
        if pair is None:
            way.missed += 1
        else:
            way.marked.append(pair)
    return way


def _pair_at(
    model: Tree, place: Place, way: _Way, below: dict[Pair, dict[object, Pair]], *, right: bool
) -> Pair | None:
    """The pair of a place; None where it is not in this tree."""
    root = model.place(model.root, right=right)
    above = root.items if root is not None else ()
    if root is None or root.server != place.server or not _alike(place.items[: len(above)], above):
        return None
    pair = model.root
    for item in place.items[len(above) :]:
        heading = _children(model, pair, way, below, right=right).get(("group", item.kind))
        found = _children(model, heading or pair, way, below, right=right).get(_sign(item))
        if found is None:
            return None
        pair = found
    return pair


def _children(
    model: Tree, pair: Pair, way: _Way, below: dict[Pair, dict[object, Pair]], *, right: bool
) -> dict[object, Pair]:
    """What stands below a pair, headings by their kind, read if it was not yet."""
    if pair not in below:
        if pair.children is None:
            model.fill(pair)
            way.filled[pair] = None
        found: dict[object, Pair] = {}
        for child in pair.children or ():
            item = child.destination if right else child.source
            if child.group is not None:
                found["group", child.group] = child
            elif item is not None:
                found.setdefault(_sign(item), child)
        below[pair] = found
    return below[pair]


def _sign(item: Item) -> object:
    return item.kind, item.uri or item.id or item.key


def _alike(items: Sequence[Item], others: Iterable[Item]) -> bool:
    return [_sign(one) for one in items] == [_sign(one) for one in others]
