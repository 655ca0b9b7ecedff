"""The items that a site stores: projects, subjects, experiments and all that hangs below them.

``fields`` of an item holds its schema paths below the item's type in schema case, for example
``scanner/manufacturer``, ``parameters/tr``, ``validation/status`` or ``date``; demographics are
stored under their shortcut names (``gender``, ``dob``, ``group``). Values are the stored text.
ID, label, project, type, dates and users are attributes, never fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from xnat_tui.demo.content import Content

EPOCH = datetime(2020, 1, 1, 8, 0, 0, 123000)


@dataclass(slots=True, eq=False)
class FileEntry:
    """One entry of a resource's catalog.

    ``data`` are the bytes on disk; ``digest`` and ``size`` are what the catalog recorded, which
    may be "" / None (never computed) or plainly wrong. ``content`` is XNAT's word for the kind.
    """

    path: str
    data: Content
    digest: str = ""
    size: int | None = None
    format: str = ""
    content: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    missing_on_disk: bool = False
    modified: datetime = EPOCH


@dataclass(slots=True, eq=False)
class Resource:
    """A catalog of files; the counts are those of the database, None until somebody updates them.

    ``stray`` are files on disk that the catalog does not know (a refresh may append them).
    """

    id: int
    label: str
    format: str = ""
    content: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    files: dict[str, FileEntry] = field(default_factory=dict)
    file_count: int | None = None
    file_size: int | None = None
    stray: list[FileEntry] = field(default_factory=list)

    def add(self, entry: FileEntry) -> None:
        self.files[entry.path] = entry

    def populate_stats(self) -> None:
        """Record count and size of the files that exist, as ``populateStats`` does."""
        present = [entry for entry in self.files.values() if not entry.missing_on_disk]
        self.file_count = len(present)
        self.file_size = sum(entry.data.size for entry in present)


@dataclass(slots=True, eq=False, kw_only=True)
class Item:
    """What every stored item has; ``shares`` maps a project ID to the label there (or None)."""

    id: str
    label: str = ""
    xsi_type: str
    fields: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    custom_fields: dict[str, object] = field(default_factory=dict)
    shares: dict[str, str | None] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    insert_date: datetime = EPOCH
    last_modified: datetime | None = None
    insert_user: str = "admin"
    status: str = "active"
    """``active``, ``quarantine``, ``locked`` or ``obsolete``."""

    def resource(self, key: str) -> Resource | None:
        return find_resource(self.resources, key)


@dataclass(slots=True, eq=False, kw_only=True)
class Scan(Item):
    """One acquisition; ``id`` is the scan ID, ``pk`` the row's number."""

    pk: int
    session: Experiment
    xsi_type: str = "xnat:mrScanData"


@dataclass(slots=True, eq=False, kw_only=True)
class Derived(Item):
    """Something made from a session: ``resources`` beside its ``in`` and ``out`` resources."""

    session: Experiment
    in_resources: list[Resource] = field(default_factory=list)
    out_resources: list[Resource] = field(default_factory=list)

    def all_resources(self) -> Iterator[Resource]:
        yield from self.in_resources
        yield from self.out_resources
        yield from self.resources


@dataclass(slots=True, eq=False, kw_only=True)
class Assessor(Derived):
    """An image assessor: an experiment of its own right, with an owner and shares of its own."""

    project: str


@dataclass(slots=True, eq=False, kw_only=True)
class Reconstruction(Derived):
    """A reconstructed image of a session; ``id`` is free text like a scan's."""

    pk: int
    xsi_type: str = "xnat:reconstructedImageData"


@dataclass(slots=True, eq=False, kw_only=True)
class Experiment(Item):
    """A session, or any other experiment of a subject; ``project`` is the owner's ID."""

    project: str
    subject: Subject
    scans: dict[str, Scan] = field(default_factory=dict)
    assessors: dict[str, Assessor] = field(default_factory=dict)
    reconstructions: dict[str, Reconstruction] = field(default_factory=dict)

    def assessor(self, key: str) -> Assessor | None:
        """An assessor by ID or label."""
        found = self.assessors.get(key)
        if found is None:
            found = next((one for one in self.assessors.values() if one.label == key), None)
        return found


@dataclass(slots=True, eq=False, kw_only=True)
class Subject(Item):
    """A subject; ``project`` is the owner's ID, ``experiments`` maps accession IDs."""

    project: str
    xsi_type: str = "xnat:subjectData"
    experiments: dict[str, Experiment] = field(default_factory=dict)


@dataclass(slots=True, eq=False, kw_only=True)
class Project(Item):
    """A project with its members (login -> ``owner``/``member``/``collaborator``) and settings.

    ``fields`` has ``name``, ``secondary_ID``, ``description``, ``keywords``, ``alias``,
    ``pi_firstname``, ``pi_lastname``. ``settings`` has ``prearchive_code``, ``quarantine_code``,
    ``current_arc`` and ``autorun`` as text.
    """

    xsi_type: str = "xnat:projectData"
    accessibility: str = "private"
    users: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    protocols: dict[str, etree._Element] = field(default_factory=dict)
    """``studyProtocol`` elements by their ID: what is displayed of which data type."""
    investigators: list[str] = field(default_factory=list)


def find_resource(resources: Iterable[Resource], key: str) -> Resource | None:
    """A resource by label, or by number when no label matches."""
    listed = list(resources)
    found = next((one for one in listed if one.label == key), None)
    if found is None and key.isdigit():
        found = next((one for one in listed if one.id == int(key)), None)
    return found


def timestamp(moment: datetime | None) -> str:
    """A moment as list cells show it: local time, trailing zeros cut but one digit kept."""
    if moment is None:
        return ""
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0")
    return text + "0" if text.endswith(".") else text
