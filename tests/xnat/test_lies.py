"""Every question of the gateway meets every kind of nonsense: an error that says so, never a made-up fact."""

from __future__ import annotations

import gc
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xnat_tui.errors import BadAnswer, NotXnat, ServerUnreachable, SessionExpired, Unclear, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.prearchive import Received
from xnat_tui.xnat.actions import demographics, prearchive, sharing, users, workflows
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.files import dicom
from xnat_tui.xnat.http import access
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables import listing
from xnat_tui.xnat.tables.bulk import ProjectQuestions
from xnat_tui.xnat.tables.bulk_sessions import SessionQuestions

Ask = Callable[[Connection], object]
PROJECT = Item(Kind.PROJECT, "P", "P", uri="/data/projects/P")
SUBJECT = Item(Kind.SUBJECT, "S", "X_S1", uri="/data/subjects/X_S1")
SESSION = Item(Kind.EXPERIMENT, "E", "X_E1", type="xnat:mrSessionData", uri="/data/experiments/X_E1")
RESOURCE = Item(Kind.RESOURCE, "DICOM", "7", uri="/data/experiments/X_E1/resources/7")
RECEIVED = Received("P", "S", "E", "E", "20240101_101010123", "READY", url="/prearchive/projects/P/2024/E")

LISTINGS: dict[str, Ask] = {
    "projects": listing.projects,
    "subjects": lambda one: listing.subjects(one, PROJECT),
    "experiments": lambda one: listing.experiments(one, PROJECT, SUBJECT),
    "resources": lambda one: listing.resources(one, SESSION),
    "files": lambda one: listing.files(one, RESOURCE),
    "rights": access.own_access,
    "bulk subjects": lambda one: ProjectQuestions(one, PROJECT).subjects(),
    "bulk subject resources": lambda one: ProjectQuestions(one, PROJECT).subject_resources(),
    "bulk experiments": lambda one: ProjectQuestions(one, PROJECT).experiments(),
    "owned": lambda one: ProjectQuestions(one, PROJECT).owned(),
    "sessions": lambda one: SessionQuestions(one, PROJECT).sessions(),
    "scans": lambda one: SessionQuestions(one, PROJECT).scans(),
    "parameters": lambda one: SessionQuestions(one, PROJECT).parameters(
        "xnat:mrSessionData", "xnat:mrScanData"
    ),
    "assessors": lambda one: SessionQuestions(one, PROJECT).assessors(),
    "assessors' files": lambda one: SessionQuestions(one, PROJECT).assessor_files("out"),
    "reconstructions": lambda one: SessionQuestions(one, PROJECT).reconstructions_in(),
    "received": prearchive.sessions,
    "received of a project": lambda one: prearchive.sessions(one, "P"),
    "received scans": lambda one: prearchive.scans(one, RECEIVED),
    "received holdings": lambda one: prearchive.holdings(one, RECEIVED),
    "received files": lambda one: prearchive.files(one, RECEIVED, "1", "DICOM"),
    "archiving problems": lambda one: prearchive.problems(one, RECEIVED, {}),
    "where shared": lambda one: sharing.projects_of(one, SESSION.uri),
    "subject labels": lambda one: sharing.subject_labels(one, "P"),
    "experiment labels": lambda one: sharing.experiment_labels(one, "P"),
    "members": lambda one: users.members(one, "P"),
    "accessibility": lambda one: users.accessibility(one, "P"),
    "accounts": users.accounts,
    "people": lambda one: demographics.people(one, "P"),
    "workflows": lambda one: workflows.search(one, project="P"),
}
DOCUMENTS: dict[str, Ask] = {
    "project": lambda one: documents.read(one, PROJECT),
    "subject": lambda one: documents.read(one, SUBJECT),
    "session": lambda one: documents.read(one, SESSION),
    "demographics": lambda one: demographics.read(one, "P", "S"),
    "item as XML": lambda one: writing.read_item(one, SESSION.uri),
    "header": lambda one: dicom.read_header(one, f"{RESOURCE.uri}/files/1.dcm"),
}

ROWS = '{"ResultSet":{"Result":[{"ID":"1","label":"a"},{"ID":"2","label":"b"}],"totalRecords":"2"}}'
SIGN_IN = b'<!DOCTYPE html><!-- BEGIN xnat-templates/screens/Login.vm --><input type="password">'
NONSENSE: dict[str, dict[str, Any]] = {
    "nothing": {"body": b""},
    "nothing as a page": {"body": b"", "content_type": "text/html;charset=UTF-8"},
    "blanks": {"body": b" \r\n\t" * 2_500},
    "plain text": {"body": b"Internal problem", "content_type": "text/plain"},
    "XML": {"body": b"<ResultSet><results/></ResultSet>", "content_type": "text/xml"},
    "a page": {"body": b"<html><body>Maintenance", "content_type": "text/html"},
    "an item without content": {"body": b'{"items":[]}'},
    "null": {"body": b"null"},
    "a number": {"body": b"1"},
    "a list": {"body": b"[]"},
    "an empty object": {"body": b"{}"},
    "no rows": {"body": b'{"ResultSet":{"totalRecords":"0"}}'},
    "rows that are no list": {"body": b'{"ResultSet":{"Result":{}}}'},
    "rows that are texts": {"body": b'{"ResultSet":{"Result":["a","b"]}}'},
    "rows that are lists": {"body": b'{"ResultSet":{"Result":[["ID","1"]]}}'},
    "cut in a row": {"body": ROWS[:50].encode()},
    "cut after the rows": {"body": ROWS[:66].encode()},
    "cut before the last brace": {"body": ROWS[:-1].encode()},
    "more rows announced": {"body": ROWS.replace('"2"}}', '"3"}}').encode()},
    "an error after the listing": {"body": ROWS.encode() + b"<html>Error 500</html>"},
    "two listings in one": {"body": b'{"ResultSet":{"Result":[{"ID":"1"}],"Result":[]}}'},
    "rows without names": {"body": b'{"ResultSet":{"Result":[{}],"totalRecords":"1"}}'},
    "rows of something else": {"body": b'{"ResultSet":{"Result":[{"x":"y"}],"totalRecords":"1"}}'},
    "a wrong length": {"body": ROWS.encode(), "announced": len(ROWS) + 10},
    "gzip that is none": {"body": ROWS.encode(), "headers": {"Content-Encoding": "gzip"}},
    "gzip that ends early": {
        "body": gzip.compress(ROWS.encode())[:-20],
        "headers": {"Content-Encoding": "gzip"},
        "chunked": True,
    },
    "a deep hole": {"body": b"[" * 100_000},
}


@pytest.fixture
def unsearched() -> Iterator[None]:
    """No search for garbage: where lists stand too deep, Hypothesis's callback of it finds no stack left."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("unsearched")
@pytest.mark.parametrize("lie", NONSENSE)
def test_no_nonsense_is_taken_for_an_answer(liar: Any, connection: Connection, lie: str) -> None:
    liar.always = liar.on("GET /never", **NONSENSE[lie])
    believed: dict[str, object] = {}
    said: list[str] = []
    for name, ask in {**LISTINGS, **DOCUMENTS}.items():
        try:
            believed[name] = ask(connection)
        except XnatTuiError as error:
            said.append(error.message)
    assert believed == {}
    assert all(said)


@pytest.mark.parametrize(
    "body",
    [
        b" " * 10_000_000,
        b"\xef\xbb\xbf\r\n <!DOCTYPE html><html>Maintenance",
        b"\n" * 3000 + b"<HTML><body>Maintenance",
    ],
    ids=["10 MB of blanks", "a page in disguise", "a page far down"],
)
def test_hidden_pages_are_pages_however_they_are_asked_for(
    liar: Any, connection: Connection, body: bytes
) -> None:
    liar.on("GET /data/x", body)
    for ask in (connection.table, connection.get_json):
        with pytest.raises((NotXnat, BadAnswer)):
            ask("/data/x")
    if b"<" in body:
        liar.on("GET /data/x.dcm", body + SIGN_IN, content_type="application/octet-stream")
        with pytest.raises(SessionExpired), connection.download("/data/x.dcm"):
            pass


@pytest.mark.parametrize("question", LISTINGS | DOCUMENTS)
def test_a_sign_in_page_with_200_is_never_an_answer(liar: Any, connection: Connection, question: str) -> None:
    liar.always = liar.on("GET /never", SIGN_IN, content_type="text/html")
    with pytest.raises(SessionExpired):
        (LISTINGS | DOCUMENTS)[question](connection)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "items",
                    "children",
                    "data_fields",
                    "meta",
                    "field",
                    "xsi:type",
                    "ID",
                    "scans/scan",
                    "file",
                    "label",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(JSON, st.sampled_from((PROJECT, SUBJECT, SESSION)))
def test_a_document_of_any_shape_is_read_or_refused(answer: Any, item: Item) -> None:
    for shape in (answer, {"items": [answer]}, {"items": [{"data_fields": {}, "children": answer}]}):
        with suppress(BadAnswer):
            read = documents.parse(json.loads(json.dumps(shape)), item)
            assert all(isinstance(value, str) for value in read.fields.values())


Dial = Callable[..., Connection]


def test_what_is_only_odd_is_read_right(liar: Any, connection: Connection) -> None:
    for body, more in (
        (gzip.compress(ROWS.encode()), {"headers": {"Content-Encoding": "gzip"}}),
        (gzip.compress(ROWS.encode()), {"headers": {"Content-Encoding": "gzip"}, "chunked": True}),
        (b"\xef\xbb\xbf" + ROWS.encode(), {}),
        (b" " * 10_000_000 + ROWS.encode() + b"\n\n", {}),
        (ROWS.replace('"a"', '"\x00a"').encode(), {}),
        (ROWS.encode(), {"content_type": "text/plain"}),
    ):
        liar.always = liar.on("GET /never", body, **more)
        liar.on("GET /never")
        labels = [row["label"].strip("\x00") for row in connection.table("/data/x")]
        assert labels == ["a", "b"]


def test_bytes_that_are_no_utf_8_stay_different(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/x", ROWS.replace('"a"', '"Mu\xf1oz"').replace('"b"', '"Mu\xf2oz"').encode("latin-1"))
    assert [row["label"] for row in connection.table("/data/x")] == ["Mu\\xf1oz", "Mu\\xf2oz"]


GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(ROWS),
    ROWS.encode(),
)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(ROWS), ROWS.encode())
)


@pytest.mark.parametrize("answer", [GOOD, CHUNKED], ids=["with a length", "chunked"])
def test_a_read_whose_connection_is_reset_at_any_byte_is_right_or_an_error(
    liar: Any, connection: Connection, answer: bytes
) -> None:
    right = 0
    for length in range(0, len(answer), 7):
        route = f"GET /data/{length}"
        liar.on(route, raw=answer[:length])
        liar.on(route, ROWS)
        with suppress(XnatTuiError):
            assert len(connection.table(f"/data/{length}")) == 2
            right += 1
    assert right


def test_a_write_whose_connection_is_reset_at_any_byte_may_have_happened(
    liar: Any, connection: Connection
) -> None:
    told, body = GOOD.index(b"\r\n") - 2, GOOD.index(b"\r\n\r\n") + 4
    for length in [*range(0, told - 2, 3), *range(body, len(GOOD), 9)]:
        liar.on(f"PUT /data/{length}", raw=GOOD[:length])
        with pytest.raises(Unclear):
            connection.write("PUT", f"/data/{length}")
        assert len(liar.calls(f"PUT /data/{length}")) == 1


def test_what_follows_no_protocol_is_no_answer(liar: Any, connection: Connection) -> None:
    for number, raw in enumerate(
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\n[1,2]",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        )
    ):
        liar.on(f"GET /data/{number}", raw=raw)
        with pytest.raises(XnatTuiError):
            connection.table(f"/data/{number}")


@pytest.mark.parametrize(
    "location",
    [
        *("http://[::1/data/y", "http://127.0.0.1:port/data/y", "http://127.0.0.1:99999/data/y"),
        *("//localhost/data/y", "http://localhost/data/y", "ftp://127.0.0.1/y", "https:///y", "http://@/y"),
    ],
)
def test_a_redirect_that_leads_astray_is_not_followed(
    liar: Any, connection: Connection, location: str
) -> None:
    liar.on("GET /data/x", b"", 302, headers={"Location": location})
    with pytest.raises(ServerUnreachable):
        connection.table("/data/x")
    assert liar.seen[-1].path == "/data/x?format=json"


@pytest.mark.parametrize(
    "location", ["http://[::1/", "http://127.0.0.1:port/", "//localhost/app/template/Login.vm"]
)
def test_a_front_page_that_leads_astray_changes_nothing(liar: Any, dial: Dial, location: str) -> None:
    liar.on("GET /", b"", 302, headers={"Location": location})
    assert dial().url == liar.url


def test_a_web_page_is_no_proof_of_a_write(liar: Any, connection: Connection) -> None:
    for page in (b"<html><body><h3>Maintenance", b"\n\n<!DOCTYPE html><html lang='en'><body>Welcome"):
        liar.on("PUT /data/x", page, content_type="text/html")
        with pytest.raises(Unclear, match="web page"):
            connection.write("PUT", "/data/x")
    table = (
        b'<html xmlns="http://www.w3.org/1999/xhtml"><body><table><tr><td>P</td></tr></table></body></html>'
    )
    for number, own in enumerate((table, b"", b'{"duplicates":["a"]}')):
        liar.on(f"PUT /data/{number}", own, content_type="text/html")
        assert connection.write("PUT", f"/data/{number}").body == own


def test_a_server_that_comes_back_is_signed_in_to_when_it_can(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", ROWS)
    liar.on("PUT /data/services/auth", status=503)
    liar.on("PUT /data/services/auth", status=502)
    liar.on("PUT /data/services/auth", itself=True)
    liar.forget_sessions()
    assert len(connection.table("/data/projects")) == 2


def test_a_page_about_maintenance_does_not_end_a_connection(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", ROWS)
    liar.on("PUT /data/services/auth", "<html>Maintenance", content_type="text/html")
    liar.on("PUT /data/services/auth", itself=True)
    liar.forget_sessions()
    with pytest.raises(SessionExpired, match="web page"):
        connection.table("/data/projects")
    assert len(connection.table("/data/projects")) == 2


def test_a_guest_is_not_told_to_sign_in_by_a_proxys_page(liar: Any, dial: Dial) -> None:
    liar.sessions.add("GUESTSESSION")
    liar.expired.status, liar.expired.body, liar.expired.content_type = 200, b"GUESTSESSION", "text/plain"
    liar.on("GET /data/auth", b"User 'guest' is logged in")
    guest = dial(None)
    liar.on("GET /data/projects", "<html>Maintenance", content_type="text/html")
    with pytest.raises(NotXnat, match="web page"):
        guest.table("/data/projects")
