"""The lists of projects, subjects, experiments, scans, assessors and reconstructions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Assessor, Experiment, Item, Project
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.columns import UnknownColumn
from xnat_tui.demo.creation import post_experiment, post_item, post_project, post_subject
from xnat_tui.demo.datatypes import (
    EXPERIMENT,
    IMAGE_ASSESSOR,
    IMAGE_SCAN,
    IMAGE_SESSION,
    PROJECT,
    RECONSTRUCTION,
    SUBJECT,
    SUBJECT_ASSESSOR,
)
from xnat_tui.demo.project_list import filtered_projects
from xnat_tui.demo.query import ListKind, Query, as_table, paged
from xnat_tui.demo.replies import Refusal, Table
from xnat_tui.demo.rights import can_edit, can_read, owns_project, sees_project
from xnat_tui.demo.shortcuts import EXPERIMENTS, PROJECTS, RECONSTRUCTIONS, SCANS, SUBJECTS
from xnat_tui.demo.targets import project_of, session_of, subject_of

_EXPERIMENT_COLUMNS = ("ID", "project", "date", "xsiType", "label", "insert_date")
PROJECT_LIST = ListKind(
    PROJECTS,
    PROJECT,
    ("ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname"),
    paged=False,
    typed=False,
)
SUBJECT_LIST = ListKind(
    SUBJECTS, SUBJECT, ("ID", "project", "label", "insert_date", "insert_user"), typed=False
)
ALL_EXPERIMENTS = ListKind(EXPERIMENTS, EXPERIMENT, _EXPERIMENT_COLUMNS)
PROJECT_EXPERIMENTS = ListKind(EXPERIMENTS, SUBJECT_ASSESSOR, _EXPERIMENT_COLUMNS)
SCAN_LIST = ListKind(
    SCANS,
    IMAGE_SCAN,
    ("xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description"),
    primary="xnat_imagescandata_id",
    filters=False,
    paged=False,
)
ASSESSOR_LIST = ListKind(
    EXPERIMENTS,
    IMAGE_ASSESSOR,
    ("ID", "project", "label", "date", "xsiType", "insert_date", "session_ID", "session_label"),
    paged=False,
)
RECONSTRUCTION_LIST = ListKind(
    RECONSTRUCTIONS,
    RECONSTRUCTION,
    ("ID", "type", "baseScanType"),
    primary="xnat_reconstructedimagedata_id",
    filters=False,
    paged=False,
    typed=False,
)
_SCAN_TABLES = {"xnat_mrscandata": "xnat:mrscandata", "xnat_petscandata": "xnat:petscandata"}
PROJECT_SWITCHES = [
    "accessible",
    "owner",
    "member",
    "collaborator",
    "users",
    "recent",
    "favorite",
    "admin",
    "data",
    "prearc_code",
    "activeSince",
]


def projects(call: Call) -> Response:
    """All that are visible; ``accessible=true`` and its like answer other, lower-case columns."""
    if any(name in call.params for name in PROJECT_SWITCHES):
        return call.table(filtered_projects(call))
    visible = [one for one in call.site.projects.values() if sees_project(call.user, one)]
    restriction = call.params.get("restrict", "")
    if restriction == "edit":
        visible = [one for one in visible if can_edit(call.site, call.user, one)]
    elif restriction == "delete":
        visible = [one for one in visible if owns_project(call.user, one)]
    return _reply(call, PROJECT_LIST, visible, lambda item: f"/data/projects/{item.id}")


def all_subjects(call: Call) -> Response:
    readable = [one for one in call.site.subjects.values() if can_read(call.site, call.user, one)]
    return _reply(call, SUBJECT_LIST, readable, _subject_uri)


def project_subjects(call: Call) -> Response:
    """Owned and shared subjects; shared ones show the label here and the owner's project."""
    project = project_of(call, data=True)
    items = [*project.subjects.values(), *call.site.shared_subjects(project.id)]
    return _reply(call, SUBJECT_LIST, items, _subject_uri, project, ("label",))


def all_experiments(call: Call) -> Response:
    """Every readable experiment of the site, assessors included, with its owner's project."""
    stores: tuple[dict[str, Experiment], dict[str, Assessor]]
    stores = (call.site.experiments, call.site.assessors)
    readable = [one for store in stores for one in store.values() if can_read(call.site, call.user, one)]
    return _reply(call, ALL_EXPERIMENTS, readable, _experiment_uri)


def project_experiments(call: Call) -> Response:
    """Owned and shared experiments; by default no image assessors."""
    project = project_of(call, data=True)
    owned: list[Item] = [one for one in call.site.experiments.values() if one.project == project.id]
    owned += [one for one in call.site.assessors.values() if one.project == project.id]
    shared = [
        one
        for one in call.site.shared_experiments(project.id)
        for _ in range(len(one.shares) if call.site.settings.shared_rows_repeat else 1)
    ]
    return _experiments(call, project, [*owned, *shared])


def subject_experiments(call: Call) -> Response:
    project, subject = project_of(call, data=True), subject_of(call)
    here: list[Item] = [one for one in subject.experiments.values() if call.site.in_project(one, project.id)]
    return _experiments(call, project, here)


def scans(call: Call) -> Response:
    session = session_of(call)
    return _reply(
        call,
        SCAN_LIST,
        list(session.scans.values()),
        lambda item: f"/data/experiments/{session.id}/scans/{item.id}",
    )


def assessors(call: Call) -> Response:
    session = session_of(call)
    readable = [one for one in session.assessors.values() if can_read(call.site, call.user, one)]
    project = call.site.project(call.path.get("project", ""))
    return _reply(call, ASSESSOR_LIST, readable, _experiment_uri, project, ("label",))


def reconstructions(call: Call) -> Response:
    session = session_of(call)
    return _reply(
        call,
        RECONSTRUCTION_LIST,
        list(session.reconstructions.values()),
        lambda item: f"/data/experiments/{session.id}/reconstructions/{item.id}",
    )


def scan_types(call: Call) -> Response:
    """Types of MR scans, or of PET ones with ``table=xnat_petScanData``, with their series descriptions."""
    table = call.params.get("table", "xnat_mrScanData").lower()
    if table not in _SCAN_TABLES:
        raise Refusal(403)
    project = project_of(call) if "project" in call.path else None
    seen: dict[str, list[str]] = {}
    for session in call.site.experiments.values():
        for scan in session.scans.values() if project is None or session.project == project.id else ():
            if scan.xsi_type.lower() == _SCAN_TABLES[table]:
                seen.setdefault(scan.fields.get("type", ""), []).append(
                    scan.fields.get("series_description", "")
                )
    rows = [["".join(f"{one}," for one in names if one), kind] for kind, names in sorted(seen.items())]
    return call.table(Table(["series_descriptions", "type"], rows, title="Scan Types"))


def investigators(call: Call) -> Response:
    """Everybody who is named as an investigator, with the login of the account of that name."""
    people: dict[tuple[str, str], list[str]] = {}
    accounts = {(one.firstname.lower(), one.lastname.lower()): one.login for one in call.site.users.values()}
    for item in (*call.site.projects.values(), *call.site.subjects.values(), *call.site.experiments.values()):
        first, last = (item.fields.get(f"pi_{part}", "") for part in ("firstname", "lastname"))
        if last:
            login = accounts.get((first.lower(), last.lower()), "")
            people.setdefault((last, first), [first, last, "", "", "", str(len(people) + 1), login])
    columns = ["firstname", "lastname", "institution", "department", "email"]
    columns += ["xnat_investigatordata_id", "login"]
    rows = [people[name] for name in sorted(people)]
    return call.table(Table(columns, rows, title="Investigators"))


def scanners(call: Call) -> Response:
    readable = (one for one in call.site.experiments.values() if can_read(call.site, call.user, one))
    found = {one.fields.get("scanner", "") for one in readable} - {""}
    return call.table(Table(["scanner"], [[name] for name in sorted(found)]))


def routes() -> list[Route]:
    below = [
        "/data/experiments/{experiment}",
        "/data/projects/{project}/subjects/{subject}/experiments/{experiment}",
    ]
    found = [
        route("/data/projects", GET=projects, POST=post_project),
        route("/data/subjects", GET=all_subjects),
        route("/data/experiments", GET=all_experiments),
        route("/data/projects/{project}/subjects", GET=project_subjects, POST=post_subject),
        route("/data/projects/{project}/experiments", GET=project_experiments, POST=post_experiment),
        route(
            "/data/projects/{project}/subjects/{subject}/experiments",
            GET=subject_experiments,
            POST=post_experiment,
        ),
        route("/data/projects/{project}/scan_types", GET=scan_types),
        route("/data/archive/scan_types", GET=scan_types),
        route("/data/archive/scanners", GET=scanners),
        route("/data/investigators", GET=investigators),
    ]
    for owner in below:
        found += [
            route(f"{owner}/scans", GET=scans, POST=post_item),
            route(f"{owner}/assessors", GET=assessors, POST=post_item),
            route(f"{owner}/reconstructions", GET=reconstructions, POST=post_item),
        ]
    return found


def _experiments(call: Call, project: Project, items: list[Item]) -> Response:
    replaced = ("label", "subject_label", "project")
    return _reply(call, PROJECT_EXPERIMENTS, items, _experiment_uri, project, replaced)


def _reply(
    call: Call,
    kind: ListKind,
    items: Iterable[Item],
    uri: Callable[[Item], str],
    project: Project | None = None,
    replaced: tuple[str, ...] = (),
) -> Response:
    """The rows of a list; shared items show what the project calls them in ``replaced`` columns."""
    if "fields" in call.params and call.flag("fields"):
        return call.table(Table(["key", "xpath"], [list(pair) for pair in kind.shortcuts.items()]))
    try:
        query = Query(call, kind)
    except UnknownColumn:
        return Response("", 200, media_type="application/json")
    types = call.site.types
    chosen = [
        one
        for one in items
        if (not kind.typed or types.is_a(one.xsi_type, query.root)) and can_read(call.site, call.user, one)
    ]
    page = False
    rows: list[list[str]] = []
    places = {name: query.keys.index(name) for name in replaced if name in query.keys}
    fixed = project is not None and "label" in places and query.root != IMAGE_SESSION
    for item, row in query.rows(chosen):
        if fixed and project is not None and project.id in item.shares:
            for name, place in places.items():
                row[place] = _shown(call, item, project, name)
        rows.append([*row, uri(item)])
    if kind.paged:
        rows, page = paged(call, rows)
    return call.table(as_table(query, rows, page))


def _shown(call: Call, item: Item, project: Project, name: str) -> str:
    if name == "project":
        return project.id
    if name == "subject_label" and isinstance(item, Experiment | Assessor):
        session = item.session if isinstance(item, Assessor) else item
        return call.site.label_in(session.subject, project.id)
    return call.site.label_in(item, project.id)


def _subject_uri(item: Item) -> str:
    return f"/data/subjects/{item.id}"


def _experiment_uri(item: Item) -> str:
    return f"/data/experiments/{item.id}"
