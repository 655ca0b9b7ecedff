"""Files of a resource out of its zip, unpacked while it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import chain

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.services.copying.run import check_stop
from xnat_tui.services.exporting.fetch import Fetch
from xnat_tui.services.exporting.files import Part
from xnat_tui.xnat import zip_streams
from xnat_tui.xnat.connection import encode_uri
from xnat_tui.xnat.zip_streams import Arriving, Unstreamable

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
    return list(by_path.values()), whole


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
            check_stop(fetch.control)
            _take(fetch, member, by_path, landing)
            if not by_path and not everything:
                return


def _take(fetch: Fetch, member: Arriving, by_path: dict[str, Item], landing: _Landing) -> None:
    """Write one member. Raises BadAnswer where the zip is damaged: nothing is kept of it then."""
    item = by_path.get(member.path)
    if item is None:
        return
    most = item.bytes if fetch.run.policy.verify else None
    landing.add(item, _at_most(member.chunks, most))
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
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(LANDERS, "land")
        self._under_way: deque[tuple[Item, int, Future[Part]]] = deque()
        self._landed: list[tuple[Part, Item]] = []

    def __enter__(self) -> _Landing:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def add(self, item: Item, chunks: Iterator[bytes]) -> None:
        """Raises what reading raises, and OSError, also for files that were added before."""
        held = _up_to(chunks, IN_HAND)
        size = sum(map(len, held))
        if size <= IN_HAND:
            self._under_way.append((item, size, self._pool.submit(self._write, item, held)))
        elif part := self._large(item, chain(held, chunks)):
            self._under_way.append((item, 0, self._pool.submit(self._land, part, item)))
        while len(self._under_way) >= BATCH or sum(size for _, size, _ in self._under_way) > IN_HAND:
            self._settle()

    def finish(self) -> None:
        """Have everything in its place, and known. Raises OSError."""
        while self._under_way:
            self._settle()
        self._note()

    def _large(self, item: Item, chunks: Iterator[bytes]) -> Part | None:
        """Written as it comes; None where its place cannot be had."""
        try:
            part = self._fetch.new_part(item)
        except XnatTuiError as error:
            self._fetch.fail(item, error)
            return None
        part.write(chunks)
        return part

    def _write(self, item: Item, held: list[bytes]) -> Part:
        part = self._fetch.new_part(item)
        part.write(held)
        return self._land(part, item)

    def _land(self, part: Part, item: Item) -> Part:
        self._fetch.check(part, item)
        part.land()
        return part

    def _settle(self) -> None:
        """Wait for the file that has been under way for longest."""
        item, _, landing = self._under_way.popleft()
        try:
            self._landed.append((landing.result(), item))
        except XnatTuiError as error:
            self._fetch.fail(item, error)
        if len(self._landed) >= BATCH:
            self._note()

    def _note(self) -> None:
        self._fetch.arrived(self._landed)
        self._landed = []
