"""One request as a handler sees it, and how a handler becomes a route.

A handler is a plain function ``Call -> Response``; it holds the site's lock, so it may read and write the
site freely, and for the same reason no thread of its own: it never waits for anything else, and handing
it over took longer than most answers. It refuses by raising ``Refusal``. Bodies that are streamed
afterwards must not read the site any more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import parse_qsl, unquote, unquote_plus

from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.auth import Caller, LoginPage, authenticate
from xnat_tui.demo.records import User
from xnat_tui.demo.replies import Refusal, Table, error_page, html, sorted_table, table_reply, text
from xnat_tui.demo.site import Site

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
MEMORY_SPOOL = 4 * 1024 * 1024
_MEDIA = {
    "application/json": "json",
    "text/json": "json",
    "text/csv": "csv",
    "text/xml": "xml",
    "application/xml": "xml",
    "text/html": "html",
    "application/zip": "zip",
}
_ENTITIES = (("&", "&amp;"), ("'", "&apos;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;"))


@dataclass(slots=True)
class Upload:
    """The payload of a request; ``name`` is the file name of a multipart part, else ""."""

    file: IO[bytes]
    name: str
    content_type: str
    multipart: bool = False


@dataclass(slots=True)
class Call:
    """A request: ``params`` are first values, XML-escaped as XNAT stores them; ``plain`` are not.

    ``path`` holds the route's variables as they arrived, still percent-encoded.
    """

    site: Site
    caller: Caller
    method: str
    url_path: str
    path: dict[str, str]
    params: dict[str, str]
    plain: dict[str, str]
    repeated: dict[str, list[str]]
    headers: dict[str, str]
    base_url: str
    uploads: list[Upload] = field(default_factory=list)

    @property
    def user(self) -> User:
        return self.caller.user

    def flag(self, name: str) -> bool:
        """Present and neither ``false`` nor ``0``; an empty value counts as true."""
        return self.params.get(name, "false").lower() not in ("false", "0")

    def form(self, default: str = "json") -> str:
        """The representation asked for: ``format=`` wins over ``Accept``."""
        asked = self.params.get("format", "")
        if asked:
            return _MEDIA.get(asked.lower(), asked.lower())
        accept = self.headers.get("accept", "*/*")
        first = accept.split(",")[0].split(";")[0].strip()
        return _MEDIA.get(first, default)

    def table(self, table: Table, default: str = "json", status: int = 200) -> Response:
        """A table in the form asked for, sorted by ``sortBy`` and ``sortOrder``."""
        by = self.params.get("sortBy", "")
        if by:
            sorted_table(table, by, self.params.get("sortOrder", "").upper() == "DESC")
        table.raw = self.site.settings.raw_control_characters
        return table_reply(table, self.form(default), status)

    def body(self) -> bytes:
        """The whole payload; for documents and small files only."""
        if not self.uploads:
            return b""
        self.uploads[0].file.seek(0)
        return self.uploads[0].file.read()


Handler = Callable[[Call], Response]


def escape_parameter(value: str) -> str:
    """What XNAT stores for a parameter's value: XML entities for the five special characters."""
    for character, entity in _ENTITIES:
        value = value.replace(character, entity)
    return value


def decoded(segment: str) -> str:
    """A path variable of the few kinds that XNAT decodes itself, form style."""
    return unquote_plus(segment)


def route(path: str, *, public: bool = False, **handlers: Handler) -> Route:
    """A route whose keyword names are methods; ``public`` ones need no login."""

    async def endpoint(request: Request) -> Response:
        site: Site = request.app.state.site
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        try:
            uploads, pairs = await _payload(request)
        except (MultiPartException, ClientDisconnect):
            return error_page(400, "Malformed request body")
        try:
            return _answer(site, request, handler, uploads, pairs, public)
        finally:
            for upload in uploads:
                upload.file.close()

    return Route(path, endpoint, methods=METHODS)


def routes_with_tail(path: str, *, public: bool = False, **handlers: Handler) -> list[Route]:
    """An item's route and the same for every unknown tail: XNAT ignores what it does not know."""
    paths = (path, path + "/{tail:path}")
    return [route(one, public=public, **handlers) for one in paths]


def _answer(
    site: Site,
    request: Request,
    handler: Handler | None,
    uploads: list[Upload],
    pairs: list[tuple[str, str]],
    public: bool,
) -> Response:
    api = request.url.path.startswith("/xapi")
    caller: Caller | None = None
    try:
        with site.lock:
            caller = authenticate(site, request, public=public)
            request.scope["xnat"]["user"] = caller.user.login
            if handler is None:
                raise Refusal(405, "Method Not Allowed")
            response = handler(_call(site, caller, request, uploads, pairs))
    except LoginPage as page:
        response = html(page.message)
    except Refusal as refusal:
        message = refusal.message
        shown = text(message, refusal.status) if api else error_page(refusal.status, message)
        shown.headers.update(refusal.headers)
        response = shown
    if caller is not None:
        caller.set_cookies(site, response)
    return response


def _call(
    site: Site,
    caller: Caller,
    request: Request,
    uploads: list[Upload],
    pairs: list[tuple[str, str]],
) -> Call:
    plain: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in [*_query(request), *pairs]:
        plain.setdefault(name, value)
        repeated.setdefault(name, []).append(value)
    variables = dict(request.path_params)
    if request.url.path.startswith("/xapi") or site.settings.encoded_labels_match:
        variables = {name: unquote(value) for name, value in variables.items()}
    return Call(
        site=site,
        caller=caller,
        method=request.method,
        url_path=request.url.path,
        path=variables,
        params={name: escape_parameter(value) for name, value in plain.items()},
        plain=plain,
        repeated=repeated,
        headers=dict(request.headers),
        base_url=f"{request.url.scheme}://{request.headers.get('host', '')}" + site.settings.context_path,
        uploads=uploads,
    )


def _query(request: Request) -> list[tuple[str, str]]:
    raw = request.scope["query_string"].decode("latin-1")
    return parse_qsl(raw, keep_blank_values=True)


async def _payload(request: Request) -> tuple[list[Upload], list[tuple[str, str]]]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        parts = await request.form()
        uploads, pairs = [], []
        for name, value in parts.multi_items():
            if isinstance(value, str):
                pairs.append((name, value))
            else:
                uploads.append(Upload(value.file, value.filename or "", value.content_type or "", True))
        return uploads, pairs
    spool = tempfile.SpooledTemporaryFile(max_size=MEMORY_SPOOL)  # noqa: SIM115
    with ExitStack() as cleanup:
        cleanup.callback(spool.close)
        size = await _receive(request, spool)
        cleanup.pop_all()
    form = kind == "application/x-www-form-urlencoded" and "inbody" not in request.query_params
    if form or (not size and "content-length" not in request.headers):
        spool.seek(0)
        body = spool.read().decode("utf-8", "replace")
        spool.close()
        return [], parse_qsl(body, keep_blank_values=True)
    return [Upload(spool, "", kind)], []


async def _receive(request: Request, spool: IO[bytes]) -> int:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        spool.write(chunk)
    return size
