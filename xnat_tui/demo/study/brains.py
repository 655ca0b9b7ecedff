"""Project ``BRAINS``: a multi-modality study of eleven subjects, the same on every site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from xnat_tui.demo.archive import Experiment, Project, Subject
from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import documents
from xnat_tui.demo.study.acquisitions import (
    CT,
    MR,
    MR_SHORT,
    OTHER,
    PET,
    PETMR,
    SCREENSHOT,
    US,
    Acquisition,
    add_files,
    add_session,
)
from xnat_tui.demo.study.derived import (
    add_freesurfer,
    add_qc,
    add_reconstruction,
    add_roi_collection,
)

MRI, PETS = "xnat:mrSessionData", "xnat:petSessionData"


@dataclass(frozen=True, slots=True)
class Visit:
    """A session to be: its label, type, protocol, date and what the DICOM header says of the age.

    ``header`` has attributes of ``Patient`` that this session's scanner was told otherwise.
    """

    label: str
    protocol: tuple[Acquisition, ...]
    date: str
    age: str
    xsi_type: str = MRI
    fields: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """A subject to be; ``stored`` are the demographics that the archive knows."""

    label: str
    sex: str
    birth_date: str
    visits: tuple[Visit, ...]
    stored: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    size: str = "1.72"
    weight: str = "70"
    name: str = ""


PEOPLE = (
    Person(
        "SUB-001", "F", "19610409",
        (
            Visit("SUB-001_MR1", MR, "20240301", "062Y", fields={"note": 'Second run: "no motion" & calm'}),
            Visit("SUB-001_MR2", MR_SHORT, "20250307", "063Y", fields={"visit_id": "followup"}),
        ),
        {"gender": "female", "dob": "1961-04-09", "handedness": "right", "education": "16",
         "group": "control", "height": "172.0", "weight": "70.0", "src": "clinic A"},
        {"site": "leipzig", "cohort": "A"}, name="Weber^Anna",
    ),
    Person(
        "SUB-002", "F", "19610409",
        (
            Visit("SUB-002_MR1", (*MR, SCREENSHOT), "20240228", "062Y"),
            Visit("SUB-002_PT1", PET, "20240229", "062Y", PETS),
        ),
        {"gender": "unknown", "handedness": "right", "education": "16", "group": "control",
         "src": "clinic A"},
        {"site": "leipzig", "cohort": "A"}, name="Müller^Jörgine",
    ),
    Person(
        "SUB-004", "M", "19900117", (Visit("SUB-004_CT1", CT, "20240305", "034Y", "xnat:ctSessionData"),),
        {"gender": "male", "yob": "1990", "handedness": "left", "group": "patient"}, {"site": "dresden"},
    ),
    Person(
        "SUB-005", "M", "19550623",
        (Visit("SUB-005_PETMR1", PETMR, "20240311", "068Y", "xnat:petmrSessionData"),),
        {"gender": "male", "dob": "1955-06-23", "group": "patient", "ethnicity": "d'Aubigné & \"others\""},
        {"site": "leipzig", "cohort": "B"}, name="d'Aubigné^Théodore",
    ),
    Person(
        "SUB-006", "F", "20230815",
        (
            Visit("SUB-006_US1", US, "20240312", "030W", "xnat:usSessionData"),
            Visit("SUB-006_MR1", MR_SHORT, "20240315", "030W"),
        ),
        {"group": "infant"}, size="0.68", weight="7.4",
    ),
    Person(
        "SUB-007", "M", "20220905", (Visit("SUB-007_MR1", MR_SHORT, "20240318", "018M"),),
        {"gender": "male", "group": "infant"}, size="0.82", weight="11.2",
    ),
    Person(
        "SUB-008", "F", "19720801", (Visit("SUB-008_MR1", MR_SHORT, "20240319", "051Y"),),
        {"gender": "female", "dob": "1972-08-01", "group": "control"}, {"site": "dresden"},
    ),
    Person(
        "SUB-009", "M", "19481130",
        (Visit("SUB-009_MR1", MR, "20240320", "075Y"), Visit("SUB-009_MR2", MR_SHORT, "20240322", "075Y")),
        {"gender": "male", "dob": "1948-11-30", "group": "patient", "race": "not reported"},
    ),
    Person(
        "0010", "F", "19801212", (Visit("0010_MR", MR_SHORT, "20240325", "043Y"),),
        {"gender": "female", "age": "43", "group": "control"}, {"site": "0010"},
    ),
    Person(
        "SUB-011", "F", "19660214",
        (
            Visit("SUB-011_MR1", MR_SHORT, "20240326", "058Y"),
            Visit("SUB-011_PT1", PET, "20240327", "058Y", PETS, header={"birth_date": "19660412"}),
        ),
        {"gender": "female", "dob": "1966-02-14", "handedness": "right", "education": "12",
         "group": "patient", "ses": "3", "height": "165.5", "weight": "61.25"},
        {"site": "leipzig", "cohort": "B", "medication": "none"},
    ),
    Person(
        "SUB-012", "M", "19850530",
        (
            Visit("SUB-012_MR1", MR_SHORT, "20240402", "038Y"),
            Visit(
                "SUB-012_OT1", OTHER, "20240402", "038Y", "xnat:otherDicomSessionData",
                header={"sex": "F", "weight": "850"},
            ),
        ),
        {"gender": "male", "dob": "1985-05-30", "handedness": "ambidextrous"},
    ),
)  # fmt: skip


def add_brains(site: Site, *, extra_types: bool = True) -> Project:
    """The project with all of its items; ``extra_types`` are those of a plugin (ROI collections)."""
    project = site.add_project(
        "BRAINS",
        users={"demo": "owner", "member": "member", "reader": "collaborator"},
        fields={
            "name": "Brains across the lifespan",
            "secondary_ID": "BRAINS",
            "description": "Multi-modality demo study: invented people, drawn anatomy.",
            "keywords": "MR PET CT demo",
            "alias": "LIFESPAN",
            "pi_firstname": "Ada",
            "pi_lastname": "Lovelace",
        },
        variables={"ethics": "2019/123-ek", "funding": "none"},
        settings={"autorun": "true"},
        investigators=["Lovelace, Ada", "Babbage, Charles"],
    )
    for variant, person in enumerate(PEOPLE):
        _add_person(site, project, person, variant)
    _add_project_files(site, project)
    _add_subject_files(site, project)
    _add_session_files(site)
    _add_derived(site, extra_types=extra_types)
    return project


def patient(person: Person, visit: Visit) -> Patient:
    """What the DICOM headers of a session say of a person."""
    name = person.name or f"{person.label.replace('-', '')}^Demo"
    usual = Patient(person.label, name, person.sex, person.birth_date, visit.age, person.size, person.weight)
    return replace(usual, **visit.header)


def study(person: Person, visit: Visit, variant: int) -> Study:
    made = Study(visit.label, patient(person, visit), visit.date, variant=variant)
    if visit.xsi_type == "xnat:usSessionData":
        return replace(made, manufacturer="GE Healthcare", model="Voluson E10")
    return made


def study_of(session_label: str) -> Study:
    """The study of a session of ``PEOPLE``; KeyError for any other label."""
    for variant, person in enumerate(PEOPLE):
        for visit in person.visits:
            if visit.label == session_label:
                return study(person, visit, variant)
    raise KeyError(session_label)


def session(site: Site, label: str, project: str = "BRAINS") -> Experiment:
    """A session by its label; KeyError when the project has none."""
    found = site.experiment(label, project)
    if not isinstance(found, Experiment):
        raise KeyError(label)
    return found


def subject(site: Site, label: str, project: str = "BRAINS") -> Subject:
    """A subject by its label; KeyError when the project has none."""
    found = site.subject(label, project)
    if found is None:
        raise KeyError(label)
    return found


def _add_person(site: Site, project: Project, person: Person, variant: int) -> None:
    stored = dict(person.stored)
    made = site.add_subject(project, person.label, fields=stored, variables=dict(person.variables))
    for visit in person.visits:
        one = add_session(
            site, made, study(person, visit, variant), visit.xsi_type, visit.protocol, **visit.fields
        )
        one.variables["rater"] = "jd"
    if person.label == "SUB-001":
        made.custom_fields.update({"smoking": "never", "visits": 2, "consent": {"genetics": True}})


def _add_project_files(site: Site, project: Project) -> None:
    rows = [("participant_id", "sex", "group")]
    rows += [(person.label, person.sex, person.stored.get("group", "n/a")) for person in PEOPLE]
    tables = {
        "participants.csv": documents.table(rows),
        "participants.json": documents.as_json({"group": {"Levels": ["control", "patient", "infant"]}}),
        "derived/2024/volumes.csv": documents.table(
            [("label", "icv"), ("SUB-001", "1510"), ("SUB-002", "1432")]
        ),
        "derived/.index": documents.text("volumes.csv\n"),
    }
    add_files(site, project.resources, "tables", tables, format="CSV")
    protocol = {
        "protocol.pdf": documents.pdf("Study protocol, version 3"),
        "README.txt": documents.text("Scan protocols of the study.\nAll data are invented.\n"),
        "changes.log": documents.text("2024-01-10 version 3\n"),
    }
    add_files(site, project.resources, "protocol", protocol, content="documentation")


def _add_subject_files(site: Site, project: Project) -> None:
    for label in ("SUB-001", "SUB-002", "SUB-011"):
        files = {
            "moca.csv": documents.table([("item", "score"), ("naming", "3"), ("clock", "2")]),
            "moca.json": documents.as_json({"instrument": "MoCA", "language": "de"}),
            "consent/signed.pdf": documents.pdf(f"Consent of {label}"),
        }
        add_files(site, subject(site, label, project.id).resources, "questionnaires", files, format="CSV")


def _add_session_files(site: Site) -> None:
    for label in ("SUB-001_MR1", "SUB-002_MR1", "SUB-009_MR1"):
        physio = "".join(f"{step * 7 % 1000}\n" for step in range(400))
        files = {
            "physio/pulse.log": documents.text(physio),
            "physio/.settings": documents.text("rate=50\n"),
            "notes.txt": documents.text("Earplugs used; participant fell asleep in the resting scan.\n"),
        }
        add_files(site, session(site, label).resources, "logs", files, format="TEXT", content="log")
    session(site, "SUB-002_MR1").resources[0].tags = ("physio", "raw")
    session(site, "SUB-012_MR1").scans["6"].xsi_type = "xnat:otherDicomScanData"


def _add_derived(site: Site, *, extra_types: bool) -> None:
    for label in ("SUB-001_MR1", "SUB-002_MR1", "SUB-009_MR1"):
        one = session(site, label)
        add_freesurfer(site, one)
        add_qc(site, one)
    add_qc(site, session(site, "SUB-011_PT1"))
    add_reconstruction(site, session(site, "SUB-001_MR1"), "mean_dwi")
    add_reconstruction(site, session(site, "SUB-005_PETMR1"), "pet_in_mr")
    if extra_types:
        add_roi_collection(site, session(site, "SUB-012_MR1"))
