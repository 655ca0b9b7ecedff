from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.tables import table as tables
from xnat_tui.xnat.tables.table import Table


def parse_table(text: str, *needed: str, pieces: int = 1 << 20, paged: bool = False) -> Table:
    body = text.encode()
    arriving = (body[start : start + pieces] for start in range(0, len(body), pieces))
    return tables.parse_table(arriving, *needed, paged=paged)


def envelope(rows: list[dict[str, object]], **more: object) -> str:
    return json.dumps({"ResultSet": {"Result": rows, "totalRecords": str(len(rows)), **more}})


def test_rows_are_read_in_order_with_their_columns() -> None:
    table = parse_table(envelope([{"ID": "1", "label": "a"}, {"ID": "2", "label": "b"}], title="x"))
    assert table.columns == ("ID", "label")
    assert [(row["ID"], row["label"]) for row in table] == [("1", "a"), ("2", "b")]
    assert len(table) == 2


def test_columns_are_found_in_any_case_and_missing_ones_are_empty() -> None:
    (row,) = parse_table(envelope([{"xnat:mrsessiondata/date": "2020-01-01", "Name": "n"}]))
    assert row["xnat:mrSessionData/date"] == "2020-01-01"
    assert row["name"] == row["Name"] == "n"
    assert row["nothing"] == ""
    assert row["XNAT:mrSessionData/date"] == "2020-01-01"


def test_an_exact_name_wins_over_one_of_another_case() -> None:
    (row,) = parse_table(envelope([{"id": "lower", "ID": "upper"}]))
    assert (row["id"], row["ID"]) == ("lower", "upper")


def test_null_is_empty_and_other_values_become_text() -> None:
    (row,) = parse_table('{"ResultSet": {"Result": [{"a": null, "b": 3, "c": true, "d": {"x": "y"}}]}}')
    assert (row["a"], row["b"], row["c"]) == ("", "3", "true")
    assert row["d"] != ""


def test_control_characters_in_cells_are_tolerated() -> None:
    (row,) = parse_table('{"ResultSet":{"Result":[{"note":"one\ntwo\u0001"}]}}')
    assert row["note"] == "one\ntwo\u0001"


def test_half_a_surrogate_pair_cannot_break_a_later_encoder() -> None:
    (row,) = parse_table('{"ResultSet":{"Result":[{"note":"a\\ud800b \\ud83d\\ude00"}]}}')
    assert row["note"].encode() == "a\ufffdb \U0001f600".encode()


def test_rows_with_other_columns_keep_their_own() -> None:
    table = parse_table(envelope([{"a": "1"}, {"b": "2", "a": "3"}]))
    assert table.columns == ("a", "b")
    assert [(row["a"], row["b"]) for row in table] == [("1", ""), ("3", "2")]


def test_equal_texts_are_one_object() -> None:
    first, second = parse_table(envelope([{"project": "PILOT", "s": "x"}, {"project": "PILOT", "s": "y"}]))
    assert first["project"] is second["project"]


def test_an_empty_listing_is_a_table() -> None:
    assert len(parse_table(envelope([]))) == 0


def test_a_listing_without_a_count_is_believed() -> None:
    assert (
        len(parse_table('{"ResultSet":{"Columns":[{"key":"URI"}],"Result":[{"URI":"u"}],"title":"Files"}}'))
        == 1
    )


def test_an_empty_body_is_no_empty_listing() -> None:
    with pytest.raises(BadAnswer, match="nothing at all"):
        parse_table(" \n")


def test_an_item_instead_of_a_listing_means_a_wrong_address() -> None:
    with pytest.raises(BadAnswer, match="answered with an item"):
        parse_table('{"items": [{"data_fields": {}}]}')


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"ResultSet": {}}', '{"ResultSet": {"title": "x"}}', '"x"', "null"]
)
def test_json_without_rows_is_no_listing(text: str) -> None:
    with pytest.raises(BadAnswer):
        parse_table(text)


@pytest.mark.parametrize("kept", [2, 14, 26, 40, 60, 79])
def test_a_listing_that_is_cut_off_is_not_believed(kept: int) -> None:
    text = envelope([{"ID": "1", "label": "secret"}, {"ID": "2", "label": "b"}])
    with pytest.raises(BadAnswer) as caught:
        parse_table(text[:kept])
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("after", ["<html>Error", "}", '{"ResultSet":{"Result":[]}}', "\x00"])
def test_what_follows_a_listing_makes_it_unbelievable(after: str) -> None:
    assert len(parse_table(envelope([{"ID": "1"}]) + " \r\n")) == 1
    with pytest.raises(BadAnswer):
        parse_table(envelope([{"ID": "1"}]) + after)


def test_rows_given_twice_are_no_listing() -> None:
    with pytest.raises(BadAnswer):
        parse_table('{"ResultSet":{"Result":[{"ID":"1"}],"Result":[]}}')


def test_every_row_has_the_columns_that_are_needed() -> None:
    rows: list[dict[str, object]] = [{"URI": "u", "xnat:x/label": "a"}, {"uri": "v"}]
    assert len(parse_table(envelope(rows[:1]), "URI", "xnat:X/label")) == 1
    assert len(parse_table(envelope([]), "URI")) == 0
    for needed in ("xnat:x/label", "nothing"):
        with pytest.raises(BadAnswer, match="lacks the column"):
            parse_table(envelope(rows), needed)
    with pytest.raises(BadAnswer, match="lacks the column"):
        parse_table(envelope([{}, {"ID": "1"}]), "ID")


def test_a_count_that_contradicts_the_rows_is_an_error() -> None:
    with pytest.raises(BadAnswer, match="announced 3 rows and sent 1"):
        parse_table('{"ResultSet":{"Result":[{"ID":"1"}],"totalRecords":"3"}}')


def test_a_count_of_thousands_of_digits_is_an_error_like_any_other() -> None:
    with pytest.raises(BadAnswer, match=r"announced 9{20} rows and sent 1"):
        parse_table('{"ResultSet":{"Result":[{"ID":"1"}],"totalRecords":"' + "9" * 5000 + '"}}')


def test_a_page_of_a_longer_listing_may_count_the_whole() -> None:
    assert len(parse_table('{"ResultSet":{"Result":[{"ID":"1"}],"totalRecords":"3"}}', paged=True)) == 1


def test_neither_rows_nor_tables_show_their_content() -> None:
    table = parse_table(envelope([{"label": "DOE^JOHN"}]))
    (row,) = table
    assert "DOE" not in f"{table!r} {row!r}"
    assert row["label"] == "DOE^JOHN"


ODD_ROWS: list[dict[str, object]] = [
    {"ID": "1", "note": "a },{ in a text"},
    {"ID": "2", "note": 'quoted "},", and \\ too'},
    {"ID": "3", "note": "ünï \U0001f600 \ud800"},
    {"ID": "4", "more": None, "note": 12},
    {"note": "other order", "ID": "5"},
    {"ID": "6", "note": {"nested": [{"a": 1}, {"b": 2}]}},
    {},
    *(dict[str, object](ID=str(number), note="x" * number) for number in range(7, 40)),
]


@pytest.mark.parametrize("batch", [1, 16, 100, 1 << 20])
@pytest.mark.parametrize("pieces", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", " : ")])
def test_rows_are_the_same_however_they_arrive(
    monkeypatch: pytest.MonkeyPatch, batch: int, pieces: int, separators: tuple[str, str]
) -> None:
    monkeypatch.setattr(tables, "_BATCH", batch)
    for count in (len(ODD_ROWS), 3, 1):
        listing = {"Result": ODD_ROWS[:count], "title": "after },{ the rows", "totalRecords": count}
        text = json.dumps({"before": [1, {}], "ResultSet": listing}, separators=separators)
        table = parse_table(text, pieces=pieces)
        assert [row["ID"] for row in table] == [row.get("ID", "") for row in ODD_ROWS[:count]]
        notes = [row["note"] for row in table]
        assert notes[:3] == ["a },{ in a text", 'quoted "},", and \\ too', "ünï \U0001f600 \ufffd"][:count]
        if count > 3:
            assert notes[3:7] == ["12", "other order", '{"nested": [{"a": 1}, {"b": 2}]}', ""]
            assert notes[7:] == ["x" * number for number in range(7, 40)]


UNLIKE_THE_OTHERS: list[tuple[str, str, dict[str, str]]] = [
    ("other order", '{"note": "n", "ID": "x"}', {"ID": "x", "note": "n"}),
    ("another column", '{"ID": "x", "note": "n", "date": "d"}', {"ID": "x", "note": "n", "date": "d"}),
    ("a column missing", '{"ID": "x"}', {"ID": "x", "note": ""}),
    ("no column", "{}", {"ID": "", "note": ""}),
    ("null", '{"ID": "x", "note": null}', {"ID": "x", "note": ""}),
    ("a number", '{"ID": "x", "note": 12345678901234567890123}', {"note": "12345678901234567890123"}),
    ("one column twice", '{"ID": "x", "note": "a", "note": "b"}', {"ID": "x", "note": "b"}),
    ("a bare line break", '{"ID": "x", "note": "a\nb"}', {"ID": "x", "note": "a\nb"}),
    ("half a surrogate pair", '{"ID": "x", "note": "\\ud800"}', {"note": "\ufffd"}),
    ("bytes that are no UTF-8", '{"ID": "x", "note": "\udce9"}', {"note": "\\xe9"}),
]


@pytest.mark.parametrize(("text", "cells"), [odd[1:] for odd in UNLIKE_THE_OTHERS], ids=lambda odd: "")
def test_one_row_unlike_hundreds_before_it_is_read_as_by_itself(text: str, cells: dict[str, str]) -> None:
    plain = [f'{{"ID": "{number}", "note": "{"n" * 900}"}}' for number in range(300)]
    rows = ",".join([*plain, text, *plain])
    body = ('{"ResultSet": {"Result": [' + rows + '], "totalRecords": "601"}}').encode(
        "utf-8", "surrogateescape"
    )
    found = list(tables.parse_table(body[start : start + 50_000] for start in range(0, len(body), 50_000)))
    assert {column: found[300][column] for column in cells} == cells
    for half in (found[:300], found[301:]):
        assert [(row["ID"], row["note"]) for row in half] == [(str(n), "n" * 900) for n in range(300)]


def test_columns_of_any_name_are_read() -> None:
    rows: list[dict[str, object]] = [{'a"b\\': str(number), "__weird": "x" * 500} for number in range(400)]
    assert [row['a"b\\'] for row in parse_table(envelope(rows))] == [str(number) for number in range(400)]


@pytest.mark.parametrize("pieces", [1, 5, 1 << 20])
def test_a_number_cut_in_the_middle_is_read_whole(pieces: int) -> None:
    text = '{"ResultSet":{"Result":[' + ",".join(['{"a":"b"}'] * 12) + '],"totalRecords":12}}'
    assert len(parse_table(text, pieces=pieces)) == 12


@pytest.mark.parametrize("rows", ['{"a":"1"},{"a":"2"', '{"a":"1"},', '{"a":"1"},]', '{"a":"1"},3,{"a":"2"}'])
def test_what_is_no_row_between_rows_is_not_believed(rows: str) -> None:
    with pytest.raises(BadAnswer, match="cut off"):
        parse_table('{"ResultSet":{"Result":[' + rows + "]}}")


def test_what_is_no_listing_is_refused_before_all_of_it_has_come() -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"items": ['
        while True:
            yield b"{}, " * 100_000

    with pytest.raises(BadAnswer, match="answered with an item"):
        tables.parse_table(endless())


def test_what_comes_after_the_table_is_read_to_its_end() -> None:
    def cut() -> Iterator[bytes]:
        yield envelope([{"ID": "1"}]).encode()
        raise BadAnswer("The answer ended too early.")

    with pytest.raises(BadAnswer, match="too early"):
        tables.parse_table(cut())


def test_several_cells_are_picked_as_one_by_one() -> None:
    table = parse_table(envelope([{"ID": "1", "xnat:subjectdata/age": "7"}, {"ID": "2", "b": "c"}]))
    for columns in (["ID"], ["xnat:subjectData/age", "id"], ["b", "missing", "ID"], []):
        pick, cells_of = table.picker(columns), [table.cell(name) for name in columns]
        one_by_one = [tuple(row[name] for name in columns) for row in table]
        assert [pick(cells) for cells in table.cells] == one_by_one
        assert [tuple(cell(cells) for cell in cells_of) for cells in table.cells] == one_by_one
