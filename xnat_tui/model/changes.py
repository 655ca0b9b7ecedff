"""Small writes, a row each: planned, shown, confirmed, done one by one, with a result per row."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from xnat_tui.errors import XnatTuiError


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a panel's plan. `refusal` says why it will not be sent at all."""

    location: str
    """Short form of the item that changes."""
    verb: str
    """What is done to it, in a word or two: `set`, `share`, `archive`, `rename` ..."""
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    """Only fields that change, under the names of the server's listing."""
    note: str = ""
    """A side effect the user should know."""
    refusal: str = ""
    destroys: bool = False
    """Whether something there is deleted or replaced: the project ID has to be typed."""
    project: str = ""
    undoes: int = 0
    """The entry of the history that it takes back (`model/history.py`); 0 for none."""


def told_short(text: str) -> str:
    """A value within a line: a text of several lines by their number."""
    return f"{len(text.splitlines())} lines" if "\n" in text else text


def lines_changed(change: Change) -> list[str]:
    """The lines that go (`- `) and come (`+ `) in values of several lines, with one that stays around them;
    `…` stands for those between."""
    found: list[str] = []
    for name in dict.fromkeys((*change.before, *change.after)):
        old, new = change.before.get(name, ""), change.after.get(name, "")
        if old != new and "\n" in f"{old}{new}":
            rows = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[3:]
            found += ["…" if row.startswith("@@") else f"{row[0]} {row[1:]}" for row in rows]
    return found


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change. Without an error the server was seen to hold what was wanted."""

    change: Change
    error: XnatTuiError | None = None
    note: str = ""


def apply(changes: Iterable[Change], do: Callable[[Change], str]) -> Iterator[Result]:
    """Do changes one after the other; one that fails does not stop the others.

    `do` returns a note, and raises XnatTuiError; refused changes never reach it.
    """
    for change in changes:
        if change.refusal:
            continue
        try:
            yield Result(change, note=do(change))
        except XnatTuiError as error:
            yield Result(change, error)
