"""Creating and updating items: PUT and POST with parameters or XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.responses import Response

from xnat_tui.demo.archive import Assessor, Experiment, Item, Project, Subject
from xnat_tui.demo.calls import Call, decoded
from xnat_tui.demo.datatypes import IMAGE_ASSESSOR, IMAGE_SCAN, IMAGE_SESSION, SUBJECT
from xnat_tui.demo.document import Document, read_document
from xnat_tui.demo.editing import apply_document, apply_parameters
from xnat_tui.demo.maintenance import run_flags
from xnat_tui.demo.renaming import rename
from xnat_tui.demo.replies import Refusal, text
from xnat_tui.demo.rights import can_edit, can_read, edits_project, owns_project
from xnat_tui.demo.shortcuts import EXPERIMENTS, PROJECTS, RECONSTRUCTIONS, SCANS, SUBJECTS
from xnat_tui.demo.targets import project_of, session_of, shared_assessor, valid_label
from xnat_tui.demo.traces import record, require_reason

FLAGS = frozenset(
    (
        "pullDataFromHeaders",
        "fixScanTypes",
        "triggerPipelines",
        "supressEmail",
        "activate",
        "quarantine",
        "_lock",
        "_unlock",
        "_obsolete",
    )
)
_STATES = {
    "activate": "active",
    "quarantine": "quarantine",
    "_lock": "locked",
    "_unlock": "active",
    "_obsolete": "obsolete",
}
_XML = ("text/xml", "application/xml")
_ID_PATH = re.compile(r"\w+:\w+/ID", re.IGNORECASE)
_UNIQUE = ("secondary_ID", "name", "alias")


def put_project(call: Call) -> Response:
    """200 with an empty body for new and existing projects."""
    project_id = call.path["project"]
    document = document_of(call)
    project = call.site.projects.get(project_id)
    if project is not None and not owns_project(call.user, project):
        raise Refusal(403, "Unable to modify project")
    return _store_project(call, project_id, document)


def post_project(call: Call) -> Response:
    document = document_of(call)
    project_id = document.identity.get("ID", "") if document else call.params.get("ID", "")
    if not project_id:
        raise Refusal(417, "Need POST Contents")
    if project_id in call.site.projects:
        raise Refusal(409, "Project already exists")
    _store_project(call, project_id, document)
    return text(f"{call.base_url}/data/projects/{project_id}")


def put_subject(call: Call) -> Response:
    """201 for a new subject, 200 for an existing one; the body is the subject's ID."""
    project, key = project_of(call), call.path["subject"]
    found = call.site.subject(key, project.id)
    if found is not None and not can_read(call.site, call.user, found):
        raise Refusal(404, f"Unable to find subject '{key}'")
    document = document_of(call, "subject")
    if found is not None and "label" in call.params:
        return rename(call, found, project)
    require_reason(call)
    created = found is None
    if found is None:
        found = _new_subject(call, project, call.params.get("label") or key)
    elif not can_edit(call.site, call.user, found):
        raise Refusal(403, "Specified user account has insufficient privileges for this subject")
    with _undone_on_refusal(call, found, created):
        _check_identity(document, found, created)
        _update(call, found, document, SUBJECTS)
    _flags(call, found)
    record(call, found, "Added Subject" if created else "Modified Subject")
    return text(found.id, 201 if created else 200)


def post_subject(call: Call) -> Response:
    project, document = project_of(call), document_of(call, "subject")
    label = call.params.get("label", "") or (document.identity.get("label", "") if document else "")
    if not label:
        raise Refusal(417, "Need POST Contents")
    if call.site.label_taken("subject", project.id, label):
        raise Refusal(409, "Subject already exists.")
    require_reason(call)
    subject = _new_subject(call, project, label)
    _update(call, subject, document, SUBJECTS)
    record(call, subject, "Added Subject")
    return _posted(call, f"/data/subjects/{subject.id}")


def put_experiment(call: Call) -> Response:
    """201 or 200 with the ID; shortcuts only below a subject, full paths everywhere."""
    key = call.path["experiment"]
    if "project" in call.path:
        project: Project | None = project_of(call)
        found = call.site.experiment(key, project.id) if project else None
    else:
        project = None
        found = call.site.experiments.get(key) or call.site.assessors.get(key)
    if found is None and project is None:
        raise Refusal(404, f"Unable to find experiment '{key}'")
    if found is not None and not can_read(call.site, call.user, found):
        raise Refusal(404, f"Unable to find experiment '{key}'")
    document = document_of(call)
    if found is not None and "label" in call.params:
        return rename(call, found, project)
    require_reason(call)
    created = found is None
    if found is None:
        assert project is not None
        found = _new_experiment(call, project, call.params.get("label") or key, document)
    elif not can_edit(call.site, call.user, found):
        raise Refusal(403, "Specified user account has insufficient privileges for this project.")
    with _undone_on_refusal(call, found, created):
        _check_identity(document, found, created)
        _check_type(call, found, document)
        _update(call, found, document, EXPERIMENTS if "subject" in call.path else {})
    _flags(call, found)
    record(call, found, "Created" if created else "Modified")
    return text(found.id, 201 if created else 200)


def post_experiment(call: Call) -> Response:
    project, document = project_of(call), document_of(call)
    label = call.params.get("label", "") or (document.identity.get("label", "") if document else "")
    if not label:
        raise Refusal(417, "Need POST Contents")
    if call.site.label_taken("experiment", project.id, label):
        raise Refusal(409, "Experiment already exists.")
    require_reason(call)
    one = _new_experiment(call, project, label, document)
    _update(call, one, document, EXPERIMENTS if "subject" in call.path else {})
    record(call, one, "Created")
    return _posted(call, f"/data/experiments/{one.id}")


def put_item(call: Call) -> Response:
    """PUT of a scan, assessor or reconstruction below a session."""
    session, kind, key = session_of(call), *_member(call)
    if kind == "assessor":
        return _put_assessor(call, session, key)
    if not can_edit(call.site, call.user, session):
        raise Refusal(403, "Specified user account has insufficient privileges for this session.")
    require_reason(call)
    document = document_of(call)
    key = _own_id(call, document) or key  # only a missing ID is taken from the address
    store: dict[str, Item] = dict(session.scans if kind == "scan" else session.reconstructions)
    found = store.get(key)
    if found is None:
        found = _new_member(call, session, kind, key, document)
    else:
        _check_type(call, found, document)
    _update(call, found, document, SCANS if kind == "scan" else RECONSTRUCTIONS)
    run_flags(call, found)
    record(call, session, f"Modified {kind.title()}")
    return text("")


def post_item(call: Call) -> Response:
    session, kind = session_of(call), call.url_path.rsplit("/", 1)[-1].removesuffix("s")
    if not can_edit(call.site, call.user, session):
        raise Refusal(403, "Specified user account has insufficient privileges for this session.")
    document = document_of(call)
    name = "label" if kind == "assessor" else "ID"
    key = call.params.get(name, "") or (document.identity.get(name, "") if document else "")
    if not key:
        raise Refusal(417, "Need POST Contents")
    taken = key in (session.scans if kind == "scan" else session.reconstructions)
    if session.assessor(key) is not None if kind == "assessor" else taken:
        raise Refusal(409, "Specified item already exists")
    call.path[kind] = key
    put_item(call)
    if kind == "assessor":
        created = session.assessor(key)
        key = created.id if created else key
    return _posted(call, f"/data/experiments/{session.id}/{kind}s/{key}")


def document_of(call: Call, word: str = "") -> Document | None:
    """The XML document in the body, if there is one."""
    if not call.uploads:
        return None
    upload = call.uploads[0]
    announced = call.flag("inbody") or call.params.get("req_format") == "xml"
    if upload.content_type not in _XML and not announced and not upload.multipart:
        return None
    body = call.body()
    if not body.strip():
        return None
    document = read_document(call.site, body)
    if word and document.xsi_type != SUBJECT:
        raise Refusal(422, f"Unexpected document: {document.xsi_type}")
    return document


def _store_project(call: Call, project_id: str, document: Document | None) -> Response:
    site = call.site
    project = site.projects.get(project_id)
    if project is None:
        allowed = call.user.admin or site.settings.allow_non_admin_project_creation
        if not allowed or call.user.login == "guest" or project_id.lower() in site.burned_projects:
            raise Refusal(403, "Unable to create this project")
        if not valid_label(project_id):
            raise Refusal(417, "Invalid character in project ID.")
        _check_unique(call, project_id, document)
        project = site.add_project(project_id, insert_user=call.user.login)
        project.users[call.user.login] = "owner"
    else:
        _check_unique(call, project_id, document)
    if document is not None:
        apply_document(site, project, document, replace=call.params.get("allowDataDeletion") == "true")
    apply_parameters(call, project, PROJECTS)
    access = call.params.get("accessibility", "")
    if access in ("public", "protected", "private"):
        project.accessibility = access
    record(call, project, "Modified Project")
    return text("")


def _check_unique(call: Call, project_id: str, document: Document | None) -> None:
    given = dict(document.fields) if document else {}
    wanted = {(call.params.get(name) or given.get(name, "")).lower() for name in _UNIQUE}
    wanted = (wanted | {project_id.lower()}) - {""}
    for other in call.site.projects.values():
        if other.id == project_id:
            continue
        taken = {other.id.lower()} | {other.fields.get(name, "").lower() for name in _UNIQUE}
        if wanted & taken:
            raise Refusal(409, "Project ID, name, secondary ID or alias is already in use")


def _new_subject(call: Call, project: Project, label: str) -> Subject:
    if not edits_project(call.user, project):
        raise Refusal(403, "Specified user account has insufficient create privileges.")
    if not valid_label(label):
        raise Refusal(call.site.settings.bad_label_status, f"Invalid character in label: {label}")
    return call.site.add_subject(project, label, insert_user=call.user.login)


def _new_experiment(call: Call, project: Project, label: str, document: Document | None) -> Experiment:
    if not edits_project(call.user, project):
        raise Refusal(403, "Specified user account has insufficient create privileges.")
    xsi_type = new_type(call, document, IMAGE_SESSION)
    if not valid_label(label):
        raise Refusal(417, "Invalid character in experiment ID.")
    subject = _experiment_subject(call, project, document)
    return call.site.add_experiment(subject, label, xsi_type, project=project.id, insert_user=call.user.login)


def _experiment_subject(call: Call, project: Project, document: Document | None) -> Subject:
    key = call.path.get("subject", "")
    named = call.params.get("subject_ID", "")
    for name, value in call.params.items():
        if name.endswith("/subject_ID"):
            named = value
    key = key or named or (document.identity.get("subject_ID", "") if document else "")
    if not key:
        raise Refusal(400, "Unable to identify subject")
    found = call.site.subject(key, project.id)
    return found if found is not None else _new_subject(call, project, key)


def new_type(call: Call, document: Document | None, abstract: str) -> str:
    """The concrete type of a new item: 417 when none is named, 400 for abstract or unknown ones."""
    named = call.params.get("xsiType", "") or (document.xsi_type if document else "")
    if not named:
        paths = (name.split("/", 1)[0] for name in call.params if "/" in name and ":" in name)
        named = next(paths, "")
    if not named:
        raise Refusal(417, "Need PUT Contents")
    known = call.site.types.get(named)
    if known is None:
        raise Refusal(call.site.settings.unknown_type_status, f"Element not found: {named}")
    if known.name in call.site.settings.types_not_set_up and not call.user.admin:
        raise Refusal(500, f"{known.name} is not set up")
    if known.name == abstract or call.site.types.abstract(known.name):
        raise Refusal(400, f"{known.name} is abstract")
    return known.name


def _member(call: Call) -> tuple[str, str]:
    for kind in ("scan", "reconstruction", "assessor"):
        if kind in call.path:
            key = call.path[kind]
            return kind, key if kind == "assessor" else decoded(key)
    raise Refusal(400)


def _own_id(call: Call, document: Document | None) -> str:
    """The ID that a document, or a parameter such as ``xnat:mrScanData/ID``, gives to a scan, if any."""
    given = document.identity.get("ID", "") if document is not None else ""
    paths = (value for name, value in call.params.items() if _ID_PATH.fullmatch(name))
    return given or next(paths, "")


def _new_member(call: Call, session: Experiment, kind: str, key: str, document: Document | None) -> Item:
    if kind == "reconstruction":
        return call.site.add_reconstruction(session, key)
    xsi_type = new_type(call, document, IMAGE_SCAN)
    if not call.site.types.is_a(xsi_type, IMAGE_SCAN):
        raise Refusal(400, f"{xsi_type} is no scan type")
    return call.site.add_scan(session, key, xsi_type=xsi_type)


def _put_assessor(call: Call, session: Experiment, key: str) -> Response:
    """An assessor belongs to the project of the address, which need not be its session's owner."""
    site = call.site
    project = project_of(call) if "project" in call.path else site.projects[session.project]
    found = session.assessors.get(key) or shared_assessor(call, session, key)
    if found is None and project.id == session.project:
        found = session.assessor(key)
    created = found is None
    allowed = edits_project(call.user, project) if found is None else can_edit(site, call.user, found)
    if not allowed:
        raise Refusal(403, "Specified user account has insufficient privileges for this assessor.")
    require_reason(call)
    document = document_of(call)
    if found is None:
        xsi_type = new_type(call, document, IMAGE_ASSESSOR)
        label = call.params.get("label") or key
        if not valid_label(label):
            raise Refusal(417, "Invalid character in experiment ID.")
        if site.label_taken("experiment", project.id, label):
            raise Refusal(409, "Specified label is already in use.")
        found = site.add_assessor(session, label, xsi_type, project=project.id, insert_user=call.user.login)
    elif call.params.get("label", found.label) != found.label:
        raise Refusal(400, "Label must be modified through separate URI.")
    with _undone_on_refusal(call, found, created):
        _check_identity(document, found, created)
        _update(call, found, document, EXPERIMENTS)
    record(call, found, "Created" if created else "Modified")
    return text(found.id, 201 if created else 200)


def _update(call: Call, item: Item, document: Document | None, shortcuts: dict[str, str]) -> None:
    if document is not None:
        replace = call.params.get("allowDataDeletion") == "true"
        apply_document(call.site, item, document, replace=replace)
    apply_parameters(call, item, shortcuts)
    call.site.touch(item)


@contextmanager
def _undone_on_refusal(call: Call, item: Item, created: bool) -> Iterator[None]:
    """A new item whose values are refused does not stay."""
    try:
        yield
    except Refusal:
        if created:
            call.site.remove(item)
        raise


def _check_identity(document: Document | None, item: Subject | Experiment | Assessor, created: bool) -> None:
    given = document.identity if document is not None else {}
    if given.get("project", item.project) != item.project:
        raise Refusal(400, "Project must be modified through separate URI.")
    if created:
        return
    if given.get("ID", item.id) != item.id:
        raise Refusal(400, "ID cannot be modified")
    if given.get("label", item.label) != item.label:
        raise Refusal(400, "Label must be modified through separate URI.")


def _check_type(call: Call, item: Item, document: Document | None) -> None:
    named = call.params.get("xsiType", "") or (document.xsi_type if document else "")
    if named and named.lower() != item.xsi_type.lower():
        raise Refusal(409, "Specified xsiType differs from existing xsiType")
    needed = "scan" in call.path and not call.site.at_least(1, 8, 6)
    if needed and not named and not any("/" in name for name in call.params):
        raise Refusal(417, "Need PUT Contents")


def _flags(call: Call, item: Item) -> None:
    given = {name for name in FLAGS if call.flag(name)}
    given |= set(call.repeated.get("action", [])) & FLAGS
    for name, state in _STATES.items():
        if name in given:
            item.status = state
    run_flags(call, item)


def _posted(call: Call, path: str) -> Response:
    response = text(call.base_url + path)
    response.headers["Location"] = call.base_url + path
    return response
