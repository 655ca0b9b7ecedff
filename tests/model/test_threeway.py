"""Three-way verdicts: no run loses a change of either side, and a second one without changes does nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.model.threeway import PLAIN, Base, Change, Deed, Ending, Prefer, Where, Wishes, judge

SOURCE, DESTINATION, RESTORE = Wishes(Prefer.SOURCE), Wishes(Prefer.DESTINATION), Wishes(restore=True)
OLD = Base("old", "old")


def verdict(base, source, destination, wishes=PLAIN):
    agree = source == destination
    return judge(base, source, destination, agree=agree, same=lambda one, two: one == two, wishes=wishes)


@pytest.mark.parametrize(
    ("base", "source", "destination", "change", "where", "state", "deed"),
    [
        (None, "a", None, Change.NEW, Where.SOURCE, Ending.VERIFIED, Deed.COPY),
        (OLD, "new", "old", Change.CHANGED, Where.SOURCE, Ending.VERIFIED, Deed.UPDATE),
        (OLD, "old", "new", Change.CHANGED, Where.DESTINATION, Ending.KEPT, Deed.NOTHING),
        (OLD, "one", "two", Change.CHANGED, Where.BOTH, Ending.CONFLICT, Deed.NOTHING),
        (None, "one", "two", Change.CHANGED, Where.BOTH, Ending.CONFLICT, Deed.NOTHING),
        (OLD, None, "old", Change.GONE, Where.SOURCE, Ending.KEPT, Deed.NOTHING),
        (OLD, "old", None, Change.GONE, Where.DESTINATION, Ending.HELD, Deed.NOTHING),
        (None, None, "new", Change.NEW, Where.DESTINATION, Ending.KEPT, Deed.NOTHING),
        (OLD, None, None, Change.GONE, Where.BOTH, Ending.VERIFIED, Deed.FORGET),
        (OLD, "new", "new", Change.NONE, Where.NOWHERE, Ending.VERIFIED, Deed.REMEMBER),
    ],
)
def test_each_row_of_the_table(base, source, destination, change, where, state, deed):
    found = verdict(base, source, destination)
    assert (found.change, found.where, found.state, found.deed) == (change, where, state, deed)


def test_a_conflict_ends_by_the_side_that_is_named():
    assert verdict(OLD, "one", "two", SOURCE).deed is Deed.UPDATE
    assert verdict(OLD, "one", "two", SOURCE).overrules
    assert verdict(OLD, "one", "two", DESTINATION).deed is Deed.ACCEPT
    assert verdict(OLD, "old", "new", SOURCE).deed is Deed.NOTHING  # no conflict: not the source's to change


def test_what_is_gone_at_the_destination_comes_back_only_by_name():
    assert verdict(OLD, "old", None, SOURCE).deed is Deed.NOTHING
    assert verdict(OLD, "old", None, RESTORE).deed is Deed.COPY


def test_a_preferred_destination_is_not_overwritten_by_the_next_change_of_the_source():
    assert verdict(Base("one", "two"), "three", "two").state is Ending.CONFLICT
    assert verdict(Base("one", "two"), "one", "two").deed is Deed.NOTHING


class World:
    """One thing on two sides, and a run after the other on what `judge` says."""

    def __init__(self) -> None:
        self.base: Base[str] | None = None
        self.source: str | None = None
        self.destination: str | None = None

    def run(self, wishes: Wishes):
        found = verdict(self.base, self.source, self.destination, wishes)
        if found.deed in (Deed.COPY, Deed.UPDATE):
            self.destination = self.source
        if found.deed is Deed.FORGET:
            self.base = None
        elif found.deed is not Deed.NOTHING:
            self.base = Base(self.source, self.destination)
        return found


VALUES = st.sampled_from([None, "a", "b", "c"])
CHANGES = st.lists(st.tuples(st.sampled_from(["source", "destination"]), VALUES), max_size=3)
WISHES = st.sampled_from([Wishes(), Wishes(), SOURCE, DESTINATION, RESTORE])


@given(st.lists(st.tuples(CHANGES, WISHES), max_size=8))
def test_no_run_loses_a_change_of_either_side_and_a_second_one_does_nothing(history):
    world = World()
    for changes, wishes in history:
        for side, value in changes:
            setattr(world, side, value)
        base, source, destination = world.base, world.source, world.destination
        found = world.run(wishes)
        assert world.source == source  # never written to
        if destination is not None:
            assert world.destination is not None  # never deleted there
        moved_there = destination != (base.destination if base else None)
        if destination is not None and world.destination != destination and moved_there:
            assert found.overrules
            assert wishes.prefer is Prefer.SOURCE
        if world.destination != source and found.deed is not Deed.ACCEPT:  # what is not carried over is told,
            quiet = found.change is Change.NONE  # or stands as it was told before
            assert not quiet or (
                base is not None and (source, destination) == (base.source, base.destination)
            )
        again = world.run(Wishes())
        assert again.deed not in (Deed.COPY, Deed.UPDATE, Deed.ACCEPT)
