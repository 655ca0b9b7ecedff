"""That items have nothing where lists show nothing: asked of the search engine, all of it in one question.

A list that shows nothing in a column, or no second child of any item, may come from a server that does not
answer the column, or does not multiply rows. The search engine is asked for the items that have more than was
shown, and for one that is certainly there: an answer without that one says nothing
(`docs/xnat-contract.md` 2.11).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Item
from xnat_tui.xnat.http.connection import Connection, url_path
from xnat_tui.xnat.tables import searches
from xnat_tui.xnat.tables.joins import SUBJECT, Join
from xnat_tui.xnat.tables.listing import accession_id
from xnat_tui.xnat.tables.searches import Criterion, Where

MOST_TERMS = 2_000
"""Names of items and numbers in one search document: beyond, items are read one by one."""
_OF_A_TYPE = re.compile(r"\w+:\w+/")
_NUMBER = re.compile(r"[0-9]{1,18}")
"""A key of a database."""
_FILTERS_ON_PROJECT_LISTS = (1, 8)


@dataclass(frozen=True, eq=False, slots=True)
class Nothing:
    """That none of the items has anything at this path."""

    base: str
    """The type that all of the items are of; lists of it were believed."""
    path: str
    """Below an item, `scans/scan/ID`, or from another type on, `xnat:mrScanData/coil`."""
    doubted: Join | str
    """What is not to be believed where this cannot be settled: a join, or a field of the items."""

    def parts(self) -> Iterator[Nothing]:
        """Itself: one question always settles it."""
        yield self

    def where(self, root: str) -> Criterion | Where:
        """What a search finds those items of the type `root` by of which it is not true."""
        return Criterion(full_path(root, self.path), "IS NOT", "NULL")


@dataclass(frozen=True, eq=False, slots=True)
class NothingElse:
    """That what lists show at this path is all there is, where they show one of it at each item."""

    base: str
    path: str
    doubted: Join
    shown: Mapping[str, Sequence[str]]
    """Text → the accession IDs of the items that show it."""

    def parts(self) -> Iterator[NothingElse]:
        """Itself; nothing where it names too much for one question."""
        named = sum(map(len, self.shown.values())) * (len(self.shown) - 1)
        if self.shown and len(self.shown) + named <= MOST_TERMS:
            yield self

    def where(self, root: str) -> Criterion | Where:
        """As that of `Nothing`: a text that is not shown, or one at an item that shows another."""
        path = full_path(root, self.path)
        others_than = (Criterion(path, "!=", text) for text in self.shown)
        another = Where("AND", (Criterion(path, "IS NOT", "NULL"), *others_than))  # NULL may be unlike a text
        parts: list[Criterion | Where] = [another]
        for text in self.shown:
            others = [name for one, names in self.shown.items() if one != text for name in names]
            if others:
                mine = Where("OR", tuple(Criterion(f"{root}/ID", "=", name) for name in others))
                parts.append(Where("AND", (Criterion(path, "=", text), mine)))
        return Where("OR", tuple(parts))


@dataclass(frozen=True, eq=False, slots=True)
class NoOtherNumber:
    """That there is no number at this path but those that lists show. Numbers are unique on a server."""

    base: str
    path: str
    doubted: Join
    shown: Collection[str]
    """As the server writes them."""

    above: int | None = None
    below: int | None = None
    """The known numbers on both sides, where what is beyond them is asked for by itself."""

    def parts(self) -> Iterator[NoOtherNumber]:
        """The same in as many questions as it takes; nothing where what lists show is no number."""
        if not all(_NUMBER.fullmatch(text) for text in self.shown):
            return
        known = sorted({int(text) for text in self.shown})
        for start in range(0, len(known), MOST_TERMS):
            end = known[start + MOST_TERMS : start + MOST_TERMS + 1]
            low = known[max(0, start - 1) : start]
            here = [str(number) for number in known[start : start + MOST_TERMS]]
            yield replace(self, shown=here, above=low[0] if low else None, below=end[0] if end else None)

    def where(self, root: str) -> Criterion | Where:
        """As that of `Nothing`: a number in one of the gaps between those shown."""
        path = full_path(root, self.path)
        gaps: list[Criterion | Where] = []
        for low, high in pairwise((self.above, *sorted(map(int, self.shown)), self.below)):
            bounds = [
                Criterion(path, comparison, str(bound))
                for comparison, bound in ((">", low), ("<", high))
                if bound is not None
            ]
            if bounds and (low is None or high is None or high - low > 1):
                gaps.append(Where("AND", tuple(bounds)))
        return Where("OR", tuple(gaps))


Claim = Nothing | NothingElse | NoOtherNumber
"""`parts` are the claims that each fit in one question and together say the same; none where no question can
settle it."""


def full_path(root: str, path: str) -> str:
    """A path with its type, as search documents and filters take it."""
    return path if _OF_A_TYPE.match(path) else f"{root}/{path}"


class AbsenceQuestions:
    """Questions about the items of a project; each is one request. They raise XnatTuiError."""

    def __init__(self, connection: Connection, project: Item) -> None:
        self._connection = connection
        self._project = project.id

    def contradicting(self, root: str, claims: Iterable[Claim], known: str) -> frozenset[str]:
        """Accession IDs of the items of a type of which one of these claims is not true.

        `known` is one that lists show, and whose document was read. Raises BadAnswer where it is not found.
        """
        identity = f"{root}/ID"
        of_project = Where(
            "OR",
            tuple(
                Criterion(f"{root}/{name}", "=", self._project)
                for name in ("project", "sharing/share/project")
            ),
        )
        either = Where("OR", (Criterion(identity, "=", known), *(one.where(root) for one in claims)))
        table = searches.ask(self._connection, root, (identity,), Where("AND", (of_project, either)))
        # the key of a path in the answer is nowhere written down, and no other column holds accession IDs
        found = frozenset(cell for cells in table.cells for cell in cells)
        if known not in found:
            raise BadAnswer(f"A search for {root} does not find what lists show.")
        return found - {known}

    def having(self, claim: Nothing) -> frozenset[str]:
        """Accession IDs of the items that have something there, as the list engine's filter tells.

        Before 1.8 lists of a project ignore filters, so that the site's lists are asked, which leave out
        what is shared in.
        """
        name = "subjects" if claim.base == SUBJECT else "experiments"
        parameters = {"columns": "ID", full_path(claim.base, claim.path): "*"}
        if claim.base != SUBJECT:
            parameters["xsiType"] = claim.base
        address = f"/data/projects/{url_path(self._project)}/{name}"
        if self._connection.version_tuple < _FILTERS_ON_PROJECT_LISTS:
            address, parameters["project"] = f"/data/{name}", self._project
        table = self._connection.table_within(self._connection.listing_seconds, address, "URI", **parameters)
        return frozenset(map(accession_id, table))
