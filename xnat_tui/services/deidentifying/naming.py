"""What subjects and sessions are called where they go: by the user's table, by his rule, or by the key.

A label that only the key makes says nothing, and is the same in every run. What a session was called is taken
over only as far as it says nothing of anybody: `SMITH_MR2` of a subject `SMITH` becomes `A-1_MR2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from xnat_tui.errors import UsageError
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.proof import SHORTEST, Lost
from xnat_tui.services.deidentifying.relabel import Labels, Rule, read_dealt, read_map, write_dealt

_HARMLESS = frozenset(
    (
        *("mr", "mri", "ct", "pet", "pt", "us", "nm", "v", "vis", "visit", "s", "ses", "session", "scan"),
        *("exam", "study", "tp", "time", "t", "w", "wk", "week", "m", "mo", "month", "d", "day", "y", "year"),
        *("bl", "base", "baseline", "fu", "followup", "pre", "post", "run", "a", "b"),
    )
)
_PART = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]+")
_DIGITS = 2
"""A number of more may be a date, or somebody's."""


@dataclass(slots=True)
class NewLabels:
    """Answers what stands for a label. Never the same for two; a collision is told where it is met."""

    key: Key
    table: Labels | None = None
    """The user's, whose silence holds; without one the key speaks."""
    _given: dict[str, str] = field(default_factory=dict)

    def subject(self, old: str) -> str:
        """Raises Held where the table has no row for it, or its new label says the old one."""
        new = self.key.label(old) if self.table is None else self.table.subjects.get(old, "")
        if not new:
            raise Held("its subject has no row in the table of labels")
        return self._only_once(_proved(new, old), f"subject {old}")

    def session(self, subject: str, old: str) -> str:
        """Raises Held as `subject` does."""
        own = self.table.sessions.get((subject, old), "") if self.table is not None else ""
        new = own or f"{self.subject(subject)}{_rest(subject, old) or '_' + self.key.label(old)[-6:]}"
        return self._only_once(_proved(new, subject, old), f"session {subject}/{old}")

    def _only_once(self, new: str, what: str) -> str:
        """Raises Held where another of its kind is called so."""
        place = f"{what.partition(' ')[0]} {new.casefold()}"
        if self._given.setdefault(place, what) != what:
            raise Held("its new label is another's, too")
        return new


def new_labels(key: Key, map_file: str, rule: str, subjects: Iterable[str]) -> tuple[NewLabels, str]:
    """What the options ask for; and a sentence where labels were dealt and written to the table.

    With a rule the table is the program's, who deals a number to each subject that has none and remembers it
    there. Raises UsageError, and ConfigError for files that others can read or that cannot be written.
    """
    if not rule:
        return NewLabels(key, read_map(Path(map_file).expanduser()) if map_file else None), ""
    if not map_file:
        raise UsageError("--relabel needs a table that remembers who is who.", "Name it with --map FILE.csv.")
    path = Path(map_file).expanduser()
    known = read_dealt(path)
    dealt = replace(known, subjects=Rule(rule).deal(subjects, known.subjects))
    if dealt == known:
        return NewLabels(key, known), ""
    write_dealt(path, dealt)
    count = len(dealt.subjects) - len(known.subjects)
    words = "One new label was dealt" if count == 1 else f"{count} new labels were dealt"
    return NewLabels(key, dealt), f"{words} and written to {path}, which says who is who."


def _rest(subject: str, session: str) -> str:
    """What a session's label adds to its subject's, where that says nothing of anybody; else ""."""
    if not session.startswith(subject):
        return ""
    rest = session[len(subject) :]
    for part in _PART.findall(rest):
        if part.isalpha() and part.lower() not in _HARMLESS:
            return ""
        if part.isdigit() and len(part) > _DIGITS:
            return ""
        if not part.isalnum() and part not in ("_", "-"):
            return ""
    return rest


def _proved(new: str, *old: str) -> str:
    """A new label holds no old one. Raises Held."""
    if Lost(frozenset(), frozenset(one for one in old if len(one) >= SHORTEST)).in_text(new):
        raise Held("its new label holds the old one")
    return new
