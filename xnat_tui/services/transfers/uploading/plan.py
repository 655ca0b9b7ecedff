"""Planning an upload, and running its steps: DICOM for the import service, any files for a resource."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_tui.errors import Interrupted, NotFound, UsageError, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters, Tally
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, End, Finding, LeftOut, OnExisting, Plan, Policy, Step
from xnat_tui.model.prearchive import cleaned, illegal_characters
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.services.administration.prearchive.labels import ArchivedLabels
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.matching import nothing_matches
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.copying.planning.plan import command
from xnat_tui.services.transfers.file_decisions import Decision, decide
from xnat_tui.services.transfers.uploading import dicom as uploading_dicom
from xnat_tui.services.transfers.uploading import files as uploading_files
from xnat_tui.services.transfers.uploading import local_files, studies
from xnat_tui.services.transfers.uploading.local_files import Found, LocalFile
from xnat_tui.services.transfers.uploading.studies import Instance, Study
from xnat_tui.xnat.actions import viewer
from xnat_tui.xnat.http.connection import Connection

if TYPE_CHECKING:
    from xnat_tui.services.servers import Servers

DESTINATIONS = ("prearchive", "archive")
_RESOURCE_LABEL = re.compile(r"[A-Za-z0-9._-]*[A-Za-z_-][A-Za-z0-9._-]*")
_CATALOG = re.compile(r"[^/]*_catalog\.xml")
_OVERWRITE = {OnExisting.SKIP: "none", OnExisting.UPDATE: "append", OnExisting.OVERWRITE: "delete"}
Execute = Callable[[Step, Control], Outcome]


def plan_upload(
    servers: Servers,
    paths: Sequence[Path | str],
    destination: Location | str,
    *,
    to: str = "prearchive",
    policy: Policy | None = None,
    filters: Filters = NO_FILTERS,
) -> Plan:
    """What sending these files, folders and archives would do; nothing is written.

    A destination of `.../resources/R` takes any files, with their names kept exactly; a server, project,
    subject or session takes DICOM through the import service, to the prearchive or on to the archive.
    There labels that the destination leaves open come from the DICOM headers, by the server's rules.
    Raises UsageError, NotFound, and what reading either side raises.
    """
    where = servers.location(destination) if isinstance(destination, str) else destination
    if where.has_glob and not _is_named(servers, where):
        raise UsageError(f"{where} is no single destination.", "Name one, without wildcards.")
    found = local_files.collect([Path(path) for path in paths])
    planner = _Planner(servers, where, to, policy or Policy(), filters, tuple(map(str, paths)))
    planner.left_out += [LeftOut(name, "no file, or no name for a server") for name in found.left_out]
    if where.step(Kind.RESOURCE) is not None:
        planner.plan_files(found)
    else:
        planner.plan_dicom(found)
    planner.tell_left_out()
    planner.findings += preflight.change_reason(planner.reader.connection, planner.policy)
    return planner.plan()


@contextmanager
def upload_executor(plan: Plan, connections: Callable[[str], Connection]) -> Iterator[Execute]:
    """What runs one step of an upload after the other; a step that fails is an outcome with its reason."""

    def execute(step: Step, control: Control) -> Outcome:
        if not step.writes:
            return Outcome(step.number, State.DONE)
        connection = connections(step.target.server)
        try:
            if step.task == "dicom":
                return uploading_dicom.send(connection, step, control, plan.policy)
            return uploading_files.send(connection, step, control, plan.policy)
        except Interrupted:
            raise
        except XnatTuiError as error:
            return Outcome.failed(step, error)

    yield execute


class _Planner:
    """One upload on its way to a plan."""

    def __init__(
        self,
        servers: Servers,
        where: Location,
        to: str,
        policy: Policy,
        filters: Filters,
        sources: tuple[str, ...],
    ) -> None:
        if to not in DESTINATIONS:
            raise UsageError(f"{to!r} is no place for an upload.", "Use prearchive or archive.")
        self.reader = Reader(servers.connection(where.server))
        """It remembers nothing from before: the plan tells what the server has now."""
        self.where = where
        self.to = to
        self.policy = policy
        self.filters = filters
        self.tally = Tally(filters)
        self.sources = sources
        self.steps: list[Step] = []
        self.findings: list[Finding] = []
        self._patients: set[str] = set()
        self.left_out: list[LeftOut] = []

    def plan(self) -> Plan:
        line = command("upload", self.sources, str(self.where), self.policy, self.filters)
        return Plan(
            verb="upload",
            sources=self.sources,
            destination=str(self.where),
            steps=tuple(self.steps),
            policy=self.policy,
            findings=tuple(self.findings),
            command=line if self.where.step(Kind.RESOURCE) else f"{line} --to {self.to}",
            root=self.where.name_of(Kind.PROJECT),
            left_out=tuple(self.left_out),
        )

    def plan_dicom(self, found: Found) -> None:
        """A step per study, whether its files stand by themselves or in archives."""
        self._refuse_filters("DICOM", ("resource",))
        subject, session = self._labels()
        project = self.where.name_of(Kind.PROJECT)
        exists = bool(session) and self.to == "archive" and self._archived(project, session)
        if subject and self.to == "archive":
            self._note_labels(
                ArchivedLabels(self.reader.connection, project), subject, session, exists=exists
            )
        sorted_out = self._studies(found, subject, session)
        if not sorted_out:
            if unmatched := self.tally.unmatched(()):
                raise nothing_matches(unmatched, *self.sources)
            self.findings.append(Finding("error", "There is no DICOM to send.", "Check paths and filters."))
        self._check_viewer()
        self._note_side_effects(project)
        for number, (uid, study) in enumerate(sorted_out.items(), 1):
            first = study.first
            name = "_".join(part for part in (first.date, first.modality, str(number)) if part)
            step = self._dicom_step(name, study, uid)
            count = len({one.instance for one in study.instances})
            step = replace(step, data={**step.data, "instances": str(count)})
            self.steps.append(self._judged(step, study, several=len(sorted_out) > 1, exists=exists))
        patients = {patient for study in sorted_out.values() for patient in study.patients}
        if subject and not session and len(patients) > 1:
            message = f"Files with {len(patients)} different Patient IDs all go to subject {subject}."
            self.findings.append(Finding("warning", message, "Is each of them the same person?"))

    def _studies(self, found: Found, subject: str, session: str) -> Mapping[str, Study]:
        """By Study Instance UID, what the filters keep of each."""
        read: dict[str, Study] = defaultdict(Study)
        for file in found.files:
            for one in studies.look(file):
                if isinstance(one, LeftOut):
                    self.left_out.append(one)
                else:
                    read[one.study].instances.append(one)
        kept: dict[str, Study] = {}
        for uid, study in read.items():
            modalities = study.modalities
            wanted = [one for one in study.instances if self._keeps(one, modalities, subject, session)]
            if wanted:
                kept[uid] = Study(wanted)
        return kept

    def tell_left_out(self) -> None:
        """One finding for each reason; the plan itself has every file."""
        reasons: dict[str, list[str]] = defaultdict(list)
        for one in self.left_out:
            reasons[one.reason].append(one.path)
        told = [
            Finding("warning", f"{_named(paths)} {'is' if len(paths) == 1 else 'are'} left out: {reason}.")
            for reason, paths in reasons.items()
        ]
        self.findings = [*told, *self.findings]

    def plan_files(self, found: Found) -> None:
        """Steps for one resource: what it lacks, what is replaced, what is there, what differs."""
        self._refuse_filters("files of a resource", tuple(one.name for one in fields(Filters)))
        resource, prefix = self._resource()
        uri, there = resource
        unique: dict[str, LocalFile] = {}
        for file in found.files:
            name = f"{prefix}{file.name}"
            sent = replace(file, name=name)
            if name in unique:
                self._file_step(Action.CONFLICT, [sent], uri, "several of these files have this name")
            elif _CATALOG.fullmatch(name):
                self._file_step(Action.CONFLICT, [sent], uri, "XNAT keeps this name for its own catalog")
            else:
                unique[name] = sent
        decision = _decide(unique, there, self.policy.on_existing)

        def files(items: list[Item]) -> list[LocalFile]:
            return [unique[item.key] for item in items]

        if decision.missing:
            self._file_step(Action.UPLOAD, files(decision.missing), uri)
        if decision.replaced:
            self._file_step(Action.UPDATE, files(decision.replaced), uri, "replaced")
        if decision.complete:
            self._file_step(Action.SKIP, files(decision.complete), uri, "the same files")
        for item in decision.refused:
            reason = "there with other content; --on-existing update replaces it"
            self._file_step(Action.CONFLICT, [unique[item.key]], uri, reason)
        if not found.files:
            self.findings.append(Finding("error", "There is no file to send.", "Check the paths."))

    def _labels(self) -> tuple[str, str]:
        beyond = self.where.steps[3:]
        kinds = [step.kind for step in self.where.steps]
        if beyond or kinds != [Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT][: len(kinds)]:
            raise UsageError(
                f"DICOM cannot be sent to {self.where}.",
                "Name a server, project, subject or session; or a resource for any files.",
            )
        if kinds:
            find_one(self.reader, Location(self.where.server, self.where.steps[:1]))
        labels = self.where.name_of(Kind.SUBJECT), self.where.name_of(Kind.EXPERIMENT)
        for label in labels:
            if wrong := illegal_characters(label):
                raise UsageError(
                    f"{label!r} holds {wrong!r}, which XNAT would replace.", "Use letters, digits, _ and -."
                )
        return labels

    def _check_viewer(self) -> None:
        if not self.policy.ohif:
            return
        if self.to == "prearchive":
            self.findings.append(Finding("info", "--ohif does nothing for what stays in the prearchive."))
        elif viewer.installed(self.reader.connection) is False:
            message = f"{self.where.server} has no OHIF viewer plugin."
            self.findings.append(Finding("error", message, "Leave out --ohif."))

    def _note_side_effects(self, project: str) -> None:
        """What the server does to DICOM, and with it, by itself."""
        connection = self.reader.connection
        message = "The destination's anonymisation may rewrite the DICOM files that it receives."
        self.findings.append(Finding("info", message))
        if self.to == "archive" and project:
            wanted = self.policy.autorun
            self.findings += preflight.autorun(connection, project, archives=True, wanted=wanted)

    def _note_labels(self, held: ArchivedLabels, subject: str, session: str, *, exists: bool) -> None:
        """Where the archive will not take the labels as they are given."""
        taken, refusal = held.subject(subject)
        if taken != subject and not refusal:
            message = f"XNAT ignores the case of subjects: it puts this into the existing {taken}."
            self.findings.append(Finding("info", message, "Name it so."))
        if exists and not refusal and self.policy.on_existing is not OnExisting.SKIP:
            refusal, _ = held.judge(taken, session, "append")
        if refusal:
            self.findings.append(Finding("error", refusal, "Name another label."))

    def _archived(self, project: str, session: str) -> bool:
        place = Location(self.where.server, self.where.steps[:1]).child(Kind.EXPERIMENT, session)
        try:
            find_one(self.reader, place)
        except NotFound:
            return False
        return bool(project)

    def _keeps(self, instance: Instance, modalities: str, subject: str, session: str) -> bool:
        """Filters go by what the headers say where the destination does not name it."""
        study = Fields.of({"date": instance.date, "modality": modalities})
        series = Fields.of({"type": instance.description})
        name, limit = subject or instance.patient, self.filters.limit_subjects
        kept = all(
            self.tally.keeps(item)
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

    def _refuse_filters(self, what: str, names: Sequence[str]) -> None:
        """Raises UsageError for filters that nothing of what is sent could be held against."""
        every = (name for one in names for name in (one, f"exclude_{one}"))
        asked = next((name for name in every if getattr(self.filters, name, None)), "")
        if asked:
            option = f"--{asked.replace('_', '-')}"
            raise UsageError(f"{option} means nothing to {what}: all that is named is sent.", "Leave it out.")

    def _dicom_step(self, name: str, study: Study, uid: str) -> Step:
        """A study is a session once the server has given it a label: before that it is called a study."""
        files = [one.file for one in study.instances]
        subject, session = self.where.name_of(Kind.SUBJECT), self.where.name_of(Kind.EXPERIMENT)
        project = self.where.name_of(Kind.PROJECT)
        uri = f"/data/{self.to}" + (f"/projects/{project}" if project else "")
        return Step(
            number=len(self.steps) + 1,
            action=Action.UPLOAD,
            task="dicom",
            path=f"experiments/{session}" if session else f"studies/{name}",
            kind=Kind.EXPERIMENT,
            source=End("", str(files[0].path.parent)),
            target=End(self.where.server, uri),
            files=len(files),
            bytes=sum(file.size for file in files),
            reason=_becomes(study, subject, session),
            data={
                "files": local_files.packed(files),
                "study": uid,
                "project": project,
                "subject": subject,
                "label": session,
                "to": self.to,
                "overwrite": _OVERWRITE[self.policy.on_existing],
                "session": f"{uri}/{session or uid or name}",
            },
        )

    def _judged(self, step: Step, study: Study, *, several: bool, exists: bool) -> Step:
        label = step.data["label"]
        patients = study.patients
        if len(patients) > 1:
            who = "; ".join(_named([one.file.name for one in files]) for files in patients.values())
            self.findings.append(
                Finding(
                    "warning",
                    f"{step.path}: one study with {len(patients)} different Patient IDs: {who}.",
                    "Send each patient's files by themselves; --subject chooses by Patient ID.",
                )
            )
            reason = f"{len(patients)} different Patient IDs in one study, which would become one session"
            return replace(step, action=Action.CONFLICT, reason=reason)
        if repeated := [one.file.name for one in study.repeated]:
            message = f"{step.path}: {_named(repeated)} repeat the SOP Instance UID of another file."
            self.findings.append(Finding("warning", message, "XNAT keeps one file of each."))
        if several and label:
            reason = f"several studies cannot all become {label}"
            return replace(step, action=Action.CONFLICT, reason=reason)
        if not exists:
            return step
        if self.policy.skip_existing_sessions:
            return replace(step, action=Action.SKIP, reason="the session exists")
        if self.policy.on_existing is OnExisting.SKIP:
            reason = "the session exists; --on-existing update merges into it"
            return replace(step, action=Action.CONFLICT, reason=reason)
        if self.policy.on_existing is OnExisting.OVERWRITE:
            return replace(
                step,
                action=Action.UPDATE,
                reason=f"{step.reason}; replaces the archived session",
                data={**step.data, "replaces": label},
            )
        return replace(step, action=Action.UPDATE, reason=f"{step.reason}; merges into the archived session")

    def _resource(self) -> tuple[tuple[str, list[Item]], str]:
        """Address of the resource and the files in it, and the folder below it that is meant."""
        steps = self.where.steps
        at = next(i for i, step in enumerate(steps) if step.kind is Kind.RESOURCE)
        owner = find_one(self.reader, Location(self.where.server, steps[:at]))
        named = steps[at]
        listing = self.reader.below(owner, Kind.RESOURCE)
        if listing.error is not None:
            raise listing.error
        same = [one for one in listing.items if named.name in (one.key, one.id) and one.side == named.side]
        if len(same) > 1:
            raise UsageError(f"Several resources are called {named.name}.", "Name it by its number.")
        prefix = f"{steps[at + 1].name.strip('/')}/" if len(steps) > at + 1 else ""
        if same:
            files = self.reader.below(owner.child(same[0]), Kind.FILE)
            if files.error is not None and not files.items and same[0].files != 0:
                raise files.error
            return (same[0].uri, list(files.items)), prefix
        if not _RESOURCE_LABEL.fullmatch(named.name):
            raise UsageError(
                f"No resource can be called {named.name!r}.", "Use letters, digits, dot, _ and -."
            )
        return (f"{_holder(owner, named.side)}/resources/{named.name}", []), prefix

    def _file_step(self, action: Action, files: list[LocalFile], uri: str, reason: str = "") -> None:
        alone = files[0].name if action is Action.CONFLICT else ""
        resource = self.where.name_of(Kind.RESOURCE)
        self.steps.append(
            Step(
                number=len(self.steps) + 1,
                action=action,
                task="files",
                path=f"resources/{resource}" + (f"/files/{alone}" if alone else ""),
                kind=Kind.FILE if alone else Kind.RESOURCE,
                source=End("", str(files[0].path.parent)),
                target=End(self.where.server, uri),
                files=len(files),
                bytes=sum(file.size for file in files),
                reason=reason,
                data={
                    "files": "[]" if alone else local_files.packed(files),
                    "session": uri.partition("/resources/")[0].partition("/scans/")[0],
                    **({"replaces": str(len(files))} if action is Action.UPDATE else {}),
                },
            )
        )


def _is_named(servers: Servers, where: Location) -> bool:
    """Whether what looks like a glob is the name of what stands there. What is new has no wildcards."""
    try:
        places = list(servers.find(where, globs=False))
    except (NotFound, UsageError):
        return False
    return len(places) == 1


def _named(names: Sequence[str]) -> str:
    """`a, b and 7 more files`"""
    return ", ".join(names[:2]) + (f" and {counted(len(names) - 2, 'more file')}" if names[2:] else "")


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


def _holder(owner: Place, side: str) -> str:
    """Where a new resource goes: out and in are below the assessor, its own are those of an experiment."""
    item = owner.item
    if item is None:
        raise UsageError("A server has no resources.", "Name a project, subject, session or scan.")
    if side:
        return f"{item.uri}/{side}"
    return f"/data/experiments/{item.id}" if item.kind is Kind.ASSESSOR else item.uri


def _decide(sent: dict[str, LocalFile], there: list[Item], policy: OnExisting) -> Decision:
    """Only files that could be the same are read for their digest."""
    held = {item.key: item for item in there}
    local = []
    for name, file in sent.items():
        other = held.get(name)
        same_size = other is not None and other.digest and other.bytes in (None, file.size)
        digest = file.md5() if same_size and policy is not OnExisting.OVERWRITE else None
        local.append(Item(Kind.FILE, name, name, bytes=file.size, digest=digest))
    return decide(local, there, policy)
