"""Which of the known pairs are shown, and in what order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from xnat_tui.model.entities import Item, Kind, type_word
from xnat_tui.model.naming import matches
from xnat_tui.model.pairing import Pair, Status


class View(StrEnum):
    """How much of a comparison is shown. The values are the words of the status line."""

    ALL = "all"
    DIFFERENCES = "differences"
    ONLY_SOURCE = "left only"
    ONLY_DESTINATION = "right only"

    @property
    def next(self) -> View:
        views = list(View)
        return views[(views.index(self) + 1) % len(views)]


class Order(StrEnum):
    """How siblings are sorted. Largest and newest come first; what is not known comes last."""

    LABEL = "label"
    LISTED = "as listed"
    SIZE = "size"
    DATE = "date"
    TYPE = "type"


def scan_type(item: Item | None) -> str:
    """What a scan's protocol calls it (`T2_FLAIR`); "" for anything else."""
    return item.fields.get("type", "") if item is not None and item.kind is Kind.SCAN else ""


@dataclass(frozen=True, slots=True)
class Needle:
    """What the filter line says: `text`, `!text`, `type:MR` or `!type:MR`. Case does not matter."""

    text: str
    inverse: bool = False
    by_type: bool = False

    @classmethod
    def parse(cls, line: str) -> Needle | None:
        """None when there is nothing to look for, so that typing `!` alone hides nothing yet."""
        line = line.strip().casefold()
        text = line.removeprefix("!").strip()
        inverse = line.startswith("!")
        by_type = text.startswith("type:")
        text = text.removeprefix("type:").strip()
        return cls(text, inverse, by_type) if text else None

    def finds(self, pair: Pair) -> bool:
        """Whether the pair itself is meant; a heading such as `scans` never is."""
        if pair.group is not None:
            return False
        sides = (pair.source, pair.destination)
        if self.by_type:
            return any(matches(self.text, *_type_words(item)) for item in sides if item)
        if self.text in pair.key.casefold():
            return True
        return pair.kind is Kind.SCAN and any(self.text in scan_type(item).casefold() for item in sides)


def _type_words(item: Item) -> tuple[str, ...]:
    words = (item.type, type_word(item.type), scan_type(item))
    return tuple(word.casefold() for word in words if word)


class Narrowing:
    """Decides what is shown; remembers the answer for everything loaded while it narrows.

    Ancestors of what is found stay, and what stands below something found by its name stays too.
    """

    def __init__(self) -> None:
        self.needle: Needle | None = None
        self.line = ""
        """The filter as it was typed."""
        self.view = View.ALL
        self.show_empty = False
        self.holding: set[Pair] = set()
        """Pairs with something below them that the filter found by name."""
        self._kept: set[Pair] = set()

    @property
    def narrows(self) -> bool:
        return self.needle is not None or self.view is not View.ALL

    @property
    def reveals(self) -> bool:
        """Whether what is found should be brought to light inside closed pairs."""
        return self.needle is not None and not self.needle.inverse

    def survey(self, root: Pair) -> None:
        """Look at everything loaded below `root` anew: linear in the number of loaded pairs."""
        self.holding, self._kept = set(), set()
        if self.narrows:
            for child in root.children or ():
                if self._admit(child, below_found=False):
                    self.holding.add(root)

    def resurvey(self, pair: Pair) -> None:
        """Look again at one pair that changed, and at what stands below it."""
        if not self.narrows:
            return
        found_above = self.reveals and any(self.finds(above) for above in pair.ancestors())
        for one in (pair, *pair.walk()):
            self._kept.discard(one)
            self.holding.discard(one)
        found = self._admit(pair, found_above)
        if pair in self._kept:
            for above in pair.ancestors():
                self._kept.add(above)
                if found:
                    self.holding.add(above)

    def finds(self, pair: Pair) -> bool:
        return self.needle is not None and self.needle.finds(pair)

    def keeps(self, pair: Pair) -> bool:
        if self.narrows:
            return pair in self._kept
        return self.show_empty or not is_empty_group(pair)

    def _admit(self, pair: Pair, below_found: bool) -> bool:
        """Note whether the pair is kept; returns whether it, or anything below it, was found by name."""
        if not self.show_empty and is_empty_group(pair):
            return False
        found = self.finds(pair)
        if self.needle is not None and self.needle.inverse:
            if found:
                return False
            found, wanted = False, True
        else:
            wanted = self.needle is None or found or below_found
        found_below = kept_below = False
        for child in pair.children or ():
            found_below = self._admit(child, below_found or found) or found_below
            kept_below = kept_below or child in self._kept
        if kept_below or (wanted and self._in_view(pair)):
            self._kept.add(pair)
        if found_below:
            self.holding.add(pair)
        return (found and pair in self._kept) or found_below

    def _in_view(self, pair: Pair) -> bool:
        match self.view:
            case View.ALL:
                return True
            case View.DIFFERENCES:
                return holds_difference(pair)
            case View.ONLY_SOURCE:
                return pair.status is Status.ONLY_SOURCE
            case View.ONLY_DESTINATION:
                return pair.status is Status.ONLY_DESTINATION


def is_difference(pair: Pair) -> bool:
    """Whether there is something to look at in the pair itself; what could not be read counts."""
    return pair.is_difference or pair.status is Status.UNREADABLE


def holds_difference(pair: Pair) -> bool:
    return is_difference(pair) or pair.differing_below > 0


def is_empty_group(pair: Pair) -> bool:
    return pair.group is not None and pair.children == [] and pair.error is None


Sizes = Callable[[Pair], int | None]


def in_order(pairs: list[Pair], order: Order, size_of: Sizes) -> list[Pair]:
    """Siblings sorted; headings keep their place behind what they stand beside."""
    if order is Order.LISTED or len(pairs) < 2:
        return pairs
    items = [pair for pair in pairs if pair.group is None]
    groups = [pair for pair in pairs if pair.group is not None]
    items.sort(key=lambda pair: natural_key(pair.key))
    if order is Order.SIZE:
        items.sort(key=lambda pair: _largest_first(size_of(pair)))
    elif order is Order.DATE:
        items.sort(key=_date, reverse=True)
    elif order is Order.TYPE:
        items.sort(key=lambda pair: _type(pair) or "\U0010ffff")
    return [*items, *groups]


_DIGITS = re.compile(r"(\d+)")


def natural_key(label: str) -> list[object]:
    """A sort key by which `scan2` comes before `scan10`, in upper or lower case."""
    parts: list[object] = list(_DIGITS.split(label.casefold()))
    for index in range(1, len(parts), 2):  # a number compares by its length first: no limit on digits
        digits = str(parts[index]).lstrip("0")
        parts[index] = (len(digits), digits)
    return parts


def _largest_first(size: int | None) -> int:
    return 1 if size is None else -size


def _date(pair: Pair) -> str:
    item = pair.item
    return (item.fields.get("date", "") or item.fields.get("insert_date", "")) if item else ""


def _type(pair: Pair) -> str:
    item = pair.item
    return (scan_type(item) or type_word(item.type)).casefold() if item else ""
