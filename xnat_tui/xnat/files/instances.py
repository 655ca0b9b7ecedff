"""Which DICOM instances a server holds, told by the headers of its files: SOP instance UIDs.

What passed the import service may have other bytes, other names and other scan IDs than what was sent; its
UIDs are the same unless a script replaced them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from xnat_tui.errors import BadAnswer, NotFound
from xnat_tui.model.prearchive import Received
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.files import dicom_files, zips
from xnat_tui.xnat.files.dicom_files import DamagedDicomError, NotDicomError, TooLongError
from xnat_tui.xnat.http.connection import Connection, encode_uri, url_path


def archived(connection: Connection, uri: str) -> set[str]:
    """Those of an archived session's scans, at any address of it. Raises NotFound, BadAnswer."""
    document = writing.read_item(connection, uri)
    session = f"/data/experiments/{url_path(item_xml.accession_id(document))}"
    found: set[str] = set()
    for scan in item_xml.scans(document):
        found |= set(_in_zip(connection, f"{session}/scans/{url_path(scan)}/files"))
    return found


def received(connection: Connection, one: Received) -> set[str]:
    """Those of a session in the prearchive. Raises NotFound where it is gone, Forbidden, BadAnswer."""
    return set(_in_zip(connection, encode_uri(f"/data{one.url}")))


def uid_of(file: IO[bytes]) -> str:
    """Empty for what is no DICOM, or damaged. Only the header is read. Raises what reading raises."""
    try:
        header = dicom_files.read_header(dicom_files.pieces(file), ("SOPInstanceUID",))
    except (NotDicomError, DamagedDicomError, TooLongError):
        return ""
    return str(header.get("SOPInstanceUID", "") or "")


def _in_zip(connection: Connection, path: str) -> Iterator[str]:
    try:
        with zips.archive(connection, path) as packed:
            for info in packed.infolist():
                with packed.open(info) as opened:
                    uid = uid_of(opened)
                if uid:
                    yield uid
    except NotFound:
        return  # a scan without files
    except zips.DAMAGED:
        pass
    else:
        return
    raise BadAnswer("The server's zip is damaged.", "Try again.")
