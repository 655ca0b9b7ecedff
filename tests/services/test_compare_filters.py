"""Filters in comparisons: either side's item passing is enough, so that no filter makes up a difference."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.pairing import Status
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison


def keys(comparison: Comparison, kind: Kind) -> list[str]:
    return [pair.key for pair in items_of(comparison.root) if pair.kind is kind]


@pytest.mark.parametrize(
    ("filters", "subjects"),
    [
        (Filters(subject=("SUB-00[12]",)), {"SUB-001", "SUB-002"}),
        (Filters(exclude_subject=("SUB-*", "sub-*")), {"0010"}),
        (Filters(session=("*_PT1",)), {"SUB-002", "SUB-011"}),
        (Filters(type=("xnat:petmrSessionData",)), {"SUB-005"}),
        (Filters(modality=("CT",)), {"SUB-004"}),
        (Filters(modality=("PET",), exclude_subject=("SUB-002",)), {"SUB-005", "SUB-011"}),
        (Filters(modality=("PET",), exclude_session=("SUB-002*",)), {"SUB-005", "SUB-011"}),
    ],
)
def test_only_subjects_with_something_that_passes_are_compared(
    demo: Any, filters: Filters, subjects: set[str]
) -> None:
    assert set(keys(demo.compare(filters=filters), Kind.SUBJECT)) == subjects


def test_a_filter_that_nothing_passes_is_no_agreement(demo: Any) -> None:
    with pytest.raises(NotFound, match="matches --session no such session"):
        demo.compare(filters=Filters(session=("no such session",)))


@pytest.mark.parametrize(
    ("filters", "sessions"),
    [
        (Filters(exclude_modality=("MR", "PET", "CT", "PET-MR", "US", "OT")), set()),
        (Filters(exclude_type=("*",)), set()),
        (Filters(subject=("SUB-002",), exclude_session=("*_MR1",)), {"SUB-002_PT1"}),
        (Filters(subject=("SUB-002",), exclude_type=("xnat:petSessionData",)), {"SUB-002_MR1"}),
        (Filters(subject=("SUB-002",), exclude_modality=("PET",)), {"SUB-002_MR1"}),
    ],
)
def test_exclusions_win_over_everything(demo: Any, filters: Filters, sessions: set[str]) -> None:
    found = demo.compare(filters=filters)
    assert {key for key in keys(found, Kind.EXPERIMENT) if "SUB-002" in key or not sessions} == sessions


@pytest.mark.parametrize(
    ("filters", "scans"),
    [
        (Filters(scan=("2",)), {"2"}),
        (Filters(scan=("[34]",), exclude_scan=("3",)), {"4"}),
        (Filters(exclude_scan=("[!4]*",)), {"4"}),
    ],
)
def test_scans_by_their_id(demo: Any, filters: Filters, scans: set[str]) -> None:
    found = demo.comparison("lab:BRAINS/SUB-002", "qc:BRAINS/SUB-002", filters=filters)
    found.run()
    assert set(keys(found, Kind.SCAN)) == scans


def test_scans_by_their_type_and_resources_by_their_label(demo: Any) -> None:
    places = ("lab:BRAINS/SUB-002/SUB-002_MR1", "qc:BRAINS/SUB-002/SUB-002_MR1")
    every = demo.compare(*places)
    types = {pair.key: pair.source.fields["type"] for pair in items_of(every.root) if pair.kind is Kind.SCAN}
    only = demo.compare(*places, filters=Filters(scan_type=(types["3"],)))
    rest = demo.compare(*places, filters=Filters(exclude_scan_type=(types["3"],)))
    assert set(keys(only, Kind.SCAN)) == {key for key in types if types[key] == types["3"]}
    assert set(keys(only, Kind.SCAN)) | set(keys(rest, Kind.SCAN)) == set(types)
    assert set(keys(demo.compare(*places, filters=Filters(resource=("NIFTI",))), Kind.RESOURCE)) == {"NIFTI"}
    assert "NIFTI" not in keys(
        demo.compare(*places, filters=Filters(exclude_resource=("N*",))), Kind.RESOURCE
    )


def test_a_date_that_differs_does_not_make_its_session_look_missing(demo: Any) -> None:
    """SUB-011_MR1 is dated the 26th on the source and the 28th on the destination."""
    for filters in (Filters(until=date(2024, 3, 27)), Filters(since=date(2024, 3, 27))):
        found = demo.compare("lab:BRAINS/SUB-011", "qc:BRAINS/SUB-011", filters=filters)
        session = next(pair for pair in items_of(found.root) if pair.key == "SUB-011_MR1")
        assert session.status is Status.DIFFERS
        assert "date" in {one.name for one in session.fields}


def test_the_first_subjects_are_the_same_on_both_sides(demo: Any) -> None:
    found = demo.compare(filters=Filters(limit_subjects=4))
    everything = demo.compare()
    assert keys(found, Kind.SUBJECT) == keys(everything, Kind.SUBJECT)[:4]
    fine = {(reports.path_of(everything, pair), pair.status) for pair in items_of(everything.root)}
    assert {(reports.path_of(found, pair), pair.status) for pair in items_of(found.root)} <= fine


def test_the_limit_counts_subjects_that_have_a_session_that_passes(demo: Any) -> None:
    found = demo.compare(filters=Filters(modality=("PET",), limit_subjects=2))
    assert keys(found, Kind.SUBJECT) == ["SUB-002", "SUB-005"]


def test_a_subject_whose_sessions_cannot_be_read_is_not_filtered_away(pair_of: Any) -> None:
    from xnat_tui.demo.faults import ErrorPage

    sites = pair_of(source_site(), destination_site())
    sites.servers["qc"].faults.add("/experiments", ErrorPage(500))
    found = sites.compare(filters=Filters(session=("*_CT9",)))
    assert {pair.status for pair in items_of(found.root) if pair.key == "SUB-001"} == {Status.UNREADABLE}
