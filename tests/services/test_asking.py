"""A table has a row for each item, costs what its bulk questions cost, and shows no unknown as empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas  # type: ignore[import-untyped]  # it ships none; the table needs none of it
import pytest

from tests.tui.demo_pair import demo_pair
from xnat_tui import Filters, connect
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.study import synthetic_site
from xnat_tui.errors import Interrupted, NotFound, UsageError
from xnat_tui.model.location import Location, relative_path
from xnat_tui.services.asking.entrance import ask_table
from xnat_tui.services.asking.filtering import matching
from xnat_tui.services.asking.table import Table
from xnat_tui.services.asking.writing import as_csv
from xnat_tui.services.browsing.find import find_one

TYPES = 2
"""Of the synthetic study: MR sessions and MR scans."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, demo_pair(tmp_path_factory.mktemp("pair"), patch):  # noqa: SIM117
        with connect("lab", "qc") as workspace:
            yield workspace


def scans_of(sites: Any) -> Table[Any]:
    reader = sites.reader()
    where = Location.parse("lab:BIG")
    return ask_table("scans", lambda _: reader, [where], lambda _: [find_one(reader, where)], Filters())


@pytest.mark.parametrize("subjects", [7, 60])
def test_a_scans_table_costs_as_many_requests_for_a_large_project_as_for_a_small_one(
    pair_of: Callable[..., Any], subjects: int
) -> None:
    sites = pair_of(synthetic_site(subjects, 3, 2), synthetic_site(1, 1, 1))
    table = scans_of(sites)
    finding_the_project = 1
    assert len(table.rows) == subjects * 3 * 2
    assert table.requests["lab"] - finding_the_project <= 12 + TYPES
    assert table.unreadable == ()


@pytest.mark.parametrize("of", ["subjects", "sessions", "scans", "assessors", "resources", "files"])
def test_pandas_takes_the_rows_of_every_table_as_they_are(workspace: Any, of: str) -> None:
    table = workspace.table(of, "lab:BRAINS/SUB-001")
    frame = pandas.DataFrame(table.rows)
    assert tuple(frame.columns) == table.columns
    assert set(frame["kind"]) == {"experiment" if of == "sessions" else of.removesuffix("s")}
    assert len(frame) == len(table.entries) == len(set(frame["path"]))
    for place, row in list(zip(table.entries, table.rows, strict=True))[:3]:
        assert workspace.find_one(place.location).location == place.location
        assert row["path"] == relative_path(place.location.steps)


def test_fields_of_what_stands_above_are_those_of_that_item_whatever_is_known_of_the_row(
    workspace: Any,
) -> None:
    subjects = workspace.table("subjects", "lab:BRAINS", columns=["subject", "gender", "fields/cohort"]).rows
    genders = {row["subject"]: row["gender"] for row in subjects}
    assert genders["SUB-005"] == "male"
    scans = workspace.table("scans", "lab:BRAINS", columns=["subject", "subject.gender", "session.date"]).rows
    assert {row["subject"]: row["subject.gender"] for row in scans}.items() <= genders.items()
    assert all(row["session.date"] for row in scans)


def test_rows_are_sorted_by_numbers_as_numbers_and_stay_in_order_where_alike(workspace: Any) -> None:
    table = workspace.table("scans", "lab:BRAINS", columns=["scan", "bytes"], sort=["-bytes", "scan"])
    sizes = [row["bytes"] for row in table.rows]
    assert sizes == sorted(sizes, reverse=True)
    table = workspace.table("subjects", "lab:BRAINS", columns=["weight"], sort=["weight"])
    weights = [row["weight"] for row in table.rows]
    told = [float(weight) for weight in weights if weight]
    assert told == sorted(told)
    assert weights[len(told) :] == [""] * (len(weights) - len(told)), "what is empty stays at the end"


def test_what_nobody_answered_is_none_and_told_and_never_empty(workspace: Any) -> None:
    table = workspace.table("scans", "lab:BRAINS", columns=["startTime"])
    unknown = [row for row in table.rows if row["startTime"] is None]
    assert unknown
    (told,) = table.unreadable
    assert str(told.location) == "lab:BRAINS"
    assert told.error == f"startTime is not told of {len(unknown)} of {len(table.rows)} rows."
    assert table.document()["unreadable"] == [{"path": "projects/BRAINS", "error": told.error}]


def test_a_project_that_cannot_be_read_is_told_beside_the_rows_of_others(workspace: Any) -> None:
    table = workspace.table("subjects", "lab:BRAINS", "lab:PHANTOMS")
    assert {row["project"] for row in table.rows} == {"BRAINS"}
    assert [str(one.location) for one in table.unreadable] == ["lab:PHANTOMS"]
    assert "not allowed" in table.unreadable[0].error


def test_a_session_that_cannot_be_read_is_told_with_the_rows_of_all_others(
    pair_of: Callable[..., Any],
) -> None:
    sites = pair_of(synthetic_site(3, 2, 2), synthetic_site(1, 1, 1))
    session = min(sites.servers["lab"].site.experiments.values(), key=lambda one: one.id)
    sites.servers["lab"].faults.add(r"GET /data/(search|experiments\?).*", ErrorPage(403))
    sites.servers["lab"].faults.add(rf"GET /data/experiments/{session.id}\?", ErrorPage(403))
    table = scans_of(sites)
    sites.servers["lab"].faults.clear()
    assert [one.location.steps[-1].name for one in table.unreadable] == [session.label]
    assert len(table.rows) == (3 * 2 - 1) * 2


def test_what_is_empty_and_what_is_not_answered_stand_at_the_end_and_are_told_apart() -> None:
    cells = {"a": None, "b": "", "c": "10", "d": "9", "e": "x"}
    table = Table.of_rows(("path", "n"), [{"path": path, "n": cell} for path, cell in cells.items()])
    assert [row["path"] for row in table.sorted(["n"]).rows] == ["d", "c", "e", "b", "a"]
    assert [row["path"] for row in table.sorted(["-n"]).rows] == ["e", "c", "d", "b", "a"]
    assert table.texts()[:2] == [["a", "!"], ["b", ""]]
    assert as_csv(table).splitlines()[:3] == ["path,n", "a,!", "b,"]
    assert table.document()["rows"][0] == {"path": "a", "n": None}
    assert table.chosen(["n"]).rows[2] == {"n": "10"}


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("", "abcd"),
        ("T1", "ab"),
        ("type:t1 !subject:s2", "a"),
        ("!t1", "cd"),
        ("type:!", "d"),
        ("!type:!", "abc"),
        ("t1 s2", "b"),
        ("nothing:t1", ""),
        ("!", "abcd"),
    ],
)
def test_words_of_a_line_leave_rows_by_all_columns_or_by_one(line: str, left: str) -> None:
    cells = {"a": ("T1_MPRAGE", "S1"), "b": ("t1", "S2"), "c": ("", "S1"), "d": (None, "S2")}
    rows = [{"path": path, "type": kind, "subject": subject} for path, (kind, subject) in cells.items()]
    table = Table.of_rows(("path", "type", "subject"), rows)
    assert "".join(str(row["path"]) for row in matching(table, line)) == left


def test_looking_through_rows_ends_when_nobody_wants_them_any_more() -> None:
    with pytest.raises(Interrupted):
        matching(Table.of_rows(("path",), [{"path": "a"}]), "a", lambda: False)


def test_a_table_is_remembered_by_the_workspace_where_that_is_wanted(workspace: Any) -> None:
    (place,) = workspace.find("lab:BRAINS/SUB-001")
    table = workspace.table("scans", place, remember=True)
    connection = workspace.reader("lab").connection
    before = connection.requests
    for scan in table.entries:
        assert workspace.reader("lab").below(scan.parent, scan.kind).error is None
    assert connection.requests == before
    assert workspace.table("scans", place, remember=True).requests["lab"] > 0, "read anew all the same"


def test_tables_of_two_servers_name_the_server_of_each_row(workspace: Any) -> None:
    table = workspace.table("sessions", "lab:BRAINS", "qc:BRAINS", columns=["date"])
    assert table.columns == ("date", "server", "project", "kind", "path")
    assert {row["server"] for row in table.rows} == {"lab", "qc"} == set(table.requests)
    assert table.seen_by == "demo"


def test_an_item_below_two_of_the_places_is_one_row(workspace: Any) -> None:
    whole = workspace.table("scans", "lab:BRAINS")
    assert workspace.table("scans", "lab:BRAINS/SUB-001", "lab:BRAINS").rows == whole.rows


def test_filters_leave_out_rows_and_those_that_could_not_are_refused(workspace: Any) -> None:
    rows = workspace.table("scans", "lab:BRAINS", filters=Filters(scan_type=("T1*",))).rows
    assert rows
    assert {row["type"][:2] for row in rows} == {"T1"}
    with pytest.raises(UsageError, match="A filter on scans leaves out none of the subjects"):
        workspace.table("subjects", "lab:BRAINS", filters=Filters(scan_type=("T1*",)))
    with pytest.raises(NotFound):
        workspace.table("scans", "lab:BRAINS", filters=Filters(scan_type=("NOPE",)))


@pytest.mark.parametrize(
    ("of", "where", "columns", "message"),
    [
        ("scans", "lab:BRAINS", ["typ"], "no column 'typ'"),
        ("scans", "lab:BRAINS", ["subject.gendr"], "no column 'subject.gendr'"),
        ("pictures", "lab:BRAINS", [], "no table of 'pictures'"),
        ("subjects", "lab:BRAINS/SUB-001/SUB-001_MR1", [], "No subjects stand at or below"),
    ],
)
def test_what_cannot_be_is_refused(workspace: Any, of: str, where: str, columns: list[str], message: str):
    with pytest.raises(UsageError, match=message):
        workspace.table(of, where, columns=columns)
