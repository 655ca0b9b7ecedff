"""One received session closely: its scans, its log, and how it compares with the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from xnat_tui.errors import BadAnswer, NotFound, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.prearchive import Difference, Problem, Received, ScanRow, differences
from xnat_tui.xnat.actions import prearchive as wire
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.documents.items import Document
from xnat_tui.xnat.http.connection import Connection

_DICOM_LABELS = ("DICOM", "secondary")


@dataclass(frozen=True, slots=True)
class Details:
    """All that is known of one received session; what could not be read is in `unreadable`."""

    session: Received
    scans: tuple[ScanRow, ...] = ()
    log: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What archiving it now, as it is, would meet."""
    differences: tuple[Difference, ...] = ()
    """Against the archived session of the same label; empty where there is none."""
    archived: str = ""
    """Accession ID of that one."""
    unreadable: Mapping[str, XnatTuiError] = field(default_factory=dict)


def details(connection: Connection, one: Received) -> Details:
    """Scans, log, and what stands against archiving; a part that cannot be read does not hide the rest."""
    unreadable: dict[str, XnatTuiError] = {}

    def ask(part: str, question: Callable[[], Details]) -> Details:
        try:
            return question()
        except XnatTuiError as error:
            unreadable[part] = error
            return found

    found = Details(one)
    found = ask("scans", lambda: replace(found, scans=tuple(wire.scans(connection, one))))
    found = ask("log", lambda: replace(found, log=tuple(wire.log(connection, one))))
    if one.settled and one.project:
        found = ask("problems", lambda: replace(found, problems=tuple(wire.problems(connection, one, {}))))
    if one.project and one.name:
        found = ask("archived session", lambda: _with_differences(connection, found))
    return replace(found, unreadable=unreadable)


def archived_session(connection: Connection, project: str, label: str) -> tuple[str, Document]:
    """Accession ID and document of an archived session. Raises NotFound."""
    found = documents.read(connection, _item(project, label))
    return found.fields.get("ID") or found.fields.get("id") or label, found


def check_replaced(sent: Iterable[ScanRow], stored: Document) -> None:
    """Raises BadAnswer where the server has merged instead of replacing, as 1.8 does for single sessions."""
    mine = {scan.id: scan.files for scan in sent}
    left = []
    for scan in _scans(stored):
        files = _dicom_files(stored, scan)
        known = mine.get(scan.key)
        if scan.key not in mine or (files and known is not None and int(files) > known):
            left.append(scan.key)
    if left:
        raise BadAnswer(
            f"It is archived, but the server merged it: older data remain in scans {', '.join(left)}.",
            "Delete those scans, or the older files in them, in the archive.",
        )


def _with_differences(connection: Connection, found: Details) -> Details:
    one = found.session
    try:
        identifier, stored = archived_session(connection, one.project, one.name)
    except NotFound:
        return found  # nothing of that label is archived: nothing to differ from
    fields = stored.fields
    mine = {"": {"UID": one.fields.get("tag", ""), "date": one.scan_day}}
    mine |= {
        f"scans/{scan.id}": {
            "UID": scan.uid,
            "series_description": scan.series_description,
            "files": "" if scan.files is None else str(scan.files),
        }
        for scan in found.scans
    }
    theirs = {"": {"UID": fields.get("UID", ""), "date": fields.get("date", "")}}
    for scan in _scans(stored):
        theirs[f"scans/{scan.key}"] = {
            "UID": scan.fields.get("UID", ""),
            "series_description": scan.fields.get("series_description", ""),
            "files": _dicom_files(stored, scan),
        }
    return replace(found, archived=identifier, differences=tuple(differences(mine, theirs)))


def _item(project: str, label: str) -> Item:
    return Item(Kind.EXPERIMENT, label, label, uri=f"/data/projects/{project}/experiments/{label}")


def _scans(stored: Document) -> list[Item]:
    end = f"#{Kind.SCAN}"
    return [scan for key, listing in stored.below.items() if key.endswith(end) for scan in listing.items]


def _dicom_files(stored: Document, scan: Item) -> str:
    """How many DICOM files an archived scan holds, "" where that was not counted."""
    resources = stored.below.get(documents.place(scan.uri, Kind.RESOURCE))
    counts = [one.files for one in resources.items if one.key in _DICOM_LABELS] if resources else []
    return "" if not counts or None in counts else str(sum(count or 0 for count in counts))
