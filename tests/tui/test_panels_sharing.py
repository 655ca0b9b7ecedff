"""Sharing, users and renaming, through the screen at 80×24, and what the server holds afterwards."""

from collections.abc import Iterator

import pytest
from textual.widgets import OptionList

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.archive import Experiment, Subject
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.services.administration import patience
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.sharing import SharingPanel
from xnat_tui.tui.panels.users import UsersPanel


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    monkeypatch.setattr(patience, "REFUSED_WAITS", ())
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


def subject(servers: DemoPair, label: str) -> Subject:
    subjects = servers.lab.site.projects["BRAINS"].subjects.values()
    return next(one for one in subjects if one.label == label)


def session(servers: DemoPair, label: str) -> Experiment:
    subjects = servers.lab.site.projects["BRAINS"].subjects.values()
    return next(one for person in subjects for one in person.experiments.values() if one.label == label)


# sharing


async def test_a_session_is_shared_after_its_subject_under_a_label_of_its_own(servers):
    async with story("lab:BRAINS/SUB-005", "qc:BRAINS") as told:
        await told.press("s")
        told.has("Sharing · lab:BRAINS/SUB-005/SUB-005_PETMR1", "BRAINS", "read, edit, delete")
        await told.press("A")
        told.has("Share into", "TEACHING", "sees that it exists")
        await told.type("EMPTY")
        await told.press("enter", "ctrl+u")
        await told.type("E-5")
        await told.press("enter", "enter")
        assert isinstance(told.app.screen, ChangesPanel)
        told.has("share", "comes first", "2 to do. Nothing is deleted.")
        assert "EMPTY" not in session(servers, "SUB-005_PETMR1").shares
        await told.press("enter")
        told.has("2 done")
        assert session(servers, "SUB-005_PETMR1").shares["EMPTY"] == "E-5"
        assert "EMPTY" in subject(servers, "SUB-005").shares
        await told.press("enter")
        assert "E-5" in told.line_with("EMPTY")


async def test_an_item_is_shared_in_two_steps_and_its_owner_is_not_offered(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("s", "a")
        options = told.app.screen.query_one(OptionList)
        offered = {options.get_option_at_index(index).id for index in range(options.option_count)}
        assert "EMPTY" in offered
        assert "BRAINS" not in offered
        await told.type("EMPTY")
        await told.press("enter")
        assert isinstance(told.app.screen, ChangesPanel)
        await told.press("enter")
        told.has("1 done")
        assert "EMPTY" in subject(servers, "SUB-001").shares
        assert "EMPTY" not in session(servers, "SUB-001_MR1").shares


async def test_a_login_is_completed_and_a_hasty_enter_gives_the_least_role(servers):
    users = servers.lab.site.projects["EMPTY"].users
    before = dict(users)
    servers.lab.site.settings.restrict_user_list = False
    async with story("lab:EMPTY", "qc:BRAINS") as told:
        await told.press("U", "a")
        told.has("Logins or mail addresses (right completes):")
        await told.type("mem")
        await told.settle()
        await told.press("right", "enter", "enter", "enter")
        told.has("done")
    assert {login: role for login, role in users.items() if login not in before} == {"member": "collaborator"}


async def test_a_subject_brings_its_sessions_and_assessors_along(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("s", "A")
        await told.type("EMPTY")
        await told.press("enter", "enter", "down", "down", "enter", "enter")
        told.has("done")
        assert "EMPTY" in subject(servers, "SUB-001").shares
        found = session(servers, "SUB-001_MR1")
        assert "EMPTY" in found.shares
        assert all("EMPTY" in one.shares for one in found.assessors.values())


async def test_a_share_is_relabelled_and_ended_and_nothing_is_deleted(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("s", "down", "e", "ctrl+u")
        await told.type("bad label")
        await told.press("enter")
        told.has("is no label that XNAT accepts")
        await told.press("ctrl+u")
        await told.type("T-02")
        await told.press("enter", "enter", "enter")
        assert subject(servers, "SUB-002").shares["TEACHING"] == "T-02"
        await told.press("u", "enter")
        told.has("done")
        assert "TEACHING" not in subject(servers, "SUB-002").shares
        assert "TEACHING" not in session(servers, "SUB-002_MR1").shares
        deleted = [request.path for request in servers.lab.requests if request.method == "DELETE"]
        assert deleted
        assert all("/projects/TEACHING" in path for path in deleted)


async def test_the_owner_cannot_be_unshared(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("s", "u")
        assert isinstance(told.app.screen, SharingPanel)
        told.has("that would delete the item")


async def test_giving_away_has_the_project_typed(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("s", "T")
        await told.type("EMPTY")
        await told.press("enter", "enter")
        told.has("Type BRAINS to go on:", "Cancel")
        await told.type("EMPTY")
        await told.press("enter")
        told.has("That is not BRAINS.")
        await told.press("ctrl+u")
        await told.type("BRAINS")
        await told.press("enter")
        told.has("done")
        labels = [one.label for one in servers.lab.site.projects["EMPTY"].subjects.values()]
        assert labels == ["SUB-004"]


async def test_a_project_that_may_not_be_edited_is_refused_with_the_reason(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("s", "a")
        await told.type("PHANTOMS")
        await told.press("enter")
        told.has("not now: You may not edit it (sees that it exists).")


async def test_a_table_shares_many_and_refuses_what_it_does_not_know(servers, tmp_path):
    file = tmp_path / "shares.csv"
    file.write_text("subject,source,destination\nSUB-006,BRAINS,EMPTY\nSUB-999,BRAINS,EMPTY\n")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("s", "t")
        await told.type(str(file))
        await told.press("enter")
        told.has("line 3", "1 to do, 1 refused")
        await told.press("enter")
        assert list(subject(servers, "SUB-006").shares) == ["EMPTY"]


# users


async def test_a_user_gets_another_role_and_is_removed_but_never_the_last_owner(servers):
    users = servers.lab.site.projects["BRAINS"].users
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("U")
        told.has("Users · lab:BRAINS · 3 users · private", "member@example.org")
        await told.press("down", "e", "pagedown", "enter", "enter")
        told.has("done")
        assert users["member"] == "owner"
        await told.press("enter", "end", "d", "enter")
        assert "reader" not in users
        await told.press("enter")
        assert isinstance(told.app.screen, UsersPanel)
        told.has("2 users")
        told.lacks("reader@example.org")


async def test_the_last_owner_stays(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("U", "d")
        told.has("! remove", "demo is the last owner of BRAINS.", "0 to do, 1 refused")
        await told.press("enter")
        assert servers.lab.site.projects["BRAINS"].users["demo"] == "owner"


async def test_accessibility_is_explained_and_set(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("U", "o")
        told.has("Accessibility, now private", "everybody can read all of its data")
        await told.type("protected")
        await told.press("enter", "enter")
        assert servers.lab.site.projects["BRAINS"].accessibility == "protected"


async def test_users_are_shown_where_the_sites_logins_cannot_be_read(servers):
    servers.lab.faults.add(r"GET /data/users\b", ErrorPage(500))
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("U")
        told.has("3 users", "member@example.org")


async def test_who_may_not_see_users_is_told_so(servers):
    servers.sign_in_as("reader")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("U")
        told.has("! The users of BRAINS are not visible to reader.")


# renaming


async def test_a_subject_is_renamed_with_its_sessions(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-006")
        await told.press("M", "ctrl+u")
        await told.type("NEW-006")
        await told.press("tab", "space", "ctrl+s")
        told.has("SUB-006_MR1", "NEW-006_MR1")
        assert subject(servers, "SUB-006")
        await told.press("enter")
        told.has("3 done")
        labels = [one.label for one in subject(servers, "NEW-006").experiments.values()]
        assert labels == ["NEW-006_US1", "NEW-006_MR1"]
        await told.press("enter")
        assert told.app.screen is told.main
        told.has("NEW-006")


async def test_what_an_unclear_rename_waits_for_is_shown_and_a_stop_leaves_it_resumable(servers, monkeypatch):
    monkeypatch.setattr(patience, "UNCLEAR_WAITS", (30.0,))
    servers.lab.faults.add("^PUT .*label=NEW-006", ErrorPage(504), times=1)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-006")
        await told.press("M", "ctrl+u")
        await told.type("NEW-006")
        await told.press("enter")
        await told.pilot.press("enter")
        await told.until_shown("Looking again in 30 s, for 30 s at most.")
        await told.press("x")
        told.has("Stopped before the server told whether it is renamed.", "The same call goes on")
        await told.press("r", "enter")
        told.has("1 done")
        assert subject(servers, "NEW-006")


async def test_a_blocking_autorun_is_dismissed_with_consent_only(servers):
    async with story("lab:BRAINS/SUB-002", "qc:BRAINS") as told:
        await told.press("M", "ctrl+u")
        await told.type("SUB-002_A")
        await told.press("enter")
        told.has("AutoRun is Queued on SUB-002_MR1", "Plan to dismiss it", "Leave it")
        await told.press("enter")
        told.has("! rename", "AutoRun is Queued on it since", "0 to do, 1 refused")
        await told.press("escape", "enter", "shift+tab", "enter")
        told.has("dismiss", "2 to do")
        assert session(servers, "SUB-002_MR1")
        await told.press("enter")
        told.has("2 done")
        assert session(servers, "SUB-002_A")


async def test_a_label_that_is_refused_or_taken_is_said_before_anything_is_sent(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-006")
        await told.press("M", "ctrl+u")
        await told.type("SUB 6")
        told.has("is no label that XNAT accepts")
        await told.press("ctrl+u")
        await told.type("SUB-007")
        await told.press("enter")
        told.has("BRAINS has another SUB-007 already.")
        assert not [one for one in servers.lab.requests if one.method == "PUT" and "/subjects/" in one.path]


async def test_renaming_is_greyed_on_a_read_only_server_and_without_a_subject(servers):
    servers.protect()
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("M")
        assert told.app.screen is told.main
        told.has("Rename: lab is marked read-only here")
        await told.press("G", "M")
        told.has("Rename:")
