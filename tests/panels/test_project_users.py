import pytest

from xnat_tui.demo.faults import DO_NOTHING, WriteThenDrop
from xnat_tui.errors import BadAnswer, Forbidden, NotFound, UsageError
from xnat_tui.model.sharing import Role
from xnat_tui.services.administration.project_users import ProjectUsers


@pytest.fixture
def service(reader, look):
    return ProjectUsers(reader, look("BRAINS"))


@pytest.fixture
def administrator(sign_in, look):
    return ProjectUsers(sign_in("admin"), look("BRAINS"))


def test_users_are_listed_with_their_groups(service):
    assert [(one.login, one.group, one.title) for one in service.members()] == [
        ("demo", "BRAINS_owner", "Owners"),
        ("member", "BRAINS_member", "Members"),
        ("reader", "BRAINS_collaborator", "Collaborators"),
    ]


def test_who_may_not_see_them_is_told_so(sign_in, look):
    with pytest.raises(Forbidden, match="not visible to reader"):
        ProjectUsers(sign_in("reader"), look("BRAINS")).members()


def test_only_projects_have_users(reader, look):
    with pytest.raises(NotFound):
        ProjectUsers(reader, look("BRAINS/SUB-001"))


def test_a_user_is_added_and_gets_another_role(xnat, administrator, carry_out):
    changes = administrator.plan_add(["outsider", "reader", "member"], Role.MEMBER)
    assert [(one.before, one.after["login"], one.refusal) for one in changes] == [
        ({}, "outsider", ""),
        ({"GROUP_ID": "BRAINS_collaborator"}, "reader", ""),
    ]
    assert [result.error for result in carry_out(changes, administrator.do)] == [None, None]
    assert xnat.site.projects["BRAINS"].users == {
        "demo": "owner", "member": "member", "reader": "member", "outsider": "member",
    }  # fmt: skip


def test_a_known_address_becomes_its_login_and_an_unknown_one_is_never_sent(xnat, administrator):
    known, unknown = administrator.plan_add(["Outsider@example.org", "new@example.org"], Role.MEMBER)
    assert (known.after["login"], known.refusal) == ("outsider", "")
    assert unknown.refusal == "the site has no such user."


def test_without_the_site_list_an_address_is_refused_and_a_login_is_tried(xnat, service, carry_out):
    address, login = service.plan_add(["new@example.org", "outsdier"], Role.MEMBER)
    assert address.refusal == "the site's users are not visible, and XNAT would invite an unknown address."
    assert "is not known" in login.note
    (result,) = carry_out([address, login], service.do)
    assert isinstance(result.error, NotFound)
    assert "invited" not in xnat.site.projects["BRAINS"].settings


def test_the_last_owner_stays(service):
    (removed,) = service.plan_remove(["demo"])
    (degraded,) = service.plan_add(["demo"], Role.MEMBER)
    assert removed.refusal == degraded.refusal == "demo is the last owner of BRAINS."


def test_users_are_removed(xnat, service, carry_out):
    changes = service.plan_remove(["reader", "nobody"])
    assert [one.refusal for one in changes] == ["", "nobody is no user of BRAINS."]
    assert [result.error for result in carry_out(changes, service.do)] == [None]
    assert "reader" not in xnat.site.projects["BRAINS"].users


def test_another_role_is_not_taken(service):
    (change,) = service.plan_remove(["reader"], Role.MEMBER)
    assert change.refusal == "reader is no member of BRAINS."


def test_members_may_look_and_not_change(sign_in, look, carry_out):
    service = ProjectUsers(sign_in("member"), look("BRAINS"))
    (result,) = carry_out(service.plan_remove(["reader"]), service.do)
    assert isinstance(result.error, Forbidden)


def test_how_open_a_project_is_can_be_set(xnat, service, carry_out):
    (change,) = service.plan_accessibility("public")
    assert (change.before, change.note) == (
        {"accessibility": "private"},
        "everybody who reaches the server can read all of its data",
    )
    assert [result.error for result in carry_out([change], service.do)] == [None]
    assert xnat.site.projects["BRAINS"].accessibility == "public"
    assert service.plan_accessibility("public") == []
    with pytest.raises(UsageError):
        service.plan_accessibility("open")


def test_every_write_is_read_back(xnat, administrator, carry_out):
    changes = administrator.plan_add(["outsider", "reader"], Role.MEMBER)
    xnat.faults.add("^PUT .*/users/", DO_NOTHING, times=1)
    xnat.faults.add("^PUT .*/users/", WriteThenDrop(), times=1)
    results = carry_out(changes, administrator.do)
    assert [type(result.error) for result in results] == [BadAnswer, type(None)]
