"""Compare two places completely: prefetch in bulk, walk down, count, and say what it rests on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from xnat_tui.errors import BadAnswer, Interrupted, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.judging import Rules, neutral_fields
from xnat_tui.model.notice import Notice
from xnat_tui.model.pairing import Depth, Pair, Status
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.matching import check_matched
from xnat_tui.services.browsing.trees import Side, Tree
from xnat_tui.services.comparing.compared import Compared, items_of
from xnat_tui.services.comparing.reports import document
from xnat_tui.services.reading.awaiting import heard, results
from xnat_tui.services.reading.file_lists import read_files
from xnat_tui.services.reading.garbage import search_dropped, seldom_searched
from xnat_tui.services.reading.listed import is_listed, tells_enough
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import ItemNames, Reader
from xnat_tui.xnat.documents.items import describe
from xnat_tui.xnat.http.connection import Connection

_TASKS = 256
"""Into how many a level is cut at most: enough to keep every connection busy."""
_PROJECTS_AT_ONCE = 16
_MOST_FILLED = 5_000
"""Levels of missing items that are filled for their sizes: beyond that it would cost key presses."""
_REFRESH = "Refresh the catalog there with populateStats, then compare again."
_JUDGED_BY_DEPTH = frozenset({Kind.RESOURCE, Kind.FILE})
_DOCUMENTED = frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT})


@dataclass(slots=True)
class Progress:
    """Counters that a screen reads while the comparison runs."""

    compared: int = 0
    waiting: int = 0
    ended: bool = False
    error: XnatTuiError | None = None
    notice: Notice | None = None
    """What takes long, or will cost many requests; the last that was said."""


class Comparison(Compared):
    """Two places and what is known of their agreement. `run` fills it in; any thread may look on.

    `depth` is about files. `fields` is "listed" (what bulk listings give: demographics, custom
    variables, session and scan fields) or "all" (every field of every item's document, at one request
    more per session and subject on each side).
    """

    def __init__(
        self,
        source: Side,
        destination: Side,
        *,
        depth: Depth = Depth.SIZES,
        fields: str = "listed",
        neutral: Iterable[str] = (),
        filters: Filters = NO_FILTERS,
    ) -> None:
        self.every_field = fields == "all"
        rules = Rules(
            depth,
            neutral_fields(neutral),
            _names(source),
            _names(destination),
            None if self.every_field else is_listed,
        )
        super().__init__(source, destination, rules, Tree(source, destination, rules, depth, filters))
        self.progress = Progress()
        self.stop = threading.Event()
        self._prefetched: set[str] = set()
        self._described: set[Pair] = set()
        self._walked = threading.RLock()
        self._dissolved = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the pairs while something walks them. Raises Interrupted after `dissolve`: what it would find
        is not what was compared."""
        with self._walked:
            if self._dissolved:
                raise Interrupted("The comparison was left.", "Compare again.")
            yield

    def dissolve(self) -> None:
        """Stop, and give the memory back a little at a time, when nothing walks the pairs any more."""
        self.stop.set()
        with self._walked:
            self._dissolved = True
            self.tree.dissolve()

    @property
    def _connections(self) -> tuple[Connection, Connection]:
        return self.source.reader.connection, self.destination.reader.connection

    def _hear(self, notice: Notice) -> None:
        self.progress.notice = notice

    def begin(self) -> None:
        """Set the counters back, before a screen looks at them and a thread calls `run`."""
        self.progress = Progress()

    def forget(self, pair: Pair) -> Pair:
        """Have a pair read again by the next `run`, the bulk questions of its project included.

        Returns the pair below which everything was dropped: what a resource or a file is, its owner's lists
        tell, and so does why a side lacks it.
        """
        while pair is not self.root and pair.parent is not None and _is_told_above(pair):
            pair = pair.parent
        with self.tree.lock:
            self.tree.forget(pair)
            self._judge(pair)
        self._prefetched.clear()
        self._described.clear()
        return pair

    def run(self, near: Callable[[], Pair | None] | None = None) -> None:
        """Compare until nothing is unread, nearest to `near()` first. Raises Interrupted when stopped.

        What could not be read is a verdict (`unreadable`), not an exception; what is known when it is
        stopped stays known, and another `run` goes on from there.
        """
        if self.root.children is None:
            search_dropped()  # before there is anything to show; a deeper run of the same drops nothing
        self.begin()
        width = max(2, self.source.reader.connection.server.connections)
        with (
            self.held(),
            seldom_searched(),
            heard(self._connections, self._hear),
            ThreadPoolExecutor(2 * width, thread_name_prefix="compare") as pool,
        ):
            try:
                self._run(pool, near)
            except XnatTuiError as error:
                self.progress.error = error
                if isinstance(error, Interrupted):
                    self.stop.clear()
                raise
            finally:
                self.progress.ended = True

    def _run(self, pool: ThreadPoolExecutor, near: Callable[[], Pair | None] | None) -> None:
        frontier = [self.root]
        while frontier:
            frontier = self._nearest_first(frontier, near)
            self._prefetch(frontier, pool)
            frontier = self._reopened(frontier)
            self._open_all(pool, frontier)
            frontier = [child for pair in frontier for child in self._waiting(pair)]
            if not frontier and self.depth is Depth.SIZES:
                counted = self._count(pool)
                frontier = [pair for pair in self._reopened(counted) if pair.kind is not Kind.RESOURCE]
        self._check_matched()

    def _reopened(self, pairs: list[Pair]) -> list[Pair]:
        """These pairs; in place of those in a session (or subject, or project) that a list of files showed to
        hold more than was known, that one, to be opened again."""
        reread = (self.source.reader.take_reread(), self.destination.reader.take_reread())
        if not any(reread):
            return pairs
        again: dict[Pair, None] = {}
        for pair in pairs:
            above = next((one for one in pair.ancestors() if _is_one_of(one, *reread)), pair)
            again[above] = None
        with self.tree.lock:
            for pair in again.keys() - set(pairs):
                pair.forget()
        return list(again)

    def _check_matched(self) -> None:
        """Raises NotFound where a filter let nothing pass: that proves nothing. What one side lacks is
        looked into only for this; what cannot be read may hold it."""
        if self.tree.tally.unmatched([self.root.kind]) and not self.summary().unreadable:
            check_matched(self.tree.tally, (self.source.root, self.destination.root), self._one_sided())

    def _one_sided(self) -> Iterator[tuple[Reader, Place]]:
        for pair in items_of(self.root):
            right = pair.source is None
            if not pair.both and (where := self.tree.place(pair, right=right)):
                yield (self.destination if right else self.source).reader, where

    def _open_all(self, pool: ThreadPoolExecutor, pairs: list[Pair]) -> None:
        """Pair what stands below: here what is remembered, in other threads what has to be asked for.

        Threads that only compute would take the interpreter from each other, and from the explorer.
        """
        asked = []
        for waiting, pair in zip(range(len(pairs), 0, -1), pairs, strict=True):
            self.check_stop()
            self.progress.waiting = waiting
            if not self._needs_document(pair) and (pair.complete or self.tree.fill_remembered(pair)):
                self.progress.compared += 1
            else:
                asked.append(pair)
        self._in_parallel(pool, self._open, asked)

    def _open(self, pair: Pair) -> None:
        if self._needs_document(pair):
            self._describe(pair)
            self._described.add(pair)
        if not pair.complete:
            self.tree.fill(pair)
        self.progress.compared += 1

    def _needs_document(self, pair: Pair) -> bool:
        """Whether the listings do not tell enough of an item to judge it by, nor did its document before."""
        if pair.group is not None or pair.kind not in _DOCUMENTED or not pair.both or pair in self._described:
            return False
        if self.every_field or pair is self.root or pair.kind is Kind.PROJECT:
            return True
        return any(item is not None and not tells_enough(item) for item in (pair.source, pair.destination))

    def _waiting(self, pair: Pair) -> Iterator[Pair]:
        """What below a pair still has to be opened; what only one side has is not walked."""
        for child in pair.children or ():
            if not child.both:
                continue
            if not child.complete or child.unread_below:
                yield child

    def _in_parallel(
        self, pool: ThreadPoolExecutor, do: Callable[[Pair], None], pairs: Sequence[Pair]
    ) -> None:
        """Do it to all. Many go to a thread together: most of them need no request of their own."""
        self.progress.waiting = len(pairs)
        size = 1 + len(pairs) // _TASKS

        def some(start: int) -> int:
            chosen = pairs[start : start + size]
            for pair in chosen:
                self.check_stop()
                do(pair)
            return len(chosen)

        for done in pool.map(some, range(0, len(pairs), size)):
            self.progress.waiting -= done

    def check_stop(self) -> None:
        """Raises Interrupted where somebody set `stop`."""
        if self.stop.is_set():
            raise Interrupted("The comparison was stopped.", "What is known stays; compare again to go on.")

    def _nearest_first(self, frontier: list[Pair], near: Callable[[], Pair | None] | None) -> list[Pair]:
        cursor = near() if near else None
        if cursor is None:
            return frontier
        around = {id(cursor), *(id(above) for above in cursor.ancestors())}
        return sorted(frontier, key=lambda pair: id(pair) not in around and id(pair.parent) not in around)

    def _prefetch(self, frontier: list[Pair], pool: ThreadPoolExecutor) -> None:
        projects = [
            pair for pair in frontier if pair.kind is Kind.PROJECT and pair.group is None and pair.both
        ]
        jobs = []
        for pair in projects:
            for side, right in ((self.source, False), (self.destination, True)):
                where = self.tree.place(pair, right=right)
                assert where is not None, "a pair on both sides has a place on each"
                if f"{right}{where.location}" not in self._prefetched:
                    jobs.append((f"{right}{where.location}", side.reader, where))
        for some in (jobs[:2], jobs[2:]):  # what the first project proves of a server need not be asked again
            self._read_projects(some, pool)
        if self.depth is Depth.DIGESTS:
            self._read_files([pair for pair in frontier if pair.kind is Kind.RESOURCE], pool)

    def _read_projects(self, jobs: list[tuple[str, Reader, Place]], pool: ThreadPoolExecutor) -> None:
        if not jobs:
            return
        with ThreadPoolExecutor(min(len(jobs), _PROJECTS_AT_ONCE), thread_name_prefix="project") as leaders:
            asked = [
                leaders.submit(read_project, reader, where, pool, sessions_below=not self.every_field)
                for _, reader, where in jobs
            ]
            results(asked, *self._connections, stop=self.stop)
        self._prefetched.update(key for key, _, _ in jobs)

    def _read_files(self, pairs: list[Pair], pool: ThreadPoolExecutor) -> None:
        """Ask for the files of many resources at once, about ten sessions to a request."""
        jobs = []
        for side, right in ((self.source, False), (self.destination, True)):
            places = [place for pair in pairs if (place := self.tree.place(pair, right=right)) is not None]
            jobs += read_files(side.reader, places, pool, self.stop)
        results(jobs, *self._connections, stop=self.stop)
        self.check_stop()

    def list_files(self, resources: Sequence[Pair]) -> None:
        """Pair the files of these resources, asked for about ten sessions at once, whatever the depth."""
        waiting = [pair for pair in resources if pair.both and pair.children is None]
        if not waiting:
            return
        width = max(2, self.source.reader.connection.server.connections)
        with self.held(), ThreadPoolExecutor(2 * width, thread_name_prefix="files") as pool:
            self._read_files(waiting, pool)
            self._in_parallel(pool, self.tree.fill, waiting)

    def _count(self, pool: ThreadPoolExecutor) -> list[Pair]:
        """Resources that a server never counted are compared by their list of files. Which they were."""
        uncounted = [
            pair
            for pair in self.root.walk()
            if pair.kind is Kind.RESOURCE
            and pair.group is None
            and pair.both
            and pair.status is Status.UNREAD
        ]
        self._read_files(uncounted, pool)
        self._in_parallel(pool, self._recount, uncounted)
        return uncounted

    def _recount(self, pair: Pair) -> None:
        listings = []
        for side, right in ((self.source, False), (self.destination, True)):
            place = self.tree.place(pair, right=right)
            assert place is not None, "only pairs on both sides are counted"
            listings.append(side.reader.below(place, Kind.FILE))
        one, other = listings
        with self.tree.lock:
            if one.error or other.error:
                pair.fail(one.error, other.error)
            else:
                assert pair.source is not None
                assert pair.destination is not None
                pair.source = _counted(pair.source, one.items)
                pair.destination = _counted(pair.destination, other.items)
                pair.judge(self.rules(pair.source, pair.destination))
                if pair.status is Status.UNREAD:
                    unsized = BadAnswer("The server records no size for some of the files.", _REFRESH)
                    pair.fail(
                        unsized if pair.source.bytes is None else None,
                        unsized if pair.destination.bytes is None else None,
                    )
                else:
                    self.progress.compared += 1

    def _describe(self, pair: Pair) -> None:
        """Judge a pair by every field of its documents; a document that cannot be read is an error."""
        items: list[Item | None] = []
        errors: list[XnatTuiError | None] = []
        for side, right in ((self.source, False), (self.destination, True)):
            place = self.tree.place(pair, right=right)
            assert place is not None, "only pairs on both sides are described"
            item = place.item
            assert item is not None, "a server has no document"
            try:
                items.append(describe(item, side.reader.document(place)))
                errors.append(None)
            except XnatTuiError as error:
                items.append(None)
                errors.append(error)
        one, other = items
        with self.tree.lock:
            if one is None or other is None:
                pair.fail(*errors, below=pair.kind is Kind.EXPERIMENT)
            else:
                pair.source, pair.destination = one, other
                pair.judge(self.rules(one, other))

    def deepen(self, depth: Depth) -> None:
        """Judge what is known by another depth; `run` then asks for what that still needs.

        Only resources and files are judged by depth. Differences among files are of the depth that found
        them: they are dropped, and paired anew from what is remembered where this depth wants them.
        """
        self.rules = replace(self.rules, depth=depth)
        with self.tree.lock:
            self.tree.judge, self.tree.depth = self.rules, depth
            waiting = [self.root]
            while waiting:
                pair = waiting.pop()
                if pair.kind in _JUDGED_BY_DEPTH and pair.group is None:
                    if pair.both:
                        pair.forget()
                        self._judge(pair)
                        pair.reopen(needed=depth is Depth.DIGESTS or pair is self.root)
                elif _repeats_resources(pair):
                    self._match_again(pair)
                else:
                    waiting += pair.children or ()

    def _judge(self, pair: Pair) -> None:
        """By its own fields, as when it was first met; that it is one of several stays said."""
        if pair.group is None and pair.source is not None and pair.destination is not None:
            verdict = self.rules(pair.source, pair.destination)
            kept = "" if pair.kind in _JUDGED_BY_DEPTH else pair.note
            pair.judge(replace(verdict, note=verdict.note or kept))

    def _match_again(self, pair: Pair) -> None:
        """Which of several resources with one label belong together is decided by the depth as well."""
        if pair.error is not None:
            self.forget(pair)
            return
        pair.forget()
        self.tree.fill_remembered(pair)  # where it is not, `run` asks again

    def fill_missing(self) -> None:
        """Show below what only one side has what bulk answers brought along, without asking for any."""
        left = _MOST_FILLED
        with self.held():
            for pair in list(self.root.walk()):
                if pair.group is None and not pair.both and pair.children is None and left > 0:
                    self.check_stop()
                    left -= self.tree.fill_known(pair)

    def to_dict(self, *, everything: bool = False) -> dict[str, Any]:
        """The JSON document of `compare`; with `everything` also what is the same."""
        return document(self, everything=everything)


def _names(side: Side) -> Mapping[str, str]:
    """What accession IDs of a side mean; those that lead to the compared root mean "here" on both."""
    here = {item.id: f"this {item.kind}" for item in side.root.items}
    return ItemNames(side.reader.names(side.root.of(Kind.PROJECT)).items_by_id, here)


def _is_one_of(pair: Pair, source: frozenset[str], destination: frozenset[str]) -> bool:
    if pair.group is not None or pair.source is None or pair.destination is None:
        return False
    if pair.kind not in _DOCUMENTED:
        return False
    return pair.source.id in source or pair.destination.id in destination


def _is_told_above(pair: Pair) -> bool:
    """Whether reading below a pair again would leave its own verdict, or its owner's, as it was."""
    if pair.group is not None:
        return pair.parent is not None and pair.parent.status is Status.UNREADABLE
    return pair.kind in _JUDGED_BY_DEPTH or (pair.status is Status.UNREADABLE and not pair.both)


def _repeats_resources(pair: Pair) -> bool:
    """Whether several resources below a pair share a label."""
    found = [child for child in pair.children or () if child.kind is Kind.RESOURCE and child.group is None]
    return len({(child.item.side if child.item else "", child.key) for child in found}) < len(found)


def _counted(item: Item, files: tuple[Item, ...]) -> Item:
    sizes = [file.bytes for file in files]
    return replace(item, files=len(files), bytes=None if None in sizes else sum(size or 0 for size in sizes))
