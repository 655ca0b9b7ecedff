"""One server measured in bounded time, by reads alone: how soon it answers, how often, how fast it sends.

Nothing is written here; `own_resource` does that, where somebody agreed to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from xnat_tui.errors import Interrupted, NotFound, XnatTuiError
from xnat_tui.model.entities import CHILD_KINDS, Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.measuring.figures import Figure, Flow, Latency, Reads
from xnat_tui.services.reading.awaiting import results
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection, encode_uri

IN_FLIGHT = (1, 2, 4, 8)
"""How many reads are under way at once, turn after turn; never more than the server's `connections`."""
_BRANCHES = 3
"""How many items of a level are looked into for files."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a server's time and of the network is taken at most."""

    seconds: float = 18.0
    """After so long nothing more is begun."""
    reads: int = 40
    read_seconds: float = 2.0
    level_seconds: float = 1.0
    flow_seconds: float = 1.5
    cut_seconds: float = 3.0
    """After the first of these no file or zip is asked for again; what is then under way at the second is
    broken off."""
    flow_bytes: int = 64_000_000
    questions: int = 12
    """Lists that are read to find some files."""
    files: int = 20
    """Files of one resource that are fetched one by one; as many small ones are sent."""
    small: int = 64_000
    largest: int = 32_000_000
    """Bytes of a small file that is sent, and of the large one at most."""


BUDGET = Budget()


class Flows:
    """Bytes that arrive or leave in several threads, until time or bytes are used up."""

    def __init__(self, budget: Budget) -> None:
        self._until = time.monotonic() + budget.flow_seconds
        self._cut = time.monotonic() + budget.cut_seconds
        self._left = budget.flow_bytes
        self._lock = threading.Lock()
        self.bytes = 0
        self.answers = 0

    @property
    def goes_on(self) -> bool:
        """Whether another answer is wanted."""
        return time.monotonic() < self._until and self.bytes < self._left

    def add(self, size: int) -> bool:
        """Count bytes; whether more are wanted."""
        with self._lock:
            self.bytes += size
        return time.monotonic() < self._cut and self.bytes < self._left

    def answered(self) -> None:
        with self._lock:
            self.answers += 1


class Benchmark:
    """Reads of one server, at a place of it. Each call measures one thing, and raises what a read raises."""

    def __init__(self, reader: Reader, place: Place, budget: Budget | None = None) -> None:
        self.reader = reader
        self.place = place
        self.budget = budget or BUDGET
        self._until = time.monotonic() + self.budget.seconds

    @property
    def connection(self) -> Connection:
        return self.reader.connection

    @property
    def is_late(self) -> bool:
        """Whether the time for all of it is used up."""
        return time.monotonic() > self._until

    @property
    def several(self) -> int:
        """How many streams are tried beside one."""
        return max((count for count in self.levels if count <= 4), default=1)

    @property
    def levels(self) -> Sequence[int]:
        """How many reads at once are tried: no more than the configuration allows."""
        return [count for count in IN_FLIGHT if count <= self.connection.server.connections]

    def latency(self) -> Latency:
        """Reads of the session one after the other: what every request costs at least."""
        seconds: list[float] = []
        until = time.monotonic() + self.budget.read_seconds
        while len(seconds) < self.budget.reads and (not seconds or time.monotonic() < until):
            began = time.perf_counter()
            self.connection.get_text("/data/JSESSION")
            seconds.append(time.perf_counter() - began)
        return Latency("the session", tuple(seconds))

    def reads(self, in_flight: int) -> Reads:
        """So many threads, each asking for a short list again and again."""
        of, ask = self._short_list()
        counts, failures = [0] * in_flight, [0] * in_flight
        waits: list[float] = []
        began = time.perf_counter()
        until = time.monotonic() + self.budget.level_seconds

        def go_on(number: int) -> None:
            while not failures[number] and (not counts[number] or time.monotonic() < until):
                try:
                    ask()
                    counts[number] += 1
                except Interrupted:
                    raise
                except XnatTuiError:
                    failures[number] += 1

        with _waits(self.connection, waits):
            in_threads(self.connection, go_on, in_flight)
        seconds = time.perf_counter() - began
        return Reads(of, in_flight, sum(counts), seconds, len(waits) + sum(failures))

    def _short_list(self) -> tuple[str, Callable[[], object]]:
        """A list that the server looks up in its database, where a project is known; else the session."""
        project = self.place.of(Kind.PROJECT)
        if project is None:
            return "the session", lambda: self.connection.get_text("/data/JSESSION")
        where = self.place.up_to(Kind.PROJECT).location
        path = f"{encode_uri(project.uri)}/resources"
        return f"the resources of {where}", lambda: self.connection.table(path)

    def some_files(self) -> Place | None:
        """The largest resource of the first item at or below the place that has files; None where none was
        found with a few questions. What cannot be read is passed over."""
        left = self.budget.questions
        waiting = [self.place if self.place.kind is not Kind.FILE else self.place.parent]
        while waiting and left > 0:
            place = waiting.pop()
            if place.kind is Kind.RESOURCE:
                return place
            below: list[Place] = []
            for kind in CHILD_KINDS[place.kind]:
                left -= place.kind is not Kind.SCAN  # its session's document has told those
                found = [place.child(item) for item in self.reader.below(place, kind).items]
                if kind is Kind.RESOURCE:
                    found = sorted((one for one in found if _bytes(one)), key=_bytes)[-1:]
                below += found[:_BRANCHES]
            waiting += reversed(below)
        return None

    def zips_down(self, resource: Place, streams: int) -> Flow:
        """A resource's zip, by so many threads at once, again and again; the last ones are broken off."""
        path = f"{encode_uri(_item(resource).uri)}/files"

        def fetch(flows: Flows, _number: int) -> None:
            with self.connection.download(path, format="zip") as download:
                flows.answered()
                for chunk in download:
                    if not flows.add(len(chunk)):
                        return

        return self._flow("zip", resource, streams, fetch)

    def files_down(self, resource: Place) -> Flow:
        """Files of a resource one after the other, each by a request of its own."""
        listing = self.reader.below(resource, Kind.FILE)
        if listing.error is not None:
            raise listing.error
        if not listing.items:
            raise NotFound(f"{resource.location} has no files.")
        files = listing.items[: self.budget.files]

        def fetch(flows: Flows, number: int) -> None:
            with self.connection.download(encode_uri(files[number % len(files)].uri)) as download:
                flows.answered()
                for chunk in download:
                    if not flows.add(len(chunk)):
                        return

        return self._flow("files", resource, 1, fetch)

    def _flow(self, manner: str, of: Place, streams: int, fetch: Callable[[Flows, int], None]) -> Flow:
        flows = Flows(self.budget)
        began = time.perf_counter()

        def go_on(_thread: int) -> None:
            number = 0
            while not number or flows.goes_on:
                fetch(flows, number)
                number += 1

        in_threads(self.connection, go_on, streams)
        seconds = time.perf_counter() - began
        return Flow("down", manner, str(of.location), streams, flows.answers, flows.bytes, seconds)

    def steps(self) -> Iterator[tuple[str, Callable[[], Figure]]]:
        """What is measured by reading alone, in order, with a name for each."""
        yield "latency", self.latency
        for count in self.levels:
            yield f"{count} reads at once", lambda count=count: self.reads(count)  # type: ignore[misc]
        resource = self.some_files()
        if resource is None:
            return
        for streams in dict.fromkeys((1, self.several)):
            yield f"zips, {streams} at once", lambda streams=streams: self.zips_down(resource, streams)  # type: ignore[misc]
        yield "single files", lambda: self.files_down(resource)


def in_threads(connection: Connection, do: Callable[[int], None], count: int) -> None:
    """Do it in so many threads, given their numbers; raises what one raised. Ctrl+C ends their requests."""
    with ThreadPoolExecutor(count, thread_name_prefix="bench") as pool:
        results([pool.submit(do, number) for number in range(count)], connection)


@contextmanager
def _waits(connection: Connection, waits: list[float]) -> Iterator[None]:
    """Count how often reads are put off."""
    other = connection.on_wait

    def hear(seconds: float, reason: str) -> None:
        waits.append(seconds)
        if other is not None:
            other(seconds, reason)

    connection.on_wait = hear
    try:
        yield
    finally:
        connection.on_wait = other


def _item(place: Place) -> Item:
    assert place.item is not None, "a resource is an item"
    return place.item


def _bytes(place: Place) -> int:
    return _item(place).bytes or 0
