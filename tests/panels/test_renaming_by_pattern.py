import pytest

from xnat_tui.demo.faults import DO_NOTHING, ErrorPage, WriteThenDrop
from xnat_tui.demo.study.brains import session, subject
from xnat_tui.errors import BadAnswer, Conflict, UsageError
from xnat_tui.jobs.history import History
from xnat_tui.model.label_pattern import LabelPattern
from xnat_tui.services.administration.renaming import Renaming
from xnat_tui.services.administration.renaming_by_pattern import PatternRenaming
from xnat_tui.services.administration.undoing import Undoing

SUBJECT = "^PUT .*subject_ID="


@pytest.fixture
def service(reader):
    return PatternRenaming(Renaming(reader, wait=lambda _: False, told=lambda _: None))


def told(plan):
    return [
        (one.verb, one.location.removeprefix("lab:BRAINS/"), one.after.get("label", one.after.get("subject")))
        for one in plan.changes
        if not one.refusal
    ]


def refusals(plan):
    return {one.location.removeprefix("lab:BRAINS/"): one.refusal for one in plan.changes if one.refusal}


def places(look, *paths):
    return [look(f"BRAINS/{path}") for path in paths]


@pytest.mark.parametrize(
    ("pattern", "template", "old", "new"),
    [
        (r"^(.+)_visit(\d)$", "{1}", "A_visit2", "A"),
        (r"(?P<site>\w)-(\d+)", "{2}{site}-{0}", "X-07", "07X-X-07"),
        (r"(a)?b", "{1}c", "b", "c"),
        ("b", "c", "abc", None),
    ],
)
def test_a_pattern_has_to_match_the_whole_label(pattern, template, old, new):
    assert LabelPattern.parse(pattern, template).label(old) == new


@pytest.mark.parametrize(("pattern", "template"), [("(", "x"), ("(a)", "{2}"), ("a", "{name}"), ("a", "{}")])
def test_what_is_no_pattern_is_said_before_anything_is_asked(pattern, template):
    with pytest.raises(UsageError):
        LabelPattern.parse(pattern, template)


def test_the_subjects_of_a_project_with_their_sessions(xnat, look, service, carry_out):
    plan = service.plan([look("BRAINS")], LabelPattern.parse("SUB-00([89])", "P{1}"), with_sessions=True)
    assert told(plan) == [
        ("rename", "SUB-008", "P8"),
        ("rename", "SUB-008/SUB-008_MR1", "P8_MR1"),
        ("rename", "SUB-009", "P9"),
        ("rename", "SUB-009/SUB-009_MR1", "P9_MR1"),
        ("rename", "SUB-009/SUB-009_MR2", "P9_MR2"),
    ]
    assert "left as they are: 9 labels that the pattern does not match" in plan.notes
    assert [one.error for one in carry_out(plan.changes, service.do)] == [None] * 5
    assert session(xnat.site, "P9_MR2").subject.label == "P9"


def test_two_that_would_be_one_are_refused_both_and_one_that_exists_is_offered(look, service):
    plan = service.plan(places(look, "SUB-008", "SUB-009"), LabelPattern.parse("SUB-.*", "P"))
    reason = "SUB-008 and SUB-009 would all be P. --merge moves the sessions to that one."
    assert refusals(plan) == {"SUB-008": reason, "SUB-009": reason}
    plan = service.plan(places(look, "SUB-008"), LabelPattern.parse("SUB-.*", "SUB-009"))
    assert refusals(plan) == {
        "SUB-008": "BRAINS has another SUB-009 already. --merge moves the sessions to that one."
    }
    plan = service.plan(places(look, "SUB-009/SUB-009_MR1"), LabelPattern.parse(".*1", "SUB-008_MR1"))
    assert refusals(plan) == {"SUB-009/SUB-009_MR1": "BRAINS has another SUB-008_MR1 already."}
    with pytest.raises(UsageError, match="cannot be renamed"):
        service.plan(places(look, "SUB-009/SUB-009_MR1/scans/1"), LabelPattern.parse("1", "2"))


def test_labels_that_move_up_are_renamed_from_the_end(xnat, look, service, carry_out):
    for old, new in (("SUB-008", "A"), ("SUB-009", "AB"), ("SUB-011", "ABB")):
        xnat.site.rename(subject(xnat.site, old), new)
    plan = service.plan([look("BRAINS")], LabelPattern.parse("AB*", "{0}B"))
    assert told(plan) == [("rename", "ABB", "ABBB"), ("rename", "AB", "ABB"), ("rename", "A", "AB")]
    assert [one.error for one in carry_out(plan.changes, service.do)] == [None] * 3


def test_subjects_are_merged_session_by_session_and_taken_apart_again(xnat, reader, look, service, carry_out):
    xnat.site.rename(subject(xnat.site, "SUB-008"), "S_visit1")
    xnat.site.rename(subject(xnat.site, "SUB-009"), "S_visit2")
    plan = service.plan([look("BRAINS")], LabelPattern.parse(r"^(.+)_visit(\d)$", "{1}"), merge=True)
    assert told(plan) == [
        ("rename", "S_visit1", "S"),
        ("merge", "S_visit2/SUB-009_MR1", "S"),
        ("merge", "S_visit2/SUB-009_MR2", "S"),
    ]
    assert "S_visit2 stays, without sessions, with its own fields and files: delete it yourself" in plan.notes
    assert [one.error for one in carry_out(plan.changes, service.do)] == [None] * 3
    assert {one.label for one in subject(xnat.site, "S").experiments.values()} == {
        "SUB-008_MR1", "SUB-009_MR1", "SUB-009_MR2",
    }  # fmt: skip
    assert subject(xnat.site, "S_visit2").experiments == {}

    with History() as history:
        entries = [one for one in history.entries() if one.verb == "merge"]
    assert len(entries) == 2
    undoing = Undoing(reader, "lab", Renaming(reader, wait=lambda _: False))
    changes = undoing.plan(entries).changes
    assert [one.error for one in carry_out(changes, undoing.do)] == [None] * 2
    assert len(subject(xnat.site, "S_visit2").experiments) == 2


def test_sessions_go_to_a_subject_that_is_there_and_those_in_work_or_shared_in_stay(look, service):
    plan = service.plan(places(look, "SUB-002"), LabelPattern.parse(".*", "SUB-009"), merge=True)
    assert "AutoRun is Queued on it since" in refusals(plan)["SUB-002/SUB-002_MR1"]
    shared = service.plan([look("TEACHING/SUB-002")], LabelPattern.parse(".*", "T-99"), merge=True)
    assert {one.refusal for one in shared.changes} == {
        "it is only shared in from BRAINS: its subject is another one there."
    }


def test_nothing_is_merged_with_a_subject_that_was_not_renamed(xnat, look, service, carry_out):
    both = places(look, "SUB-008", "SUB-009")
    plan = service.plan(both, LabelPattern.parse("SUB-.*", "a.b"), merge=True)
    assert len(refusals(plan)) == 3
    plan = service.plan(both, LabelPattern.parse("SUB-.*", "P"), merge=True)
    xnat.faults.add("^PUT .*label=", ErrorPage(403))
    results = carry_out(plan.changes, service.do)
    assert [type(one.error) for one in results][1:] == [Conflict, Conflict]
    assert subject(xnat.site, "SUB-009").experiments


def test_a_move_is_read_back(xnat, look, service, carry_out):
    plan = service.plan(places(look, "SUB-009"), LabelPattern.parse(".*", "SUB-008"), merge=True)
    xnat.faults.add(SUBJECT, DO_NOTHING, times=1)
    xnat.faults.add(SUBJECT, WriteThenDrop(), times=1)
    first, second = carry_out(plan.changes, service.do)
    assert isinstance(first.error, BadAnswer)
    assert (second.error, second.note) == (None, "The server answered nothing; read back, and it is moved.")
