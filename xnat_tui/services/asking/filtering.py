"""Rows that a line of words leaves, as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from xnat_tui.errors import Interrupted
from xnat_tui.services.asking.table import Table, text_of

E = TypeVar("E")
_LOOKS = 1000
"""Rows between two looks whether the answer is still wanted."""


def matching(table: Table[E], line: str, wanted: Callable[[], bool] = lambda: True) -> Sequence[E]:
    """Entries of which each word stands in a column that is shown, whatever its case; `type:t1` means one
    column, `!word` leaves out, `!` is what is not answered. Raises Interrupted once it is not `wanted`."""
    words = [_word(table, word) for word in line.casefold().split() if word.strip("!")]
    if not words:
        return table.entries
    found: list[E] = []
    for number, entry in enumerate(table.entries):
        if number % _LOOKS == 0 and not wanted():
            raise Interrupted("Another filter was typed.")
        if all(passes(entry) for passes in words):
            found.append(entry)
    return found


def _word(table: Table[E], word: str) -> Callable[[E], bool]:
    inverted = word.startswith("!")
    word = word.removeprefix("!")
    name, colon, text = word.rpartition(":")
    by_lower = {known.casefold(): known for known in table.known}
    if colon and name in by_lower:
        columns, word = [by_lower[name]], text
    else:
        columns = [*table.columns]
    cells = [table.cell_of(column) for column in columns]

    def passes(entry: E) -> bool:
        return any(word in text_of(cell(entry)).casefold() for cell in cells) is not inverted

    return passes
