"""Moving files from one server to another, in bounded memory, so that nothing wrong is stored.

Small files travel together: one zip down, taken apart as it arrives, and what is right of it in zips of exact
names up. Names that an address cannot carry always travel so. A large file is streamed from server to server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import IO, BinaryIO, cast

from xnat_tui.errors import BadAnswer, NotFound, Refused, ServerError, ServerUnreachable, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item
from xnat_tui.model.options import Mode
from xnat_tui.model.plan import Step
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.manners import LARGE, addressable
from xnat_tui.services.transfers.parcels import Manner, Parcel, Parcels
from xnat_tui.services.transfers.streams import Hash, Passed, Through
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.documents.writing import Body
from xnat_tui.xnat.files import zip_streams
from xnat_tui.xnat.files.zip_streams import Arriving, Unstreamable
from xnat_tui.xnat.files.zips import Member
from xnat_tui.xnat.http.connection import encode_uri

FEW = 2
"""So many files are fetched by themselves rather than with the whole resource's zip."""
ZIP_ATTEMPTS = 2
SHARE = 0.25
"""The part of a resource's bytes from which its zip is cheaper than single requests."""

SOURCE_FAILED = (BadAnswer, NotFound, Refused, ServerError, ServerUnreachable)


_Left = dict[str, tuple[Item, Manner]]
"""What is still to be packed, by its path below the resource."""


def _size(left: _Left) -> int:
    return sum(item.bytes or 0 for item, _ in left.values())


def _proved(one: Arriving, left: _Left) -> Iterator[bytes]:
    """A file out of a zip, whose own checksum tells nothing more where the source lists an MD5."""
    return one.content.unsummed() if one.path in left and left[one.path][0].digest else one.chunks


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
        self.gone: XnatTuiError | None = None
        """Set where nothing answers any more: the files that are left would each wait for the same."""
        self.members: Mapping[str, Member] | None = None
        """The files of this resource in a zip that somebody else fetched."""

    def send(self, wanted: Mapping[Manner, Sequence[Item]], total: int) -> None:
        """Send files, each in its manner; `total` are the bytes of the whole resource.

        Raises Unclear or ServerUnreachable when an upload ended so: what was sent may have arrived.
        """
        self.gone = None
        single: list[tuple[Item, Manner]] = []
        packed: dict[str, tuple[Item, Manner]] = {}
        count = sum(map(len, wanted.values()))
        for manner, items in wanted.items():
            for item in items:
                if self._alone(item, count):
                    single.append((item, manner))
                else:
                    packed[item.key] = item, manner
        for number, (item, manner) in enumerate(single, 1):
            self._control.check()
            last = number == len(single) and not packed
            if self._streams(item):
                self._stream(item, manner, update_stats=last)
            else:
                self._relay(item, manner, update_stats=last)
            if self.gone is not None:
                raise self.gone
        if packed:
            self._send_packed(packed, total)
        if self.gone is not None:
            raise self.gone

    def _alone(self, item: Item, count: int) -> bool:
        mode = self._run.options.mode
        if mode is Mode.ZIP or not item.bytes or not addressable(item.key):
            return False
        if self.members is not None and item.key in self.members and item.bytes < LARGE:
            return False  # it is here already
        return mode is Mode.FILE or count == 1 or item.bytes >= LARGE

    def _streams(self, item: Item) -> bool:
        """One server's two ends share its connections: waiting for a second while holding one may block."""
        return (item.bytes or 0) >= LARGE and self._run.source is not self._run.target

    def _relay(self, item: Item, manner: Manner, *, update_stats: bool) -> None:
        """Fetch a file whole, check it, send it."""
        with streams.spool() as file:
            passed = self._fetch(item, file)
            if passed is None:
                return
            self.passed[item.key] = passed
            body = Body(partial(streams.again, file, self._control), passed.size, self._control.on_bytes)
            self._put(item, body, manner, update_stats=update_stats)

    def _stream(self, item: Item, manner: Manner, *, update_stats: bool) -> None:
        """Send a file while it comes. Broken off before its end, it is not stored, and sent again."""
        opened: list[Through] = []

        def source() -> BinaryIO:
            opened.append(Through(self._run.source, item, self._control))
            return cast(BinaryIO, opened[-1])

        body = Body(source, item.bytes or 0, self._control.on_bytes)
        for attempt in range(ATTEMPTS):
            try:
                self._put(item, body, manner, update_stats=update_stats)
            except SOURCE_FAILED as error:
                if attempt < ATTEMPTS - 1 and isinstance(error, BadAnswer | ServerUnreachable):
                    pause(self._control, attempt)
                    continue
                self._give_up(item, error)
                return
            finally:
                if opened and opened[-1].complete:
                    self.passed[item.key] = opened[-1].passed
            return

    def _put(self, item: Item, body: Body, manner: Manner, *, update_stats: bool) -> None:
        try:
            existed = writing.put_file(
                self._run.target,
                self._step.target.uri,
                item.key,
                body,
                manner.attributes,
                overwrite=manner.overwrite,
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
                    self._give_up(item, error)
                    return None
            pause(self._control, attempt)
        return None

    def _give_up(self, item: Item, error: XnatTuiError) -> None:
        if error.unreachable:
            self.gone = error
        else:
            self._fail(item.key, error)

    def _send_packed(self, left: _Left, total: int) -> None:
        size = _size(left)
        # within one server the two ends share its connections: sending has to wait for the end of fetching
        with Parcels(self._put_zip, size, beside=self._run.source is not self._run.target) as parcels:
            if self.members is not None:
                held = ((path, self.members[path].chunks()) for path in list(left) if path in self.members)
                self._pack_all(held, left, parcels)
            else:
                self._pack_zip(left, parcels, total)
            for item, manner in left.values():
                if parcels.broken or self.gone is not None:
                    break
                self._pack_single(item, manner, parcels)
            parcels.finish()

    def _put_zip(self, parcel: Parcel) -> None:
        self.passed |= parcel.passed
        body = Body(partial(streams.again, parcel.file, self._control), parcel.length, self._control.on_bytes)
        target, manner = self._step.target.uri, parcel.manner
        try:
            existed = writing.put_zip(
                self._run.target, target, body, manner.attributes, overwrite=manner.overwrite
            )
        except (Refused, ServerError) as error:
            for path in parcel.passed:
                self._fail(path, error)
            return
        self.existed = self.existed or bool(existed)

    def _pack_zip(self, left: _Left, parcels: Parcels, total: int) -> None:
        """Pack what the resource's zip brings, where that is cheaper than single requests."""
        path = f"{encode_uri(self._step.source.uri)}/files"
        fetch: Callable[..., AbstractContextManager[Iterator[Arriving]]] = zip_streams.stream
        for attempt in range(ZIP_ATTEMPTS):
            if parcels.broken or len(left) <= FEW or _size(left) < SHARE * total:
                return
            try:
                with fetch(self._run.source, path) as arriving:
                    self._pack_all(((one.path, _proved(one, left)) for one in arriving), left, parcels)
            except Unstreamable:
                fetch = zip_streams.spooled
            except SOURCE_FAILED:
                self._control.check()
                if attempt == 0:
                    pause(self._control, attempt)
            else:
                return

    def _pack_all(
        self, arriving: Iterable[tuple[str, Iterable[bytes]]], left: _Left, parcels: Parcels
    ) -> None:
        """Pack what is right of what arrives, and forget it in `left`: the rest is fetched by itself."""
        for path, chunks in arriving:
            self._control.check()
            if parcels.broken:
                return
            if path not in left:
                continue
            try:
                self._pack(*left[path], chunks, parcels)
            except Unstreamable:
                raise
            except BadAnswer:  # the zip may be damaged, or older than the list
                continue
            del left[path]

    def _pack(self, item: Item, manner: Manner, chunks: Iterable[bytes], parcels: Parcels) -> None:
        """Raises BadAnswer where a file is not what the source lists: nothing of it is sent."""
        seen = Hash()
        coming = seen.through(chunks, item.bytes)
        if item.bytes is not None and item.bytes <= streams.IN_MEMORY:
            held = list(coming)
            seen.passed.check(item)
            parcels.add(item.key, held, seen.passed, manner)
            return
        with streams.spool() as file:
            for chunk in coming:
                self._control.check()
                streams.write(file, chunk)
            seen.passed.check(item)
            parcels.add(item.key, streams.pieces(file), seen.passed, manner)

    def _pack_single(self, item: Item, manner: Manner, parcels: Parcels) -> None:
        self._control.check()
        with streams.spool() as file:
            passed = self._fetch(item, file)
            if passed is not None:
                parcels.add(item.key, streams.pieces(file), passed, manner)
