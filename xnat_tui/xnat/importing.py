"""The import service: DICOM in, addresses of the sessions it became out.

XNAT answers with a `text/uri-list`, one line per session. Anonymisation scripts run on arrival, so what is
stored need not be what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.connection import Connection
from xnat_tui.xnat.prearchive import addresses
from xnat_tui.xnat.writing import Body

IMPORT_SECONDS = 900.0
IGNORING_SINCE = (1, 8, 3)
"""From this version on `Ignore-Unparsable` has the zip importer leave out what is no DICOM."""


class Handler(StrEnum):
    """`DICOM-zip` adds to the session that the same study already has in the prearchive, so that sending
    again changes nothing; `SI` makes a new session of each upload and leaves out what is no DICOM."""

    DICOM_ZIP = "DICOM-zip"
    SESSION = "SI"


def send(
    connection: Connection, body: Body, content_type: str, handler: Handler, params: Mapping[str, str]
) -> list[str]:
    """Stream one archive to the import service; where its sessions are now, with `/data`.

    `params` may hold `dest`, `project`, `subject`, `session`, `overwrite`. Raises Refused (400) where nothing
    in it is DICOM, Conflict, Forbidden, Unclear; BadAnswer where the answer names no session.
    """
    lenient = connection.version_tuple >= IGNORING_SINCE and handler is Handler.DICOM_ZIP
    answer = connection.upload(
        "POST",
        "/data/services/import",
        body.open,
        body.length,
        content_type,
        params={
            "import-handler": str(handler),
            "inbody": "true",
            **({"Ignore-Unparsable": "true"} if lenient else {}),
            **params,
        },
        on_bytes=body.on_bytes,
        timeout=IMPORT_SECONDS,
    )
    found = addresses(answer.text)
    if not found:
        raise BadAnswer("The import service does not say what it made of this.", "Look at the prearchive.")
    return found


def handler_for(connection: Connection, *, only_dicom: bool) -> Handler:
    """What takes an archive best: one that may hold other files needs a server that leaves them out."""
    if only_dicom or connection.version_tuple >= IGNORING_SINCE:
        return Handler.DICOM_ZIP
    return Handler.SESSION
