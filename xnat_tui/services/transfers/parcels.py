"""Files packed into zips, which go up while what follows still comes down.

A file is packed when all of it is here and right, so that nothing wrong is ever on its way.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from xnat_tui.jobs.threads import DaemonThreads
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.streams import Passed
from xnat_tui.xnat.documents.writing import Attributes

MOST_BYTES = 1_000_000_000
MOST_FILES = 5_000
"""What one uploaded zip holds at most: temporary space stays bounded, and a failure costs less."""
SHARES = 8
LEAST_BYTES = 24_000_000
"""Sending begins when an eighth is here, or so many bytes: early, and yet with few requests."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are sent: an upload has one of each of these."""

    attributes: Attributes
    overwrite: bool


class Parcel:
    """One zip: its entries are named exactly as the files below their resource."""

    def __init__(self, file: IO[bytes], manner: Manner) -> None:
        self.file = file
        self.manner = manner
        self.passed: dict[str, Passed] = {}
        self.length = 0
        """Bytes of the whole zip, once it is sealed."""
        self.size = 0
        self._archive = zipfile.ZipFile(file, "w")

    def add(self, path: str, chunks: Iterable[bytes], passed: Passed) -> None:
        """Stored, not packed: images hardly shrink, and the network is rarely slower than packing them."""
        entry = zipfile.ZipInfo(path)
        entry.external_attr = 0o600 << 16
        entry.file_size = passed.size
        with _disk(), self._archive.open(entry, "w") as opened:
            for chunk in chunks:
                opened.write(chunk)
        self.passed[path] = passed
        self.size += passed.size

    def seal(self) -> None:
        """Take nothing more, and know its length."""
        with _disk():
            self._archive.close()
            self.length = self.file.seek(0, 2)

    def drop(self) -> None:
        with suppress(OSError):  # it would write its end
            self._archive.close()


class Parcels:
    """Sends what it is given, by zips of bounded size. `send` is called with one at a time, in their order.
    Together, those that are being filled hold no more than one may.

    `beside`: in a thread of its own, as soon as one is full; else all of them once everything is packed.
    """

    def __init__(self, send: Callable[[Parcel], None], size: int, *, beside: bool) -> None:
        """`size`: the bytes that are expected altogether."""
        self._send = send
        self._beside = beside
        self._most = min(MOST_BYTES, max(LEAST_BYTES, size // SHARES))
        self._filling: dict[Manner, Parcel] = {}
        self._full: list[Parcel] = []
        self._sending: list[Future[None]] = []
        self._files = ExitStack()
        self._thread = DaemonThreads(1)

    def __enter__(self) -> Parcels:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        for parcel in self._filling.values():
            parcel.drop()
        self._files.close()

    @property
    def broken(self) -> bool:
        """Whether sending has failed: then it is no use to go on; `finish` says why."""
        return any(future.done() and future.exception() for future in self._sending)

    def add(self, path: str, chunks: Iterable[bytes], passed: Passed, manner: Manner) -> None:
        """Raises XnatTuiError when the disk is full."""
        if manner not in self._filling:
            self._filling[manner] = Parcel(self._files.enter_context(streams.spool()), manner)
        self._filling[manner].add(path, chunks, passed)
        filling = self._filling.values()
        if (
            sum(parcel.size for parcel in filling) >= self._most
            or sum(len(parcel.passed) for parcel in filling) >= MOST_FILES
        ):
            self._seal(max(filling, key=lambda parcel: (parcel.size, len(parcel.passed))))

    def finish(self) -> None:
        """Send what is left, and wait for all. Raises what sending raised."""
        for parcel in list(self._filling.values()):
            self._seal(parcel)
        for future in self._sending:
            future.result()
        for parcel in self._full:
            self._deliver(parcel)

    def _seal(self, parcel: Parcel) -> None:
        del self._filling[parcel.manner]
        parcel.seal()
        if self._beside:
            self._sending.append(self._thread.submit(self._deliver, parcel))
        else:
            self._full.append(parcel)

    def _deliver(self, parcel: Parcel) -> None:
        with parcel.file:
            self._send(parcel)


@contextmanager
def _disk() -> Iterator[None]:
    failure = None
    try:
        yield
    except OSError as error:
        failure = streams.disk_failure(error)
    if failure is not None:
        raise failure
