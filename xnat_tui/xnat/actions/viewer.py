"""The OHIF viewer's plugin, which is no part of XNAT: whether it is there, and its metadata
(`docs/xnat-contract.md` 10.3)."""

from __future__ import annotations

from xnat_tui.errors import Forbidden, NotFound
from xnat_tui.xnat.http.connection import Connection, url_path

PLUGIN = "ohifViewerPlugin"
REBUILD_SECONDS = 900.0
"""The plugin reads every file of a session before it answers."""


def installed(connection: Connection) -> bool | None:
    """Whether the server has the plugin; None where this user may not know."""
    try:
        connection.get_text(f"/xapi/plugins/{PLUGIN}")
    except NotFound:
        return False
    except Forbidden:
        return None
    return True


def rebuild(connection: Connection, project: str, experiment: str) -> None:
    """Have the plugin describe a session anew. Raises NotFound without the plugin or the session."""
    connection.write(
        "POST",
        f"/xapi/viewer/projects/{url_path(project, 'experiments', experiment)}",
        timeout=REBUILD_SECONDS,
    )
