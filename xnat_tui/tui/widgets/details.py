"""Every field of the item under the cursor, as XNAT names them; two columns while comparing."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from xnat_tui.model.display import cell_width, clean, fit, short_size
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.judging import same_text
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.tui.describing import item_name, item_word, pair_line

_NAME_CELLS = 18


class DetailsView(VerticalScroll):
    """Shows a pair. `show` takes what is known; items with more fields can follow later."""

    DEFAULT_CSS = """
    DetailsView { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    DetailsView > Static { width: 1fr; }
    """

    def __init__(self, *, docked: bool = False) -> None:
        super().__init__(can_focus=not docked)
        self._text = Static("", markup=False)
        self.border_title = "Details" if docked else None

    def compose(self) -> ComposeResult:
        yield self._text

    def show(
        self,
        pair: Pair | None,
        source: Item | None = None,
        destination: Item | None = None,
        *,
        note: str = "",
        only: str = "",
    ) -> None:
        """`source` and `destination` replace the pair's items where a document told more of them;
        `only` keeps the fields whose name or value contains it."""
        if pair is None:
            self._text.update("")
            return
        width = max(30, (self.size.width or 46) - 3)
        text = Text(no_wrap=True)
        for line, style in _lines(pair, source or pair.source, destination or pair.destination, width, only):
            text.append(line + "\n", style)
        if note:
            text.append(f"\n{clean(note)}\n", "italic")
        self._text.update(text)


Line = tuple[str, str]


def _lines(pair: Pair, one: Item | None, other: Item | None, width: int, only: str) -> Iterator[Line]:
    item = one or other
    if item is None or pair.group is not None:
        yield pair_line(pair), "bold"
        return
    yield f"{fit(clean(item_name(item)), width - 20)}  {item_word(item)}", "bold"
    if pair.compared:
        yield fit(pair_line(pair).partition("  ")[2].strip(), width), ""
    for label, value in _about(pair, item):
        yield f"{label:<10} {fit(value, width - 11)}", ""
    for error in (pair.source_error, pair.destination_error):
        if error is not None:
            yield f"! {clean(error.message)}", "bold"
            if error.hint:
                yield f"  {clean(error.hint)}", ""
    yield "", ""
    yield from _fields(one, other, width, only, both=pair.both)


def _about(pair: Pair, item: Item) -> Iterator[tuple[str, str]]:
    if item.type:
        yield ("format" if item.kind in (Kind.RESOURCE, Kind.FILE) else "type"), clean(item.type)
    if item.id and item.id != item.key:
        ids = [side.id for side in (pair.source, pair.destination) if side is not None]
        yield "ID", clean(" / ".join(dict.fromkeys(ids)))
    if item.files is not None or item.bytes is not None:
        size = (
            f"{item.bytes:,} bytes ({short_size(item.bytes)})".replace(",", " ")
            if item.bytes is not None
            else ""
        )
        count = f"{item.files} files, " if item.files is not None else ""
        yield "content", f"{count}{size}"
    if item.kind is Kind.FILE:
        digests = [side.digest or "none" for side in (pair.source, pair.destination) if side is not None]
        yield "MD5", " / ".join(dict.fromkeys(digests))
    if item.shared_from is not None:
        yield "shared", f"in from {clean(item.shared_from) or 'another project'}"


def _fields(one: Item | None, other: Item | None, width: int, only: str, *, both: bool) -> Iterator[Line]:
    left = one.fields if one is not None else {}
    right = other.fields if other is not None else {}
    names = sorted({*left, *right})
    cells = min(max((cell_width(name) for name in names), default=0), _NAME_CELLS if width < 60 else 30)
    for name in names:
        here, there = left.get(name, ""), right.get(name, "")
        if only and only.casefold() not in f"{name} {here} {there}".casefold():
            continue
        if not (here or there):
            continue
        shown = fit(clean(name), cells)
        if both:
            room = max(6, (width - cells - 5) // 2)
            differs = not same_text(here, there)
            values = f"{fit(clean(here) or '—', room):<{room}} {fit(clean(there) or '—', room):<{room}}"
            yield f"{shown:<{cells}} {values} {'*' if differs else ''}", "bold" if differs else ""
        else:
            yield f"{shown:<{cells}} {clean(here or there)}", ""


def has_items(pair: Pair) -> bool:
    """Whether a document can tell more of this pair."""
    kinds = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION)
    return pair.group is None and pair.kind in kinds and pair.status is not Status.UNREADABLE
