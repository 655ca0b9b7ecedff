"""From the variables of a path to the stored items that the caller may read."""

from __future__ import annotations

import re
from typing import TypeVar

from xnat_tui.demo.archive import Assessor, Experiment, Item, Project, Reconstruction, Scan, Subject
from xnat_tui.demo.calls import Call, decoded
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.rights import can_read, reads_project, sees_project

AnyDerived = TypeVar("AnyDerived", Assessor, Reconstruction)


def project_of(call: Call, *, data: bool = False) -> Project:
    """The project of a path; ``data`` asks for read access to what it holds (403 without)."""
    project = call.site.project(call.path["project"])
    if project is None or not sees_project(call.user, project):
        raise Refusal(404, f"Unable to find project '{call.path['project']}'")
    if data and not reads_project(call.user, project):
        raise Refusal(403, "Unable to read project data")
    return project


def subject_of(call: Call) -> Subject:
    """The subject of a path, by label or ID within a project, by ID alone without one."""
    key = call.path["subject"]
    if "project" in call.path:
        found = call.site.subject(key, project_of(call).id)
    else:
        found = call.site.subjects.get(key)
    if found is None or not can_read(call.site, call.user, found):
        raise Refusal(404, f"Unable to find subject '{key}'")
    return found


def experiments_of(call: Call) -> list[Experiment | Assessor]:
    """The experiments of a path: one, or several of a comma list of IDs."""
    keys = call.path["experiment"]
    if "project" in call.path:
        project = project_of(call)
        if "subject" in call.path:
            subject_of(call)
        found = [call.site.experiment(key, project.id) for key in keys.split(",")]
    else:
        stores = (call.site.experiments, call.site.assessors)
        found = [next((store[key] for store in stores if key in store), None) for key in keys.split(",")]
    readable = [one for one in found if one is not None and can_read(call.site, call.user, one)]
    if len(readable) != len(found):
        raise Refusal(404, f"Unable to find experiment '{keys}'")
    return readable


def experiment_of(call: Call) -> Experiment | Assessor:
    found = experiments_of(call)
    if len(found) != 1:
        raise Refusal(400, "This operation takes one experiment")
    return found[0]


def sessions_of(call: Call) -> list[Experiment]:
    return [one for one in experiments_of(call) if isinstance(one, Experiment)]


def session_of(call: Call) -> Experiment:
    found = experiment_of(call)
    if not isinstance(found, Experiment):
        raise Refusal(404, f"Unable to find session '{call.path['experiment']}'")
    return found


def scans_of(call: Call) -> list[Scan]:
    """The scans that a selector names: ``ALL``, ``*``, IDs, or types; an ID wins over a type."""
    selector = decoded(call.path["scan"])
    chosen = [scan for one in sessions_of(call) for scan in _select_scans(one, selector)]
    if call.method not in ("GET", "HEAD") and len(chosen) != 1:
        raise Refusal(404, f"Scan selector '{selector}' names {len(chosen)} scans")
    if not chosen and selector not in ("ALL", "*"):
        raise Refusal(404, f"Unable to find scan '{selector}'")
    return chosen


def _select_scans(session: Experiment, selector: str) -> list[Scan]:
    scans = list(session.scans.values())
    if selector in ("ALL", "*"):
        return scans
    if selector in session.scans:
        return [session.scans[selector]]
    found: list[Scan] = []
    for part in selector.split(","):
        wanted = part.replace("[SLASH]", "/").replace("[COMMA]", ",")
        if wanted in session.scans:
            found.append(session.scans[wanted])
        elif wanted == "NULL":
            found += [scan for scan in scans if not scan.fields.get("type")]
        else:
            found += [scan for scan in scans if scan.fields.get("type") == wanted]
    return found


def assessors_of(call: Call) -> list[Assessor]:
    """Readable assessors by ID, label, type, comma list or ``ALL``."""
    selector = call.path["assessor"]
    found: list[Assessor] = []
    for session in sessions_of(call):
        for part in selector.split(","):
            if part in ("ALL", "*"):
                found += session.assessors.values()
                continue
            one = session.assessor(part) or shared_assessor(call, session, part)
            same_type = [x for x in session.assessors.values() if x.xsi_type == part]
            found += [one] if one is not None else same_type
    return _chosen(call, found, selector)


def shared_assessor(call: Call, session: Experiment, label: str) -> Assessor | None:
    """An assessor by the label it has in the project of the path."""
    if "project" not in call.path:
        return None
    found = call.site.experiment(label, call.path["project"])
    return found if isinstance(found, Assessor) and found.session is session else None


def reconstructions_of(call: Call) -> list[Reconstruction]:
    selector = decoded(call.path["reconstruction"])
    found: list[Reconstruction] = []
    for session in sessions_of(call):
        for part in selector.split(","):
            if part in ("ALL", "*"):
                found += session.reconstructions.values()
            elif part in session.reconstructions:
                found.append(session.reconstructions[part])
    return _chosen(call, found, selector)


def _chosen(call: Call, found: list[AnyDerived], selector: str) -> list[AnyDerived]:
    readable = [one for one in found if can_read(call.site, call.user, one)]
    if not readable and selector not in ("ALL", "*"):
        raise Refusal(404, f"Unable to find '{selector}'")
    if call.method not in ("GET", "HEAD") and len(readable) != 1:
        raise Refusal(404, f"'{selector}' names {len(readable)} items")
    return readable


def holders_of(call: Call) -> list[Item]:
    """The items whose resources or fields a path addresses, most specific variable first."""
    if "scan" in call.path:
        return list(scans_of(call))
    if "assessor" in call.path:
        return list(assessors_of(call))
    if "reconstruction" in call.path:
        return list(reconstructions_of(call))
    if "experiment" in call.path:
        return list(experiments_of(call))
    if "subject" in call.path:
        return [subject_of(call)]
    return [project_of(call, data=True)]


def valid_label(label: str) -> bool:
    """What XNAT accepts for new labels and IDs: letters, digits, ``_`` and ``-``."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", label) is not None
