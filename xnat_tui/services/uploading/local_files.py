"""Files of this machine that are to be sent: found, measured, told apart."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.xnat.dicom import quietly
from xnat_tui.xnat.instances import uid_of
from xnat_tui.xnat.zips import DAMAGED

CHUNK = 1024 * 1024
CONTENT_TYPES = {
    ".zip": "application/zip",
    ".tar": "application/x-tar",
    ".tgz": "application/x-gzip",
    ".gz": "application/x-gzip",
}
_KEYWORDS = (
    *("StudyInstanceUID", "SOPInstanceUID", "PatientID", "StudyDate", "Modality"),
    *("SeriesNumber", "SeriesDescription"),
)


@dataclass(frozen=True, slots=True, repr=False)
class LocalFile:
    """A file, and the path under which it is sent: its own name, or its way below the named folder."""

    path: Path
    name: str
    size: int

    def __repr__(self) -> str:
        return f"<LocalFile of {self.size} bytes>"

    def check(self) -> None:
        """Raises XnatTuiError where it is gone, or has another size than when it was planned."""
        try:
            size = self.path.stat().st_size
        except OSError as error:
            reason = error.strerror or type(error).__name__
        else:
            if size == self.size:
                return
            reason = f"it had {self.size} bytes when this was planned, now {size}"
        raise XnatTuiError(f"{self.name} cannot be sent: {reason}.", "Plan again.")

    def md5(self) -> str:
        """Lower-case hex. Raises XnatTuiError where it cannot be read."""
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with self.path.open("rb") as opened:
                while chunk := opened.read(CHUNK):
                    digest.update(chunk)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        else:
            return digest.hexdigest()
        raise XnatTuiError(f"{self.name} cannot be read: {reason}.", "Check its rights.")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at some paths. `left_out`: neither file nor folder, or a name that no server can keep."""

    files: tuple[LocalFile, ...]
    left_out: tuple[str, ...] = ()


def collect(paths: Iterable[Path]) -> Found:
    """Files by themselves, folders with all below them, sorted; links to folders are not followed.

    Raises NotFound for a path that is not there, XnatTuiError for a folder that cannot be read.
    """
    files: list[LocalFile] = []
    left_out: list[str] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} is not there.", "Check the path.")
        members = _below(path) if path.is_dir() else [(path, path.name)]
        for member, name in members:
            if not _is_file(member) or not _is_text(name):
                left_out.append(name.encode("utf-8", "replace").decode())
            else:
                files.append(LocalFile(member.absolute(), name, member.stat().st_size))
    return Found(tuple(files), tuple(left_out))


def is_archive(file: LocalFile) -> bool:
    """Whether it is a zip or tar by name and by content."""
    if file.path.suffix.lower() not in CONTENT_TYPES:
        return False
    try:
        return zipfile.is_zipfile(file.path) or tarfile.is_tarfile(file.path)
    except (OSError, EOFError):
        return False


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


def read_instance(file: LocalFile) -> Instance | None:
    """The few fields of a DICOM file; None for what is none."""
    texts = _header(file)
    if not texts.get("StudyInstanceUID"):
        return None
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


def instance_uids(file: LocalFile) -> set[str]:
    """SOP instance UIDs of a DICOM file, or of all of them in a zip or tar; none for what is no DICOM.

    Raises XnatTuiError where it cannot be read.
    """
    try:
        if is_archive(file):
            return {uid for opened in _members(file) if (uid := uid_of(opened))}
        with file.path.open("rb") as single:
            return {uid} if (uid := uid_of(single)) else set()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except (*DAMAGED, tarfile.TarError):
        reason = "it is damaged"
    raise XnatTuiError(f"{file.name} cannot be read: {reason}.", "Check it.")


def _members(file: LocalFile) -> Iterator[IO[bytes]]:
    if zipfile.is_zipfile(file.path):
        with zipfile.ZipFile(file.path) as archive:
            for info in archive.infolist():
                with archive.open(info) as opened:
                    yield opened
        return
    with tarfile.open(file.path) as tape:
        for entry in tape:
            if (member := tape.extractfile(entry)) is not None:
                yield member


def packed(files: Iterable[LocalFile]) -> str:
    """A list of files as the text that a step carries."""
    return json.dumps([[str(one.path), one.name, one.size] for one in files])


def unpacked(text: str) -> list[LocalFile]:
    return [LocalFile(Path(path), name, size) for path, name, size in json.loads(text)]


def _header(file: LocalFile) -> dict[str, str]:
    """Empty for what is no DICOM."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        with quietly(), file.path.open("rb") as opened:
            header = pydicom.dcmread(opened, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
            return {name: str(header.get(name, "") or "") for name in _KEYWORDS}
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, TypeError, NotImplementedError):
        return {}


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    def failed(error: OSError) -> None:
        raise XnatTuiError(f"{error.filename} cannot be read: {error.strerror}.", "Check its rights.")

    for where, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        for name in sorted(names):
            member = Path(where) / name
            yield member, member.relative_to(folder).as_posix()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
