"""A NIfTI image in, the same voxels with a header of numbers out.

The header is a struct of fixed places (nifti1.h, nifti2.h), of which the texts are emptied here, and what
ANALYZE had left over; extensions are dropped, since each may hold a whole DICOM header, a history or a
comment. Voxels pass in pieces. nibabel knows the same places, and would bring numpy to every installation,
parse the extensions that go anyway, and write scaled voxels anew instead of copying their bytes.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, cast

from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.proof import Lost
from xnat_tui.services.deidentifying.unsearchable import START, check_searchable

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
_LEVEL = 6
"""Of compression: what converters use, so that sizes stay what they were."""
_NO_EXTENSION = b"\0\0\0\0"
_BITS = {
    **dict.fromkeys((2, 256), 8),
    **dict.fromkeys((4, 512), 16),
    **dict.fromkeys((8, 16, 768), 32),
    **dict.fromkeys((32, 64, 1024, 1280), 64),
    **dict.fromkeys((1536, 1792), 128),
    1: 1,
    2048: 256,
}
"""Of a voxel, by `datatype`: all kinds of numbers. Colours are not among them."""
_COLOURS = (128, 2304)
_CIFTI = range(3000, 3100)
"""Values of `intent_code`."""
_SPECTRA = b"mrs_v"
"""Begins the `intent_name` of NIfTI-MRS, which keeps what it cannot do without in an extension."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where fields stand: a format of `struct` without its byte order, and the place; texts by their ends."""

    size: int
    magic_at: int
    single: bytes
    detached: bytes
    dim: tuple[str, int]
    datatype: tuple[str, int]
    offset: tuple[str, int]
    intent_code: tuple[str, int]
    intent_name_at: int
    emptied: tuple[tuple[int, int], ...]

    @property
    def voxels_at(self) -> int:
        """Where voxels begin when there are no extensions: a multiple of 16, as the standard wishes."""
        return self.size + len(_NO_EXTENSION)


_LAYOUTS = (
    _Layout(
        size=348,
        magic_at=344,
        single=b"n+1\0",
        detached=b"ni1\0",
        dim=("8h", 40),
        datatype=("h", 70),
        offset=("f", 108),
        intent_code=("h", 68),
        intent_name_at=328,
        # data_type, db_name, extents, session_error; glmax, glmin, descrip, aux_file; intent_name
        emptied=((4, 38), (140, 252), (328, 344)),
    ),
    _Layout(
        size=540,
        magic_at=4,
        single=b"n+2\0\r\n\x1a\n",
        detached=b"ni2\0\r\n\x1a\n",
        dim=("8q", 16),
        datatype=("h", 12),
        offset=("q", 168),
        intent_code=("i", 504),
        intent_name_at=508,
        # descrip, aux_file; intent_name; unused_str
        emptied=((240, 344), (508, 524), (525, 540)),
    ),
)
LONGEST = max(layout.size for layout in _LAYOUTS)
"""Bytes of a header, by which `is_nifti` tells one."""


@dataclass(frozen=True, slots=True)
class _Header:
    """What a header says. `offset` and `length` are bytes: where voxels begin, and how many there are."""

    content: bytes
    layout: _Layout
    order: str
    is_single: bool
    offset: int
    length: int

    def emptied(self) -> bytes:
        """It without its texts, and the mark that no extension follows."""
        new = bytearray(self.content)
        for start, end in self.layout.emptied:
            new[start:end] = bytes(end - start)
        if self.is_single:
            kind, place = self.layout.offset
            struct.pack_into(f"{self.order}{kind}", new, place, self.layout.voxels_at)
        return bytes(new) + _NO_EXTENSION


def is_nifti(start: bytes) -> bool:
    """Whether a file that is not compressed is a NIfTI image, by its first LONGEST bytes."""
    return _told(start) is not None


def pass_nifti(source: IO[bytes], target: IO[bytes], lost: Lost, *, may_be_detached: bool) -> None:
    """Write an image with an emptied header, compressed where it was. `may_be_detached`: its voxels may stand
    in another file. Raises Held, and OSError."""
    with _held_where_damaged(), _unpacked(source) as (opened, is_packed):
        header = _header(opened, may_be_detached=may_be_detached)
        new = header.emptied()
        if lost.in_header(new):
            raise Held("a value that it had to lose is still in its header")
        with _packed(target) if is_packed else nullcontext(target) as written:
            written.write(new)
            if header.is_single:
                _copy(opened, written, header)
        if is_packed:
            _read_on(opened)
    _prove(target, lost, len(new))


def pass_voxels(source: IO[bytes], target: IO[bytes], lost: Lost) -> None:
    """Write the voxels of a detached image, all that such a file has. Raises Held, and OSError."""
    with _held_where_damaged(), _unpacked(source) as (opened, is_packed):
        start = opened.read(START)
        check_searchable(start, "")
        with _packed(target) if is_packed else nullcontext(target) as written:
            written.write(start)
            while piece := opened.read(_PIECE):
                written.write(piece)
    _prove(target, lost, 0)


def _told(start: bytes) -> tuple[_Layout, str] | None:
    """What kind of header it is, and its byte order."""
    for layout in _LAYOUTS:
        magic = start[layout.magic_at : layout.magic_at + len(layout.single)]
        if len(start) < layout.size or magic not in (layout.single, layout.detached):
            continue
        for order in "<>":
            if struct.unpack_from(f"{order}i", start)[0] == layout.size:
                return layout, order
    return None


def _header(opened: IO[bytes], *, may_be_detached: bool) -> _Header:
    """Read one, and what it says. Raises Held for what is none, or of which more than texts names things."""
    start = opened.read(_LAYOUTS[0].size)
    if start[:4] in (b"\x1c\2\0\0", b"\0\0\2\x1c"):  # 540 in either byte order
        start += opened.read(LONGEST - len(start))
    told = _told(start)
    if told is None:
        raise Held("no NIfTI, though it is called so, or cut within its header")
    layout, order = told
    is_single = start[layout.magic_at :].startswith(layout.single)
    if not is_single and not may_be_detached:
        raise Held("it says that its voxels are in another file")
    intent = _number(start, order, layout.intent_code)
    if intent in _CIFTI or start[layout.intent_name_at :].startswith(_SPECTRA):
        raise Held("what it means is told in an extension of its header, and those do not pass")
    count, *dims = struct.unpack_from(f"{order}{layout.dim[0]}", start, layout.dim[1])
    datatype = _number(start, order, layout.datatype)
    if datatype in _COLOURS:
        raise Held("a picture in colour, as programs draw them: names may be burned into its voxels")
    if datatype not in _BITS or not 1 <= count <= 7 or min(dims[:count]) < 1:
        raise Held("its header does not say how many voxels there are")
    bits = math.prod(dims[:count]) * _BITS[int(datatype)]
    offset = _number(start, order, layout.offset)
    if is_single and offset == 0:  # as some programs write for "at once"
        offset = layout.voxels_at
    if is_single and not (layout.voxels_at <= offset < math.inf and offset == int(offset)):
        raise Held("its header does not say where its voxels begin")
    return _Header(start, layout, order, is_single, int(offset) if is_single else 0, (bits + 7) // 8)


def _number(content: bytes, order: str, field: tuple[str, int]) -> float:
    (found,) = struct.unpack_from(f"{order}{field[0]}", content, field[1])
    return cast(float, found)


def _copy(opened: IO[bytes], written: IO[bytes], header: _Header) -> None:
    """The voxels, from where they begin to where they end: nothing of what stands before and behind them."""
    for piece in _exactly(opened, header.offset - len(header.content)):
        del piece
    for piece in _exactly(opened, header.length):
        written.write(piece)


def _exactly(opened: IO[bytes], count: int) -> Iterator[bytes]:
    while count:
        piece = opened.read(min(count, _PIECE))
        if not piece:
            raise Held("it ends before its voxels do")
        count -= len(piece)
        yield piece


def _read_on(opened: IO[bytes]) -> None:
    """To the end, where the checksum of what is compressed stands."""
    while opened.read(_PIECE):
        pass


def _prove(target: IO[bytes], lost: Lost, start: int) -> None:
    """Look for what must not be among the voxels, as they will be read."""
    target.flush()
    with _unpacked(target) as (opened, _):
        if lost.in_pixels(opened, start):
            raise Held("a value that it had to lose is among its voxels")


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[tuple[IO[bytes], bool]]:
    """A file from its beginning, through gzip where it is compressed, and whether it is."""
    file.seek(0)
    is_packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    if not is_packed:
        yield file, False
        return
    with gzip.GzipFile(fileobj=file, mode="rb") as opened:
        yield cast(IO[bytes], opened), True


@contextmanager
def _packed(target: IO[bytes]) -> Iterator[IO[bytes]]:
    """Gzip without a time and a name: the same bytes each time."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=target, mtime=0) as opened:
        yield cast(IO[bytes], opened)


@contextmanager
def _held_where_damaged() -> Iterator[None]:
    is_damaged = False
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        is_damaged = True
    if is_damaged:
        raise Held("it is damaged, or cut: it cannot be decompressed")
