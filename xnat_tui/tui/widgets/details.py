"""Every field of the item under the cursor, as XNAT names them; two columns while comparing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from xnat_tui.model.display import cell_width, clean, clean_beside, counted, fit, short_size
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.pairing import FieldDifference, Judge, Pair, Status
from xnat_tui.tui.explorer.pair_words import item_name, item_word, pair_line, verdict
from xnat_tui.tui.explorer.row_text import WORD_OF_GLYPH
from xnat_tui.tui.terminal.theme import is_plain

_NAME_CELLS = 18
_MOST_BELOW = 200
_MOST_CHARACTERS = 4000


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
        judge: Judge | None = None,
    ) -> None:
        """`source` and `destination` replace the pair's items where a document told more of them;
        `only` keeps the fields whose name or value contains it; `judge` says which fields differ."""
        if pair is None:
            self._text.update("")
            return
        width = max(30, (self.size.width or 46) - 3)
        text = Text(no_wrap=True)
        words = is_plain()
        one, other = source or pair.source, destination or pair.destination
        fields = judge(one, other).fields if judge and one and other else pair.fields
        differing = {difference.name: difference for difference in fields}
        for line, style in _lines(pair, one, other, width, only, differing, words):
            text.append(line + "\n", style)
        if note:
            text.append(f"\n{clean(note)}\n", "italic")
        self._text.update(text)


Line = tuple[str, str]
Differing = Mapping[str, FieldDifference]


def _lines(
    pair: Pair,
    one: Item | None,
    other: Item | None,
    width: int,
    only: str,
    differing: Differing,
    words: bool,
) -> Iterator[Line]:
    """`words` beside the glyphs, for those who listen."""
    item = one or other
    if item is None or pair.group is not None:
        yield pair_line(pair), "bold"
        return
    yield f"{fit(clean(item_name(item)), width - 20)}  {item_word(item)}", "bold"
    if pair.compared:
        yield from ((line, "") for line in wrapped(verdict(pair), width))
    for label, value in _about(pair, item):
        yield from _beside(f"{label:<10}", [wrapped(value, width - 11)])
    for error in (pair.source_error, pair.destination_error):
        if error is not None:
            yield f"! {clean(error.message)}", "bold"
            if error.hint:
                yield f"  {clean(error.hint)}", ""
    yield "", ""
    if pair.both:
        yield from _two_columns(one, other, width, only, differing, words)
    else:
        yield from _fields(item, width, only)
    if not only:
        yield from _differing_below(pair, width, words)


def _about(pair: Pair, item: Item) -> Iterator[tuple[str, str]]:
    if item.type and item.type != item.fields.get("format"):  # a resource's stands among its fields
        yield ("format" if item.kind in (Kind.RESOURCE, Kind.FILE) else "type"), clean(item.type)
    if item.id and item.id != item.key:
        ids = [side.id for side in (pair.source, pair.destination) if side is not None]
        yield "ID", clean(" / ".join(dict.fromkeys(ids)))
    contents = [_content(side) for side in (pair.source, pair.destination) if side is not None]
    if any(contents):
        yield "content", " | ".join(dict.fromkeys(content or "not counted" for content in contents))
    if item.kind is Kind.FILE:
        digests = [side.digest or "none" for side in (pair.source, pair.destination) if side is not None]
        yield "MD5", " / ".join(dict.fromkeys(digests))
    if item.shared_from is not None:
        yield "shared", f"in from {clean(item.shared_from) or 'another project'}"


def _content(item: Item) -> str:
    words = []
    if item.files is not None and item.kind is not Kind.FILE:
        words.append(counted(item.files, "file"))
    if item.bytes is not None:
        exact = counted(item.bytes, "byte")
        words.append(exact if item.bytes < 1000 else f"{exact} ({short_size(item.bytes)})")
    return ", ".join(words)


def _fields(item: Item, width: int, only: str) -> Iterator[Line]:
    cells = _name_cells(item.fields, width)
    for name in sorted(item.fields):
        value = item.fields.get(name, "")
        if value and only.casefold() in f"{name} {value}".casefold():
            yield from _beside(_column(clean(name), cells), [wrapped(clean(value), width - cells - 1)])


def _beside(name: str, values: Sequence[Sequence[str]], end: str = "", style: str = "") -> Iterator[Line]:
    """Values next to each other in as many lines as the longest one needs."""
    blank = " " * cell_width(values[0][0])
    for parts in zip_longest(*values, fillvalue=blank):
        yield f"{name} {' '.join(parts)}{end}", style
        name, end = " " * cell_width(name), ""


def _two_columns(
    one: Item | None, other: Item | None, width: int, only: str, differing: Differing, words: bool
) -> Iterator[Line]:
    """What differs first. What belongs to a server, such as an ID, may be unlike without a mark."""
    left = one.fields if one is not None else {}
    right = other.fields if other is not None else {}
    extra = [name for name in differing if name not in left and name not in right]
    names = [*extra, *sorted({*left, *right}, key=lambda name: (name not in differing, name))]
    sign, none = (" * differs", "(none)") if words else (" *", "—")
    cells = _name_cells(names, width)
    room = max(6, (width - cells - 2 - len(sign)) // 2)
    yield f"{'':<{cells}} {'left':<{room}} right", "bold"
    for name in names:
        difference = differing.get(name)
        here = left.get(name, "") or (difference.source if difference else "")
        there = right.get(name, "") or (difference.destination if difference else "")
        if not (here or there) or only.casefold() not in f"{name} {here} {there}".casefold():
            continue
        title, texts = _column(clean(name), cells), [clean(text) or none for text in (here, there)]
        if difference:
            texts = [text or none for text in clean_beside(here, there)]
            columns = [[_column(part, room) for part in wrapped(text, room)] for text in texts]
            yield from _beside(title, columns, sign, "bold")
        else:
            yield from _beside(title, [[_column(text, room)] for text in texts])


def _name_cells(names: Iterable[str], width: int) -> int:
    longest = max((cell_width(clean(name)) for name in names), default=0)
    return min(longest, _NAME_CELLS if width < 60 else 30)


def wrapped(text: str, cells: int) -> list[str]:
    """A text in lines of so many cells, broken at blanks where there are any near the end."""
    lines = []
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]}… ({len(text)} characters)"
    while (end := _fitting(text, cells)) < len(text):
        blank = text.rfind(" ", end // 2, end + 1)
        end = blank if blank > 0 else end
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]


def _fitting(text: str, cells: int) -> int:
    """How many characters fill so many cells; marks stay with what they combine with."""
    end = used = 0
    for character in text:
        used += cell_width(character)
        if used > cells:
            break
        end += 1
    return max(1, end)


def _column(text: str, cells: int) -> str:
    fitted = fit(text, cells)
    return fitted + " " * (cells - cell_width(fitted))


def _differing_below(pair: Pair, width: int, words: bool) -> Iterator[Line]:
    """What differs below the pair as far as that is known: files where they were listed."""
    if not pair.differing_below:
        return
    yield "", ""
    yield f"{pair.differing_below} below that differ{'s' if pair.differing_below == 1 else ''}", "bold"
    found = 0
    for below in pair.walk():
        if below is pair or not (below.is_difference or below.error) or not _highest(below, pair):
            continue
        if found == _MOST_BELOW:
            yield "… and more: expand it in the tree", "italic"
            return
        found += 1
        sign = f"{below.glyph} {WORD_OF_GLYPH[below.glyph]}:" if words else below.glyph
        yield fit(f"{sign} {_way(below, pair)}{_sizes(below)}", width), ""


def _highest(below: Pair, pair: Pair) -> bool:
    """Whether nothing above says it already: what a missing item holds is missing with it."""
    return below.parent is pair or (below.parent is not None and below.parent.both)


def _way(below: Pair, pair: Pair) -> str:
    steps = [below]
    for above in below.ancestors():
        if above is pair:
            break
        if above.group is None:
            steps.append(above)
    return clean(" / ".join(step.key for step in reversed(steps)))


def _sizes(pair: Pair) -> str:
    sizes = [short_size(item.bytes) for item in (pair.source, pair.destination) if item is not None]
    said = " vs ".join(size for size in sizes if size)
    return f"  {said}" if said and pair.kind in (Kind.FILE, Kind.RESOURCE) else ""


def has_items(pair: Pair) -> bool:
    """Whether a document can tell more of this pair."""
    kinds = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION)
    return pair.group is None and pair.kind in kinds and pair.status is not Status.UNREADABLE
