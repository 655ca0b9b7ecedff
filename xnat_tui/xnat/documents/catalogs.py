"""Catalog maintenance (`docs/xnat-contract.md` 4.9), and what XNAT can do again to archived sessions."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.errors import UsageError
from xnat_tui.xnat.http.connection import LONG_SECONDS, Connection, url_path

OPTIONS = {
    "append": "add files on disk that are missing from the catalog",
    "checksum": "compute missing digests; reads those files",
    "delete": "drop entries whose file is gone",
    "populateStats": "count files and bytes anew",
}
"""What a refresh can do. XNAT takes a call without any for all of them, `delete` included."""
DEFAULT_OPTIONS = ("append", "checksum", "populateStats")


def refresh(connection: Connection, resource: str, options: Sequence[str]) -> None:
    """Refresh what an address below `/archive` covers, in one synchronous call.

    A session covers its scans, reconstructions and assessors (their `out` side); a project or subject only
    its own resources. Raises UsageError without options, Unclear where no answer came in time: the server
    goes on all the same.
    """
    if not options or not set(options) <= OPTIONS.keys():
        raise UsageError("A refresh needs at least one option.", f"There are: {', '.join(OPTIONS)}.")
    connection.write(
        "POST",
        "/data/services/refresh/catalog",
        params={"resource": resource, "options": ",".join(options)},
        timeout=LONG_SECONDS,
    )


def run_step(connection: Connection, project: str, step: str, experiment: str) -> None:
    """Have XNAT do `pullDataFromHeaders` or `fixScanTypes` to a session of the project that owns it
    (`docs/xnat-contract.md` 3.10)."""
    path = url_path(project, "pipelines", step, "experiments", experiment)
    connection.write("POST", f"/data/projects/{path}", timeout=LONG_SECONDS)


def clear_caches(connection: Connection) -> None:
    """Have the server forget its caches. Raises Forbidden for all but administrators."""
    params = {"action": "clear_caches", "cacheId": "nrg"}
    connection.write("GET", "/monitoring", params=params, page=True)
