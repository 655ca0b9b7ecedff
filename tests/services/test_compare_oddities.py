"""Things of one name are shown one by one, with paths that tell them apart as far as XNAT's words do."""

from __future__ import annotations

from collections import Counter
from typing import Any

from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Status
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of


def below(comparison: Any, kind: Kind) -> list[Any]:
    return [pair for pair in items_of(comparison.root) if pair.kind is kind]


def test_two_resources_of_one_label_and_one_without_are_three(demo: Any) -> None:
    comparison = demo.compare("lab:LEGACY/-a--b_C-", "lab:LEGACY/-a--b_C-", depth="digests")
    resources = [pair for pair in below(comparison, Kind.RESOURCE) if pair.key in ("MISC", "")]
    assert Counter(pair.key for pair in resources) == {"MISC": 2, "": 1}
    paths = {reports.path_of(comparison, pair) for pair in resources}
    assert len(paths) == 3
    assert all(path.rpartition("/")[2].isdecimal() for path in paths)
    assert comparison.summary().differs == 0


def test_a_file_that_is_counted_and_not_listed_makes_its_resource_unreadable(demo: Any) -> None:
    comparison = demo.compare("lab:LEGACY", "lab:LEGACY", depth="digests")
    (pair,) = [pair for pair in items_of(comparison.root) if pair.status is Status.UNREADABLE]
    path = "subjects/-a--b_C-/experiments/-a--b_C-_MR/scans/2/resources/DICOM"
    assert reports.path_of(comparison, pair) == path
    assert pair.error.message == "The server counts 10 files in DICOM and lists 9."


def test_such_resources_pair_by_their_content_wherever_they_are_read_from(demo: Any) -> None:
    for location in ("LEGACY", "LEGACY/-a--b_C-"):
        comparison = demo.compare(f"lab:{location}", f"qc:{location}")
        misc = [pair for pair in below(comparison, Kind.RESOURCE) if pair.key == "MISC"]
        assert [pair.both for pair in misc] == [True, True]
        assert {pair.note for pair in misc} == {"one of 2 with this label"}
        assert {pair.status for pair in misc} == {Status.SAME}


def test_a_scan_id_given_twice_is_two_scans_with_their_own_resources(demo: Any) -> None:
    for location in ("LEGACY", "LEGACY/S.01", "LEGACY/S.01/S.01_2003.05"):
        comparison = demo.compare(f"lab:{location}", f"lab:{location}", depth="digests")
        scans = [
            pair
            for pair in below(comparison, Kind.SCAN)
            if pair.key == "2" and pair.parent.parent.key == "S.01_2003.05"
        ]
        assert len(scans) == 2
        assert {pair.note for pair in scans} == {"one of 2 with this scan ID"}
        ids = [child.source.id for scan in scans for child in scan.children]
        assert len(ids) == len(set(ids)) > 0
        assert {pair.status for pair in scans} == {Status.SAME}


def test_every_oddity_of_the_legacy_project_equals_itself(demo: Any) -> None:
    comparison = demo.compare("lab:LEGACY", "lab:LEGACY", depth="digests", fields="all")
    summary = comparison.summary()
    assert summary.differs == summary.only_source == summary.only_destination == 0
    assert summary.same > 40
