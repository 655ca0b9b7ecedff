"""The composition root: servers by name, one connection each, and every call that a user can make.

    with xnat_tui.connect("lab", "qc") as workspace:
        difference = workspace.compare("lab:P", "qc:P", depth="sizes")

The explorer and the verbs use these same calls; neither has logic of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from xnat_tui import config, credentials
from xnat_tui.config import Server, Settings
from xnat_tui.credentials import Credential, Secret
from xnat_tui.errors import Conflict, NotFound, UsageError, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.location import Location, same_address
from xnat_tui.model.notice import Notice
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan, Policy
from xnat_tui.services import signing_in
from xnat_tui.services.browsing.find import find, find_one
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.changes import Changes
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.xnat.http.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnat_tui.jobs.job import Event
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.model.transfer import Report
    from xnat_tui.services.transfers.copying.planning.plan import NewProject

Prompt = Callable[[str], str]


class Workspace:
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
        """Where whatever is written through this workspace, or by its jobs, is said."""
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
            connection = Connection.open(server, self._credential(server))
            connection.on_notice = self._on_notice
            with self._lock:
                return self._readers.setdefault(name, Reader(connection))

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
        locations: Iterable[Location | str],
        on_unreadable: Callable[[Place, XnatTuiError], None] | None = None,
        *,
        globs: bool = True,
    ) -> Iterator[Place]:
        for location in locations:
            where = self._where(location)
            yield from find(reader(where.server), where, on_unreadable, globs=globs)

    def find_one(self, location: Location | str) -> Place:
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
        _one_of("depth", depth, [str(known) for known in Depth])
        _one_of("fields", fields, ["listed", "all"])
        reader = self._anew()
        one, other = (
            find_one(reader(where.server), where) for where in (self._where(source), self._where(destination))
        )
        if one.kind is not other.kind:
            raise UsageError(
                f"{one.location} is a {one.kind}, {other.location} a {other.kind}: they cannot be compared.",
                "Name two places of one kind.",
            )
        for place in (one, other):
            filters = settled(filters, reader(place.server), [place])
        return Comparison(
            Side(reader(one.server), one),
            Side(reader(other.server), other),
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

    def plan_copy(
        self,
        sources: Sequence[Location | str] | Location | str,
        destination: Location | str,
        *,
        policy: Policy | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Plan:
        """What copying these places would do; nothing is written.

        `destination` is a server (project IDs are kept), a project that exists or is to be created, or an
        item further down. Raises NotFound, UsageError, NotAllowed.
        """
        from xnat_tui.services.transfers.copying.planning.plan import plan_copy

        reader = self._anew()
        places = list(self._find(reader, _several(sources)))
        where = self._where(destination)
        return plan_copy(
            reader(places[0].server if places else where.server),
            places,
            reader(where.server),
            _target(reader(where.server), where),
            policy,
            filters,
        )

    def plan_export(
        self,
        sources: Sequence[Location | str] | Location | str,
        folder: Path | str,
        *,
        policy: Policy | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Plan:
        """What downloading these places to a folder would fetch; nothing is written."""
        from xnat_tui.services.transfers.exporting.planning import plan_export

        reader = self._anew()
        places = list(self._find(reader, _several(sources)))
        if len({place.server for place in places}) != 1:
            raise UsageError("One export has one source server.", "Start one export for each server.")
        return plan_export(reader(places[0].server), places, Path(folder), policy, filters)

    def plan_upload(
        self,
        paths: Sequence[Path | str] | Path | str,
        destination: Location | str,
        *,
        to: str = "prearchive",
        policy: Policy | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Plan:
        """What sending these files, folders and archives would do; nothing is written.

        A destination of `.../resources/R` takes any files; anything above it takes DICOM, to "prearchive" or
        on to "archive". Raises UsageError, NotFound, NotAllowed.
        """
        from xnat_tui.services.transfers.uploading.plan import plan_upload

        paths = [paths] if isinstance(paths, Path | str) else paths
        return plan_upload(self, paths, destination, to=to, policy=policy, filters=filters)

    def run(
        self, plan: Plan, on_event: Callable[[Event], None] | None = None, *, job: str | None = None
    ) -> Report:
        """Run a plan in this process, remembered in the journal, and say what became of it.

        `on_event` hears steps and failures. A failure is in the report, not raised; a job that was
        interrupted, or whose server cannot be reached any more, is `paused`, its `note` says why, and it
        can be resumed with `xnat-tui jobs resume`. Raises Conflict for a plan that must not
        run (`Plan.blocked`).
        """
        from xnat_tui.jobs.journal import Journal
        from xnat_tui.jobs.runner import run
        from xnat_tui.services.transfers.running.executors import executor_for

        with Journal() as journal, executor_for(plan, self.connection) as execute:
            name = job or self.remember(plan, journal)
            return run(journal, name, execute, workers=plan.policy.workers, on_event=on_event)

    @staticmethod
    def remember(plan: Plan, journal: Journal) -> str:
        """Write a plan to the journal as a queued job; its ID. Raises Conflict if it may not run."""
        if plan.blocked:
            errors = [finding for finding in plan.findings if finding.severity == "error"]
            reasons = " ".join(finding.message for finding in errors)
            raise Conflict(f"This plan cannot be run. {reasons}", "Mend that, then plan again.")
        return journal.create(plan, f"{' '.join(plan.sources)} → {plan.destination}")

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


def _target(reader: Reader, where: Location) -> Place | NewProject:
    from xnat_tui.services.transfers.copying.planning.plan import NewProject

    if not where.steps:
        return Place(where.server)
    try:
        return find_one(reader, where)
    except NotFound:
        if len(where.steps) > 1 or where.has_glob:
            raise
        return NewProject(where.server, where.name)


def _several(locations: Sequence[Location | str] | Location | str) -> Sequence[Location | str]:
    """One location is as good as a list of one."""
    return [locations] if isinstance(locations, Location | str) else locations


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"{name} cannot be {value!r}.", f"It is one of: {', '.join(known)}.")


def _known(workspace: Workspace, servers: Iterable[str]) -> Iterable[str]:
    for text in servers:
        yield workspace.location(text).server if "://" in text else text.removesuffix(":")
