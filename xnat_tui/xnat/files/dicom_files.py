"""What a DICOM file is, and its header: one rule for what is sent, shown, drawn and looked for.

A file is DICOM when it has the prefix of DICOM PS3.10 7.1, or when it begins with an element of group 0002 or
0008 in a known encoding and turns out to name an object: XNAT takes such files too, and scanners and exports
leave preambles out. All is read in bounded memory, from the beginning and no further than needed.
"""

from __future__ import annotations

import io
import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from xnat_tui.errors import BadAnswer

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag
    from pydicom.uid import UID

LARGEST_HEADER = 16_000_000
"""Bytes. Private elements make headers of some megabytes; more is a file without pixel data."""
FIRST_BYTES = 64_000
"""What is looked at before more is fetched; most headers end within some kB."""
LARGEST_INFLATED = 128_000_000
"""Bytes of a deflated file that is read whole; it may hold a thousand times as much as it has bytes."""
DAMAGE = (
    *(EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError),
    *(NotImplementedError, RecursionError, AssertionError, struct.error, zlib.error),
)
"""What pydicom may raise on a damaged file, beside its own errors."""
DIRECTORY = "1.2.840.10008.1.3.10"
"""Media Storage Directory Storage (DICOM PS3.4 B.5): a DICOMDIR, which lists files and is no image."""
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NAMING = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Modality", "RecognitionCode")
"""Elements of which a file without the prefix has at least one."""
_PREFIX = b"\0" * 128 + b"DICM"
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_LONGEST_FIRST = 4096
"""Bytes of the first element of a file without the prefix: a group length, character set or image type."""
_PARSING = threading.Lock()


class NotDicomError(Exception):
    """The file is something else."""


class DamagedDicomError(Exception):
    """The file is DICOM as far as it can be told, and its header cannot be read."""


class TooLongError(Exception):
    """The header does not end within LARGEST_HEADER bytes."""


def read_header(chunks: Iterable[bytes], names: Sequence[str] = ()) -> Dataset:
    """The header of a file that comes in pieces, up to its pixel data; no more of them are taken than needed.

    With `names` (keywords such as "PatientAge") only these are kept, and nothing after the last of them is
    read. Raises NotDicomError, DamagedDicomError, TooLongError, and what the pieces raise.
    """
    source = _Source(iter(chunks))
    source.grow(FIRST_BYTES)
    meta = None
    if found := meta_before_deflated(source.seen):
        meta, end = found
        source = _Source(inflated(source.after(end)))
        source.grow(FIRST_BYTES)
    while True:
        try:
            return _parse(bytes(source.seen), source.whole, names, meta)
        except _ShortError as short:
            until = min(max(short.until, 2 * len(source.seen)), LARGEST_HEADER + 1)
        if len(source.seen) > LARGEST_HEADER:
            raise TooLongError(f"No end of the header within {LARGEST_HEADER} bytes.")
        source.grow(until)


def read_whole(content: bytes) -> Dataset:
    """A file with its pixels. Raises as `read_header`, and BadAnswer where it inflates without end."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.errors import BytesLengthException, InvalidDicomError

    bare = not is_marked(content)
    if bare and not _looks_bare(content):
        raise NotDicomError
    damaged = False
    try:
        with quietly():
            dataset: Dataset = pydicom.dcmread(_Content(content), force=bare)
            if bare and not _names_something(dataset):
                raise NotDicomError
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta = FileMetaDataset(dataset.file_meta)
                dataset.file_meta.TransferSyntaxUID = _syntax(dataset)
            return dataset
    except (*DAMAGE, InvalidDicomError, BytesLengthException):
        damaged = True
    assert damaged
    raise DamagedDicomError


def missing_start(start: bytes) -> bytes:
    """What stands before the first byte of a DICOM file that has no preamble; b"" before any other.

    XNAT takes every such file for explicit VR little endian when it stores it (`GradualDicomImporter`), and
    would spoil the others. The data set itself stays as it is. `start` are its first FIRST_BYTES or all.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info

    if is_marked(start) or not _looks_bare(start):
        return b""
    if start[:2] == b"\2\0":
        return _PREFIX
    try:
        header = read_header([start], ("SOPClassUID", "SOPInstanceUID"))
    except (NotDicomError, DamagedDicomError, TooLongError):
        return b""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = header.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = _syntax(header)
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, False
    with quietly():
        write_file_meta_info(written, meta, enforce_standard=True)
    return _PREFIX + written.getvalue()


def pieces(file: IO[bytes], size: int = FIRST_BYTES) -> Iterator[bytes]:
    """An open file from where it stands."""
    while chunk := file.read(size):
        yield chunk


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


class _ShortError(Exception):
    """More of the file is needed; `until` bytes at least."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class _Source:
    """The beginning of what comes in pieces."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.seen = bytearray()
        self.whole = False

    def grow(self, until: int) -> None:
        while len(self.seen) < until and not self.whole:
            chunk = next(self._chunks, b"")
            self.whole = not chunk
            self.seen += chunk

    def after(self, start: int) -> Iterator[bytes]:
        yield bytes(self.seen[start:])
        yield from self._chunks


class _Content(io.BytesIO):
    """A whole DICOM file. Raises BadAnswer rather than let pydicom inflate too much of it."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if size is None or size < 0:
            _check_inflated(found)
        return found


class _Beginning(io.RawIOBase):
    """The first bytes of a file that has not come to its end yet: reading beyond them raises _ShortError."""

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
        if size < 0:  # pydicom asks so for what it is going to inflate: that is done here, in pieces
            raise DamagedDicomError
        end = self._at + size
        self._need(end)
        found = self._seen[self._at : end]
        self._at += len(found)
        return found

    def _need(self, until: int) -> None:
        if until > len(self._seen) and not self._whole:
            raise _ShortError(until)


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What follows the meta header of a deflated file (DICOM PS3.5 A.5), a piece at a time.

    Raises DamagedDicomError in the middle.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in chunks:
        rest = chunk
        while rest and not stream.eof:
            try:
                piece = stream.decompress(rest, FIRST_BYTES)
            except zlib.error:
                piece = None
            if piece is None:
                raise DamagedDicomError
            if piece:
                yield piece
            rest = stream.unconsumed_tail
        if stream.eof:
            return


def _check_inflated(rest: bytes) -> None:
    """pydicom reads to a file's end only to inflate what follows the meta header."""
    total = 0
    for piece in inflated([rest]):
        total += len(piece)
        if total > LARGEST_INFLATED:
            said = f"The deflated file holds more than {LARGEST_INFLATED} bytes."
            raise BadAnswer(said, "Export the file.")


def meta_before_deflated(seen: bytes | bytearray) -> tuple[Dataset, int] | None:
    """The meta header of a deflated file, and where it ends; None for any other file."""
    from pydicom.errors import BytesLengthException
    from pydicom.filereader import read_dataset

    begins = 132 if is_marked(seen) else 0
    if seen[begins : begins + 2] != b"\2\0" or _DEFLATED.encode() not in seen[:2048]:
        return None
    start = io.BytesIO(seen)
    start.seek(begins)
    try:
        with quietly():
            meta = read_dataset(start, False, True, stop_when=lambda tag, *_: tag.group != 2)
            if meta.get("TransferSyntaxUID") == _DEFLATED:
                return meta, start.tell()
    except (*DAMAGE, BytesLengthException):
        pass  # it will be told when all is read
    return None


def _parse(seen: bytes, whole: bool, names: Sequence[str], meta: Dataset | None) -> Dataset:
    """`meta` is that of a deflated file, whose data set begins with `seen`."""
    from pydicom.errors import BytesLengthException, InvalidDicomError
    from pydicom.tag import Tag

    bare = meta is None and not is_marked(seen)
    if bare and not _looks_bare(seen):
        raise NotDicomError
    asked = dict.fromkeys((*names, *_NAMING)) if bare else names
    tags = [Tag(name) for name in asked] if names else None
    last = max(map(int, tags)) if tags else None
    damaged = False
    try:
        with quietly():
            dataset = _read(_Beginning(seen, whole=whole), tags, last, meta, bare=bare)
            if bare and not _names_something(dataset):
                raise NotDicomError
            for tag in set(tags or ()) - {Tag(name) for name in names}:
                dataset.pop(tag, None)
            for _ in (*dataset.file_meta.iterall(), *dataset.iterall()):
                pass  # values are decoded when they are looked at: now, while nobody hears complaints
    except (*DAMAGE, InvalidDicomError, BytesLengthException):
        damaged = True
    if damaged or not (len(dataset) or names or len(dataset.file_meta)):
        raise DamagedDicomError
    return dataset


def _read(
    file: IO[bytes] | io.RawIOBase,
    tags: list[BaseTag] | None,
    last: int | None,
    meta: Dataset | None,
    *,
    bare: bool,
) -> Dataset:
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset, read_partial

    def ends(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag in PIXELS or (last is not None and tag > last)

    if meta is None:
        return read_partial(file, ends, force=bare, specific_tags=tags)  # type: ignore[arg-type]
    dataset = read_dataset(file, False, True, stop_when=ends, specific_tags=tags)  # type: ignore[arg-type]
    dataset.file_meta = FileMetaDataset(meta)
    return dataset


def is_marked(start: bytes | bytearray) -> bool:
    """Whether the prefix of PS3.10 7.1 is there; `start` are at least the first 132 bytes, or all."""
    return start[128:132] == b"DICM"


def _looks_bare(start: bytes | bytearray) -> bool:
    """Whether it begins with an element of group 0002 or 0008, as files without a preamble do."""
    from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

    if len(start) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", start[:4])
        if group not in (0x0002, 0x0008) or element > 0x3000:
            continue
        if start[4:6].decode("latin-1") in {*EXPLICIT_VR_LENGTH_16, *EXPLICIT_VR_LENGTH_32}:
            return True
        (length,) = struct.unpack("<I", start[4:8])
        if order == "<" and group == 0x0008:  # big endian and meta headers are explicit
            return bool(length == 4 if element == 0 else length <= _LONGEST_FIRST and length % 2 == 0)
    return False


def _names_something(dataset: Dataset) -> bool:
    return any(str(dataset.get(name, "") or "").strip("\0 ") for name in _NAMING)


def _syntax(dataset: Dataset) -> UID:
    """The transfer syntax that a data set was read by."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
