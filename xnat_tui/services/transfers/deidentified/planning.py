"""Planning a de-identified copy or export: what gets which label, what is sent, what is held and why.

Nothing in a plan but its `details`, which no journal keeps, says what anybody was called: steps name the
source by accession IDs and the destination by new labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from xnat_tui.errors import UsageError
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.filters import Filters, Tally
from xnat_tui.model.location import Location
from xnat_tui.model.naming import RESOURCE_LABEL, matches
from xnat_tui.model.options import CopyOptions, ExportOptions, OnExisting
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, End, Finding, Lineage, Plan, Step
from xnat_tui.model.work import (
    DeidentifiedResource,
    DeidentifiedSession,
    DeidentifiedSubject,
    Untouched,
    Work,
)
from xnat_tui.services.browsing.matching import check_matched
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.known_keys import check_key
from xnat_tui.services.deidentifying.naming import NewLabels, new_labels
from xnat_tui.services.deidentifying.proof import SHORTEST, Lost
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.command import command
from xnat_tui.services.transfers.copying.holdings import Holdings
from xnat_tui.services.transfers.deidentified.treatment import check_choices, open_treatment
from xnat_tui.services.transfers.deidentified.unsaid import unsaid

_DEEPEST = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN)
_TREATED_BY_NOBODY = (Kind.ASSESSOR, Kind.RECONSTRUCTION)
_LIKE_DICOM = ("DICOM", "secondary")
_LABELS = frozenset((*_LIKE_DICOM, "NIFTI", "NIFTI_RAW", "BIDS", "SNAPSHOTS", "RAW"))
"""Labels of resources that say nothing of anybody."""
_SCAN_ID = re.compile(r"[0-9]{1,6}([-_][A-Za-z]{1,3}[0-9]{0,2})?")
"""XNAT's own: a series number, and `-MR1` behind it where two series have one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where it goes: a project of a server that is there, or with no `reader` a folder."""

    destination: str
    """As the plan names it."""
    reader: Reader | None = None
    project: Place | None = None

    @property
    def server(self) -> str:
        return self.project.server if self.project else ""


def plan_deidentified(
    source: Reader,
    places: Sequence[Place],
    target: Target,
    options: CopyOptions | ExportOptions,
    filters: Filters,
) -> Plan:
    """What sending these places without identities would do. Labels that are dealt are written to the user's
    table. What cannot be read, or may not leave, is a step that conflicts, with the reason.

    Raises UsageError, ConfigError, Conflict for another key than before, and XnatTuiError where nothing can
    be read.
    """
    check_choices(options)
    treatment = open_treatment(options)
    check_key(target.destination, treatment.key)
    _check(places)
    meant = settled(filters, source, places)
    _read_ahead(source, places)
    walk = _Walk(source, target, options, meant)
    people = [one for place in places for one in walk.people(place)]
    labels = [one.item.key for one in people if one.item is not None]
    walk.labels, dealt = new_labels(treatment.key, options.label_map, options.relabel, labels)
    for place in places:
        walk.add(place)
    check_matched(walk.tally, places, looked_at=tuple(Kind))
    sources = tuple(str(_by_ids(place)) for place in places)
    findings = [Finding("info", dealt)] if dealt else []
    return Plan(
        options=options,
        sources=sources,
        destination=target.destination,
        steps=tuple(walk.steps),
        findings=(*findings, *walk.findings()),
        command=command(
            sources if target.reader else [*sources, "--to"], target.destination, options, filters
        ),
        root=target.project.items[0].id if target.project else "",
        details=walk.details,
    )


def _check(places: Sequence[Place]) -> None:
    if not places:
        raise UsageError("Nothing was chosen.", "Mark something, or name a location.")
    for place in places:
        if place.kind not in _DEEPEST:
            raise UsageError(
                f"A {place.kind} cannot be sent de-identified by itself.", "Name a project, or a part of one."
            )


def _read_ahead(source: Reader, places: Sequence[Place]) -> None:
    """Whole projects by a dozen questions."""
    for place in places:
        if place.kind is Kind.PROJECT:
            with ThreadPoolExecutor(max(1, min(16, source.connection.server.connections))) as pool:
                read_project(source, place, pool)


@dataclass(slots=True)
class _Walk:
    source: Reader
    target: Target
    options: CopyOptions | ExportOptions
    filters: Filters
    labels: NewLabels | None = None
    steps: list[Step] = field(default_factory=list)
    details: dict[int, tuple[FieldDifference, ...]] = field(default_factory=dict)
    _subjects: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By address at the source: new label, and the step that makes it or 0."""
    _tally: Tally | None = None
    _holdings: Holdings | None = None
    _held: int = 0

    @property
    def tally(self) -> Tally:
        if self._tally is None:
            self._tally = Tally(self.filters)
        return self._tally

    def people(self, place: Place) -> Iterator[Place]:
        """The subjects of a place."""
        if place.kind is Kind.PROJECT:
            listing = self.source.below(place, Kind.SUBJECT)
            if listing.error is not None:
                raise listing.error
            kept = [item for item in listing.items if self.filters.keeps(item)]
            yield from (place.child(item) for item in kept[: self.filters.limit_subjects])
        else:
            yield place.up_to(Kind.SUBJECT)

    def add(self, place: Place) -> None:
        if place.kind is Kind.PROJECT:
            self._resources(place, Lineage(self._project), "", (), "", Lost(frozenset(), frozenset()))
            for subject in self.people(place):
                assert subject.item is not None
                self.tally.keeps(subject.item)
                self._subject(subject)
        elif place.kind is Kind.SUBJECT:
            self._subject(place)
        else:
            session = place.up_to(Kind.EXPERIMENT)
            self._session(session, only=place.item if place.kind is Kind.SCAN else None)

    @property
    def _project(self) -> str:
        return self.target.project.items[0].id if self.target.project else ""

    def _subject(self, place: Place) -> None:
        subject = place.item
        assert subject is not None
        listing = self.source.below(place, Kind.EXPERIMENT)
        if listing.error is not None:
            self._refuse(place, f"subjects/{subject.id}", unsaid(listing.error).message, unread=True)
        kept = [item for item in listing.items if self.tally.keeps(item)]
        if self.filters.selects_sessions and not kept:
            return
        try:
            new, needs = self._arrive(place)
        except Held as held:
            self._refuse(place, f"subjects/{subject.id}", held.message)
            return
        lineage, uri = Lineage(self._project, new), self._uri("subjects", new)
        self._resources(place, lineage, f"subjects/{new}", needs, uri, _lost(place))
        for item in kept:
            self._session(place.child(item))

    def _arrive(self, place: Place) -> tuple[str, tuple[int, ...]]:
        """A subject's new label, and the step that makes it, planned once. Raises Held."""
        subject = place.item
        assert subject is not None
        assert self.labels is not None
        if subject.uri not in self._subjects:
            new = self.labels.subject(subject.key)
            number = 0
            if self.target.reader is not None:
                there = self._there.find(self._project, Kind.SUBJECT, new) is not None
                number = self._step(
                    Action.SKIP if there else Action.CREATE,
                    *(place, f"subjects/{new}", DeidentifiedSubject(), self._uri("subjects", new)),
                    lineage=Lineage(self._project, new),
                    reason="exists" if there else "",
                    told=FieldDifference("label", subject.key, new),
                )
                number = 0 if there else number
            self._subjects[subject.uri] = new, number
        new, number = self._subjects[subject.uri]
        return new, (number,) if number else ()

    @property
    def _there(self) -> Holdings:
        assert self.target.reader is not None
        if self._holdings is None:
            self._holdings = Holdings(self.target.reader.connection)
        return self._holdings

    def _uri(self, *parts: str) -> str:
        """An address at the destination; below the folder for an export."""
        below = "/".join(parts)
        return f"/data/projects/{self._project}/{below}" if self.target.reader is not None else below

    def _session(self, place: Place, only: Item | None = None) -> None:
        session = place.item
        assert session is not None
        assert self.labels is not None
        path = f"experiments/{session.id}"
        if session.shared_from is not None and self.options.shared != "copy":
            self._refuse(place, path, "shared in from another project")
            return
        try:
            subject = place.up_to(Kind.SUBJECT)
            if subject.kind is not Kind.SUBJECT or subject.item is None:
                raise Held("its subject is not known")
            new_subject, needs = self._arrive(subject)
            new = self.labels.session(subject.item.key, session.key)
        except Held as held:
            self._refuse(place, path, held.message)
            return
        lineage = Lineage(self._project, new_subject, new)
        path, uri = (
            f"subjects/{new_subject}/experiments/{new}",
            self._uri("subjects", new_subject, "experiments", new),
        )
        scans = self._scans(place, path, only)
        lost = _lost(place)
        if self.target.reader is not None:
            there = self._there.find(self._project, Kind.EXPERIMENT, new) is not None
            work = DeidentifiedSession(tuple(scan.id for scan in scans))
            told = FieldDifference("label", session.key, new)
            reason = "exists; scans that it lacks are added" if there else ""
            number = self._step(
                *(Action.UPDATE if there else Action.CREATE, place, path, work, uri),
                lineage=lineage,
                needs=needs,
                reason=reason,
                told=told,
            )
            needs = (*needs, number)
        for scan in scans:
            below = f"scans/{scan.id}"
            self._resources(place.child(scan), lineage, f"{path}/{below}", needs, f"{uri}/{below}", lost)
        if only is None:
            self._resources(place, lineage, path, needs, uri, lost)
            self._left_below(place, path)

    def _scans(self, place: Place, path: str, only: Item | None) -> list[Item]:
        """Scans that may leave; an ID that says too much holds its scan."""
        listing = self.source.below(place, Kind.SCAN)
        if listing.error is not None:
            self._refuse(place, f"{path}/scans", unsaid(listing.error).message, unread=True)
        found, lost = [], _lost(place)
        for scan in listing.items:
            if (only is not None and scan.uri != only.uri) or not self.tally.keeps(scan):
                continue
            if lost.in_text(scan.id) or not _SCAN_ID.fullmatch(scan.id) or scan.twin:
                self._held += 1
                self._refuse(place.child(scan), f"{path}/scans/{self._held}", "its ID cannot be sent")
                continue
            found.append(scan)
        return found

    def _resources(
        self, owner: Place, lineage: Lineage, path: str, needs: tuple[int, ...], uri: str, lost: Lost
    ) -> None:
        listing = self.source.below(owner, Kind.RESOURCE)
        if listing.error is not None:
            self._refuse(owner, f"{path}/resources", unsaid(listing.error).message, unread=True)
        for item in listing.items:
            if self.tally.keeps(item):
                self._resource(owner.child(item), lineage, path, needs, uri, lost)

    def _resource(
        self, place: Place, lineage: Lineage, path: str, needs: tuple[int, ...], uri: str, lost: Lost
    ) -> None:
        item = place.item
        assert item is not None
        passes = any(matches(item.key, glob) for glob in self.options.pass_resource)
        known = item.key in _LABELS or item.key in self.options.pass_resource
        label = item.key if known and RESOURCE_LABEL.fullmatch(item.key) else self._new_label(item.key)
        where = f"{path}/resources/{label}".lstrip("/")
        if place.of(Kind.SUBJECT) is None:
            self._refuse(place, where, "it is the project's, and says nothing of whom it is about")
        elif lost.in_text(label):
            self._refuse(place, where, "its label cannot be sent")
        elif not passes and not _is_dicom(item):
            files = f"{counted(item.files, 'file')}: " if item.files else ""
            named = label if known else "LABEL"
            why = f"{files}no DICOM; --pass-resource {named} sends what can be cleaned"
            self._refuse(place, where, why)
        else:
            work = DeidentifiedResource(label, item.id, item.files, passes)
            target = f"{uri}/resources/{label}"
            if not self.target.server:
                target += "/files"
            self._step(
                *(Action.UPLOAD, place, where, work, target),
                lineage=lineage,
                needs=needs,
                files=item.files or 0,
                size=item.bytes or 0,
            )

    def _new_label(self, old: str) -> str:
        """Of a resource whose label may say anything."""
        assert self.labels is not None
        return f"RESOURCE_{self.labels.key.name(old)[:8]}"

    def _left_below(self, place: Place, path: str) -> None:
        for kind in _TREATED_BY_NOBODY:
            listing = self.source.below(place, kind)
            if listing.error is not None:
                self._refuse(place, f"{path}/{kind.plural}", unsaid(listing.error).message, unread=True)
            for number, item in enumerate(listing.items, 1):
                if self.tally.keeps(item):
                    why = f"nobody de-identifies what {kind.plural} hold"
                    self._refuse(place.child(item), f"{path}/{kind.plural}/{number}", why)

    def _refuse(self, place: Place, path: str, reason: str, *, unread: bool = False) -> None:
        """Hold something; with `unread` it is not known what."""
        self._step(Action.CONFLICT, place, path, Untouched(), "", reason=reason, unread=unread)

    def _step(
        self,
        action: Action,
        place: Place,
        path: str,
        work: Work,
        uri: str,
        *,
        lineage: Lineage | None = None,
        needs: tuple[int, ...] = (),
        reason: str = "",
        unread: bool = False,
        files: int = 0,
        size: int = 0,
        told: FieldDifference | None = None,
    ) -> int:
        item = place.item
        assert item is not None
        number = len(self.steps) + 1
        session = uri.partition("/scans/")[0].partition("/resources/")[0]
        source, target = End(place.server, item.uri, item.id, item.type), End(self.target.server, uri)
        self.steps.append(
            Step(
                *(number, action, work, path, item.kind, source, target, files, size, reason, needs, session),
                lineage=lineage or Lineage(),
                unread=unread,
                replaces=action is Action.UPLOAD and self.options.on_existing is not OnExisting.SKIP,
            )
        )
        if told is not None:
            self.details[number] = (told,)
        return number

    def findings(self) -> list[Finding]:
        """What holds for the whole."""
        found = [
            Finding(
                "info",
                "Labels are new, texts of items stay behind, each file goes through the profile, or is held.",
            )
        ]
        held = sum(step.left_alone for step in self.steps)
        if held:
            what = "One item is" if held == 1 else f"{held} items are"
            found.append(Finding("warning", f"{what} held; each step says why."))
        if self.target.reader is not None and isinstance(self.options, CopyOptions):
            connection = self.target.reader.connection
            found += preflight.rights(connection, self._project, creates=False)
            found += preflight.change_reason(connection, self.options)
        return found


def _by_ids(place: Place) -> Location:
    """A place as a journal may name it: by accession IDs below its project."""
    kept = (Kind.PROJECT, Kind.SCAN)
    steps = zip(place.location.steps, place.items, strict=True)
    named = (step if step.kind in kept else replace(step, name=item.id, glob=False) for step, item in steps)
    return Location(place.server, tuple(named))


def _lost(place: Place) -> Lost:
    """The labels that led here: addresses must not say them."""
    items = (place.of(kind) for kind in (Kind.SUBJECT, Kind.EXPERIMENT))
    keys = (item.key for item in items if item is not None)
    return Lost(frozenset(), frozenset(key for key in keys if len(key) >= SHORTEST))


def _is_dicom(item: Item) -> bool:
    return item.key in _LIKE_DICOM or "DICOM" in (item.type.upper(), item.fields.get("format", "").upper())
