"""The files beside the images: NIfTI volumes, thumbnails, a one-page PDF, tables and notes."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.images import FIELD_OF_VIEW
from xnat_tui.demo.phantoms import Picture


def text(content: str) -> BytesContent:
    return BytesContent(content.encode())


def as_json(values: Mapping[str, object]) -> BytesContent:
    return text(json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def table(rows: Iterable[Sequence[str]]) -> BytesContent:
    """Comma-separated rows; no cell may need quoting."""
    return text("".join(",".join(row) + "\n" for row in rows))


def nifti(slices: Sequence[Picture], *, over_time: bool = False) -> BytesContent:
    """A gzipped NIfTI-1 volume of 16-bit values, slices from inferior to superior.

    With `over_time` the pictures are one slice, measured again and again: dimension 4.
    """
    volume = np.stack([np.flipud(one) for one in slices]).astype("<i2")
    depth, rows, columns = volume.shape
    spacing = FIELD_OF_VIEW / columns
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    shape = (4, columns, rows, 1, depth) if over_time else (3, columns, rows, depth, 1)
    struct.pack_into("<8h", header, 40, *shape, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1.0, spacing, spacing, 5.0, 1.0, 0.0, 0.0, 0.0)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)
    header[123] = 2
    struct.pack_into("<2h", header, 252, 0, 1)
    half = FIELD_OF_VIEW / 2
    for row, values in enumerate(((spacing, 0, 0, -half), (0, spacing, 0, -half), (0, 0, 5.0, -60.0))):
        struct.pack_into("<4f", header, 280 + 16 * row, *values)
    header[344:348] = b"n+1\0"
    return BytesContent(gzip.compress(bytes(header) + volume.tobytes(), compresslevel=1, mtime=0))


def gif(picture: Picture) -> BytesContent:
    """A grey-scale GIF of a picture, its brightest 1 % saturated.

    Not compressed: a clear code (128) before the decoder's table grows keeps every code one byte.
    """
    ceiling = max(1.0, float(np.percentile(picture, 99)))
    grey = np.clip(picture * (127.0 / ceiling), 0, 127).astype(np.uint8)
    rows, columns = grey.shape
    palette = b"".join(bytes((level * 2,) * 3) for level in range(128))
    head = b"GIF89a" + struct.pack("<HHBBB", columns, rows, 0xF6, 0, 0) + palette
    codes: list[int] = []
    for start in range(0, grey.size, 100):
        codes += [128, *grey.ravel()[start : start + 100].tolist()]
    packed = bytes([*codes, 129])
    blocks = b"".join(
        bytes((len(packed[start : start + 255]),)) + packed[start : start + 255]
        for start in range(0, len(packed), 255)
    )
    frame = b"," + struct.pack("<HHHHB", 0, 0, columns, rows, 0)
    return BytesContent(head + frame + b"\x07" + blocks + b"\0;")


def pdf(title: str) -> BytesContent:
    """A page with one line; ``title`` in plain ASCII without brackets."""
    stream = f"BT /F1 18 Tf 72 760 Td ({title}) Tj ET"
    parts = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
        "/Resources << /Font << /F1 4 0 R >> >> >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    )
    written, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{part}\nendobj\n"
    table_start = len(written)
    entries = "".join(f"{place:010d} 00000 n \n" for place in places)
    written += f"xref\n0 6\n0000000000 65535 f \n{entries}trailer\n<< /Size 6 /Root 1 0 R >>\n"
    return text(f"{written}startxref\n{table_start}\n%%EOF\n")
