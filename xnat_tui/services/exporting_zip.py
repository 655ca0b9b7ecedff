"""Files of a resource out of its zip, unpacked while it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path

from xnat_tui.errors import BadAnswer, Interrupted, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.services.copying import check_stop
from xnat_tui.services.exporting_fetch import Fetch
from xnat_tui.services.exporting_files import Batch, Part
from xnat_tui.xnat import zip_streams
from xnat_tui.xnat.connection import encode_uri
from xnat_tui.xnat.zip_streams import Arriving, Unstreamable

WRITERS = 2
INLINE = 32_000
"""Bytes up to which handing a file to another thread costs more than hashing it."""
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
    try:
        part = fetch.new_part(item)
    except XnatTuiError as error:
        fetch.fail(item, error)
    else:
        most = item.bytes if fetch.run.policy.verify else None
        landing.add(part, item, _at_most(member.chunks, most))
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
    """Files on their way from the zip to their places, by one thread; others write and hash beside it.

    They get their names in batches, when they are safely on the disk, which holds nothing up either.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._items: dict[Path, Item] = {}
        self._parts: list[Part] = []
        self._writing: deque[tuple[Future[None], int]] = deque()
        self._under_way: tuple[Batch, Future[list[Part]]] | None = None
        self._writers = ThreadPoolExecutor(WRITERS, "write")
        self._lander = ThreadPoolExecutor(1, "land")

    def __enter__(self) -> _Landing:
        return self

    def __exit__(self, *_: object) -> None:
        """What has not landed is gone."""
        self._writers.shutdown(cancel_futures=True)
        self._lander.shutdown()
        Batch(self._parts).drop()
        if self._under_way is not None:
            self._under_way[0].drop()

    def add(self, part: Part, item: Item, chunks: Iterator[bytes]) -> None:
        """Raises what reading raises, and OSError, also for files that were added before."""
        held = _up_to(chunks, IN_HAND)
        size = sum(map(len, held))
        self._items[part.target] = item
        if INLINE < size <= IN_HAND:
            self._parts.append(part)
            self._writing.append((self._writers.submit(part.write, held), size))
            while sum(size for _, size in self._writing) > IN_HAND:
                self._writing.popleft()[0].result()
        else:
            part.write(chain(held, chunks))
            self._parts.append(part)
        if Batch(self._parts).full:
            self._send()

    def finish(self) -> None:
        """Have everything in its place. Raises OSError."""
        self._send()
        self._wait()

    def _send(self) -> None:
        while self._writing:
            self._writing.popleft()[0].result()
        self._wait()
        batch = Batch([part for part in self._parts if self._is_right(part)])
        self._parts = []
        self._under_way = (batch, self._lander.submit(batch.finish))

    def _is_right(self, part: Part) -> bool:
        item = self._items[part.target]
        try:
            self._fetch.check(part, item)
        except BadAnswer as error:
            self._fetch.fail(item, error)
            return False
        return True

    def _wait(self) -> None:
        if self._under_way is not None:
            done = self._under_way[1].result()
            self._under_way = None
            self._fetch.arrived(done, self._items)
