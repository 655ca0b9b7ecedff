"""What one row of a pair tree says on one side, as runs of text with the name of their style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, fit, short_count, short_size
from xnat_tui.model.entities import Item, Kind, type_word
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.tui.explorer.filter import scan_type
from xnat_tui.tui.explorer.row import Message, Row, errors_of
from xnat_tui.tui.explorer.rows import Rows
from xnat_tui.tui.terminal.theme import Glyphs

Side = Literal["source", "destination"]
Run = tuple[str, str]
"""Text, and the name of its style: one of `STYLES`."""

STYLES = ("plain", "same", "left", "right", "both", "unread", "error", "guide")

_STYLE_OF_GLYPH = {
    " ": "same",
    "*": "both",
    "<": "left",
    ">": "right",
    "~": "plain",
    "?": "unread",
    "!": "error",
}

WORD_OF_GLYPH = {
    " ": "same",
    "*": "differs",
    "<": "left only",
    ">": "right only",
    "~": "below",
    "?": "unread",
    "!": "unreadable",
}

SIZE_CELLS = 7
FILES_CELLS = 5
_SHORTEST = 3
"""Cells that something said beside a label needs at least."""
WIDE = 44
"""From this many cells on there is room for the number of files beside the size."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a row is drawn. `width` is in cells."""

    side: Side
    width: int
    glyphs: Glyphs

    @property
    def destination(self) -> bool:
        return self.side == "destination"


def draw(row: Row, rows: Rows, place: Place, *, in_range: bool = False) -> list[Run]:
    """The row's runs, exactly `place.width` cells in all, neighbours of one style joined."""
    runs = _message(row, rows, place) if row.message is not None else _pair(row, rows, place, in_range)
    return _joined(runs, place.width)


def _label(pair: Pair, item: Item, cells: int, ellipsis: str) -> str:
    """What a row calls an item: its label or scan ID, and what kind of scan, session or assessor it is.

    Where there is no room for both, the label is what stays whole for longer.
    """
    name, about = clean(pair.key), clean(" ".join(_about(pair, item)))
    left = cells - cell_len(name) - 1
    if not about or left < min(_SHORTEST, cell_len(about)):
        return fit(name, cells, ellipsis)
    return f"{name} {fit(about, left, ellipsis)}".lstrip()


def _about(pair: Pair, item: Item) -> list[str]:
    words: list[str] = []
    if pair.group is None:
        if pair.kind is Kind.SCAN:
            words.append(scan_type(item))
        elif pair.kind in (Kind.EXPERIMENT, Kind.ASSESSOR):
            words.append(type_word(item.type))
        elif item.side:
            words.append(f"({item.side})")
        if item.shared_from is not None:
            words.append(f"@{item.shared_from}")
    return [word for word in words if word]


def error_text(error: XnatTuiError) -> str:
    """`403 Forbidden`: short enough for a row; the whole message is in the details."""
    return clean(f"{error.status} {error.title}" if error.status else error.title)


def _pair(row: Row, rows: Rows, place: Place, in_range: bool) -> list[Run]:
    pair = row.pair
    item = pair.destination if place.destination else pair.source
    style = _style(pair, rows.comparing)
    marked = item is not None and (in_range or rows.marks.covers(pair))
    mark = place.glyphs.mark if marked else " "
    lead = f"{pair.glyph}{mark} " if rows.comparing else f"{mark} "
    guides = _guides(row, place.glyphs)
    room = place.width - len(lead) - len(guides)
    if item is None:
        return [(lead, style), (guides, "guide"), _absent(pair, place, style, room)]
    arrow = " " if row.is_leaf else place.glyphs.open if row.expanded else place.glyphs.closed
    words = _words(pair, marked=marked, comparing=rows.comparing) if place.glyphs.words else ""
    figures = _figures(pair, rows, place)
    space = room - len(figures)
    if space - len(words) < 8:
        space, figures = room, ""
    lead_in = f"{words}{arrow} "
    text = lead_in + _label(pair, item, space - len(lead_in), place.glyphs.ellipsis)
    return [(lead, style), (guides, "guide"), (text + " " * (space - cell_len(text)) + figures, style)]


def _words(pair: Pair, *, marked: bool, comparing: bool) -> str:
    said = [WORD_OF_GLYPH[pair.glyph]] if comparing else []
    return "".join(f"{word} " for word in (*said, *(["marked"] if marked else [])))


def _absent(pair: Pair, place: Place, style: str, room: int) -> Run:
    """Nothing opposite, unless this side could not be read: then nobody knows."""
    error = pair.destination_error if place.destination else pair.source_error
    if error is not None:
        return fit(f"! {error_text(error)}", room, place.glyphs.ellipsis), "error"
    if pair.status in (Status.UNREAD, Status.UNREADABLE):
        return "", style
    return fit(place.glyphs.missing, room, place.glyphs.ellipsis), style


def _message(row: Row, rows: Rows, place: Place) -> list[Run]:
    lead = " " * (3 if rows.comparing else 2)
    guides = _guides(row, place.glyphs)
    room = place.width - len(lead) - len(guides)
    text, style = _said(row, rows, place)
    if not text:
        return []
    return [(lead, "plain"), (guides, "guide"), (fit(text, room, place.glyphs.ellipsis), style)]


def _said(row: Row, rows: Rows, place: Place) -> Run:
    pair = row.pair
    here = pair.destination if place.destination else pair.source
    if here is None and rows.comparing:
        return "", "plain"
    match row.message:
        case Message.LOADING:
            return clean(rows.loading_text.get(pair, f"loading{place.glyphs.ellipsis}")), "unread"
        case Message.ERROR:
            error = errors_of(pair)[place.destination]
            if error is None:
                return "", "plain"
            return f"! {error_text(error)} {place.glyphs.dash} R retries", "error"
        case Message.HIDDEN:
            return f"{len(pair.children or ())} not shown", "unread"
        case _:
            return "(empty)", "unread"


def _style(pair: Pair, comparing: bool) -> str:
    if comparing:
        return _STYLE_OF_GLYPH[pair.glyph]
    return "error" if pair.status is Status.UNREADABLE else "plain"


def _guides(row: Row, glyphs: Glyphs) -> str:
    if row.depth == 0:
        return ""
    pieces = [glyphs.corner if row.last else glyphs.branch]
    above = row.parent
    while above is not None and above.depth > 0:
        pieces.append(glyphs.blank if above.last else glyphs.through)
        above = above.parent
    return "".join(reversed(pieces))


def _figures(pair: Pair, rows: Rows, place: Place) -> str:
    files, size = rows.figures.of(pair, place.destination)
    text = short_size(size).rjust(SIZE_CELLS - 1)
    if place.width >= WIDE:
        text = short_count(files).rjust(FILES_CELLS) + text
    return f"{text} "


def _joined(runs: list[Run], width: int) -> list[Run]:
    """Each run of one style costs escape sequences of its own: join them, and fill up the line."""
    joined: list[Run] = []
    used = 0
    for text, style in runs:
        if not text:
            continue
        used += cell_len(text)
        if joined and (joined[-1][1] == style or (text.isspace() and style == "guide")):
            joined[-1] = (joined[-1][0] + text, joined[-1][1])
        else:
            joined.append((text, style))
    if used < width:
        last, style = joined.pop() if joined else ("", "plain")
        joined.append((last + " " * (width - used), style))
    return joined
