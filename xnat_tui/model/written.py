"""Every text that leaves the program: whatever it is opened with, nothing in it is obeyed.

What `display.clean` makes visible in a terminal it makes visible in files: control characters, escapes,
direction overrides, line and paragraph separators, halves of surrogate pairs. Tables, Markdown and HTML are
quoted on top of that as their format wants it; JSON is ASCII already.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Sequence

from xnat_tui.model.display import clean

_SHOWN = re.compile("[\u2400-\u2421]|<(?=U\\+[0-9A-F]{4,6}>)")
"""What `clean` writes for something else: where a text has it itself, it is spelled out."""
_SPELLED = re.compile("([\u2400-\u241f\u2421])|<U\\+([0-9A-F]{4,6})>")
_FORMULA = re.compile("'*[=+\\-@\uff1d\uff0b\uff0d\uff20\u2409\u240a\u240d].", re.DOTALL)
"""How a cell begins that a spreadsheet would run; tabs and line ends are pictures by then. A sign by itself
is none."""
_BLANK = "<U+0020>"
_NEGATIVE = re.compile(r"-\d+(\.\d+)?([eE][-+]?\d+)?")
_MARKDOWN = re.compile(r"[\\`*_\[\]|~#!$]|:(?=//)|@|\.(?=[^\W\d_])")


def spelled(text: str) -> str:
    """`clean`, so that `unspelled` gives the text back: its own pictures and `<U+000A>` are spelled out."""
    if text.isascii() and text.isprintable() and "<U+" not in text:
        return text
    return clean(_SHOWN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text))


def unspelled(text: str) -> str:
    """What `spelled` was given."""
    return _SPELLED.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    picture, digits = found.groups()
    if picture:
        return "\x7f" if picture == "\u2421" else chr(ord(picture) - 0x2400)
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else found[0]


def cell(text: str) -> str:
    """A cell of a table: spelled, and with `'` before what a spreadsheet would take for a formula."""
    written = spelled(text)
    return f"'{written}" if _FORMULA.match(written) and not _NEGATIVE.fullmatch(written) else written


def cell_text(written: str) -> str:
    """What `cell` was given."""
    return unspelled(written[1:] if written.startswith("'") and _FORMULA.match(written) else written)


def outer_blanks(text: str) -> str:
    """A cell whose blanks at its ends are spelled too, for a reader that strips what people type there."""
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if inner else len(text)
    return _BLANK * before + inner + _BLANK * (len(text) - before - len(inner))


def csv_text(rows: Iterable[Sequence[str]], *, raw: bool = False, delimiter: str = ",") -> str:
    """A table, its headings the first row. `raw` leaves every cell as it is, for programs."""
    written = rows if raw else ([cell(one) for one in row] for row in rows)
    return csv_lines(written, delimiter)


def csv_lines(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Finished cells as a table, a line feed after each row."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\r\n")  # quotes the signs that end lines
    for row in rows:
        writer.writerow(row)
        target.seek(target.tell() - 2)
        target.truncate()
        target.write("\n")
    return target.getvalue()


def markdown(text: str) -> str:
    """Text within a line or a cell of Markdown: neither HTML, nor a link, an emphasis or another cell.

    The libraries at hand read Markdown and do not write it; the signs are those that CommonMark and GitHub's
    tables, links, mentions and formulas give a meaning to within a line, and dots that may be a host's.
    """
    return _MARKDOWN.sub(r"\\\g<0>", html.escape(clean(text), quote=False))


def html_text(text: str) -> str:
    """Text between two tags, or in a quoted attribute."""
    return html.escape(clean(text))
