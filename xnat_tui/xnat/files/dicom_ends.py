"""Whether all that a DICOM file's elements announce is there, told by their lengths (DICOM PS3.5 7).

pydicom reads a file that ends early, or whose elements lead nowhere, without a complaint. Here values are
passed over, not read; what follows the pixel data is padding or a signature, and not looked at.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import IO

from xnat_tui.xnat.files.dicom_files import (
    FIRST_BYTES,
    PIXELS,
    DamagedDicomError,
    inflated,
    is_marked,
    pieces,
)

_META, _ITEMS = 0x0002, 0xFFFE
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_SYNTAX = 0x00020010
_DEFLATED, _BIG_ENDIAN = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.2"
_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
"""Value representations whose length has four bytes (PS3.5 7.1.2)."""
_SHORT = (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH")
_KNOWN = _LONG.union(_SHORT, (b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"))
_DEEPEST = 64
"""Sequences within sequences; real objects have less than ten."""
_PADDING = b"\0 \r\n"


class Flaw(StrEnum):
    """What is wrong with the way a file's elements follow each other."""

    NONE = ""
    CUT_PIXELS = "it ends before its pixel data do"
    CUT = "it ends in the middle of an element"
    ODD = "its elements are out of order, or of no known kind"
    """Some programs write so: by itself it proves no damage."""


def flaw_of_file(file: IO[bytes]) -> Flaw:
    """Of an open file from its beginning; big values are skipped, not read. Raises OSError."""
    file.seek(0)
    return _Walk(_Bytes(pieces(file), file)).flaw()


def flaw_of_chunks(chunks: Iterable[bytes]) -> Flaw:
    """Of a file that comes in pieces; nearly all of them are taken. Raises what the pieces raise."""
    return _Walk(_Bytes(iter(chunks))).flaw()


class _CutError(Exception):
    """There are fewer bytes than were announced."""


class _LostError(Exception):
    """What stands here is no element: nothing can be said of the rest."""


class _Bytes:
    """A file that is passed over in one direction."""

    def __init__(self, chunks: Iterator[bytes], file: IO[bytes] | None = None) -> None:
        self._chunks = chunks
        self._file = file
        self._held = b""
        self._at = 0

    def peek(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""
        while len(self._held) - self._at < count and (chunk := next(self._chunks, b"")):
            self._held, self._at = self._held[self._at :] + chunk, 0
        return self._held[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        found = self.peek(count)
        self._at += len(found)
        return found

    def skip(self, count: int) -> None:
        """Raises _CutError where there are not so many left."""
        held = len(self._held) - self._at
        if count <= held:
            self._at += count
            return
        self._held, self._at = b"", 0
        rest = count - held
        if self._file is not None:
            left = os.fstat(self._file.fileno()).st_size - self._file.tell()
            if rest > left:
                raise _CutError
            self._file.seek(rest, os.SEEK_CUR)
            return
        while rest:
            chunk = next(self._chunks, b"")
            if not chunk:
                raise _CutError
            self._held, self._at = chunk, min(rest, len(chunk))
            rest -= self._at

    def rest(self) -> Iterator[bytes]:
        """All that is left, in pieces."""
        while chunk := self.take(max(len(self._held) - self._at, FIRST_BYTES)):
            yield chunk


class _Walk:
    """One way through a file's elements."""

    def __init__(self, source: _Bytes) -> None:
        self._source = source
        self._order = "<"
        self._explicit = True
        self._odd = False
        self._in_pixels = False

    def flaw(self) -> Flaw:
        try:
            self._begin()
            self._data_set()
        except (_CutError, DamagedDicomError):
            return Flaw.CUT_PIXELS if self._in_pixels else Flaw.CUT
        except _LostError:
            return Flaw.ODD
        return Flaw.ODD if self._odd else Flaw.NONE

    def _begin(self) -> None:
        """Pass over preamble and meta header, and learn from them how the rest is written."""
        if is_marked(self._source.peek(132)):
            self._source.skip(132)
        syntax = self._meta()
        if syntax == _DEFLATED:
            self._source = _Bytes(inflated(self._source.rest()))
        first = self._source.peek(6)
        # files without a meta header begin with a low group number, in either order of its bytes
        self._order = ">" if syntax == _BIG_ENDIAN or (not syntax and first[:1] == b"\0") else "<"
        self._explicit = first[4:6] in _KNOWN

    def _meta(self) -> bytes:
        """The transfer syntax, b"" where none is given."""
        syntax = b""
        while self._source.peek(2) == b"\2\0":
            tag, _, length = self._element() or (0, b"", 0)
            if length > FIRST_BYTES * 16:
                raise _CutError
            if tag == _SYNTAX:
                syntax = self._source.peek(length).rstrip(_PADDING)
            self._source.skip(length)
        return syntax

    def _data_set(self) -> None:
        last = -1
        while (element := self._element()) is not None:
            tag, vr, length = element
            if tag == 0 and not length and not self._source.peek(FIRST_BYTES).strip(b"\0"):
                return  # padding
            self._odd |= tag <= last or tag >> 16 == _ITEMS
            last = tag
            if tag in PIXELS:
                self._in_pixels = True
                self._pass(vr, length)
                return
            self._pass(vr, length)

    def _pass(self, vr: bytes, length: int, depth: int = 0) -> None:
        """Over the value of an element."""
        if length != _UNDEFINED:
            self._source.skip(length)
        elif self._in_pixels:
            self._fragments()
        else:
            before = self._explicit
            self._explicit = before and vr != b"UN"  # what is unknown is written implicitly (PS3.5 6.2.2)
            self._items(depth)
            self._explicit = before

    def _items(self, depth: int) -> None:
        """Over those of a sequence without a length, to its end."""
        if depth > _DEEPEST:
            raise _LostError
        while True:
            tag, _, length = self._next()
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise _LostError
            if length != _UNDEFINED:
                self._source.skip(length)
                continue
            while (inner := self._next())[0] != _ITEM_END:
                self._pass(inner[1], inner[2], depth + 1)

    def _fragments(self) -> None:
        """Over compressed pixel data (PS3.5 A.4)."""
        while True:
            tag, _, length = self._next()
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM or length == _UNDEFINED:
                raise _LostError
            self._source.skip(length)

    def _next(self) -> tuple[int, bytes, int]:
        """An element where there must be one."""
        element = self._element()
        if element is None:
            raise _CutError
        return element

    def _element(self) -> tuple[int, bytes, int] | None:
        """Tag, value representation and length of the next element; None at the end, or in its padding."""
        head = self._source.take(8)
        if len(head) < 8:
            if head.strip(_PADDING):
                raise _CutError
            return None
        group, element, length = struct.unpack(f"{self._order}HHI", head)
        tag, vr = group << 16 | element, head[4:6]
        if not self._explicit or group == _ITEMS:
            return tag, b"", length
        self._odd |= vr not in _KNOWN and tag != 0
        if vr in _LONG:
            longer = self._source.take(4)
            if len(longer) < 4:
                raise _CutError
            return tag, vr, struct.unpack(f"{self._order}I", longer)[0]
        if vr.isalpha() and vr.isupper():
            return tag, vr, struct.unpack(f"{self._order}H", head[6:])[0]
        return tag, b"", length  # some private elements are written implicitly all the same
