"""Running a planned copy: what its steps share while they run."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lxml import etree

from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.options import CopyOptions, options_or_usual
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import ResourceCopy
from xnat_tui.services.transfers.copying.holdings import Held, Holdings
from xnat_tui.services.transfers.copying.nested import NestedSessions
from xnat_tui.services.transfers.lists import SESSIONS_LISTED, FileLists, Recent, session_of
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing

LISTED_FILES = 20_000
"""Files of several sessions that one question lists at most: its answer takes some 10 MB."""

DOCUMENTS_KEPT = 80
"""Of sessions and subjects on their way: being sent, waiting to be proved, and proved just now."""
ELEMENTS_KEPT = 200_000
"""Of their XML: some 50 MB. Beyond it only the latest are kept, and others asked for again."""


class CopyRun:
    """One run of a plan in one process. Steps of one session must not run at the same time."""

    def __init__(self, plan: Plan, source: Connection, target: Connection) -> None:
        self.options = options_or_usual(CopyOptions, plan.options)
        self.source = source
        self.target = target
        self.holdings = Holdings(target, others_write=bool(self.options.executor))
        self.created: set[str] = set()
        """Addresses of items that this run made, so that nothing needs to be looked up below them."""
        self.touched: set[str] = set()
        """Addresses of resources that this run has sent something to."""
        self.made: set[str] = set()
        """Addresses of resources that the destination was seen to have."""
        self.waiting: dict[int, Any] = {}
        self.ready: dict[int, Outcome] = {}
        """Outcomes of steps whose work was done together with another's, until their turn comes."""
        self.by_source = {step.source.id: step for step in plan.steps if step.kind is not Kind.RESOURCE}
        self.below: dict[str, list[Step]] = defaultdict(list)
        for step in plan.steps:
            self.below[step.session].append(step)
        self.sent: set[str] = set()
        """Addresses of sessions that were sent and are not read back yet."""
        self.lists_several = True
        """Whether the destination has not refused yet to list the files of several sessions at once."""
        self.writing: set[int] = set()
        """Steps of items that are being written."""
        self.assessors: dict[str, str] = {}
        """Accession IDs there of the assessors that this run has written or found, by those of the source."""
        self._nested = NestedSessions(plan.steps)
        self._documents: Recent[etree._Element] = Recent(DOCUMENTS_KEPT, _elements, ELEMENTS_KEPT)
        self._there: Recent[etree._Element | None] = Recent(DOCUMENTS_KEPT, _elements, ELEMENTS_KEPT)
        self._files = FileLists(source)
        self._files_of = _files_by_session(plan)
        self._order = list(self._files_of)
        self._places = {uri: number for number, uri in enumerate(self._order)}

    def document(self, uri: str) -> etree._Element:
        """An item of the source, a session with all that is nested in it."""
        return self._documents.get(uri, lambda: self._read(uri))

    def _read(self, uri: str) -> etree._Element:
        def own() -> etree._Element:
            return writing.read_item(self.source, uri)

        step = self.by_source.get(uri.rpartition("/")[2])
        if step is None or step.kind is not Kind.EXPERIMENT or step.source.uri != uri:
            return own()
        subject = self._documents.peek(self._nested.subject(step))
        if subject is None:
            return own()
        below = self.below[step.session]
        scans = {one.source.id for one in below if one.kind is Kind.SCAN and one.writes}
        return self._nested.session(step.source.id, scans, subject, own)

    def stored(self, uri: str) -> etree._Element | None:
        """What the destination has at an address, asked for anew; None where it has nothing."""
        try:
            return writing.read_item(self.target, uri)
        except NotFound:
            return None

    def session_there(self, step: Step) -> etree._Element | None:
        """The destination's document of the session that a step belongs to, as of its first look."""
        if self.held(step, Kind.EXPERIMENT) is None:
            return None
        return self._there.get(step.session, lambda: self.stored(step.session))

    def held(self, step: Step, kind: Kind) -> Held | None:
        """What the destination has of a step's subject or experiment, by its labels."""
        label = step.lineage.of(kind)
        return self.holdings.find(step.lineage.project, kind, label) if label else None

    def keep_session(self, uri: str, document: etree._Element) -> None:
        self._there.put(uri, document)

    def arrived(self, step: Step, document: etree._Element) -> None:
        """Remember what an item's document at the destination tells: its accession ID."""
        kind, lineage = step.kind, step.lineage
        if kind is Kind.ASSESSOR:
            self.assessors[step.source.id] = item_xml.accession_id(document)
        if kind in (Kind.SUBJECT, Kind.EXPERIMENT):
            subject = document.findtext(f"{{{item_xml.XNAT}}}subject_ID", "")
            held = Held(item_xml.accession_id(document), step.source.type, subject)
            self.holdings.tell(lineage.project, kind, lineage.of(kind), held)

    def mapped(self, source_id: str) -> str | None:
        """The accession ID at the destination of an item of the source; None where it has no counterpart."""
        step = self.by_source.get(source_id)
        if step is None:
            return None
        if step.kind in (Kind.SUBJECT, Kind.EXPERIMENT):
            held = self.held(step, step.kind)
            return held.id if held else None
        if step.kind is Kind.ASSESSOR:
            return self.assessors.get(source_id) or self._assessor_id(step) or step.target.id or None
        return None

    def _assessor_id(self, step: Step) -> str:
        session = self.session_there(step)
        label = step.target.uri.rpartition("/")[2]
        found = item_xml.assessors(session).get(label) if session is not None else None
        return item_xml.accession_id(found) if found is not None else ""

    def source_files(self, step: Step) -> Listing:
        """A resource's files at the source. Raises XnatTuiError; a list that failed is never an empty one."""
        work, uri = step.carried(ResourceCopy), step.source.uri
        resource = Item(Kind.RESOURCE, work.label, work.number, uri=uri, files=work.recorded)
        together = sum(map(copies_resource, self.below[step.session])) > 1
        return self._files.of(resource, together=together, ahead=self._next_sessions(session_of(uri)))

    def _next_sessions(self, session: str) -> list[str]:
        """Those of the source whose files are needed after this one's, by the order of the plan: as many as
        can be listed at once."""
        place = self._places.get(session)
        if place is None:
            return []
        found: list[str] = []
        files = 0
        for uri in self._order[place : place + SESSIONS_LISTED]:
            files += self._files_of[uri]
            if found and files > LISTED_FILES:
                break
            found.append(uri)
        return found

    def session_bytes(self, session: str) -> int | None:
        """Bytes of all files of a session of the source; None where they were not listed together."""
        return self._files.session_bytes(session)

    def files_at(self, uri: str, recorded: int | None) -> tuple[Item, ...]:
        """The files of a resource of the source. Raises XnatTuiError, also where the list falls short."""
        resource = Item(Kind.RESOURCE, "", uri.rpartition("/")[2], uri=uri, files=recorded)
        listed = self._files.of(resource, together=True)
        if listed.error is not None:
            raise listed.error
        return listed.items

    def target_files(self, step: Step) -> tuple[Item, ...]:
        """A resource's files at the destination, asked for anew; none where the resource is missing.

        What an unreadable catalog hides is not overwritten: what seems missing is sent without `overwrite`.
        """
        resource = Item(Kind.RESOURCE, step.carried(ResourceCopy).label, uri=step.target.uri)
        try:
            table = self.target.table(f"{encode_uri(step.target.uri)}/files", "URI")
        except NotFound:
            return ()
        return tuple(listing.file_item(row, resource) for row in table)

    def made_above(self, step: Step) -> bool:
        """Whether this run made what an item stands at, and so whatever of the item is there."""
        return bool(self.created & set(_above(step.target.uri)))

    def untouched(self, step: Step) -> bool:
        """Whether a resource cannot have files there yet: this run made its owner and sent nothing to it."""
        return step.target.uri not in self.touched and self.made_above(step)


def copies_resource(step: Step) -> bool:
    """Whether files are to be sent to a resource by it."""
    return step.writes and isinstance(step.work, ResourceCopy)


def _files_by_session(plan: Plan) -> dict[str, int]:
    """How many files go to resources of a session, by its address at the source; of those with several."""
    files: dict[str, int] = defaultdict(int)
    resources: dict[str, int] = defaultdict(int)
    for step in plan.steps:
        if copies_resource(step) and (session := session_of(step.source.uri)):
            files[session] += step.files
            resources[session] += 1
    return {session: count for session, count in files.items() if resources[session] > 1}


def _elements(document: etree._Element | None) -> int:
    return 0 if document is None else sum(1 for _ in document.iter())


def _above(uri: str) -> list[str]:
    parts = uri.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts) + 1)]
