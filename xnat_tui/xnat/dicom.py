"""DICOM headers from a server: the beginning of a file, or the header that the server itself has read."""

from __future__ import annotations

import io
import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
FIRST_BYTES = 64_000
"""What is looked at before more is fetched; most headers end within some kB."""
LARGEST_INFLATED = 128_000_000
"""Bytes. A deflated file of 16 MB may hold a thousand times as much; pydicom inflates all of it."""
DAMAGE = (
    *(EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, OSError),
    *(struct.error, zlib.error),
)
"""What pydicom may raise on a damaged file, beside its own errors."""
_PARSING = threading.Lock()
_PREAMBLE = 132
_MARK = b"DICM"


def read_header(connection: Connection, uri: str, *, names: Sequence[str] = ()) -> Dataset:
    """The header of a DICOM file, up to its pixel data (DICOM PS3.10); the connection is then closed.

    `uri` is not percent-encoded, as in the server's tables. With `names` (keywords such as "PatientAge")
    only these are kept. Raises BadAnswer for what is no DICOM file, or whose header is too long.
    """
    with connection.download(encode_uri(uri)) as download:
        return _read(download, names)


def dump_header(connection: Connection, source: str, names: Sequence[str] = ()) -> Dataset:
    """The header as `/data/services/dicomdump` tells it: its values are texts, cut where they are long.

    `source` is `/archive/projects/P/subjects/S/experiments/E/scans/SC[/resources/R/files/NAME]`, or the
    same below `/prearchive`. XNAT answers for one file of a scan. Raises NotFound, ServerError.
    """
    table = connection.table("/data/services/dicomdump", src=source, field=list(names) or None)
    return _from_rows(table)


class _Short(Exception):
    """More of the file is needed; `until` bytes at least."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class Content(io.BytesIO):
    """A whole DICOM file. Raises BadAnswer rather than let pydicom inflate too much of it."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if size is None or size < 0:
            _check_inflated(found)
        return found


class _Beginning(io.RawIOBase):
    """The first bytes of a file that has not come to its end yet: reading beyond them raises _Short."""

    def __init__(self, seen: bytes, *, whole: bool) -> None:
        super().__init__()
        self._seen = seen
        self._whole = whole
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            self._need(LARGEST_HEADER + 1)
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._seen)}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        end = LARGEST_HEADER + 1 if size < 0 else self._at + size
        self._need(end)
        found = self._seen[self._at : end]
        self._at += len(found)
        if size < 0:
            _check_inflated(found)
        return found

    def _need(self, until: int) -> None:
        if until > len(self._seen) and not self._whole:
            raise _Short(until)


def _check_inflated(rest: bytes) -> None:
    """pydicom reads to a file's end only to inflate what follows the meta header (DICOM PS3.5 A.5)."""
    stream, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with suppress(zlib.error):  # pydicom will say so
        while rest and not stream.eof and total <= LARGEST_INFLATED:
            total += len(stream.decompress(rest, 1_000_000))
            rest = stream.unconsumed_tail
    if total > LARGEST_INFLATED:
        raise BadAnswer(f"The deflated file holds more than {LARGEST_INFLATED} bytes.", "Export the file.")


def _read(download: Download, names: Sequence[str]) -> Dataset:
    """Fetch as much as the parser turns out to need: twice as much each time it was not enough."""
    chunks, seen, whole, until = iter(download), bytearray(), False, FIRST_BYTES
    while True:
        while len(seen) < until and not whole:
            chunk = next(chunks, b"")
            whole = not chunk
            seen += chunk
        try:
            return _parse(bytes(seen), whole, names)
        except _Short as short:
            until = max(short.until, 2 * len(seen))
        if len(seen) > LARGEST_HEADER:
            raise BadAnswer(f"No end of the header within {LARGEST_HEADER} bytes.", "Export the file.")


def _parse(seen: bytes, whole: bool, names: Sequence[str]) -> Dataset:
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    marked = seen[128:_PREAMBLE] == _MARK
    failure: XnatTuiError
    try:
        with quietly():
            dataset: Dataset = pydicom.dcmread(
                _Beginning(seen, whole=whole),
                stop_before_pixels=True,
                force=not marked and _looks_bare(seen),
                specific_tags=list(names) or None,
            )
            for _ in (*dataset.file_meta.iterall(), *dataset.iterall()):
                pass  # values are decoded when they are looked at: now, while nobody hears complaints
    except (*DAMAGE, InvalidDicomError, BytesLengthException):
        failure = BadAnswer("This is no DICOM file, or its header is damaged.", "Look at another file.")
    except NotImplementedError:
        failure = BadAnswer("This DICOM file has elements of a kind that is not known.", "Export the file.")
    else:
        if len(dataset) or names:
            return dataset
        failure = BadAnswer("This is no DICOM file: it has no header.", "Look at another file.")
    raise failure


@contextmanager
def quietly() -> Iterator[None]:
    """Read headers without pydicom's complaints, on stderr or in a log: they carry values.

    One thread at a time: filters of warnings are the whole process's.
    """
    import pydicom

    logger = logging.getLogger("pydicom")
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level, mode = logger.level, pydicom.config.settings.reading_validation_mode
        logger.setLevel(logging.CRITICAL)
        pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
        try:
            yield
        finally:
            pydicom.config.settings.reading_validation_mode = mode
            logger.setLevel(level)


def _looks_bare(start: bytes) -> bool:
    """Whether it begins with an element of group 0002 or 0008, as files without a preamble do."""
    return start[:2] in (b"\x08\x00", b"\x02\x00") and start[3:4] == b"\x00"


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
