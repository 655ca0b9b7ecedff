"""Bandwidth, counters and stopping."""

from __future__ import annotations

import pickle

import pytest

from xnat_tui.errors import Interrupted
from xnat_tui.jobs.control import Bandwidth, Control


def test_the_bucket_lends_a_second_and_then_makes_everybody_wait():
    now = [0.0]
    bucket = Bandwidth(1000, clock=lambda: now[0])
    assert bucket.debt(1000) == 0
    assert bucket.debt(500) == pytest.approx(0.5)
    assert bucket.debt(500) == pytest.approx(1.0), "a second stream waits behind the first"
    now[0] = 1.0
    assert bucket.debt(100) == pytest.approx(0.1)


def test_idle_time_is_not_saved_up():
    now = [0.0]
    bucket = Bandwidth(1000, clock=lambda: now[0])
    now[0] = 3600.0
    assert bucket.debt(3000) == pytest.approx(2.0)


def test_without_a_limit_nothing_waits():
    assert Bandwidth(None).debt(10**12) == 0


def test_a_stopped_step_is_not_kept_by_the_bandwidth():
    control = Control(bandwidth=Bandwidth(1))
    control.stop.set()
    control.on_bytes(10**9)
    assert control.bytes == 10**9
    with pytest.raises(Interrupted):
        control.check()


def test_a_pickled_control_counts_from_nothing():
    control = Control()
    control.on_file()
    copy = pickle.loads(pickle.dumps(control))
    copy.on_bytes(5)
    assert (copy.files, copy.bytes, copy.stop.is_set()) == (0, 5, False)


def test_elsewhere_a_step_gets_its_share_of_the_bandwidth():
    copy = pickle.loads(pickle.dumps(Control(bandwidth=Bandwidth(1000, 4))))
    assert copy._bandwidth.rate == 250
