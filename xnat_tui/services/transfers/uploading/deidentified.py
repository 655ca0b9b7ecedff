"""Planning an upload that is de-identified: new labels by Patient ID, which stands in no step."""

from __future__ import annotations

from collections.abc import Collection

from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import OnExisting
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.plan import Action, End, Finding, Lineage, Step
from xnat_tui.model.work import DicomUpload, Untouched, Work
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.known_keys import check_key
from xnat_tui.services.deidentifying.naming import NewLabels, new_labels
from xnat_tui.services.transfers.deidentified.treatment import open_treatment
from xnat_tui.services.transfers.importing import local_files
from xnat_tui.services.transfers.importing.studies import Study
from xnat_tui.services.transfers.uploading.draft import OVERWRITE, Context, Draft


def plan_deidentified_studies(context: Context, draft: Draft, studies: Collection[Study]) -> None:
    """A step for each study, under the labels of the destination where it names them, else under new ones.

    Raises UsageError for a destination without a project, and what key, profile and table raise.
    """
    treatment = open_treatment(context.options)
    project = context.where.name_of(Kind.PROJECT)
    if not project:
        raise UsageError("What is de-identified goes into a project.", "Name one: qc:PROJECT.")
    check_key(f"{context.where.server}:{project}", treatment.key)
    patients = {_patient(study) for study in studies}
    labels, dealt = new_labels(
        treatment.key, context.options.label_map, context.options.relabel, sorted(patients - {""})
    )
    if dealt:
        draft.findings.append(Finding("info", dealt))
    if context.where.name_of(Kind.SUBJECT) and len(patients) > 1:
        raise UsageError(
            "Files of several Patient IDs cannot all become one subject.", "Send each one's by themselves."
        )
    for study in studies:
        _plan(context, draft, study, labels)


def _plan(context: Context, draft: Draft, study: Study, labels: NewLabels) -> None:
    number = len(draft.steps) + 1
    server, project = context.where.server, context.where.name_of(Kind.PROJECT)
    files = [one.file for one in study.instances]
    uri = f"/data/{context.to}/projects/{project}"
    work: Work = Untouched()
    path, lineage, action = f"studies/{number}", Lineage(project), Action.CONFLICT
    try:
        subject, session = _labels(context, study, labels)
    except Held as held:
        reason = held.message
    else:
        path, lineage = f"experiments/{session}", Lineage(project, subject, session)
        work = DicomUpload(
            local_files.packed(files), to=context.to, overwrite=OVERWRITE[context.options.on_existing]
        )
        action, reason = _judged(context, session)
        reason = reason or f"as subject {subject}"
        uri = f"{uri}/{session}"
        draft.details[number] = (FieldDifference("Patient ID", _patient(study), subject),)
    draft.steps.append(
        Step(
            number=number,
            action=action,
            work=work,
            path=path,
            kind=Kind.EXPERIMENT,
            source=End("", str(files[0].path.parent)),
            target=End(server, f"/data/{context.to}/projects/{project}"),
            files=len(files),
            bytes=sum(file.size for file in files),
            reason=reason,
            session=uri,
            lineage=lineage,
        )
    )


def _labels(context: Context, study: Study, labels: NewLabels) -> tuple[str, str]:
    """Those of the destination, else new ones. Raises Held."""
    patient = _patient(study)
    subject, session = (context.where.name_of(kind) for kind in (Kind.SUBJECT, Kind.EXPERIMENT))
    if len(study.patients) > 1:
        raise Held("different Patient IDs in one study")
    if not subject and not patient:
        raise Held("it has no Patient ID: nobody knows whose it is")
    subject = subject or labels.subject(patient)
    return subject, session or f"{subject}_{labels.key.name(study.first.study)[:8]}"


def _judged(context: Context, session: str) -> tuple[Action, str]:
    """What happens to a session that the archive has already."""
    if context.to != "archive":
        return Action.UPLOAD, ""
    place = Location(context.where.server, context.where.steps[:1]).child(Kind.EXPERIMENT, session)
    try:
        find_one(context.reader, place)
    except NotFound:
        return Action.UPLOAD, ""
    if context.options.on_existing is OnExisting.UPDATE:
        return Action.UPDATE, "merges into the archived session"
    if context.options.on_existing is OnExisting.OVERWRITE:
        return Action.CONFLICT, "the session exists; replacing it de-identified is not offered"
    return Action.CONFLICT, "the session exists; --on-existing update merges into it"


def _patient(study: Study) -> str:
    return next(iter(study.patients), "")
