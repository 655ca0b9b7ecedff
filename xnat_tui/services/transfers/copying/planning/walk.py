"""The walk from project to resource that turns what the two servers hold into steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lxml import etree

from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.filters import Filters, Tally
from xnat_tui.model.location import same_address
from xnat_tui.model.place import Place
from xnat_tui.model.plan import STAYS_BEHIND, UNREAD, Action, End, Finding, Mode, Policy, Step
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.copying.planning.ahead import ask_project, ask_sessions
from xnat_tui.services.transfers.copying.planning.imports import OVERLAY, goes_by_import, plan_import
from xnat_tui.services.transfers.copying.planning.items import existing, scan_type, shared
from xnat_tui.services.transfers.copying.planning.projects import new_project
from xnat_tui.services.transfers.copying.planning.resources import plan_resources
from xnat_tui.services.transfers.copying.planning.spots import Destination, Spot
from xnat_tui.services.transfers.emptiness import check_something
from xnat_tui.xnat.actions.users import is_administrator

_BELOW_SESSION = (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION)


class Walk:
    """Steps in dependency order: what stands above comes first. Reads only."""

    def __init__(
        self,
        source: Reader,
        destination: Reader,
        target: Place,
        policy: Policy,
        filters: Filters,
        new_project: str = "",
    ) -> None:
        self.source = source
        self.there = Destination(destination, target, new_project)
        self.target = target
        self.policy = policy
        self.filters = filters
        self.tally = Tally(filters)
        source.ask_modalities(wanted=filters.by_modality)
        self.steps: list[Step] = []
        self.findings: list[Finding] = []
        self.missing_types: list[str] = []
        self.target_projects: list[str] = []
        self.created_projects: set[str] = set()
        self.paths_name_projects = False
        self.unread_fields = 0
        """Items that exist there and are skipped for that, their fields not compared."""
        self.types = preflight.data_types(destination.connection)
        self.sessions_read: dict[str, tuple[tuple[str, str], etree._Element]] = {}
        """By server: the session read last, and its document."""
        self._spots: dict[str, Spot | None] = {}
        self._subjects = 0
        self._imports: dict[str, int] = {}

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
        plan_resources(self, resource.parent, spot, (resource.items[-1],), only=only)

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
        ask_project(self, place, spot)
        subjects = [item for item in self._children(place, Kind.SUBJECT) if self.tally.keeps(item)]
        ask_sessions(self, place, subjects)
        for subject in subjects:
            self._subject(place.child(subject), spot)

    def _subject(self, place: Place, above: Spot | None) -> None:
        limit = self.filters.limit_subjects
        subject = place.item
        assert subject is not None
        if not self.tally.keeps(subject) or (limit is not None and self._subjects >= limit):
            return
        sessions = self._children(place, Kind.EXPERIMENT)
        kept = [item for item in sessions if self.tally.keeps(item)]
        if self.filters.selects_sessions and not kept:
            return
        self._subjects += 1
        spot = self._arrive(place, above, whole=True)
        if spot is None:
            return
        own = subject.shared_from is None or self.policy.shared == "copy"
        if own and not self._is_itself(place, spot):
            self.resources(place, spot)
        for session in kept:
            self._session(place.child(session), spot)

    def _session(self, place: Place, above: Spot | None) -> None:
        session = place.item
        assert session is not None
        first = len(self.steps)
        if self.policy.via == "import":
            self._import(place, above)
        spot = self._arrive(place, above, whole=True)
        kinds = [kind for kind in _BELOW_SESSION if not self.filters.leaves_beside(kind, ())]
        if session.shared_from is not None and self.policy.shared != "copy":
            if Kind.ASSESSOR in kinds:
                self._assessors_of_shared(place, above, spot)
            return
        if spot is None or (spot.item is not None and self.policy.skip_existing_sessions):
            return
        for kind in kinds:
            seen: set[str] = set()
            for item in self._children(place, kind):
                if self.tally.keeps(item):
                    self._below_session(place.child(item), spot, first, twice=item.key in seen)
                seen.add(item.key)
        self.resources(place, spot)
        self._after(place, spot, first)

    def _assessors_of_shared(self, place: Place, above: Spot | None, spot: Spot | None) -> None:
        """The assessors of a session that is only shown here: each has an owner and shares of its own."""
        first = len(self.steps)
        for item in self._children(place, Kind.ASSESSOR):
            if not self.tally.keeps(item):
                continue
            if self.policy.shared == "share" and spot is not None:
                self._below_session(place.child(item), spot, first)
            elif item.shared_from is None:
                self.leave(place.child(item), spot or above, "it stands at a session that is shared in")

    def _below_session(self, place: Place, above: Spot, first: int = 0, *, twice: bool = False) -> None:
        item = place.item
        assert item is not None
        if twice:
            reason = f"A second {item.kind} with this ID; XNAT cannot address it."
            self.conflict(place, above, reason)
            return
        if item.kind is Kind.ASSESSOR:  # it may refer to any scan of its session
            scans = [s.number for s in self.steps[first:] if s.kind is Kind.SCAN and s.writes]
            above = Spot(above.kind, above.uri, above.label, above.place, (*above.needs, *scans), above.names)
        if item.kind is Kind.ASSESSOR and item.shared_from is not None and self.policy.shared != "copy":
            self._arrive(place, above)
            return
        lacking = self._scan_that_lacks(item, above)
        if lacking:
            reason = f"It refers to scan {lacking}, which is neither at the destination nor copied along."
            self.conflict(place, above, reason)
            return
        spot = self._arrive(place, above, whole=True)
        if spot is not None:
            self.resources(place, spot)

    def _scan_that_lacks(self, item: Item, session: Spot) -> str:
        """A scan that an assessor or reconstruction refers to and will not find, where that is known yet."""
        named = {item.fields[name] for name in item.fields if _refers_to_scan(name)} - {""}
        if item.kind is Kind.SCAN or not named or self.policy.via == "import":
            return ""
        held = {step.target.uri for step in self.steps if step.kind is Kind.SCAN and step.writes}
        there = self.there.reader.below(session.place, Kind.SCAN) if session.place else Listing()
        if there.error is not None:
            return ""  # the step itself will look again
        known = {scan.key for scan in there.items}
        lacking = (
            one for one in sorted(named) if one not in known and f"{session.uri}/scans/{one}" not in held
        )
        return next(lacking, "")

    def resources(self, place: Place, spot: Spot) -> None:
        kinds = [item.kind for item in place.items]
        if self.policy.mode is Mode.METADATA or self.filters.leaves_beside(Kind.RESOURCE, kinds):
            return
        listing = self.source.below(place, Kind.RESOURCE)
        if listing.error is not None:
            why = f"Its resources could not be read: {listing.error.message}"
            self.conflict(place, spot, why, unread=True)
        kept = tuple(item for item in listing.items if self.tally.keeps(item))
        if self.policy.via == "import" and place.kind is Kind.SCAN:
            kept = tuple(item for item in kept if not goes_by_import(item))
        plan_resources(self, place, spot, kept)

    def _arrive(self, place: Place, above: Spot | None, *, whole: bool = False) -> Spot | None:
        """The step for an item itself, once; None where it cannot be copied, with a step that says why."""
        item = place.item
        assert item is not None
        key = f"{above.uri if above else ''}>{item.uri}"
        if key in self._spots:
            return self._spots[key]
        try:
            spot = self.there.spot(item, above)
            if item.kind is Kind.PROJECT and spot.label not in self.target_projects:
                self.target_projects.append(spot.label)
            arrived = self._step_for(place, spot, above, whole=whole)
        except XnatTuiError as error:
            self.refuse(place, above, error)
            arrived = None
        self._spots[key] = arrived
        return arrived

    def _step_for(self, place: Place, spot: Spot, above: Spot | None, *, whole: bool) -> Spot | None:
        item = place.item
        assert item is not None
        if self._is_itself(place, spot):
            self.step(Action.SKIP, place, spot, "the same item, shared into that project")
            return spot if item.kind is Kind.SUBJECT else None
        if item.shared_from is not None and self.policy.shared != "copy":
            return shared(self, place, spot, above)
        if not self._type_known(place, spot):
            return None
        if item.kind is Kind.ASSESSOR and spot.item is not None and spot.item.shared_from is not None:
            owner = spot.item.shared_from or "another project"
            raise Conflict(f"An assessor with this label stands there already, and {owner} owns it.")
        data: dict[str, str] = {}
        if item.kind is Kind.EXPERIMENT and whole:  # one document tells all that stands below
            unread = self.source.below(place, Kind.SCAN).error
            if unread is not None:
                raise unread
        if self._imported(place):
            data[OVERLAY] = "yes"
        target_type = scan_type(self, place, item) if item.kind is Kind.SCAN else item.type
        if target_type != item.type:
            data["type"] = target_type
        if spot.item is None:
            reason = f"type {item.type or 'unknown'} becomes {target_type}" if "type" in data else ""
            if item.kind is Kind.PROJECT:
                self.created_projects.add(spot.label)
                reason, more = new_project(self, place, spot.label)
                data |= more
            if item.kind is Kind.EXPERIMENT and item.uri in self._imports:
                spot = spot.made_by(self._imports[item.uri])
            return spot.made_by(self.step(Action.CREATE, place, spot, reason, data))
        if not whole:
            self.step(Action.SKIP, place, spot, "exists")
            return spot
        return existing(self, place, spot)

    def _is_itself(self, place: Place, spot: Spot) -> bool:
        """Whether the destination shows this very item, in another project of the same server."""
        item, there = place.item, spot.item
        if item is None or there is None or item.kind not in (Kind.SUBJECT, Kind.EXPERIMENT):
            return False
        one, other = self.source.connection.url, self.there.reader.connection.url
        project = place.of(Kind.PROJECT)
        moves = project is not None and spot.names["project"] != project.id
        return moves and bool(item.id) and item.id == there.id and same_address(one, other)

    def _type_known(self, place: Place, spot: Spot) -> bool:
        item = place.item
        assert item is not None
        scan = item.kind is Kind.SCAN
        wanted = scan_type(self, place, item) if scan else item.type
        typed = item.kind in (Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR)
        if not typed or not wanted or not self.types.lacks(wanted, scan=scan):
            return True
        self.missing_types.append(wanted)
        self.conflict(place, spot, f"The destination does not know the data type {wanted}.")
        return False

    def _after(self, place: Place, spot: Spot, first: int) -> None:
        """What follows a session once everything in it has arrived."""
        done = tuple(step.number for step in self.steps[first:] if step.writes)
        if not done:
            return
        tasks = (("catalogs", self.policy.refresh_catalogs), ("ohif", self.policy.ohif))
        words = {"catalogs": "refresh its catalogs", "ohif": "rebuild its viewer data"}
        for task, wanted in tasks:
            if wanted:
                self.step(Action.UPDATE, place, spot, words[task], task=task, needs=done)

    def _import(self, place: Place, above: Spot | None) -> None:
        """Plan the DICOM of a session; what cannot be planned is told by the session's own step."""
        session = place.item
        assert session is not None
        if session.shared_from is not None and self.policy.shared != "copy":
            return
        try:
            spot = self.there.spot(session, above)
            if self._is_itself(place, spot):
                return
            there = spot.item
            scans = [item for item in self.source.below(place, Kind.SCAN).items if self.filters.keeps(item)]
            wanted = there is None or not self.policy.skip_existing_sessions
            if wanted and not self.types.lacks(session.type):
                number = plan_import(self, place, above, scans)
                if number is not None:
                    self._imports[session.uri] = number
        except XnatTuiError:
            return  # met again, and told, when the session's own step is planned

    def _imported(self, place: Place) -> bool:
        """Whether the import service makes this session or scan."""
        session, item = place.of(Kind.EXPERIMENT), place.item
        if session is None or item is None or session.uri not in self._imports:
            return False
        if item.kind is Kind.EXPERIMENT:
            return True
        listing = self.source.below(place, Kind.RESOURCE) if item.kind is Kind.SCAN else Listing()
        return any(goes_by_import(one) for one in listing.items)

    def check_matched(self, places: Sequence[Place]) -> None:
        """Raises NotFound where filters let nothing pass, or all is shared in and so left out: a copy of it
        would be an empty project."""
        check_something("copy", self.steps, self.tally, self.source, places, self.policy)

    def finish(self, place: Place) -> None:
        """What follows once everything has arrived."""
        done = tuple(step.number for step in self.steps if step.writes)
        if not self.policy.clear_caches or not done:
            return
        if is_administrator(self.there.reader.connection) is False:
            message = "Only administrators may clear the destination's caches; they are left as they are."
            self.findings.append(Finding("warning", message))
            return
        project = place.up_to(Kind.PROJECT)
        if project.item is None:
            project = place.child(Item(Kind.PROJECT, self.target_projects[0], self.target_projects[0]))
        self.step(Action.UPDATE, project, None, "clear the server's caches", task="caches", needs=done)

    def _children(self, place: Place, kind: Kind) -> tuple[Item, ...]:
        """Children at the source. A listing that failed is a step that conflicts, never nothing."""
        listing = self.source.below(place, kind)
        if listing.error is not None:
            if place.kind is Kind.SERVER:
                raise listing.error
            why = f"Its {kind.plural} could not be read: {listing.error.message}"
            self.conflict(place, None, why, unread=True)
        return listing.items

    def step(
        self,
        action: Action,
        place: Place,
        spot: Spot | None,
        reason: str = "",
        data: Mapping[str, str] | None = None,
        *,
        task: str = "",
        uri: str = "",
        there: Item | None = None,
        needs: tuple[int, ...] | None = None,
        files: int = 0,
        size: int = 0,
    ) -> int:
        """Add a step for an item of the source; its number."""
        item = place.item
        assert item is not None
        number = len(self.steps) + 1
        there = there or (spot.item if spot else None)
        names = dict(spot.names) if spot else {}
        if spot is not None:
            names["session"] = spot.session
        step = Step(
            number,
            action,
            task or str(item.kind),
            self.path(place),
            item.kind,
            End(place.server, item.uri, item.id, item.type),
            End(self.target.server, uri or (spot.uri if spot else ""), there.id if there else "", item.type),
            files,
            size,
            reason,
            (spot.needs if spot else ()) if needs is None else needs,
            {**names, **(data or {})},
        )
        self.steps.append(step)
        return number

    def leave(self, place: Place, spot: Spot | None, reason: str) -> None:
        """Skip what the destination does not have."""
        self.step(Action.SKIP, place, spot, reason, {STAYS_BEHIND: "yes"})

    def conflict(self, place: Place, spot: Spot | None, reason: str, *, unread: bool = False) -> None:
        """Leave alone what must not be touched, or is not known."""
        self.step(Action.CONFLICT, place, spot, reason, {UNREAD: "yes"} if unread else {})

    def refuse(self, place: Place, spot: Spot | None, error: XnatTuiError) -> None:
        """Leave alone what this error stands against: unless it is a conflict, something was not read."""
        self.conflict(place, spot, error.message, unread=not isinstance(error, Conflict))

    def path(self, place: Place) -> str:
        if place.kind is Kind.PROJECT and place.item is not None:
            return f"{Kind.PROJECT.plural}/{self.there.label(place.item)}"  # as it will be called
        whole = self.paths_name_projects
        return place.path_below(Place(place.server, () if whole else place.items[:1]))


def _refers_to_scan(field: str) -> bool:
    """`scans/scan/imageScan_ID` of an assessor, `inScans/scanID` of a reconstruction."""
    return field.rpartition("/")[2].replace("_", "").lower() in ("imagescanid", "scanid")
