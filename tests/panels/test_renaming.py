from dataclasses import replace

import pytest

from xnat_tui.demo.faults import DO_NOTHING, Answer, ErrorPage, WriteThenDrop
from xnat_tui.demo.study.brains import session
from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Interrupted,
    NotFound,
    ServerError,
    Unclear,
    UsageError,
)
from xnat_tui.services import tables
from xnat_tui.services.administration.patience import REFUSED_WAITS, UNCLEAR_WAITS
from xnat_tui.services.administration.renaming import TABLE_OPTIONAL, TABLE_REQUIRED, Renaming, Wish

RENAME = "^PUT .*label="


@pytest.fixture
def waited():
    return []


@pytest.fixture
def service(reader, waited):
    return Renaming(reader, wait=lambda seconds: waited.append(seconds) or False)


def told(plan):
    return [(one.verb, one.location.removeprefix("lab:BRAINS/"), one.refusal) for one in plan.changes]


def test_a_subject_and_the_sessions_that_are_named_after_it(xnat, look, service, carry_out):
    wishes, kept = service.wishes(look("BRAINS/SUB-009"), "P9", with_sessions=True)
    plan = service.plan(wishes)
    assert kept == []
    assert [(one.before, one.after) for one in plan.changes] == [
        ({"label": "SUB-009"}, {"label": "P9"}),
        ({"label": "SUB-009_MR1"}, {"label": "P9_MR1"}),
        ({"label": "SUB-009_MR2"}, {"label": "P9_MR2"}),
    ]
    assert [result.error for result in carry_out(plan.changes, service.do)] == [None] * 3
    assert xnat.site.subject("P9", "BRAINS") is not None
    assert xnat.site.experiment("P9_MR2", "BRAINS") is not None


def test_sessions_with_other_labels_keep_theirs(xnat, look, service):
    xnat.site.rename(session(xnat.site, "SUB-009_MR2"), "SUB-0091")
    wishes, kept = service.wishes(look("BRAINS/SUB-009"), "P9", with_sessions=True)
    assert [wish.label for wish in wishes] == ["P9", "P9_MR1"]
    assert kept == ["SUB-0091 keeps its label: it does not begin with SUB-009"]


def test_nothing_else_is_sent_along(xnat, look, service, carry_out):
    carry_out(service.plan([Wish(look("BRAINS/SUB-008/SUB-008_MR1"), "X")]).changes, service.do)
    (write,) = [one for one in xnat.requests if one.method == "PUT" and "/experiments/" in one.path]
    assert write.query == "label=X"


def test_the_same_label_is_no_change(look, service):
    assert service.plan([Wish(look("BRAINS/SUB-009"), "SUB-009")]).changes == []


@pytest.mark.parametrize(
    ("path", "label", "refusal"),
    [
        ("BRAINS/SUB-008", "SUB-009", "BRAINS has another SUB-009 already."),
        ("BRAINS/SUB-008/SUB-008_MR1", "SUB-009_MR1_QC", "BRAINS has another SUB-009_MR1_QC already."),
        ("BRAINS/SUB-008", "a.b", "'a.b' is no label that XNAT accepts: letters, digits, _ and - only."),
        ("TEACHING/T-01", "X", "it is only shared in from BRAINS: rename it there, or relabel the share."),
        ("BRAINS/SUB-005/SUB-005_PETMR1", "X", "dcm2niix is Running on it since 2024-04-03 09:35:54.123."),
        ("BRAINS/SUB-002/SUB-002_MR1", "X", "AutoRun is Queued on it since 2024-04-03 09:35:40.123."),
    ],
)
def test_what_stands_in_the_way_is_found_before_sending(look, service, path, label, refusal):
    (change,) = service.plan([Wish(look(path), label)]).changes
    assert change.refusal == refusal


def test_a_label_that_differs_by_case_only_is_noted(look, service):
    (change,) = service.plan([Wish(look("BRAINS/SUB-008"), "sub-009")]).changes
    assert (change.refusal, change.note) == ("", "differs from SUB-009 by case only")


@pytest.mark.parametrize("path", ["BRAINS", "BRAINS/SUB-008/SUB-008_MR1/scans/1"])
def test_only_subjects_and_sessions_have_new_labels(look, service, path):
    with pytest.raises(NotFound, match="cannot be renamed"):
        service.plan([Wish(look(path), "X")])


def test_a_blocking_autorun_is_dismissed_with_consent(xnat, look, service, carry_out):
    wish = Wish(look("BRAINS/SUB-002/SUB-002_MR1"), "X")
    assert [one.label for one in service.plan([wish]).blocking] == ["SUB-002_MR1"]
    plan = service.plan([wish], dismiss=True)
    assert told(plan) == [("dismiss", "SUB-002/SUB-002_MR1", ""), ("rename", "SUB-002/SUB-002_MR1", "")]
    assert [result.error for result in carry_out(plan.changes, service.do)] == [None, None]
    assert xnat.site.experiment("X", "BRAINS") is not None


def test_somebody_elses_autorun_and_other_pipelines_are_never_dismissed(look, service):
    plan = service.plan(
        [Wish(look("BRAINS/SUB-012/SUB-012_MR1"), "X"), Wish(look("BRAINS/SUB-005/SUB-005_PETMR1"), "Y")],
        dismiss=True,
    )
    assert [one.verb for one in plan.changes] == ["rename", "rename"]
    assert all(one.refusal for one in plan.changes)


def test_without_a_dismissal_there_is_no_rename(xnat, look, service, carry_out):
    plan = service.plan([Wish(look("BRAINS/SUB-002/SUB-002_MR1"), "X")], dismiss=True)
    xnat.faults.add("^PUT /data/workflows", ErrorPage(403))
    results = carry_out(plan.changes, service.do)
    assert [type(result.error) for result in results] == [Forbidden, Conflict]
    assert session(xnat.site, "SUB-002_MR1").label == "SUB-002_MR1"


def test_workflows_that_cannot_be_looked_up_are_no_secret(xnat, look, service):
    xnat.site.settings.workflow_search_allowed = False
    plan = service.plan([Wish(look("BRAINS/SUB-008"), "X")])
    assert any(note.startswith("open workflows could not be looked up") for note in plan.notes)


@pytest.mark.parametrize(
    ("setting", "note"),
    [(True, "renaming runs the project's anonymisation again and rewrites the DICOM files"), (False, None)],
)
def test_anonymisation_that_runs_again_is_noted(xnat, sign_in, look, setting, note):
    xnat.site.settings.preferences["rerunProjectAnonOnRename"] = setting
    service = Renaming(sign_in("admin"), wait=lambda _: False)
    assert service.plan([Wish(look("BRAINS/SUB-008"), "X")]).notes == ([note] if note else [])


def test_anonymisation_that_nobody_tells_of_is_noted_as_unknown(look, service):
    (note,) = service.plan([Wish(look("BRAINS/SUB-008"), "X")]).notes
    assert note == "whether renaming runs the project's anonymisation again is not known to this user"


@pytest.mark.parametrize(("fault", "called"), [(WriteThenDrop(), "nothing"), (ErrorPage(504), "504")])
def test_an_unclear_answer_is_looked_up_until_the_new_label_stands(
    xnat, look, service, waited, carry_out, fault, called
):
    plan = service.plan([Wish(look("BRAINS/SUB-008"), "X")])
    xnat.faults.add(RENAME, fault, times=1)
    if isinstance(fault, ErrorPage):
        waits = service.patience.wait

        def finish(seconds):
            xnat.site.rename(xnat.site.subject("SUB-008", "BRAINS"), "X")
            return waits(seconds)

        service.patience = replace(service.patience, wait=finish)
    (result,) = carry_out(plan.changes, service.do)
    assert result.error is None
    assert result.note == f"The server answered {called}; read back, and it is renamed."
    assert len(waited) <= 1


def test_a_409_of_a_rename_that_succeeded_is_a_success(xnat, look, service, carry_out):
    plan = service.plan([Wish(look("BRAINS/SUB-008"), "X")])
    uri = look("BRAINS/SUB-008").item.id
    xnat.faults.add(RENAME, Answer("<h3>Specified label is already in use.</h3>", 409), times=1)
    xnat.site.rename(xnat.site.subjects[uri], "X")
    (result,) = carry_out(plan.changes, service.do)
    assert result.error is None
    assert "409" in result.note


@pytest.mark.parametrize(
    ("fault", "error", "waits"),
    [
        (ErrorPage(409), Conflict, REFUSED_WAITS),
        (ErrorPage(500), ServerError, REFUSED_WAITS),
        (ErrorPage(504), Unclear, UNCLEAR_WAITS),
        (DO_NOTHING, BadAnswer, ()),
        (ErrorPage(403), Forbidden, ()),
    ],
)
def test_a_rename_that_did_not_happen_is_never_repeated(
    xnat, look, service, waited, carry_out, fault, error, waits
):
    plan = service.plan([Wish(look("BRAINS/SUB-008"), "X")])
    xnat.faults.add(RENAME, fault)
    (result,) = carry_out(plan.changes, service.do)
    assert type(result.error) is error
    assert tuple(waited) == waits
    assert sum(one.method == "PUT" and one.query == "label=X" for one in xnat.requests) == 1


def test_a_stop_while_looking_ends_it(xnat, look, reader, carry_out):
    service = Renaming(reader, wait=lambda _: True)
    plan = service.plan([Wish(look("BRAINS/SUB-008"), "X")])
    xnat.faults.add(RENAME, ErrorPage(504))
    (result,) = carry_out(plan.changes, service.do)
    assert isinstance(result.error, Interrupted)
    assert "goes on where this ended" in result.error.hint


def test_what_is_waited_for_is_told_before_each_pause(xnat, look, reader, carry_out):
    told: list[str] = []
    service = Renaming(reader, wait=lambda _: False, told=told.append)
    plan = service.plan([Wish(look("BRAINS/SUB-008"), "X")])
    xnat.faults.add(RENAME, ErrorPage(504))
    carry_out(plan.changes, service.do)
    assert len(told) == len(UNCLEAR_WAITS)
    assert told[-1] == (
        "lab:BRAINS/SUB-008: the server answered 504, and may still be renaming it to X. "
        "Looking again in 60 s, for 60 s at most."
    )


def test_sessions_wait_for_their_subject(xnat, look, service, carry_out):
    wishes, _ = service.wishes(look("BRAINS/SUB-009"), "P9", with_sessions=True)
    plan = service.plan(wishes)
    xnat.faults.add(RENAME, ErrorPage(403), times=1)
    results = carry_out(plan.changes, service.do)
    assert [type(result.error) for result in results] == [Forbidden, Conflict, Conflict]


def read_table(tmp_path, text):
    path = tmp_path / "names.csv"
    path.write_text(text)
    return tables.read(path, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=("subject", "session"))


def test_a_table_is_planned_in_its_order(xnat, look, service, tmp_path, carry_out):
    table = read_table(
        tmp_path,
        "subject,session,new_label\n"
        "SUB-009,,P9\nSUB-008,,SUB-009\n"
        "SUB-009,SUB-009_MR1,P9_MR1\nSUB-404,,X\nSUB-011,,P9\n",
    )
    plan = service.plan_table(look("BRAINS"), table)
    assert told(plan) == [
        ("rename", "SUB-009", ""),
        ("rename", "SUB-008", ""),
        ("rename", "SUB-009/SUB-009_MR1", ""),
        ("rename", "SUB-011", "BRAINS has another P9 already."),
        ("rename", "SUB-404", "line 5: lab:BRAINS has no subject 'SUB-404'."),
    ]
    assert [result.error for result in carry_out(plan.changes, service.do)] == [None] * 3
    assert xnat.site.subject("SUB-009", "BRAINS").id == "CENTRAL_S00007"


def test_one_item_in_two_lines_is_refused_whatever_it_is_called(xnat, look, service, tmp_path):
    one = xnat.site.subject("SUB-008", "BRAINS")
    table = read_table(tmp_path, f"subject,new_label\nSUB-008,A\n{one.id},B\n")
    assert told(service.plan_table(look("BRAINS"), table)) == [
        ("rename", "SUB-008", ""),
        ("rename", one.id, "line 3: line 2 renames the same item."),
    ]


def test_a_label_in_a_table_is_checked_first(look, service, tmp_path):
    with pytest.raises(UsageError, match=r"names.csv, line 2, column new_label: 'a b' is no label"):
        service.plan_table(look("BRAINS"), read_table(tmp_path, "subject,new_label\nSUB-008,a b\n"))
