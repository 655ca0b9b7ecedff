"""Files on their way from a zip into their places."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from itertools import chain

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.services.transfers.exporting.fetch import Fetch
from xnat_tui.services.transfers.exporting.files import Part, folders_of, sync_folder
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.xnat.files.zip_streams import Content

BATCH = 64
"""Files that the manifest learns of with one write."""
HANDS = 6
"""Pieces of work of one zip that are under way before files are handed over several at a time."""
MOST = 12
"""Those that are under way at most."""
TOGETHER, TOGETHER_BYTES = 16, 1_000_000
"""Files in one piece of work, and their bytes."""
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


@dataclass(slots=True)
class _File:
    """One file that waits for being written."""

    fetch: Fetch
    item: Item
    held: list[bytes]
    content: Content
    part: Part | None = None
    """Of one that is written already."""
    damaged: bool = False
    error: XnatTuiError | None = None

    def land(self) -> None:
        """Have it written, proved and in its place."""
        part = self.part
        try:
            if part is None:
                part = self.fetch.new_part(self.item)
                part.write(self.held)
            self.fetch.check(part, self.item)
            part.land()
        except BadAnswer as error:
            whole = part is not None and part.size == self.item.bytes
            self.damaged = whole and bool(self.held) and self.content.damaged(self.held)
            if self.damaged:
                self.fetch.differing.discard(self.item.key)
            else:
                self.error = error
        except XnatTuiError as error:
            self.error = error
        self.part = part
        self.held = []


class Landing:
    """Others hash, write and sync files, several at once, beside the thread that unpacks; the manifest
    learns of them by the batch. The files may be of several resources. As long as hands are free each gets
    one file; after that they get several small ones, as handing over costs more than such a file."""

    def __init__(self, run: ExportRun) -> None:
        self.damaged: list[tuple[Fetch, Item]] = []
        """Files that were not as the zip's own checksum says: to be asked for again."""
        self._run = run
        self._verify = run.options.verify
        self._waiting: list[_File] = []
        """To be handed over."""
        self._waiting_bytes = 0
        self._under_way: deque[tuple[list[_File], int, Future[None]]] = deque()
        self._held = 0
        """Bytes in memory of what waits or is under way."""
        self._landed: list[_File] = []
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
        file = _File(fetch, item, held, content)
        if size > IN_HAND:
            file.part, file.held, size = self._large(fetch, item, chain(held, chunks)), [], 0
            if file.part is None:
                return
        self._waiting.append(file)
        self._waiting_bytes += size
        self._held += size
        self._settle_ended()
        free = len(self._under_way) < HANDS
        if free or len(self._waiting) >= TOGETHER or self._waiting_bytes >= TOGETHER_BYTES:
            self._hand_over()
        while len(self._under_way) >= MOST or self._held > IN_HAND:
            if not self._under_way:
                self._hand_over()
            self._settle()

    def finish(self) -> None:
        """Have everything in its place, and known. Raises OSError."""
        self._hand_over()
        while self._under_way:
            self._settle()
        self._note()
        for noting in self._noting:
            noting.result()

    def _hand_over(self) -> None:
        files, size = self._waiting, self._waiting_bytes
        self._waiting, self._waiting_bytes = [], 0
        if files:
            self._under_way.append((files, size, self._run.landers.submit(_land, files)))

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

    def _settle_ended(self) -> None:
        while self._under_way and self._under_way[0][-1].done():
            self._settle()

    def _settle(self) -> None:
        """Wait for the files that have been under way for longest."""
        files, size, landing = self._under_way.popleft()
        self._held -= size
        landing.result()
        for file in files:
            if file.error is not None:
                file.fetch.fail(file.item, file.error)
            elif file.damaged:
                self.damaged.append((file.fetch, file.item))
            elif file.part is not None:
                file.fetch.arrived(file.part, file.item)
                self._landed.append(file)
        if len(self._landed) >= BATCH:
            self._note()

    def _note(self) -> None:
        """Have the manifest learn of files that are in their places, once these are sure to stay there."""
        landed, self._landed = self._landed, []
        folders = folders_of(file.part for file in landed if file.part is not None)
        left, counting = [len(folders)], threading.Lock()

        def sync(folder: str) -> None:
            sync_folder(folder)
            with counting:
                left[0] -= 1
                if left[0]:
                    return
            self._tell(landed)

        self._noting += [self._run.landers.submit(sync, folder) for folder in folders]

    def _tell(self, landed: Sequence[_File]) -> None:
        parts = [(file.fetch, file.item, file.part) for file in landed]
        self._run.manifest.add(
            fetch.entry(item, part.size, part.md5, part.mtime) for fetch, item, part in parts if part
        )


def _land(files: Sequence[_File]) -> None:
    for file in files:
        file.land()
