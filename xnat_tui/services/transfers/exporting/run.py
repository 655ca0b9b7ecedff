"""What the steps of one export share while they run."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from xnat_tui.model.options import ExportOptions, options_or_usual
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import DocumentDownload, ResourceDownload
from xnat_tui.paths import private_folder
from xnat_tui.services.incoming import Incoming
from xnat_tui.services.transfers.exporting.documents_ahead import DocumentsAhead
from xnat_tui.services.transfers.exporting.gathering import gathering_of
from xnat_tui.services.transfers.exporting.manifest import Entry, Manifest
from xnat_tui.services.transfers.exporting.session_lists import SessionLists
from xnat_tui.xnat.http.connection import Connection

LANDERS = 24
"""Threads that hash, write and sync files, for all steps that run at once; those that idle are not made."""


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class ExportRun:
    """One run of a plan in one process. Safe to use from several threads."""

    def __init__(self, plan: Plan, connections: Callable[[str], Connection]) -> None:
        self.plan = plan
        self.options = options_or_usual(ExportOptions, plan.options)
        self.folder = Path(plan.destination)
        self.manifest = Manifest(self.folder)
        self.incoming = Incoming(self.folder)
        self.landers = ThreadPoolExecutor(LANDERS, "land")
        self.ready: dict[int, Outcome] = {}
        """Outcomes of steps whose work was done together with another's, until their turn comes."""
        self.gathered: dict[str, list[Step]] = defaultdict(list)
        """Steps that fetch a resource, by what brings it together with its neighbours."""
        for step in plan.steps:
            if isinstance(step.work, ResourceDownload) and step.writes:
                self.gathered[gathering_of(step)].append(step)
        self._documented = [step for step in plan.steps if isinstance(step.work, DocumentDownload)]
        self._documents: dict[str, DocumentsAhead] = {}
        self._connections = connections
        self._lists: dict[str, SessionLists] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Nothing is fetched any more."""
        self.landers.shutdown()
        for lists in self._lists.values():
            lists.close()
        for documents in self._documents.values():
            documents.close()
        self.incoming.close()

    def connection(self, step: Step) -> Connection:
        return self._connections(step.source.server)

    def lists(self, step: Step) -> SessionLists:
        """The file lists of a step's server."""
        connection = self.connection(step)
        with self._lock:
            if step.source.server not in self._lists:
                planned = {
                    gathering: sum(one.files for one in steps) for gathering, steps in self.gathered.items()
                }
                self._lists[step.source.server] = SessionLists(connection, planned)
            return self._lists[step.source.server]

    def documents(self, step: Step) -> DocumentsAhead:
        """The documents of a step's server."""
        connection = self.connection(step)
        with self._lock:
            if step.source.server not in self._documents:
                self._documents[step.source.server] = DocumentsAhead(
                    connection, self._documented, self.manifest
                )
            return self._documents[step.source.server]

    def ready_folder(self) -> Path:
        """The folder, made for this user only where it was not there."""
        return private_folder(self.folder)

    def entry(self, step: Step, entry: Entry) -> Entry:
        """The manifest's line with who fetched it, from where, and when."""
        connection = self.connection(step)
        return replace(entry, server=connection.url, user=connection.user, time=now())
