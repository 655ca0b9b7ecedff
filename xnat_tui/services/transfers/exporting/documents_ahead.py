"""Items' XML, asked for before it is their turn: it is small, and its time is the way there and back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from lxml import etree

from xnat_tui.model.plan import Step
from xnat_tui.services.transfers.exporting.manifest import Manifest
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.http.connection import Connection, encode_uri

AHEAD = 8
"""Documents that are asked for before it is their turn."""
ASKING = 4
"""Of these at once."""

Read = tuple[bytes, etree._Element]


class DocumentsAhead:
    """The documents of one server, the next ones asked for while others are written. For several threads."""

    def __init__(self, connection: Connection, steps: Sequence[Step], manifest: Manifest) -> None:
        """`steps` in the order in which they will be run."""
        self._connection = connection
        self._manifest = manifest
        self._steps = steps
        self._place = {step.number: at for at, step in enumerate(steps)}
        self._asked: dict[int, Future[Read]] = {}
        self._begun = 0
        self._pool = ThreadPoolExecutor(ASKING, "document")
        self._lock = threading.Lock()

    def close(self) -> None:
        """Nothing more is asked."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def of(self, step: Step) -> Read:
        """The bytes of an item's XML, and what they mean. Raises XnatTuiError."""
        with self._lock:
            asked = self._asked.pop(step.number, None)
            self._ask_ahead(self._place[step.number])
        if asked is not None:
            return asked.result()
        return self._ask(step)

    def _ask_ahead(self, place: int) -> None:
        """Those behind this one; not what an earlier run has brought, which will hardly be wanted."""
        self._begun = max(self._begun, place + 1)
        while self._begun < len(self._steps) and len(self._asked) < AHEAD:
            step = self._steps[self._begun]
            self._begun += 1
            if self._manifest.get(step.target.uri) is None:
                self._asked[step.number] = self._pool.submit(self._ask, step)

    def _ask(self, step: Step) -> Read:
        address = encode_uri(step.source.uri)
        return item_xml.ask(self._connection, address, lambda body: (body, item_xml.parse(body)))
