"""Planning a copy: the source walked, the destination looked at, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions, Mode, Via, options_or_usual
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, Finding, Plan
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.command import command
from xnat_tui.services.transfers.copying.archive_folders import check_folders
from xnat_tui.services.transfers.copying.planning.context import Context, Draft
from xnat_tui.services.transfers.copying.planning.projects import check_not_itself
from xnat_tui.services.transfers.copying.planning.spots import Destination
from xnat_tui.services.transfers.copying.planning.walk import Walk


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that the copy is to create, or to fill where it exists."""

    server: str
    id: str


def plan_copy(
    source: Reader,
    places: Sequence[Place],
    destination: Reader,
    target: Place | NewProject,
    options: CopyOptions | None = None,
    filters: Filters | None = None,
) -> Plan:
    """What copying these places would do. One request per session, and one per level above it.

    `target` may be a server (project IDs are kept), a project, or an item further down: what is copied
    takes its place, or goes below it. An item that cannot be read or copied is a step that conflicts,
    with the reason; never left out. Raises UsageError, and XnatTuiError where nothing can be read.
    """
    walk, meant = begin(source, places, destination, target, options, filters)
    for place in _outermost(places):
        walk.add(place)
    walk.check_matched(places)
    walk.finish(places[0])
    return finished(walk.draft, places, target, meant)


def begin(
    source: Reader,
    places: Sequence[Place],
    destination: Reader,
    target: Place | NewProject,
    options: CopyOptions | None = None,
    filters: Filters | None = None,
) -> tuple[Walk, Filters]:
    """A walk with nothing planned yet, and the filters that it was given. Raises as `plan_copy`."""
    chosen, filters = options_or_usual(CopyOptions, options), filters or Filters()
    chosen.refuse_deidentify("This transfer")
    _check(places, target, chosen)
    if isinstance(target, Place):
        check_not_itself(places, source, destination, target)
    meant = settled(filters, Reader(source.connection), places)  # lists would hide what documents tell
    context = Context(
        source,
        Destination(destination, _target_place(target), _new_project(target)),
        chosen,
        meant,
        preflight.TypesThere(destination.connection),
        names_projects=len({_project_id(place) for place in places}) > 1,
    )
    return Walk(context), filters


def finished(draft: Draft, places: Sequence[Place], target: Place | NewProject, filters: Filters) -> Plan:
    """The plan of all that was drafted, with what is to be known before it runs."""
    options = draft.context.options
    return Plan(
        options=options,
        sources=tuple(str(place.location) for place in places),
        destination=_destination(target),
        steps=tuple(draft.steps),
        findings=tuple(dict.fromkeys(_findings(draft, draft.context.there.reader))),
        command=command([str(place.location) for place in places], _destination(target), options, filters),
        root=draft.target_projects[0] if draft.target_projects else "",
        details=draft.details,
    )


def _findings(draft: Draft, destination: Reader) -> list[Finding]:
    """What was met on the way, and what holds for the whole."""
    options, types = draft.context.options, draft.context.types.asked
    found = list(draft.findings)
    found += preflight.types_missing(types, draft.missing_types, ignored=options.ignore_missing_datatypes)
    if not any(step.writes for step in draft.steps):  # then it is of no matter who may write there
        found += preflight.refused_here(destination.connection)
        return found + _left_fields(draft) + _conflicts(draft)
    found += preflight.change_reason(destination.connection, options)
    for project in draft.target_projects:
        creates = project in draft.created_projects
        found += preflight.rights(destination.connection, project, creates=creates)
        if not creates:
            found += preflight.side_effects(destination.connection, project, options)
        elif options.via is Via.IMPORT:
            found += preflight.scripts_met(destination.connection, project, creates=True)
    return found + _left_behind(draft) + _left_fields(draft) + _conflicts(draft)


def _check(places: Sequence[Place], target: Place | NewProject, options: CopyOptions) -> None:
    if not places:
        raise UsageError("Nothing was chosen to copy.", "Mark something, or name a location.")
    if len({place.server for place in places}) > 1:
        raise UsageError("One copy has one source server.", "Start one copy for each server.")
    if options.mode is Mode.RSYNC:
        check_folders(options)
    if options.via is Via.IMPORT:
        _check_import(places, options)
    if any(place.kind is Kind.SERVER for place in places) and not _is_server(target):
        raise UsageError("A whole server can only be copied to a server.", "Name a project as the source.")
    several = len({_project_id(place) for place in places}) > 1
    if several and not _is_server(target):
        raise UsageError(
            "Several projects cannot be copied into one.", "Name only the server as the destination."
        )


def _check_import(places: Sequence[Place], options: CopyOptions) -> None:
    if options.mode in (Mode.RSYNC, Mode.METADATA):
        raise UsageError(
            f"--via import and --mode {options.mode} exclude each other.", "Leave one of them out."
        )
    if any(place.of(Kind.EXPERIMENT) is not None and place.kind is not Kind.EXPERIMENT for place in places):
        raise UsageError(
            "The import service takes whole sessions.", "Name the session, and narrow it with --scan."
        )


def _is_server(target: Place | NewProject) -> bool:
    return isinstance(target, Place) and target.kind is Kind.SERVER


def _target_place(target: Place | NewProject) -> Place:
    return target if isinstance(target, Place) else Place(target.server)


def _new_project(target: Place | NewProject) -> str:
    return target.id if isinstance(target, NewProject) else ""


def _destination(target: Place | NewProject) -> str:
    return str(target.location) if isinstance(target, Place) else f"{target.server}:{target.id}"


def _project_id(place: Place) -> str:
    project = place.of(Kind.PROJECT)
    return project.id if project else ""


def _outermost(places: Sequence[Place]) -> list[Place]:
    """The places without those that stand inside another one, in the order given."""
    ways = {tuple(item.uri for item in place.items) for place in places}
    found: dict[tuple[str, ...], Place] = {}
    for place in places:
        way = tuple(item.uri for item in place.items)
        if not any(way[:length] in ways for length in range(len(way))):
            found.setdefault(way, place)
    return list(found.values())


def _left_behind(draft: Draft) -> list[Finding]:
    """What of files no list of XNAT tells: format, content and tags are listed, and go along."""
    if not any(step.kind is Kind.RESOURCE and step.action is Action.UPLOAD for step in draft.steps):
        return []
    what = "Descriptions of single files stay behind: no listing tells them. A resource's own goes along."
    return [Finding("info", what)]


def _left_fields(draft: Draft) -> list[Finding]:
    """An item that exists is skipped unread: whether it is the same is not said by that."""
    count = draft.unread_fields
    if not count:
        return []
    what = "Fields of an item that is there" if count == 1 else f"Fields of {count} items that are there"
    return [
        Finding(
            "info",
            f"{what} stay as they are, same or not.",
            "--on-existing update compares and carries them.",
        )
    ]


def _conflicts(draft: Draft) -> list[Finding]:
    count = sum(step.action is Action.CONFLICT for step in draft.steps)
    if not count:
        return []
    what = "One item" if count == 1 else f"{count} items"
    return [Finding("warning", f"{what} will not be copied; each step says why.")]
