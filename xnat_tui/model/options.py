"""Every choice that shapes a plan: for each verb those that mean something to it, and no others.

A choice is a word of its enumeration, or that word's text; what is no such word is refused where it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar, TypeVar

from xnat_tui.errors import UsageError


class OnExisting(StrEnum):
    """What to do with what is there already: add only what is missing, or also replace what differs."""

    SKIP = "skip"
    UPDATE = "update"
    """Change fields that differ, and replace files that differ; nothing is removed."""
    OVERWRITE = "overwrite"
    """Send everything again, and replace what is there."""


class Mode(StrEnum):
    """How the files of a copy travel."""

    AUTO = "auto"
    ZIP = "zip"
    FILE = "file"
    METADATA = "metadata"
    RSYNC = "rsync"


class ExportMode(StrEnum):
    """How the files of an export travel: as those of a copy, but between no archive folders."""

    AUTO = "auto"
    ZIP = "zip"
    FILE = "file"
    METADATA = "metadata"


class UploadMode(StrEnum):
    """How the files of an upload travel: they are all that is sent."""

    AUTO = "auto"
    ZIP = "zip"
    FILE = "file"


class Shared(StrEnum):
    """What to do with items that are shared into the source project."""

    SKIP = "skip"
    COPY = "copy"
    """Take them along as the destination's own."""
    SHARE = "share"
    """Show them there, too, from their owner's project."""


class ExportShared(StrEnum):
    """The same where no server is written to."""

    SKIP = "skip"
    COPY = "copy"


class Via(StrEnum):
    """What DICOM goes through."""

    FILES = "files"
    """Every byte is kept."""
    IMPORT = "import"
    """The destination's import service, which may rewrite it."""


class Layout(StrEnum):
    """How an exported folder is arranged."""

    XNAT = "xnat"
    FLAT = "flat"
    BIDS = "bids"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOptions:
    """What every transfer can be told."""

    verb: ClassVar[str] = ""
    on_existing: OnExisting = OnExisting.SKIP
    verify: bool = True
    bandwidth: int | None = None
    """Bytes per second over all streams; None is unlimited."""
    workers: int = 4
    deidentify: str = ""
    """A profile: `basic`, with options or not, or a TOML file; "" sends everything as it is."""
    key: str = ""
    """The file of the key that makes new UIDs, labels and dates."""
    label_map: str = ""
    """The CSV file of old and new labels; "" leaves them to the key."""
    relabel: str = ""
    """A rule for new labels, `SITE-{n:04d}`, that are dealt once and remembered in `label_map`."""
    pass_resource: tuple[str, ...] = ()
    """Labels of resources, or globs, whose files may pass though they are no DICOM."""

    def __post_init__(self) -> None:
        """Raises UsageError for a word that is none of its choice's."""
        for field in fields(self):
            if isinstance(field.default, StrEnum):
                words, value = type(field.default), getattr(self, field.name)
                if value not in list(words):
                    known = ", ".join(words)
                    raise UsageError(f"{field.name} cannot be {str(value)!r}.", f"It is one of: {known}.")
                object.__setattr__(self, field.name, words(value))
        if not self.deidentify and (self.key or self.label_map or self.relabel or self.pass_resource):
            raise UsageError(
                "A key, new labels and passing resources belong to de-identification.",
                "Add --deidentify basic.",
            )

    def refuse_deidentify(self, what: str) -> None:
        """Raises UsageError where a profile was asked for that would not be kept."""
        if self.deidentify:
            raise UsageError(f"{what} cannot de-identify.", "Leave out --deidentify, or use copy or export.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingOptions(TransferOptions):
    """What a transfer to a server can be told."""

    skip_existing_sessions: bool = False
    autorun: bool = False
    """Whether what is archived starts the destination's AutoRun, as XNAT itself would."""
    ohif: bool = False
    event_reason: str = ""
    """For the audit trail of each change; "" is the one that the server was saved with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions(WritingOptions):
    """How one server's items become another's."""

    verb: ClassVar[str] = "copy"
    mode: Mode = Mode.AUTO
    shared: Shared = Shared.SKIP
    via: Via = Via.FILES
    fix_scan_types: bool = False
    ignore_missing_datatypes: bool = False
    refresh_catalogs: bool = False
    clear_caches: bool = False
    rsync_source: str = ""
    rsync_destination: str = ""
    executor: str = ""
    """Where its steps run: "" in one process here, `dask=tcp://HOST:PORT` on that cluster."""

    def __post_init__(self) -> None:
        """Raises UsageError as that of every transfer, and for an executor that there is not."""
        WritingOptions.__post_init__(self)
        if self.executor and not self.scheduler:
            raise UsageError(f"executor cannot be {self.executor!r}.", "It is dask=tcp://HOST:PORT.")

    @property
    def scheduler(self) -> str:
        """The address of the Dask scheduler; "" without one."""
        kind, _, address = self.executor.partition("=")
        return address if kind == "dask" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions(TransferOptions):
    """How a server's items become files of a folder."""

    verb: ClassVar[str] = "export"
    mode: ExportMode = ExportMode.AUTO
    shared: ExportShared = ExportShared.SKIP
    layout: Layout = Layout.XNAT
    metadata: bool = True
    bids_map: str = ""
    """A CSV file that says what series are, for the layout `bids`; "" is none."""
    overwrite_local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions(WritingOptions):
    """How files of this machine become a server's."""

    verb: ClassVar[str] = "upload"
    mode: UploadMode = UploadMode.AUTO


OPTIONS: Mapping[str, type[TransferOptions]] = {
    kind.verb: kind for kind in (ExportOptions, CopyOptions, UploadOptions)
}
"""By verb, what it can be told."""

_Options = TypeVar("_Options", bound=TransferOptions)


def options_or_usual(kind: type[_Options], given: TransferOptions | None) -> _Options:
    """The options of a verb, the usual ones where none are given. Raises UsageError for another verb's."""
    if given is None:
        return kind()
    if not isinstance(given, kind):
        raise UsageError(
            f"{type(given).__name__} say nothing to {kind.verb}.", f"Give it {kind.__name__}, or none."
        )
    return given
