"""The prearchive's wire: its lists, a session's parts and log, and the actions on one session.

The lists' `url` cells lack `/data`, and are not percent-encoded. The result of a move comes as status
301 with the new address in the body and no `Location` (`docs/xnat-contract.md` 6.1, 6.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, NotFound
from xnat_tui.model.prearchive import UNASSIGNED, Problem, Received, ScanRow, total
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.files.dicom import read_header
from xnat_tui.xnat.http.answers import Answer
from xnat_tui.xnat.http.connection import Connection, encode_uri, url_path
from xnat_tui.xnat.tables.listing import number_or_none
from xnat_tui.xnat.tables.table import Row, Table, parse_table, says

if TYPE_CHECKING:
    from pydicom import Dataset

ARCHIVE_SECONDS = 900.0
"""XNAT itself waits up to ten minutes for its queue before it answers."""
_DICOM_LABELS = ("DICOM", "secondary")
_IDENTIFYING = ("timestamp", "folderName", "status")


def sessions(connection: Connection, project: str = "") -> list[Received]:
    """Every received session that the user may see, or those of one project (`Unassigned` for none).

    The list of all shows projects that the user may edit; a project's own list also answers its
    collaborators. For administrators a project's list holds every unassigned session besides: rows of
    another project are dropped here. Raises Forbidden for a project that may not be read.
    """
    if not project:
        return _rows(connection.table("/data/prearchive", *_IDENTIFYING))
    wanted = "" if project == UNASSIGNED else project
    found = _rows(connection.table(f"/data/prearchive/projects/{url_path(project)}", *_IDENTIFYING))
    return [one for one in found if one.project == wanted]


def session(connection: Connection, one: Received) -> Received:
    """The session as it is now. Raises NotFound where it is gone: archived, moved, or deleted."""
    for other in sessions(connection, one.project or UNASSIGNED):
        if other.url == one.url:
            return other
    raise NotFound(f"{one.name or one.folder} is not in the prearchive any more.", "Reload the list.")


def projects(connection: Connection) -> set[str]:
    """The IDs of all projects that the user can see."""
    return {row.required("ID") for row in connection.table("/data/projects", "ID", columns="ID")}


def scans(connection: Connection, one: Received) -> list[ScanRow]:
    """The scans of a session with their totals, and UIDs where its document has been built."""
    table = connection.table(f"{_path(one)}/scans", "ID")
    held = _totals(connection, one)
    uids = _uids(connection, one)
    return [
        ScanRow(
            row.required("ID"),
            row["xsiType"],
            plain_text(row["series_description"]),
            uids.get(row["ID"], ""),
            *held.get(row["ID"], (None, None)),
        )
        for row in table
    ]


def size(connection: Connection, one: Received) -> tuple[int | None, int | None]:
    """Files and bytes of a session, None where the server does not tell."""
    held = list(_totals(connection, one).values())
    return total(files for files, _ in held), total(count for _, count in held)


def holdings(connection: Connection, one: Received) -> dict[str, dict[str, tuple[int | None, int | None]]]:
    """Scan ID → resource → files and bytes, in one request."""
    held: dict[str, dict[str, tuple[int | None, int | None]]] = {}
    for row in connection.table(f"{_path(one)}/resources", "cat_id", "label"):
        of_scan = held.setdefault(_owner(row), {})
        more = (number_or_none(row["file_count"]), number_or_none(row["file_size"]))
        known = of_scan.get(row["label"], (0, 0))  # two resources of one label are counted together
        of_scan[row["label"]] = (total((known[0], more[0])), total((known[1], more[1])))
    return held


def log(connection: Connection, one: Received) -> list[str]:
    """The lines of its log, the reasons of CONFLICT and ERROR among them.

    Servers answer with the text itself, or with a table of `id`, `date` and `entry`.
    """
    told = connection.get_text(f"{_path(one)}/logs", format="json")
    if told.lstrip().startswith("{"):
        told = "\n".join(row["entry"] for row in parse_table([told.encode()], "entry"))
    return [line for line in told.splitlines() if line.strip()]


def last_log(connection: Connection, one: Received) -> str:
    """The last line of its log, blanks folded; "" where it is empty."""
    return " ".join(connection.get_text(f"{_path(one)}/logs/last").split())


def files(
    connection: Connection, one: Received, scan: str, resource: str
) -> list[tuple[str, int | None, str]]:
    """Name, size and address of each file of a scan's resource; the address starts with `/data`."""
    path = f"{_path(one)}/scans/{url_path(scan)}/resources/{url_path(resource)}/files"
    table = connection.table(path, "Name", "URI")
    return [
        (row.required("Name"), number_or_none(row["Size"]), _with_data(row.required("URI"))) for row in table
    ]


def first_header(connection: Connection, one: Received, names: tuple[str, ...] = ()) -> Dataset:
    """The header of the first DICOM file of the first scan. Raises NotFound without one, BadAnswer."""
    table = connection.table(f"{_path(one)}/resources", "cat_id", "label")
    found = [(_owner(row), row["label"]) for row in table if row["category"] in ("scans", "scan", "")]
    for label in (*_DICOM_LABELS, *dict.fromkeys(name for _, name in found)):
        for scan, name in found:
            if name == label and (listed := files(connection, one, scan, name)):
                return read_header(connection, listed[0][2], names=names)
    raise NotFound(f"{one.name or one.folder} holds no file.")


def problems(connection: Connection, one: Received, labels: Mapping[str, str]) -> list[Problem]:
    """What archiving would meet, by the server's own check; nothing is archived.

    `labels` are the parameters of `archive`. Raises NotFound on servers without this service.
    """
    answer = connection.write(
        "POST", "/data/services/validate-archive", params={"src": one.url, "format": "json", **labels}
    )
    rows = parse_table([answer.body], "type")
    return [Problem(row["code"], row.required("type"), row["message"]) for row in rows]


def archive(connection: Connection, one: Received, params: Mapping[str, str]) -> str:
    """Archive one session and wait for it; the address of the archived session, with `/data`.

    `params` may hold `subject`, `session`, `overwrite` (append, delete), `overwrite_files`,
    `triggerPipelines` (XNAT starts AutoRun unless it is false). From 1.8 on
    every failure is a 500, and so is the server's own time-out while the work goes on: raises
    ServerError or Unclear then, and the list tells which it was.
    """
    answer = connection.write(
        "POST",
        "/data/services/archive",
        params={"src": one.url, "auto-archive": "false", **params},
        accept_statuses=(200, 201, 301),
        timeout=ARCHIVE_SECONDS,
    )
    return _address_in(answer, "archive")


def move(connection: Connection, one: Received, project: str) -> str:
    """Give a session to another project; its new address in the prearchive."""
    answer = connection.write(
        "POST",
        _path(one),
        params={"action": "move", "newProject": project},
        accept_statuses=(200, 301),
        timeout=ARCHIVE_SECONDS,
    )
    return _address_in(answer, "prearchive")


def build(connection: Connection, one: Received) -> None:
    """Have the session's document made from its files, be it still receiving; this never archives it."""
    connection.write("POST", _path(one), params={"action": "build"}, timeout=ARCHIVE_SECONDS)


def delete(connection: Connection, one: Received) -> None:
    """Delete a session with its files. Raises Conflict while the server works on it, Forbidden, Unclear."""
    connection.write("DELETE", _path(one), timeout=ARCHIVE_SECONDS)


def addresses(text: str) -> list[str]:
    """The lines of a `text/uri-list`, which end in CRLF; the prefix `/data` is added where it lacks."""
    return [_with_data(line.strip()) for line in text.splitlines() if line.strip().startswith("/")]


def _path(one: Received) -> str:
    return encode_uri(f"/data{one.url}")


def _with_data(uri: str) -> str:
    return uri if uri.startswith("/data/") else f"/data{uri}"


def _rows(table: Table) -> list[Received]:
    """Raises BadAnswer for a row that does not say where its session is, or what is going on with it."""
    for row in table:
        row.required("status")
        if not says(row["url"]):
            row.required("timestamp")
            row.required("folderName", "name")
    return [Received.of({column: row[column] for column in table.columns}) for row in table]


def _totals(connection: Connection, one: Received) -> dict[str, tuple[int | None, int | None]]:
    held: dict[str, list[tuple[int | None, int | None]]] = {}
    for row in connection.table(f"{_path(one)}/resources", "cat_id"):
        counts = number_or_none(row["file_count"]), number_or_none(row["file_size"])
        held.setdefault(_owner(row), []).append(counts)
    return {
        scan: (total(count for count, _ in rows), total(size for _, size in rows))
        for scan, rows in held.items()
    }


def _owner(row: Row) -> str:
    """The scan's ID; what stands at the session itself has none. Raises BadAnswer for a scan without."""
    return row.required("cat_id") if row["category"] in ("scans", "scan") else row["cat_id"]


def _uids(connection: Connection, one: Received) -> dict[str, str]:
    """Scan ID → series instance UID, from the session's document; none while it is not built (404)."""
    try:
        document = item_xml.ask(connection, _path(one), item_xml.parse)
    except NotFound:
        return {}
    found: dict[str, str] = {}
    for element in document.iter("{*}scan"):
        found[element.get("ID", "")] = element.get("UID", "")
    return found


def _address_in(answer: Answer, part: str) -> str:
    found = addresses(answer.text)
    if not found or f"/{part}/" not in found[0]:
        raise BadAnswer("The server does not say where the session is now.", "Look at both lists.")
    return found[0]
