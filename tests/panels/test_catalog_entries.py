"""What the catalog panel shows of resources, and the prearchive panel of received sessions."""

import pytest

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.errors import XnatTuiError
from xnat_tui.model.prearchive import Selection
from xnat_tui.services.administration.catalog_entries import Digests, digests, resources
from xnat_tui.services.administration.prearchive.contents import figures, files, header
from xnat_tui.services.administration.prearchive.sessions import Prearchive


def names(found):
    return [place.item.key for place in found]


def test_a_session_brings_the_resources_of_all_that_stands_below_it(reader, look):
    found = resources(reader, [look("BRAINS/SUB-002/SUB-002_MR1")])
    assert {"DICOM", "NIFTI", "SNAPSHOTS"} <= set(names(found))
    assert len({place.item.uri for place in found}) == len(found)


def test_a_subject_brings_only_its_own_resources_in_one_request(xnat, reader, look):
    place = look("BRAINS/SUB-002")
    xnat.requests.clear()
    assert names(resources(reader, [place])) == ["questionnaires"]
    assert len(xnat.requests) == 1


def test_resources_of_one_label_or_none_are_listed_one_by_one(reader, look):
    found = names(resources(reader, [look("LEGACY/-a--b_C-/-a--b_C-_MR")]))
    assert found.count("MISC") == 2
    assert "" in found


def test_no_more_than_was_asked_for_are_listed(reader, look):
    assert len(resources(reader, [look("BRAINS/SUB-002/SUB-002_MR1")], most=3)) == 3


def test_a_place_given_twice_is_listed_once(reader, look):
    place = look("BRAINS/SUB-002")
    assert len(resources(reader, [place, place])) == 1


def test_digests_are_counted_against_the_entries(reader, look):
    found = resources(reader, [look("BRAINS/SUB-002/SUB-002_MR1/scans/1")])
    assert digests(reader, found[0]) == Digests(3, 3)


def test_a_listing_that_fails_is_never_an_empty_one(xnat, reader, look):
    place = look("BRAINS/SUB-002")
    reader.forget(place)
    xnat.faults.add("GET .*/resources", ErrorPage(500))
    with pytest.raises(XnatTuiError):
        resources(reader, [place])


@pytest.fixture
def received(reader):
    found = Prearchive(reader.connection, "lab").sessions(Selection())
    return next(one for one in found if one.name == "SUB-013_MR1")


def test_a_received_session_is_counted_in_one_request(xnat, reader, received):
    xnat.requests.clear()
    found = figures(reader.connection, received)
    assert (found.scans, found.files) == (3, 19)
    assert found.bytes == sum(one.bytes or 0 for one in files(reader.connection, received))
    assert xnat.requests.count("GET", f"/data{received.url}/resources") == 2


def test_the_files_of_a_received_session_are_told_apart_by_scan(reader, received):
    found = files(reader.connection, received)
    assert len({(one.scan, one.resource, one.name) for one in found}) == 19


def test_the_header_masks_the_patient_until_asked(reader, received):
    masked = {row.keyword: row.value for row in header(reader.connection, received)}
    shown = {row.keyword: row.value for row in header(reader.connection, received, show_patient=True)}
    assert "Incoming" not in "".join(masked.values())
    assert "Incoming" in shown["PatientName"]
