"""What was written, in whatever process: what the trees show of it is forgotten, or read again.

Readers forget by themselves (`services.servers`); here it is decided what that means for both panes, for
every visit of their histories, for the comparison and what stands below it, and for rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from xnat_tui.model.changed import Changed, What
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Step
from xnat_tui.model.pairing import Pair
from xnat_tui.tui.changes import names, stands_above, steps_below
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.levels import Levels
from xnat_tui.tui.explorer.pane import Pane, Visit
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.rows import Rows

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Side, Tree

_IN_TREES = frozenset({What.ITEMS, What.FILES})
_LISTED = (Kind.SUBJECT, Kind.EXPERIMENT)
"""What changes with all that stands in it: one document tells a session, and a list when it was modified."""
_WITH_ID = (*_LISTED, Kind.ASSESSOR)


class WrittenPlaces:
    """The one place of the explorer that hears of changes; panels that stand open listen for themselves."""

    def __init__(
        self, context: Context, panes: Panes, places: Places, levels: Levels, comparison: ShownComparison
    ) -> None:
        self._context = context
        self._panes = panes
        self._places = places
        self._levels = levels
        self._comparison = comparison
        context.changes.listen(self._hear)

    def _hear(self, heard: Sequence[Changed]) -> None:
        self._forget_rights([changed for changed in heard if changed.what is What.USERS])
        written = [changed for changed in heard if changed.what in _IN_TREES]
        for pane in self._panes:
            for at, visit in enumerate(pane.history if written else ()):
                shown = at == pane.at and pane.rows is visit.rows
                self._visit(pane, visit, written, shown=shown)
        self._compare_again(written)
        self._context.main.situation_changed()

    def _forget_rights(self, heard: Iterable[Changed]) -> None:
        """Asked again when they are wanted next: what somebody may do where has changed."""
        servers = {changed.server for changed in heard}
        if servers:
            self._context.rights.forget(lambda name: any(self._same(name, one) for one in servers))

    def _compare_again(self, written: Sequence[Changed]) -> None:
        comparison = self._comparison.shown
        if comparison is None:
            return
        self._comparison.written(*_topmost(self._touched(comparison.tree, written)))
        sides = (comparison.source, comparison.destination)
        if any(self._may_rename(changed, side) for changed in written for side in sides):
            self._comparison.find_again()

    def _visit(self, pane: Pane, visit: Visit, written: Sequence[Changed], *, shown: bool) -> None:
        """A tree of a pane: read again while it is shown, else when it is gone back to."""
        side = visit.model.destination if pane.right else visit.model.source
        assert side is not None, "a pane has a side of what it shows"
        visit.renamed = visit.renamed or any(self._may_rename(changed, side) for changed in written)
        found = list(_topmost(self._touched(visit.model, written)))
        if not found:
            return
        if shown:
            standing = Standing.of(visit.rows)
            self._read_again(pane, visit.rows, found)
            if visit.renamed:
                self._places.find_again(pane, visit, standing, shown=True)
        else:
            _drop(visit.model, found)
            visit.rows.refresh(*found)

    def _may_rename(self, changed: Changed, side: Side) -> bool:
        """Whether what a tree begins at, or an item above it, may be called otherwise now."""
        if changed.what is not What.ITEMS or not self._same(changed.server, side.root.server):
            return False
        return stands_above(changed.where, side.root)

    def _read_again(self, pane: Pane, rows: Rows, pairs: Sequence[Pair]) -> None:
        """Opened rows stay open, and the cursor where it is."""
        model, tree = pane.model, pane.pair_tree
        assert model is not None, "it is shown"
        assert tree is not None
        standing = Standing.of(rows)
        opened = [pair for pair in pairs if rows.is_open(pair)]
        _drop(model, pairs)
        tree.pairs_changed(*pairs)
        if opened:
            self._levels.read_again(pane, standing, opened)

    def _touched(self, model: Tree, written: Iterable[Changed]) -> Iterator[Pair]:
        """The pairs of a tree below which something is not what it was; of a comparison, by either side."""
        for side, right in ((model.source, False), (model.destination, True)):
            ways = _Ways(model.root, right=right)
            for changed in written:
                if side is None or not self._same(changed.server, side.root.server):
                    continue
                steps = steps_below(changed.where, side.root)
                if steps is not None:
                    yield _listed_by(ways.at(steps), changed.what)

    def _same(self, one: str, other: str) -> bool:
        return self._context.workspace.same_server(one, other)


class _Ways:
    """Finds what steps lead to on one side of a tree. Each list is looked through once, however many ask."""

    def __init__(self, root: Pair, *, right: bool) -> None:
        self._root = root
        self._right = right
        self._members: dict[Pair, dict[str, list[Pair]]] = {}

    @cached_property
    def _by_id(self) -> dict[str, Pair]:
        """Everything that is loaded and has an accession ID."""
        found = ((self._item(pair), pair) for pair in self._root.walk())
        return {item.id: pair for item, pair in found if item is not None and item.kind in _WITH_ID}

    def at(self, steps: Sequence[Step]) -> Pair:
        """The pair that these steps lead to, or the last one that is known on the way."""
        pair = self._root
        for step in steps:
            if pair not in self._members:
                self._members[pair] = self._by_name(_members(pair))
            found = self._found(self._members[pair], step)
            if found is None and step.kind in _LISTED:  # an accession ID may leave levels out
                found = self._by_id.get(step.name)
            if found is None:
                return pair
            pair = found
        return pair

    def _by_name(self, pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
        named: dict[str, list[Pair]] = {}
        for pair in pairs:
            item = self._item(pair)
            for name in {item.key, item.id} if item is not None else ():
                named.setdefault(name, []).append(pair)
        return named

    def _found(self, named: Mapping[str, list[Pair]], step: Step) -> Pair | None:
        items = ((pair, self._item(pair)) for pair in named.get(step.name, ()))
        return next((pair for pair, item in items if item is not None and names(step, item)), None)

    def _item(self, pair: Pair) -> Item | None:
        return None if pair.group is not None else pair.destination if self._right else pair.source


def _members(pair: Pair) -> Iterator[Pair]:
    """What stands below an item, headings left out."""
    for child in pair.children or ():
        if child.group is None:
            yield child
        else:
            yield from child.children or ()


def _listed_by(pair: Pair, what: What) -> Pair:
    """What lists the subject or session that something was written in: its label and fields stand there, and
    when it was modified. Readers remember its siblings: only what they have forgotten is asked for.
    """
    owner = next(
        (one for one in (pair, *pair.ancestors()) if one.group is None and one.kind in _LISTED), None
    )
    if owner is not None and owner.parent is not None:
        return owner.parent
    root = [pair, *pair.ancestors()][-1]
    project = next((one for one in (pair, *pair.ancestors()) if one.kind is Kind.PROJECT), root)
    if what is What.FILES:
        return next((one for one in project.children or () if one.group is Kind.RESOURCE), project)
    return project


def _drop(model: Tree, pairs: Iterable[Pair]) -> None:
    """Have pairs read again. Their reader has forgotten by itself what is not so any more."""
    with model.lock:
        for pair in pairs:
            pair.forget()


def _topmost(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Without those that stand below another."""
    found = dict.fromkeys(pairs)
    return (pair for pair in found if not any(above in found for above in pair.ancestors()))
