"""What a step carries beside its two ends: one type for each kind of step, in XNAT's nouns.

`task` is the kind's word in documents and in the journal. A new kind is a class here, an entry in `KINDS`,
and the function that runs it beside those of its verb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from xnat_tui.model.options import Layout


class Work:
    """One of the kinds below."""

    __slots__ = ()
    task: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Untouched(Work):
    """Nothing: the step only says why its item is left alone."""

    task: ClassVar[str] = "none"


@dataclass(frozen=True, slots=True)
class Outdated(Work):
    """What an earlier version planned and this one does not do; running it says so."""

    task: ClassVar[str] = "outdated"
    reason: str


# A copy


@dataclass(frozen=True, slots=True)
class ProjectCopy(Work):
    """A project with the names that are free at the destination."""

    task: ClassVar[str] = "project"
    name: str = ""
    """Its title; "" is its ID."""
    secondary_id: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """By name, those that the plan shows."""
    protocols: tuple[str, ...] = ()
    """Data types whose definitions of custom variables go along."""


@dataclass(frozen=True, slots=True)
class SubjectCopy(Work):
    """A subject with its fields."""

    task: ClassVar[str] = "subject"


@dataclass(frozen=True, slots=True)
class ExperimentCopy(Work):
    """A session, or another experiment, with its fields."""

    task: ClassVar[str] = "experiment"
    imported: bool = False
    """Whether the import service makes it: what people wrote at the source is added to that."""


@dataclass(frozen=True, slots=True)
class ScanCopy(Work):
    """A scan with its fields."""

    task: ClassVar[str] = "scan"
    type: str = ""
    """The data type that it gets, where that is another one."""
    imported: bool = False


@dataclass(frozen=True, slots=True)
class AssessorCopy(Work):
    """An image assessor with its fields, its references those of the destination."""

    task: ClassVar[str] = "assessor"


@dataclass(frozen=True, slots=True)
class FieldsCopy(Work):
    """Some fields of an item that is there, named as lists name them; each with the text that the destination
    had when this was planned, without which it is not sent."""

    task: ClassVar[str] = "fields"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReconstructionCopy(Work):
    """A reconstruction with its fields."""

    task: ClassVar[str] = "reconstruction"


@dataclass(frozen=True, slots=True)
class ResourceCopy(Work):
    """A resource with its files; format, content, description and tags are those that the source lists."""

    task: ClassVar[str] = "resource"
    label: str = ""
    number: str = ""
    """`xnat_abstractresource_id` at the source."""
    side: str = ""
    """"in" or "out" of an assessor or reconstruction; "" for its own."""
    only: str = ""
    """The one file of it that is meant; "" for all."""
    recorded: int | None = None
    """Files, as the source has counted them."""
    format: str = ""
    content: str = ""
    description: str = ""
    tags: str = ""
    exists: bool = False
    """Whether the destination had it when this was planned."""
    refused: tuple[str, ...] = ()
    """Files that the plan told as conflicts of their own."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """The files that are meant and no others, where it names any; each with what the destination had then
    (`file_decisions.state_of`), without which it is not sent."""


class ListedResource(NamedTuple):
    """A resource of the source, and how many files it has as far as that was counted."""

    uri: str
    files: int | None = None


@dataclass(frozen=True, slots=True)
class SessionImport(Work):
    """A session's DICOM, handed to the destination's import service."""

    task: ClassVar[str] = "import"
    resources: tuple[ListedResource, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemShare(Work):
    """An item that another project of the destination owns, shown in this one."""

    task: ClassVar[str] = "share"
    id: str
    """Its accession ID there."""
    owner: str
    """The owning project's ID."""
    label: str = ""
    """The one that it gets in this project."""


@dataclass(frozen=True, slots=True)
class CatalogRefresh(Work):
    """A session's catalogs, once all has arrived."""

    task: ClassVar[str] = "catalogs"


@dataclass(frozen=True, slots=True)
class ViewerRebuild(Work):
    """The viewer's metadata of a session."""

    task: ClassVar[str] = "ohif"


@dataclass(frozen=True, slots=True)
class CacheClearing(Work):
    """The destination's caches."""

    task: ClassVar[str] = "caches"


# A copy or an export that is de-identified: a step says nothing of whom it is about but accession IDs


@dataclass(frozen=True, slots=True)
class DeidentifiedSubject(Work):
    """A subject with its new label, and nothing else."""

    task: ClassVar[str] = "deidentified-subject"


@dataclass(frozen=True, slots=True)
class DeidentifiedSession(Work):
    """A session with its new label and these scans, of which no text is sent."""

    task: ClassVar[str] = "deidentified-session"
    scans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeidentifiedResource(Work):
    """A resource's files, each through the profile."""

    task: ClassVar[str] = "deidentified-resource"
    label: str = ""
    number: str = ""
    recorded: int | None = None
    """Files, as the source has counted them."""
    passes: bool = False
    """Whether files of it that are no DICOM may pass."""


# An export


@dataclass(frozen=True, slots=True)
class Binding:
    """A name in the folder, and the one item that it belongs to for good."""

    name: str
    """Below the folder: of a folder, or of a folder and the beginning of file names in it."""
    layout: str
    owner: tuple[str, ...]
    """The server's address, the project's and the item's own there, and the label that it had."""

    @property
    def key(self) -> str:
        """BIDS names that differ in case are one on many file systems, and so they are everywhere."""
        return self.name.casefold() if self.layout == Layout.BIDS else self.name


@dataclass(frozen=True, slots=True)
class BidsImage:
    """A NIfTI image with its name, and what its sidecar has to say."""

    path: str
    """Below its resource."""
    stem: str
    """Place in the export without the ending: `sub-1/ses-2/func/sub-1_ses-2_task-rest_bold`."""
    ending: str
    task: str = ""
    """What its sidecar must name; the archive's own sidecar stays as it is below sourcedata then."""
    repetition_time: str = ""
    """Seconds, as the archive has it; "" where it has none."""
    acquired: str = ""
    """Date and time of the scan, ISO 8601, where both are known."""

    @property
    def name(self) -> str:
        return self.stem + self.ending.lower()

    @property
    def sidecar(self) -> str:
        """Path below the resource of the JSON that converters put beside it."""
        return self.path[: -len(self.ending)] + ".json"


@dataclass(frozen=True, slots=True)
class ResourceDownload(Work):
    """A resource's files, each in its place of the folder."""

    task: ClassVar[str] = "download"
    folder: str
    """Below the export, `/` between segments."""
    prefix: str
    """Of every file name, in a folder that several resources share."""
    server: str
    """The source's address."""
    location: str
    item: str
    """The same in XNAT's own words: `projects/P/subjects/S/...`."""
    label: str = ""
    number: str = ""
    recorded: int | None = None
    only: str = ""
    folds: bool = False
    """Whether names that differ only in case are one name there."""
    names: tuple[Binding, ...] = ()
    """What its place rests on."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Of files with a BIDS name: path below the resource → place in the export."""
    images: tuple[BidsImage, ...] = ()
    left: tuple[str, ...] = ()
    """Files that the plan told as conflicts of their own."""
    gathering: str = ""
    """The address whose `/files` list it with its neighbours, all of a session mostly."""


@dataclass(frozen=True, slots=True)
class DocumentDownload(Work):
    """An item's XML."""

    task: ClassVar[str] = "metadata"
    location: str
    item: str
    names: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetDescription(Work):
    """What BIDS asks for beside the images, made of what is in the folder at the end."""

    task: ClassVar[str] = "dataset"
    participants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Rows of the subjects that come, by their folder."""


# An upload


class FileToSend(NamedTuple):
    """A file of this machine, as it was when this was planned: `services/transfers/importing/local_files.py`
    says what its parts are."""

    path: str
    name: str
    size: int
    member: int | None = None
    archive_size: int = 0


@dataclass(frozen=True, slots=True)
class FilesUpload(Work):
    """Files of this machine into a resource."""

    task: ClassVar[str] = "files"
    files: tuple[FileToSend, ...] = ()


@dataclass(frozen=True, slots=True)
class DicomUpload(Work):
    """The DICOM of one study, through the import service."""

    task: ClassVar[str] = "dicom"
    files: tuple[FileToSend, ...] = ()
    to: str = "prearchive"
    """"prearchive" or "archive"."""
    overwrite: str = "none"
    """What archiving does to a session that is there: "none", "append" or "delete"."""


KINDS: Mapping[str, type[Work]] = {
    kind.task: kind
    for kind in (
        *(Untouched, Outdated),
        *(ProjectCopy, SubjectCopy, ExperimentCopy, ScanCopy, AssessorCopy, ReconstructionCopy),
        *(FieldsCopy, ResourceCopy, SessionImport, ItemShare, CatalogRefresh, ViewerRebuild, CacheClearing),
        *(DeidentifiedSubject, DeidentifiedSession, DeidentifiedResource),
        *(ResourceDownload, DocumentDownload, DatasetDescription),
        *(FilesUpload, DicomUpload),
    )
}
