"""Rows in the order of some columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TypeVar

E = TypeVar("E")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def directions(sort: Iterable[str], known: Sequence[str]) -> list[tuple[str, bool]]:
    """(column, downwards) of each: `-` before a name turns it round, unless a column is called so."""
    return [
        (text[1:], True) if text.startswith("-") and text not in known else (text, False) for text in sort
    ]


def ordered(entries: Iterable[E], by: Iterable[tuple[Callable[[E], str | int | None], bool]]) -> list[E]:
    """Numbers as numbers and before texts; what is empty, then what nobody answered, stays at the end."""
    rows = list(entries)
    for cell, downwards in reversed(list(by)):
        cells = [(cell(entry), entry) for entry in rows]
        told = [(_key(text), entry) for text, entry in cells if text not in (None, "")]
        told.sort(key=itemgetter(0), reverse=downwards)  # stays in order where alike, also downwards
        empty = [entry for text, entry in cells if text == ""]
        rows = [entry for _, entry in told] + empty + [entry for text, entry in cells if text is None]
    return rows


def _key(cell: str | int | None) -> tuple[bool, float, str, str]:
    text = str(cell)
    if _NUMBER.fullmatch(text):
        return False, float(text), "", ""
    return True, 0.0, text.casefold(), text
