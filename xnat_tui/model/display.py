"""Making strange text fit to be shown: nothing a server says may move the cursor or turn a line around."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

ELLIPSIS = "…"

_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def clean(text: str) -> str:
    """Replace whatever would not be seen as itself by something that is.

    Control characters become their pictures (ESC is `␛`), direction overrides, invisible and
    unassigned characters and unusual blanks their code point (`<U+202E>`). Square brackets stay:
    show the result with markup off.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    blank = character != " " and unicodedata.category(character).startswith("Z")
    if character.isprintable() and not blank and code not in _VARIATION_SELECTORS:
        return character
    return f"<U+{code:04X}>"


def clean_beside(one: str, other: str) -> tuple[str, str]:
    """Two values that differ, cleaned so that it is seen how: blanks at an end are `␠`.

    So is every blank where nothing but white space differs.
    """
    if one != other and "".join(one.split()) == "".join(other.split()):
        return clean(one.replace(" ", "␠")), clean(other.replace(" ", "␠"))
    return clean(_edged(one)), clean(_edged(other))


def _edged(text: str) -> str:
    if text == text.strip(" "):
        return text
    inner = text.strip(" ")
    head = len(text) - len(text.lstrip(" "))
    return "␠" * head + inner + "␠" * (len(text) - head - len(inner))


def cell_width(text: str) -> int:
    """How many cells cleaned text takes in a terminal: two for East Asian wide, none for combining."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


@lru_cache(maxsize=4096)
def _character_width(character: str) -> int:
    """As Textual draws it."""
    from rich.cells import get_character_cell_size  # not at the start: most names are ASCII

    return get_character_cell_size(character)


def fit(text: str, cells: int, ellipsis: str = ELLIPSIS) -> str:
    """Shorten cleaned text in its middle so that it takes at most `cells` cells; never padded.

    Labels of one study mostly differ at their end, so the end keeps at least as much as the beginning.
    """
    if cell_width(text) <= cells:
        return text
    room = cells - cell_width(ellipsis)
    if room < 0:
        return _beginning(text, cells)
    head = _beginning(text, room // 2)
    return head + ellipsis + _end(text, room - cell_width(head))


def _beginning(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _character_width(character)
        if used > cells:
            return text[:index]
    return text


def _end(text: str, cells: int) -> str:
    """The longest end that fits, never begun by a combining character torn from its letter."""
    used, start = 0, len(text)
    for index in range(len(text) - 1, -1, -1):
        width = _character_width(text[index])
        used += width
        if used > cells:
            break
        if width:
            start = index
    return text[start:]


def short_size(size: int | None) -> str:
    """Bytes in at most four cells, by powers of 1000: `403`, `1.6M`, `31M`, `1.1G`; "" when unknown.

    Rounded down, so that a size never looks more than it is. This is for columns: they have no room for the
    decimals and the blanks of `humanize.naturalsize`, which `size_words` has for sentences.
    """
    if size is None:
        return ""
    if size < 1000:
        return str(size)
    for unit in "kMGTPE":
        size, rest = divmod(size, 1000)
        if size < 10:
            tenths = rest // 100
            return f"{size}.{tenths}{unit}" if tenths else f"{size}{unit}"
        if size < 1000:
            return f"{size}{unit}"
    return "huge"


def short_count(count: int | None) -> str:
    """A number of files in at most four cells: `176`, `1640`, `181k`; "" when unknown."""
    return str(count) if count is not None and count < 10_000 else short_size(count)


def size_words(size: int) -> str:
    """A size in a sentence, by powers of 1000: `6 bytes`, `1.6 MB`."""
    if size < 1000:
        return counted(size, "byte")
    import humanize  # not at the start: most calls of the program say no size

    return humanize.naturalsize(size)


def counted(count: int, noun: str) -> str:
    """`1 file`, `2 files`, `72,000 files`, for nouns that only take an s."""
    if count < 1000:
        return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
    import humanize

    return f"{humanize.intcomma(count)} {noun}s"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names in a sentence: `a, b and c`; where there are more than `most`, `a, b and 7 more`."""
    import humanize

    if len(names) <= most:
        return humanize.natural_list(list(names)) if names else ""
    return humanize.natural_list([*names[: most - 1], f"{len(names) - most + 1} more"])


def about(seconds: float) -> str:
    """A time that is still to come, as near as it can be known: `17 seconds`, `an hour`."""
    import humanize

    return humanize.naturaldelta(timedelta(seconds=seconds))


def exactly(seconds: float) -> str:
    """A time that was set or measured: `2 minutes and 5 seconds`, `0.4 seconds`."""
    import humanize

    return humanize.precisedelta(timedelta(seconds=seconds), format="%.3g")


def clean_lines(text: str) -> str:
    """`clean`, line by line: for our own texts, in which a server's names may stand."""
    return "\n".join(map(clean, text.split("\n")))
