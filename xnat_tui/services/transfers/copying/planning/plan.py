"""Planning a copy: the source walked, the destination looked at, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, Finding, Mode, OnExisting, Plan, Policy
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.copying.execution.rsync import check_folders
from xnat_tui.services.transfers.copying.planning.projects import check_not_itself
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
    policy: Policy | None = None,
    filters: Filters | None = None,
) -> Plan:
    """What copying these places would do. One request per session, and one per level above it.

    `target` may be a server (project IDs are kept), a project, or an item further down: what is copied
    takes its place, or goes below it. An item that cannot be read or copied is a step that conflicts,
    with the reason; never left out. Raises UsageError, and XnatTuiError where nothing can be read.
    """
    policy, filters = policy or Policy(), filters or Filters()
    _check(places, target, policy)
    if isinstance(target, Place):
        check_not_itself(places, source, destination, target)
    meant = settled(filters, Reader(source.connection), places)  # lists would hide what documents tell
    walk = Walk(source, destination, _target_place(target), policy, meant, _new_project(target))
    walk.paths_name_projects = len({_project_id(place) for place in places}) > 1
    for place in _outermost(places):
        walk.add(place)
    walk.check_matched(places)
    walk.finish(places[0])
    projects = walk.target_projects
    findings = list(walk.findings)
    findings += preflight.types_missing(
        walk.types, walk.missing_types, ignored=policy.ignore_missing_datatypes
    )
    findings += preflight.change_reason(destination.connection, policy)
    for project in projects:
        findings += preflight.rights(
            destination.connection, project, creates=project in walk.created_projects
        )
        if project not in walk.created_projects:
            findings += preflight.side_effects(destination.connection, project, policy)
    findings += _left_behind(walk)
    findings += _left_fields(walk)
    findings += _conflicts(walk)
    return Plan(
        verb="copy",
        sources=tuple(str(place.location) for place in places),
        destination=_destination(target),
        steps=tuple(walk.steps),
        policy=policy,
        findings=tuple(dict.fromkeys(findings)),
        command=command(
            "copy", [str(place.location) for place in places], _destination(target), policy, filters
        ),
        root=projects[0] if projects else "",
    )


def _check(places: Sequence[Place], target: Place | NewProject, policy: Policy) -> None:
    if not places:
        raise UsageError("Nothing was chosen to copy.", "Mark something, or name a location.")
    if len({place.server for place in places}) > 1:
        raise UsageError("One copy has one source server.", "Start one copy for each server.")
    if policy.mode is Mode.RSYNC:
        check_folders(policy)
    if policy.via == "import":
        _check_import(places, policy)
    if any(place.kind is Kind.SERVER for place in places) and not _is_server(target):
        raise UsageError("A whole server can only be copied to a server.", "Name a project as the source.")
    several = len({_project_id(place) for place in places}) > 1
    if several and not _is_server(target):
        raise UsageError(
            "Several projects cannot be copied into one.", "Name only the server as the destination."
        )


def _check_import(places: Sequence[Place], policy: Policy) -> None:
    if policy.mode in (Mode.RSYNC, Mode.METADATA):
        raise UsageError(
            f"--via import and --mode {policy.mode} exclude each other.", "Leave one of them out."
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


def _left_behind(walk: Walk) -> list[Finding]:
    """What of files no list of XNAT tells: format, content and tags are listed, and go along."""
    if not any(step.kind is Kind.RESOURCE and step.action is Action.UPLOAD for step in walk.steps):
        return []
    what = "Descriptions of single files stay behind: no listing tells them. A resource's own goes along."
    return [Finding("info", what)]


def _left_fields(walk: Walk) -> list[Finding]:
    """An item that exists is skipped unread: whether it is the same is not said by that."""
    count = walk.unread_fields
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


def _conflicts(walk: Walk) -> list[Finding]:
    count = sum(step.action is Action.CONFLICT for step in walk.steps)
    if not count:
        return []
    what = "One item" if count == 1 else f"{count} items"
    return [Finding("warning", f"{what} will not be copied; each step says why.")]


_FLAGS = (
    ("skip_existing_sessions", "--skip-existing-sessions"),
    ("fix_scan_types", "--fix-scan-types"),
    ("ignore_missing_datatypes", "--ignore-missing-datatypes"),
    ("autorun", "--autorun"),
    ("ohif", "--ohif"),
    ("refresh_catalogs", "--refresh-catalogs"),
    ("clear_caches", "--clear-caches"),
)
_LISTS = ("subject", "session", "type", "modality", "scan", "scan_type", "resource")


def command(verb: str, sources: Sequence[str], destination: str, policy: Policy, filters: Filters) -> str:
    """The command line that plans the same."""
    words = ["xnat-tui", verb, *(shell_word(source) for source in sources), shell_word(destination)]
    if policy.on_existing is not OnExisting.SKIP:
        words += ["--on-existing", str(policy.on_existing)]
    if policy.mode is not Mode.AUTO:
        words += ["--mode", str(policy.mode)]
    for option, folder in (
        ("--rsync-source", policy.rsync_source),
        ("--rsync-destination", policy.rsync_destination),
    ):
        words += [option, shell_word(folder)] if folder else []
    if policy.via != "files":
        words += ["--via", policy.via]
    if policy.shared != "skip":
        words += ["--shared", policy.shared]
    words += [option for name, option in _FLAGS if getattr(policy, name)]
    if policy.bandwidth:
        words += ["--bandwidth", str(policy.bandwidth)]
    if not policy.verify:
        words.append("--no-verify")
    words += ["--event-reason", shell_word(policy.event_reason)] if policy.event_reason else []
    for prefix in ("", "exclude_"):
        for name in _LISTS:
            option = "--" + (prefix + name).replace("_", "-")
            for glob in getattr(filters, prefix + name):
                words += [option, shell_word(glob)]
    for name in ("since", "until", "limit_subjects"):
        if getattr(filters, name) is not None:
            words += ["--" + name.replace("_", "-"), str(getattr(filters, name))]
    return " ".join(words)


def shell_word(word: str) -> str:
    """A word as a shell takes it."""
    plain = all(char.isalnum() or char in "-_./:@%+=," for char in word)
    return word if word and plain else "'" + word.replace("'", "'\"'\"'") + "'"
