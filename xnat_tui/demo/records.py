"""What a site keeps beside the archive: users, workflows, prearchive rows, tokens and sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from xnat_tui.demo.content import Content


@dataclass(slots=True, eq=False)
class User:
    """An account; ``number`` is the numeric user ID of list columns such as ``user_role_<n>``."""

    login: str
    password: str = field(repr=False)
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    admin: bool = False
    enabled: bool = True
    password_expired: bool = False
    number: int = 0
    groups: set[str] = field(default_factory=set)
    cache: dict[str, dict[str, bytes]] = field(default_factory=dict, repr=False)
    """Files of ``/data/user/cache/resources/NAME``, by resource and path."""


@dataclass(slots=True, eq=False)
class Workflow:
    """A row of ``wrk:workflowData``: ``item_id`` is column ``ID``, ``external_id`` the project."""

    number: int
    item_id: str
    data_type: str
    external_id: str
    pipeline_name: str
    status: str
    launch_time: datetime
    create_user: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Neither ``Complete`` nor ``Failed...``: it blocks renames and merging archives."""
        return self.status != "Complete" and not self.status.startswith("Failed")


@dataclass(slots=True, eq=False)
class PrearchiveScan:
    """A scan of a prearchive session: resources map file names to their bytes."""

    id: str
    xsi_type: str = "xnat:mrScanData"
    series_description: str = ""
    uid: str = ""
    resources: dict[str, dict[str, Content]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PrearchiveSession:
    """A prearchive row; ``project`` is "" for Unassigned, ``tag`` the StudyInstanceUID."""

    project: str
    timestamp: str
    folder_name: str
    name: str
    subject: str
    status: str = "READY"
    tag: str = ""
    lastmod: datetime | None = None
    uploaded: datetime | None = None
    scan_date: str = ""
    scan_time: str = ""
    autoarchive: str = "Manual"
    prevent_anon: str = "false"
    prevent_auto_commit: str = "false"
    source: str = ""
    visit: str = ""
    protocol: str = ""
    timezone: str = ""
    xsi_type: str = "xnat:mrSessionData"
    fields: dict[str, str] = field(default_factory=dict)
    scans: dict[str, PrearchiveScan] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The row's address as XNAT lists it: without ``/data``."""
        project = self.project or "Unassigned"
        return f"/prearchive/projects/{project}/{self.timestamp}/{self.folder_name}"


@dataclass(slots=True, eq=False)
class SavedSearch:
    """A search by its ID: a document that somebody saved, or the rows of a cached answer."""

    id: str
    owner: str
    document: bytes = b""
    columns: list[dict[str, str]] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    root: str = ""


@dataclass(slots=True, eq=False)
class AliasToken:
    """A stand-in login: ``alias`` as user, ``secret`` as password, until ``expires``."""

    number: int
    alias: str
    secret: str = field(repr=False)
    login: str
    created: datetime
    expires: datetime
    single_use: bool = False


@dataclass(slots=True, eq=False)
class Session:
    """A server session, named by the JSESSIONID cookie; times in seconds of the monotonic clock."""

    id: str = field(repr=False)
    login: str
    last_activity: float
    csrf: str = field(default="", repr=False)
