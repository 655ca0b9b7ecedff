"""What the signed-in user may do in the projects of a server."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_tui.xnat.http.connection import Connection

_ROLES = {"Owners": "read, edit, delete", "Members": "read, edit", "Collaborators": "read"}
_OPEN = {"public": "read, as everybody", "protected": "sees that it exists"}
READ_AT_MOST = frozenset((_ROLES["Collaborators"], *_OPEN.values()))
"""Rights that allow no write. What a group of a project's own making may do is not known."""


def own_access(connection: Connection) -> Mapping[str, str]:
    """Project ID → the user's rights in words; "" where the server does not say. One request.

    `/data/projects?accessible=true` lists what is visible with lower-case columns; the user's group stands in
    `user_role_N`, N being his number (`docs/xnat-contract.md` 2.5). A group of the project's own making is
    told by its name.
    """
    table = connection.table("/data/projects", "id", accessible=True)
    columns = [column for column in table.columns if column.lower().startswith("user_role_")]
    found = {}
    for row in table:
        role = row[columns[0]] if columns else ""
        found[row.required("id")] = _ROLES.get(role, role) or _OPEN.get(row["project_access"], "")
    return found
