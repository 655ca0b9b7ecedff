"""A study that has every kind of thing once, on two servers: what is asked of the demo's two BRAINS is asked
of it, and what differs there differs here, in a fourth of the time (`test_little_study` holds it to that)."""

from __future__ import annotations

from xnat_tui.demo.archive import Experiment, Project, Resource, Subject
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.records import User
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site
from xnat_tui.demo.study.acquisitions import add_files
from xnat_tui.demo.study.derived import add_freesurfer, add_qc, add_reconstruction, add_roi_collection
from xnat_tui.services.reading.proof import FEW

MR, CT = "xnat:mrSessionData", "xnat:ctSessionData"
IMAGES = {"IM1.dcm": b"one", "sub/IM2.dcm": b"two"}


def little_source() -> Site:
    """BRAINS with everything, of which `demo` is the owner; PHANTOMS can only be seen to exist."""
    site, project = _begun("CENTRAL", ("icr:roiCollectionData", "fs:fsData"))
    _resource(site, project.resources, "protocol", {"protocol.pdf": b"pdf"})
    _resource(site, project.resources, "tables", {"a.csv": b"a", "derived/b.csv": b"b"}, format="CSV")
    _same(site, project)
    changed = _changed(site, project)
    _session(site, changed.subject, "S2_CT", CT)
    add_roi_collection(site, changed)
    site.add_subject(project, "S3", fields={"gender": "male"})
    site.add_project("PHANTOMS", accessibility="protected")
    return site


def little_destination() -> Site:
    """The same project with one difference of every kind, all but one of them below `S2`."""
    site, project = _begun("QC", ("fs:fsData",))
    project.variables["funding"] = "DFG"
    _resource(site, project.resources, "tables", {"a.csv": b"a"}, format="CSV")
    _same(site, project)
    _differ(site, _changed(site, project))
    site.add_subject(project, "S4", fields={"gender": "female"})
    return site


def _begun(site_id: str, plugin_types: tuple[str, ...]) -> tuple[Site, Project]:
    site = Site(settings=Settings(site_id=site_id), plugin_types=plugin_types)
    site.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
    fields = {"name": "Brains", "description": 'Tom & "Jerry"'}
    return site, site.add_project(
        "BRAINS", users={"demo": "owner"}, fields=fields, variables={"funding": "ERC"}
    )


def _same(site: Site, project: Project) -> None:
    """`S1` is alike on both sides: a session with everything, and one without images."""
    subject = _subject(site, project, "S1")
    session = _session(site, subject, "S1_MR")
    add_freesurfer(site, session)
    add_qc(site, session).variables["seen"] = "yes"
    answers = site.add_experiment(
        subject, "S1_VARS", "xnat:subjectVariablesData", fields={"date": "2024-02-29"}
    )
    answers.variables["moca"] = "29"
    _resource(site, answers.resources, "sheet", {"moca.csv": b"29"}, format="CSV")
    for visit in range(FEW):  # of few sessions the documents are read, and some questions are not asked
        plain = site.add_experiment(subject, f"S1_MR{visit}", fields={"date": "2024-03-01"})
        _scan(site, plain, "3")


def _changed(site: Site, project: Project) -> Experiment:
    session = _session(site, _subject(site, project, "S2"), "S2_MR")
    add_qc(site, session)
    add_freesurfer(site, session)
    add_reconstruction(site, session, "fused")
    return session


def _differ(site: Site, session: Experiment) -> None:
    subject = session.subject
    subject.fields["handedness"] = "left"
    del subject.variables["cohort"]
    session.fields.update(date="2024-03-28", note="date corrected")
    one, two, three = (session.scans[number] for number in "123")
    one.fields["quality"] = "questionable"
    one.fields["parameters/te"] = "102"
    two.fields["frames"] = "6"
    three.xsi_type = "xnat:petScanData"
    site.remove(session.scans["4"])
    _scan(site, session, "5")
    site.remove(session.reconstructions["fused"])
    rating, surfaces = session.assessors.values()
    rating.fields["pass"] = "0"
    site.remove(surfaces)
    images, unproved, uncounted = (scan.resources[0] for scan in (one, two, three))
    images.files["IM1.dcm"].data = BytesContent(b"0ne")
    images.files["IM1.dcm"].digest = BytesContent(b"0ne").md5
    images.files["IM3.dcm"] = images.files.pop("sub/IM2.dcm")
    images.files["IM3.dcm"].path = "IM3.dcm"
    for entry in unproved.files.values():
        entry.digest = ""
    uncounted.file_count = uncounted.file_size = None
    one.resources[1].content = "MASK"
    del two.resources[1]
    _resource(site, session.resources, "QA", {"snr.json": b"{}"}, format="JSON")


def _subject(site: Site, project: Project, label: str) -> Subject:
    fields = {"gender": "female", "dob": "1980-02-29", "handedness": "right", "weight": "61.25"}
    subject = site.add_subject(project, label, fields=fields)
    subject.variables["cohort"] = "A<B"
    _resource(site, subject.resources, "questionnaires", {"moca.csv": b"moca"}, format="CSV")
    return subject


def _session(site: Site, subject: Subject, label: str, xsi_type: str = MR) -> Experiment:
    fields = {"date": "2024-03-05", "modality": xsi_type[5:7].upper(), "scanner/manufacturer": "SIEMENS"}
    session = site.add_experiment(subject, label, xsi_type, fields=fields)
    session.variables["rater"] = "jd"
    _resource(site, session.resources, "logs", {"notes.txt": b"slept"})
    for number in "1234" if xsi_type == MR else "12":
        _scan(site, session, number, xsi_type.replace("Session", "Scan"))
    add_reconstruction(site, session, "mean")
    return session


def _scan(site: Site, session: Experiment, number: str, xsi_type: str = "xnat:mrScanData") -> None:
    fields = {"type": f"T{number}", "quality": "usable", "frames": "2", "UID": f"1.2.{number}"}
    if "mr" in xsi_type:
        fields |= {"parameters/tr": "2300.0", "parameters/te": "2.9"}
    scan = site.add_scan(session, number, xsi_type=xsi_type, fields=fields)
    _resource(site, scan.resources, "DICOM", IMAGES, format="DICOM", content="RAW")
    if number in "12":
        _resource(site, scan.resources, "NIFTI", {"a.nii.gz": b"nii"}, format="NIFTI", content="VOLUME")


def _resource(site: Site, holder: list[Resource], label: str, files: dict[str, bytes], **kind: str) -> None:
    add_files(site, holder, label, {path: BytesContent(data) for path, data in files.items()}, **kind)
