"""Fetch files whose digest a server lacks and hash them on the way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from xnat_tui.errors import BadAnswer, Interrupted, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.xnat.http.connection import encode_uri


@dataclass(frozen=True, slots=True)
class Hashed:
    """What was fetched: files, counted on each side by itself, and their bytes."""

    files: int = 0
    bytes: int = 0


def hash_missing(comparison: Comparison, on_bytes: Callable[[int], None] | None = None) -> Hashed:
    """Judge every unverified file by its bytes; nothing is kept or written.

    One request per file and side without a digest. A file that cannot be fetched whole makes its pair
    `unreadable`. Raises Interrupted where the comparison is stopped; what was judged stays.
    """
    hashing = _Hashing(comparison, on_bytes)
    pairs = [pair for pair in items_of(comparison.root) if pair.kind is Kind.FILE and pair.unverified]
    width = max(2, comparison.source.reader.connection.server.connections)
    with ThreadPoolExecutor(width, thread_name_prefix="hashing") as pool:
        for _ in pool.map(hashing.prove, pairs):
            pass
    return Hashed(hashing.files, hashing.bytes)


class _Hashing:
    def __init__(self, comparison: Comparison, on_bytes: Callable[[int], None] | None) -> None:
        self.comparison = comparison
        self.files = self.bytes = 0
        self._on_bytes = on_bytes
        self._lock = threading.Lock()

    def prove(self, pair: Pair) -> None:
        assert pair.source is not None, "only pairs on both sides are unverified"
        assert pair.destination is not None, "only pairs on both sides are unverified"
        one, source_error = self._hashed(self.comparison.source, pair.source)
        other, destination_error = self._hashed(self.comparison.destination, pair.destination)
        with self.comparison.tree.lock:
            if source_error or destination_error:
                pair.fail(source_error, destination_error)
            else:
                pair.source, pair.destination = one, other
                pair.judge(self.comparison.rules(one, other))

    def _hashed(self, side: Side, item: Item) -> tuple[Item, XnatTuiError | None]:
        if item.digest and item.bytes is not None:
            return item, None
        try:
            return self._fetched(side, item), None
        except Interrupted:
            raise
        except XnatTuiError as error:
            return item, error

    def _fetched(self, side: Side, item: Item) -> Item:
        md5, count = hashlib.md5(usedforsecurity=False), 0
        self.comparison.check_stop()
        with side.reader.connection.download(encode_uri(item.uri)) as download:
            for chunk in download:
                self.comparison.check_stop()
                md5.update(chunk)
                count += len(chunk)
                self._count(0, len(chunk))
        self._count(1, 0)
        if item.bytes is not None and count != item.bytes:
            raise BadAnswer(
                f"{count} bytes came, the server lists {item.bytes}.",
                "Refresh the catalog, then compare again.",
            )
        found = md5.hexdigest()
        if item.digest and item.digest != found:
            raise BadAnswer("What came has another checksum than the server lists.", "Refresh the catalog.")
        return replace(item, bytes=count, digest=found)

    def _count(self, files: int, count: int) -> None:
        with self._lock:
            self.files += files
            self.bytes += count
        if count and self._on_bytes is not None:
            self._on_bytes(count)
