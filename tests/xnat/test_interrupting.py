"""Every wait of a thread ends when someone else says so. Without the interrupt these tests would hang."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.xnat.http.connection import Connection

LISTING = '{"ResultSet":{"Result":[{"ID":"P1"}],"totalRecords":"1"}}'


@pytest.fixture
def held() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Work(threading.Thread):
    """Runs a call and keeps how it ended."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.ended: object = None
        self.start()

    def run(self) -> None:
        try:
            self.ended = self._call()
        except XnatTuiError as error:
            self.ended = error

    def outcome(self) -> object:
        self.join(20)
        assert not self.is_alive()
        return self.ended


def arrive(
    liar: Any, connection: Connection, call: Callable[[], object], count: int = 1, arriving: int = 0
) -> list[Work]:
    """Start threads and wait until each one's request, or as many as `arriving`, has arrived."""
    while liar.arrived.acquire(blocking=False):
        pass
    works = [Work(call) for _ in range(count)]
    for _ in range(arriving or count):
        assert liar.arrived.acquire(timeout=20)
    return works


def test_threads_waiting_for_an_answer_end_at_once_and_the_connection_lives_on(
    liar: Any, connection: Connection, held: threading.Event
) -> None:
    liar.on("GET /data/slow", hold=held)
    works = arrive(liar, connection, lambda: connection.get_json("/data/slow"), 4)
    connection.interrupt()
    assert all(isinstance(work.outcome(), Interrupted) for work in works)
    liar.on("GET /data/projects", LISTING)
    assert len(connection.table("/data/projects")) == 1


def test_a_download_in_the_middle_ends(liar: Any, connection: Connection, held: threading.Event) -> None:
    liar.on("GET /data/file", b"x" * 500, content_type="application/zip", announced=1000, stall=held)
    started = threading.Event()

    def receive() -> None:
        with connection.download("/data/file") as download:
            for _ in download:
                started.set()

    work = Work(receive)
    assert started.wait(20)
    connection.interrupt()
    assert isinstance(work.outcome(), Interrupted)


def test_a_write_that_was_sent_ends_and_says_that_its_outcome_is_open(
    liar: Any, connection: Connection, held: threading.Event
) -> None:
    liar.on("PUT /data/x", hold=held)
    (work,) = arrive(liar, connection, lambda: connection.write("PUT", "/data/x"))
    connection.interrupt()
    ended = work.outcome()
    assert isinstance(ended, Interrupted)
    assert "written" in ended.message


def test_waiting_to_ask_again_ends(
    liar: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 1000.0)
    monkeypatch.setattr("xnat_tui.xnat.http.retry.LONGEST_WAIT", 1000.0)
    waiting = threading.Event()
    connection.on_wait = lambda seconds, reason: waiting.set()
    liar.on("GET /data/projects", b"", 503)
    work = Work(lambda: connection.table("/data/projects"))
    assert waiting.wait(20)
    connection.interrupt()
    assert isinstance(work.outcome(), Interrupted)


def test_waiting_for_a_free_slot_ends(
    liar: Any, dial: Callable[..., Connection], held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = dial(connections=1)
    changed, queued = connection._transport.limiter._changed, threading.Semaphore(0)
    wait_for = changed.wait_for

    def counted(predicate: Callable[[], bool]) -> bool:
        queued.release()
        return wait_for(predicate)

    monkeypatch.setattr(changed, "wait_for", counted)
    liar.on("GET /data/slow", hold=held)
    first, second = arrive(liar, connection, lambda: connection.get_json("/data/slow"), 2, arriving=1)
    assert queued.acquire(timeout=20)
    assert queued.acquire(timeout=20)
    connection.interrupt()
    assert isinstance(first.outcome(), Interrupted)
    assert isinstance(second.outcome(), Interrupted)
    assert len(liar.calls("GET /data/slow")) == 1
