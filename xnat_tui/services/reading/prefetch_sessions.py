"""From bulk answers to listings below sessions: only where the answers agree with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from xnat_tui.model.entities import SESSION_WORDS, Fields, Item, Kind, Listing
from xnat_tui.xnat.documents.items import assessors_key, place
from xnat_tui.xnat.tables.bulk import Experiments, Grouped, Owned
from xnat_tui.xnat.tables.bulk_sessions import PARAMETERS, SCANS_OF, Reconstructions, Session

Parameters = Mapping[tuple[str, str], Mapping[str, Mapping[str, Fields]] | None]
"""Types of session and scan → session → scan ID → fields; None where the question was refused."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The answers about sessions and what stands below them; None where a question was refused."""

    sessions: Mapping[str, Session] | None = None
    scans: tuple[Grouped, Grouped] | None = None
    assessors: Grouped | None = None
    assessor_out: Grouped | None = None
    assessor_in: Grouped | None = None
    reconstructions_out: Reconstructions | None = None
    reconstructions_in: Reconstructions | None = None


class SessionsBelow:
    """What is certain below the sessions of a project; what is not is not in `listings`."""

    def __init__(
        self, experiments: Experiments, owned: Owned, parts: Parts, parameters: Parameters, seen_by: str
    ) -> None:
        self._experiments = experiments
        self._owned = owned
        self._parts = parts
        self._parameters = parameters
        self._nothing = Listing(seen_by=seen_by)
        self._found: dict[str, Listing] = {}
        self._joins: dict[tuple[int, int], Fields] = {}
        self._assessors_known = self._assessors_agree()

    def listings(self) -> dict[str, Listing]:
        """Listings by the key of their place."""
        sessions = self._parts.sessions or {}
        for items in self._experiments.by_subject.values():
            for session in items:
                if session.id not in self._owned.types:
                    continue  # shared in: what stands at it is not in the site-wide list
                self._keep(session.uri, Kind.RESOURCE, self._owned.resources.get(session.id, []))
                if session.id in sessions:
                    self._place_scans(session)
                    self._place_assessors(session)
                    self._place_reconstructions(session)
                elif self._is_no_session(session):
                    for kind in (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION):
                        self._keep(session.uri, kind, [])
        return self._found

    def _keep(self, uri: str, kind: Kind, items: Sequence[Item]) -> None:
        key = assessors_key(self._owned.project, uri) if kind is Kind.ASSESSOR else place(uri, kind)
        self._found[key] = Listing(tuple(items), None, self._nothing.seen_by) if items else self._nothing

    def _is_no_session(self, item: Item) -> bool:
        """Whether an experiment, such as a subject's blood test, can have no scans."""
        if item.type in SESSION_WORDS or item.type.endswith("SessionData"):
            return False
        return self._parts.scans is None or item.id not in self._parts.scans[0]

    def _place_scans(self, session: Item) -> None:
        if self._parts.scans is None or session.id not in self._parts.scans[0]:
            return
        scans, resources = self._parts.scans
        here = self._with_parameters(session, scans[session.id])
        if here is None or any(scan.twin or not scan.type for scan in here):
            return  # a scan whose type is not known could not be told from one of another type
        self._keep(session.uri, Kind.SCAN, here)
        for scan in here:
            self._keep(scan.uri, Kind.RESOURCE, resources[scan.uri])

    def _with_parameters(self, session: Item, scans: list[Item]) -> list[Item] | None:
        """The scans with what other questions tell of them; None where they do not agree, and for a scan in
        a session of another modality, whose parameters nobody was asked for."""
        asked = SCANS_OF.get(session.type, ())
        if any(scan.type in PARAMETERS and scan.type not in asked for scan in scans):
            return None
        for kind in asked:
            known = self._parameters.get((session.type, kind))
            found = known.get(session.id) if known is not None else None
            if found is None:
                return None
            typed = {scan.id for scan in scans if scan.type == kind}
            if not typed <= found.keys() or not found.keys() <= {scan.id for scan in scans}:
                return None
            scans = [
                (scan if scan.type else replace(scan, type=kind)).with_fields(
                    self._joined(scan.fields, found[scan.id])
                )
                if scan.id in found
                else scan
                for scan in scans
            ]
        return scans

    def _joined(self, one: Fields, other: Fields) -> Fields:
        key = (id(one), id(other))
        known = self._joins.get(key)
        if known is None:
            known = self._joins[key] = one.joined(other)
        return known

    def _assessors_agree(self) -> bool:
        """Whether every assessor of the site-wide list is in the others, and has its files told."""
        parts = self._parts
        if parts.assessors is None or parts.assessor_out is None or parts.assessor_in is None:
            return False
        listed = _ids(parts.assessors.values())
        if not listed <= parts.assessor_out.keys() or not listed <= parts.assessor_in.keys():
            return False
        told = [(parts.sessions or {}).get(session) for session in parts.assessors]
        for session, items in zip(told, parts.assessors.values(), strict=True):
            if session is not None and not {one.id for one in items} <= session.assessors.keys():
                return False  # who owns the assessors is not told: others' would be taken for this project's
        owners = (session.assessors for session in (parts.sessions or {}).values())
        own = {name for found in owners for name, owner in found.items() if owner == self._owned.project}
        if not own & listed <= self._owned.types.keys():
            return False  # the site-wide list is not whole: its others would be taken for shared in
        return self._owned.types.keys() <= listed | _ids(self._experiments.by_subject.values())

    def _place_assessors(self, session: Item) -> None:
        if not self._assessors_known:
            return
        parts = self._parts
        assessors = (parts.assessors or {}).get(session.id, [])
        owners = (parts.sessions or {})[session.id].assessors
        others = {name for name, owner in owners.items() if owner != self._owned.project}
        if others - {assessor.id for assessor in assessors}:
            return  # the project does not show them: whether the user may read them is told by the document
        here = [
            one if one.id in self._owned.types else replace(one, shared_from=owners.get(one.id, ""))
            for one in assessors
        ]
        self._keep(session.uri, Kind.ASSESSOR, here)
        for assessor in here:
            items: list[Item] = []
            for files in (parts.assessor_out, parts.assessor_in):
                items += [
                    replace(item, uri=f"{assessor.uri}/{item.side}{item.uri}") if item.side else item
                    for item in (files or {}).get(assessor.id, [])
                ]
            self._keep(assessor.uri, Kind.RESOURCE, items)

    def _place_reconstructions(self, session: Item) -> None:
        out, into = self._parts.reconstructions_out, self._parts.reconstructions_in
        if out is None or into is None:
            return
        items, others = out[0].get(session.id), into[0].get(session.id)
        if items is None or others is None or _ids([items]) != _ids([others]):
            return
        self._keep(session.uri, Kind.RECONSTRUCTION, items)
        for item in items:
            self._keep(item.uri, Kind.RESOURCE, [*out[1].get(item.uri, []), *into[1].get(item.uri, [])])


def _ids(groups: Iterable[Iterable[Item]]) -> set[str]:
    return {item.id for items in groups for item in items}
