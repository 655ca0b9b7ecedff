"""Every change is kept with what stood before, and is taken back only while what it left still stands."""

import stat

import pytest

from xnat_tui.config import Server, Settings
from xnat_tui.demo.faults import DO_NOTHING, Answer, ErrorPage
from xnat_tui.demo.study.brains import session, subject
from xnat_tui.errors import ConfigError
from xnat_tui.jobs.history import History
from xnat_tui.jobs.journal import journal_file
from xnat_tui.model.history import Area, Outcome
from xnat_tui.model.sharing import Role
from xnat_tui.services.administration.renaming import Wish as NewLabel
from xnat_tui.services.administration.sharing.shares import Wish
from xnat_tui.services.workspace import Workspace


@pytest.fixture
def workspace(xnat, monkeypatch, tmp_path):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
    monkeypatch.setenv("XNAT_TUI_PASSWORD_ROOT", "admin")
    servers = {"lab": Server("lab", xnat.url, "demo"), "root": Server("root", xnat.url, "admin")}
    with Workspace(Settings(servers=servers)) as opened:
        yield opened


@pytest.fixture
def undone(workspace, carry_out):
    """Take entries back, all that there are without numbers; refusals and errors come as text."""

    def undo(*numbers):
        entries = [one for one in workspace.history() if not numbers or one.number in numbers]
        service = workspace.undoing(entries, wait=lambda _: False)
        plan = service.plan(entries)
        errors = [str(one.error.message) for one in carry_out(plan.changes, service.do) if one.error]
        return [one.refusal for one in plan.changes if one.refusal] + errors

    return undo


def set_gender(workspace, value, path="lab:BRAINS/SUB-001"):
    service = workspace.demographics("lab")
    return workspace.carry_out(service, service.plan_set([workspace.find_one(path)], {"gender": value}))


def test_a_change_is_kept_with_before_and_after_for_its_user_only(xnat, workspace):
    set_gender(workspace, "unknown")
    (entry,) = workspace.history()
    assert (entry.area, entry.verb, entry.location, entry.user) == (
        Area.DEMOGRAPHICS, "set", "lab:BRAINS/SUB-001", "demo",
    )  # fmt: skip
    assert (entry.item, entry.outcome) == (subject(xnat.site, "SUB-001").id, Outcome.DONE)
    assert entry.before["gender"] != entry.after["gender"] == "unknown"
    assert stat.S_IMODE(journal_file().stat().st_mode) == 0o600
    assert "unknown" not in repr(entry)


def test_what_was_refused_is_no_change_and_what_is_unclear_stays(xnat, workspace):
    xnat.faults.add("^PUT .*/subjects/", Answer("<h3>no</h3>", 403), times=1)
    assert set_gender(workspace, "unknown")[0].error is not None
    assert workspace.history() == []
    xnat.faults.add("^PUT .*/subjects/", ErrorPage(504), times=1)
    assert set_gender(workspace, "unknown")[0].error is not None
    assert [one.outcome for one in workspace.history()] == [Outcome.UNCLEAR]


def test_nothing_is_sent_that_cannot_be_kept(xnat, workspace):
    before = dict(subject(xnat.site, "SUB-001").fields)
    service = workspace.demographics("lab")
    changes = service.plan_set([workspace.find_one("lab:BRAINS/SUB-001")], {"gender": "unknown"})
    journal_file().parent.mkdir(exist_ok=True)
    journal_file().write_text("something else, and longer than a header " * 20)
    (result,) = workspace.carry_out(service, changes)
    assert isinstance(result.error, ConfigError)
    assert "Nothing was changed." in result.error.message
    assert dict(subject(xnat.site, "SUB-001").fields) == before


def test_a_field_is_taken_back_and_that_is_an_entry_too(xnat, workspace, undone):
    before = subject(xnat.site, "SUB-001").fields["gender"]
    set_gender(workspace, "unknown")
    assert undone() == []
    assert subject(xnat.site, "SUB-001").fields["gender"] == before
    back, first = workspace.history()
    assert (back.undoes, first.undone_by, back.undone_by) == (first.number, back.number, 0)
    assert undone(back.number) == []
    assert subject(xnat.site, "SUB-001").fields["gender"] == "unknown"


def test_what_somebody_changed_since_is_left_alone(xnat, workspace, undone):
    set_gender(workspace, "unknown")
    subject(xnat.site, "SUB-001").fields["gender"] = "other"
    (reason,) = undone()
    assert "gender is other now, and not unknown as this left it." in reason
    assert subject(xnat.site, "SUB-001").fields["gender"] == "other"


def test_labels_are_taken_back_though_the_item_is_found_under_its_new_one(xnat, workspace, carry_out, undone):
    service = workspace.renaming("lab", wait=lambda _: False)
    wishes = [
        NewLabel(workspace.find_one("lab:BRAINS/SUB-008"), "X8"),
        NewLabel(workspace.find_one("lab:BRAINS/SUB-009/SUB-009_MR1"), "X9_MR"),
    ]
    assert [one.error for one in carry_out(service.plan(wishes).changes, service.do)] == [None, None]
    assert [one.number for one in workspace.history("lab:BRAINS/X8")] == [1]
    assert [one.number for one in workspace.history("lab:BRAINS/SUB-008")] == [1]
    assert undone() == []
    assert subject(xnat.site, "SUB-008").label == "SUB-008"
    assert session(xnat.site, "SUB-009_MR1").label == "SUB-009_MR1"


def test_a_label_that_is_taken_meanwhile_refuses(xnat, workspace, carry_out, undone):
    service = workspace.renaming("lab", wait=lambda _: False)
    plan = service.plan([NewLabel(workspace.find_one("lab:BRAINS/SUB-008"), "X8")])
    carry_out(plan.changes, service.do)
    xnat.site.rename(subject(xnat.site, "SUB-009"), "SUB-008")
    assert undone() == ["BRAINS has another SUB-008 already."]


def test_shares_are_ended_and_made_again_under_their_labels(xnat, workspace, carry_out, undone):
    service = workspace.sharing("lab")
    place = workspace.find_one("lab:BRAINS/SUB-009/SUB-009_MR1")
    carry_out(service.plan_share([Wish(place, "EMPTY", "E9")]), service.do)
    subject_first, then_session = [one.number for one in reversed(workspace.history())]
    assert "is shared there as well: that comes first." in undone(subject_first)[0]
    assert undone(subject_first, then_session) == []
    assert "EMPTY" not in session(xnat.site, "SUB-009_MR1").shares
    assert "EMPTY" not in subject(xnat.site, "SUB-009").shares
    assert undone(*(one.number for one in workspace.history() if one.undoes)) == []
    assert session(xnat.site, "SUB-009_MR1").shares["EMPTY"] == "E9"
    assert "EMPTY" in subject(xnat.site, "SUB-009").shares


def test_a_relabelled_share_gets_its_label_back(xnat, workspace, carry_out, undone):
    service = workspace.sharing("lab")
    wish = Wish(workspace.find_one("lab:BRAINS/SUB-001"), "TEACHING", "T-42")
    changes = service.plan_share([wish])
    assert [one.refusal for one in changes] == [""]
    assert [one.error for one in carry_out(changes, service.do)] == [None]
    assert undone() == []
    assert subject(xnat.site, "SUB-001").shares["TEACHING"] == "T-01"


def test_roles_and_openness_are_taken_back(xnat, workspace, carry_out, undone):
    service = workspace.users("root:BRAINS")
    changes = [*service.plan_add(["outsider", "reader"], Role.MEMBER), *service.plan_remove(["member"])]
    assert [one.error for one in carry_out(changes, service.do)] == [None] * 3
    carry_out(service.plan_accessibility("public"), service.do)
    assert undone() == []
    project = xnat.site.projects["BRAINS"]
    assert project.users == {"demo": "owner", "member": "member", "reader": "collaborator"}
    assert project.accessibility == "private"


def test_an_owner_gets_back_what_was_given_away(xnat, workspace, carry_out, undone):
    service = workspace.sharing("root")
    carry_out(service.plan_transfer(workspace.find_one("root:BRAINS/SUB-009"), "EMPTY"), service.do)
    assert session(xnat.site, "SUB-009_MR1", "EMPTY").project == "EMPTY"
    assert undone() == []
    assert session(xnat.site, "SUB-009_MR1").project == "BRAINS"
    assert subject(xnat.site, "SUB-009").project == "BRAINS"


def test_every_undo_is_read_back(xnat, workspace, undone):
    set_gender(workspace, "unknown")
    xnat.faults.add("^PUT .*/subjects/", DO_NOTHING, times=1)
    (reason,) = undone()
    assert "does not hold" in reason
    assert [one.undone_by for one in workspace.history()] == [0, 0]


def test_entries_can_be_forgotten(workspace):
    set_gender(workspace, "unknown")
    with History() as history:
        assert history.forget([1, 1, 7]) == 1
        assert history.entries() == []


def test_the_file_says_nothing_to_logs(workspace, caplog):
    caplog.set_level("DEBUG")
    set_gender(workspace, "unknown")
    assert "unknown" not in " ".join(one.message for one in caplog.records if "history" in one.name)
