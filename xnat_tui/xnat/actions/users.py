"""The users of a project and of the site, and who may see a project (`docs/xnat-contract.md` 7.4, 9.6)."""

from __future__ import annotations

from xnat_tui.errors import BadAnswer, Forbidden, NotFound, ServerError
from xnat_tui.model.sharing import Member
from xnat_tui.xnat.http.connection import Connection, url_path

_UNTOLD = (BadAnswer, Forbidden, NotFound, ServerError)
"""What servers without such an address, or without the wish to tell, answer."""


def members(connection: Connection, project: str) -> list[Member]:
    """The users of a project with their groups. Raises Forbidden for those who may not edit it."""
    table = connection.table(f"/data/projects/{url_path(project)}/users", "login", "GROUP_ID")
    return [
        Member(
            row.required("login"),
            row.required("GROUP_ID"),
            row["displayname"],
            row["firstname"],
            row["lastname"],
            row["email"],
        )
        for row in table
    ]


def accounts(connection: Connection) -> dict[str, str] | None:
    """Login → mail address of the site's users; None where only administrators may see them."""
    try:
        table = connection.table("/data/users", "login")
    except Forbidden:
        return None
    return {row.required("login"): row["email"] for row in table}


def put_member(connection: Connection, project: str, group: str, login: str) -> None:
    """Add a user to a group, or change his group. XNAT invites an unknown mail address: never send one."""
    _write(connection, "PUT", project, group, login)


def delete_member(connection: Connection, project: str, group: str, login: str) -> None:
    """Take a user out of a group. Raises Forbidden for all but owners. Read back."""
    _write(connection, "DELETE", project, group, login)


def accessibility(connection: Connection, project: str) -> str:
    """`public`, `protected` or `private`. Raises BadAnswer for anything else."""
    word = connection.get_text(f"/data/projects/{url_path(project)}/accessibility").strip()
    if word not in ("public", "protected", "private"):
        raise BadAnswer("The server does not tell who may see this project.", "Reload.")
    return word


def is_administrator(connection: Connection) -> bool | None:
    """Whether the signed-in user is a site administrator; None where the server does not tell."""
    try:
        roles = connection.get_json(f"/xapi/users/{url_path(connection.user)}/roles")
    except _UNTOLD:
        return None
    return "Administrator" in roles if isinstance(roles, list) else None


def _write(connection: Connection, method: str, project: str, group: str, login: str) -> None:
    path = f"/data/projects/{url_path(project, 'users', group, login)}"
    connection.write(method, path, params={"format": "json"})
