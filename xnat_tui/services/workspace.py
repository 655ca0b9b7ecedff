"""The composition root: servers by name, one connection each, and every call that a user can make.

    with xnat_tui.connect("lab", "qc") as workspace:
        difference = workspace.compare("lab:P", "qc:P", depth="sizes")

The explorer and the verbs use these same calls; neither has logic of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from xnat_tui import config, credentials
from xnat_tui.config import Server, Settings
from xnat_tui.credentials import Credential
from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.location import Location, same_address
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.services import signing_in
from xnat_tui.services.browse import Side
from xnat_tui.services.compare import Comparison
from xnat_tui.services.find import find, find_one
from xnat_tui.services.reading import Reader
from xnat_tui.xnat.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

Prompt = Callable[[str], str]


class Workspace:
    """Servers that are signed in to when they are first needed, and signed out of at the end.

    `prompt` is asked for a password when nothing else has one; None means that nobody can be asked.
    Safe to use from several threads.
    """

    def __init__(
        self, settings: Settings | None = None, *, prompt: Prompt | None = None, insecure: bool = False
    ) -> None:
        self.settings = settings if settings is not None else config.load()
        self._prompt = prompt
        self._insecure = insecure
        self._servers: dict[str, Server] = dict(self.settings.servers)
        self._readers: dict[str, Reader] = {}
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

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
            if name in self._servers:
                return self._servers[name]
            if "://" not in name:
                raise UsageError(
                    f"No server is saved as {name!r}.", f"Add one with: xnat-tui server add {name} URL"
                )
            return self._servers.setdefault(name, Server(name=name, url=name))

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
        """The archive of a server, signed in to now if it is not yet."""
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
            connection = Connection.open(server, credentials.find(server, self._prompt))
            with self._lock:
                return self._readers.setdefault(name, Reader(connection))

    def connection(self, name: str) -> Connection:
        return self.reader(name).connection

    def forget_connection(self, name: str) -> None:
        """Sign out of one server, so that the next call signs in anew."""
        with self._lock:
            reader = self._readers.pop(name, None)
        if reader is not None:
            reader.connection.close()

    def signed_in(self, name: str) -> bool:
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
                self._readers[name] = Reader(connection)
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

    def find(self, *locations: Location | str) -> Iterator[Place]:
        """All places that locations name, globs spread out. Raises NotFound where one names nothing."""
        for location in locations:
            where = self.location(location) if isinstance(location, str) else location
            yield from find(self.reader(where.server), where)

    def find_one(self, location: Location | str) -> Place:
        where = self.location(location) if isinstance(location, str) else location
        return find_one(self.reader(where.server), where)

    def comparison(
        self,
        source: Location | str,
        destination: Location | str,
        *,
        depth: str = "sizes",
        fields: str = "listed",
        filters: Filters = NO_FILTERS,
    ) -> Comparison:
        """Two places ready to be compared; `run` it, or use `compare`. Raises NotFound, UsageError."""
        one, other = self.find_one(source), self.find_one(destination)
        if one.kind is not other.kind:
            raise UsageError(
                f"{one.location} is a {one.kind}, {other.location} a {other.kind}: they cannot be compared.",
                "Name two places of one kind.",
            )
        return Comparison(
            Side(self.reader(one.server), one),
            Side(self.reader(other.server), other),
            depth=Depth(depth),
            fields=fields,
            neutral=self.settings.neutral_fields,
            filters=filters,
        )

    def compare(
        self,
        source: Location | str,
        destination: Location | str,
        *,
        depth: str = "sizes",
        fields: str = "listed",
        filters: Filters = NO_FILTERS,
    ) -> Comparison:
        """Compare two places completely.

        `depth` is "labels", "sizes" or "digests"; `fields` "listed" or "all". What could not be read is
        in the result as `unreadable`. Raises NotFound, NotAllowed, ServerUnreachable.
        """
        comparison = self.comparison(source, destination, depth=depth, fields=fields, filters=filters)
        comparison.run()
        return comparison

    def same_server(self, one: str, other: str) -> bool:
        """Whether two names or addresses are one server."""
        return one == other or same_address(self.server(one).url, self.server(other).url)


def connect(*servers: str, prompt: Prompt | None = None) -> Workspace:
    """Sign in to saved servers or URLs; others are signed in to when a call needs them.

    Raises UsageError for a name that is not saved, ServerUnreachable, SignInFailed.
    """
    workspace = Workspace(prompt=prompt)
    try:
        for name in _known(workspace, servers):
            workspace.reader(name)
    except BaseException:
        workspace.close()
        raise
    return workspace


def _known(workspace: Workspace, servers: Iterable[str]) -> Iterable[str]:
    for text in servers:
        yield workspace.location(text).server if "://" in text else text.removesuffix(":")
