"""One shared HTTP session to one server: sends a request once, and turns what goes wrong into our errors."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.cookies import extract_cookies_to_jar
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from xnat_tui.errors import NotXnat, ServerUnreachable, UsageError, XnatTuiError
from xnat_tui.version import __version__
from xnat_tui.xnat.http.adapter import Adapter, OneSession, SessionAuth, Sockets
from xnat_tui.xnat.http.addresses import Params, origin, query_string
from xnat_tui.xnat.http.answers import check_redirect, transport_failure
from xnat_tui.xnat.http.retry import Limiter
from xnat_tui.xnat.http.streams import Upload, stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnat_tui.config import Server

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
REDIRECTS = 5
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_ROUTES = frozenset(
    {
        *(
            "data",
            "xapi",
            "REST",
            "archive",
            "projects",
            "subjects",
            "experiments",
            "scans",
            "assessors",
            "in",
            "out",
        ),
        *(
            "reconstructions",
            "resources",
            "files",
            "prearchive",
            "services",
            "auth",
            "JSESSION",
            "search",
            "users",
        ),
        *("workflows", "siteConfig", "buildInfo", "refresh", "catalog", "tokens", "import"),
    }
)

log = logging.getLogger("xnat_tui.xnat")
log.addHandler(logging.NullHandler())  # else logging prints warnings on the screen's terminal


class Transport:
    """`requests` underneath, shared by all threads; nobody changes its headers or cookies after the start."""

    def __init__(self, server: Server) -> None:
        self.name = server.name or urlsplit(server.url).hostname or server.url
        self.auth = SessionAuth()
        self._cookies = OneSession()
        self.limiter = Limiter(server.connections)
        self.adapter = Adapter(server.connections)
        self.sockets = Sockets()
        self.stop = threading.Event()
        self.closed = False
        self.ahead = timedelta(0)
        """How far the server's clock is ahead of ours, as it told when it was signed in to."""
        self.session = requests.Session()
        self.base = server.url.rstrip("/")
        # Off, so that ~/.netrc never signs in for us; what the environment says of proxies and CAs is kept.
        self.session.trust_env = False
        self.session.proxies.update(get_environ_proxies(self.base))
        self.session.verify = _verify(server)
        self.session.auth = self.auth
        self.session.cookies.set_policy(self._cookies)
        self.session.mount("https://", self.adapter)
        self.session.mount("http://", self.adapter)
        # Must never look like a browser's: XNAT then redirects to its login page and wants CSRF tokens.
        self.session.headers["User-Agent"] = f"xnat-tui/{__version__} (Python {platform.python_version()})"

    @property
    def base(self) -> str:
        """The server's address without a slash at its end. Session and cookies go to its port alone."""
        return self._base

    @base.setter
    def base(self, url: str) -> None:
        self._base = url
        home = origin(url)
        if home != self._cookies.home:
            self.session.cookies.clear()
        self._cookies.home = self.adapter.home = home

    def address(self, path: str, params: Params) -> str:
        """The URL of a path on the server with a query. Raises UsageError where it begins with no slash."""
        if not path.startswith("/"):
            raise UsageError(f"An address on the server begins with a slash, {path[:20]!r} does not.")
        query = query_string(params)
        return f"{self.base}{path}{'?' if query else ''}{query}"

    def get(
        self,
        url: str,
        stop: threading.Event,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_SECONDS,
        body: bytes | None = None,
    ) -> requests.Response:
        """The answer of a GET, body not yet read, redirects followed on the same host and port only.

        With `body`, an XML document, it is a POST that only reads, and a redirect is the login page's.

        Raises Expired where it leads to the login page, NotXnat where it leads anywhere else.
        """
        for _ in range(REDIRECTS):
            if body is None:
                response = self.send("GET", url, stop, headers=headers, timeout=timeout)
            else:
                xml = {"Content-Type": "application/xml"}
                response = self.send("POST", url, stop, headers=xml, body=body, timeout=timeout)
            location = response.headers.get("Location", "")
            if response.status_code not in (301, 302, 303, 307, 308) or not location:
                return response
            response.close()
            check_redirect(location)
            if body is not None:
                break
            url = self._redirected(url, location)
        raise NotXnat(f"{self.name} redirects without end.", "Check the server's address.")

    def _redirected(self, url: str, location: str) -> str:
        """Where a redirect leads. The session goes along: never to another host or port, nor from https to
        http."""
        here = urlsplit(url)
        try:
            there = urlsplit(urljoin(url, location))
        except ValueError:
            there = None
        if there is None:
            raise NotXnat(f"{self.name} redirects to what is no address.", "Check the server's address.")
        if there.hostname != here.hostname:
            raise NotXnat(
                f"{self.name} redirects to another host ({there.hostname}).",
                "If that is the server, use its address instead.",
            )
        if here.scheme == "https" and there.scheme != "https":
            raise NotXnat(
                f"{self.name} redirects from https to {there.scheme}, where the session could be read.",
                "Its administrator has to correct the site's address.",
            )
        if origin(there.geturl()) != origin(url):
            raise NotXnat(
                f"{self.name} redirects to another port of its host ({there.scheme}://{there.netloc}).",
                "If that is the server, use its address instead.",
            )
        return there.geturl()

    def send(
        self,
        method: str,
        url: str,
        stop: threading.Event,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Upload | None = None,
        length: int | None = None,
        auth: Any = None,
        timeout: float = READ_SECONDS,
        writing: bool = False,
    ) -> requests.Response:
        """One request, sent once, not redirected, the body of its answer not yet read.

        `writing`: it matters whether it was carried out; raises Unclear where nobody can tell. Raises else
        ServerUnreachable, TlsFailure, NotXnat, Interrupted.
        """
        if self.closed:
            raise ServerUnreachable(f"The connection to {self.name} has been closed.")
        started = time.monotonic()
        failure: XnatTuiError
        try:
            with self.sockets.watching(stop):
                # Not session.prepare_request: it makes three jars of the one, in a tenth of the whole time.
                request = requests.PreparedRequest()
                request.prepare(
                    method,
                    url,
                    headers={**self.session.headers, **(headers or {})},
                    cookies=self.session.cookies,
                    auth=auth or self.session.auth,
                )
                if body is not None:
                    request.body = body  # type: ignore[assignment]  # anything with read() is streamed
                    request.headers["Content-Length"] = str(len(body) if isinstance(body, bytes) else length)
                # Not session.send: it reads the body of a redirect away, where XNAT puts the new address.
                response = self.adapter.send(
                    request,
                    stream=True,
                    timeout=(CONNECT_SECONDS, timeout),
                    verify=self.session.verify,
                    proxies=self.session.proxies,
                )
                extract_cookies_to_jar(self.session.cookies, request, response.raw)  # type: ignore[no-untyped-call]
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if isinstance(error, requests.Timeout):
                self.limiter.slower()
            if stop.is_set():
                failure = stopped(writing=writing)
            else:
                failure = transport_failure(error, self.doing(writing=writing), writing=writing)
            if isinstance(failure, ServerUnreachable) and not isinstance(failure, NotXnat):
                failure.unreachable = self.name
        else:
            seconds = time.monotonic() - started
            log.debug("%s %s %s %s %.3f s", self.name, method, route(url), response.status_code, seconds)
            if response.status_code in (429, 503):
                self.limiter.slower()
            if not stop.is_set():
                return response
            response.close()
            failure = stopped(writing=writing)
        log.debug("%s %s %s %s", self.name, method, route(url), type(failure).__name__)
        raise failure

    @contextmanager
    def watching(self) -> Iterator[None]:
        """For requests that xnatpy sends by itself: errors of the network become ServerUnreachable,
        Interrupted and the like."""
        failure: XnatTuiError
        stop = self.stop
        try:
            with self.sockets.watching(stop):
                yield
        except (requests.RequestException, HTTPError) as error:
            failure = stopped() if stop.is_set() else transport_failure(error, f"Signing in to {self.name}")
        else:
            return
        raise failure

    def doing(self, *, writing: bool = False) -> str:
        """How messages begin."""
        return f"Writing to {self.name}" if writing else f"Asking {self.name}"

    def interrupt(self) -> None:
        """End everything that is under way, in whatever thread; later requests work again."""
        ended, self.stop = self.stop, threading.Event()
        ended.set()
        self.sockets.shutdown()
        self.limiter.wake()


def _verify(server: Server) -> bool | str:
    if server.verify is not True:
        return server.verify if server.verify is False else str(server.verify)
    return next((path for name in _CA_VARIABLES if (path := os.environ.get(name))), True)


def route(url: str) -> str:
    """An address for the log, with `*` for every label and ID: those can be patients' names."""
    return "/".join(part if part in _ROUTES or not part else "*" for part in urlsplit(url).path.split("/"))
