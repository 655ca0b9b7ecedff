"""The walk from project to resource that turns what the two servers hold into steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.filters import Tally
from xnat_tui.model.location import same_address
from xnat_tui.model.options import Mode, Shared, Via
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, Finding
from xnat_tui.model.work import (
    CacheClearing,
    CatalogRefresh,
    ExperimentCopy,
    ListedResource,
    ScanCopy,
    SessionImport,
    ViewerRebuild,
    Work,
)
from xnat_tui.services.transfers.copying.planning.ahead import ask_project, ask_sessions
from xnat_tui.services.transfers.copying.planning.context import Context, Draft
from xnat_tui.services.transfers.copying.planning.imports import (
    goes_by_import,
    to_be_imported,
)
from xnat_tui.services.transfers.copying.planning.items import existing, scan_type, shared
from xnat_tui.services.transfers.copying.planning.projects import new_project
from xnat_tui.services.transfers.copying.planning.resources import plan_resources
from xnat_tui.services.transfers.copying.planning.spots import Spot
from xnat_tui.services.transfers.emptiness import check_something
from xnat_tui.xnat.actions.users import is_administrator

_BELOW_SESSION = (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION)


class Walk:
    """Steps in dependency order: what stands above comes first. Reads only."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.draft = Draft(context)
        self._tally = Tally(context.filters)
        self._spots: dict[str, Spot | None] = {}
        self._subjects = 0
        self._imports: dict[str, int] = {}
        """By the session's address, the step that hands in its DICOM."""
        context.source.ask_modalities(wanted=context.filters.by_modality)

    def add(self, place: Place) -> None:
        """Plan one place of the source with everything below it, and what above it is not there yet."""
        if place.kind is Kind.SERVER:
            for project in self._children(place, Kind.PROJECT):
                self.add(place.child(project))
            return
        spot: Spot | None = None
        for depth in range(1, len(place.items)):
            above = Place(place.server, place.items[:depth])
            if above.kind is Kind.RESOURCE:
                break
            spot = self._arrive(above, spot)
            if spot is None:
                return
        if place.kind in (Kind.RESOURCE, Kind.FILE):
            self._one_resource(place, spot)
            return
        self._item(place, spot)

    def _one_resource(self, place: Place, spot: Spot | None) -> None:
        assert spot is not None, "a resource stands below something"
        resource = place.up_to(Kind.RESOURCE)
        only = place.item.key if place.kind is Kind.FILE and place.item else ""
        plan_resources(self.draft, resource.parent, spot, (resource.items[-1],), only=only)

    def _item(self, place: Place, above: Spot | None) -> None:
        match place.kind:
            case Kind.PROJECT:
                self._project(place)
            case Kind.SUBJECT:
                self._subject(place, above)
            case Kind.EXPERIMENT:
                self._session(place, above)
            case _:
                assert above is not None
                self._below_session(place, above)

    def _project(self, place: Place) -> None:
        spot = self._arrive(place, None, whole=True)
        if spot is None:
            return
        self.resources(place, spot)
        ask_project(self.context, place, spot)
        subjects = [item for item in self._children(place, Kind.SUBJECT) if self._tally.keeps(item)]
        ask_sessions(self.context, place, subjects)
        for subject in subjects:
            self._subject(place.child(subject), spot)

    def _subject(self, place: Place, above: Spot | None) -> None:
        limit = self.context.filters.limit_subjects
        subject = place.item
        assert subject is not None
        if not self._tally.keeps(subject) or (limit is not None and self._subjects >= limit):
            return
        sessions = self._children(place, Kind.EXPERIMENT)
        kept = [item for item in sessions if self._tally.keeps(item)]
        if self.context.filters.selects_sessions and not kept:
            return
        self._subjects += 1
        spot = self._arrive(place, above, whole=True)
        if spot is None:
            return
        own = subject.shared_from is None or self.context.options.shared is Shared.COPY
        if own and not self._is_itself(place, spot):
            self.resources(place, spot)
        for session in kept:
            self._session(place.child(session), spot)

    def _session(self, place: Place, above: Spot | None) -> None:
        session = place.item
        assert session is not None
        first = len(self.draft.steps)
        if self.context.options.via is Via.IMPORT:
            self._import(place, above)
        spot = self._arrive(place, above, whole=True)
        kinds = [kind for kind in _BELOW_SESSION if not self.context.filters.leaves_beside(kind, ())]
        if session.shared_from is not None and self.context.options.shared is not Shared.COPY:
            if Kind.ASSESSOR in kinds:
                self._assessors_of_shared(place, above, spot)
            return
        if spot is None or (spot.item is not None and self.context.options.skip_existing_sessions):
            return
        for kind in kinds:
            seen: set[str] = set()
            for item in self._children(place, kind):
                if self._tally.keeps(item):
                    self._below_session(place.child(item), spot, first, twice=item.key in seen)
                seen.add(item.key)
        self.resources(place, spot)
        self._after(place, spot, first)

    def _assessors_of_shared(self, place: Place, above: Spot | None, spot: Spot | None) -> None:
        """The assessors of a session that is only shown here: each has an owner and shares of its own."""
        first = len(self.draft.steps)
        for item in self._children(place, Kind.ASSESSOR):
            if not self._tally.keeps(item):
                continue
            if self.context.options.shared is Shared.SHARE and spot is not None:
                self._below_session(place.child(item), spot, first)
            elif item.shared_from is None:
                self.draft.leave(place.child(item), spot or above, "it stands at a session that is shared in")

    def _below_session(self, place: Place, above: Spot, first: int = 0, *, twice: bool = False) -> None:
        item = place.item
        assert item is not None
        if twice:
            reason = f"A second {item.kind} with this ID; XNAT cannot address it."
            self.draft.conflict(place, above, reason)
            return
        if item.kind is Kind.ASSESSOR:  # it may refer to any scan of its session
            scans = [s.number for s in self.draft.steps[first:] if s.kind is Kind.SCAN and s.writes]
            above = replace(above, needs=(*above.needs, *scans))
        if (
            item.kind is Kind.ASSESSOR
            and item.shared_from is not None
            and self.context.options.shared is not Shared.COPY
        ):
            self._arrive(place, above)
            return
        lacking = self._scan_that_lacks(item, above)
        if lacking:
            reason = f"It refers to scan {lacking}, which is neither at the destination nor copied along."
            self.draft.conflict(place, above, reason)
            return
        spot = self._arrive(place, above, whole=True)
        if spot is not None:
            self.resources(place, spot)

    def _scan_that_lacks(self, item: Item, session: Spot) -> str:
        """A scan that an assessor or reconstruction refers to and will not find, where that is known yet."""
        named = {item.fields[name] for name in item.fields if _refers_to_scan(name)} - {""}
        if item.kind is Kind.SCAN or not named or self.context.options.via is Via.IMPORT:
            return ""
        held = {step.target.uri for step in self.draft.steps if step.kind is Kind.SCAN and step.writes}
        there = self.context.there.reader.below(session.place, Kind.SCAN) if session.place else Listing()
        if there.error is not None:
            return ""  # the step itself will look again
        known = {scan.key for scan in there.items}
        lacking = (
            one for one in sorted(named) if one not in known and f"{session.uri}/scans/{one}" not in held
        )
        return next(lacking, "")

    def resources(self, place: Place, spot: Spot) -> None:
        """Plan the resources of an item, as far as options and filters mean them."""
        kinds = [item.kind for item in place.items]
        if self.context.options.mode is Mode.METADATA or self.context.filters.leaves_beside(
            Kind.RESOURCE, kinds
        ):
            return
        listing = self.context.source.below(place, Kind.RESOURCE)
        if listing.error is not None:
            why = f"Its resources could not be read: {listing.error.message}"
            self.draft.conflict(place, spot, why, unread=True)
        kept = tuple(item for item in listing.items if self._tally.keeps(item))
        if self.context.options.via is Via.IMPORT and place.kind is Kind.SCAN:
            kept = tuple(item for item in kept if not goes_by_import(item))
        plan_resources(self.draft, place, spot, kept)

    def _arrive(self, place: Place, above: Spot | None, *, whole: bool = False) -> Spot | None:
        """The step for an item itself, once; None where it cannot be copied, with a step that says why."""
        item = place.item
        assert item is not None
        key = f"{above.uri if above else ''}>{item.uri}"
        if key in self._spots:
            return self._spots[key]
        try:
            spot = self.context.there.spot(item, above)
            if item.kind is Kind.PROJECT and spot.label not in self.draft.target_projects:
                self.draft.target_projects.append(spot.label)
            arrived = self._step_for(place, spot, above, whole=whole)
        except XnatTuiError as error:
            self.draft.refuse(place, above, error)
            arrived = None
        self._spots[key] = arrived
        return arrived

    def _step_for(self, place: Place, spot: Spot, above: Spot | None, *, whole: bool) -> Spot | None:
        item = place.item
        assert item is not None
        if self._is_itself(place, spot):
            self.draft.step(Action.SKIP, place, spot, "the same item, shared into that project")
            return spot if item.kind is Kind.SUBJECT else None
        if item.shared_from is not None and self.context.options.shared is not Shared.COPY:
            return shared(self.draft, place, spot, above)
        if not self._type_known(place, spot):
            return None
        if item.kind is Kind.ASSESSOR and spot.item is not None and spot.item.shared_from is not None:
            owner = spot.item.shared_from or "another project"
            raise Conflict(f"An assessor with this label stands there already, and {owner} owns it.")
        if item.kind is Kind.EXPERIMENT and whole:  # one document tells all that stands below
            unread = self.context.source.below(place, Kind.SCAN).error
            if unread is not None:
                raise unread
        if spot.item is None:
            return self._made(place, spot)
        if not whole:
            self.draft.step(Action.SKIP, place, spot, "exists")
            return spot
        return existing(self.draft, place, spot)

    def _made(self, place: Place, spot: Spot) -> Spot:
        """The step that makes an item, and what it carries for that."""
        item = place.item
        assert item is not None
        reason = ""
        work: Work | None = None
        match item.kind:
            case Kind.PROJECT:
                self.draft.created_projects.add(spot.label)
                reason, work = new_project(self.draft, place, spot.label)
            case Kind.EXPERIMENT:
                work = ExperimentCopy(imported=self._imported(place))
                if item.uri in self._imports:
                    spot = spot.made_by(self._imports[item.uri])
            case Kind.SCAN:
                other = scan_type(self.context, place, item)
                if other != item.type:
                    reason = f"type {item.type or 'unknown'} becomes {other}"
                work = ScanCopy(other if reason else "", imported=self._imported(place))
        return spot.made_by(self.draft.step(Action.CREATE, place, spot, reason, work))

    def _is_itself(self, place: Place, spot: Spot) -> bool:
        """Whether the destination shows this very item, in another project of the same server."""
        item, there = place.item, spot.item
        if item is None or there is None or item.kind not in (Kind.SUBJECT, Kind.EXPERIMENT):
            return False
        one, other = self.context.source.connection.url, self.context.there.reader.connection.url
        project = place.of(Kind.PROJECT)
        moves = project is not None and spot.lineage.project != project.id
        return moves and bool(item.id) and item.id == there.id and same_address(one, other)

    def _type_known(self, place: Place, spot: Spot) -> bool:
        item = place.item
        assert item is not None
        scan = item.kind is Kind.SCAN
        wanted = scan_type(self.context, place, item) if scan else item.type
        typed = item.kind in (Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR)
        there = spot.item is not None and spot.item.type == wanted  # then it is known by what it has
        if not typed or not wanted or there or not self.context.types.lacks(wanted, scan=scan):
            return True
        self.draft.missing_types.append(wanted)
        self.draft.conflict(place, spot, f"The destination does not know the data type {wanted}.")
        return False

    def _after(self, place: Place, spot: Spot, first: int) -> None:
        """What follows a session once everything in it has arrived."""
        done = tuple(step.number for step in self.draft.steps[first:] if step.writes)
        if not done:
            return
        options = self.context.options
        if options.refresh_catalogs:
            reason = "refresh its catalogs"
            self.draft.step(Action.UPDATE, place, spot, reason, CatalogRefresh(), needs=done)
        if options.ohif:
            reason = "rebuild its viewer data"
            self.draft.step(Action.UPDATE, place, spot, reason, ViewerRebuild(), needs=done)

    def _import(self, place: Place, above: Spot | None) -> None:
        """Plan the DICOM of a session; what cannot be planned is told by the session's own step."""
        session = place.item
        assert session is not None
        if session.shared_from is not None and self.context.options.shared is not Shared.COPY:
            return
        try:
            spot = self.context.there.spot(session, above)
            if self._is_itself(place, spot):
                return
            there = spot.item
            scans = [
                item
                for item in self.context.source.below(place, Kind.SCAN).items
                if self.context.filters.keeps(item)
            ]
            meant = there is None or not self.context.options.skip_existing_sessions
            if meant and not self.context.types.lacks(session.type):
                wanted = to_be_imported(self.context, place, spot, scans)
                if wanted:
                    self._imports[session.uri] = self._import_step(place, spot, wanted)
        except XnatTuiError:
            return  # met again, and told, when the session's own step is planned

    def _import_step(self, place: Place, spot: Spot, resources: Sequence[Item]) -> int:
        """Before the session's own step, as the importer makes the session."""
        return self.draft.step(
            Action.UPLOAD,
            place,
            spot,
            "through the import service, which may rewrite it",
            SessionImport(tuple(ListedResource(one.uri, one.files) for one in resources)),
            files=sum(one.files or 0 for one in resources),
            size=sum(one.bytes or 0 for one in resources),
        )

    def _imported(self, place: Place) -> bool:
        """Whether the import service makes this session or scan."""
        session, item = place.of(Kind.EXPERIMENT), place.item
        if session is None or item is None or session.uri not in self._imports:
            return False
        if item.kind is Kind.EXPERIMENT:
            return True
        listing = self.context.source.below(place, Kind.RESOURCE) if item.kind is Kind.SCAN else Listing()
        return any(goes_by_import(one) for one in listing.items)

    def check_matched(self, places: Sequence[Place]) -> None:
        """Raises NotFound where filters let nothing pass, or all is shared in and so left out: a copy of it
        would be an empty project."""
        check_something(self.context.options, self.draft.steps, self._tally, self.context.source, places)

    def finish(self, place: Place) -> None:
        """What follows once everything has arrived."""
        done = tuple(step.number for step in self.draft.steps if step.writes)
        if not self.context.options.clear_caches or not done:
            return
        if is_administrator(self.context.there.reader.connection) is False:
            message = "Only administrators may clear the destination's caches; they are left as they are."
            self.draft.findings.append(Finding("warning", message))
            return
        project = place.up_to(Kind.PROJECT)
        if project.item is None:
            project = place.child(
                Item(Kind.PROJECT, self.draft.target_projects[0], self.draft.target_projects[0])
            )
        self.draft.step(
            Action.UPDATE, project, None, "clear the server's caches", CacheClearing(), needs=done
        )

    def _children(self, place: Place, kind: Kind) -> tuple[Item, ...]:
        """Children at the source. A listing that failed is a step that conflicts, never nothing."""
        listing = self.context.source.below(place, kind)
        if listing.error is not None:
            if place.kind is Kind.SERVER:
                raise listing.error
            why = f"Its {kind.plural} could not be read: {listing.error.message}"
            self.draft.conflict(place, None, why, unread=True)
        return listing.items


def _refers_to_scan(field: str) -> bool:
    """`scans/scan/imageScan_ID` of an assessor, `inScans/scanID` of a reconstruction."""
    return field.rpartition("/")[2].replace("_", "").lower() in ("imagescanid", "scanid")
