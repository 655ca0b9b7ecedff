"""What a verb says: data on stdout, everything else on stderr, nothing of a server's text obeyed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TextIO

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import cell_width, clean, clean_lines, fit

if TYPE_CHECKING:
    from rich.console import Console

Color = Literal["auto", "always", "never"]
_GAP = 2
_NARROWEST = 12
"""Cells of a column that is cut: with fewer nothing could be recognised."""
_UNLIMITED = 100_000
"""Cells of a line that goes into a pipe or a file: nothing is cut or folded there."""


class Output:
    """One verb's voice. Text is shown with control characters visible and markup as it is written."""

    def __init__(self, *, wants_json: bool = False, quiet: bool = False, color: Color = "auto") -> None:
        self.wants_json = wants_json
        self.quiet = quiet
        self.color = color
        self._document_written = False

    def document(self, document: object) -> None:
        """The verb's one JSON document. ASCII, so that no label can steer a terminal."""
        if self._document_written:
            raise RuntimeError("A verb writes one document.")
        self._document_written = True
        json.dump(document, sys.stdout, indent=2)
        sys.stdout.write("\n")

    def line(self, text: str = "") -> None:
        """A line of data."""
        sys.stdout.write(clean(text) + "\n")

    def raw(self, text: str) -> None:
        """A finished text of another format, such as CSV: as it is, but for what a terminal would obey, which
        even a `--raw` table does not bring to one."""
        sys.stdout.write(clean_lines(text) if sys.stdout.isatty() else text)

    def note(self, text: str = "") -> None:
        """A line about what goes on, on stderr; -q silences it."""
        if not self.quiet:
            sys.stderr.write(clean_lines(text) + "\n")

    def warning(self, text: str) -> None:
        """A line on stderr that -q does not silence."""
        sys.stderr.write(clean_lines(text) + "\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        right: Collection[str] = (),
        whole: Collection[str] = (),
        fold: str = "",
        to: TextIO | None = None,
    ) -> None:
        """Aligned columns, on stdout unless `to` says otherwise; `right` names the columns of figures.

        A terminal gets lines no wider than it is: the first column, those of figures and those named by
        `whole` stay as they are, the column `fold` is continued below, others are cut in their middle.
        The last columns are left out where there is no room for them, and named on stderr.
        """
        from rich.table import Table
        from rich.text import Text

        stream = to or sys.stdout
        console = self.console(stream)
        cells = [[clean(cell) for cell in row] for row in rows]
        widths = fitted(headers, cells, console.width, {headers[0], *right, *whole}, fold)
        console.width = max(console.width, sum(widths) + _GAP * len(widths))  # what is whole is never cut
        columns = [number for number, width in enumerate(widths) if width]
        table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
        for number in columns:
            justify: Literal["left", "right"] = "right" if headers[number] in right else "left"
            header = fit(headers[number], widths[number])
            table.add_column(header, justify=justify, width=widths[number], overflow="fold")
        for row in cells:
            texts = ((row[n] if headers[n] == fold else fit(row[n], widths[n])) for n in columns)
            table.add_row(*map(Text, texts))
        with console.capture() as captured:
            console.print(table)
        stream.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
        if left_out := [header for header, width in zip(headers, widths, strict=True) if not width]:
            stream.flush()
            self.note(f"Too narrow for: {', '.join(left_out)}. A wider terminal, a pipe or --json has them.")

    def console(self, stream: TextIO) -> Console:
        """A rich console on this stream, coloured as --color, NO_COLOR and the stream say; markup is off."""
        from rich.console import Console

        colored = self.colored(stream)
        return Console(
            file=stream,
            force_terminal=colored,
            no_color=not colored,
            color_system="standard" if colored else None,
            width=None if stream.isatty() else _UNLIMITED,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def colored(self, stream: TextIO) -> bool:
        if self.color != "auto":
            return self.color == "always"
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def error(self, error: XnatTuiError) -> None:
        """Message and hint on stderr; with --json the same as the document, if none was written before."""
        try:
            if self.wants_json and not self._document_written:
                self.document({"error": {"title": error.title, "message": error.message, "hint": error.hint}})
            sys.stdout.flush()
        except OSError as failure:
            if isinstance(failure, BrokenPipeError):
                raise
        with suppress(OSError):  # the exit code tells what a full or closed stderr cannot
            sys.stderr.write(clean_lines(error.message) + "\n")
            if error.hint:
                sys.stderr.write(f"\nhint: {clean_lines(error.hint)}\n")
            sys.stderr.flush()


def fitted(
    headers: Sequence[str], rows: Sequence[Sequence[str]], width: int, whole: Collection[str], fold: str = ""
) -> list[int]:
    """How wide each column may be so that a line has at most `width` cells; 0 leaves it out.

    First the last columns go, until the others can be recognised; then the widest give way.
    """
    widths = [
        max(1, cell_width(header), *(cell_width(row[number]) for row in rows))
        for number, header in enumerate(headers)
    ]
    least = [
        found if header in whole else min(found, _NARROWEST)
        for header, found in zip(headers, widths, strict=True)
    ]
    for number in reversed(range(1, len(headers))):
        if _line(least) <= width:
            break
        if headers[number] not in (*whole, fold):
            widths[number] = least[number] = 0
    while _line(widths) > width:
        givers = [number for number, found in enumerate(widths) if found > least[number]]
        if not givers:
            break
        folded = [number for number in givers if headers[number] == fold]
        widths[max(folded or givers, key=lambda number: widths[number])] -= 1
    return widths


def _line(widths: Sequence[int]) -> int:
    columns = [width for width in widths if width]
    return sum(columns) + _GAP * (len(columns) - 1)
