"""A table of 100,000 rows costs what is seen of it, by lines drawn and cells worked out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from textual.app import App, ComposeResult

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import Table
from xnat_tui.tui.panels.table.arranging import key_of
from xnat_tui.tui.panels.table.grid import TableGrid
from xnat_tui.tui.terminal.theme import ASCII

ROWS = 100_000
COLUMNS = ("label", "n", "a wide column", *(f"c{number}" for number in range(12)))
PAGE = 20


class Counted(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.worked_out: Counter[str] = Counter()
        self.marks: dict[Any, Place] = {}
        self.grid = TableGrid(ASCII, self.marks, key_of)
        places = [Place("lab", (Item(Kind.SUBJECT, f"S{n:06}", uri=f"/s/{n}"),)) for n in range(ROWS)]
        self.table = Table(COLUMNS, places, COLUMNS, self.cell_of, lambda _: Location("lab"))

    def cell_of(self, name: str) -> Any:
        def cell(place: Place) -> str | None:
            self.worked_out[name] += 1
            assert place.item is not None
            return place.item.key if name == "label" else None if name == "n" else f"{name} " * 3

        return cell

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_mount(self) -> None:
        self.grid.show(self.table, COLUMNS, "", 0)
        self.grid.focus()

    def lines(self) -> list[str]:
        return [self.grid.render_line(y).text.rstrip() for y in range(self.grid.size.height)]


@pytest.mark.parametrize(("key", "most"), [("down", 2), ("j", 2), ("end", PAGE + 1), ("pagedown", PAGE + 1)])
async def test_a_key_draws_what_changes_and_no_more(key: str, most: int) -> None:
    app = Counted()
    async with app.run_test(size=(80, PAGE + 1)) as pilot:
        await pilot.pause()
        app.worked_out.clear()
        before = app.grid.lines_rendered
        await pilot.press(key)
        await pilot.pause()
        assert 0 < app.grid.lines_rendered - before <= most
        assert app.worked_out["label"] <= most


async def test_showing_a_hundred_thousand_rows_works_out_few_cells() -> None:
    app = Counted()
    async with app.run_test(size=(80, PAGE + 1)) as pilot:
        await pilot.pause()
        assert app.worked_out["label"] < 1_000
        await pilot.press("end")
        assert app.lines()[-1].split()[:2] == ["S099999", "!"]


async def test_columns_that_do_not_fit_are_a_key_away_and_said_to_be_there() -> None:
    app = Counted()
    async with app.run_test(size=(80, PAGE + 1)) as pilot:
        await pilot.pause()
        assert app.lines()[0].endswith(">")
        await pilot.press(*["right"] * (len(COLUMNS) - 1))
        heading = app.lines()[0]
        assert heading.startswith("< ")
        assert not heading.endswith(">")
        assert app.grid.column_name == "c11"
        assert "c11" in heading
        app.marks[key_of(app.table.entries[0])] = app.table.entries[0]
        app.grid.refresh()
        assert app.lines()[1].startswith("x ")
        assert all(line.isascii() for line in app.lines())
