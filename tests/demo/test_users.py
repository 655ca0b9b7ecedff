"""Project members and the site's accounts."""

from __future__ import annotations

import pytest
import pyxnat

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

USERS = "/data/projects/P1/users"


def test_members_with_their_groups(client_of, site: Site) -> None:
    site.users["carl"].enabled = False
    rows = client_of("olga").rows(f"{USERS}?format=json")
    assert [(row["login"], row["GROUP_ID"], row["displayname"]) for row in rows] == [
        ("olga", "P1_owner", "Owners"),
        ("mia", "P1_member", "Members"),
    ]
    assert len(client_of("olga").rows(f"{USERS}/true?format=json")) == 3


def test_members_are_hidden_from_collaborators(client_of) -> None:
    assert client_of("carl").get(USERS).status_code == 403


@pytest.mark.parametrize("group", ["Members", "P1_member", "member"])
@pytest.mark.parametrize("user", ["nina", "nina@example.org", "14"])
def test_adding_by_any_spelling_of_group_and_user(client_of, site: Site, group: str, user: str) -> None:
    answer = client_of("olga").put(f"{USERS}/{group}/{user}?format=json")
    assert "nina" in {row["login"] for row in answer.json()["ResultSet"]["Result"]}
    assert site.projects["P1"].users["nina"] == "member"


def test_changing_and_removing_a_role(client_of, site: Site) -> None:
    olga = client_of("olga")
    olga.put(f"{USERS}/Owners/carl")
    assert site.projects["P1"].users["carl"] == "owner"
    assert olga("DELETE", f"{USERS}/Owners/carl").status_code == 200
    assert "carl" not in site.projects["P1"].users


def test_wrong_groups_people_and_rights(client_of, site: Site) -> None:
    assert client_of("mia").put(f"{USERS}/Members/nina").status_code == 403
    assert client_of("olga").put(f"{USERS}/Kings/nina").status_code == 500
    assert client_of("olga").put(f"{USERS}/Members/nobody").status_code == 404
    assert client_of("olga").put(f"{USERS}/Members/new@example.org").status_code == 200
    assert site.projects["P1"].settings["invited"] == "new@example.org"


def test_user_lists_are_for_administrators_unless_opened(admin, client_of, site: Site) -> None:
    assert admin.get("/xapi/users").json() == ["admin", "olga", "mia", "carl", "nina"]
    assert client_of("olga").get("/data/users").status_code == 403
    site.settings.restrict_user_list = False
    assert client_of("olga").rows("/data/users?format=json")[1]["email"] == "olga@example.org"
    profile = client_of("olga").get("/xapi/users/profiles").json()[1]
    assert (profile["username"], profile["enabled"]) == ("olga", True)


def test_own_profile_groups_and_projects(admin, client_of) -> None:
    olga = client_of("olga")
    assert olga.get("/xapi/users/profile").json()["firstName"] == "Olga"
    assert olga.get("/xapi/users/olga/groups").json() == ["P1_owner", "P2_owner"]
    assert olga.get("/xapi/users/projects").json() == ["P1", "P2"]
    assert olga.get("/xapi/users/mia/groups").status_code == 403
    assert "ALL_DATA_ADMIN" in admin.get("/xapi/users/admin/groups").json()


def test_groups_by_the_newer_interface(client_of, site: Site) -> None:
    assert client_of("olga").put("/xapi/users/nina/groups/P1_collaborator").status_code == 200
    assert site.projects["P1"].users["nina"] == "collaborator"
    assert client_of("olga")("DELETE", "/xapi/users/nina/groups/P1_collaborator").status_code == 200
    assert "nina" not in site.projects["P1"].users


def test_ending_the_sessions_of_a_user(admin, client_of, site: Site) -> None:
    olga = client_of("olga")
    olga.get("/data/auth")
    assert len(admin("DELETE", "/xapi/users/active/olga").json()) == 1
    assert all(one.login != "olga" for one in site.sessions.values())


def test_pyxnat_lists_and_manages_members(server: DemoServer, site: Site) -> None:
    central = pyxnat.Interface(server.url, user="admin", password="admin")
    project = central.select.project("P1")
    assert sorted(project.users()) == ["carl", "mia", "olga"]
    assert project.user_role("mia") == "member"
    project.add_user("nina", "collaborator")
    assert site.projects["P1"].users["nina"] == "collaborator"
    project.remove_user("nina")
    assert "nina" not in site.projects["P1"].users
    assert "olga" in central.manage.users()
    central.disconnect()
