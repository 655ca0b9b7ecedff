"""What the destination's ``BRAINS`` has otherwise than the source's: one difference per line.

The package's docstring lists them by name; the subject ``SUB-001`` stays equal in everything.
"""

from __future__ import annotations

from dataclasses import replace

from xnat_tui.demo.archive import FileEntry, Project, Resource, Scan
from xnat_tui.demo.content import BytesContent, Content
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import brains, documents
from xnat_tui.demo.study.acquisitions import MR_SHORT, T2, add_files, add_scan, add_session
from xnat_tui.demo.study.brains import Person, Visit, session, subject

EXTRA_PERSON = Person(
    "SUB-003", "M", "19770704", (Visit("SUB-003_MR1", MR_SHORT, "20240304", "046Y"),),
    {"gender": "male", "dob": "1977-07-04", "group": "control"},
)  # fmt: skip


def make_different(site: Site, project: Project) -> None:
    """Turn a true copy of ``BRAINS`` into the destination's."""
    _change_subjects(site, project)
    _remove_parts(site, project)
    _change_files(site)
    _change_records(site)
    _change_fields(site, project)


def _change_subjects(site: Site, project: Project) -> None:
    site.remove(subject(site, "SUB-004"))
    person = EXTRA_PERSON
    extra = site.add_subject(project, person.label, fields=dict(person.stored))
    visit = person.visits[0]
    add_session(site, extra, brains.study(person, visit, 12), visit.xsi_type, visit.protocol)
    site.rename(subject(site, "SUB-008"), "sub-008")
    site.rename(session(site, "SUB-008_MR1"), "sub-008_MR1")


def _remove_parts(site: Site, project: Project) -> None:
    site.remove(session(site, "SUB-002_PT1"))
    one = session(site, "SUB-002_MR1")
    site.remove(one.scans["4"])
    flair = one.scans["3"]
    flair.resources.remove(resource(flair, "NIFTI"))
    images = resource(flair, "DICOM")
    for name in ("IM0007.dcm", "IM0008.dcm"):
        del images.files[name]
    images.populate_stats()
    flair.fields["frames"] = "6"
    rating = one.assessor("SUB-002_MR1_QC")
    if rating is not None:
        site.remove(rating)
    site.remove(session(site, "SUB-005_PETMR1").reconstructions["pet_in_mr"])
    project.resources = [one for one in project.resources if one.label != "protocol"]
    tables = project.resources[0]
    del tables.files["derived/2024/volumes.csv"]
    tables.populate_stats()


def _change_files(site: Site) -> None:
    first = session(site, "SUB-009_MR1")
    images = resource(first.scans["2"], "DICOM")
    _replace(images, "IM0003.dcm", _last_pixel_changed(images.files["IM0003.dcm"].data))
    logs = first.resources[0]
    _replace(logs, "notes.txt", documents.text("Earplugs used.\n"))
    second = session(site, "SUB-009_MR2")
    more = resource(second.scans["6"], "DICOM")
    extra = replace(more.files["IM0006.dcm"], path="IM0007.dcm")
    more.add(extra)
    more.populate_stats()
    answers = subject(site, "SUB-011").resources[0]
    _replace(answers, "moca.csv", documents.table([("item", "score"), ("naming", "3"), ("clock", "1")]))
    infant = session(site, "SUB-007_MR1")
    add_scan(site, infant, brains.study_of("SUB-007_MR1"), replace(T2, id="7", description="t2_repeat"))
    add_files(site, infant.resources, "QA", {"snr.json": documents.as_json({"snr": 41.5})}, format="JSON")


def _change_records(site: Site) -> None:
    """Catalogs and statistics that say less, or other, than what is on disk."""
    one = session(site, "SUB-009_MR1")
    for entry in resource(one.scans["3"], "DICOM").files.values():
        entry.digest = ""
    blank = resource(one.scans["4"], "DICOM")
    blank.file_count = blank.file_size = None
    stale = resource(session(site, "SUB-009_MR2").scans["2"], "DICOM")
    stale.file_count, stale.file_size = 4, 4096


def _change_fields(site: Site, project: Project) -> None:
    person = subject(site, "SUB-011")
    person.fields.update({"handedness": "left", "weight": "61.250"})
    del person.fields["education"]
    person.variables["cohort"] = "A"
    del person.variables["medication"]
    first = session(site, "SUB-011_MR1")
    first.fields.update({"date": "2024-03-28", "note": "date corrected"})
    first.variables["rater"] = "kk"
    first.scans["2"].fields.update({"quality": "questionable", "note": "ringing"})
    first.scans["6"].fields["parameters/te"] = "102"
    second = session(site, "SUB-011_PT1")
    second.fields["tracer/dose"] = "201"
    rating = second.assessor("SUB-011_PT1_QC")
    if rating is not None:
        rating.fields.update({"pass": "0"})
    session(site, "SUB-005_PETMR1").scans["3"].xsi_type = "xnat:mrScanData"
    project.variables["funding"] = "DFG"


def resource(scan: Scan, label: str) -> Resource:
    """A scan's resource by label; KeyError when it has none."""
    found = scan.resource(label)
    if found is None:
        raise KeyError(label)
    return found


def _replace(holder: Resource, path: str, data: Content) -> None:
    old = holder.files[path]
    holder.add(FileEntry(path, data, data.md5, data.size, old.format, old.content, modified=old.modified))
    holder.populate_stats()


def _last_pixel_changed(content: Content) -> BytesContent:
    data = b"".join(content.chunks())
    return BytesContent(data[:-2] + bytes((data[-2] ^ 0x3F, data[-1])))
