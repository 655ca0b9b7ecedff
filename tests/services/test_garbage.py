"""The search for garbage is held back, and put back as it was."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from xnat_tui.services.comparing.garbage import search_dropped, seldom_searched


@pytest.fixture(autouse=True)
def everything_searched() -> Iterator[None]:
    yield
    gc.unfreeze()


class Ring:
    """Holds itself, as pairs hold each other: only a search finds that it is garbage."""

    def __init__(self) -> None:
        self.itself = self


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


def test_what_was_made_is_not_searched_again_while_it_is_shown() -> None:
    with seldom_searched():
        made = [Ring() for _ in range(1000)]
    assert gc.get_freeze_count() >= len(made)
    searched = {id(one) for one in gc.get_objects()}
    assert searched.isdisjoint(map(id, made))


def test_what_was_made_and_dropped_is_given_back_when_asked_for() -> None:
    with seldom_searched():
        made = Ring()
    seen = weakref.ref(made)
    del made
    with seldom_searched():
        search_dropped()
        assert seen() is not None  # a search of everything would hold up what runs
    search_dropped()
    assert seen() is None
