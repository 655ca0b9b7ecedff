"""Moving files from one server to another, in bounded memory, so that nothing wrong is stored.

Small files travel together: one zip down, what is needed repacked under its exact names, one zip up.
Names that an address cannot carry always travel so. A large file is streamed from server to server.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import IO, BinaryIO, cast

from xnat_tui.errors import BadAnswer, NotFound, Refused, ServerError, ServerUnreachable, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.model.plan import Mode, Step
from xnat_tui.services import copying_streams as streams
from xnat_tui.services.copying import ATTEMPTS, Control, CopyRun, check_stop, pause
from xnat_tui.services.copying_streams import Hash, Passed, Through
from xnat_tui.xnat import writing, zips
from xnat_tui.xnat.connection import encode_uri
from xnat_tui.xnat.writing import Attributes, Body
from xnat_tui.xnat.zips import Member

LARGE = 32_000_000
"""Bytes from which a file is worth a request of its own, and is not kept anywhere on its way."""
ARCHIVE_BYTES = 1_000_000_000
ARCHIVE_FILES = 5_000
"""What one uploaded zip holds at most: temporary space stays bounded, and a failure costs less."""
FEW = 2
"""So many files are fetched by themselves rather than with the whole resource's zip."""
SHARE = 0.25
"""The part of a resource's bytes from which its zip is cheaper than single requests."""

_PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
_DAMAGED = (BadAnswer, *zips.DAMAGED)
SOURCE_FAILED = (BadAnswer, NotFound, Refused, ServerError, ServerUnreachable)


def addressable(path: str) -> bool:
    """Whether XNAT stores a file under this very path when it is sent by itself.

    Other characters are kept percent-encoded, or decoded as a form would be, depending on the version.
    """
    return _PLAIN.fullmatch(path) is not None and not path.endswith("/")


class Sender:
    """Sends files of one resource. `fail` is told which file could not be sent, and why.

    `passed` tells what went through, by path. `existed` is set when the server left something alone.
    """

    def __init__(
        self, run: CopyRun, step: Step, control: Control, fail: Callable[[str, XnatTuiError], None]
    ) -> None:
        self._run = run
        self._step = step
        self._control = control
        self._fail = fail
        self.passed: dict[str, Passed] = {}
        self.existed = False
        self.members: Mapping[str, Member] | None = None
        """The files of this resource in a zip that somebody else fetched."""

    def send(self, items: Sequence[Item], attributes: Attributes, *, overwrite: bool, total: int) -> None:
        """Send files that share attributes; `total` are the bytes of the whole resource.

        Raises Unclear or ServerUnreachable when an upload ended so: what was sent may have arrived.
        """
        single = [item for item in items if self._alone(item, len(items))]
        packed = [item for item in items if item not in single]
        for number, item in enumerate(single, 1):
            check_stop(self._control)
            last = number == len(single) and not packed
            if self._streams(item):
                self._stream(item, attributes, overwrite=overwrite, update_stats=last)
            else:
                self._relay(item, attributes, overwrite=overwrite, update_stats=last)
        if packed:
            self._send_packed(packed, attributes, overwrite=overwrite, total=total)

    def _alone(self, item: Item, count: int) -> bool:
        mode = self._run.policy.mode
        if mode is Mode.ZIP or not item.bytes or not addressable(item.key):
            return False
        if self.members is not None and item.key in self.members and item.bytes < LARGE:
            return False  # it is here already
        return mode is Mode.FILE or count == 1 or item.bytes >= LARGE

    def _streams(self, item: Item) -> bool:
        """One server's two ends share its connections: waiting for a second while holding one may block."""
        return (item.bytes or 0) >= LARGE and self._run.source is not self._run.target

    def _relay(self, item: Item, attributes: Attributes, *, overwrite: bool, update_stats: bool) -> None:
        """Fetch a file whole, check it, send it."""
        with streams.spool() as file:
            passed = self._fetch(item, file)
            if passed is None:
                return
            self.passed[item.key] = passed
            body = Body(partial(streams.again, file), passed.size, self._control.on_bytes)
            self._put(item, body, attributes, overwrite=overwrite, update_stats=update_stats)

    def _stream(self, item: Item, attributes: Attributes, *, overwrite: bool, update_stats: bool) -> None:
        """Send a file while it comes. Broken off before its end, it is not stored, and sent again."""
        opened: list[Through] = []

        def source() -> BinaryIO:
            opened.append(Through(self._run.source, item, self._control))
            return cast(BinaryIO, opened[-1])

        body = Body(source, item.bytes or 0, self._control.on_bytes)
        for attempt in range(ATTEMPTS):
            try:
                self._put(item, body, attributes, overwrite=overwrite, update_stats=update_stats)
            except SOURCE_FAILED as error:
                if attempt < ATTEMPTS - 1 and isinstance(error, BadAnswer | ServerUnreachable):
                    pause(self._control, attempt)
                    continue
                self._fail(item.key, error)
                return
            finally:
                if opened and opened[-1].complete:
                    self.passed[item.key] = opened[-1].passed
            return

    def _put(
        self, item: Item, body: Body, attributes: Attributes, *, overwrite: bool, update_stats: bool
    ) -> None:
        try:
            existed = writing.put_file(
                self._run.target,
                self._step.target.uri,
                item.key,
                body,
                attributes,
                overwrite=overwrite,
                update_stats=update_stats,
            )
        except (Refused, ServerError) as error:
            self._fail(item.key, error)
            return
        self.existed = self.existed or bool(existed)

    def _fetch(self, item: Item, into: IO[bytes]) -> Passed | None:
        """Download one file; what stays wrong after some attempts fails alone."""
        for attempt in range(ATTEMPTS):
            into.seek(0)
            into.truncate()
            try:
                return streams.fetch(self._run.source, item, into, self._control)
            except SOURCE_FAILED as error:
                if attempt == ATTEMPTS - 1 or not isinstance(error, BadAnswer | ServerUnreachable):
                    self._fail(item.key, error)
                    return None
            pause(self._control, attempt)
        return None

    def _send_packed(
        self, items: Sequence[Item], attributes: Attributes, *, overwrite: bool, total: int
    ) -> None:
        with self._members(items, total) as members:
            for batch in batches(items):
                with streams.spool() as file:
                    packed = self._pack(batch, members, file)
                    if not packed:
                        continue
                    length = file.seek(0, 2)
                    self.passed |= packed
                    body = Body(partial(streams.again, file), length, self._control.on_bytes)
                    self._put_zip(packed, body, attributes, overwrite=overwrite)

    def _put_zip(
        self, packed: Mapping[str, Passed], body: Body, attributes: Attributes, *, overwrite: bool
    ) -> None:
        target = self._step.target.uri
        try:
            existed = writing.put_zip(self._run.target, target, body, attributes, overwrite=overwrite)
        except (Refused, ServerError) as error:
            for path in packed:
                self._fail(path, error)
            return
        self.existed = self.existed or bool(existed)

    @contextmanager
    def _members(self, items: Sequence[Item], total: int) -> Iterator[Mapping[str, Member]]:
        """The resource's zip where that is cheaper; nothing where single requests are, or it is damaged."""
        if self.members is not None:
            yield self.members
            return
        if len(items) <= FEW or sum(item.bytes or 0 for item in items) < SHARE * total:
            yield {}
            return
        path = f"{encode_uri(self._step.source.uri)}/files"
        for attempt in range(FEW):
            fetched = zips.fetch(self._run.source, path, test=False)
            try:
                members = fetched.__enter__()
            except SOURCE_FAILED:
                check_stop(self._control)
                if attempt == 0:
                    pause(self._control, attempt)
                continue
            try:
                yield {member.path: member for member in members}
            finally:
                fetched.__exit__(None, None, None)
            return
        yield {}

    def _pack(
        self, items: Sequence[Item], members: Mapping[str, Member], file: IO[bytes]
    ) -> dict[str, Passed]:
        """Write what is right into a zip: its names are exactly the paths below the resource."""
        packed: dict[str, Passed] = {}
        failure: XnatTuiError
        try:
            with zipfile.ZipFile(file, "w") as archive:
                for item in items:
                    check_stop(self._control)
                    passed = self._pack_one(item, members.get(item.key), archive)
                    if passed is not None:
                        packed[item.key] = passed
        except OSError as error:
            failure = streams.disk_failure(error)
        else:
            return packed
        raise failure

    def _pack_one(self, item: Item, member: Member | None, archive: zipfile.ZipFile) -> Passed | None:
        if member is not None:
            try:
                return _from_zip(item, member, archive)
            except _DAMAGED:
                check_stop(self._control)  # and fetched by itself: the zip may be damaged, or older
        with streams.spool() as file:
            fetched = self._fetch(item, file)
            if fetched is not None:
                _add(archive, item.key, partial(streams.again, file))
            return fetched


def batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Files in groups that one upload carries."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= ARCHIVE_FILES or size + (item.bytes or 0) > ARCHIVE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.bytes or 0
    if batch:
        yield batch


def _from_zip(item: Item, member: Member, archive: zipfile.ZipFile) -> Passed:
    """Repack a member that is right. A small one is read once; its checksum is compared as it ends."""
    if member.size > streams.IN_MEMORY:
        passed = _hashed(member.open)
        passed.check(item)
        _add(archive, item.key, member.open)
        return passed
    with member.open() as opened:
        data = opened.read()
    seen = Hash()
    seen.update(data)
    seen.passed.check(item)
    archive.writestr(_entry(item.key), data)
    return seen.passed


def _hashed(opener: Callable[[], IO[bytes]]) -> Passed:
    seen = Hash()
    with opener() as opened:
        while chunk := opened.read(streams.CHUNK):
            seen.update(chunk)
    return seen.passed


def _add(archive: zipfile.ZipFile, path: str, opener: Callable[[], IO[bytes]]) -> None:
    """Stored, not packed: images hardly shrink, and the network is rarely slower than packing them."""
    with opener() as opened, archive.open(_entry(path), "w", force_zip64=True) as entry:
        while chunk := opened.read(streams.CHUNK):
            entry.write(chunk)


def _entry(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path)
    info.external_attr = 0o600 << 16
    return info
