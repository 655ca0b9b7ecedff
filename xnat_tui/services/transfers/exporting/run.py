"""What the steps of one export share while they run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from xnat_tui.model.options import ExportOptions, options_or_usual
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.work import ResourceDownload
from xnat_tui.paths import private_folder
from xnat_tui.services.incoming import Incoming
from xnat_tui.services.transfers.exporting.manifest import Entry, Manifest
from xnat_tui.services.transfers.lists import FileLists, session_of
from xnat_tui.xnat.http.connection import Connection


class ExportRun:
    """One run of a plan in one process. Safe to use from several threads."""

    def __init__(self, plan: Plan, connections: Callable[[str], Connection]) -> None:
        self.plan = plan
        self.options = options_or_usual(ExportOptions, plan.options)
        self.folder = Path(plan.destination)
        self.manifest = Manifest(self.folder)
        self.incoming = Incoming(self.folder)
        self._connections = connections
        self._lists: dict[str, FileLists] = {}
        self._lock = threading.Lock()
        self._sessions = Counter(
            session_of(step.source.uri) for step in plan.steps if isinstance(step.work, ResourceDownload)
        )

    def connection(self, step: Step) -> Connection:
        return self._connections(step.source.server)

    def lists(self, step: Step) -> FileLists:
        """The file lists of a step's server."""
        connection = self.connection(step)
        with self._lock:
            return self._lists.setdefault(step.source.server, FileLists(connection))

    def together(self, step: Step) -> bool:
        """Whether one list of files for the whole session is worth its request."""
        return self._sessions[session_of(step.source.uri)] > 1

    def ready_folder(self) -> Path:
        """The folder, made for this user only where it was not there."""
        return private_folder(self.folder)

    def entry(self, step: Step, entry: Entry) -> Entry:
        """The manifest's line with who fetched it, from where, and when."""
        connection = self.connection(step)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(entry, server=connection.url, user=connection.user, time=now)
