"""Files of a resource out of its zip, unpacked while it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import chain

from xnat_tui.errors import BadAnswer, Interrupted, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.services.transfers.exporting.fetch import Fetch
from xnat_tui.services.transfers.exporting.files import Part
from xnat_tui.xnat.files import zip_streams
from xnat_tui.xnat.files.zip_streams import Arriving, Content, Unstreamable
from xnat_tui.xnat.http.connection import encode_uri

LANDERS = 6
BATCH = 64
"""Files that are under way at most, and those that the manifest learns of with one write."""
IN_HAND = 16_000_000
"""Bytes in memory that wait for being written; larger files are written as they come."""


def by_zip(fetch: Fetch, wanted: list[Item]) -> tuple[list[Item], bool]:
    """Take files out of the resource's zip → those that it did not bring, and whether it came whole.

    Of a zip that is cut off or damaged, the members that came whole before are kept. Raises Interrupted,
    and OSError where the folder takes no more.
    """
    by_path = {item.key: item for item in wanted}
    whole = False
    with _Landing(fetch) as landing:
        try:
            _unpack(fetch, by_path, landing)
            whole = True
        except Interrupted:
            landing.finish()
            raise
        except XnatTuiError:  # what did not come is asked for once more, and then speaks for itself
            pass
        landing.finish()
    return [*by_path.values(), *landing.damaged], whole and not landing.damaged


def _unpack(fetch: Fetch, by_path: dict[str, Item], landing: _Landing) -> None:
    """Take out of the zip what is wanted, and forget it in `by_path`. Raises what the download does."""
    connection = fetch.run.connection(fetch.step)
    path = f"{encode_uri(fetch.step.source.uri)}/files"
    everything = len(by_path) == len(fetch.listing.items)
    arriving = zip_streams.stream(connection, path, on_bytes=fetch.on_bytes)
    try:
        _take_from(fetch, arriving, by_path, landing, everything)
    except Unstreamable:
        arriving = zip_streams.spooled(connection, path, folder=fetch.run.folder, on_bytes=fetch.on_bytes)
        _take_from(fetch, arriving, by_path, landing, everything)


def _take_from(
    fetch: Fetch,
    arriving: AbstractContextManager[Iterator[Arriving]],
    by_path: dict[str, Item],
    landing: _Landing,
    everything: bool,
) -> None:
    with arriving as members:
        for member in members:
            fetch.control.check()
            _take(member, by_path, landing)
            if not by_path and not everything:
                return


def _take(member: Arriving, by_path: dict[str, Item], landing: _Landing) -> None:
    """Write one member. Raises BadAnswer where the zip is damaged: nothing is kept of it then."""
    item = by_path.get(member.path)
    if item is None:
        return
    landing.add(item, member.content)
    del by_path[member.path]


def _at_most(chunks: Iterator[bytes], most: int | None) -> Iterator[bytes]:
    """Hardly more than that: a member that swells far beyond what was listed does not fill the disk."""
    count = 0
    for chunk in chunks:
        if most is None or count <= most:
            yield chunk
        count += len(chunk)


def _up_to(chunks: Iterator[bytes], size: int) -> list[bytes]:
    """The first chunks, until they are more than so many bytes."""
    found, count = [], 0
    for chunk in chunks:
        found.append(chunk)
        count += len(chunk)
        if count > size:
            break
    return found


class _Landing:
    """Files on their way from the zip to their places: others hash, write and sync them, several at once,
    beside the thread that unpacks. The manifest learns of them by the batch."""

    def __init__(self, fetch: Fetch) -> None:
        self.damaged: list[Item] = []
        """Files that were not as the zip's own checksum says: to be asked for again."""
        self._fetch = fetch
        self._verify = fetch.run.options.verify
        self._pool = ThreadPoolExecutor(LANDERS, "land")
        self._under_way: deque[tuple[Item, int, Future[Part | None]]] = deque()
        self._held = 0
        """Bytes in memory of what is under way."""
        self._landed: list[tuple[Part, Item]] = []
        self._noting: list[Future[None]] = []

    def __enter__(self) -> _Landing:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def add(self, item: Item, content: Content) -> None:
        """Raises what reading raises, and OSError, also for files that were added before."""
        chunks = content.unsummed() if self._is_proved(item) else iter(content)
        chunks = _at_most(chunks, item.bytes if self._verify else None)
        held = _up_to(chunks, IN_HAND)
        size = sum(map(len, held))
        if size <= IN_HAND:
            self._held += size
            self._under_way.append((item, size, self._pool.submit(self._write, item, held, content)))
        elif part := self._large(item, chain(held, chunks)):
            self._under_way.append((item, 0, self._pool.submit(self._land, part, item)))
        while len(self._under_way) >= BATCH or self._held > IN_HAND:
            self._settle()

    def finish(self) -> None:
        """Have everything in its place, and known. Raises OSError."""
        while self._under_way:
            self._settle()
        self._note()
        for noting in self._noting:
            noting.result()

    def _is_proved(self, item: Item) -> bool:
        """Whether its MD5 is compared while it is held: the zip's sum then only tells why it differs."""
        return self._verify and bool(item.digest) and item.bytes is not None and item.bytes <= IN_HAND

    def _large(self, item: Item, chunks: Iterator[bytes]) -> Part | None:
        """Written as it comes; None where its place cannot be had."""
        try:
            part = self._fetch.new_part(item)
        except XnatTuiError as error:
            self._fetch.fail(item, error)
            return None
        part.write(chunks)
        return part

    def _write(self, item: Item, held: list[bytes], content: Content) -> Part | None:
        """None where it was damaged on its way."""
        part = self._fetch.new_part(item)
        part.write(held)
        try:
            return self._land(part, item)
        except BadAnswer:
            if part.size == item.bytes and content.damaged(held):
                return None
            raise

    def _land(self, part: Part, item: Item) -> Part:
        self._fetch.check(part, item)
        part.land()
        return part

    def _settle(self) -> None:
        """Wait for the file that has been under way for longest."""
        item, size, landing = self._under_way.popleft()
        self._held -= size
        try:
            part = landing.result()
        except XnatTuiError as error:
            self._fetch.fail(item, error)
            return
        if part is None:
            self.damaged.append(item)
            return
        self._fetch.arrived(part, item)
        self._landed.append((part, item))
        if len(self._landed) >= BATCH:
            self._note()

    def _note(self) -> None:
        landed, self._landed = self._landed, []
        self._noting.append(self._pool.submit(self._fetch.note, landed))
