"""Both ways measured in a resource of its own: made in a project, filled with random bytes, read, deleted.

Its label is drawn anew for each run and was seen not to be there; it is deleted by the number that the server
gave it, and by nothing else, and read back. Where that ends unclearly, its location is in the failure.
"""

from __future__ import annotations

import io
import os
import secrets
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Interrupted,
    NotAllowed,
    NotFound,
    Refused,
    Unclear,
    UsageError,
    XnatTuiError,
)
from xnat_tui.model.changes import Change
from xnat_tui.model.display import counted, size_words
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.administration.resources import Resources
from xnat_tui.services.measuring.benchmark import Benchmark
from xnat_tui.services.measuring.figures import Figure, Flow
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.documents.writing import Attributes, Body
from xnat_tui.xnat.http.access import own_access
from xnat_tui.xnat.http.connection import Connection, url_path

PREFIX = "XNAT_TUI_BENCH_"
_ATTRIBUTES = Attributes("BENCH", "random", "", "Random bytes of a measurement; may be deleted.")
_NOT_MADE = (Conflict, NotAllowed, NotFound, Refused, UsageError)
"""Answers after which it is certain that there is nothing."""
_CANNOT_DELETE = frozenset({"read, edit", "read", "read, as everybody", "sees that it exists"})
_PROBE = 256_000
_Step = tuple[str, Callable[[], Flow]]


@dataclass(slots=True)
class Outcome:
    """What became of it. `remains`: something that this run made may still be there."""

    failures: list[tuple[str, XnatTuiError]] = field(default_factory=list)
    remains: bool = False


class OwnResource:
    """The resource of one run, in a project. `plan` and `leftovers` only read; `measure` writes."""

    def __init__(self, benchmark: Benchmark) -> None:
        """Raises UsageError for anything else than a project."""
        if benchmark.place.kind is not Kind.PROJECT:
            raise UsageError("Sending is measured in a project only.", "Name one: bench NAME:PROJECT.")
        self._benchmark = benchmark
        self._budget = benchmark.budget
        self._resources = Resources(benchmark.reader, benchmark.place)
        self.label = f"{PREFIX}{secrets.token_hex(8)}"
        self.location = str(benchmark.place.location.child(Kind.RESOURCE, self.label))
        self._creation: Change | None = None
        self._sent: dict[str, int] = {}
        """Bytes of what was sent, by path: read back before any rate is told."""

    @property
    def most_bytes(self) -> int:
        """What is sent at most: small files twice, as files and as a zip, a probe and the large file."""
        budget = self._budget
        return 2 * budget.files * budget.small + _PROBE + budget.largest

    def plan(self) -> Change:
        """What would be made and deleted again; refused where one of these is certainly not allowed."""
        place, connection = self._benchmark.place, self._benchmark.connection
        project = place.items[0].id
        self._creation = self._resources.plan_create(self.label, _ATTRIBUTES)
        refusal = self._creation.refusal or _refusal(connection, project)
        return Change(
            self.location,
            "make, fill, read, delete",
            after={"label": self.label, "file_size": f"at most {size_words(self.most_bytes)}"},
            note="random bytes; making and deleting it stays in the project's history",
            refusal=refusal,
            project=project,
        )

    def leftovers(self) -> list[str]:
        """Locations of what earlier runs could not delete. It is told and never touched."""
        found = self._resources.resources().items
        return [
            str(self._benchmark.place.child(item).location) for item in found if item.key.startswith(PREFIX)
        ]

    def measure(self, told: Callable[[Figure], None], began: Callable[[str], None]) -> Outcome:
        """Make it, fill it, read it, and delete it whatever happens. A failure is in the outcome.

        Raises Interrupted after ctrl+c, when it is deleted, or may not be, as the message then says.
        """
        outcome = Outcome()
        try:
            item = self._make()
        except XnatTuiError as error:
            outcome.remains = not isinstance(error, _NOT_MADE)
            outcome.failures.append(("create", self._located(error) if outcome.remains else error))
            return outcome
        except KeyboardInterrupt:
            raise self._maybe_left() from None
        try:
            self._fill_and_read(item, told, began, outcome)
        except BaseException as error:  # a fault of the program, too, must not leave it there
            self._delete(item, outcome)
            if isinstance(error, KeyboardInterrupt):
                raise self._stopped(outcome) from None
            if outcome.remains:
                raise outcome.failures[-1][1] from error
            raise
        self._delete(item, outcome)
        return outcome

    def _make(self) -> Item:
        """The new resource, with the server's number. Raises Unclear where none or several are it."""
        assert self._creation is not None, "planned before it is made"
        self._resources.do(self._creation)
        found = [item for item in self._resources.resources().items if item.key == self.label]
        if len(found) != 1 or not found[0].id:
            raise Unclear(f"The server lists {len(found)} resources of this label.")
        return found[0]

    def _fill_and_read(
        self,
        item: Item,
        told: Callable[[Figure], None],
        began: Callable[[str], None],
        outcome: Outcome,
    ) -> None:
        place, benchmark = self._benchmark.place.child(item), self._benchmark
        up: list[Figure] = []
        sending: list[_Step] = [
            ("small files up", lambda: self._send_files(place)),
            ("small files as a zip up", lambda: self._send_zip(place)),
            ("a large file up", lambda: self._send_large(place)),
        ]
        self._take(sending, up.append, began, outcome)
        began("what was sent, read back")
        wrong = self._not_there(place)
        if wrong is not None:
            outcome.failures.append(("read back", wrong))
            return
        for figure in up:
            told(figure)
        streams = dict.fromkeys((1, benchmark.several))
        zips: list[_Step] = [
            (f"its zip down, {count} at once", lambda count=count: benchmark.zips_down(place, count))  # type: ignore[misc]
            for count in streams
        ]
        self._take(zips, told, began, outcome)

    def _take(
        self,
        steps: Sequence[_Step],
        told: Callable[[Figure], None],
        began: Callable[[str], None],
        outcome: Outcome,
    ) -> None:
        for name, step in steps:
            if self._benchmark.is_late:
                return
            began(name)
            try:
                told(step())
            except XnatTuiError as error:
                outcome.failures.append((name, error))

    def _not_there(self, place: Place) -> XnatTuiError | None:
        """Why a rate would be no rate: a 200 does not say that anything was stored."""
        listing = self._benchmark.reader.below(place, Kind.FILE)
        found = {item.key: item.bytes for item in listing.items}
        missing = sum(found.get(path) != size for path, size in self._sent.items())
        if not missing:
            return None
        if listing.error is not None:
            return BadAnswer(
                f"No rate of sending is known: what was sent cannot be read back. {listing.error.message}",
                listing.error.hint,
            )
        return BadAnswer(
            f"No rate of sending is known: of {counted(len(self._sent), 'file')} that the server accepted "
            f"it does not hold {missing}.",
            "Check your rights in the project.",
        )

    def _send_files(self, place: Place) -> Flow:
        content = os.urandom(self._budget.small)
        until = time.monotonic() + self._budget.flow_seconds
        began, sent = time.perf_counter(), 0
        while sent < self._budget.files and (not sent or time.monotonic() < until):
            self._put(place, f"small/{sent}.bin", content)
            sent += 1
        return self._up("files", place, sent, sent * len(content), time.perf_counter() - began)

    def _send_zip(self, place: Place) -> Flow:
        packed = io.BytesIO()
        paths = [f"zipped/{number}.bin" for number in range(self._budget.files)]
        with zipfile.ZipFile(packed, "w") as archive:
            for path in paths:
                archive.writestr(path, os.urandom(self._budget.small))
        content = packed.getvalue()
        body = Body(lambda: io.BytesIO(content), len(content))
        began = time.perf_counter()
        writing.put_zip(self._benchmark.connection, _uri(place), body, _ATTRIBUTES, overwrite=False)
        seconds = time.perf_counter() - began
        self._sent |= dict.fromkeys(paths, self._budget.small)
        return self._up("zip", place, 1, self._budget.files * self._budget.small, seconds)

    def _send_large(self, place: Place) -> Flow:
        """A file as large as goes up in the time for it, as a small one sent before tells."""
        least = min(_PROBE, self._budget.largest)
        began = time.perf_counter()
        self._put(place, "probe.bin", os.urandom(least))
        rate = least / (time.perf_counter() - began)
        size = max(least, min(self._budget.largest, round(rate * self._budget.flow_seconds)))
        content = os.urandom(size)
        began = time.perf_counter()
        self._put(place, "large.bin", content)
        return self._up("file", place, 1, size, time.perf_counter() - began)

    def _put(self, place: Place, path: str, content: bytes) -> None:
        writing.put_file(
            self._benchmark.connection,
            _uri(place),
            path,
            Body(lambda: io.BytesIO(content), len(content)),
            _ATTRIBUTES,
            overwrite=False,
            update_stats=False,
        )
        self._sent[path] = len(content)

    @staticmethod
    def _up(manner: str, place: Place, answers: int, size: int, seconds: float) -> Flow:
        return Flow("up", manner, str(place.location), 1, answers, size, seconds)

    def _delete(self, item: Item, outcome: Outcome) -> None:
        """By its number, read back."""
        try:
            (change,) = self._resources.plan_delete([item])
            self._resources.do(change)
        except XnatTuiError as error:
            outcome.remains = True
            outcome.failures.append(("delete", self._located(error)))
        except KeyboardInterrupt:
            raise self._maybe_left() from None

    def _located(self, error: XnatTuiError) -> XnatTuiError:
        hint = f"Look for it; it may be deleted: xnat-tui resources delete {self.location}"
        return Unclear(f"{self.location} may remain. {error.message}", hint, status=error.status)

    def _maybe_left(self) -> Interrupted:
        return Interrupted(
            f"Stopped; {self.location} may remain.",
            f"Look for it; it may be deleted: xnat-tui resources delete {self.location}",
        )

    def _stopped(self, outcome: Outcome) -> Interrupted:
        if outcome.remains:
            return self._maybe_left()
        return Interrupted(f"Stopped; {self.location} was deleted again.")


def _refusal(connection: Connection, project: str) -> str:
    """Why it could not be deleted again, where that is certain; "" where it may be, or nobody tells."""
    if connection.server.read_only:
        return f"{connection.server.name} is marked read-only here"
    try:
        if _is_administrator(connection):
            return ""
        words = own_access(connection).get(project, "")
    except XnatTuiError:
        return ""  # the server decides
    if words in _CANNOT_DELETE:
        return f"you may {words} in {project}, not delete: what this makes would remain"
    return ""


def _is_administrator(connection: Connection) -> bool:
    words: Any = connection.get_json(f"/xapi/users/{url_path(connection.user)}/roles")
    return isinstance(words, list) and "Administrator" in words


def _uri(place: Place) -> str:
    assert place.item is not None, "what is filled is a resource"
    return place.item.uri
