"""The search for garbage is held back, and put back as it was."""

from __future__ import annotations

import gc
import threading

import pytest

from xnat_tui.services.comparing.garbage import seldom_searched


def test_thresholds_are_back_when_the_last_of_several_threads_has_left() -> None:
    before = gc.get_threshold()
    inside, leave = threading.Event(), threading.Event()

    def longer() -> None:
        with seldom_searched():
            inside.set()
            leave.wait(20)

    other = threading.Thread(target=longer)
    with seldom_searched():
        held = gc.get_threshold()
        assert held[0] > before[0]
        other.start()
        assert inside.wait(20)
    assert gc.get_threshold() == held
    leave.set()
    other.join()
    assert gc.get_threshold() == before


def test_thresholds_are_back_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), seldom_searched():
        raise KeyError
    assert gc.get_threshold() == before
