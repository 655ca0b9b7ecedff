"""DICOM among the files of this machine, in archives too, sorted into studies; what is left out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from xnat_tui.model.display import counted
from xnat_tui.model.plan import LeftOut
from xnat_tui.services.transfers.importing import archives
from xnat_tui.services.transfers.importing.archives import DamagedArchiveError, Member, WorthlessArchiveError
from xnat_tui.services.transfers.importing.local_files import LocalFile
from xnat_tui.xnat.files import dicom_files
from xnat_tui.xnat.files.dicom_ends import Flaw, flaw_of_chunks, flaw_of_file
from xnat_tui.xnat.files.dicom_files import DamagedDicomError, NotDicomError, TooLongError

NO_DICOM = "no DICOM"
_DAMAGED_HEADER = "damaged DICOM: its header cannot be read"
_KEYWORDS = (
    *("StudyInstanceUID", "SOPInstanceUID", "SOPClassUID", "PatientID", "StudyDate", "Modality"),
    *("SeriesNumber", "SeriesDescription"),
)
_NEEDED = {"StudyInstanceUID": "Study Instance UID", "SOPInstanceUID": "SOP Instance UID"}
_NEEDED |= {"SOPClassUID": "SOP Class UID"}
"""Without these XNAT's importer takes no file (`GradualDicomImporter`), or cannot say where it belongs."""
_ACCOMPANYING = frozenset({"SR", "PR", "KO", "SEG", "REG", "DOC", "OT", ""})
"""Modalities of what is said of images: a session is called by its images, where it has any."""


@dataclass(frozen=True, slots=True, repr=False)
class Instance:
    """One DICOM file by the fields that decide where it belongs; "" where it lacks one."""

    file: LocalFile
    study: str
    instance: str
    patient: str
    date: str
    """`yyyy-mm-dd`"""
    modality: str
    series: str
    description: str


@dataclass(slots=True, repr=False)
class Study:
    """The DICOM files of one study."""

    instances: list[Instance] = field(default_factory=list)

    @property
    def first(self) -> Instance:
        return self.instances[0]

    @property
    def modalities(self) -> str:
        """Those of its images, as DICOM writes several values: `MR\\PT`; of its reports where it has none."""
        found = {one.modality for one in self.instances}
        return "\\".join(sorted((found - _ACCOMPANYING) or found))

    @property
    def patients(self) -> dict[str, list[Instance]]:
        """Files by Patient ID; those without one are nobody else's."""
        found: dict[str, list[Instance]] = {}
        for one in self.instances:
            if one.patient:
                found.setdefault(one.patient, []).append(one)
        return found

    @property
    def repeated(self) -> list[Instance]:
        """Files whose SOP Instance UID another one of the study has before them."""
        seen: set[str] = set()
        found = []
        for one in self.instances:
            if one.instance in seen:
                found.append(one)
            seen.add(one.instance)
        return found


def look(file: LocalFile) -> Iterator[Instance | LeftOut]:
    """What a file is, or all in it where it is a zip or tar; every byte of those is read."""
    found = read_instance(file)
    if isinstance(found, Instance) or found.reason != NO_DICOM:
        yield found
        return
    try:
        kind = archives.kind_of(file.path)
        inside = list(_inside(file, kind)) if kind else [LeftOut(file.name, _stranger(file))]
    except OSError as error:
        yield LeftOut(file.name, _unreadable(error))
        return
    if kind and all(isinstance(one, LeftOut) and one.reason == NO_DICOM for one in inside):
        yield LeftOut(file.name, "no DICOM in this archive")
    else:
        yield from inside


def read_instance(file: LocalFile) -> Instance | LeftOut:
    """The few fields of a DICOM file, or why it is left out."""
    try:
        with file.path.open("rb") as opened:
            return _instance(file, dicom_files.pieces(opened), partial(flaw_of_file, opened))
    except OSError as error:
        return LeftOut(file.name, _unreadable(error))


def _inside(file: LocalFile, kind: str) -> Iterator[Instance | LeftOut]:
    found: list[Instance | LeftOut] = []
    try:
        for member in archives.members(file, kind):
            found.append(_member(member))
    except WorthlessArchiveError as error:
        yield LeftOut(file.name, str(error))
        return
    except DamagedArchiveError as error:
        where = f" after {counted(len(found), 'file')}" if found else ""
        if kind == archives.TAR and not found:
            where = " from its beginning"
        found.append(LeftOut(file.name, f"{error}{where}: nothing more of this archive can be read"))
    yield from found


def _member(member: Member) -> Instance | LeftOut:
    if member.problem:
        return LeftOut(member.file.name, member.problem)
    try:
        chunks = member.chunks()
        start = next(chunks, b"")
        seen: list[bytes] = []
        """What telling the file took, which is bounded: the way to its end begins with it."""
        again = partial(flaw_of_chunks, itertools.chain(seen, chunks))
        found = _instance(member.file, _kept(itertools.chain([start], chunks), seen), again)
        for _ in chunks:
            pass  # a zip tells damage at the end of a member, and what is damaged may look like anything
    except DamagedArchiveError as error:
        return LeftOut(member.file.name, f"{error} in the archive")
    if isinstance(found, LeftOut) and found.reason == NO_DICOM and archives.looks_packed(start[:512]):
        return LeftOut(member.file.name, "an archive within an archive: unpack it, and send what is in it")
    return found


def _kept(chunks: Iterable[bytes], seen: list[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        seen.append(chunk)
        yield chunk


def _instance(file: LocalFile, chunks: Iterable[bytes], flaw: Callable[[], Flaw]) -> Instance | LeftOut:
    """What a file is that begins with these chunks. Raises what they and `flaw` raise.

    Of a file that ends early nothing is sent: XNAT would keep it as it is, and then refuse the whole one.
    """
    try:
        header = dicom_files.read_header(chunks, _KEYWORDS)
    except NotDicomError:
        return LeftOut(file.name, NO_DICOM)
    except DamagedDicomError:
        return LeftOut(file.name, _DAMAGED_HEADER)
    except TooLongError as error:
        return LeftOut(file.name, f"damaged DICOM: {error}")
    if header.file_meta.get("MediaStorageSOPClassUID") == dicom_files.DIRECTORY:
        return LeftOut(file.name, "a DICOMDIR, which lists files and is none to send")
    texts = {name: str(header.get(name, "") or "").strip(" \0") for name in _KEYWORDS}
    lacking = [words for name, words in _NEEDED.items() if not texts[name]]
    found = flaw()
    if (lacking and found) or not all(
        texts[name].isascii() and texts[name].isprintable() for name in _NEEDED
    ):
        return LeftOut(file.name, _DAMAGED_HEADER)
    if found in (Flaw.CUT, Flaw.CUT_PIXELS):
        return LeftOut(file.name, f"damaged DICOM: {found}")
    if lacking:
        return LeftOut(file.name, f"DICOM without a {lacking[0]}: XNAT does not take it")
    day = texts["StudyDate"]
    return Instance(
        file,
        texts["StudyInstanceUID"],
        texts["SOPInstanceUID"],
        texts["PatientID"],
        f"{day[:4]}-{day[4:6]}-{day[6:8]}" if len(day) == 8 else "",
        texts["Modality"],
        texts["SeriesNumber"],
        texts["SeriesDescription"],
    )


def _stranger(file: LocalFile) -> str:
    with file.path.open("rb") as opened:
        packed = archives.looks_packed(opened.read(512))
    return "packed: unpack it, and send what is in it" if packed else NO_DICOM


def _unreadable(error: OSError) -> str:
    return f"it cannot be read: {error.strerror or type(error).__name__}"
