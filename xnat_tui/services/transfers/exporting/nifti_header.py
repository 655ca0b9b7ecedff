"""The few facts of a NIfTI header that BIDS judges by (nifti1.h, nifti2.h): no more of the file is read.

nibabel reads them too, and would bring numpy to every installation for four numbers.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 540
_TIME_UNITS = {8: 1.0, 16: 1e-3, 24: 1e-6}
"""`xyzt_units & 0x38`: seconds, milliseconds, microseconds."""


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """`shape` has one number per dimension; `step` is `pixdim[4]` in seconds, where no unit is given as if it
    were; `has_unit` says whether one is."""

    shape: tuple[int, ...]
    step: float
    has_unit: bool


def read_header(path: Path) -> NiftiHeader | None:
    """None for what is no NIfTI image, or is cut before its header ends. Raises OSError."""
    with path.open("rb") as opened:
        start = opened.read(2)
        opened.seek(0)
        try:
            packed = start == b"\x1f\x8b"
            raw = (gzip.GzipFile(fileobj=opened) if packed else opened).read(_LONGEST)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return None
    for order in "<>":
        if len(raw) >= 348 and struct.unpack_from(f"{order}i", raw)[0] == 348:
            shape = struct.unpack_from(f"{order}8h", raw, 40)
            return _header(shape, struct.unpack_from(f"{order}8f", raw, 76)[4], raw[123])
        if len(raw) >= 540 and struct.unpack_from(f"{order}i", raw)[0] == 540:
            units = struct.unpack_from(f"{order}i", raw, 500)[0]
            shape = struct.unpack_from(f"{order}8q", raw, 16)
            return _header(shape, struct.unpack_from(f"{order}8d", raw, 104)[4], units)
    return None


def _header(shape: tuple[int, ...], step: float, units: int) -> NiftiHeader | None:
    if not 1 <= shape[0] <= 7:
        return None
    unit = _TIME_UNITS.get(units & 0x38)
    return NiftiHeader(shape[1 : shape[0] + 1], step * (unit or 1.0), unit is not None)
