"""A site of any size for tests and measurements: plain labels, generated files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from xnat_tui.demo.archive import Experiment, FileEntry, Scan
from xnat_tui.demo.content import Content, PatternContent
from xnat_tui.demo.records import User
from xnat_tui.demo.site import Site

SCAN_NAMES = ("T1_MPRAGE", "T2_FLAIR", "DWI_64", "BOLD_REST", "T2_TSE", "LOCALIZER")
FIRST_DAY = date(2020, 1, 1)
DISTINCT_FILES = 64


def synthetic_site(
    subjects: int,
    sessions_per_subject: int = 0,
    scans_per_session: int = 0,
    *,
    files_per_resource: int = 1,
    file_size: int = 20_000,
    project: str = "BIG",
    digests: bool = True,
    **options: Any,
) -> Site:
    """A site with one project of ``demo``/``demo`` (owner) with subjects ``S00001`` on.

    Each scan has one DICOM resource with ``files_per_resource`` patterned files of ``file_size``
    bytes, which take no memory. There are ``DISTINCT_FILES`` patterns; file ``n`` of the same scan
    is the same on every site, so that two sites of equal arguments compare as equal. ``digests``
    off leaves the catalogs' digests empty. ``options`` are those of ``Site``.
    """
    site = Site(**options)
    site.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
    made = site.add_project(project, users={"demo": "owner"})
    patterns = (
        [PatternContent(file_size, seed) for seed in range(DISTINCT_FILES)] if scans_per_session else []
    )
    for number in range(1, subjects + 1):
        label = f"S{number:05d}"
        fields = {"gender": "female" if number % 2 else "male", "yob": str(1940 + number % 60)}
        subject = site.add_subject(made, label, fields=fields)
        for visit in range(1, sessions_per_subject + 1):
            day = FIRST_DAY + timedelta(days=number % 1500 + visit)
            session = site.add_experiment(
                subject, f"{label}_MR{visit}", fields={"date": day.isoformat(), "modality": "MR"}
            )
            for scan in range(1, scans_per_session + 1):
                _add_scan(site, session, scan, patterns, files_per_resource, digests)
    return site


def _add_scan(
    site: Site,
    session: Experiment,
    number: int,
    patterns: list[PatternContent],
    files: int,
    digests: bool,
) -> Scan:
    name = SCAN_NAMES[(number - 1) % len(SCAN_NAMES)]
    fields = {"type": name, "series_description": name.lower(), "quality": "usable", "frames": str(files)}
    scan = site.add_scan(session, str(number), fields=fields)
    resource = site.new_resource("DICOM", format="DICOM", content="RAW")
    for position in range(1, files + 1):
        data: Content = patterns[(number * 7 + position) % len(patterns)]
        digest = data.md5 if digests else ""
        resource.add(FileEntry(f"IM{position:04d}.dcm", data, digest, data.size, "DICOM", "RAW"))
    resource.file_count, resource.file_size = files, sum(one.data.size for one in resource.files.values())
    scan.resources.append(resource)
    return scan
