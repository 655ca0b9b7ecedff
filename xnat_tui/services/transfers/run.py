"""Running a planned copy: what its steps share while they run."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Protocol

from lxml import etree

from xnat_tui.errors import Interrupted, NotFound
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.services.transfers.holdings import Held, Holdings
from xnat_tui.services.transfers.lists import FileLists, Recent
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing

ATTEMPTS = 3
PAUSES = (0.5, 2.0)
"""Seconds before a write that ended unclearly, and was not found done, is sent again."""


class Control(Protocol):
    """What a running step is given: a stop signal, and where to report its progress."""

    @property
    def stop(self) -> threading.Event: ...

    def on_bytes(self, count: int, /) -> None: ...

    def on_file(self) -> None: ...


def check_stop(control: Control) -> None:
    if control.stop.is_set():
        raise Interrupted("Stopped.", "What was finished is kept; the job can be resumed.")


def pause(control: Control, attempt: int) -> None:
    """Wait before the next attempt, and end at once when asked to stop."""
    control.stop.wait(PAUSES[min(attempt, len(PAUSES) - 1)])
    check_stop(control)


class CopyRun:
    """One run of a plan in one process. Steps of one session must not run at the same time."""

    def __init__(self, plan: Plan, source: Connection, target: Connection) -> None:
        self.policy = plan.policy
        self.source = source
        self.target = target
        self.holdings = Holdings(target)
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
            self.below[step.data.get("session", "")].append(step)
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
        project, label = step.data["project"], step.data["experiment"]
        if self.holdings.find(project, Kind.EXPERIMENT, label) is None:
            return None
        uri = step.data["session"]
        return self._there.get(uri, lambda: self.stored(uri))

    def keep_session(self, uri: str, document: etree._Element) -> None:
        self._there.put(uri, document)

    def arrived(self, step: Step, document: etree._Element) -> None:
        """Remember what an item's document at the destination tells: its accession ID."""
        kind, label = step.kind, step.data.get(str(step.kind), "")
        if kind is Kind.ASSESSOR:
            self.assessors[step.source.id] = item_xml.accession_id(document)
        if kind in (Kind.SUBJECT, Kind.EXPERIMENT):
            subject = document.findtext(f"{{{item_xml.XNAT}}}subject_ID", "")
            held = Held(item_xml.accession_id(document), step.source.type, subject)
            self.holdings.tell(step.data["project"], kind, label, held)

    def mapped(self, source_id: str) -> str | None:
        """The accession ID at the destination of an item of the source; None where it has no counterpart."""
        step = self.by_source.get(source_id)
        if step is None:
            return None
        if step.kind in (Kind.SUBJECT, Kind.EXPERIMENT):
            held = self.holdings.find(step.data["project"], step.kind, step.data[str(step.kind)])
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
        recorded = step.data.get("recorded", "")
        resource = Item(
            Kind.RESOURCE,
            step.data["label"],
            step.data["number"],
            uri=step.source.uri,
            files=int(recorded) if recorded else None,
        )
        siblings = [one for one in self.below[step.data["session"]] if one.task == "resource" and one.writes]
        return self._files.of(resource, together=len(siblings) > 1)

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
        resource = Item(Kind.RESOURCE, step.data["label"], uri=step.target.uri)
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


def _above(uri: str) -> list[str]:
    parts = uri.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts) + 1)]
