"""Data types in use at a source, and what a destination says of them."""

import pytest

from xnat_tui.demo.faults import Answer, ErrorPage
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.comparing.datatypes import Availability, datatypes
from xnat_tui.services.reading.reader import Reader


@pytest.fixture
def asked(servers):
    """The types of a place at the source, after `trouble` was ordered at the servers."""

    def ask(location, trouble=None, filters=None, source=None, target=None):
        pair = servers(source or source_site(), target or destination_site())
        reader = Reader(pair.connections["lab"])
        place = find_one(reader, Location.parse(location))
        if trouble:
            trouble(pair)
        return datatypes(reader, place, pair.connections["qc"], filters or Filters())

    return ask


def status(found):
    return {(row.kind, row.type): row.status for row in found.used}


def test_every_kind_of_type_is_counted_and_the_missing_one_is_named(asked):
    found = asked("lab:BRAINS")
    assert {(row.kind, row.type): row.count for row in found.used} == {
        ("session", "xnat:ctSessionData"): 1,
        ("session", "xnat:mrSessionData"): 11,
        ("session", "xnat:otherDicomSessionData"): 1,
        ("session", "xnat:petSessionData"): 2,
        ("session", "xnat:petmrSessionData"): 1,
        ("session", "xnat:usSessionData"): 1,
        ("scan", "xnat:ctScanData"): 4,
        ("scan", "xnat:mrScanData"): 54,
        ("scan", "xnat:otherDicomScanData"): 1,
        ("scan", "xnat:petScanData"): 5,
        ("scan", "xnat:scScanData"): 2,
        ("scan", "xnat:srScanData"): 2,
        ("scan", "xnat:usScanData"): 1,
        ("assessor", "fs:fsData"): 3,
        ("assessor", "icr:roiCollectionData"): 1,
        ("assessor", "xnat:qcManualAssessorData"): 4,
    }
    missing = [row.type for row in found.used if row.status is not Availability.PRESENT]
    assert missing == ["icr:roiCollectionData"]
    assert found.missing
    assert found.certain


def test_experiments_that_are_no_sessions_are_subject_assessors(asked):
    site = Site()
    subject = site.add_subject(site.add_project("P"), "S1")
    site.add_experiment(subject, "VARS", "xnat:subjectVariablesData")
    found = asked("lab:P", source=site)
    assert status(found) == {("subject assessor", "xnat:subjectVariablesData"): Availability.PRESENT}


def test_a_schema_without_an_element_is_not_set_up(asked):
    answer = '{"ResultSet":{"Result":[{"ELEMENT_NAME":"xnat:mrSessionData"}],"totalRecords":"1"}}'

    def trouble(pair):
        pair.target.faults.add("GET /data/search/elements", Answer(answer, media_type="application/json"))

    found = asked("lab:BRAINS/SUB-001", trouble)
    assert status(found)["session", "xnat:mrSessionData"] is Availability.PRESENT
    assert status(found)["assessor", "fs:fsData"] is Availability.NOT_SET_UP
    assert status(found)["scan", "xnat:mrScanData"] is Availability.PRESENT
    assert found.missing


def test_an_old_server_without_schemas_is_judged_by_its_elements(asked):
    def trouble(pair):
        pair.target.faults.add("GET /xapi/schemas", ErrorPage(404))

    found = asked("lab:BRAINS", trouble)
    assert status(found)["assessor", "icr:roiCollectionData"] is Availability.MISSING
    assert status(found)["session", "xnat:mrSessionData"] is Availability.PRESENT
    assert Availability.MISSING not in {found for (kind, _), found in status(found).items() if kind == "scan"}


def test_what_could_not_be_asked_is_unknown(asked):
    def trouble(pair):
        pair.target.faults.add("GET /(xapi/schemas|data/search)", ErrorPage(500))

    found = asked("lab:BRAINS/SUB-001", trouble)
    assert set(status(found).values()) == {Availability.UNKNOWN}
    assert not found.missing
    assert not found.certain


def test_what_the_source_does_not_show_is_said(asked):
    def trouble(pair):
        pair.source.faults.add(r"GET /data/experiments/[^/?]+\?format=json", ErrorPage(500))

    found = asked("lab:BRAINS/SUB-001/SUB-001_MR1", trouble)
    assert [path for path, _ in found.unread] == ["lab:BRAINS/SUB-001/SUB-001_MR1"]
    assert not found.certain


def test_filters_narrow_what_is_counted(asked):
    found = asked("lab:BRAINS", filters=Filters(session=("*_PT1",)))
    assert {row.type for row in found.used if row.kind == "session"} == {"xnat:petSessionData"}
