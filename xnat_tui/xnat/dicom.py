"""DICOM headers from a server: the beginning of a file, or the header that the server itself has read."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.xnat.addresses import encode_uri
from xnat_tui.xnat.connection import Connection
from xnat_tui.xnat.streams import Download

if TYPE_CHECKING:
    from pydicom import Dataset

    from xnat_tui.xnat.table import Row

LARGEST_HEADER = 16_000_000
"""Bytes. Private elements make headers of some megabytes; more is a file without pixel data."""
_PREAMBLE = 132
_MARK = b"DICM"


def read_header(connection: Connection, uri: str, *, names: Sequence[str] = ()) -> Dataset:
    """The header of a DICOM file, up to its pixel data (DICOM PS3.10); the connection is then closed.

    `uri` is not percent-encoded, as in the server's tables. With `names` (keywords such as "PatientAge")
    only these are kept. Raises BadAnswer for what is no DICOM file, or whose header is too long.
    """
    with connection.download(encode_uri(uri)) as download:
        return _parse(Beginning(download), names)


def dump_header(connection: Connection, source: str, names: Sequence[str] = ()) -> Dataset:
    """The header as `/data/services/dicomdump` tells it: its values are texts, cut where they are long.

    `source` is `/archive/projects/P/subjects/S/experiments/E/scans/SC[/resources/R/files/NAME]`, or the
    same below `/prearchive`. XNAT answers for one file of a scan. Raises NotFound, ServerError.
    """
    table = connection.table("/data/services/dicomdump", src=source, field=list(names) or None)
    return _from_rows(table)


class Beginning(io.RawIOBase):
    """A download as a file that can be read and searched backwards; more is fetched when it is asked for."""

    def __init__(self, download: Download, limit: int = LARGEST_HEADER) -> None:
        super().__init__()
        self._chunks: Iterator[bytes] = iter(download)
        self._seen = bytearray()
        self._at = 0
        self._limit = limit
        self.ended = False

    @property
    def fetched(self) -> int:
        """Bytes taken from the server so far."""
        return len(self._seen)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            self._fetch(self._limit)
            self._at = len(self._seen) + offset
        else:
            self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        self._fetch(self._limit if size < 0 else self._at + size)
        end = len(self._seen) if size < 0 else self._at + size
        found = bytes(self._seen[self._at : end])
        self._at += len(found)
        return found

    def _fetch(self, until: int) -> None:
        """Raises BadAnswer beyond the limit: a header is never that long."""
        while len(self._seen) < until and not self.ended:
            if len(self._seen) >= self._limit:
                raise BadAnswer(f"No end of the header within {self._limit} bytes.", "Export the file.")
            chunk = next(self._chunks, b"")
            self.ended = not chunk
            self._seen += chunk


def _parse(file: Beginning, names: Sequence[str]) -> Dataset:
    import pydicom
    from pydicom.errors import InvalidDicomError

    start = file.read(_PREAMBLE)
    file.seek(0)
    marked = start[128:] == _MARK
    failure: XnatTuiError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities of strangers' files; they would carry values
            dataset: Dataset = pydicom.dcmread(
                file,
                stop_before_pixels=True,
                force=not marked and _looks_bare(start),
                specific_tags=list(names) or None,
            )
    except (InvalidDicomError, EOFError, ValueError, KeyError, TypeError, NotImplementedError, OSError):
        failure = BadAnswer("This is no DICOM file, or its header is damaged.", "Look at another file.")
    else:
        if len(dataset) or names:
            return dataset
        failure = BadAnswer("This is no DICOM file: it has no header.", "Look at another file.")
    raise failure


def _looks_bare(start: bytes) -> bool:
    """Whether it begins with an element of group 0002 or 0008, as files without a preamble do."""
    return start[:2] in (b"\x08\x00", b"\x02\x00") and start[3:4] == b"\x00"


def _from_rows(table: Iterable[Row]) -> Dataset:
    from pydicom import Dataset
    from pydicom.tag import Tag

    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
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
