"""Files that are no DICOM, of a resource that the user allowed by its name: what may leave of each.

NIfTI images lose the texts of their headers, JSON sidecars what converters took from DICOM; tables of
gradients hold numbers alone. All else passes as it is, if its bytes can be searched. Each of them is
searched before this returns, and its name, too.
"""

from __future__ import annotations

from typing import IO

from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.nifti import LONGEST, is_nifti, pass_nifti, pass_voxels
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.proof import Lost
from xnat_tui.services.deidentifying.sidecar import pass_sidecar
from xnat_tui.services.deidentifying.unsearchable import START, check_searchable
from xnat_tui.xnat.files.dicom_files import FIRST_BYTES, pieces

_HEADERS = (".hdr", ".hdr.gz")
_IMAGES = (".nii", ".nii.gz", *_HEADERS)
_VOXELS = (".img", ".img.gz")
_GRADIENTS = (".bval", ".bvec")
_NUMBERS = b"0123456789+-.eE \t\r\n"
_SMALL = 1_000_000
"""Bytes up to which any file is searched as strictly as a header; of a larger one that is no text, short
words stand in it by chance."""
_PIECE = 1 << 20
_OVERLAP = 4096
"""Bytes; longer than whatever is looked for."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""Begin texts of UTF-16, which have zeros."""


def pass_plain(source: IO[bytes], target: IO[bytes], name: str, profile: Profile, lost: Lost) -> None:
    """Write what may leave of a file that is no DICOM to another, which nobody may send before this returns.

    `source` is an open file of the file system, `target` an empty one that can be read and sought, too.
    `name` is the path that it will have; its ending says what it is. `lost` must not be found. The same file
    and profile give the same bytes. Raises Held with the reason, and OSError; what `target` holds then is
    worth nothing.
    """
    if lost.in_text(name):
        raise Held("a value that it had to lose is in its name")
    source.seek(0)
    start = source.read(max(START, LONGEST))
    low = name.lower()
    if low.endswith(_IMAGES) or is_nifti(start):
        pass_nifti(source, target, lost, may_be_detached=low.endswith(_HEADERS))
        return
    if low.endswith(_VOXELS):
        pass_voxels(source, target, lost)
        return
    check_searchable(start[:START], low)
    if low.endswith(".json"):
        pass_sidecar(source, target, profile, lost)
    else:
        _pass_as_it_is(source, target, lost, only_numbers=low.endswith(_GRADIENTS))


def _pass_as_it_is(source: IO[bytes], target: IO[bytes], lost: Lost, *, only_numbers: bool) -> None:
    source.seek(0)
    for piece in pieces(source, _PIECE):
        if only_numbers and piece.translate(None, _NUMBERS):
            raise Held("more than numbers is in it, and it should hold nothing else")
        target.write(piece)
    target.flush()
    if _found(target, lost):
        raise Held("a value that it had to lose is in it")


def _found(file: IO[bytes], lost: Lost) -> bool:
    """Whether a file holds any; a text, and every small file, is searched for short words, too."""
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(FIRST_BYTES)
    if size > _SMALL and b"\0" in start and not start.startswith(_WIDE):
        return lost.in_pixels(file, 0)
    file.seek(0)
    before = b""
    for piece in pieces(file, _PIECE):
        if lost.in_header(before + piece):
            return True
        before = piece[-_OVERLAP:]
    return False
