"""A DICOM file in, its de-identified bytes out: the header is treated, pixel data are copied as they are.

Memory is bounded by the header: pixels are never decoded, and pass in pieces. The transfer syntax, the byte
order, deflation and a missing preamble stay what they are; the same file, profile, subject and key give the
same bytes. The preamble's 128 bytes, the meta header's notes of who wrote the file, and all that follows the
pixel data (padding, signatures, private groups) are left out.
"""

from __future__ import annotations

import tempfile
import zlib
from typing import IO, TYPE_CHECKING

from xnat_tui.services.deidentifying.holding import Held, check_held
from xnat_tui.services.deidentifying.parsed import UNREADABLE, Parsed, held_where_unreadable
from xnat_tui.services.deidentifying.proof import NOTHING, Lost, lost_of
from xnat_tui.services.deidentifying.rules import Rules
from xnat_tui.xnat.files.dicom_ends import Flaw, flaw_of_file
from xnat_tui.xnat.files.dicom_files import pieces, quietly

if TYPE_CHECKING:
    from pydicom import Dataset

_PREFIX = b"\0" * 128 + b"DICM"


def deidentify(source: IO[bytes], target: IO[bytes], rules: Rules, also: Lost = NOTHING) -> str:
    """Write what may leave of a file of this machine to another, which nobody may send before this returns.

    `source` is an open file of the file system, `target` an empty one that can be read and sought, too.
    `also` is what must not be found, too: what the archive has of its person. Raises Held with the reason,
    NotDicom for another kind of file, and OSError; what `target` holds then is worth nothing. Returns its new
    SOP instance UID.
    """
    with tempfile.TemporaryFile() as spare, tempfile.TemporaryFile() as whole:
        parsed = Parsed(source, spare)
        if flaw := flaw_of_file(source):
            raise Held(UNREADABLE if flaw is Flaw.ODD else str(flaw))
        with held_where_unreadable():
            seen, dataset = parsed.dataset(), parsed.dataset()
            with quietly():  # what it says would hold values; one thread at a time, and not twice in one
                check_held(seen)
                lost = lost_of(seen, rules, also)
                rules.apply(dataset)
                meta, header = _new_meta(parsed, dataset), _written(dataset)
                if not dataset.SOPInstanceUID:
                    raise Held("it does not say which instance it is")
        if lost.in_header(meta):
            raise Held("a value that it had to lose is still in its meta header")
        if parsed.is_deflated:
            _write(parsed, header, dataset, whole, lost)
            _deflate(meta, whole, target)
        else:
            _write(parsed, meta + header, dataset, target, lost)
    return str(dataset.SOPInstanceUID)


def _write(parsed: Parsed, start: bytes, dataset: Dataset, target: IO[bytes], lost: Lost) -> None:
    """Write header and pixels, and look for what must not be there. Raises Held."""
    if lost.in_header(start):
        raise Held("a value that it had to lose is still in its header")
    implicit, little = dataset.original_encoding
    target.write(start)
    for piece in parsed.pixels(implicit=bool(implicit), little=bool(little)):
        target.write(piece)
    target.flush()
    if lost.in_pixels(target, len(start)):
        raise Held("a value that it had to lose is among its pixel data")


def _written(dataset: Dataset) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    implicit, little = dataset.original_encoding
    written = DicomBytesIO()
    written.is_implicit_VR, written.is_little_endian = bool(implicit), bool(little)
    write_dataset(written, dataset)
    return written.getvalue()


def _new_meta(parsed: Parsed, dataset: Dataset) -> bytes:
    """Preamble and meta header, if the file had them: what it is, and who wrote it now (PS3.10 7.1)."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

    old = dataset.file_meta
    if not parsed.is_marked and not len(old):
        return b""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = old.TransferSyntaxUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, False
    write_file_meta_info(written, meta, enforce_standard=True)
    return (_PREFIX if parsed.is_marked else b"") + written.getvalue()


def _deflate(meta: bytes, whole: IO[bytes], target: IO[bytes]) -> None:
    """What was proved, compressed as PS3.5 A.5 asks, to an even length."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    target.write(meta)
    size = 0
    whole.seek(0)
    for piece in pieces(whole):
        size += target.write(stream.compress(piece))
    size += target.write(stream.flush())
    target.write(b"\0" * (size % 2))
    target.flush()
