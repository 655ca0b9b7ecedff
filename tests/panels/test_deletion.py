"""What goes is what was meant, counted before, and gone afterwards; what is only shared is never deleted."""

import pytest

from xnat_tui.demo.faults import DO_NOTHING, Answer, ErrorPage, WriteThenDrop, WriteThenError
from xnat_tui.demo.study.brains import session, subject
from xnat_tui.errors import BadAnswer, Conflict, Forbidden, Interrupted, Unclear, UsageError
from xnat_tui.jobs.history import History
from xnat_tui.services.administration.deleting.deletion import Deletion
from xnat_tui.services.administration.patience import UNCLEAR_WAITS, Patience


@pytest.fixture
def waited():
    return []


@pytest.fixture
def service(reader, waited):
    return Deletion(reader, Patience(lambda seconds: bool(waited.append(seconds)), lambda _: None))


def deletes(xnat):
    return [
        (one.path, one.query)
        for one in xnat.requests
        if one.method == "DELETE" and "JSESSION" not in one.path
    ]


def labels(xnat, project="BRAINS"):
    return {one.label for one in xnat.site.projects[project].subjects.values()}


def test_a_subject_is_counted_with_all_that_hangs_on_it_and_deleted_with_its_files(xnat, look, service):
    person = subject(xnat.site, "SUB-009")
    sessions = list(person.experiments.values())
    plan = service.plan([look("BRAINS/SUB-009")])
    (change,) = plan.changes
    assert (change.verb, change.refusal, change.destroys, change.project) == ("delete", "", True, "BRAINS")
    assert change.before["sessions"] == str(len(sessions))
    assert change.before["scans"] == str(sum(len(one.scans) for one in sessions))
    assert change.before["file_count"].isdecimal()
    assert deletes(xnat) == []
    others = labels(xnat) - {"SUB-009"}
    assert service.do(change) == ""
    assert labels(xnat) == others
    assert deletes(xnat) == [(f"/data/projects/BRAINS/subjects/{person.id}", "removeFiles=true")]
    assert xnat.site.orphaned == []
    with History() as history:
        assert [(one.verb, one.location, one.item) for one in history.entries()] == [
            ("delete", "lab:BRAINS/SUB-009", person.id)
        ]


@pytest.mark.parametrize(
    "path",
    [
        "SUB-001_MR1/scans/2",
        "SUB-001_MR1/assessors/SUB-001_MR1_FS",
        "SUB-001_MR1",
    ],
)
def test_every_kind_goes_and_nothing_beside_it(xnat, reader, look, service, path):
    place = look(f"BRAINS/SUB-001/{path}")
    before = {one.uri for one in reader.below(place.parent, place.kind).items}
    (change,) = service.plan([place]).changes
    service.do(change)
    reader.forget(place.parent)
    assert {one.uri for one in reader.below(place.parent, place.kind).items} == before - {place.item.uri}


def test_a_reconstruction_goes(xnat, reader, look, service):
    one = next(
        one for one in xnat.site.experiments.values() if one.reconstructions and one.project == "BRAINS"
    )
    name = next(iter(one.reconstructions))
    (change,) = service.plan([look(f"BRAINS/{one.subject.label}/{one.label}/reconstructions/{name}")]).changes
    service.do(change)
    assert name not in one.reconstructions


def test_shares_elsewhere_and_open_workflows_are_told(xnat, look, service):
    (change,) = service.plan([look("BRAINS/SUB-002")]).changes
    assert change.before["shared into"] == "TEACHING"
    assert "AutoRun is Queued on SUB-002_MR1" in change.note


def test_what_is_shared_in_is_unshared_and_its_original_stays(xnat, look, service, carry_out):
    plan = service.plan([look("TEACHING/SUB-002")])
    assert {(one.verb, one.destroys) for one in plan.changes} == {("unshare", False)}
    assert [one.error for one in carry_out(plan.changes, service.do)] == [None] * len(plan.changes)
    assert "TEACHING" not in subject(xnat.site, "SUB-002").shares
    assert all(path.endswith("/projects/TEACHING") for path, _ in deletes(xnat))
    assert session(xnat.site, "SUB-002_MR1").scans


@pytest.mark.parametrize("path", ["scans/1", "reconstructions/x"])
def test_what_stands_in_a_shared_session_is_its_owners_to_delete(xnat, look, service, path):
    if path.startswith("recon"):
        xnat.site.add_reconstruction(session(xnat.site, "SUB-002_MR1"), "x")
    (change,) = service.plan([look(f"TEACHING/SUB-002/SUB-002_MR1/{path}")]).changes
    assert change.refusal == "BRAINS owns its session: delete it there."


def test_an_owner_that_two_answers_contradict_is_no_owner(xnat, look, service):
    place = look("TEACHING/SUB-002")
    table = '{"ResultSet":{"Result":[{"label":"SUB-002","ID":"TEACHING","Secondary_ID":"","Name":""}]}}'
    xnat.faults.add("^GET .*/projects", Answer(table, media_type="application/json"))
    (change,) = service.plan([place]).changes
    assert "says that TEACHING owns it, its document BRAINS." in change.refusal


def test_an_owner_that_cannot_be_read_is_no_owner(xnat, look, service):
    place = look("BRAINS/SUB-009")
    xnat.faults.add("^GET .*/projects", ErrorPage(500))
    (change,) = service.plan([place]).changes
    assert change.refusal.startswith("which project owns it could not be read")


def test_a_session_that_another_project_has_of_a_subject_keeps_it(xnat, look, service):
    person = subject(xnat.site, "SUB-002")
    xnat.site.add_experiment(person, "THEIRS_MR", project="TEACHING")
    (change,) = service.plan([look("BRAINS/SUB-002")]).changes
    assert "lab:TEACHING/SUB-002/THEIRS_MR, which TEACHING owns" in change.refusal


def test_a_list_that_cannot_be_read_is_not_counted_as_nothing(xnat, look, service):
    place = look("BRAINS/SUB-009")
    xnat.faults.add("^GET .*/experiments", ErrorPage(500))
    (change,) = service.plan([place]).changes
    assert change.refusal.startswith("what hangs on it could not be read: sessions of lab:BRAINS/SUB-009")


def test_what_was_given_away_since_is_not_touched(xnat, look, service, carry_out):
    (change,) = service.plan([look("BRAINS/SUB-009")]).changes
    xnat.site.move(subject(xnat.site, "SUB-009"), "EMPTY")
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, Conflict)
    assert deletes(xnat) == []


@pytest.mark.parametrize("fault", [WriteThenDrop(), WriteThenError(504)])
def test_an_unclear_answer_is_settled_by_looking(xnat, look, service, fault, waited):
    (change,) = service.plan([look("BRAINS/SUB-009")]).changes
    xnat.faults.add("DELETE .*/subjects/", fault, times=1)
    assert service.do(change).endswith("read back, and it is so.")
    assert "SUB-009" not in labels(xnat)
    assert waited == []


def test_an_answer_that_stays_unclear_is_looked_for_and_never_repeated(
    xnat, look, service, carry_out, waited
):
    (change,) = service.plan([look("BRAINS/SUB-009")]).changes
    xnat.faults.add("DELETE .*/subjects/", ErrorPage(504))
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, Unclear)
    assert tuple(waited) == UNCLEAR_WAITS
    assert len(deletes(xnat)) == 1


def test_a_stop_ends_the_looking(xnat, reader, look, carry_out):
    service = Deletion(reader, Patience(lambda _: True, lambda _: None))
    (change,) = service.plan([look("BRAINS/SUB-009")]).changes
    xnat.faults.add("DELETE .*/subjects/", ErrorPage(504))
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, Interrupted)


def test_a_yes_that_did_nothing_is_no_success(xnat, look, service, carry_out):
    (change,) = service.plan([look("BRAINS/SUB-009")]).changes
    xnat.faults.add("DELETE .*/subjects/", DO_NOTHING)
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, BadAnswer)
    assert "SUB-009" in labels(xnat)


def test_members_may_not_and_are_told(xnat, sign_in, look, carry_out):
    service = Deletion(sign_in("member"), Patience(lambda _: False, lambda _: None))
    (change,) = service.plan([look("BRAINS/SUB-009")]).changes
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, Forbidden)
    assert "SUB-009" in labels(xnat)


def test_a_server_that_refuses_while_it_works_on_it_says_so(xnat, look, service, carry_out):
    xnat.site.settings.open_workflows_block_delete = True
    (change,) = service.plan([look("BRAINS/SUB-002/SUB-002_MR1")]).changes
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, Conflict)
    assert session(xnat.site, "SUB-002_MR1")


def test_what_stands_in_another_that_goes_is_left_out(look, service):
    plan = service.plan([look("BRAINS/SUB-009/SUB-009_MR1"), look("BRAINS/SUB-009")])
    assert [one.location for one in plan.changes] == ["lab:BRAINS/SUB-009"]
    assert plan.notes == ["lab:BRAINS/SUB-009/SUB-009_MR1 goes with what it stands in"]


def test_projects_and_servers_are_not_deleted(look, service):
    for path in ("BRAINS", ""):
        with pytest.raises(UsageError, match="not deleted from here"):
            service.plan([look(path)])


@pytest.mark.parametrize("scan", ["ALL", "1,2"])
def test_an_id_that_means_several_scans_is_refused(xnat, look, service, scan):
    xnat.site.add_scan(session(xnat.site, "SUB-009_MR1"), scan)
    place = look("BRAINS/SUB-009/SUB-009_MR1")
    item = next(one for one in service.reader.below(place, "scan").items if one.id == scan)
    (change,) = service.plan([place.child(item)]).changes
    assert "as a choice of several" in change.refusal


def test_resources_and_files_go_by_the_same_plan(look, service):
    (change,) = service.plan([look("BRAINS/SUB-009/SUB-009_MR1/scans/1/resources/DICOM")]).changes
    assert (change.verb, change.destroys) == ("delete", True)
    service.do(change)
