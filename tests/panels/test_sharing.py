import pytest

from xnat_tui.demo.faults import DO_NOTHING, ErrorPage, WriteThenDrop, WriteThenError
from xnat_tui.demo.study.brains import session, subject
from xnat_tui.errors import BadAnswer, Conflict, Forbidden, NotFound, UsageError
from xnat_tui.services import tables
from xnat_tui.services.administration.sharing.shares import TABLE_OPTIONAL, TABLE_REQUIRED, Sharing, Wish


@pytest.fixture
def service(reader):
    return Sharing(reader)


def told(changes):
    return [(one.verb, one.location.removeprefix("lab:BRAINS/"), one.refusal) for one in changes]


def writes(xnat):
    return [
        (one.method, one.path) for one in xnat.requests if one.method != "GET" and "/projects/" in one.path
    ]


def test_an_item_shows_its_owner_and_its_shares(look, service):
    found = service.projects_of(look("TEACHING/T-01"))
    assert (found.owner.project, found.owner.label) == ("BRAINS", "SUB-001")
    assert [(one.project, one.label) for one in found.shares] == [("TEACHING", "T-01")]


@pytest.mark.parametrize("path", ["BRAINS", "BRAINS/SUB-001/SUB-001_MR1/scans/1", ""])
def test_only_subjects_sessions_and_assessors_are_shared(look, service, path):
    with pytest.raises(NotFound, match="cannot be shared"):
        service.plan_share([Wish(look(path), "EMPTY")])


def test_subject_then_session_then_assessor(xnat, look, service, carry_out):
    place = look("BRAINS/SUB-009/SUB-009_MR1/assessors/SUB-009_MR1_QC")
    changes = service.plan_share([Wish(place, "EMPTY", "QC9")])
    assert told(changes) == [
        ("share", "SUB-009", ""),
        ("share", "SUB-009/SUB-009_MR1", ""),
        ("share", "SUB-009/SUB-009_MR1/assessors/SUB-009_MR1_QC", ""),
    ]
    assert [one.note for one in changes] == ["comes first", "comes first", ""]
    assert [result.error for result in carry_out(changes, service.do)] == [None] * 3
    assert "EMPTY" in subject(xnat.site, "SUB-009").shares
    assert "EMPTY" in session(xnat.site, "SUB-009_MR1").shares
    assert xnat.site.experiment("QC9", "EMPTY").label == "SUB-009_MR1_QC"


def test_what_is_shared_already_is_no_change(look, service):
    assert service.plan_share([Wish(look("BRAINS/SUB-001/SUB-001_MR1"), "TEACHING")]) == []


def test_a_session_relabelled_with_409_is_read_back(xnat, look, service, carry_out):
    changes = service.plan_share([Wish(look("BRAINS/SUB-001/SUB-001_MR1"), "TEACHING", "T-02_MR")])
    assert told(changes) == [("relabel", "SUB-001/SUB-001_MR1", "")]
    assert (changes[0].before["label"], changes[0].after["label"]) == ("T-01_MR", "T-02_MR")
    (result,) = carry_out(changes, service.do)
    assert result.error is None
    assert result.note == "The server answered 409; read back, and it is so."
    assert session(xnat.site, "SUB-001_MR1").shares["TEACHING"] == "T-02_MR"


@pytest.mark.parametrize(
    ("project", "label", "refusal"),
    [
        ("TEACHING", "T-99", "TEACHING has another T-99 already."),
        ("BRAINS", "", "BRAINS owns it."),
        ("NOWHERE", "", "demo sees no project NOWHERE."),
        ("EMPTY", "a b", "'a b' is no label that XNAT accepts: letters, digits, _ and - only."),
    ],
)
def test_what_the_server_would_refuse_is_said_before_sending(xnat, look, service, project, label, refusal):
    (change,) = service.plan_share([Wish(look("BRAINS/SUB-009"), project, label)])
    assert change.refusal == refusal
    assert writes(xnat) == []


def test_two_rows_for_one_label_are_not_both_sent(look, service):
    wishes = [Wish(look(f"BRAINS/SUB-00{number}"), "EMPTY", "X") for number in (8, 9)]
    assert [one.refusal for one in service.plan_share(wishes)] == ["", "EMPTY has another X already."]


def test_a_refused_session_does_not_bring_its_subject_along(look, service):
    changes = service.plan_share([Wish(look("BRAINS/SUB-009/SUB-009_MR1"), "TEACHING", "T-99_CT")])
    assert told(changes) == [("share", "SUB-009/SUB-009_MR1", "TEACHING has another T-99_CT already.")]


def test_a_session_waits_for_its_subject(xnat, look, service, carry_out):
    changes = service.plan_share([Wish(look("BRAINS/SUB-009/SUB-009_MR1"), "EMPTY")])
    xnat.faults.add("^PUT .*/projects/EMPTY", ErrorPage(403), times=1)
    results = carry_out(changes, service.do)
    assert [type(result.error) for result in results] == [Forbidden, Conflict]
    assert "EMPTY" not in session(xnat.site, "SUB-009_MR1").shares


def test_a_yes_that_did_nothing_is_a_failure_and_a_lost_yes_is_none(xnat, look, service, carry_out):
    xnat.faults.add("^PUT .*/projects/EMPTY", DO_NOTHING, times=1)
    xnat.faults.add("^PUT .*/projects/EMPTY", WriteThenDrop(), times=1)
    wishes = [Wish(look("BRAINS/SUB-008"), "EMPTY"), Wish(look("BRAINS/SUB-009"), "EMPTY")]
    results = carry_out(service.plan_share(wishes), service.do)
    assert [type(result.error) for result in results] == [BadAnswer, type(None)]


def test_sharing_switched_off_is_told(xnat, look, service, carry_out):
    xnat.site.settings.sharing_enabled = False
    (result,) = carry_out(service.plan_share([Wish(look("BRAINS/SUB-008"), "EMPTY")]), service.do)
    assert isinstance(result.error, Forbidden)


def test_unsharing_goes_from_below_and_deletes_nothing(xnat, look, service, carry_out):
    changes = service.plan_unshare([look("BRAINS/SUB-001")], "TEACHING")
    assert told(changes) == [
        ("unshare", "SUB-001/SUB-001_MR1/assessors/SUB-001_MR1_FS", ""),
        ("unshare", "SUB-001/SUB-001_MR1", ""),
        ("unshare", "SUB-001", ""),
    ]
    assert [result.error for result in carry_out(changes, service.do)] == [None] * 3
    assert subject(xnat.site, "SUB-001").shares == {}
    assert session(xnat.site, "SUB-001_MR1").project == "BRAINS"
    deletes = [path for method, path in writes(xnat) if method == "DELETE"]
    assert len(deletes) == 3
    assert all(path.endswith("/projects/TEACHING") for path in deletes)


def test_unsharing_through_the_sharing_project(xnat, look, service, carry_out):
    changes = service.plan_unshare([look("TEACHING/SUB-002/SUB-002_MR1")], "TEACHING")
    assert [result.error for result in carry_out(changes, service.do)] == [None]
    assert session(xnat.site, "SUB-002_MR1").shares == {}


def test_the_owner_never_unshares_and_what_is_not_shared_is_refused(xnat, look, service):
    (owner,) = service.plan_unshare([look("BRAINS/SUB-009")], "BRAINS")
    (stranger,) = service.plan_unshare([look("BRAINS/SUB-009")], "EMPTY")
    assert owner.refusal == "BRAINS owns it: that would not unshare but delete."
    assert stranger.refusal == "it is not shared into EMPTY."
    assert writes(xnat) == []


def test_an_item_given_away_since_the_plan_is_not_unshared(xnat, look, service, carry_out):
    changes = service.plan_unshare([look("BRAINS/SUB-002/SUB-002_MR1")], "TEACHING")
    xnat.site.move(session(xnat.site, "SUB-002_MR1"), "TEACHING")
    (result,) = carry_out(changes, service.do)
    assert isinstance(result.error, Conflict)
    assert all(method != "DELETE" for method, _ in writes(xnat))


def test_giving_away_moves_a_subject_with_its_sessions_and_assessors(xnat, look, service, carry_out):
    changes = service.plan_transfer(look("BRAINS/SUB-009"), "EMPTY")
    assert [(one.verb, one.destroys, one.project) for one in changes] == [("give away", True, "BRAINS")] * 3
    assert [result.error for result in carry_out(changes, service.do)] == [None] * 3
    assert xnat.site.subject("SUB-009", "EMPTY") is not None
    assert xnat.site.experiment("SUB-009_MR1", "EMPTY").project == "EMPTY"
    assert xnat.site.experiment("SUB-009_MR1_QC", "EMPTY").project == "EMPTY"
    assert xnat.site.subject("SUB-009", "BRAINS") is None


def test_giving_away_needs_a_free_label_and_another_project(look, service, xnat):
    xnat.site.add_subject(xnat.site.projects["EMPTY"], "SUB-008")
    assert (
        service.plan_transfer(look("BRAINS/SUB-008"), "EMPTY")[0].refusal
        == "EMPTY has another SUB-008 already."
    )
    assert service.plan_transfer(look("BRAINS/SUB-008"), "BRAINS")[0].refusal == "BRAINS owns it already."
    with pytest.raises(NotFound, match="goes with its session"):
        service.plan_transfer(look("BRAINS/SUB-009/SUB-009_MR1/assessors/SUB-009_MR1_QC"), "EMPTY")


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_label_taken_since_the_plan_is_told_as_the_server_made_of_it(
    xnat, look, service, carry_out, goes_on
):
    xnat.site.settings.owner_clash_goes_on = goes_on
    changes = service.plan_transfer(look("BRAINS/SUB-008"), "EMPTY")
    xnat.site.add_subject(xnat.site.projects["EMPTY"], "SUB-008")
    results = carry_out(changes, service.do)
    assert [result.error is None for result in results] == [goes_on] * len(changes)
    if goes_on:
        assert "409" in results[0].note
    else:
        assert isinstance(results[0].error, Conflict)
    for project, moved in (("EMPTY", goes_on), ("BRAINS", not goes_on)):
        assert (xnat.site.experiment("SUB-008_MR1", project) is not None) == moved


def test_sessions_stay_where_their_subject_could_not_go(xnat, look, service, carry_out):
    changes = service.plan_transfer(look("BRAINS/SUB-009"), "EMPTY")
    xnat.faults.add("^PUT .*/subjects/.*primary=true", ErrorPage(422), times=1)
    results = carry_out(changes, service.do)
    assert [result.error is None for result in results] == [False, False, False]
    assert session(xnat.site, "SUB-009_MR1").project == "BRAINS"


def test_a_session_given_away_alone_has_its_subject_shared_first(xnat, look, service, carry_out):
    changes = service.plan_transfer(look("BRAINS/SUB-009/SUB-009_MR1"), "EMPTY")
    assert told(changes) == [("share", "SUB-009", ""), ("give away", "SUB-009/SUB-009_MR1", "")]
    assert [result.error for result in carry_out(changes, service.do)] == [None, None]
    assert xnat.site.experiment("SUB-009_MR1", "EMPTY").project == "EMPTY"
    assert subject(xnat.site, "SUB-009").project == "BRAINS"
    assert "EMPTY" in subject(xnat.site, "SUB-009").shares


def test_an_error_after_the_share_is_read_back(xnat, look, service, carry_out):
    xnat.faults.add("^PUT .*/projects/EMPTY", WriteThenError(500))
    changes = service.plan_share([Wish(look("BRAINS/SUB-009/SUB-009_MR1"), "EMPTY")])
    assert [result.error for result in carry_out(changes, service.do)] == [None, None]
    assert "EMPTY" in session(xnat.site, "SUB-009_MR1").shares


def read_table(tmp_path, text):
    path = tmp_path / "shares.csv"
    path.write_text(text)
    return tables.read(path, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL)


def test_a_table_shares_subjects_and_sessions(xnat, look, service, tmp_path, carry_out):
    table = read_table(
        tmp_path,
        "subject,source,destination,session,label\n"
        "SUB-008,BRAINS,EMPTY,SUB-008_MR1,S8_MR\n"
        "SUB-008,BRAINS,EMPTY,,S8\n"
        "0010,BRAINS,EMPTY,,\n"
        "SUB-404,BRAINS,EMPTY,,\n",
    )
    changes = service.plan_table(look(""), table)
    assert told(changes) == [
        ("share", "SUB-008", ""),
        ("share", "0010", ""),
        ("share", "SUB-008/SUB-008_MR1", ""),
        ("share", "SUB-404", "line 5: lab:BRAINS has no subject 'SUB-404'."),
    ]
    assert [result.error for result in carry_out(changes, service.do)] == [None] * 3
    assert xnat.site.experiment("S8_MR", "EMPTY").label == "SUB-008_MR1"
    assert xnat.site.subject("S8", "EMPTY").label == "SUB-008"


def test_one_item_in_two_lines_is_refused_whatever_it_is_called(xnat, look, service, tmp_path):
    one = subject(xnat.site, "SUB-008")
    table = read_table(
        tmp_path, f"subject,source,destination,label\nSUB-008,BRAINS,EMPTY,A\n{one.id},BRAINS,EMPTY,B\n"
    )
    first, second = service.plan_table(look(""), table)
    assert (first.after["label"], first.refusal) == ("A", "")
    assert second.refusal == "line 3: another line says so of the same item."


def test_a_label_in_a_table_is_checked_first(look, service, tmp_path):
    table = read_table(tmp_path, "subject,source,destination,label\nSUB-008,BRAINS,EMPTY,a.b\n")
    with pytest.raises(UsageError, match=r"shares.csv, line 2, column label: 'a.b' is no label"):
        service.plan_table(look(""), table)
