"""Details show whole values, whatever is in them, and stay inside their box."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from xnat_tui.model.display import cell_width
from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.pairing import FieldDifference, Pair
from xnat_tui.tui.widgets.details import DetailsView

HOSTILE = {
    "controls": "\x1b[2J\x1b]0;owned\x07 two\nlines\tand a tab",
    "markup": "[red]red[/red] [link=https://example.org]here[/]",
    "turned": "abc \u202e fed \u2066 שלום עולם",
    "wide": "東京都" * 40,
    "long": "begin " + "x" * 300 + " end",
    "zero\x00name": "\x00",
}


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield DetailsView(docked=True)


@asynccontextmanager
async def lines(pair: Pair, width: int) -> AsyncIterator[list[str]]:
    app = Shown()
    async with app.run_test(size=(width, 120)) as pilot:
        await pilot.pause()
        app.query_one(DetailsView).show(pair)
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        yield ["".join(segment.text for segment in strip) for strip in strips]


@pytest.mark.parametrize("width", [40, 47, 100])
async def test_hostile_values_are_shown_whole_and_within_the_box(width: int) -> None:
    item = Item(Kind.SUBJECT, "S\x1b[1m", type="xnat:subject[bold]", fields=Fields.of(HOSTILE))
    async with lines(Pair(Kind.SUBJECT, "S", item), width) as shown:
        assert all(cell_width(line) == width for line in shown)
        text = "".join(line.strip() for line in shown).replace(" ", "")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "␛[2J␛]0;owned␇two␊lines␉andatab" in text
        assert "[red]red[/red][link=https://example.org]here[/]" in text
        assert "abc<U+202E>fed<U+2066>שלוםעולם" in text
        assert text.count("東") == text.count("都") == 40
        assert "begin" + "x" * 300 + "end" in text
        assert "S␛[1m" in text
        assert "zero␀name␀" in text


async def test_differing_values_are_whole_on_both_sides() -> None:
    one = Item(Kind.SUBJECT, "S", fields=Fields.of({"note": "left " * 20, "same": "equal " * 20}))
    other = replace(one, fields=Fields.of({**one.fields, "note": "right"}))
    difference = FieldDifference("note", one.fields["note"], "right")
    pair = Pair(Kind.SUBJECT, "S", one, other)
    pair.fields = (difference,)
    async with lines(pair, 100) as shown:
        (heading,) = [at for at, line in enumerate(shown) if line.split() == ["left", "right"]]
        text = "\n".join(shown[heading + 1 :])
        assert text.count("left") == 20
        assert text.count("right") == 1
        assert text.count("*") == 1
        assert "equal equal" in text


async def test_a_value_as_long_as_a_book_is_cut_and_counted() -> None:
    item = Item(Kind.SUBJECT, "S", fields=Fields.of({"note": "y" * 1_000_000}))
    async with lines(Pair(Kind.SUBJECT, "S", item), 100) as shown:
        assert "(1000000 characters)" in "".join(line.strip() for line in shown)


async def test_a_format_that_stands_among_the_fields_is_told_once() -> None:
    item = Item(Kind.RESOURCE, "DICOM", type="DICOM", fields=Fields.of({"format": "DICOM", "content": "RAW"}))
    async with lines(Pair(Kind.RESOURCE, "DICOM", item), 60) as shown:
        assert sum(line.split()[:2] == ["format", "DICOM"] for line in shown) == 1


async def test_a_files_format_is_told_where_it_is_no_field() -> None:
    item = Item(Kind.FILE, "1.dcm", type="DICOM")
    async with lines(Pair(Kind.FILE, "1.dcm", item), 60) as shown:
        assert sum(line.split()[:2] == ["format", "DICOM"] for line in shown) == 1


@pytest.mark.parametrize(
    ("one", "other", "seen"),
    [
        ("1", "\n1", ("1", "␊1")),
        ("x", " x ", ("x", "␠x␠")),
        ("a b", "a  b", ("a␠b", "a␠␠b")),
        ("", "  ", ("—", "␠␠")),
    ],
)
async def test_values_that_differ_in_white_space_show_it(one: str, other: str, seen: tuple[str, str]) -> None:
    pair = Pair(
        Kind.SUBJECT,
        "S",
        Item(Kind.SUBJECT, "S", fields=Fields.of({"note": one})),
        Item(Kind.SUBJECT, "S", fields=Fields.of({"note": other})),
    )
    pair.fields = (FieldDifference("note", one, other),)
    async with lines(pair, 100) as shown:
        (line,) = [line for line in shown if line.strip(" │").startswith("note")]
        assert line.replace("│", "").split()[1:3] == list(seen)
