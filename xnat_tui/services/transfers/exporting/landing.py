"""Files on their way from a zip into their places."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from itertools import chain

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.services.transfers.exporting.fetch import Fetch
from xnat_tui.services.transfers.exporting.files import Part, sync_folders
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.xnat.files.zip_streams import Content

BATCH = 64
"""Files that are under way at most, and those that the manifest learns of with one write."""
IN_HAND = 16_000_000
"""Bytes in memory that wait for being written; larger files are written as they come."""


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


class Landing:
    """Others hash, write and sync files, several at once, beside the thread that unpacks; the manifest
    learns of them by the batch. The files may be of several resources."""

    def __init__(self, run: ExportRun) -> None:
        self.damaged: list[tuple[Fetch, Item]] = []
        """Files that were not as the zip's own checksum says: to be asked for again."""
        self._run = run
        self._verify = run.options.verify
        self._under_way: deque[tuple[Fetch, Item, int, Future[Part | None]]] = deque()
        self._held = 0
        """Bytes in memory of what is under way."""
        self._landed: list[tuple[Fetch, Part, Item]] = []
        self._noting: list[Future[None]] = []

    def __enter__(self) -> Landing:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever happened: nothing is written any more when it is left."""
        wait(landing for *_, landing in self._under_way)
        wait(self._noting)

    def add(self, fetch: Fetch, item: Item, content: Content) -> None:
        """Raises what reading raises, and OSError, also for files that were added before."""
        chunks = content.unsummed() if self._is_proved(item) else iter(content)
        chunks = _at_most(chunks, item.bytes if self._verify else None)
        held = _up_to(chunks, IN_HAND)
        size = sum(map(len, held))
        if size <= IN_HAND:
            self._held += size
            landing = self._run.landers.submit(self._write, fetch, item, held, content)
            self._under_way.append((fetch, item, size, landing))
        elif part := self._large(fetch, item, chain(held, chunks)):
            self._under_way.append((fetch, item, 0, self._run.landers.submit(self._land, fetch, part, item)))
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

    def _large(self, fetch: Fetch, item: Item, chunks: Iterator[bytes]) -> Part | None:
        """Written as it comes; None where its place cannot be had."""
        try:
            part = fetch.new_part(item)
        except XnatTuiError as error:
            fetch.fail(item, error)
            return None
        part.write(chunks)
        return part

    def _write(self, fetch: Fetch, item: Item, held: list[bytes], content: Content) -> Part | None:
        """None where it was damaged on its way."""
        part = fetch.new_part(item)
        part.write(held)
        try:
            return self._land(fetch, part, item)
        except BadAnswer:
            if part.size == item.bytes and content.damaged(held):
                return None
            raise

    def _land(self, fetch: Fetch, part: Part, item: Item) -> Part:
        fetch.check(part, item)
        part.land()
        return part

    def _settle(self) -> None:
        """Wait for the file that has been under way for longest."""
        fetch, item, size, landing = self._under_way.popleft()
        self._held -= size
        try:
            part = landing.result()
        except XnatTuiError as error:
            fetch.fail(item, error)
            return
        if part is None:
            self.damaged.append((fetch, item))
            return
        fetch.arrived(part, item)
        self._landed.append((fetch, part, item))
        if len(self._landed) >= BATCH:
            self._note()

    def _note(self) -> None:
        landed, self._landed = self._landed, []
        self._noting.append(self._run.landers.submit(self._tell, landed))

    def _tell(self, landed: Sequence[tuple[Fetch, Part, Item]]) -> None:
        """Have the manifest learn of files that are in their places, once these are sure to stay there."""
        sync_folders(part for _, part, _ in landed)
        self._run.manifest.add(
            [fetch.entry(item, part.size, part.md5, part.mtime) for fetch, part, item in landed]
        )
