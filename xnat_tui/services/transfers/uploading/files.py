"""Sending files of this machine into a resource, and reading back what the server made of them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import IO, BinaryIO, cast

from xnat_tui.errors import NotFound, ServerUnreachable, Unclear, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.options import UploadMode, UploadOptions
from xnat_tui.model.plan import Action, Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State
from xnat_tui.model.work import FilesUpload
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.file_decisions import differs, evidence
from xnat_tui.services.transfers.importing.archives import Contents
from xnat_tui.services.transfers.importing.local_files import LocalFile, unpacked
from xnat_tui.services.transfers.manners import LARGE, addressable
from xnat_tui.services.transfers.parcels import MOST_BYTES, MOST_FILES
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.documents.writing import Attributes, Body
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables.listing import file_item


def send(connection: Connection, step: Step, control: Control, options: UploadOptions) -> Outcome:
    """Send what the resource lacks. Running it twice leaves what running it once leaves.

    A write that ended without an answer is looked up before anything is sent again. Raises Interrupted, and
    what the server says against the whole of it.
    """
    run = _Run(connection, step, control, options)
    return run.outcome()


class _Run:
    """One step while it runs."""

    def __init__(self, connection: Connection, step: Step, control: Control, options: UploadOptions) -> None:
        self._connection = connection
        self._step = step
        self._control = control
        self._options = options
        self._resource = Item(Kind.RESOURCE, "", uri=step.target.uri)
        self._replaces = step.action is Action.UPDATE
        self._failures: dict[str, Failure] = {}

    def outcome(self) -> Outcome:
        wanted = {file.name: file for file in self._readable(unpacked(self._step.carried(FilesUpload).files))}
        local = {name: _item(file) for name, file in wanted.items()}
        skipped = sent_files = sent_bytes = 0
        for attempt in range(ATTEMPTS):
            there = self._listed()
            todo = [wanted[name] for name in local if self._is_wanted(local[name], there.get(name))]
            if attempt == 0:
                skipped = len(wanted) - len(todo) - len(self._failures)
            if not todo:
                break
            try:
                self._send(todo)
            except (Unclear, ServerUnreachable):
                if attempt == ATTEMPTS - 1:
                    raise
                pause(self._control, attempt)
                continue
            sent_files, sent_bytes = len(todo), sum(file.size for file in todo)
            break
        verified = self._verified(local) if self._options.verify else Evidence(unverified=len(local))
        failures = tuple(self._failures.values())
        state = State.FAILED if failures else State.DONE
        return Outcome(self._step.number, state, sent_files, sent_bytes, max(skipped, 0), verified, failures)

    def _readable(self, files: Iterable[LocalFile]) -> Iterator[LocalFile]:
        for file in files:
            try:
                file.check()
            except XnatTuiError as error:
                self._fail(file.name, error.message, error.hint)
            else:
                yield file

    def _is_wanted(self, file: Item, other: Item | None) -> bool:
        if other is None:
            return True
        if not differs(file, other):
            return False
        if not self._replaces:
            self._fail(file.key, "It is there with other content.", "--on-existing update replaces it.")
        return self._replaces

    def _listed(self) -> dict[str, Item]:
        """What the resource holds; nothing where it does not exist yet."""
        try:
            table = self._connection.table(f"{encode_uri(self._step.target.uri)}/files")
        except NotFound:
            return {}
        return {item.key: item for item in (file_item(row, self._resource) for row in table)}

    def _send(self, files: Sequence[LocalFile]) -> None:
        alone = [file for file in files if self._goes_alone(file, len(files))]
        for file in alone:
            self._control.check()
            body = Body(partial(open_file, file), file.size, self._control.on_bytes)
            existed = writing.put_file(
                self._connection,
                self._step.target.uri,
                file.name,
                body,
                Attributes(),
                overwrite=self._replaces,
                update_stats=True,
            )
            self._note(existed)
            self._control.on_file()
        for part in parts([file for file in files if file not in alone]):
            with streams.spool() as packed, Contents() as contents:
                length = pack(part, packed, self._control, [file.name for file in part], contents)
                body = Body(partial(streams.again, packed, self._control), length, self._control.on_bytes)
                uri = self._step.target.uri
                self._note(
                    writing.put_zip(self._connection, uri, body, Attributes(), overwrite=self._replaces)
                )
            for _ in part:
                self._control.on_file()

    def _goes_alone(self, file: LocalFile, count: int) -> bool:
        """Empty files, and names that an address would change, only arrive inside a zip."""
        if self._options.mode is UploadMode.ZIP or not file.size or not addressable(file.name):
            return False
        return self._options.mode is UploadMode.FILE or count == 1 or file.size >= LARGE

    def _note(self, existed: Iterable[str]) -> None:
        for name in existed:
            self._fail(name, "It existed, and the server left it alone.", "Compare the two.")

    def _verified(self, local: dict[str, Item]) -> Evidence:
        """Size and digest of what the server lists now: a 200 alone says nothing about what was stored."""
        there, total = self._listed(), Evidence()
        for name, file in local.items():
            if name in self._failures:
                continue
            other = there.get(name)
            if other is None:
                self._fail(
                    name,
                    "The server took it without a complaint and does not list it.",
                    f"Has {self._connection.user} the right to edit this?",
                )
            elif differs(file, other):
                self._fail(name, "The server lists another size or checksum.", "Send it again.")
            else:
                total += evidence(file, other)
        return total

    def _fail(self, name: str, error: str, hint: str = "") -> None:
        path = f"{self._step.path}/files/{name}"
        self._failures.setdefault(name, Failure(path, error, hint))


def parts(files: Sequence[LocalFile]) -> Iterator[list[LocalFile]]:
    """Cut into what one archive may hold, so that temporary space stays bounded."""
    part: list[LocalFile] = []
    size = 0
    for file in files:
        if part and (size + file.size > MOST_BYTES or len(part) >= MOST_FILES):
            yield part
            part, size = [], 0
        part.append(file)
        size += file.size
    if part:
        yield part


def pack(
    files: Sequence[LocalFile],
    into: IO[bytes],
    control: Control,
    names: Sequence[str],
    contents: Contents,
    before: Callable[[bytes], bytes] = lambda _start: b"",
) -> int:
    """Zip files, uncompressed, under these names; the length. Raises XnatTuiError, Interrupted.

    `before` is shown the beginning of each, and says what is to stand before it.
    """
    failure: XnatTuiError
    try:
        with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
            for file, name in zip(files, names, strict=True):
                with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                    for number, chunk in enumerate(contents.chunks(file)):
                        control.check()
                        member.write(chunk if number else before(chunk) + chunk)
        return into.tell()
    except OSError as error:
        failure = streams.disk_failure(error)
    raise failure


def open_file(file: LocalFile) -> BinaryIO:
    """Raises XnatTuiError where it cannot be read."""
    failure: XnatTuiError
    try:
        return cast(BinaryIO, file.path.open("rb"))
    except OSError as error:
        failure = XnatTuiError(f"{file.name} cannot be read: {error.strerror or type(error).__name__}.")
    raise failure


def _item(file: LocalFile) -> Item:
    return Item(Kind.FILE, file.name, file.name, bytes=file.size, digest=file.md5())
