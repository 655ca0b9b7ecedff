"""Files of a resource out of its zip, unpacked while it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.services.copying import check_stop
from xnat_tui.services.exporting_fetch import Fetch
from xnat_tui.services.exporting_files import Batch, Part
from xnat_tui.xnat import zip_streams
from xnat_tui.xnat.connection import encode_uri
from xnat_tui.xnat.zip_streams import Arriving, Unstreamable


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
    """Write one member, and compare it with the list. Raises BadAnswer where the zip is damaged."""
    item = by_path.get(member.path)
    if item is None:
        return
    try:
        part = fetch.new_part(item)
    except XnatTuiError as error:
        fetch.fail(item, error)
        del by_path[member.path]
        return
    most = item.bytes if fetch.run.policy.verify else None
    part.write(_at_most(member.chunks, most))
    del by_path[member.path]
    try:
        fetch.check(part, item)
    except XnatTuiError as error:
        fetch.fail(item, error)
    else:
        landing.add(part, item)


def _at_most(chunks: Iterator[bytes], most: int | None) -> Iterator[bytes]:
    """Hardly more than that: a member that swells far beyond what was listed does not fill the disk."""
    count = 0
    for chunk in chunks:
        if most is None or count <= most:
            yield chunk
        count += len(chunk)


class _Landing:
    """Files get their names in batches, in a thread of its own: forcing them to the disk holds nothing up."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._batch = Batch()
        self._items: dict[Path, Item] = {}
        self._under_way: tuple[Batch, Future[list[Part]]] | None = None
        self._pool = ThreadPoolExecutor(1, "landing")

    def __enter__(self) -> _Landing:
        return self

    def __exit__(self, *_: object) -> None:
        """What has not landed is gone."""
        self._pool.shutdown()
        self._batch.drop()
        if self._under_way is not None:
            self._under_way[0].drop()

    def add(self, part: Part, item: Item) -> None:
        """Raises OSError, also for files that were added before."""
        self._items[part.target] = item
        self._batch.parts.append(part)
        if self._batch.full:
            self._send()

    def finish(self) -> None:
        """Have everything in its place. Raises OSError."""
        self._send()
        self._wait()

    def _send(self) -> None:
        self._wait()
        self._under_way = (self._batch, self._pool.submit(self._batch.finish))
        self._batch = Batch()

    def _wait(self) -> None:
        if self._under_way is not None:
            done = self._under_way[1].result()
            self._under_way = None
            self._fetch.arrived(done, self._items)
