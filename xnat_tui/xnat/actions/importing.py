"""The import service: DICOM in, addresses of the sessions it became out.

XNAT answers with a `text/uri-list`, one line per session. Anonymisation scripts run on arrival, so what is
stored need not be what was sent (`docs/xnat-contract.md` 5).
"""

from __future__ import annotations

from collections.abc import Mapping

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.actions.prearchive import addresses
from xnat_tui.xnat.documents.writing import Body
from xnat_tui.xnat.http.connection import Connection

IMPORT_SECONDS = 900.0
HANDLER = "DICOM-zip"
"""It adds to the session that the same study already has in the prearchive: sending again changes nothing."""

IGNORING_SINCE = (1, 8, 3)
"""From this version on `Ignore-Unparsable` has the importer take what stands beside a file it cannot read."""


def send(connection: Connection, body: Body, content_type: str, params: Mapping[str, str]) -> list[str]:
    """Stream one archive of DICOM files to the import service; where its sessions are now, with `/data`.

    `params` may hold `dest`, `project`, `subject`, `session`, `overwrite`. Raises Refused (400) where
    nothing in it is DICOM, Conflict, Forbidden, Unclear; BadAnswer where the answer names no session.
    """
    lenient = {"Ignore-Unparsable": "true"} if connection.version_tuple >= IGNORING_SINCE else {}
    answer = connection.upload(
        "POST",
        "/data/services/import",
        body.open,
        body.length,
        content_type,
        params={"import-handler": HANDLER, "inbody": "true", **lenient, **params},
        on_bytes=body.on_bytes,
        timeout=IMPORT_SECONDS,
    )
    found = addresses(answer.text)
    if not found:
        raise BadAnswer("The import service does not say what it made of this.", "Look at the prearchive.")
    return found
