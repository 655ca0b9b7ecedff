"""How a question about a whole project is asked, so that a slow server is waited for, and not flooded.

XNAT answers a listing when the whole join is done, and nobody can know how long that takes: the first byte
for 72,000 subjects may come after minutes. Late is no refusal. A question that is late is asked once more and
waited for longer, then by accession ID in two parts, four, eight, before its asker falls back to one question
for each item. Pages (`limit`, `offset`) would not do: XNAT orders no rows, so that pages overlap and skip
(`docs/xnat-contract.md` 2.3). Filters on project lists are from 1.8 on, 1.7 ignores them without a word
(2.1): then the first part is the whole, and is taken as such. A plain list of IDs, which joins nothing, tells
what has to come in the parts, so that no row is lost.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from string import ascii_letters, digits

from xnat_tui.errors import BadAnswer, ServerUnreachable
from xnat_tui.model.display import exactly
from xnat_tui.model.notice import Notice
from xnat_tui.xnat.http.addresses import Value
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.http.retry import is_late
from xnat_tui.xnat.http.streams import stopped
from xnat_tui.xnat.tables.listing import accession_id
from xnat_tui.xnat.tables.table import Cells, Table

ADDRESS_BYTES = 6000
"""Of an address: servers and proxies refuse those beyond 8 kB."""
_COMMA = 3
"""Bytes of a comma in an address, encoded or not."""
_PLAIN = frozenset(ascii_letters + digits + "_-.")
"""Characters of accession IDs that mean themselves in a filter, but for `_` behind a wildcard, which stands
for any: such a part brings rows of others along, and they are left out of it."""
_BALANCED = 2 / 3
"""A half has at most so much of the whole."""
_LONGEST_END = 6


@dataclass(frozen=True, slots=True)
class _Question:
    """A listing and what to say of it; `scope` is what every part has in common."""

    path: str
    needed: tuple[str, ...]
    scope: Mapping[str, Value]
    columns: str
    about: str
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the items of a listing: all those whose accession IDs end like this."""

    ids: frozenset[str]
    ends: tuple[str, ...] = ("",)
    halvings: int = 0

    def filter(self, room: int) -> str:
        """The value of the filter `ID`, "" where none says it: the IDs if `room` bytes hold them."""
        listed = self.ids if sum(len(one) + _COMMA for one in self.ids) <= room else None
        words = sorted(listed) if listed else [one if one in self.ids else f"*{one}" for one in self.ends]
        plain = _PLAIN.issuperset("".join(listed or self.ends))
        size = sum(len(one) + 2 * one.count("*") + _COMMA for one in words)
        return ",".join(words) if plain and size <= room else ""

    def halves(self) -> list[_Part]:
        """Two parts of about the same size, none where all IDs end alike."""
        classes = {end: {one for one in self.ids if one.endswith(end)} for end in self.ends}
        while classes:
            largest = max(classes, key=lambda end: (len(classes[end]), end))
            if len(classes[largest]) <= _BALANCED * len(self.ids) and len(classes) > 1:
                break
            if len(largest) >= _LONGEST_END or classes[largest] == {largest}:
                break
            longer: dict[str, set[str]] = defaultdict(set)
            for one in classes.pop(largest):
                longer[one[-len(largest) - 1 :]].add(one)
            classes.update(longer)
        sides: tuple[list[str], list[str]] = ([], [])
        sizes = [0, 0]
        for end in sorted(classes, key=lambda end: (-len(classes[end]), end)):
            smaller = sizes[1] < sizes[0]
            sides[smaller].append(end)
            sizes[smaller] += len(classes[end])
        if not sides[1]:
            return []
        return [
            _Part(frozenset().union(*(classes[end] for end in ends)), tuple(sorted(ends)), self.halvings + 1)
            for ends in sides
        ]


class BulkAsking:
    """Asks about everything in one project."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection = connection
        self._project = project
        self._known: dict[tuple[str, Value], frozenset[str]] = {}
        """The accession IDs of a listing, by its address and root type."""
        self._listing_ids = threading.Lock()

    def table(self, path: str, *needed: str, about: str, columns: Iterable[str], **scope: Value) -> Table:
        """As `Connection.table`. `about` is how the question is called where it takes long ("scans").

        Raises ServerUnreachable where even an eighth of it is late; BadAnswer where a part lacks items.
        """
        question = _Question(path, needed, scope, ",".join(columns), about, self._connection.stop)
        try:
            return self._whole(question)
        except ServerUnreachable as late:
            if not is_late(late) or late.unreachable or self._ignores_filters(path):
                raise
            return self._in_parts(question, late)

    def _ignores_filters(self, path: str) -> bool:
        connection = self._connection
        return bool(connection.version) and connection.version_tuple < (1, 8) and "/projects/" in path

    def _whole(self, question: _Question) -> Table:
        waited = self._connection.listing_seconds
        try:
            return self._ask(question, waited)
        except ServerUnreachable as late:
            if not is_late(late):
                raise
        self._connection.grow_patience(waited)
        now = self._connection.listing_seconds
        self._tell(question, "asked once more", f"waiting up to {exactly(now)} for it")
        return self._ask(question, now)

    def _in_parts(self, question: _Question, late: ServerUnreachable) -> Table:
        every = self._ids(question)
        if not every:
            return Table((), ())
        waiting = self._halved(question, [_Part(every)])
        if not waiting:
            raise late
        found: list[Table] = []
        while waiting:
            part = waiting.pop(0)
            try:
                table = self._ask(question, self._connection.listing_seconds, self._filter(question, part))
            except ServerUnreachable as error:
                if not is_late(error) or error.unreachable:
                    raise
                here = [part, *(one for one in waiting if one.halvings == part.halvings)]
                waiting = self._halved(question, here) + waiting[len(here) - 1 :]
                if not waiting or part.halvings >= self._connection.patience.halvings:
                    raise
                continue
            if every <= _ids(table):
                return table  # the filter was ignored: this is everything
            found.append(self._checked(question, part, every, table))
        return _joined(found)

    def _halved(self, question: _Question, parts: list[_Part]) -> list[_Part]:
        """Each of them in two; none where one cannot be halved, or no filter says its half."""
        halves = [half for part in parts for half in part.halves()]
        if len(halves) < 2 * len(parts) or not all(self._filter(question, half) for half in halves):
            return []
        self._tell(question, f"asked in {len(halves)} parts", "asking for it in parts", len(halves))
        return halves

    def _filter(self, question: _Question, part: _Part) -> str:
        rest = sum(len(str(one)) for one in question.scope.values())
        return part.filter(ADDRESS_BYTES - len(question.path) - 2 * len(question.columns) - rest)

    def _ids(self, question: _Question) -> frozenset[str]:
        key = (question.path, question.scope.get("xsiType"))
        plain = replace(question, needed=("URI",), columns="ID")
        with self._listing_ids:  # several questions may be late at once
            if key not in self._known:
                self._known[key] = _ids(self._ask(plain, self._connection.listing_seconds))
            return self._known[key]

    def _checked(self, question: _Question, part: _Part, every: frozenset[str], table: Table) -> Table:
        """The rows of a part, without those of others; what it lacks is asked for by name, once.

        Raises BadAnswer where that lacks it too.
        """
        mine = _only(table, lambda one: one in part.ids or one not in every)
        lacking = part.ids - _ids(mine)
        if not lacking:
            return mine
        named = _Part(lacking, tuple(sorted(lacking)))
        words = self._filter(question, named)
        if words:
            more = self._ask(question, self._connection.listing_seconds, words)
            mine = _joined([mine, _only(more, lambda one: one in lacking)])
            lacking -= _ids(mine)
        if lacking:
            raise BadAnswer(
                f"{self._connection.server.name} lists {len(every)} items, and leaves out {len(lacking)} "
                f"where it is asked for {question.about} in parts.",
                "Its answers contradict each other: reload, or ask its administrator.",
            )
        return mine

    def _ask(self, question: _Question, seconds: float, ids: str = "") -> Table:
        if question.stop.is_set():
            raise stopped()
        scope = {**question.scope, "ID": ids} if ids else question.scope
        return self._connection.table_within(
            seconds, question.path, *question.needed, columns=question.columns, **scope
        )

    def _tell(self, question: _Question, done: str, more: str, requests: int = 1) -> None:
        name = self._connection.server.name
        self._connection.tell(
            Notice(
                f"{name} takes long to list {question.about} of {self._project}: {more}.",
                f"{name}: {question.about} {done}",
                requests,
            )
        )


def _ids(table: Table) -> frozenset[str]:
    return frozenset(map(accession_id, table))


def _only(table: Table, keep: Callable[[str], bool]) -> Table:
    kept = [cells for cells in table.cells if keep(accession_id(table.row(cells)))]
    return table if len(kept) == len(table) else Table(table.columns, kept)


def _joined(tables: Iterable[Table]) -> Table:
    """One table of several. Raises BadAnswer where a column is in one and not in another: blanks in its place
    would be taken for "none"."""
    first, *others = [table for table in tables if len(table)] or [Table((), ())]
    cells: list[Cells] = list(first.cells)
    for table in others:
        if sorted(table.columns) != sorted(first.columns):
            raise BadAnswer("The server's listings of two halves have other columns.", "Reload.")
        cells += (
            table.cells if table.columns == first.columns else map(table.picker(first.columns), table.cells)
        )
    return Table(first.columns, cells)
