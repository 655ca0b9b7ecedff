"""Servers by name, one connection each, and what locations on them name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from xnat_tui import config, credentials
from xnat_tui.config import Server, Settings
from xnat_tui.credentials import Credential, Secret
from xnat_tui.errors import UsageError, XnatTuiError
from xnat_tui.model.changed import Changed
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location, same_address
from xnat_tui.model.notice import Notice
from xnat_tui.model.place import Place
from xnat_tui.services import signing_in
from xnat_tui.services.browsing.find import find, find_one
from xnat_tui.services.changes import Changes
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection

Prompt = Callable[[str], str]


Where = Location | str | Place
"""What names a place. A `Place` was looked up before, and is not looked up again."""


class Servers:
    """Servers that are signed in to when they are first needed, and signed out of at the end.

    `prompt` is asked for a password when nothing else has one; None means that nobody can be asked.
    `on_notice` hears, in any thread, what takes long and what it will cost, before it is done.
    Safe to use from several threads.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        prompt: Prompt | None = None,
        insecure: bool = False,
        on_notice: Callable[[Notice], None] | None = None,
    ) -> None:
        self.settings = settings if settings is not None else config.load()
        self._prompt = prompt
        self._insecure = insecure
        self._on_notice = on_notice
        self._servers: dict[str, Server] = dict(self.settings.servers)
        self._readers: dict[str, Reader] = {}
        self._lock = threading.Lock()
        self.changes = Changes()
        """Where is said whatever is written through these servers, or by jobs on them."""
        self.changes.listen(self._forget)
        self._opening: dict[str, threading.Lock] = {}
        self.typed_passwords: dict[str, Secret] = {}
        """What somebody typed for a server, kept in memory for workers that cannot ask. Of a server that is
        not saved also the user, under the question for it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sign out everywhere."""
        with self._lock:
            readers, self._readers = list(self._readers.values()), {}
        for reader in readers:
            reader.connection.close()

    def server(self, name: str) -> Server:
        """A saved server, or one for a bare address. Raises UsageError for a name that is not saved."""
        with self._lock:
            if name not in self._servers:
                self._servers[name] = self.settings.server(name)
            return self._servers[name]

    def add_server(self, server: Server) -> None:
        """Know a server for as long as this workspace lives; nothing is saved."""
        with self._lock:
            self._servers[server.name] = server

    def location(self, text: str) -> Location:
        """Read a location or a pasted address against the saved servers."""
        with self._lock:
            names = {name: server.url for name, server in self._servers.items()}
        return Location.parse(text, names)

    def reader(self, name: str) -> Reader:
        """The archive of a server, signed in to now if it is not yet.

        Raises UsageError for a name that is not saved, ServerUnreachable, TlsFailure, SignInFailed.
        """
        server = self.server(name)
        with self._lock:
            if name in self._readers:
                return self._readers[name]
            opening = self._opening.setdefault(name, threading.Lock())
        with opening:
            with self._lock:
                if name in self._readers:
                    return self._readers[name]
            if self._insecure:
                server = server.insecure()
            connection = Connection.open(server, self._credential(server))
            connection.on_notice = self._on_notice
            with self._lock:
                return self._readers.setdefault(name, Reader(connection, self.changes))

    def _credential(self, server: Server) -> Credential | None:
        asked: dict[str, str] = {}

        def prompt(question: str) -> str:
            assert self._prompt is not None
            asked[question] = self._prompt(question)
            return asked[question]

        credential = credentials.find(server, prompt if self._prompt is not None else None)
        if asked and credential is not None:
            self.typed_passwords[server.name] = credential.secret
            question = credentials.user_question(server.name)
            if question in asked:
                self.typed_passwords[question] = Secret(asked[question])
        return credential

    def ask_passwords(self, names: Iterable[str]) -> None:
        """Have what a worker will need to sign in to these servers, and could not find, typed in now."""
        for name in names:
            self._credential(self.server(name))

    def connection(self, name: str) -> Connection:
        """The connection of a server; raises as `reader` does."""
        return self.reader(name).connection

    def forget_connection(self, name: str) -> None:
        """Sign out of one server, so that the next call signs in anew."""
        with self._lock:
            reader = self._readers.pop(name, None)
        if reader is not None:
            reader.connection.close()

    def _forget(self, changed: Changed) -> None:
        """Two saved names may mean one server: each has a reader that remembers."""
        with self._lock:
            readers = dict(self._readers)
        for name, reader in readers.items():
            if self.same_server(name, changed.server):
                reader.forget_location(Location(name, changed.where.steps))

    def signed_in(self, name: str) -> bool:
        """Whether there is a connection to it now, so that no call has to sign in first."""
        with self._lock:
            return name in self._readers

    def sign_in(self, name: str, credential: Credential | None = None, *, keep_token: bool = False) -> str:
        """Sign in anew and say in a line what is there; without a credential, with what can be found.

        Raises SignInFailed, ServerUnreachable and whatever listing the projects raises.
        """
        self.forget_connection(name)
        server = self.server(name)
        if credential is not None:
            connection = Connection.open(server, credential)
            with self._lock:
                self._readers[name] = Reader(connection, self.changes)
                self.typed_passwords[name] = credential.secret
        connection = self.connection(name)
        if keep_token and credential is not None:
            signing_in.keep_token(connection, server)
        found = self.reader(name).below(Place(name), Kind.PROJECT)
        if found.error is not None:
            raise found.error
        return signing_in.summary(connection, len(found.items))

    def reload_settings(self) -> None:
        """Read the configuration again, after a panel changed it; signed-in servers stay."""
        self.settings = config.load()
        with self._lock:
            self._servers |= self.settings.servers

    def find(
        self,
        *locations: Location | str,
        on_unreadable: Callable[[Place, XnatTuiError], None] | None = None,
        globs: bool = True,
    ) -> Iterator[Place]:
        """All places that locations name, globs spread out. Raises NotFound where one names nothing.

        What a glob leads to and cannot be read is told to `on_unreadable`, or raised. A part that names
        something exactly is no glob; without `globs` none is followed: UsageError.
        """
        return self._find(self.reader, locations, on_unreadable, globs=globs)

    def _find(
        self,
        reader: Callable[[str], Reader],
        locations: Iterable[Where],
        on_unreadable: Callable[[Place, XnatTuiError], None] | None = None,
        *,
        globs: bool = True,
    ) -> Iterator[Place]:
        for location in locations:
            if isinstance(location, Place):
                yield location
                continue
            where = self._where(location)
            yield from find(reader(where.server), where, on_unreadable, globs=globs)

    def find_one(self, location: Location | str) -> Place:
        """The one place that a location names. Raises NotFound, and UsageError where a glob names several."""
        where = self._where(location)
        return find_one(self.reader(where.server), where)

    def _where(self, location: Location | str) -> Location:
        return self.location(location) if isinstance(location, str) else location

    def _anew(self) -> Callable[[str], Reader]:
        """Readers that remember nothing: a verdict and a plan tell what the servers say now, not what they
        said to an earlier call, before a copy perhaps."""
        readers: dict[str, Reader] = {}

        def reader(name: str) -> Reader:
            if name not in readers:
                readers[name] = Reader(self.connection(name))
            return readers[name]

        return reader

    def same_server(self, one: str, other: str) -> bool:
        """Whether two names or addresses are one server. A name that is not known here means no other."""
        try:
            return one == other or same_address(self.server(one).url, self.server(other).url)
        except UsageError:
            return False
