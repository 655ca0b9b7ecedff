"""Answers in the shapes of XNAT: ResultSet tables, error pages and plain texts."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus

from starlette.responses import Response, StreamingResponse

JSON = "application/json"
LOGIN_PAGE = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN">\n<html><head>'
    "<title>XNAT Login</title></head><body><!-- BEGIN xnat-templates/screens/Login.vm -->"
    '<form name="form1" method="post" action="/login"><input name="username"/>'
    '<input name="password" type="password"/></form>'
    "<!-- END xnat-templates/screens/Login.vm --></body></html>"
)


class Refusal(Exception):
    """A request that the server refuses; ``/data`` shows the message in an HTML page."""

    def __init__(self, status: int, message: str = "", **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message or HTTPStatus(status).phrase
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(slots=True)
class Table:
    """A list answer: every cell is text; ``total`` says whether ``totalRecords`` is shown."""

    columns: Sequence[str]
    rows: Iterable[Sequence[str]]
    title: str = ""
    total: bool = True
    raw: bool = False
    """Whether control characters are sent as they are: XNAT concatenates its JSON."""
    properties: list[dict[str, str]] = field(default_factory=list)
    envelope: dict[str, str] = field(default_factory=dict)
    """What else stands beside the rows."""


def text(body: str, status: int = 200, media_type: str = "text/plain") -> Response:
    return Response(body, status, media_type=media_type)


def uri_list(uris: Iterable[str], status: int = 200) -> Response:
    """One address per line, each ending in CRLF."""
    return text("".join(f"{uri}\r\n" for uri in uris), status, "text/uri-list")


def json_reply(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type=JSON)


def html(body: str, status: int = 200) -> Response:
    return Response(body, status, media_type="text/html")


def error_page(status: int, message: str) -> Response:
    """What the ``/data`` half answers on errors: the message in the first ``h3``."""
    return html(
        "<html><head><title>Status page</title></head>"
        f'<body style="font-family: sans-serif;"><h3>{escape(message, quote=False)}</h3>'
        "<p>You can get technical details <a "
        'href="http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html">here</a>.<br>'
        'Please continue your visit at our <a href="/">home page</a>.</p></body></html>',
        status,
    )


def table_reply(table: Table, form: str, status: int = 200) -> Response:
    """A table as ``json``, ``csv``, ``xml`` or ``html``."""
    if form == "csv":
        return Response(_csv(table), status, media_type="text/csv")
    if form == "xml":
        return Response(_xml(table), status, media_type="text/xml")
    if form == "html":
        return html(_html(table), status)
    columns = list(table.columns)
    result = [dict(zip(columns, row, strict=True)) for row in table.rows]
    envelope: dict[str, object] = {}
    if table.properties:
        envelope["Columns"] = table.properties
    envelope["Result"] = result
    envelope |= table.envelope
    if table.total:
        envelope["totalRecords"] = str(len(result))
    if table.title:
        envelope["title"] = table.title
    body = json.dumps({"ResultSet": envelope}, ensure_ascii=not table.raw)
    if table.raw:
        body = _ESCAPED.sub(lambda found: _unescaped(found[0]), body)
    return Response(body, status, media_type=JSON)


_ESCAPED = re.compile(r"\\(?:u[0-9a-f]{4}|.)")


def _unescaped(escape: str) -> str:
    """A control character for its escape; quotes and backslashes stay as they are."""
    return escape if escape[1] in '"\\' else str(json.loads(f'"{escape}"'))


def streamed(
    pieces: Iterator[bytes], media_type: str, headers: dict[str, str], status: int = 200
) -> StreamingResponse:
    """A body that never exists whole. Its pieces are made in the server's own thread, as answers are."""
    return StreamingResponse(_in_turn(pieces), status, headers=headers, media_type=media_type)


async def _in_turn(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)  # whether the client is still there is heard in between


def sorted_table(table: Table, by: str, descending: bool) -> Table:
    """The rows sorted in memory by the named columns; unknown names are ignored."""
    names = list(table.columns)
    places = [names.index(name) for name in by.split(",") if name in names]
    if places:
        table.rows = sorted(table.rows, key=lambda row: [row[place] for place in places], reverse=descending)
    return table


def _csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([" ".join(cell.splitlines()) for cell in row])
    return out.getvalue()


def _xml(table: Table) -> str:
    def cell(value: str) -> str:
        return value.replace("<", "&lt;").replace(">", "&gt;")

    rows = list(table.rows)
    columns = "".join(f"<column>{cell(name)}</column>" for name in table.columns)
    body = "".join(
        "<row>" + "".join(f"<cell>{cell(value)}</cell>" for value in row) + "</row>" for row in rows
    )
    return (
        f'<ResultSet totalRecords="{len(rows)}" title="{escape(table.title)}"><results>'
        f"<columns>{columns}</columns><rows>{body}</rows></results></ResultSet>"
    )


def _html(table: Table) -> str:
    head = "".join(f"<TH>{escape(name)}</TH>" for name in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row) + "</tr>" for row in table.rows
    )
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><table>'
        f"<thead><tr>{head}</tr></thead>{body}</table></body></html>"
    )
