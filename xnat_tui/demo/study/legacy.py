"""Project ``LEGACY``: everything odd that old archives really hold, away from the tidy study."""

from __future__ import annotations

from dataclasses import replace

from xnat_tui.demo.archive import Experiment, FileEntry, Project, Scan
from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import documents
from xnat_tui.demo.study.acquisitions import LOCALIZER, MR_SHORT, T2, add_files, add_scan, add_session

ODD_NAMES = (
    "a b.txt",
    "a#b.txt",
    "a+b.txt",
    "a%20b.txt",
    "a b#c+d%20.dcm",
    "IMG.TXT",
    "img.txt",
    "sub/x.dcm",
    "sub/deeper/x.dcm",
    "x.dcm",
    'O\'Brien & "Söhne".txt',
    ".hidden",
    "1.2.840.113619.2.1",
    "1.2.840.113619.2.2",
    "long-" + "n" * 246 + ".txt",
)
"""Names of the files in the resource ``odd names`` of session ``007_MR``; the last has 255 bytes."""

UNTYPED_SERIES = "[bold red]T2[/bold red] \u202ereversed\u202c \x9b31m"
DUPLICATE_KEY = "2 (again)"
"""Where the second scan with ID 2 sits in its session's ``scans``; its ``id`` is 2 like the first's."""


def add_legacy(site: Site, *, complete: bool = True) -> Project:
    """The project; not ``complete`` without the subject whose labels can no longer be created."""
    project = site.add_project(
        "LEGACY",
        users={"demo": "owner", "member": "member"},
        fields={"name": "Archive of the old scanner", "secondary_ID": "OLD", "description": "Oddities only"},
        settings={"prearchive_code": "0"},
    )
    seven = _session(site, project, "007", "007_MR", "19990104")
    _add_odd_files(site, seven)
    dashes = _session(site, project, "-a--b_C-", "-a--b_C-_MR", "20010203")
    _add_odd_catalogs(site, dashes)
    dotted = _session(site, project, "S.01", "S.01_2003.05", "20030511")
    _add_odd_scans(site, dotted)
    if complete:
        _session(site, project, "Old Subject", "Old Subject_MR 1", "19980612")
    return project


def _session(site: Site, project: Project, subject: str, label: str, date: str) -> Experiment:
    study = Study(
        label, Patient(subject, "Old^Patient", "O", "", "", "", ""), date, model="Vision", variant=len(label)
    )
    made = site.add_subject(project, subject)
    return add_session(site, made, study, "xnat:mrSessionData", MR_SHORT[:2])


def _add_odd_files(site: Site, session: Experiment) -> None:
    files = {name: documents.text(f"content of {name}\n") for name in ODD_NAMES}
    add_files(site, session.resources, "odd names", files)


def _add_odd_catalogs(site: Site, session: Experiment) -> None:
    """Two resources of one label, one without label, and entries that are not what they say."""
    first = {"first.txt": documents.text("first\n"), "both.txt": documents.text("same\n")}
    second = {"second.txt": documents.text("second\n"), "both.txt": documents.text("other\n")}
    add_files(site, session.resources, "MISC", first)
    add_files(site, session.resources, "MISC", second)
    add_files(site, session.resources, "", {"unlabelled.txt": documents.text("no label\n")})
    scan = session.scans["2"]
    images = scan.resources[0]
    images.files["IM0002.dcm"].missing_on_disk = True
    images.files["IM0003.dcm"].digest = "0" * 32
    stray = images.files["IM0004.dcm"]
    del images.files["IM0004.dcm"]
    images.stray.append(FileEntry(stray.path, stray.data, modified=stray.modified))


def _add_odd_scans(site: Site, session: Experiment) -> None:
    """A scan ID twice, an ID that is no number, and text that would disturb a terminal."""
    study = Study(session.label, Patient("S.01", "Old^Patient"), "20030511", variant=3)
    again: Scan = add_scan(site, session, study, replace(LOCALIZER, id="3"))
    del session.scans["3"]
    again.id = "2"
    session.scans[DUPLICATE_KEY] = again
    named = add_scan(site, session, study, replace(T2, id="6", type="unknown"))
    del session.scans["6"]
    named.id = "MR-6_b"
    session.scans[named.id] = named
    named.xsi_type = "xnat:otherDicomScanData"
    named.fields.update({"series_description": UNTYPED_SERIES, "quality": "unusable"})
