"""The search for garbage is held back, and put back as it was."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from xnat_tui.services.reading import garbage
from xnat_tui.services.reading.garbage import search_dropped, seldom_searched


@pytest.fixture(autouse=True)
def everything_searched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "gc", gc)
    monkeypatch.setattr(garbage._Counts, "stood", 0)
    monkeypatch.setattr(garbage._Counts, "made", 0)
    yield
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Ring:
    """Holds itself, as pairs hold each other: only a search finds that it is garbage."""

    def __init__(self) -> None:
        self.itself = self


def many() -> list[Ring]:
    """So many as a search is worth."""
    return [Ring() for _ in range(garbage._WORTH + 1000)]


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
        assert held[1] > before[1]  # what was searched once is left alone
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
        made = many()
    seen = weakref.ref(made[0])
    made.clear()
    with seldom_searched():
        search_dropped()
        assert seen() is not None  # a search of everything would hold up what runs
    search_dropped()
    assert seen() is None


def test_small_comparisons_do_not_pay_for_a_search_of_the_program_until_they_are_many() -> None:
    with seldom_searched():
        made = [Ring()]
    little = weakref.ref(made.pop())
    search_dropped()
    assert little() is not None
    with seldom_searched():
        made = many()
    much = weakref.ref(made[0])
    made.clear()
    search_dropped()
    assert (little(), much()) == (None, None)
