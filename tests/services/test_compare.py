"""Every difference of the sample studies is found with its verdict and path, and none is made up."""

from __future__ import annotations

from typing import Any

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.errors import Interrupted
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Depth, Status
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison

S = "subjects/SUB-{0}/experiments/SUB-{0}_{1}"

MISSING = {
    ("subjects/SUB-004", "subject", "only_source"),
    ("subjects/SUB-003", "subject", "only_destination"),
    ("subjects/SUB-008", "subject", "only_source"),
    ("subjects/sub-008", "subject", "only_destination"),
    (S.format("002", "PT1"), "experiment", "only_source"),
    (S.format("002", "MR1/scans/4"), "scan", "only_source"),
    (S.format("002", "MR1/scans/3/resources/NIFTI"), "resource", "only_source"),
    ("resources/protocol", "resource", "only_source"),
    (S.format("002", "MR1/assessors/SUB-002_MR1_QC"), "assessor", "only_source"),
    (S.format("012", "MR1/assessors/SUB-012_MR1_ROI"), "assessor", "only_source"),
    (S.format("005", "PETMR1/reconstructions/pet_in_mr"), "reconstruction", "only_source"),
    (S.format("007", "MR1/scans/7"), "scan", "only_destination"),
    (S.format("007", "MR1/resources/QA"), "resource", "only_destination"),
}
FIELDS = {
    "": {"fields/funding"},
    "subjects/SUB-011": {"handedness", "education", "fields/cohort", "fields/medication"},
    S.format("011", "MR1"): {"date", "note", "fields/rater"},
    S.format("011", "MR1/scans/2"): {"quality", "note"},
    S.format("011", "MR1/scans/6"): {"parameters/te"},
    S.format("002", "MR1/scans/3"): {"frames"},
    S.format("005", "PETMR1/scans/3"): {"xsiType"},
}
SIZES = {
    "resources/tables": {"file_count", "file_size"},
    S.format("002", "MR1/scans/3/resources/DICOM"): {"file_count", "file_size"},
    S.format("009", "MR1/resources/logs"): {"file_size"},
    S.format("009", "MR2/scans/6/resources/DICOM"): {"file_count", "file_size"},
    S.format("009", "MR2/scans/2/resources/DICOM"): {"file_count", "file_size"},
}
FILES = {
    ("resources/tables/files/derived/2024/volumes.csv", "file", "only_source"),
    (S.format("002", "MR1/scans/3/resources/DICOM/files/IM0007.dcm"), "file", "only_source"),
    (S.format("002", "MR1/scans/3/resources/DICOM/files/IM0008.dcm"), "file", "only_source"),
    (S.format("009", "MR2/scans/6/resources/DICOM/files/IM0007.dcm"), "file", "only_destination"),
}
CONTENT = {
    S.format("009", "MR1/scans/2/resources/DICOM/files/IM0003.dcm"): {"digest"},
    S.format("009", "MR1/resources/logs/files/notes.txt"): {"size", "digest"},
    "subjects/SUB-011/resources/questionnaires/files/moca.csv": {"digest"},
}
ONLY_WITH_ALL_FIELDS = {
    S.format("011", "PT1"): {"tracer/dose"},
    S.format("011", "PT1/assessors/SUB-011_PT1_QC"): {"pass"},
}


def missing(comparison: Comparison) -> set[tuple[str, str, str]]:
    rows = reports.document(comparison)["items"]
    return {(row["path"], row["kind"], row["status"]) for row in rows if row["status"] != "differs"}


def differing(comparison: Comparison) -> dict[str, set[str]]:
    rows = reports.document(comparison)["items"]
    return {row["path"]: {one["name"] for one in row["fields"]} for row in rows if row["status"] == "differs"}


def at(comparison: Comparison, path: str) -> Any:
    return next(pair for pair in items_of(comparison.root) if reports.path_of(comparison, pair) == path)


@pytest.mark.parametrize(
    ("depth", "gone", "differ"),
    [
        ("labels", MISSING, FIELDS),
        ("sizes", MISSING, FIELDS | SIZES),
        ("digests", MISSING | FILES, FIELDS | CONTENT),
    ],
)
def test_the_study_differs_in_exactly_what_was_made_different(
    demo: Any, depth: str, gone: set[tuple[str, str, str]], differ: dict[str, set[str]]
) -> None:
    comparison = demo.compare(depth=depth)
    assert missing(comparison) == gone
    assert differing(comparison) == differ
    summary = comparison.summary()
    assert summary.unreadable == summary.unread == 0
    assert comparison.root.unread_below == 0


def test_every_field_of_every_document_finds_what_listings_do_not_tell(demo: Any) -> None:
    comparison = demo.compare(fields="all")
    assert missing(comparison) == MISSING
    assert differing(comparison) == FIELDS | SIZES | ONLY_WITH_ALL_FIELDS


def test_what_has_no_digest_is_unverified_and_never_the_same(demo: Any) -> None:
    comparison = demo.compare(depth="digests")
    unverified = [pair for pair in items_of(comparison.root) if pair.unverified]
    parents = {reports.path_of(comparison, pair).partition("/files/")[0] for pair in unverified}
    assert parents == {S.format("009", "MR1/scans/3/resources/DICOM")}
    assert {pair.note for pair in unverified} == {"no digest on the destination"}
    assert comparison.summary().unverified == len(unverified) == 8
    assert comparison.summary(Kind.FILE).same + 8 + 3 + 4 == sum(
        pair.kind is Kind.FILE for pair in items_of(comparison.root)
    )


def test_verdicts_are_counted_by_kind_and_once(demo: Any) -> None:
    comparison = demo.compare()
    whole = comparison.summary()
    assert (whole.differs, whole.only_source, whole.only_destination) == (12, 9, 4)
    assert whole.same + 25 == sum(1 for _ in items_of(comparison.root))
    assert comparison.summary(Kind.SUBJECT).only_source == 2
    assert comparison.root.differing_below == 24


def test_numbers_equal_by_value_and_escaped_texts_are_no_difference(demo: Any) -> None:
    comparison = demo.compare(fields="all")
    assert "weight" not in {one.name for one in at(comparison, "subjects/SUB-011").fields}
    equal = [pair for pair in items_of(comparison.root) if "SUB-001" in reports.path_of(comparison, pair)]
    assert {pair.status for pair in equal} == {Status.SAME}
    assert len(equal) > 20


def test_a_comparison_is_the_same_seen_from_the_other_side(demo: Any) -> None:
    mirror = {"only_source": "only_destination", "only_destination": "only_source"}
    there = demo.compare("qc:BRAINS", "lab:BRAINS", depth="digests")
    assert {(path, kind, mirror[status]) for path, kind, status in missing(there)} == MISSING | FILES
    assert differing(there) == FIELDS | CONTENT


@pytest.mark.parametrize("version", ["1.7.6", "1.10.0"])
def test_old_and_new_servers_tell_the_same(pair_of: Any, version: str) -> None:
    sites = pair_of(source_site(version=version), destination_site(version=version))
    comparison = sites.compare(depth="digests")
    assert missing(comparison) == MISSING | FILES
    assert differing(comparison) == FIELDS | CONTENT


def test_a_project_equals_itself_under_every_eye(demo: Any) -> None:
    for user in ("demo", "member"):
        comparison = demo.compare("lab:BRAINS", "lab:BRAINS", user=user, depth="digests", fields="all")
        assert missing(comparison) == set()
        assert differing(comparison) == {}


def test_a_copy_under_another_project_id_is_the_same(pair_of: Any) -> None:
    size: dict[str, Any] = {"subjects": 3, "sessions_per_subject": 2, "scans_per_session": 2}
    sites = pair_of(synthetic_site(**size, project="ONE"), synthetic_site(**size, project="TWO"))
    comparison = sites.compare("lab:ONE", "qc:TWO", depth="digests", fields="all")
    summary = comparison.summary()
    assert summary.same == sum(1 for _ in items_of(comparison.root))
    assert summary.same == 1 + 3 + 6 + 12 + 12 + 12


def test_a_guest_sees_and_compares_what_is_public(pair_of: Any) -> None:
    sites = pair_of(source_site(), destination_site())
    sites.servers["lab"].site.settings.require_login = False
    comparison = sites.compare("lab:TEACHING", "lab:TEACHING", user=None)
    assert missing(comparison) == set()
    assert comparison.summary().same > 10
    assert reports.document(comparison)["seen_by"] == {"source": "guest", "destination": "guest"}


def test_two_servers_are_compared_project_by_project(demo: Any) -> None:
    comparison = demo.compare("lab:", "qc:")
    projects = {pair.key: pair.status for pair in comparison.root.children}
    assert projects == {
        "BRAINS": Status.DIFFERS,
        "LEGACY": projects["LEGACY"],
        "TEACHING": Status.ONLY_SOURCE,
        "PHANTOMS": Status.ONLY_SOURCE,
        "EMPTY": Status.ONLY_SOURCE,
        "ATLAS_2019": Status.ONLY_DESTINATION,
        "BRAINS_QC": Status.ONLY_DESTINATION,
    }
    paths = {path for path, _, _ in missing(comparison)}
    assert {f"projects/BRAINS/{path}" for path, _, _ in MISSING} <= paths


@pytest.mark.parametrize(
    ("one", "other", "gone", "differ"),
    [
        ("lab:BRAINS/SUB-001", "qc:BRAINS/SUB-001", set(), {}),
        (
            "lab:BRAINS/SUB-002/SUB-002_MR1/scans/3",
            "qc:BRAINS/SUB-002/SUB-002_MR1/scans/3",
            {("resources/NIFTI", "resource", "only_source")},
            {"": {"frames"}, "resources/DICOM": {"file_count", "file_size"}},
        ),
        (
            "lab:BRAINS/SUB-009/SUB-009_MR1",
            "qc:BRAINS/SUB-009/SUB-009_MR1",
            set(),
            {"resources/logs": {"file_size"}},
        ),
        (
            "lab:BRAINS/resources/tables",
            "qc:BRAINS/resources/tables",
            {("files/derived/2024/volumes.csv", "file", "only_source")},
            {"": {"file_count", "file_size"}},
        ),
        (
            "lab:BRAINS/SUB-011/resources/questionnaires/files/moca.csv",
            "qc:BRAINS/SUB-011/resources/questionnaires/files/moca.csv",
            set(),
            {},
        ),
    ],
)
def test_any_two_places_of_one_kind_compare(
    demo: Any, one: str, other: str, gone: set[Any], differ: dict[str, set[str]]
) -> None:
    comparison = demo.compare(one, other)
    assert missing(comparison) == gone
    assert differing(comparison) == differ
    assert comparison.summary().unread == comparison.root.unread_below == 0


def test_sessions_of_two_subjects_compare_without_their_parents_getting_in_the_way(demo: Any) -> None:
    comparison = demo.compare("lab:BRAINS/SUB-009/SUB-009_MR1", "lab:BRAINS/SUB-009/SUB-009_MR2")
    names = {one.name for one in comparison.root.fields}
    assert "subject_ID" not in names
    assert "date" in names


def test_going_on_after_an_interruption_asks_only_for_what_is_missing(demo: Any) -> None:
    whole = demo.compare(depth="digests")
    comparison = demo.comparison(depth="digests")
    looks = iter(range(100))

    def stop_in_the_middle() -> None:
        if next(looks) == 3:
            comparison.stop.set()

    with pytest.raises(Interrupted):
        comparison.run(stop_in_the_middle)
    assert comparison.progress.ended
    assert comparison.root.unread_below > 0
    assert Status.UNREAD in {pair.status for pair in items_of(comparison.root)} or comparison.root.children
    comparison.run()
    assert missing(comparison) == missing(whole)
    assert differing(comparison) == differing(whole)
    assert comparison.summary() == whole.summary()
    assert comparison.requests == whole.requests


def test_a_comparison_that_was_deepened_equals_one_of_that_depth(demo: Any) -> None:
    comparison = demo.compare(depth="labels")
    for depth in (Depth.SIZES, Depth.DIGESTS):
        comparison.deepen(depth)
        comparison.run()
        fresh = demo.compare(depth=depth)
        assert missing(comparison) == missing(fresh)
        assert differing(comparison) == differing(fresh)
        assert comparison.summary() == fresh.summary()


def test_going_back_in_depth_tells_what_that_depth_tells_and_asks_for_nothing(demo: Any) -> None:
    comparison = demo.compare(depth="digests")
    before, deep = comparison.requests, comparison.summary()
    comparison.deepen(Depth.SIZES)
    comparison.run()
    assert differing(comparison).keys() == FIELDS.keys() | SIZES.keys()
    assert comparison.summary() == demo.compare(depth="sizes").summary()
    comparison.deepen(Depth.DIGESTS)
    comparison.run()
    assert comparison.summary() == deep
    assert comparison.requests == before


def test_forgetting_a_subject_reads_it_again_and_finds_what_has_changed(pair_of: Any) -> None:
    sites = pair_of(source_site(), destination_site())
    comparison = sites.compare()
    site: Site = sites.servers["qc"].site
    session = next(one for one in site.experiments.values() if one.label == "SUB-001_MR1")
    session.fields["note"] = "changed meanwhile"
    del session.scans["1"]
    pair = at(comparison, "subjects/SUB-001")
    comparison.forget(pair)
    comparison.run()
    changed = {(path, status) for path, _, status in missing(comparison) - MISSING}
    assert changed == {(S.format("001", "MR1/scans/1"), "only_source")}
    assert differing(comparison)[S.format("001", "MR1")] == {"note"}


@pytest.mark.parametrize("outcome", ["missing", "refused"])
def test_a_scan_of_another_type_differs_where_bulk_answers_tell_no_types(pair_of: Any, outcome: str) -> None:
    sites = pair_of(source_site(), destination_site())
    for server in sites.servers.values():
        server.site.settings.scan_type_column = outcome
    assert differing(sites.compare())[S.format("005", "PETMR1/scans/3")] == {"xsiType"}


def test_shared_in_items_are_compared_as_what_they_are(demo: Any) -> None:
    comparison = demo.compare("lab:TEACHING", "lab:TEACHING", depth="digests")
    shared = {
        pair.key: pair.source.shared_from
        for pair in items_of(comparison.root)
        if pair.source.shared_from is not None
    }
    items = ("T-01", "T-01_MR", "SUB-002", "SUB-002_MR1")
    assessors = ("T-01_MR_FS", "SUB-001_MR1_QC", "SUB-002_MR1_FS", "SUB-002_MR1_QC")
    assert shared == dict.fromkeys((*items, *assessors), "BRAINS")
    assert comparison.summary().same == sum(1 for _ in items_of(comparison.root))
    assert at(comparison, "subjects/T-01/experiments/T-01_MR/scans/1").both


def test_a_shared_session_equals_its_original(demo: Any) -> None:
    comparison = demo.compare(
        "lab:BRAINS/SUB-001/SUB-001_MR1", "lab:TEACHING/T-01/T-01_MR", depth="digests", fields="all"
    )
    other_label = {
        ("assessors/SUB-001_MR1_FS", "assessor", "only_source"),
        ("assessors/T-01_MR_FS", "assessor", "only_destination"),
    }
    assert (missing(comparison), differing(comparison)) == (other_label, {})


def test_fields_that_the_configuration_calls_neutral_do_not_count(demo: Any) -> None:
    neutral = ("fields/*", "xnat:mrSessionData/note", "quality")
    found = differing(demo.compare(neutral=neutral))
    assert found[S.format("011", "MR1")] == {"date"}
    assert found[S.format("011", "MR1/scans/2")] == {"note"}
    assert "" not in found
    assert found["subjects/SUB-011"] == {"handedness", "education"}


def test_a_neutral_field_can_be_made_to_count(demo: Any) -> None:
    assert "subjects/SUB-001" not in differing(demo.compare())
    assert differing(demo.compare(neutral=("!insert_date",)))["subjects/SUB-001"] == {"insert_date"}


@pytest.mark.parametrize("connections", [8, 2])
def test_a_comparison_never_has_more_requests_under_way_than_the_setting(
    pair_of: Any, connections: int
) -> None:
    pair = pair_of(synthetic_site(60, 2, 2), synthetic_site(60, 2, 2))
    sides = []
    for name, server in pair.servers.items():
        server.faults.latency = 0.02  # so that they meet there
        sides.append(pair.side(f"{name}:BIG", pair.reader(name, connections=connections)))
        server.requests.clear()
    comparison = Comparison(*sides, depth=Depth.DIGESTS)
    comparison.run()
    assert comparison.summary().same == 60 + 120 + 240 * 2 + 240 + 1
    for server in pair.servers.values():
        assert 2 <= server.requests.most_at_once <= connections
