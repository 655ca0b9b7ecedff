"""What the steps of one de-identified transfer share while they run."""

from __future__ import annotations

import threading
from pathlib import Path

from lxml import etree

from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.options import OnExisting
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.work import DeidentifiedResource
from xnat_tui.services.deidentifying.proof import Lost
from xnat_tui.services.deidentifying.stage import Stage
from xnat_tui.services.incoming import Incoming
from xnat_tui.services.transfers.deidentified.known import lost_of_person
from xnat_tui.services.transfers.deidentified.treatment import open_treatment
from xnat_tui.services.transfers.deidentified.unsaid import reading_source
from xnat_tui.services.transfers.lists import Recent
from xnat_tui.services.transfers.running.registry import Connections
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.http.connection import Connection

_KEPT = 64
_ELEMENTS = 200_000


class DeidentifiedRun:
    """One run of a plan in one process. Safe to use from several threads, for different sessions."""

    def __init__(self, plan: Plan, connections: Connections) -> None:
        self.options = plan.options
        self.treatment = open_treatment(plan.options)
        self.folder = Path(plan.destination)
        self.incoming = Incoming(self.folder)
        self.replaces = plan.options.on_existing is not OnExisting.SKIP
        self._connections = connections
        self._documents: Recent[etree._Element] = Recent(_KEPT, _size, _ELEMENTS)
        self._lock = threading.Lock()

    def source(self, step: Step) -> Connection:
        """Where a step reads."""
        return self._connections(step.source.server)

    def target(self, step: Step) -> Connection:
        """Where a step writes. Raises UsageError for one of an export."""
        if not step.target.server:
            raise UsageError("A folder is no server.", "Plan again.")
        return self._connections(step.target.server)

    def document(self, step: Step, uri: str) -> etree._Element:
        """An item of the source. Raises XnatTuiError, which names nothing."""
        with self._lock, reading_source():  # the steps of one session want the same, one after the other
            return self._documents.get(uri, lambda: writing.read_item(self.source(step), uri))

    def stored(self, step: Step, uri: str) -> etree._Element | None:
        """What the destination has at an address; None where it has nothing."""
        try:
            return writing.read_item(self.target(step), uri)
        except NotFound:
            return None

    def stage(self, step: Step) -> Stage:
        """What every file of a resource goes through. Raises XnatTuiError where the source does not tell whom
        it is about: without that nothing could be looked for."""
        lost, renamed = self._person(step)
        work, treatment = step.carried(DeidentifiedResource), self.treatment
        return Stage(
            treatment.profile, treatment.key, step.lineage.subject, lost, renamed, passes=work.passes
        )

    def _person(self, step: Step) -> tuple[Lost, tuple[tuple[str, str], ...]]:
        uri = step.source.uri.partition("/scans/")[0].partition("/resources/")[0]
        own = self.document(step, uri)
        documents, labels = [own], [(str(own.get("label", "")), step.lineage.experiment)]
        if subject := item_xml.text_of(own, "subject_ID"):
            above = self.document(step, f"/data/subjects/{subject}")
            documents.append(item_xml.without(above, "experiments"))
            labels.append((str(above.get("label", "")), step.lineage.subject))
        else:
            labels = [(str(own.get("label", "")), step.lineage.subject)]
            documents = [item_xml.without(own, "experiments")]
        renamed = tuple((old, new) for old, new in labels if old and new)
        return lost_of_person(documents, (old for old, _ in labels)), renamed


def _size(document: etree._Element) -> int:
    return sum(1 for _ in document.iter())
