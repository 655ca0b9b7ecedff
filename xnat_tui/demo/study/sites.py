"""The two sites of the demo: their accounts, projects, sharing and workflows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from xnat_tui.demo.archive import Assessor
from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.records import User
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site
from xnat_tui.demo.study.acquisitions import CT, MR_SHORT, add_session
from xnat_tui.demo.study.brains import add_brains, session, subject
from xnat_tui.demo.study.differences import make_different
from xnat_tui.demo.study.legacy import add_legacy
from xnat_tui.demo.study.prearchive import add_prearchive

AUTORUN = "xnat_tools/AutoRun.xml"


class _Calendar:
    """A clock for building: each look is seven seconds later, so that every run dates alike."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=7)
        return self._now


def source_site(**options: Any) -> Site:
    """The site that has everything; ``options`` are those of ``Site``."""
    site = _site(
        "CENTRAL", datetime(2024, 4, 3, 8, 0, 0, 123000), ("icr:roiCollectionData", "fs:fsData"), options
    )
    add_brains(site)
    add_legacy(site)
    _add_teaching(site)
    _add_closed_projects(site)
    add_prearchive(site)
    _add_source_workflows(site)
    return _opened(site, options)


def destination_site(**options: Any) -> Site:
    """The site with a partial, partly different copy; ``options`` are those of ``Site``."""
    site = _site("QC", datetime(2024, 5, 6, 14, 0, 0, 456000), ("fs:fsData",), options)
    brains = add_brains(site, extra_types=False)
    make_different(site, brains)
    add_legacy(site, complete=False)
    _add_quality_control(site)
    site.add_project(
        "ATLAS_2019",
        users={"member": "owner", "demo": "collaborator"},
        fields={"name": "TEACHING", "description": "Its title is the ID of a project on the other site"},
    )
    for label, user in (("SUB-009_MR2", "demo"), ("SUB-011_MR1", "member")):
        site.add_workflow(session(site, label), AUTORUN, "Queued", user=user)
    return _opened(site, options)


def _site(site_id: str, start: datetime, plugin_types: tuple[str, ...], options: dict[str, Any]) -> Site:
    given = {"settings": Settings(site_id=site_id), "plugin_types": plugin_types, **options}
    site = Site(**{**given, "clock": _Calendar(start)})
    for user in (
        User("demo", "demo", "Dana", "Demo", "demo@example.org"),
        User("member", "member", "Max", "Member", "member@example.org"),
        User("reader", "reader", "Rita", "Reader", "reader@example.org"),
        User("outsider", "outsider", "Otto", "Outsider", "outsider@example.org"),
        User("expired", "expired", "Elsa", "Expired", "expired@example.org", password_expired=True),
        User("disabled", "disabled", "Dirk", "Disabled", "disabled@example.org", enabled=False),
    ):
        site.add_user(user)
    return site


def _opened(site: Site, options: dict[str, Any]) -> Site:
    """From now on the site tells the real time, or that of the caller's clock."""
    site.clock = options.get("clock", datetime.now)
    return site


def _add_teaching(site: Site) -> None:
    """A public project that mostly shows shared items, some under labels of its own."""
    project = site.add_project(
        "TEACHING",
        accessibility="public",
        users={"member": "owner", "demo": "member"},
        fields={"name": "Teaching collection", "description": "Open to everybody"},
    )
    for label, own in (("SUB-001", "T-01"), ("SUB-002", None)):
        site.share(subject(site, label), project.id, own)
    for label, own in (("SUB-001_MR1", "T-01_MR"), ("SUB-002_MR1", None)):
        site.share(session(site, label), project.id, own)
    results = site.experiment("SUB-001_MR1_FS", "BRAINS")
    if isinstance(results, Assessor):
        site.share(results, project.id, "T-01_MR_FS")
    own_study = Study("T-99_CT", Patient("T-99", "Skull^Dry", "O"), "20230911", variant=5)
    own_subject = site.add_subject(project, "T-99", fields={"group": "specimen"})
    add_session(site, own_subject, own_study, "xnat:ctSessionData", CT[:2])


def _add_closed_projects(site: Site) -> None:
    """A protected project, one that only administrators see, and an empty one."""
    phantoms = site.add_project(
        "PHANTOMS",
        accessibility="protected",
        users={"member": "owner"},
        fields={"name": "Scanner phantoms"},
    )
    vault = site.add_project("VAULT", fields={"name": "Locked away"})
    for project, label in ((phantoms, "ACR"), (vault, "V-001")):
        study = Study(f"{label}_MR1", Patient(label, f"{label}^Phantom", "O"), "20240102", variant=1)
        add_session(site, site.add_subject(project, label), study, "xnat:mrSessionData", MR_SHORT[:2])
    site.add_project("EMPTY", users={"demo": "owner"}, fields={"name": "Nothing yet"})


def _add_quality_control(site: Site) -> None:
    """``BRAINS_QC``: a shared-in subject under another label and a phantom of its own."""
    project = site.add_project(
        "BRAINS_QC",
        users={"demo": "owner", "member": "member", "reader": "collaborator"},
        fields={"name": "Quality control of Brains", "pi_firstname": "Grace", "pi_lastname": "Hopper"},
        settings={"quarantine_code": "0", "prearchive_code": "0"},
    )
    site.share(subject(site, "SUB-002"), project.id, "QC-002")
    site.share(session(site, "SUB-002_MR1"), project.id, "QC-002_MR1")
    study = Study("QC-PHANTOM_MR1", Patient("QC-PHANTOM", "Phantom^Water", "O"), "20240506", variant=4)
    add_session(site, site.add_subject(project, "QC-PHANTOM"), study, "xnat:mrSessionData", MR_SHORT[:2])


def _add_source_workflows(site: Site) -> None:
    for label, pipeline, status, user in (
        ("SUB-001_MR1", AUTORUN, "Complete", "admin"),
        ("SUB-002_MR1", AUTORUN, "Queued", "demo"),
        ("SUB-012_MR1", AUTORUN, "Queued", "member"),
        ("SUB-005_PETMR1", "dcm2niix", "Running", "demo"),
        ("SUB-007_MR1", AUTORUN, "Failed", "demo"),
        ("SUB-011_MR1", AUTORUN, "Failed (Dismissed)", "member"),
    ):
        row = site.add_workflow(session(site, label), pipeline, status, user=user)
        if status == "Running":
            row.fields.update({"step_description": "convert", "percentageComplete": "66.0"})
        elif status == "Failed":
            row.fields["step_description"] = "snapshots: no frames in scan 6"
