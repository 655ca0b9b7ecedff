"""Every reader of a row or document, with every key that it needs blank, absent, null and of another type.

Such an answer is wrong: an error that names the key at that node. What else the answer told stays known.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.prearchive import Received
from xnat_tui.services.transfers import preflight
from xnat_tui.xnat.actions import demographics, prearchive, sharing, users, workflows
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.http import access
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables import listing
from xnat_tui.xnat.tables.bulk import ProjectQuestions
from xnat_tui.xnat.tables.bulk_sessions import ASSESSOR_COLUMNS, SCAN_FIELDS, SessionQuestions

PROJECT = Item(Kind.PROJECT, "P", "P", uri="/data/projects/P")
SUBJECT = Item(Kind.SUBJECT, "S", "X_S1", uri="/data/subjects/X_S1")
SESSION = Item(Kind.EXPERIMENT, "E", "X_E1", type="xnat:mrSessionData", uri="/data/experiments/X_E1")
RESOURCE = Item(Kind.RESOURCE, "DICOM", "7", uri="/data/experiments/X_E1/resources/7", files=2)
RECEIVED = Received("P", "S", "E", "E", "20240101_101010123", "READY", url="/prearchive/projects/P/2024/E")

Ask = Callable[[Connection], object]


@dataclass
class Reader:
    """`needs` are the keys without which a row says nothing, each with where else it may stand."""

    ask: Ask
    row: dict[str, Any]
    needs: list[tuple[str, ...]] = field(default_factory=list)


SUBJECT_ROW = {"ID": "X_S1", "URI": "/data/subjects/X_S1", "label": "S1", "project": "P"}
SESSION_ROW = {
    "ID": "X_E1",
    "session_ID": "X_E1",
    "URI": "/data/experiments/X_E1",
    "label": "E1",
    "project": "P",
    "subject_ID": "X_S1",
    "subject_label": "S1",
    "xsiType": "xnat:mrSessionData",
}
WHO = ("URI", "ID")
_ASSESSOR = "xnat:imageassessordata"
ASSESSOR_CELLS = {
    **dict.fromkeys(ASSESSOR_COLUMNS.values(), ""),
    **{f"{_ASSESSOR}/fields/field/{name}": "" for name in ("name", "field")},
    **{f"{_ASSESSOR}/sharing/share/{name}": "" for name in ("project", "label")},
}


def columns(path: str, **cells: str) -> dict[str, str]:
    names = ("xnat_abstractresource_id", "label", "format", "content", "file_count", "file_size")
    return {f"{path}/{name}".lower(): cells.get(name, "") for name in names}


SCANS = {
    **SESSION_ROW,
    "xnat:imagescandata/id": "1",
    "xnat:imagescandata/xnat_imagescandata_id": "5",
    **columns("xnat:imageScanData/file", xnat_abstractresource_id="7", label="DICOM", file_count="2"),
}
RECEIVED_ROW = {
    "project": "P",
    "timestamp": "20240101_101010123",
    "folderName": "E",
    "name": "E",
    "status": "READY",
    "url": "/prearchive/projects/P/20240101_101010123/E",
}
VARIABLE = "xnat:subjectdata/fields/field"

ROWS: dict[str, Reader] = {
    "projects": Reader(listing.projects, {"ID": "P", "name": "Title"}, [("ID",)]),
    "subjects": Reader(lambda one: listing.subjects(one, PROJECT), SUBJECT_ROW, [WHO]),
    "experiments": Reader(lambda one: listing.experiments(one, PROJECT, SUBJECT), SESSION_ROW, [WHO]),
    "resources": Reader(
        lambda one: listing.resources(one, SESSION),
        {"xnat_abstractresource_id": "7", "label": "DICOM", "format": "DICOM"},
        [("xnat_abstractresource_id",)],
    ),
    "files": Reader(
        lambda one: listing.files(one, RESOURCE),
        {"Name": "1.dcm", "URI": "/data/experiments/X_E1/resources/7/files/1.dcm", "cat_ID": "7"},
        [("URI",)],
    ),
    "rights": Reader(access.own_access, {"id": "P", "user_role_1": "Owners"}, [("id",)]),
    "bulk subjects": Reader(lambda one: ProjectQuestions(one, PROJECT).subjects(), SUBJECT_ROW, [WHO]),
    "bulk subject resources": Reader(
        lambda one: ProjectQuestions(one, PROJECT).subject_resources(),
        {
            **SUBJECT_ROW,
            **columns("xnat:subjectData/resources/resource", xnat_abstractresource_id="7", label="R"),
        },
        [WHO, ("xnat:subjectdata/resources/resource/xnat_abstractresource_id",)],
    ),
    "bulk experiments": Reader(
        lambda one: ProjectQuestions(one, PROJECT).experiments(), SESSION_ROW, [WHO, ("subject_ID",)]
    ),
    "owned": Reader(
        lambda one: ProjectQuestions(one, PROJECT).owned(),
        {**SESSION_ROW, **columns("xnat:experimentData/resources/resource")},
        [WHO],
    ),
    "sessions": Reader(
        lambda one: SessionQuestions(one, PROJECT).sessions(),
        SESSION_ROW,
        [WHO, ("project",), ("subject_ID",)],
    ),
    "scans": Reader(
        lambda one: SessionQuestions(one, PROJECT).scans(),
        SCANS | {f"xnat:imagescandata/{name.lower()}": "" for name in SCAN_FIELDS},
        [WHO, ("xnat:imagescandata/id",)],
    ),
    "assessors": Reader(
        lambda one: SessionQuestions(one, PROJECT).assessors(),
        SESSION_ROW | ASSESSOR_CELLS,
        [WHO, ("session_ID",)],
    ),
    "received": Reader(
        prearchive.sessions,
        RECEIVED_ROW,
        [("status",), ("url", "timestamp"), ("url", "folderName", "name")],
    ),
    "received scans": Reader(
        lambda one: prearchive.scans(one, RECEIVED),
        {"ID": "1", "cat_id": "1", "category": "scans", "label": "DICOM"},
        [("ID",), ("cat_id",)],
    ),
    "received holdings": Reader(
        lambda one: prearchive.holdings(one, RECEIVED),
        {"cat_id": "1", "category": "scans", "label": "DICOM"},
        [("cat_id",)],
    ),
    "received files": Reader(
        lambda one: prearchive.files(one, RECEIVED, "1", "DICOM"),
        {"Name": "1.dcm", "URI": "/data/prearchive/projects/P/2024/E/1.dcm"},
        [("Name",), ("URI",)],
    ),
    "archiving problems": Reader(
        lambda one: prearchive.problems(one, RECEIVED, {}), {"code": "1", "type": "conflict"}, [("type",)]
    ),
    "projects to choose from": Reader(prearchive.projects, {"ID": "P"}, [("ID",)]),
    "where shared": Reader(
        lambda one: sharing.projects_of(one, SESSION.uri), {"ID": "P", "label": "E", "Name": "T"}, [("ID",)]
    ),
    "subject labels": Reader(lambda one: sharing.subject_labels(one, "P"), SUBJECT_ROW, [WHO]),
    "experiment labels": Reader(lambda one: sharing.experiment_labels(one, "P"), SESSION_ROW, [WHO]),
    "members": Reader(
        lambda one: users.members(one, "P"),
        {"login": "olga", "GROUP_ID": "P_owner", "displayname": "Owners"},
        [("login",), ("GROUP_ID",)],
    ),
    "accounts": Reader(users.accounts, {"login": "olga", "email": "o@x"}, [("login",)]),
    "people": Reader(
        lambda one: demographics.people(one, "P"),
        {**SUBJECT_ROW, f"{VARIABLE}/name": "site", f"{VARIABLE}/field": "3"},
        [WHO, (f"{VARIABLE}/name",)],
    ),
    "workflows": Reader(
        lambda one: workflows.search(one, project="P"),
        {
            "workflow_id": "1",
            "wrk_workflowdata_id": "1",
            "id": "X_E1",
            "status": "Queued",
            "pipeline_name": "xnat_tools/AutoRun.xml",
            "launch_time": "2024-01-01 10:00:00.0",
        },
        [("workflow_id", "wrk_workflowdata_id", "id", "pipeline_name", "launch_time")],
    ),
}
ABSENT = object()
WRONG = {
    "blank": "",
    "blanks": " \n",
    "absent": ABSENT,
    "null": None,
    "true": True,
    "a list": [],
    "an object": {},
}
CASES = [
    pytest.param(reader, keys, how, id=f"{reader}-{'+'.join(keys)}-{how}")
    for reader, one in ROWS.items()
    for keys in one.needs
    for how in (*WRONG, "a fraction")
]


def spoilt(cells: dict[str, Any], keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    found = dict(cells)
    for key in keys:
        if value is ABSENT:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def answer(rows: list[dict[str, Any]]) -> str:
    return json.dumps({"ResultSet": {"Result": rows}})


def outcome(ask: Ask, connection: Connection) -> tuple[XnatTuiError | None, Any]:
    """The error, raised or at the listing's node, and what was read besides."""
    try:
        found = ask(connection)
    except BadAnswer as error:
        return error, None
    return (found.error, found.items) if isinstance(found, Listing) else (None, found)


@pytest.mark.parametrize("reader", ROWS)
def test_the_whole_row_is_read(liar: Any, connection: Connection, reader: str) -> None:
    liar.always = liar.on("GET /never", answer([ROWS[reader].row]))
    liar.on("GET /data/prearchive/projects/P/2024/E", b"<html><h3>no</h3></html>", 404)
    error, found = outcome(ROWS[reader].ask, connection)
    assert error is None or "counts 2 files" in error.message
    assert found


@pytest.mark.parametrize(("reader", "keys", "how"), CASES)
def test_a_row_without_what_it_must_have_is_a_named_error(
    liar: Any, connection: Connection, reader: str, keys: tuple[str, ...], how: str
) -> None:
    one = ROWS[reader]
    value = 1.5 if how == "a fraction" else WRONG[how]
    liar.on("GET /data/prearchive/projects/P/2024/E", b"<html><h3>no</h3></html>", 404)
    other = {**one.row, "URI": f"{one.row['URI']}2"} if "URI" in one.row else one.row
    broken = spoilt(other, keys, value)
    for rows in ([broken], [one.row, broken, one.row]):
        liar.always = liar.on("GET /never", answer(rows))
        error, _ = outcome(one.ask, connection)
        assert error is not None
        said = error.message.lower()
        named = {part for key in keys for part in (key.lower(), key.lower().rpartition("/")[2])}
        assert any(name in said for name in named) or "without its" in said, error.message


@pytest.mark.parametrize("reader", ["projects", "subjects", "resources", "files"])
def test_one_broken_row_hides_no_other(liar: Any, connection: Connection, reader: str) -> None:
    one = ROWS[reader]
    (keys,) = one.needs
    liar.always = liar.on("GET /never", answer([one.row, spoilt(one.row, keys, ""), one.row]))
    error, found = outcome(one.ask, connection)
    assert error is not None
    assert "no " in error.message
    assert len(found) == 2


def test_what_stands_elsewhere_is_read_there(liar: Any, connection: Connection) -> None:
    liar.always = liar.on("GET /never", answer([{**SUBJECT_ROW, "URI": ""}]))
    assert [item.id for item in listing.subjects(connection, PROJECT).items] == ["X_S1"]


def test_a_whole_number_may_come_as_one(liar: Any, connection: Connection) -> None:
    liar.always = liar.on("GET /never", answer([{"xnat_abstractresource_id": 7, "label": "DICOM"}]))
    (found,) = listing.resources(connection, SESSION).items
    assert (found.id, found.uri) == ("7", "/data/experiments/X_E1/resources/7")


def test_workflows_without_a_number_are_kept_and_none_is_taken_for_another(
    liar: Any, connection: Connection
) -> None:
    full = ROWS["workflows"].row
    values: list[object] = ["", None, True, {}]
    for value in values:
        bare = {**full, "workflow_id": value, "wrk_workflowdata_id": value}
        liar.always = liar.on("GET /never", answer([full, bare, bare]))
        found = workflows.search(connection, project="P")
        assert sorted(one.id for one in found) == ["", "", "1"]
        assert len({one.key for one in found}) == 3
    liar.always = liar.on("GET /never", answer([{**full, "workflow_id": ""}]))
    assert [one.id for one in workflows.search(connection, project="P")] == ["1"]


def test_a_list_of_data_types_with_a_nameless_one_is_unknown(liar: Any, connection: Connection) -> None:
    values: list[object] = ["", None, {}]
    for value in values:
        liar.always = liar.on(
            "GET /never", answer([{"ELEMENT_NAME": "xnat:mrSessionData"}, {"ELEMENT_NAME": value}])
        )
        assert preflight.data_types(connection).elements is None


# documents


def record(children: dict[str, list[Any]] | None = None, xsi: str = "", **fields: Any) -> dict[str, Any]:
    below = [{"field": name, "items": items} for name, items in (children or {}).items()]
    return {"children": below, "data_fields": fields, "meta": {"xsi:type": xsi}}


def resource(number: Any = 7) -> dict[str, Any]:
    return record(label="DICOM", xnat_abstractresource_id=number, file_count=1)


def session_document() -> dict[str, Any]:
    scan = record({"file": [resource()]}, "xnat:mrScanData", ID="1", xnat_imagescandata_id=5)
    other = record({"file": [resource(8)]}, "xnat:mrScanData", ID="2", xnat_imagescandata_id=6)
    assessor = record({"out/file": [resource(9)], "in/file": [resource(10)]}, "x:y", ID="X_A1", label="A")
    reconstruction = record({"out/file": [resource(11)]}, ID="R1")
    variable = record(name="site", field="3")
    children = {
        "scans/scan": [scan, other],
        "assessors/assessor": [assessor],
        "reconstructions/reconstructedImage": [reconstruction],
        "resources/resource": [resource(12)],
        "fields/field": [variable],
    }
    return {"items": [record(children, "xnat:mrSessionData", ID="X_E1", label="E")]}


def key_places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Where each required key stands in a document."""
    found: list[tuple[tuple[Any, ...], str]] = []
    if isinstance(node, dict):
        fields = node.get("data_fields", {})
        for key in ("ID", "xnat_abstractresource_id", "name"):
            if key in fields:
                found.append(((*path, "data_fields"), key))
        for name, value in node.items():
            found += key_places(value, (*path, name))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            found += key_places(value, (*path, number))
    return found


PLACES = key_places(session_document())


@pytest.mark.parametrize("how", [*WRONG, "a fraction"])
@pytest.mark.parametrize("number", range(len(PLACES)))
def test_a_document_without_a_key_names_it_where_it_lacks(number: int, how: str) -> None:
    path, key = PLACES[number]
    value = 1.5 if how == "a fraction" else WRONG[how]
    document = copy.deepcopy(session_document())
    target: Any = document
    for step in path:
        target = target[step]
    if value is ABSENT:
        del target[key]
    else:
        target[key] = value
    if len(path) == 3:  # the session's own: its label still says whose document it is
        target.pop("label")
    errors: list[XnatTuiError] = []
    items: list[Item] = []
    try:
        found = documents.parse(document, SESSION)
    except BadAnswer as error:
        errors.append(error)
    else:
        errors = [one.error for one in found.below.values() if one.error is not None]
        items = [item for one in found.below.values() for item in one.items]
    (told,) = errors
    assert key in told.message or "custom variable" in told.message
    if items:
        assert len(items) >= 6  # all but the broken one and what stands below it


@pytest.mark.parametrize("how", ["ID=''", "ID=' '", ""])
def test_an_xml_document_without_a_key_names_it(how: str) -> None:
    head = f'xmlns:xnat="{item_xml.XNAT}"'
    for outer, inner, read in (
        ("scans", "scan", item_xml.scans),
        ("assessors", "assessor", item_xml.assessors),
        ("reconstructions", "reconstructedImage", item_xml.reconstructions),
    ):
        body = f"<xnat:MRSession {head}><xnat:{outer}><xnat:{inner} {how}/></xnat:{outer}></xnat:MRSession>"
        with pytest.raises(BadAnswer, match="without its ID"):
            read(item_xml.parse(body.encode()))
    with pytest.raises(BadAnswer, match="without its ID"):
        item_xml.accession_id(item_xml.parse(f"<xnat:MRSession {head} {how}/>".encode()))


@pytest.mark.parametrize(
    "text",
    ['{"duplicates": null}', '{"duplicates": 3}', '{"duplicates": [null]}', '{"duplicates": "a"}', "{"],
)
def test_an_upload_whose_answer_is_none_is_no_success(text: str) -> None:
    with pytest.raises(BadAnswer):
        writing.duplicates(text)


def test_a_workflows_document_without_number_or_status(liar: Any, connection: Connection) -> None:
    worthless: list[dict[str, object]] = [{}, {"status": None}, {"status": {}}, {"status": ""}]
    for fields in worthless:
        liar.always = liar.on("GET /never", json.dumps({"items": [{"data_fields": fields}]}))
        with pytest.raises(BadAnswer, match="status"):
            workflows.read(connection, "1")
