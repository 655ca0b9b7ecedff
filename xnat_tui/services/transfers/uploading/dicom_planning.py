"""Planning an upload of DICOM: one step for each study, whether its files stand alone or in archives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.display import listed
from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.filters import Tally
from xnat_tui.model.location import Location
from xnat_tui.model.options import OnExisting
from xnat_tui.model.plan import Action, End, Finding, LeftOut, Lineage, Step
from xnat_tui.model.prearchive import cleaned, illegal_characters
from xnat_tui.model.work import DicomUpload
from xnat_tui.services.administration.prearchive.labels import ArchivedLabels
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.matching import nothing_matches
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.importing import local_files, studies
from xnat_tui.services.transfers.importing.local_files import Found
from xnat_tui.services.transfers.importing.studies import Instance, Study
from xnat_tui.services.transfers.uploading.deidentified import plan_deidentified_studies
from xnat_tui.services.transfers.uploading.draft import OVERWRITE, Context, Draft
from xnat_tui.xnat.actions import viewer


def plan_dicom(context: Context, draft: Draft, found: Found) -> None:
    """A step per study, whether its files stand by themselves or in archives."""
    _DicomPlanner(context, draft).plan(found)


class _DicomPlanner:
    """The DICOM of one upload on its way to steps."""

    def __init__(self, context: Context, draft: Draft) -> None:
        self._context = context
        self._draft = draft
        self._tally = Tally(context.filters)
        self._patients: set[str] = set()

    def plan(self, found: Found) -> None:
        self._context.refuse_filters("DICOM", ("resource",))
        subject, session = self._labels()
        project = self._context.where.name_of(Kind.PROJECT)
        exists = bool(session) and self._context.to == "archive" and self._archived(project, session)
        if subject and self._context.to == "archive":
            self._note_labels(
                ArchivedLabels(self._context.reader.connection, project), subject, session, exists=exists
            )
        sorted_out = self._studies(found, subject, session)
        if not sorted_out:
            if unmatched := self._tally.unmatched(()):
                raise nothing_matches(unmatched, *self._context.sources)
            self._draft.findings.append(
                Finding("error", "There is no DICOM to send.", "Check paths and filters.")
            )
        self._check_viewer()
        self._note_side_effects(project)
        if self._context.options.deidentify:
            plan_deidentified_studies(self._context, self._draft, sorted_out.values())
            return
        for number, (uid, study) in enumerate(sorted_out.items(), 1):
            first = study.first
            name = "_".join(part for part in (first.date, first.modality, str(number)) if part)
            step = self._dicom_step(name, study, uid)
            self._draft.steps.append(self._judged(step, study, several=len(sorted_out) > 1, exists=exists))
        patients = {patient for study in sorted_out.values() for patient in study.patients}
        if subject and not session and len(patients) > 1:
            message = f"Files with {len(patients)} different Patient IDs all go to subject {subject}."
            self._draft.findings.append(Finding("warning", message, "Is each of them the same person?"))

    def _studies(self, found: Found, subject: str, session: str) -> Mapping[str, Study]:
        """By Study Instance UID, what the filters keep of each."""
        read: dict[str, Study] = defaultdict(Study)
        for file in found.files:
            for one in studies.look(file):
                if isinstance(one, LeftOut):
                    self._draft.left_out.append(one)
                else:
                    read[one.study].instances.append(one)
        kept: dict[str, Study] = {}
        for uid, study in read.items():
            modalities = study.modalities
            wanted = [one for one in study.instances if self._keeps(one, modalities, subject, session)]
            if wanted:
                kept[uid] = Study(wanted)
        return kept

    def _labels(self) -> tuple[str, str]:
        beyond = self._context.where.steps[3:]
        kinds = [step.kind for step in self._context.where.steps]
        if beyond or kinds != [Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT][: len(kinds)]:
            raise UsageError(
                f"DICOM cannot be sent to {self._context.where}.",
                "Name a server, project, subject or session; or a resource for any files.",
            )
        if kinds:
            find_one(
                self._context.reader, Location(self._context.where.server, self._context.where.steps[:1])
            )
        labels = self._context.where.name_of(Kind.SUBJECT), self._context.where.name_of(Kind.EXPERIMENT)
        for label in labels:
            if wrong := illegal_characters(label):
                raise UsageError(
                    f"{label!r} holds {wrong!r}, which XNAT would replace.", "Use letters, digits, _ and -."
                )
        return labels

    def _check_viewer(self) -> None:
        if not self._context.options.ohif:
            return
        if self._context.to == "prearchive":
            self._draft.findings.append(
                Finding("info", "--ohif does nothing for what stays in the prearchive.")
            )
        elif viewer.installed(self._context.reader.connection) is False:
            message = f"{self._context.where.server} has no OHIF viewer plugin."
            self._draft.findings.append(Finding("error", message, "Leave out --ohif."))

    def _note_side_effects(self, project: str) -> None:
        """What the server does to DICOM, and with it, by itself."""
        connection = self._context.reader.connection
        message = "The destination's anonymisation may rewrite the DICOM files that it receives."
        self._draft.findings.append(Finding("info", message))
        if self._context.to == "archive" and project:
            wanted = self._context.options.autorun
            self._draft.findings += preflight.autorun(connection, project, archives=True, wanted=wanted)

    def _note_labels(self, held: ArchivedLabels, subject: str, session: str, *, exists: bool) -> None:
        """Where the archive will not take the labels as they are given."""
        taken, refusal = held.subject(subject)
        if taken != subject and not refusal:
            message = f"XNAT ignores the case of subjects: it puts this into the existing {taken}."
            self._draft.findings.append(Finding("info", message, "Name it so."))
        if exists and not refusal and self._context.options.on_existing is not OnExisting.SKIP:
            refusal, _ = held.judge(taken, session, "append")
        if refusal:
            self._draft.findings.append(Finding("error", refusal, "Name another label."))

    def _archived(self, project: str, session: str) -> bool:
        place = Location(self._context.where.server, self._context.where.steps[:1]).child(
            Kind.EXPERIMENT, session
        )
        try:
            find_one(self._context.reader, place)
        except NotFound:
            return False
        return bool(project)

    def _keeps(self, instance: Instance, modalities: str, subject: str, session: str) -> bool:
        """Filters go by what the headers say where the destination does not name it."""
        study = Fields.of({"date": instance.date, "modality": modalities})
        series = Fields.of({"type": instance.description})
        name, limit = subject or instance.patient, self._context.filters.limit_subjects
        kept = all(
            self._tally.keeps(item)
            for item in (
                Item(Kind.SUBJECT, name),
                Item(Kind.EXPERIMENT, session, fields=study),
                Item(Kind.SCAN, instance.series, fields=series),
            )
        )
        if not kept or (limit is not None and name not in self._patients and len(self._patients) >= limit):
            return False
        self._patients.add(name)
        return True

    def _dicom_step(self, name: str, study: Study, uid: str) -> Step:
        """A study is a session once the server has given it a label: before that it is called a study."""
        files = [one.file for one in study.instances]
        subject, session = (
            self._context.where.name_of(Kind.SUBJECT),
            self._context.where.name_of(Kind.EXPERIMENT),
        )
        project = self._context.where.name_of(Kind.PROJECT)
        uri = f"/data/{self._context.to}" + (f"/projects/{project}" if project else "")
        return Step(
            number=len(self._draft.steps) + 1,
            action=Action.UPLOAD,
            work=DicomUpload(
                local_files.packed(files),
                to=self._context.to,
                overwrite=OVERWRITE[self._context.options.on_existing],
            ),
            path=f"experiments/{session}" if session else f"studies/{name}",
            kind=Kind.EXPERIMENT,
            source=End("", str(files[0].path.parent)),
            target=End(self._context.where.server, uri),
            files=len(files),
            bytes=sum(file.size for file in files),
            reason=_becomes(study, subject, session),
            session=f"{uri}/{session or uid or name}",
            lineage=Lineage(project, subject, session),
        )

    def _judged(self, step: Step, study: Study, *, several: bool, exists: bool) -> Step:
        label = step.lineage.experiment
        patients = study.patients
        if len(patients) > 1:
            who = "; ".join(listed([one.file.name for one in files]) for files in patients.values())
            self._draft.findings.append(
                Finding(
                    "warning",
                    f"{step.path}: one study with {len(patients)} different Patient IDs: {who}.",
                    "Send each patient's files by themselves; --subject chooses by Patient ID.",
                )
            )
            reason = f"{len(patients)} different Patient IDs in one study, which would become one session"
            return replace(step, action=Action.CONFLICT, reason=reason)
        if repeated := [one.file.name for one in study.repeated]:
            message = f"{step.path}: {listed(repeated)} repeat the SOP Instance UID of another file."
            self._draft.findings.append(Finding("warning", message, "XNAT keeps one file of each."))
        if several and label:
            reason = f"several studies cannot all become {label}"
            return replace(step, action=Action.CONFLICT, reason=reason)
        if not exists:
            return step
        if self._context.options.skip_existing_sessions:
            return replace(step, action=Action.SKIP, reason="the session exists")
        if self._context.options.on_existing is OnExisting.SKIP:
            reason = "the session exists; --on-existing update merges into it"
            return replace(step, action=Action.CONFLICT, reason=reason)
        if self._context.options.on_existing is OnExisting.OVERWRITE:
            return replace(
                step,
                action=Action.UPDATE,
                reason=f"{step.reason}; replaces the archived session",
                replaces=True,
            )
        return replace(step, action=Action.UPDATE, reason=f"{step.reason}; merges into the archived session")


def _becomes(study: Study, subject: str, session: str) -> str:
    """Whose study it is by its headers, and what the server makes of it as far as that can be told."""
    patient = "/".join(study.patients)
    told = f"Patient ID {patient}" if patient else "no Patient ID"
    if subject:
        told += f" → subject {subject}"
    if session:
        return told
    told += f"; {'session label' if subject else 'labels'} from the headers, by the server's rules"
    label = cleaned(patient)
    return told if label in ("", patient) else f"{told}: {patient} would become {label}"
