"""People: the members of projects, and the site's accounts."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Project
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.records import User
from xnat_tui.demo.replies import Refusal, Table, json_reply
from xnat_tui.demo.rights import edits_project, owns_project
from xnat_tui.demo.targets import project_of
from xnat_tui.demo.traces import record

_TITLES = {"owner": "Owners", "member": "Members", "collaborator": "Collaborators"}
_ADMIN_GROUP = "ALL_DATA_ADMIN"
_COLUMNS = ("GROUP_ID", "displayname", "login", "firstname", "lastname", "email")


def list_members(call: Call) -> Response:
    """The users of a project with their groups; 403 without edit rights. ``/true`` shows disabled ones."""
    return _members(call, _project(call))


def put_member(call: Call) -> Response:
    """Add a user or change the group; an unknown mail address is invited. Unknown group: 500."""
    project = _managed(call)
    role = _role(call, project)
    user = _user(call)
    if user is None:
        address = unquote(call.path["user"])
        if "@" not in address:
            raise Refusal(404, f"Unable to find user '{address}'")
        invited = project.settings.get("invited", "")
        project.settings["invited"] = f"{invited},{address}".strip(",")
    else:
        project.users[user.login] = role
    record(call, project, "Configured Project Users")
    return _members(call, project)


def delete_member(call: Call) -> Response:
    project = _managed(call)
    role, user = _role(call, project), _user(call)
    if user is None:
        raise Refusal(404, "Unable to find user")
    if project.users.get(user.login) == role:
        del project.users[user.login]
        record(call, project, "Configured Project Users")
    return _members(call, project)


def list_users(call: Call) -> Response:
    """Enabled accounts; 403 where the list is for administrators only."""
    _check_lists(call)
    rows = [
        [str(one.number), one.login, one.firstname, one.lastname, one.email]
        for one in call.site.users.values()
        if one.enabled
    ]
    return call.table(Table(["xdat_user_id", "login", "firstname", "lastname", "email"], rows))


def access_requests(call: Call) -> Response:
    """The requests for access to a project: nobody ever asks here."""
    _managed(call)
    columns = ["par_id", "create_date", "user_id", "level", "approval_date", "approved", "email"]
    return call.table(Table(columns, [], title="Project Access Requests"))


def names(call: Call) -> Response:
    _check_lists(call)
    return json_reply([one.login for one in call.site.users.values()])


def profiles(call: Call) -> Response:
    _check_lists(call)
    return json_reply([_profile(one) for one in call.site.users.values()])


def own_profile(call: Call) -> Response:
    return json_reply(_profile(call.user))


def profile(call: Call) -> Response:
    return json_reply(_profile(_account(call)))


def groups(call: Call) -> Response:
    return json_reply(_groups(call, _account(call)))


def put_group(call: Call) -> Response:
    user, project, role = _group(call)
    project.users[user.login] = role
    return json_reply(_groups(call, user))


def delete_group(call: Call) -> Response:
    user, project, role = _group(call)
    if project.users.get(user.login) == role:
        del project.users[user.login]
    return json_reply(_groups(call, user))


def editable_projects(call: Call) -> Response:
    """The IDs of the projects that the caller may edit."""
    found = [one.id for one in call.site.projects.values() if edits_project(call.user, one)]
    return json_reply(found)


def end_sessions(call: Call) -> Response:
    """End every server session of a user."""
    user = _account(call)
    ended = [key for key, one in call.site.sessions.items() if one.login == user.login]
    for key in ended:
        del call.site.sessions[key]
    return json_reply(ended)


def routes() -> list[Route]:
    members = "/data/projects/{project}/users"
    account = "/xapi/users/{user}"
    return [
        route(members, GET=list_members),
        route(f"{members}/{{hidden}}", GET=list_members),
        route(f"{members}/{{group}}/{{user}}", PUT=put_member, DELETE=delete_member),
        route("/data/projects/{project}/pars", GET=access_requests),
        route("/data/users", GET=list_users),
        route("/xapi/users", GET=names),
        route("/xapi/users/profiles", GET=profiles),
        route("/xapi/users/profile", GET=own_profile),
        route("/xapi/users/profile/{user}", GET=profile),
        route("/xapi/users/projects", GET=editable_projects),
        route("/xapi/users/active/{user}", DELETE=end_sessions),
        route(account, GET=profile),
        route(f"{account}/groups", GET=groups),
        route(f"{account}/groups/{{group}}", PUT=put_group, DELETE=delete_group),
    ]


def _project(call: Call) -> Project:
    project = project_of(call)
    if not edits_project(call.user, project):
        raise Refusal(403, "Insufficient privileges to see the users of this project.")
    return project


def _managed(call: Call) -> Project:
    if call.user.login == "guest":
        raise Refusal(412, "Guests cannot manage users.")
    project = project_of(call)
    if not owns_project(call.user, project):
        raise Refusal(403, "Insufficient privileges to manage the users of this project.")
    return project


def _role(call: Call, project: Project) -> str:
    """``Owners``, ``P_owner`` or ``owner``."""
    name = unquote(call.path["group"]).removeprefix(f"{project.id}_")
    for role, title in _TITLES.items():
        if name in (role, title):
            return role
    raise Refusal(500, f"Unknown group: {name}")


def _user(call: Call) -> User | None:
    key = unquote(call.path["user"])
    return next(
        (one for one in call.site.users.values() if key in (one.login, one.email, str(one.number))), None
    )


def _members(call: Call, project: Project) -> Response:
    hidden = call.path.get("hidden", "false").lower() == "true"
    rows = []
    for login, role in project.users.items():
        user = call.site.users.get(login)
        if user is not None and (user.enabled or hidden):
            group = [f"{project.id}_{role}", _TITLES[role]]
            rows.append([*group, login, user.firstname, user.lastname, user.email])
    rows.sort(key=lambda row: row[0], reverse=True)  # the server orders by the group's ID, descending
    return call.table(Table(_COLUMNS, rows))


def _check_lists(call: Call) -> None:
    if call.user.login == "guest" or (call.site.settings.restrict_user_list and not call.user.admin):
        raise Refusal(403)


def _account(call: Call) -> User:
    login = call.path["user"]
    if login != call.user.login and not call.user.admin:
        raise Refusal(403)
    user = call.site.users.get(login)
    if user is None:
        raise Refusal(404)
    return user


def _groups(call: Call, user: User) -> list[str]:
    found = [
        f"{one.id}_{one.users[user.login]}" for one in call.site.projects.values() if user.login in one.users
    ]
    return [*found, *sorted(user.groups), *([_ADMIN_GROUP] if user.admin else [])]


def _group(call: Call) -> tuple[User, Project, str]:
    user = call.site.users.get(call.path["user"])
    project_id, _, role = call.path["group"].rpartition("_")
    project = call.site.projects.get(project_id)
    if user is None or project is None or role not in _TITLES:
        raise Refusal(404)
    if not owns_project(call.user, project):
        raise Refusal(403)
    return user, project, role


def _profile(user: User) -> dict[str, object]:
    return {
        "id": user.number,
        "username": user.login,
        "firstName": user.firstname,
        "lastName": user.lastname,
        "email": user.email,
        "enabled": user.enabled,
        "verified": True,
        "secured": True,
        "lastModified": 1704067200000,
        "lastSuccessfulLogin": 1704067200000,
    }
