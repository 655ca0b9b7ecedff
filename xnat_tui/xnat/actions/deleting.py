"""Deleting resources and files. Callers check the listing first and read it back: a 200 proves nothing.

XNAT answers 200 for a resource that does not exist. XNAT 1.8 deletes every file whose path starts with
the one that is named, and reads `*` in it as a wildcard (`docs/xnat-contract.md` 4.4, 4.8).
"""

from __future__ import annotations

from xnat_tui.xnat.http.connection import LONG_SECONDS, WRITE_SECONDS, Connection, encode_uri


def delete_resource(connection: Connection, uri: str) -> None:
    """`uri` ends in the resource's number: a label could stand for several. Raises Forbidden for members."""
    connection.write("DELETE", encode_uri(uri), params={"removeFiles": True}, timeout=WRITE_SECONDS)


def delete_file(connection: Connection, uri: str) -> None:
    """Raises NotFound where no file matches, Forbidden without the right to delete."""
    connection.write("DELETE", encode_uri(uri), params={"removeFiles": True}, timeout=WRITE_SECONDS)


def delete_item(connection: Connection, uri: str) -> None:
    """A subject, session, scan, assessor or reconstruction, with its files.

    `uri` leads through the project that owns it: through another one XNAT would only unshare
    (`docs/xnat-contract.md` 7.1, 8.3). Raises Forbidden for others than owners, NotFound, Conflict, Unclear.
    """
    connection.write("DELETE", encode_uri(uri), params={"removeFiles": True}, timeout=LONG_SECONDS)
