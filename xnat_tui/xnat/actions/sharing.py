"""Sharing, unsharing and change of owner, and the labels that a project has already.

The same address serves all three: PUT shares, PUT with `primary=true` gives the item away, DELETE unshares
(`docs/xnat-contract.md` 7.1, 7.2). Nothing here ever sends a DELETE to another address: through the owner's
project that deletes data.
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.errors import BadAnswer
from xnat_tui.model.sharing import Projects, Shared
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.http.connection import LONG_SECONDS, WRITE_SECONDS, Connection, encode_uri, url_path
from xnat_tui.xnat.tables.listing import IDENTIFYING, accession_id
from xnat_tui.xnat.tables.table import Table


def projects_of(connection: Connection, uri: str) -> Projects:
    """Where an item is. The table's first row is the owner, the others are shares.

    See `docs/xnat-contract.md` 3.3. Raises NotFound, and BadAnswer where nobody owns it.
    """
    table = connection.table(f"{encode_uri(uri)}/projects", "ID", "label")
    found = [Shared(row.required("ID"), row["label"], plain_text(row["Name"])) for row in table]
    if not found:
        raise BadAnswer("The server does not tell which project owns this item.", "Reload.")
    return Projects(found[0], tuple(found[1:]))


def put_share(connection: Connection, uri: str, project: str, label: str) -> None:
    """Share an item, or give its share another label; "" leaves it under its own.

    XNAT answers 409 for an experiment that is shared there already even when the same call has just
    changed its label: read back. Raises Conflict, Forbidden, NotFound, Unclear.
    """
    params = {"label": label or None, "format": "json"}
    connection.write("PUT", _address(uri, project), params=params, timeout=WRITE_SECONDS)


def delete_share(connection: Connection, uri: str, project: str) -> None:
    """End a share. The caller has made sure that `project` does not own the item."""
    connection.write("DELETE", _address(uri, project), params={"format": "json"})


def put_owner(connection: Connection, uri: str, project: str, assessors: Sequence[str] = ()) -> None:
    """Give an item with its files to another project; `assessors` are IDs that go along with a session."""
    params = {
        "primary": "true",
        "moveAssessors": ",".join(assessors) or None,
        "format": "json",
    }
    connection.write("PUT", _address(uri, project), params=params, timeout=LONG_SECONDS)  # it moves files


def subject_labels(connection: Connection, project: str) -> dict[str, str]:
    """Label → accession ID of all subjects that a project shows."""
    table = connection.table(f"/data/projects/{url_path(project)}/subjects", *IDENTIFYING, columns="ID,label")
    return _by_label(table)


def experiment_labels(connection: Connection, project: str) -> dict[str, str]:
    """Label → accession ID of all experiments that a project shows: assessors share their labels' space."""
    path = f"/data/projects/{url_path(project)}/experiments"
    found = _by_label(connection.table(path, *IDENTIFYING, columns="ID,label"))
    assessors = connection.table(path, *IDENTIFYING, columns="ID,label", xsiType="xnat:imageAssessorData")
    return found | _by_label(assessors)


def _by_label(table: Table) -> dict[str, str]:
    """An item without a label stands under its ID, as everywhere."""
    return {row["label"] or accession_id(row): accession_id(row) for row in table}


def _address(uri: str, project: str) -> str:
    return f"{encode_uri(uri)}/projects/{url_path(project)}"
