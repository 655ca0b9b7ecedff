"""Files and bytes of a pair: what the server says of it, or else the sum of what is known below it."""

from __future__ import annotations

from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.tui.explorer.marks import Figures

UNKNOWN: Figures = (None, None)


class FigureCache:
    """Sums are worked out once; `forget` a pair when it or anything below it changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[Pair, bool], Figures] = {}

    def of(self, pair: Pair, destination: bool) -> Figures:
        """(files, bytes) on one side; a sum with an unknown part is unknown."""
        item = pair.destination if destination else pair.source
        if item is None:
            return UNKNOWN
        if pair.group is None:
            if pair.kind is Kind.FILE:
                return 1, item.bytes
            if item.files is not None and item.bytes is not None:
                return item.files, item.bytes
        if pair.children is None:
            return UNKNOWN if pair.group is not None else (item.files, item.bytes)
        key = (pair, destination)
        if key not in self._known:
            self._known[key] = self._sum(pair, destination)
        files, size = self._known[key]
        if pair.group is None:
            files = item.files if item.files is not None else files
            size = item.bytes if item.bytes is not None else size
        return files, size

    def forget(self, pair: Pair) -> None:
        for one in (pair, *pair.ancestors()):
            self._known.pop((one, False), None)
            self._known.pop((one, True), None)

    def forget_all(self) -> None:
        """What a comparison fills in off the screen changes sums anywhere."""
        self._known.clear()

    def _sum(self, pair: Pair, destination: bool) -> Figures:
        if pair.destination_error if destination else pair.source_error:
            return UNKNOWN
        files: int | None = 0
        size: int | None = 0
        for child in pair.children or ():
            if (child.destination if destination else child.source) is None:
                continue
            counted, measured = self.of(child, destination)
            files = None if files is None or counted is None else files + counted
            size = None if size is None or measured is None else size + measured
        return files, size
