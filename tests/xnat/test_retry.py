from __future__ import annotations

import math
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from xnat_tui.errors import Interrupted
from xnat_tui.xnat.http import retry
from xnat_tui.xnat.http.retry import Limiter, retry_after, waiting_time


def test_waits_grow_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.5)
    waits = [waiting_time(attempt, None) for attempt in range(1, retry.ATTEMPTS + 1)]
    assert waits[-1] is None
    for attempt, seconds in enumerate(waits[:-1]):
        assert seconds is not None
        assert 0.75 <= seconds / (retry.FIRST_WAIT * 2**attempt) <= 1.25


def test_the_servers_wish_is_honoured_within_reason() -> None:
    assert waiting_time(1, 7.0) == 7.0
    assert waiting_time(1, retry.LONGEST_WAIT + 1) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(
            ("12", 12.0),
            (" 0 ", 0.0),
            (None, None),
            ("soon", None),
            ("-5", None),
            ("1e9", None),
            ("0.5", None),
        ),
        *(("9" * 400, math.inf), ("Fri, 31 Dec 99999999999999 23:59:59 GMT", None)),
        *(("Mon, 01 Jan 1900 00:00:00 GMT", 0.0), ("Mon, 32 Jan 2024 25:61:61 GMT", None), (", , ,", None)),
    ],
)
def test_retry_after_in_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    assert later is not None
    assert 3500 < later < 3700
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_the_limit_shrinks_at_once_and_grows_back_slowly() -> None:
    limiter, stop = Limiter(8), threading.Event()
    limiter.slower()
    limiter.slower()
    assert limiter.limit == 2
    for _ in range(retry.GROW_AFTER):
        with limiter.slot(stop):
            limiter.faster()
    assert limiter.limit == 3
    for _ in range(100 * retry.GROW_AFTER):
        limiter.faster()
    assert limiter.limit == 8
    for _ in range(10):
        limiter.slower()
    assert limiter.limit == 1


def test_never_more_at_once_than_the_limit() -> None:
    limiter, stop = Limiter(3), threading.Event()
    together = threading.Barrier(3)
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with limiter.slot(stop):
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait(20)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_a_thread_never_waits_for_its_own_slot() -> None:
    limiter, stop = Limiter(1), threading.Event()
    entered = []
    with limiter.slot(stop), limiter.slot(stop):
        entered.append("twice")
    with limiter.slot(stop):
        entered.append("again")
    assert entered == ["twice", "again"]


def test_waiting_for_a_slot_can_be_stopped() -> None:
    limiter, stop = Limiter(1), threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        limiter.acquire(stop)
    with limiter.slot(threading.Event()):
        pass
