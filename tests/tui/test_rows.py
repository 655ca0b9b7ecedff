"""What is shown, in which order, and what moving, marking and narrowing do to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xnat_tui.errors import Forbidden
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.tui.explorer.differences import next_difference, next_match
from xnat_tui.tui.explorer.filter import Order, View, natural_key
from xnat_tui.tui.explorer.marks import MarkTotals
from xnat_tui.tui.explorer.rows import Message, Rows


def keys(rows: Rows) -> list[str]:
    return [f"({row.message.value})" if row.message else row.pair.key for row in rows]


def open_all(rows: Rows, *names: str) -> None:
    for name in names:
        rows.expand(at(rows, name))


def at(rows: Rows, key: str) -> int:
    return keys(rows).index(key)


def check(rows: Rows) -> None:
    """Every count, depth and index fits the flat list."""
    for index, row in enumerate(rows):
        if row.message is None:
            assert rows.index_of(row.pair) == index
        below = rows._rows[index + 1 : index + 1 + row.visible]
        assert all(one.depth > row.depth for one in below)
        following = rows._rows[index + 1 + row.visible : index + 2 + row.visible]
        assert all(one.depth <= row.depth for one in following)
        last = not any(one.parent is row.parent for one in rows._rows[index + 1 :])
        assert row.last is last


def test_siblings_are_in_natural_order_and_closed(rows: Rows) -> None:
    assert keys(rows) == ["SUB-001", "SUB-002", "SUB-004", "SUB-010"]
    check(rows)


def test_opening_adds_only_the_rows_below(rows: Rows) -> None:
    before = rows.rows_created
    assert rows.expand(1) == range(1, 6)
    assert keys(rows) == ["SUB-001", "SUB-002", "SUB-002_MR1", "SUB-002_PT1", "SUB-004", "SUB-010"]
    assert rows.rows_created - before == 2
    check(rows)


def test_empty_headings_are_hidden_until_asked_for(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1")
    assert "assessors" not in keys(rows)
    rows.show_empty(True)
    assert "assessors" in keys(rows)
    check(rows)


def test_closing_and_opening_again_shows_what_was_open_inside(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1", "scans")
    before = keys(rows)
    rows.collapse(1)
    assert keys(rows) == ["SUB-001", "SUB-002", "SUB-004", "SUB-010"]
    rows.expand(1)
    assert keys(rows) == before
    check(rows)


def test_cursor_moves_up_to_what_is_closed_and_stays_on_its_pair_otherwise(rows: Rows) -> None:
    open_all(rows, "SUB-002")
    rows.cursor = at(rows, "SUB-002_PT1")
    rows.collapse(1)
    assert rows.cursor == 1
    rows.cursor = at(rows, "SUB-010")
    rows.expand(1)
    assert rows.current is not None
    assert rows.current.pair.key == "SUB-010"


def test_unread_children_are_loading_until_they_come(rows: Rows, pair: Callable[..., Pair]) -> None:
    changed = rows.expand(at(rows, "SUB-004"))
    assert keys(rows)[-2:] == ["(loading)", "SUB-010"]
    (waiting,) = rows.unread(range(changed.start, changed.stop))
    assert waiting.pair.key == "SUB-004"
    waiting.pair.attach([pair(Kind.EXPERIMENT, "SUB-004_MR1")])
    rows.refresh(waiting.pair)
    assert keys(rows)[-3:] == ["SUB-004", "SUB-004_MR1", "SUB-010"]
    check(rows)


def test_a_failed_listing_is_an_error_and_never_an_empty_one(rows: Rows) -> None:
    rows.expand(at(rows, "SUB-004"))
    subject = rows[at(rows, "SUB-004")].pair
    subject.attach([])
    subject.fail(Forbidden("no", status=403), None)
    rows.refresh(subject)
    assert keys(rows)[-3:] == ["SUB-004", "(error)", "SUB-010"]


def test_a_read_and_empty_pair_says_so(rows: Rows) -> None:
    rows.expand(0)
    assert keys(rows)[:2] == ["SUB-001", "(empty)"]


def test_reload_keeps_marks_and_open_rows_by_key_and_drops_what_is_gone(
    rows: Rows, pair: Callable[..., Pair]
) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1")
    for key in ("SUB-002_PT1", "scans"):
        rows.toggle_mark(at(rows, key))
    rows.cursor = at(rows, "SUB-002_MR1")
    subject = rows[1].pair
    subject.forget()
    rows.refresh(subject)
    assert keys(rows)[:3] == ["SUB-001", "SUB-002", "(loading)"]
    fresh = pair(Kind.EXPERIMENT, "SUB-002_MR1")
    subject.attach([fresh])
    rows.refresh(subject)
    assert keys(rows)[1:4] == ["SUB-002", "SUB-002_MR1", "(loading)"]
    assert rows.current is not None
    assert rows.current.pair is subject
    heading = pair(Kind.EXPERIMENT, "scans", children=[], group=Kind.SCAN)
    fresh.attach([heading])
    rows.refresh(fresh)
    assert list(rows.marks) == [heading]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("flair", ["SUB-002", "SUB-002_MR1", "scans", "3"]),
        ("!sub-00", ["SUB-010"]),
        ("type:mr", ["SUB-002", "SUB-002_MR1"]),
        ("type:t2*", ["SUB-002", "SUB-002_MR1", "scans", "3"]),
        ("pt1", ["SUB-002", "SUB-002_PT1"]),
        ("nowhere", ["(hidden)"]),
        ("!", ["SUB-001", "SUB-002", "SUB-004", "SUB-010"]),
    ],
)
def test_filter_keeps_what_it_finds_and_the_way_there(rows: Rows, line: str, shown: list[str]) -> None:
    rows.filter(line)
    assert keys(rows) == shown
    check(rows)
    rows.filter("")
    assert keys(rows) == ["SUB-001", "SUB-002", "SUB-004", "SUB-010"]


def test_what_was_found_can_be_opened_with_all_that_is_in_it(rows: Rows) -> None:
    rows.filter("mr1")
    open_all(rows, "SUB-002_MR1", "scans")
    assert keys(rows) == ["SUB-002", "SUB-002_MR1", "scans", "1", "3", "10"]


def test_closing_under_a_filter_holds_until_the_filter_changes(rows: Rows) -> None:
    rows.filter("flair")
    rows.collapse(at(rows, "SUB-002_MR1"))
    assert keys(rows) == ["SUB-002", "SUB-002_MR1"]
    rows.filter("t2")
    assert keys(rows)[-1] == "3"


def test_views_show_only_their_kind_of_difference(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1", "scans")
    rows.show(View.DIFFERENCES)
    assert keys(rows) == ["SUB-002", "SUB-002_MR1", "scans", "3", "10", "SUB-002_PT1", "SUB-010"]
    rows.show(View.ONLY_SOURCE)
    assert keys(rows) == ["SUB-002", "SUB-002_MR1", "scans", "3", "10", "SUB-002_PT1"]
    rows.show(View.ONLY_DESTINATION)
    assert keys(rows) == ["SUB-010"]
    check(rows)


def test_a_difference_that_comes_in_shows_up_in_the_view(rows: Rows, pair: Callable[..., Pair]) -> None:
    rows.show(View.DIFFERENCES)
    subject = next(one for one in rows.root.children or () if one.key == "SUB-004")
    subject.attach([pair(Kind.EXPERIMENT, "SUB-004_MR1", Status.ONLY_SOURCE)])
    rows.refresh(subject)
    assert keys(rows) == ["SUB-002", "SUB-004", "SUB-010"]
    check(rows)


@pytest.mark.parametrize(
    ("order", "shown"),
    [
        (Order.LISTED, ["SUB-010", "SUB-001", "SUB-002", "SUB-004"]),
        (Order.SIZE, ["SUB-001", "SUB-010", "SUB-002", "SUB-004"]),
        (Order.LABEL, ["SUB-001", "SUB-002", "SUB-004", "SUB-010"]),
    ],
)
def test_orders(rows: Rows, order: Order, shown: list[str]) -> None:
    rows.sort(order)
    assert keys(rows) == shown


def test_natural_order_bears_digits_without_end() -> None:
    labels = ["scan" + "9" * 5000, "scan10", "scan2", "SCAN3", "²"]
    assert sorted(labels, key=natural_key)[0:3] == ["scan2", "SCAN3", "scan10"]


def test_siblings_and_parents_are_found_across_what_is_open(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1", "scans")
    assert rows.sibling(1, 1) == at(rows, "SUB-004")
    assert rows.sibling(at(rows, "SUB-004"), -1) == 1
    assert rows.sibling(0, -1) is None
    assert rows.sibling(at(rows, "SUB-002_MR1"), -1) is None
    assert rows.sibling(at(rows, "SUB-010"), 1) is None
    assert rows.parent(at(rows, "3")) == at(rows, "scans")


def test_collapsing_to_a_level_opens_nothing(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1", "scans", "3")
    rows.collapse_to(Kind.SCAN)
    assert keys(rows)[1:7] == ["SUB-002", "SUB-002_MR1", "scans", "1", "3", "10"]
    rows.collapse_to(Kind.EXPERIMENT)
    assert keys(rows) == ["SUB-001", "SUB-002", "SUB-002_MR1", "SUB-002_PT1", "SUB-004", "SUB-010"]
    rows.collapse_to(Kind.SUBJECT)
    assert keys(rows) == ["SUB-001", "SUB-002", "SUB-004", "SUB-010"]
    check(rows)


def test_next_difference_opens_what_holds_it_and_previous_goes_back_the_same_way(rows: Rows) -> None:
    seen: list[str] = []
    index: int | None = 0
    while index is not None:
        index, _ = next_difference(rows, index, 1)
        if index is not None:
            seen.append(rows[index].pair.key)
    assert seen == ["3", "DICOM", "NIFTI", "10", "SUB-002_PT1", "SUB-010"]
    check(rows)
    fresh = Rows(rows.root, comparing=True)
    back: list[str] = []
    index = len(fresh) - 1
    while index is not None:
        index, _ = next_difference(fresh, index, -1)
        if index is not None:
            back.append(fresh[index].pair.key)
    assert back == list(reversed(seen[:-1]))


def test_next_match_skips_what_only_holds_one(rows: Rows) -> None:
    rows.filter("flair")
    index, _ = next_match(rows, 0, 1)
    assert index is not None
    assert rows[index].pair.key == "3"
    assert next_match(rows, index, 1)[0] is None


def test_a_marked_parent_counts_once_with_all_below_it(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1", "scans")
    rows.toggle_mark(at(rows, "3"))
    rows.toggle_mark(at(rows, "10"))
    assert rows.totals() == MarkTotals(2, 127, 109_457_280)
    rows.toggle_mark(at(rows, "scans"))
    assert [pair.key for pair in rows.marks] == ["scans"]
    assert rows.totals() == MarkTotals(1, 130, 111_057_280)
    assert rows.marks.covers(rows[at(rows, "3")].pair)


def test_unmarking_below_a_marked_parent_leaves_the_rest_marked(rows: Rows) -> None:
    open_all(rows, "SUB-002", "SUB-002_MR1", "scans")
    rows.toggle_mark(at(rows, "SUB-002"))
    rows.toggle_mark(at(rows, "3"))
    assert {pair.key for pair in rows.marks} == {"SUB-002_PT1", "assessors", "1", "10"}


def test_unknown_figures_are_counted_as_unknown(rows: Rows) -> None:
    rows.toggle_mark(at(rows, "SUB-001"))
    rows.toggle_mark(at(rows, "SUB-004"))
    assert rows.totals() == MarkTotals(2, 3, 1_100_000_000, uncounted=1)


def test_marks_by_pattern_range_inversion_and_all(rows: Rows) -> None:
    rows.mark_pattern(0, "*-00?")
    assert {pair.key for pair in rows.marks} == {"SUB-001", "SUB-002", "SUB-004"}
    rows.invert_siblings(0)
    assert {pair.key for pair in rows.marks} == {"SUB-010"}
    rows.mark_siblings(0)
    assert len(rows.marks) == 4
    rows.mark_siblings(0)
    assert len(rows.marks) == 0
    rows.mark_range(2, 0)
    assert {pair.key for pair in rows.marks} == {"SUB-001", "SUB-002", "SUB-004"}


def test_marks_survive_a_filter_and_what_is_hidden_stays_as_it_is(rows: Rows) -> None:
    rows.toggle_mark(at(rows, "SUB-001"))
    rows.filter("010")
    rows.invert_siblings(0)
    rows.filter("")
    assert {pair.key for pair in rows.marks} == {"SUB-001", "SUB-010"}


def test_a_message_row_cannot_be_marked(rows: Rows) -> None:
    rows.expand(0)
    assert rows[1].message is Message.EMPTY
    assert not rows.toggle_mark(1)
    assert len(rows.marks) == 0


def test_a_session_adds_up_its_scans_and_is_unknown_while_one_is(rows: Rows) -> None:
    open_all(rows, "SUB-002")
    session = rows[at(rows, "SUB-002_MR1")].pair
    assert rows.figures.of(session, False) == (130, 111_057_280)
    assert rows.figures.of(session, True) == (65, 33_057_280)
    scans = (session.children or [])[0]
    scans.attach([*(scans.children or []), Pair(Kind.SCAN, "99", Item(Kind.SCAN, "99"), None)])
    rows.refresh(scans)
    assert rows.figures.of(session, False) == (None, None)


def test_a_toggle_among_a_hundred_thousand_siblings_touches_only_its_own_rows(
    wide: Callable[[int], Pair], pair: Callable[..., Pair]
) -> None:
    root = wide(100_000)
    middle = (root.children or [])[50_000]
    middle.attach([pair(Kind.EXPERIMENT, f"E{n}") for n in range(10)])
    rows = Rows(root, comparing=True)
    assert rows.rows_created == 100_000
    rows.expand(50_000)
    rows.collapse(50_000)
    rows.expand(50_000)
    assert rows.rows_created == 100_020
    assert len(rows) == 100_010
    assert rows.sibling(50_000, 1) == 50_011
