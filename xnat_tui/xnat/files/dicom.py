"""DICOM headers from a server: the beginning of a file, or the header that the server itself has read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, NotDicom, XnatTuiError
from xnat_tui.xnat.files import dicom_files
from xnat_tui.xnat.files.dicom_files import DamagedDicomError, NotDicomError, TooLongError, quietly
from xnat_tui.xnat.http.addresses import encode_uri
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.http.streams import Download

if TYPE_CHECKING:
    from pydicom import Dataset

    from xnat_tui.xnat.tables.table import Row


def read_header(connection: Connection, uri: str, *, names: Sequence[str] = ()) -> Dataset:
    """The header of a DICOM file, up to its pixel data (DICOM PS3.10); the connection is then closed.

    `uri` is not percent-encoded, as in the server's tables. With `names` (keywords such as "PatientAge")
    only these are kept. Raises BadAnswer for what is no DICOM file, or whose header is too long.
    """
    with connection.download(encode_uri(uri)) as download:
        return _read(download, names)


def dump_header(connection: Connection, source: str, names: Sequence[str] = ()) -> Dataset:
    """The header as `/data/services/dicomdump` tells it: its values are texts, cut where they are long.

    `source` is `/archive/projects/P/subjects/S/experiments/E/scans/SC[/resources/R/files/NAME]`, or the same
    below `/prearchive`. XNAT answers for one file of a scan (`docs/xnat-contract.md` 4.10). Raises NotFound,
    ServerError.
    """
    table = connection.table("/data/services/dicomdump", src=source, field=list(names) or None)
    return _from_rows(table)


def _read(download: Download, names: Sequence[str]) -> Dataset:
    failure: XnatTuiError
    try:
        return dicom_files.read_header(download, names)
    except NotDicomError:
        failure = NotDicom("This is no DICOM file.", "Look at another file.")
    except DamagedDicomError:
        failure = BadAnswer("This DICOM file is damaged: its header cannot be read.", "Look at another file.")
    except TooLongError as error:
        failure = BadAnswer(str(error), "Export the file.")
    raise failure


def _from_rows(table: Iterable[Row]) -> Dataset:
    from pydicom import Dataset
    from pydicom.tag import Tag

    dataset = Dataset()
    with quietly():
        for row in table:
            digits = "".join(mark for mark in row["tag1"] if mark in "0123456789abcdefABCDEF")
            if len(digits) != 8 or row["tag2"].strip():
                continue  # an element within a sequence: its place in it is not told
            vr = row["vr"].strip() or "UN"
            with suppress(ValueError, TypeError, KeyError, NotImplementedError, AttributeError):
                dataset.add_new(Tag(int(digits, 16)), vr if vr.isalpha() else "UN", _value(vr, row["value"]))
    return dataset


def _value(vr: str, text: str) -> object:
    if vr in ("SQ", "UN", "OB", "OW", "OF", "OD", "OL", "AT"):
        return [] if vr == "SQ" else None
    parts: list[str] = text.split("\\") if "\\" in text else [text]
    if vr in ("US", "SS", "UL", "SL", "UV", "SV"):
        numbers = [int(part) for part in parts if part.strip()]
        return numbers[0] if len(numbers) == 1 else numbers
    if vr in ("FL", "FD"):
        figures = [float(part) for part in parts if part.strip()]
        return figures[0] if len(figures) == 1 else figures
    return text
