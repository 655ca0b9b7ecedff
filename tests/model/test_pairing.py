"""Matching loses nothing and doubles nothing; counters are those of a recount, whatever happens to a tree."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Fields, Item, Kind, Listing, told_apart
from xnat_tui.model.judging import Rules
from xnat_tui.model.pairing import DIFFERENCES, Depth, Pair, Status, Verdict, lone, match

keys = st.sampled_from(["A", "a", "B", "b", "C", ""])
quality = st.sampled_from(["good", "bad"])


@st.composite
def listings(draw: st.DrawFn, failing: bool = False) -> Listing:
    given_keys = draw(st.lists(st.tuples(keys, quality), max_size=6))
    items = [
        Item(Kind.SCAN, key, key, uri=f"/{place}", fields=Fields(("quality",), (mark,)))
        for place, (key, mark) in enumerate(given_keys)
    ]
    error = BadAnswer("cut off") if failing and draw(st.booleans()) else None
    return Listing(tuple(told_apart(items, [item.uri for item in items])), error)


@given(listings(failing=True), listings(failing=True))
def test_every_item_stands_in_exactly_one_pair(source: Listing, destination: Listing) -> None:
    pairs = match(Kind.SCAN, source, destination, Rules())
    assert Counter(id(pair.source) for pair in pairs if pair.source) == Counter(map(id, source.items))
    there = Counter(id(pair.destination) for pair in pairs if pair.destination)
    assert there == Counter(map(id, destination.items))
    assert all(pair.source.key == pair.destination.key for pair in pairs if pair.both)


@given(listings(failing=True), listings(failing=True))
def test_a_side_that_failed_lacks_nothing(source: Listing, destination: Listing) -> None:
    pairs = match(Kind.SCAN, source, destination, Rules())
    statuses = {pair.status for pair in pairs}
    if destination.error:
        assert Status.ONLY_SOURCE not in statuses
    if source.error:
        assert Status.ONLY_DESTINATION not in statuses
    for pair in pairs:
        if pair.status is Status.UNREADABLE:
            assert not pair.both
            assert pair.error is not None


@given(listings())
def test_a_listing_equals_itself_in_any_order(listing: Listing) -> None:
    turned = Listing(tuple(reversed(listing.items)))
    assert {pair.status for pair in match(Kind.SCAN, listing, turned, Rules())} <= {Status.SAME}


@given(listings(), listings())
def test_what_is_missing_does_not_depend_on_the_side(source: Listing, destination: Listing) -> None:
    one = Counter(pair.key for pair in match(Kind.SCAN, source, destination, Rules()) if pair.source is None)
    other = Counter(
        pair.key for pair in match(Kind.SCAN, destination, source, Rules()) if pair.destination is None
    )
    assert one == other


def test_two_of_one_key_are_paired_alike_first_and_say_so() -> None:
    def scans(*marks: str) -> Listing:
        return Listing(
            tuple(Item(Kind.SCAN, "2", "2", fields=Fields(("quality",), (mark,))) for mark in marks)
        )

    pairs = match(Kind.SCAN, scans("good", "bad"), scans("bad", "ugly", "good"), Rules())
    assert [pair.status for pair in pairs] == [Status.SAME, Status.SAME, Status.ONLY_DESTINATION]
    assert {pair.note for pair in pairs} == {"one of 3 with this scan ID"}


def test_two_of_one_label_are_paired_by_their_counts_before_their_fields_at_every_depth() -> None:
    def resources(*counts: tuple[int, int]) -> Listing:
        return Listing(tuple(Item(Kind.RESOURCE, "MISC", files=files, bytes=size) for files, size in counts))

    for depth in Depth:
        pairs = match(Kind.RESOURCE, resources((0, 0)), resources((1, 3), (0, 0)), Rules(depth))
        assert [(pair.destination.files, pair.status) for pair in pairs if pair.destination] == [
            (0, Status.SAME),
            (1, Status.ONLY_DESTINATION),
        ]


def test_a_label_like_the_place_of_another_is_no_match_for_it() -> None:
    one = Item(Kind.RESOURCE, "A", side="in", files=1, bytes=1)
    other = Item(Kind.RESOURCE, "in/A", files=1, bytes=1)
    pairs = match(Kind.RESOURCE, Listing((one,)), Listing((other,)), Rules())
    assert [pair.status for pair in pairs] == [Status.ONLY_SOURCE, Status.ONLY_DESTINATION]


def test_labels_that_differ_by_case_are_two_and_point_at_each_other() -> None:
    one, other = (Listing((Item(Kind.SUBJECT, key, key),)) for key in ("SUB-008", "sub-008"))
    first, second = match(Kind.SUBJECT, one, other, Rules())
    assert (first.status, second.status) == (Status.ONLY_SOURCE, Status.ONLY_DESTINATION)
    assert first.note == "differs only in case from sub-008"
    assert second.note == "differs only in case from SUB-008"


def test_what_stands_below_a_missing_item_inherits_its_verdict() -> None:
    item = Item(Kind.SCAN, "1", "1")
    (pair,) = lone(Kind.SCAN, Listing((item,)), right=True, verdict=Verdict(Status.ONLY_DESTINATION))
    assert (pair.source, pair.destination, pair.status) == (None, item, Status.ONLY_DESTINATION)


ITEM = Item(Kind.SCAN, "x", "x")
_COUNTED = DIFFERENCES | {Status.UNREADABLE}
VERDICTS = st.sampled_from([Status.SAME, Status.DIFFERS, Status.ONLY_SOURCE, Status.ONLY_DESTINATION])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["attach", "fail", "doubt", "judge", "forget", "reopen"]),
        st.integers(0, 30),
        st.lists(VERDICTS, max_size=4),
    ),
    max_size=25,
)


def new(status: Status) -> Pair:
    source = None if status is Status.ONLY_DESTINATION else ITEM
    destination = None if status is Status.ONLY_SOURCE else ITEM
    return Pair(Kind.SCAN, "x", source, destination, verdict=Verdict(status))


def counted(pair: Pair) -> tuple[int, int]:
    """(differing, unread) below, by looking at everything."""
    differing = unread = 0
    for child in (pair.children or []) if pair.both else []:
        below = counted(child)
        bad = child.status in DIFFERENCES or child.status is Status.UNREADABLE
        differing += below[0] + bad
        unread += below[1] + (child.both and not child.complete)
    return differing, unread


@given(EVENTS)
def test_counters_always_agree_with_a_recount(events: list[tuple[str, int, list[Status]]]) -> None:
    root = new(Status.SAME)
    pairs = [root]  # those that were dropped among them: who still holds one may change it
    for event, place, statuses in events:
        pairs += [pair for pair in root.walk() if pair not in pairs]
        pair = pairs[place % len(pairs)]
        match event:
            case "attach":
                pair.attach([new(status) for status in statuses])
            case "fail":
                pair.fail(BadAnswer("no"), None)
            case "doubt":
                pair.fail(None, BadAnswer("no"), below=False)
            case "judge" if pair.both:
                pair.judge(Verdict((statuses or [Status.SAME])[0]))
            case "forget":
                pair.forget()
            case "reopen":
                pair.reopen(needed=bool(statuses))
        for one in (*root.walk(), *pairs):
            assert (one.differing_below, one.unread_below) == counted(one)
        assert sum(one.status in _COUNTED for one in root.counted()) == root.differing_below


def test_a_pair_is_only_marked_the_same_when_all_below_was_compared() -> None:
    pair = new(Status.SAME)
    assert pair.glyph == "?"
    child = new(Status.SAME)
    pair.attach([child])
    assert pair.glyph == "?"
    child.attach([])
    assert pair.glyph == " "
    child.attach([new(Status.DIFFERS)])
    assert (child.glyph, pair.glyph) == ("~", "~")
    child.fail(BadAnswer("no"), None)
    assert child.glyph == "!"


def test_depths_are_ordered_from_names_to_bytes() -> None:
    assert list(Depth) == ["labels", "sizes", "digests"]
