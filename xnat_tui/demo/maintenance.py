"""What XNAT does to sessions on request: header data, scan types, pipelines."""

from __future__ import annotations

import re
from collections import Counter

from xnat_tui.demo.archive import Experiment, Item, Resource, Scan
from xnat_tui.demo.calls import Call
from xnat_tui.demo.datatypes import IMAGE_SESSION
from xnat_tui.demo.dicom import first_header, scan_fields, session_fields
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.rights import can_edit
from xnat_tui.demo.site import Site
from xnat_tui.demo.traces import record
from xnat_tui.demo.workflows import launch_autorun

PULL, FIX, TRIGGER = "pullDataFromHeaders", "fixScanTypes", "triggerPipelines"
ACTIONS = (PULL, FIX, TRIGGER)


def run_flags(call: Call, item: Item) -> None:
    """Do what the flags of a PUT on a session or scan ask for; other items have none."""
    asked = {name for name in ACTIONS if call.flag(name)} | set(call.repeated.get("action", []))
    if isinstance(item, Experiment | Scan):
        for name in ACTIONS:
            if name in asked:
                run_action(call, item, name)


def run_action(call: Call, item: Item, name: str) -> None:
    """400 for an item that is neither imaging session nor scan, 403 without the edit right."""
    site = call.site
    imaging = isinstance(item, Experiment) and site.types.is_a(item.xsi_type, IMAGE_SESSION)
    if not imaging and not (isinstance(item, Scan) and name == PULL):
        raise Refusal(400, f"{name} needs an imaging session")
    if not can_edit(site, call.user, item):
        raise Refusal(403, "Insufficient privileges to modify this item.")
    session = item.session if isinstance(item, Scan) else item
    if not isinstance(session, Experiment):
        raise Refusal(400, f"{name} needs an imaging session")
    scans = [item] if isinstance(item, Scan) else list(session.scans.values())
    if name == PULL:
        for scan in scans:
            _pull_scan(site, scan, typed=not isinstance(item, Scan) or site.at_least(1, 9, 3))
        if item is session:
            _pull_session(session)
    elif name == FIX:
        _fix_types(site, session)
    else:
        launch_autorun(site, session, call.user.login)
    record(call, session, name)


def _pull_scan(site: Site, scan: Scan, *, typed: bool) -> None:
    header = first_header(entry.data for one in _dicom(scan) for entry in one.files.values())
    if header is None:
        return
    found = scan_fields(header)
    scan.fields.update(found)
    if typed and found.get("series_description"):
        scan.fields.setdefault("type", found["series_description"])
    site.touch(scan)


def _pull_session(session: Experiment) -> None:
    files = (
        entry.data for scan in session.scans.values() for one in _dicom(scan) for entry in one.files.values()
    )
    header = first_header(files)
    if header is not None:
        session.fields.update(session_fields(header))


def _dicom(scan: Scan) -> list[Resource]:
    return [one for one in scan.resources if one.label in ("DICOM", "secondary") or one.format == "DICOM"]


def _fix_types(site: Site, session: Experiment) -> None:
    """Each scan takes the type that scans with its series description mostly have in the project.

    Without such a history the type becomes the description itself.
    """
    history: dict[str, Counter[str]] = {}
    for other in site.experiments.values():
        if other.project != session.project or other is session:
            continue
        for scan in other.scans.values():
            if scan.fields.get("type"):
                history.setdefault(_plain(scan), Counter())[scan.fields["type"]] += 1
    for scan in session.scans.values():
        seen = history.get(_plain(scan))
        description = scan.fields.get("series_description", "")
        if seen:
            scan.fields["type"] = seen.most_common(1)[0][0]
        elif description:
            scan.fields["type"] = description


def _plain(scan: Scan) -> str:
    return re.sub(r"[^a-z0-9]", "", scan.fields.get("series_description", "").lower())
