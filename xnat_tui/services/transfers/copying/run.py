"""Running a planned copy: what its steps share while they run."""

from __future__ import annotations

from collections import defaultdict

from lxml import etree

from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.options import CopyOptions, options_or_usual
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import ResourceCopy
from xnat_tui.services.transfers.copying.holdings import Held, Holdings
from xnat_tui.services.transfers.lists import FileLists, Recent
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing


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
        self.ready: dict[int, Outcome] = {}
        """Outcomes of steps whose work was done together with another's, until their turn comes."""
        self.by_source = {step.source.id: step for step in plan.steps if step.kind is not Kind.RESOURCE}
        self.below: dict[str, list[Step]] = defaultdict(list)
        for step in plan.steps:
            self.below[step.session].append(step)
        self.writing: set[int] = set()
        """Steps of items that are being written."""
        self.assessors: dict[str, str] = {}
        """Accession IDs there of the assessors that this run has written or found, by those of the source."""
        self._documents: Recent[etree._Element] = Recent()
        self._there: Recent[etree._Element | None] = Recent()
        self._files = FileLists(source)

    def document(self, uri: str) -> etree._Element:
        """An item of the source, a session with all that is nested in it."""
        return self._documents.get(uri, lambda: writing.read_item(self.source, uri))

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
        return self._files.of(resource, together=sum(map(copies_resource, self.below[step.session])) > 1)

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


def _above(uri: str) -> list[str]:
    parts = uri.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts) + 1)]
