"""Claims that nothing is where lists show nothing, settled by one question for each type of item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from xnat_tui.model.entities import Item
from xnat_tui.services.reading.claims import applies
from xnat_tui.services.reading.shown import Root
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables.absence import AbsenceQuestions, Claim, Nothing
from xnat_tui.xnat.tables.joins import Join

Found = Callable[[], frozenset[str] | None]
"""Waits for the accession IDs of the items that contradict; None where the question was refused."""
Start = Callable[[Callable[[], Any]], Callable[[], Any]]
"""Asks in another thread, and answers None for a refusal."""


class Settling:
    """Asks the search engine about each type of item, and the list engine's filters where it refuses."""

    def __init__(
        self, start: Start, connection: Connection, project: Item, roots: Mapping[Root, str]
    ) -> None:
        """`roots` are the types of the items, each with the accession ID of one whose document is read."""
        self._start = start
        self._questions = AbsenceQuestions(connection, project)
        self._roots = roots
        self._asked: list[tuple[tuple[Claim, ...], Found]] = []
        self.contradicting: set[str] = set()
        """Accession IDs of the items that have more than lists show."""

    def ask(self, claims: Iterable[Claim]) -> None:
        """Ask one question about each type, and more only where a claim is too long for it."""
        claims = tuple(claims)
        for root, known in self._roots.items():
            together: list[Claim] = []
            for claim in claims:
                if not applies(claim, root):
                    continue
                parts: list[Claim] = [*claim.parts()]
                if not parts:
                    self._asked.append(((claim,), _unanswered))
                together += parts[:1]
                self._asked += [((part,), self._search(root.type, (part,), known)) for part in parts[1:]]
            if together:
                self._asked.append((tuple(together), self._search(root.type, tuple(together), known)))

    def unsettled(self) -> Iterator[Join | str]:
        """The joins and the fields of which nobody can tell whether an item has more than lists show."""
        left: dict[Claim, None] = {}
        for claims, answer in self._asked:
            found = answer()
            if found is None:
                left.update(dict.fromkeys(claims))
            else:
                self.contradicting |= found
        filters = {
            claim: self._start(lambda claim=claim: self._questions.having(claim))  # type: ignore[misc]
            for claim in left
            if isinstance(claim, Nothing)
        }
        for claim in left:
            found = filters[claim]() if claim in filters else None
            if found is None:
                yield claim.doubted
            else:
                self.contradicting |= found

    def _search(self, root: str, claims: tuple[Claim, ...], known: str) -> Found:
        return self._start(lambda: self._questions.contradicting(root, claims, known))


def _unanswered() -> None:
    """What cannot be asked is not answered."""
