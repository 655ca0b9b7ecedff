"""A DICOM file taken apart: its meta header, its header, and where its pixel data stand."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from xnat_tui.errors import BadAnswer
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.xnat.files.dicom_files import (
    DAMAGE,
    FIRST_BYTES,
    LARGEST_HEADER,
    LARGEST_INFLATED,
    PIXELS,
    DamagedDicomError,
    NotDicomError,
    TooLongError,
    inflated,
    is_marked,
    meta_before_deflated,
    pieces,
    quietly,
    read_header,
)

if TYPE_CHECKING:
    from pydicom import Dataset

UNREADABLE = "its header cannot be read"


class NotDicom(Held):
    """The file is something else."""


_UNDEFINED = 0xFFFFFFFF
_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_PIXEL_KINDS = (b"OB", b"OW", b"OF", b"OD")


class Parsed:
    """One file of this machine. `spare` is an empty file, for what a deflated one holds.

    Raises Held for what is no DICOM file or cannot be read. Every call parses anew: what was looked at has
    been decoded, and would not be written again as it was.
    """

    def __init__(self, source: IO[bytes], spare: IO[bytes]) -> None:
        source.seek(0)
        start = source.read(FIRST_BYTES)
        self.is_marked = is_marked(start)
        with held_where_unreadable():
            if not self.is_marked:
                source.seek(0)
                read_header(pieces(source))
            found = meta_before_deflated(start)
            self.is_deflated = found is not None
            self._meta: Dataset | None = None
            self._file = source
            if found is not None:
                self._meta, end = found
                source.seek(end)
                _inflate(source, spare)
                self._file = spare
            self._file.seek(0)
            self._read(_Bounded(self._file))
            self.header_ends = self._file.tell()
        self._file.seek(0)
        self._header = self._file.read(self.header_ends)

    def dataset(self) -> Dataset:
        """The header with its meta header, untouched. What pydicom raises is raised."""
        return self._read(io.BytesIO(self._header))

    def _read(self, file: io.IOBase) -> Dataset:
        from pydicom.dataset import FileMetaDataset
        from pydicom.filereader import read_dataset, read_partial

        def ends(tag: int, _vr: str | None, _length: int) -> bool:
            return tag in PIXELS

        with quietly():
            if self._meta is None:
                return read_partial(file, ends, force=not self.is_marked)  # type: ignore[arg-type]
            dataset = read_dataset(file, False, True, stop_when=ends)  # type: ignore[arg-type]
            dataset.file_meta = FileMetaDataset(self._meta)
            return dataset

    def pixels(self, *, implicit: bool, little: bool) -> Iterator[bytes]:
        """The element of the pixel data as it is written, in pieces; nothing of what follows it. Raises Held
        where it is not written as it should be."""
        self._file.seek(self.header_ends)
        head = self._file.read(8)
        if not head:
            return
        order = "<" if little else ">"
        length = struct.unpack(f"{order}I", head[4:])[0] if len(head) == 8 else 0
        if len(head) < 8 or (not implicit and head[4:6] not in _PIXEL_KINDS):
            raise Held(UNREADABLE)
        if not implicit:
            longer = self._file.read(4)
            head += longer
            length = struct.unpack(f"{order}I", longer)[0] if len(longer) == 4 else 0
        yield head
        if length != _UNDEFINED:
            yield from self._copy(length)
        else:
            yield from self._fragments()
        if self._tag_follows(order) in PIXELS:
            raise Held("it has pixel data twice")

    def _fragments(self) -> Iterator[bytes]:
        """Compressed pixel data, to the end of their sequence (PS3.5 A.4): always little endian."""
        while True:
            head = self._file.read(8)
            if len(head) < 8:
                raise Held("it ends before its pixel data do")
            group, element, length = struct.unpack("<HHI", head)
            yield head
            tag = group << 16 | element
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM or length == _UNDEFINED:
                raise Held(UNREADABLE)
            yield from self._copy(length)

    def _copy(self, count: int) -> Iterator[bytes]:
        while count:
            piece = self._file.read(min(count, FIRST_BYTES * 16))
            if not piece:
                raise Held("it ends before its pixel data do")
            count -= len(piece)
            yield piece

    def _tag_follows(self, order: str) -> int:
        head = self._file.read(4)
        if len(head) < 4:
            return 0
        group, element = struct.unpack(f"{order}HH", head)
        return int(group << 16 | element)


@contextmanager
def held_where_unreadable() -> Iterator[None]:
    """What reading or writing a damaged header raises becomes Held; no value of the file gets into it."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    reason = ""
    try:
        yield
    except NotDicomError:
        raise NotDicom("not DICOM") from None
    except TooLongError:
        reason = f"its header is longer than {LARGEST_HEADER} bytes"
    except (*DAMAGE, DamagedDicomError, BadAnswer, BytesLengthException, InvalidDicomError):
        reason = UNREADABLE
    if reason:
        raise Held(reason)


class _Bounded(io.RawIOBase):
    """The beginning of a file. Raises TooLongError to whoever reads further than a header may reach."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or self._file.tell() + size > LARGEST_HEADER:
            raise TooLongError
        return self._file.read(size)


def _inflate(source: IO[bytes], spare: IO[bytes]) -> None:
    """Raises DamagedDicomError, TooLongError."""
    size = 0
    for piece in inflated(pieces(source)):
        size += len(piece)
        if size > LARGEST_INFLATED:
            raise TooLongError
        spare.write(piece)
    spare.flush()
