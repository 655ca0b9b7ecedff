import pytest

from xnat_tui.demo.faults import Answer, ErrorPage
from xnat_tui.demo.study.brains import session
from xnat_tui.errors import Forbidden, NotFound, Refused, ServerError, Unclear, UsageError
from xnat_tui.services.administration.maintenance import FIX, PULL, Maintenance

REFRESH = "^POST /data/services/refresh/catalog"


@pytest.fixture
def service(reader):
    return Maintenance(reader)


def refreshed(xnat):
    return [one.query for one in xnat.requests if one.path == "/data/services/refresh/catalog"]


def test_a_session_is_refreshed_without_dropping_anything(xnat, look, service, carry_out):
    scan = session(xnat.site, "-a--b_C-_MR", "LEGACY").scans["2"]
    assert "IM0004.dcm" not in scan.resources[0].files
    (change,) = service.plan_refresh([look("LEGACY/-a--b_C-/-a--b_C-_MR")])
    assert not change.destroys
    (result,) = carry_out([change], service.do)
    assert result.error is None
    assert "files, " in result.note
    assert {"IM0002.dcm", "IM0004.dcm"} <= scan.resources[0].files.keys()
    (query,) = refreshed(xnat)
    assert query.endswith("options=append,checksum,populateStats")


def test_dropping_entries_is_marked_as_destroying(xnat, look, service, carry_out):
    (change,) = service.plan_refresh([look("LEGACY/-a--b_C-/-a--b_C-_MR")], ["delete"])
    assert (change.destroys, change.project) == (True, "LEGACY")
    carry_out([change], service.do)
    scan = session(xnat.site, "-a--b_C-_MR", "LEGACY").scans["2"]
    assert "IM0002.dcm" not in scan.resources[0].files


@pytest.mark.parametrize("options", [[], ["everything"]])
def test_options_are_never_empty(look, service, options):
    with pytest.raises(UsageError):
        service.plan_refresh([look("BRAINS/SUB-001")], options)


def test_a_project_is_its_own_resources_its_subjects_and_its_sessions(xnat, look, service, carry_out):
    changes = service.plan_refresh([look("BRAINS")])
    places = [change.location.removeprefix("lab:BRAINS") for change in changes]
    assert places[:4] == ["", "/SUB-001", "/SUB-001/SUB-001_MR1", "/SUB-001/SUB-001_MR2"]
    assert "/SUB-004" not in places
    assert len([one for one in places if one.count("/") == 2]) == 17
    results = carry_out(changes, service.do)
    assert {result.error for result in results} == {None}
    assert len(refreshed(xnat)) == len(changes)
    assert refreshed(xnat)[1].startswith("resource=/archive/projects/BRAINS/subjects/")


def test_what_is_shared_in_is_left_to_its_owner(look, service):
    changes = service.plan_refresh([look("TEACHING")])
    assert [change.location for change in changes] == ["lab:TEACHING/T-99/T-99_CT"]
    assert [text.partition(" is left out: it is only shared in from")[0] for text in service.skipped] == [
        "lab:TEACHING/T-01",
        "lab:TEACHING/T-01/T-01_MR",
        "lab:TEACHING/SUB-002",
        "lab:TEACHING/SUB-002/SUB-002_MR1",
    ]
    (named,) = service.plan_refresh([look("TEACHING/T-01/T-01_MR")])
    assert named.refusal.startswith("it is only shared in from")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("BRAINS/resources/tables", "/archive/projects/BRAINS/resources/"),
        (
            "BRAINS/SUB-001/resources/questionnaires",
            "/archive/projects/BRAINS/subjects/CENTRAL_S00001/resources/",
        ),
        (
            "BRAINS/SUB-001/SUB-001_MR1/scans/1/resources/DICOM",
            "/archive/experiments/CENTRAL_E00001/scans/1/resources/",
        ),
        ("BRAINS/SUB-001/SUB-001_MR1/scans/1", "/archive/experiments/CENTRAL_E00001/scans/1&"),
    ],
)
def test_anything_can_be_refreshed_by_itself(xnat, look, service, carry_out, path, address):
    (result,) = carry_out(service.plan_refresh([look(path)]), service.do)
    assert result.error is None
    assert "files, " in result.note
    assert refreshed(xnat)[0].startswith(f"resource={address}")


def test_a_failure_in_the_middle_leaves_the_others_done(xnat, look, service, carry_out):
    changes = service.plan_refresh([look("BRAINS/SUB-001"), look("BRAINS/SUB-009")])
    xnat.faults.add(REFRESH, ErrorPage(500), times=1, after=1)
    xnat.faults.add(REFRESH, ErrorPage(504), times=1)
    results = carry_out(changes, service.do)
    kinds = [type(result.error) for result in results]
    assert kinds.count(ServerError) == 1
    assert kinds.count(Unclear) == 1
    assert kinds.count(type(None)) == len(changes) - 2


def test_without_the_right_the_server_says_so(sign_in, look, carry_out):
    service = Maintenance(sign_in("reader"))
    (result,) = carry_out(service.plan_refresh([look("BRAINS/SUB-009/SUB-009_MR1")]), service.do)
    assert isinstance(result.error, Forbidden)


def test_headers_are_pulled_and_changes_counted(xnat, look, service, carry_out):
    one = session(xnat.site, "SUB-008_MR1")
    one.scans["1"].fields["series_description"] = "wrong"
    changes = service.plan_step([look("BRAINS/SUB-008")], PULL)
    (result,) = carry_out(changes, service.do)
    assert result.error is None
    assert result.note.endswith("fields changed")
    assert not result.note.startswith("0 ")
    assert one.scans["1"].fields["series_description"] != "wrong"


def test_scan_types_are_fixed(xnat, look, service, carry_out):
    one = session(xnat.site, "SUB-008_MR1")
    one.scans["1"].fields["type"] = "wrong"
    (result,) = carry_out(service.plan_step([look("BRAINS/SUB-008/SUB-008_MR1")], FIX), service.do)
    assert (result.error, result.note) == (None, "1 fields changed")
    assert one.scans["1"].fields["type"] != "wrong"


def test_steps_need_a_session(look, service):
    with pytest.raises(NotFound):
        service.plan_step([look("EMPTY")], PULL)


def test_a_422_is_told_in_the_servers_words(xnat, look, service, carry_out):
    xnat.faults.add("^POST .*/pipelines/", Answer("<html><h3>No headers</h3></html>", 422))
    (result,) = carry_out(service.plan_step([look("BRAINS/SUB-008")], PULL), service.do)
    assert isinstance(result.error, Refused)
    assert "No headers" in result.error.message


def test_no_answer_in_time_is_told_as_work_that_may_go_on(xnat, look, service, carry_out):
    xnat.faults.add("^POST /data/services/refresh", ErrorPage(504))
    (result,) = carry_out(service.plan_refresh([look("BRAINS/SUB-008/SUB-008_MR1")]), service.do)
    assert isinstance(result.error, Unclear)
    assert result.error.message == "No answer came in time: the server may still be at it."


def test_caches_are_cleared_by_administrators(sign_in, look, service, carry_out):
    with pytest.raises(Forbidden, match="Only a site administrator may"):
        service.plan_clear_caches(look(""))
    administrator = Maintenance(sign_in("admin"))
    assert [one.error for one in carry_out(administrator.plan_clear_caches(look("")), administrator.do)] == [
        None
    ]
    with pytest.raises(UsageError):
        service.plan_clear_caches(look("BRAINS"))


def test_the_count_that_is_told_is_the_new_one(xnat, look, service, carry_out):
    resource = session(xnat.site, "-a--b_C-_MR", "LEGACY").scans["2"].resources[0]
    place = look("LEGACY/-a--b_C-/-a--b_C-_MR/scans/2/resources/DICOM")
    before = resource.file_count
    (result,) = carry_out(service.plan_refresh([place]), service.do)
    assert resource.file_count != before
    assert result.note.startswith(f"{resource.file_count} files, ")
