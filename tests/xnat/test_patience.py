"""A hiccup is asked about again, a definite refusal is not, and a server that means it is soon believed."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from xnat_tui.errors import BadAnswer, Interrupted, NotXnat, ServerError, ServerUnreachable, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.documents.writing import read_item
from xnat_tui.xnat.http.connection import Connection

LISTING = '{"ResultSet":{"Result":[{"ID":"P1"}],"totalRecords":"1"}}'
DOCUMENT = '{"items":[{"children":[],"data_fields":{"ID":"E1"},"meta":{"xsi:type":"xnat:mrSessionData"}}]}'
XML = '<xnat:MRSession ID="E1" xmlns:xnat="http://nrg.wustl.edu/xnat"></xnat:MRSession>'
SESSION = Item(Kind.EXPERIMENT, "E1", "E1", uri="/data/experiments/E1")
READS = {
    "listing": (LISTING, lambda connection: connection.table("/data/experiments/E1")),
    "document": (DOCUMENT, lambda connection: documents.read(connection, SESSION)),
    "xml": (XML, lambda connection: read_item(connection, SESSION.uri)),
}
ROUTE = "GET /data/experiments/E1"
HICCUPS = ["500", "nothing", "cut", "cut where nobody tells", "garbage", "a page"]


def order(liar: Any, hiccup: str, body: str) -> None:
    match hiccup:
        case "500":
            liar.on(ROUTE, "<html><h3>broken</h3></html>", 500, content_type="text/html")
        case "nothing":
            liar.on(ROUTE, "")
        case "cut":
            liar.on(ROUTE, body[:-9], announced=len(body))
        case "cut where nobody tells":
            liar.on(ROUTE, body[:-9], chunked=True)
        case "garbage":
            liar.on(ROUTE, "\x00\x01garbage")
        case "a page":
            liar.on(ROUTE, "<html><body>Maintenance", content_type="text/html")


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("hiccup", HICCUPS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_hiccup_is_asked_about_again(
    liar: Any, connection: Connection, hiccup: str, read: str, times: int
) -> None:
    body, ask = READS[read]
    for _ in range(times):
        order(liar, hiccup, body)
    liar.on(ROUTE, body)
    ask(connection)
    assert len(liar.calls(ROUTE)) == times + 1


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("hiccup", HICCUPS)
def test_what_stays_unreadable_is_unreadable(
    liar: Any, connection: Connection, hiccup: str, read: str
) -> None:
    body, ask = READS[read]
    order(liar, hiccup, body)
    with pytest.raises((BadAnswer, ServerError, NotXnat)):
        ask(connection)
    assert len(liar.calls(ROUTE)) == 3 + (hiccup == "a page"), "one more after signing in again"


@pytest.mark.parametrize("status", [400, 403, 404, 422, 501])
def test_a_definite_refusal_is_not_asked_for_again(liar: Any, connection: Connection, status: int) -> None:
    liar.on(ROUTE, b"", status)
    with pytest.raises(XnatTuiError):
        connection.table(SESSION.uri)
    assert len(liar.calls(ROUTE)) == 1


def test_a_missing_column_is_not_asked_for_again(liar: Any, connection: Connection) -> None:
    liar.on(ROUTE, LISTING)
    with pytest.raises(BadAnswer, match="lacks the column"):
        connection.table(SESSION.uri, "label")
    assert len(liar.calls(ROUTE)) == 1


def test_where_asking_again_does_not_help_it_ends_until_it_helps(liar: Any, connection: Connection) -> None:
    def ask(name: str) -> int:
        with pytest.raises(ServerError):
            connection.get_json(f"/data/experiments/{name}")
        return len(liar.calls(f"GET /data/experiments/{name}"))

    for name in "ABCDEFG":
        liar.on(f"GET /data/experiments/{name}", b"", 500)
    liar.on("GET /data/subjects/S", b"", 500)
    assert [ask(name) for name in "ABCDE"] == [3, 3, 3, 1, 1]
    with pytest.raises(ServerError):
        connection.get_json("/data/subjects/S")
    assert len(liar.calls("GET /data/subjects/S")) == 3, "another kind of question"
    liar.on(ROUTE, DOCUMENT)
    documents.read(connection, SESSION)
    assert [ask(name) for name in "FG"] == [3, 3]


def test_a_pause_ends_when_it_is_interrupted(
    liar: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 1000.0)
    liar.on(ROUTE, b"", 500)
    connection.on_wait = lambda _seconds, _reason: connection.interrupt()
    with pytest.raises(Interrupted):
        connection.get_json(SESSION.uri)
    assert len(liar.calls(ROUTE)) == 1


def test_a_search_is_a_read(liar: Any, connection: Connection) -> None:
    liar.on("POST /data/search", b"", 500)
    liar.on("POST /data/search", LISTING)
    assert len(connection.search(b"<x/>")) == 1
    liar.on("POST /data/other", b"", 500)
    with pytest.raises(ServerError):
        connection.write("POST", "/data/other", body=b"<x/>")
    assert len(liar.calls("POST /data/other")) == 1


def test_listings_are_waited_for_longer_than_documents_and_longer_after_each_time_out(
    liar: Any, connection: Connection
) -> None:
    held = threading.Event()
    liar.on(ROUTE, LISTING, hold=held)
    waited = connection.listing_seconds
    assert waited >= 120 > connection.patience.seconds
    connection.patience = replace(connection.patience, seconds=0.05, listing_seconds=0.2, most_seconds=0.3)
    for ask in (connection.get_json, connection.table):
        with pytest.raises(ServerUnreachable, match="in time"):
            ask(SESSION.uri)
    held.set()
    assert connection.grow_patience(0.2)
    assert connection.listing_seconds == 0.3
    assert connection.grow_patience(0.2), "met by another thread"
    assert not connection.grow_patience(0.3)
    assert connection.listing_seconds == 0.3
