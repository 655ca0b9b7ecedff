"""What the panes show, what keys and the mouse do, and how many lines that draws."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from xnat_tui.errors import Forbidden
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.pairing import Pair, lone
from xnat_tui.tui.explorer.filter import View
from xnat_tui.tui.explorer.rows import Rows
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.terminal.theme import ASCII

SIZE = (80, 24)

LEFT = """\
   ▸ SUB-001                     1.1G
~  ▾ SUB-002
~  ├ ▾ SUB-002_MR1 MR            111M
~  │ └ ▾ scans                   111M
   │   ├ ▸ 1 LOCALIZER           1.6M
*✓ │   ├ ▾ 3 T2_FLAIR             31M
*✓ │   │ ├ ▸ DICOM                30M
<✓ │   │ └ ▸ NIFTI               1.1M
<✓ │   └ ▸ 10 DWI_64              78M
<  └ ▸ SUB-002_PT1 PET
?  ▸ SUB-004
>  · · · ·"""

RIGHT = """\
   ▸ SUB-001                     1.1G
~  ▾ SUB-002                      33M
~  ├ ▾ SUB-002_MR1 MR             33M
~  │ └ ▾ scans                    33M
   │   ├ ▸ 1 LOCALIZER           1.6M
*✓ │   ├ ▾ 3 T2_FLAIR             31M
*✓ │   │ ├ ▸ DICOM                30M
<  │   │ └ · · · ·
<  │   └ · · · ·
<  └ · · · ·
?  ▸ SUB-004
>  ▸ SUB-010                     611M"""


FOUND = """\
~  ▾ SUB-002
~  └ ▾ SUB-002_MR1 MR            111M
~    └ ▾ scans                   111M
*      └ ▸ 3 T2_FLAIR             31M"""


def text(lines: list[str]) -> str:
    assert all(len(line) == 38 for line in lines)
    return "\n".join(line.rstrip() for line in lines)


async def test_two_panes_show_one_comparison(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "right", "right", "right", "right", "right")
        await pilot.press("down", "down", "enter", "space", "end", "up", "up", "up")
        assert rows.current is not None
        await pilot.press("space")
        await pilot.pause()
        assert text(app.lines(app.left)) == LEFT
        assert text(app.lines(app.right)) == RIGHT


async def test_one_side_by_itself_has_no_verdicts(tree_app: type) -> None:
    root = Pair(Kind.PROJECT, "P", Item(Kind.PROJECT, "P"))
    items = (Item(Kind.SUBJECT, "S1", shared_from="BRAINS"), Item(Kind.SUBJECT, "S2", files=4, bytes=5000))
    root.attach(lone(Kind.SUBJECT, Listing(items)))
    app = tree_app(Rows(root), panes=1)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        first, second = app.lines(app.left)
        assert first.rstrip() == "  ▸ S1 @BRAINS"
        assert second.split() == ["▸", "S2", "4", "5k"]


async def test_without_unicode_only_ascii_is_drawn(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        for tree in (app.left, app.right):
            tree.glyphs = ASCII
        await pilot.press("down", "right", "right", "right", "space", "end", "right")
        assert all(line.isascii() for tree in (app.left, app.right) for line in app.lines(tree))


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("abc\u202efed", "abc<U+202E>fed"),
        ("東京" * 30, "東京東京東京…東京東京東京"),
        ("", ""),
    ],
)
async def test_hostile_labels_stay_inside_their_line(
    label: str, shown: str, tree_app: type, pair: Callable[..., Pair]
) -> None:
    root = pair(Kind.PROJECT, "P", children=[pair(Kind.SUBJECT, label, children=[])])
    app = tree_app(Rows(root, comparing=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        strip = app.left.render_line(0)
        assert strip.cell_length == 38
        assert strip.text[5:].rstrip().removesuffix(" 0").strip() == shown


async def test_unread_children_are_asked_for_and_loading_stands_there(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("end", "up", "right")
        await pilot.pause()
        asked = [one.row.pair.key for one in app.heard if isinstance(one, PairTree.ExpandRequested)]
        assert asked == ["SUB-004"]
        assert app.lines(app.left)[3].strip() == "└ loading…"
        app.left.filter("sub")
        app.left.filter("")
        await pilot.pause()
        assert sum(isinstance(one, PairTree.ExpandRequested) for one in app.heard) == 1
        subject = rows[2].pair
        subject.attach([])
        subject.fail(Forbidden("no", status=403), None)
        app.left.pairs_changed(subject)
        await pilot.pause()
        assert app.lines(app.left)[3].strip() == "└ ! 403 Forbidden — R retries"
        assert app.lines(app.right)[3].strip() == ""


async def test_a_side_that_could_not_be_read_is_not_called_missing(tree_app: type) -> None:
    root = Pair(Kind.PROJECT, "P", Item(Kind.PROJECT, "P"), Item(Kind.PROJECT, "P"))
    pair = Pair(Kind.SUBJECT, "S", Item(Kind.SUBJECT, "S"))
    pair.fail(None, Forbidden("no", status=403))
    root.attach([pair])
    app = tree_app(Rows(root, comparing=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.lines(app.right)[0].strip() == "!  ! 403 Forbidden"


async def test_enter_on_a_leaf_opens_it(tree_app: type, pair: Callable[..., Pair]) -> None:
    root = pair(Kind.RESOURCE, "DICOM", children=[pair(Kind.FILE, "1.dcm", bytes=10)])
    app = tree_app(Rows(root, comparing=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert [one.row.pair.key for one in app.heard if isinstance(one, PairTree.Opened)] == ["1.dcm"]


async def test_moving_is_said_once_though_two_panes_move(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.heard.clear()
        await pilot.press("down", "down")
        await pilot.pause()
        moved = [(one.tree, one.row.pair.key) for one in app.heard if isinstance(one, PairTree.Moved)]
        assert moved == [(app.left, "SUB-002"), (app.left, "SUB-004")]


async def test_the_other_panes_cursor_is_underlined(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down")
        assert all(segment.style.underline for segment in app.right.render_line(1))
        assert len(list(app.left.render_line(1))) == 1
        await pilot.press("tab")
        await pilot.pause()
        assert all(segment.style.underline for segment in app.left.render_line(1))
        assert not any(segment.style.underline for segment in app.right.render_line(1))


async def test_ranges_patterns_and_totals_by_key(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v", "down", "down")
        assert [line[1] for line in app.lines(app.left)] == ["✓", "✓", "✓", " "]
        assert len(rows.marks) == 0
        await pilot.press("v", "end")
        assert [line[1] for line in app.lines(app.left)] == ["✓", "✓", "✓", " "]
        assert len(rows.marks) == 3
        await pilot.press("asterisk")
        assert [pair.key for pair in rows.marks] == ["SUB-010"]
        await pilot.press("a")
        assert len(rows.marks) == 4
        app.left.clear_marks()
        await pilot.press("plus")
        await pilot.pause()
        assert any(isinstance(one, PairTree.PatternRequested) for one in app.heard)
        app.left.mark_pattern("*1*")
        assert {pair.key for pair in rows.marks} == {"SUB-001", "SUB-010"}


async def test_a_range_can_be_given_up(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v", "down")
        assert app.left.drop_range()
        assert not app.left.drop_range()
        assert len(rows.marks) == 0


async def test_the_mouse_moves_opens_and_scrolls_both_panes(
    tree_app: type, wide: Callable[[int], Pair]
) -> None:
    rows = Rows(wide(200), comparing=True)
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(PairTree, offset=(8, 4))
        assert rows.cursor == 3
        await pilot.click(PairTree, offset=(8, 4), times=2)
        await pilot.pause()
        assert rows[3].expanded
        app.left._scroll_down_for_pointer(animate=False)
        await pilot.pause()
        assert app.left.scroll_y == app.right.scroll_y > 0


async def test_keys_can_be_bound_anew(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    app.set_keymap({"tree.mark": "m"})
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("m")
        assert len(rows.marks) == 1


async def test_every_key_on_a_tree_without_rows_is_harmless(tree_app: type) -> None:
    rows = Rows(Pair(Kind.PROJECT, "P", Item(Kind.PROJECT, "P"), Item(Kind.PROJECT, "P")), comparing=True)
    rows.root.attach([])
    rows.rebuild()
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("up", "pagedown", "end", "shift+up", "right", "left", "enter", "1", "space")
        await pilot.press("v", "asterisk", "a")
        assert app.lines(app.left)[0].strip() == "(empty)"


async def drawn_by(app: Any, press: Callable[..., Awaitable[None]], *keys: str) -> tuple[int, int]:
    before = app.left.lines_rendered, app.right.lines_rendered
    await press(*keys)
    after = app.left.lines_rendered, app.right.lines_rendered
    return after[0] - before[0], after[1] - before[1]


async def test_a_key_draws_only_the_lines_it_changed(tree_app: type, wide: Callable[[int], Pair]) -> None:
    rows = Rows(wide(100_000), comparing=True)
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:

        async def press(*keys: str) -> None:
            await pilot.press(*keys)
            await pilot.pause()

        await press("down")
        assert await drawn_by(app, press, "down") == (2, 2)
        assert await drawn_by(app, press, "up") == (2, 2)
        assert await drawn_by(app, press, "space") == (2, 2)
        assert await drawn_by(app, press, "home") == (2, 2)
        assert await drawn_by(app, press, "home") == (0, 0)
        assert await drawn_by(app, press, "plus") == (0, 0)
        assert await drawn_by(app, press, "end") == (22, 22)
        created = rows.rows_created
        await press("left", "right", "left", "right")
        assert rows.rows_created == created


async def test_going_down_a_long_list_scrolls_by_half_pages(
    tree_app: type, wide: Callable[[int], Pair]
) -> None:
    rows = Rows(wide(1000), comparing=True)
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        tops = []
        for _ in range(50):
            await pilot.press("down")
            await pilot.pause()
            tops.append(int(app.left.scroll_y))
            assert app.left.scroll_y == app.right.scroll_y
            assert tops[-1] <= rows.cursor < tops[-1] + 22
        assert len(set(tops)) == 4
        assert app.left.lines_rendered + app.right.lines_rendered <= 2 * (22 + 50 * 2 + 3 * 22 + 4)


async def test_narrowing_redraws_both_and_keeps_the_cursor_in_sight(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)
    async with app.run_test(size=SIZE) as pilot:
        app.left.filter("flair")
        await pilot.pause()
        assert text(app.lines(app.left)) == FOUND
        assert app.left.next_match(1)
        assert rows.current is not None
        assert rows.current.pair.key == "3"
        app.left.filter("")
        app.left.show_view(View.ONLY_DESTINATION)
        await pilot.pause()
        assert [line.strip()[:1] for line in app.lines(app.left)] == [">"]
        assert rows.cursor == 0
        app.left.show_view(View.ALL)
        assert not app.left.next_difference(1)
        assert app.left.next_difference(-1)
        assert rows.current.pair.key == "SUB-002_PT1"
