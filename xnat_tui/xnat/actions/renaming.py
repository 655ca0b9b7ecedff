"""Renaming, and finding out what became of it (`docs/xnat-contract.md` 8.1).

XNAT ignores all other parameters of a call that renames, answers 200 without a body, and does nothing
through a project that only shares the item. It copies the item's folder first: proxies give up meanwhile.
"""

from __future__ import annotations

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.actions.sharing import projects_of
from xnat_tui.xnat.http.connection import Connection, encode_uri

RENAME_SECONDS = 900.0


def put_label(connection: Connection, uri: str, label: str) -> None:
    """Give an item of the owner's project another label, once.

    Raises Conflict where the label is in use or the item is being processed (some servers say so of a
    rename that succeeds), ServerError, Unclear: look with `current_label` before anything else.
    """
    connection.write("PUT", encode_uri(uri), params={"label": label}, timeout=RENAME_SECONDS)


def current_label(connection: Connection, uri: str) -> str:
    """The label in the owner's project. Raises BadAnswer where the server does not tell."""
    label = projects_of(connection, uri).owner.label
    if not label:
        raise BadAnswer("The server does not tell the item's label.", "Reload.")
    return label


def put_subject(connection: Connection, project: str, session: str, subject: str) -> None:
    """Give a session of its owner's project to another subject there, both by accession ID
    (`docs/xnat-contract.md` 8.2). Raises as `put_label`; read back."""
    uri = f"/data/projects/{project}/experiments/{session}"
    connection.write("PUT", encode_uri(uri), params={"subject_ID": subject}, timeout=RENAME_SECONDS)
