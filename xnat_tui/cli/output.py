"""What a verb says: data on stdout, everything else on stderr, nothing of a server's text obeyed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, TextIO

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean

if TYPE_CHECKING:
    from rich.console import Console

Color = Literal["auto", "always", "never"]
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
        """A finished text of another format, such as CSV: as it is, but for what a terminal would obey."""
        sys.stdout.write(shown(text) if sys.stdout.isatty() else text)

    def note(self, text: str = "") -> None:
        """A line about what goes on, on stderr; -q silences it."""
        if not self.quiet:
            sys.stderr.write(shown(text) + "\n")

    def warning(self, text: str) -> None:
        """A line on stderr that -q does not silence."""
        sys.stderr.write(shown(text) + "\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        right: Collection[str] = (),
        to: TextIO | None = None,
    ) -> None:
        """Aligned columns, on stdout unless `to` says otherwise; `right` names the columns of figures."""
        from rich.table import Table
        from rich.text import Text

        stream = to or sys.stdout
        table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
        for header in headers:
            table.add_column(header, justify="right" if header in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(clean(cell)) for cell in row))
        console = self.console(stream)
        with console.capture() as captured:
            console.print(table)
        stream.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())

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
        if self.wants_json and not self._document_written:
            self.document({"error": {"title": error.title, "message": error.message, "hint": error.hint}})
        sys.stdout.flush()
        sys.stderr.write(shown(error.message) + "\n")
        if error.hint:
            sys.stderr.write(f"\nhint: {shown(error.hint)}\n")


def shown(text: str) -> str:
    """A message of ours with control characters made visible; its line breaks stay."""
    return "\n".join(map(clean, text.split("\n")))
