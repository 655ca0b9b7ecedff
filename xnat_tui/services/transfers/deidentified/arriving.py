"""Files of one resource, each whole and right before anybody looks at it: from one zip, or by themselves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO

from xnat_tui.errors import BadAnswer, NotFound, Refused, ServerError, ServerUnreachable, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.streams import Hash
from xnat_tui.xnat.files import zip_streams
from xnat_tui.xnat.files.zip_streams import Arriving, Unstreamable
from xnat_tui.xnat.http.connection import Connection, encode_uri

FEW = 2
"""So many files are asked for by themselves."""
ZIPS = 2
"""How often a zip is asked for that broke off."""
_FAILED = (BadAnswer, NotFound, Refused, ServerError, ServerUnreachable)


def arriving(
    source: Connection,
    uri: str,
    items: Sequence[Item],
    control: Control,
    fail: Callable[[Item, XnatTuiError], None],
) -> Iterator[tuple[Item, IO[bytes]]]:
    """Each file with what the source lists of it, in an open file without a name that is gone afterwards.

    What stays wrong after some attempts is told to `fail`. Raises Interrupted, and ServerUnreachable.
    """
    left = {item.key: item for item in items}
    if len(left) > FEW:
        yield from _zipped(source, uri, left, control)
    for item in left.values():
        control.check()
        with tempfile.TemporaryFile() as file:
            if _fetched(source, item, file, control, fail):
                yield item, file


def _zipped(
    source: Connection, uri: str, left: dict[str, Item], control: Control
) -> Iterator[tuple[Item, IO[bytes]]]:
    """What the resource's zip brings; it is forgotten in `left`."""
    fetch: Callable[..., AbstractContextManager[Iterator[Arriving]]] = zip_streams.stream
    for attempt in range(ZIPS):
        if len(left) <= FEW:
            return
        try:
            with fetch(source, f"{encode_uri(uri)}/files") as coming:
                for one in coming:
                    control.check()
                    item = left.get(one.path)
                    if item is None:
                        continue
                    with tempfile.TemporaryFile() as file:
                        if _is_written(one.chunks, item, file, control):
                            del left[one.path]
                            yield item, file
            return
        except Unstreamable:
            fetch = zip_streams.spooled
        except _FAILED:
            control.check()
            if attempt < ZIPS - 1:
                pause(control, attempt)


def _is_written(chunks: Iterable[bytes], item: Item, file: IO[bytes], control: Control) -> bool:
    """Whether a file out of a zip is what the source lists; one that is not is asked for by itself."""
    seen = Hash()
    try:
        for chunk in seen.through(chunks, item.bytes):
            control.check()
            streams.write(file, chunk)
        seen.passed.check(item)
    except Unstreamable:
        raise
    except BadAnswer:
        return False
    file.flush()
    return True


def _fetched(
    source: Connection,
    item: Item,
    file: IO[bytes],
    control: Control,
    fail: Callable[[Item, XnatTuiError], None],
) -> bool:
    for attempt in range(ATTEMPTS):
        file.seek(0)
        file.truncate()
        try:
            streams.fetch(source, item, file, control)
        except _FAILED as error:
            if attempt == ATTEMPTS - 1 or not isinstance(error, BadAnswer | ServerUnreachable):
                if error.unreachable:
                    raise
                fail(item, error)
                return False
        else:
            file.flush()
            return True
        pause(control, attempt)
    return False
