"""Where files go that may leave, and what proves that they arrived."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from xnat_tui.errors import Conflict, NotFound, Refused, ServerError, ServerUnreachable, Unclear, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.transfer import Evidence
from xnat_tui.paths import private_folder
from xnat_tui.services.incoming import Incoming
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.manners import LARGE, addressable
from xnat_tui.services.transfers.parcels import Manner, Parcel, Parcels
from xnat_tui.services.transfers.streams import Passed, pieces
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.documents.writing import Attributes, Body
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing

OTHER_CONTENT = Conflict(
    "It is there with other content: another key or profile, or somebody changed it.",
    "--on-existing update replaces it.",
)
_NOT_STORED = XnatTuiError(
    "The server accepted the file, but does not list it as it was sent.", "Retry the job."
)


class Sink(Protocol):
    """Takes the files of one resource, under names that it is given."""

    sent: dict[str, Passed]
    """What was handed over, by name."""
    complete: Evidence
    """What was there already, byte for byte."""
    failed: dict[str, XnatTuiError]

    def take(self, name: str, file: IO[bytes], passed: Passed) -> None:
        """Send a file, now or with others. Raises XnatTuiError where nothing can be sent any more."""

    def finish(self, *, verify: bool) -> Evidence:
        """Send what waits, and prove all. What did not arrive is in `failed` then, no more in `sent`."""


class ArchiveSink:
    """A resource of a server; it is made by the first file. A context."""

    def __init__(
        self,
        target: Connection,
        uri: str,
        attributes: Attributes,
        control: Control,
        size: int,
        *,
        beside: bool,
        replaces: bool,
    ) -> None:
        """`size`: bytes that are expected. `beside`: whether sending may go on while others arrive."""
        self.sent: dict[str, Passed] = {}
        self.complete = Evidence()
        self.failed: dict[str, XnatTuiError] = {}
        self._target = target
        self._uri = uri
        self._attributes = attributes
        self._control = control
        self._replaces = replaces
        self._there = self._listed()
        self._unclear: XnatTuiError | None = None
        self._stack = ExitStack()
        self._parcels = self._stack.enter_context(Parcels(self._put_zip, size, beside=beside))

    def __enter__(self) -> ArchiveSink:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, name: str, file: IO[bytes], passed: Passed) -> None:
        """As `Sink.take`."""
        other = self._there.get(name)
        if other is not None and _same(other, passed):
            self.complete += _evidence(other, passed)
            return
        if other is not None and not self._replaces:
            self.failed[name] = OTHER_CONTENT
            return
        self.sent[name] = passed
        manner = Manner(self._attributes, overwrite=other is not None)
        if passed.size >= LARGE and addressable(name):
            self._put_file(name, file, passed, manner)
        elif not self._parcels.broken:
            self._parcels.add(name, pieces(file), passed, manner)

    def finish(self, *, verify: bool) -> Evidence:
        """As `Sink.finish`."""
        try:
            self._parcels.finish()
        except (Unclear, ServerUnreachable) as error:
            self._unclear = error
        if not verify and self._unclear is None:
            return Evidence(unverified=len(self.sent))
        evidence = Evidence()
        there = self._listed()
        for name, passed in list(self.sent.items()):
            other = there.get(name)
            if other is None or not _same(other, passed):
                self.failed.setdefault(name, self._unclear or _NOT_STORED)
                del self.sent[name]
            else:
                evidence += _evidence(other, passed)
        return evidence

    def _listed(self) -> Mapping[str, Item]:
        resource = Item(Kind.RESOURCE, "", uri=self._uri)
        try:
            table = self._target.table(f"{encode_uri(self._uri)}/files", "URI")
        except NotFound:
            return {}
        return {item.key: item for item in (listing.file_item(row, resource) for row in table)}

    def _put_file(self, name: str, file: IO[bytes], passed: Passed, manner: Manner) -> None:
        body = Body(partial(streams.again, file, self._control), passed.size, self._control.on_bytes)
        try:
            writing.put_file(
                *(self._target, self._uri, name, body, manner.attributes),
                overwrite=manner.overwrite,
                update_stats=True,
            )
        except (Refused, ServerError, Unclear) as error:
            self.failed[name] = error
            self.sent.pop(name)

    def _put_zip(self, parcel: Parcel) -> None:
        body = Body(partial(streams.again, parcel.file, self._control), parcel.length, self._control.on_bytes)
        try:
            writing.put_zip(
                self._target, self._uri, body, parcel.manner.attributes, overwrite=parcel.manner.overwrite
            )
        except (Refused, ServerError) as error:
            for name in parcel.passed:
                self.failed[name] = error
                self.sent.pop(name, None)


class FolderSink:
    """A folder of this machine, made for this user only. Names are checked before they become paths."""

    def __init__(self, folder: Path, incoming: Incoming, control: Control, *, replaces: bool) -> None:
        self.sent: dict[str, Passed] = {}
        self.complete = Evidence()
        self.failed: dict[str, XnatTuiError] = {}
        self._folder = folder
        self._incoming = incoming
        self._control = control
        self._replaces = replaces

    def __enter__(self) -> FolderSink:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def take(self, name: str, file: IO[bytes], passed: Passed) -> None:
        """As `Sink.take`."""
        place = self._folder / name
        if not _stays_below(name):
            self.failed[name] = Conflict("Its name would leave the folder.")
            return
        try:
            private_folder(place.parent)
            if place.is_symlink() or place.exists():
                if _hashed(place) == passed:
                    self.complete += Evidence(digest=1)
                    return
                if not self._replaces:
                    self.failed[name] = OTHER_CONTENT
                    return
            part = Path(self._incoming.place())
            with part.open("xb") as opened:
                part.chmod(0o600)
                for chunk in pieces(file):
                    self._control.check()
                    opened.write(chunk)
                opened.flush()
                os.fsync(opened.fileno())
            part.replace(place)
        except OSError as error:
            self.failed[name] = XnatTuiError(
                f"It cannot be written: {error.strerror or type(error).__name__}.", "Free space, or rights."
            )
            return
        self._control.on_bytes(passed.size)
        self.sent[name] = passed

    def finish(self, *, verify: bool) -> Evidence:
        """As `Sink.finish`."""
        if not verify:
            return Evidence(unverified=len(self.sent))
        evidence = Evidence()
        for name, passed in list(self.sent.items()):
            found = None
            with suppress(OSError):
                found = _hashed(self._folder / name)
            if found == passed:
                evidence += Evidence(digest=1)
            else:
                self.failed[name] = XnatTuiError("What was written is not what is there.", "Retry the job.")
                del self.sent[name]
        return evidence


def _stays_below(name: str) -> bool:
    parts = name.split("/")
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)


def _hashed(path: Path) -> Passed:
    """Raises OSError, also for what is a link or no file."""
    if path.is_symlink() or not path.is_file():
        raise OSError("no file")
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False))
        return Passed(opened.tell(), digest.hexdigest())


def _same(there: Item, passed: Passed) -> bool:
    return there.bytes == passed.size and there.digest in (None, "", passed.md5)


def _evidence(there: Item, passed: Passed) -> Evidence:
    return Evidence(digest=1) if there.digest == passed.md5 else Evidence(size=1)
