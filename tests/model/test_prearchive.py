"""Rows of the prearchive, selections and labels, by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from xnat_tui.errors import UsageError
from xnat_tui.model.clock import Clock
from xnat_tui.model.location import Location
from xnat_tui.model.prearchive import (
    ORDERS,
    Difference,
    Labels,
    Received,
    Selection,
    cleaned,
    differences,
    illegal_characters,
    ordered,
    selected_by,
    total,
)

ROW = {
    "project": "P",
    "timestamp": "20240408_091500123",
    "folderName": "F",
    "name": "S_MR",
    "subject": "S",
    "status": "READY",
    "uploaded": "2024-04-08 09:15:00.1",
    "url": "/prearchive/projects/P/20240408_091500123/F",
}
NOW = Clock(ZoneInfo("Europe/London"), datetime(2024, 4, 10, tzinfo=ZoneInfo("Europe/London")))


@pytest.mark.parametrize("cell", ["", "null", "Unassigned"])
def test_a_session_without_a_project(cell: str) -> None:
    one = Received.of({**ROW, "project": cell, "url": ""})
    assert one.project == ""
    assert one.url == "/prearchive/projects/Unassigned/20240408_091500123/F"
    assert one.location("lab") == "lab:Unassigned/20240408_091500123/F"
    assert one.location("https://x.org/") == f"https://x.org/data{one.url}"


def test_addresses_with_and_without_data_are_one() -> None:
    assert Received.of({**ROW, "url": "/data" + ROW["url"]}).url == Received.of(ROW).url


@pytest.mark.parametrize("status", ["_READY", "QUEUED_ARCHIVING", "RECEIVING", "_CONFLICT", "", "BUILDING"])
def test_only_three_statuses_are_at_rest(status: str) -> None:
    assert not Received.of({**ROW, "status": status}).settled


@pytest.mark.parametrize(
    ("stamp", "micro"), [("2024-04-08 09:15:00.123456", 123456), ("2024-04-08 09:15:00", 0)]
)
def test_times_are_read_with_and_without_fraction(stamp: str, micro: int) -> None:
    arrived = Received.of({**ROW, "uploaded": stamp}).arrived(NOW)
    assert arrived == datetime(2024, 4, 8, 8, 15, 0, micro, tzinfo=UTC)


def test_an_unknown_age_meets_no_age() -> None:
    unknown = Received.of({**ROW, "uploaded": "yesterday"})
    assert unknown.arrived(NOW) is None
    assert Selection().keeps(unknown, NOW)
    assert not Selection(older_than=timedelta(0)).keeps(unknown, NOW)
    assert not Selection(newer_than=timedelta(days=9999)).keeps(unknown, NOW)


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("lab:", True),
        ("lab:P", True),
        ("lab:Q", False),
        ("lab:P/S", True),
        ("lab:P/20240408_091500123/F", True),
        ("lab:P/S/S_MR", True),
        ("lab:P/S/s_mr", False),
        ("lab:*/*/S_*", True),
    ],
)
def test_locations_select(location: str, kept: bool) -> None:
    steps = selected_by(Location.parse(location))
    assert bool(Selection(steps).of([Received.of(ROW)], NOW)) is kept


def test_a_name_that_something_has_exactly_is_no_glob() -> None:
    received = [Received.of({**ROW, "name": name, "folderName": name}) for name in ("a[1]", "a1")]
    steps = selected_by(Location.parse("lab:P/S/a[1]"))
    assert [one.name for one in Selection(steps).of(received, NOW)] == ["a[1]"]
    assert [one.name for one in Selection(steps).of(received[1:], NOW)] == ["a1"]
    with pytest.raises(UsageError, match=r"Nothing is called 'a\[1\]'"):
        Selection(steps, globs=False).of(received[1:], NOW)


def test_templates_are_filled_whole_or_not_at_all() -> None:
    labels = Labels.parse("{PatientID}/{PatientID}_{StudyDate}T{StudyTime}_{Modality}")
    header = {"PatientID": "A", "StudyDate": "20240405", "StudyTime": "101500.250000", "Modality": "MR"}
    assert labels.names == ("PatientID", "StudyDate", "StudyTime", "Modality")
    assert labels.filled(header) == Labels("A", "A_20240405T101500_MR")
    with pytest.raises(UsageError, match="has no Modality"):
        labels.filled({**header, "Modality": " "})


def test_labels_are_cleaned_as_the_archiver_does() -> None:
    assert cleaned(" a.b^c d ") == "a_b_c_d"
    assert illegal_characters("a.b.c^d") == ".^"
    assert illegal_characters("A-b_9") == ""


def test_differences_name_what_one_side_lacks_and_pass_over_the_unknown() -> None:
    mine = {"": {"UID": "1"}, "scans/1": {"UID": "2", "files": ""}, "scans/2": {}}
    theirs = {"": {"UID": "9"}, "scans/1": {"UID": "2", "files": "7"}, "scans/3": {}}
    assert differences(mine, theirs) == [
        Difference("", "UID", "1", "9"),
        Difference("scans/2", "exists", "yes", "no"),
        Difference("scans/3", "exists", "no", "yes"),
    ]


def test_sessions_are_ordered_with_the_unknown_last():
    rows = [
        Received.of(
            {"project": project, "name": name, "status": status, "uploaded": uploaded, "url": f"/{name}"}
        )
        for name, project, status, uploaded in (
            ("a", "Q", "READY", "2024-04-02 10:00:00"),
            ("b", "", "_ARCHIVING", ""),
            ("c", "P", "ERROR", "2024-04-01 10:00:00.5"),
        )
    ]
    sizes = {"/a": 10, "/c": 20}
    found = {order: "".join(one.name for one in ordered(rows, order, sizes)) for order in ORDERS}
    assert found == {"age": "cab", "project": "cab", "status": "bca", "size": "cab"}


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert total([1, 2]) == 3
    assert total([1, None]) is None
    assert total([]) == 0
