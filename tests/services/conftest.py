"""Two demo servers with a copy between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import FileEntry, Resource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers import attempts
from xnat_tui.services.transfers.copying.execution.steps import copy_executor
from xnat_tui.services.transfers.copying.planning.plan import NewProject, plan_copy
from xnat_tui.xnat.http.connection import Connection


@dataclass
class Result:
    """A run's outcomes by path, failures of every step and all evidence together."""

    outcomes: dict[str, Outcome]
    progress: Control

    @property
    def failures(self) -> list[Failure]:
        return [failure for outcome in self.outcomes.values() for failure in outcome.failures]

    @property
    def evidence(self) -> Evidence:
        return sum((outcome.verified for outcome in self.outcomes.values()), Evidence())


class Copying:
    """A source and a destination server, signed in, and copies between them."""

    def __init__(
        self, source: DemoServer, target: DemoServer, open_: Callable[[str, DemoServer], Connection]
    ) -> None:
        self.source = source
        self.target = target
        self.connections = {"lab": open_("lab", source), "qc": open_("qc", target)}

    def place(self, path: str) -> Place:
        """A place of the source by labels: `P/S/E`."""
        reader, place = Reader(self.connections["lab"]), Place("lab")
        kinds = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT)
        for kind, label in zip(kinds, path.split("/"), strict=False):
            items = reader.below(place, kind).items
            place = place.child(next(item for item in items if item.key == label))
        return place

    def plan(
        self,
        *paths: str,
        project: str = "NEW",
        options: CopyOptions | None = None,
        filters: Filters | None = None,
        server: str = "qc",
    ) -> Plan:
        places = [self.place(path) for path in paths]
        destination = Reader(self.connections[server])
        source = Reader(self.connections["lab"])
        return plan_copy(source, places, destination, NewProject(server, project), options, filters)

    def run(self, plan: Plan, stop: threading.Event | None = None) -> Result:
        """Every step in order; what needs a failed step is left out, as the job engine does."""
        progress, outcomes, failed = Control(stop), {}, set[int]()
        with copy_executor(plan, self.connections.__getitem__) as execute:
            for step in plan.steps:
                if failed.isdisjoint(step.needs):
                    outcome = execute(step, progress)
                else:
                    outcome = Outcome(step.number, State.FAILED, failures=(Failure(step.path, "not done"),))
                if outcome.state is State.FAILED:
                    failed.add(step.number)
                outcomes[_name(step)] = outcome
        return Result(outcomes, progress)

    def copy(self, *paths: str, project: str = "NEW", options: CopyOptions | None = None) -> Result:
        return self.run(self.plan(*paths, project=project, options=options))

    def writes(self) -> int:
        log = [entry for entry in list(self.target.requests) if entry.path != "/data/search"]
        return sum(entry.method in ("PUT", "POST", "DELETE") for entry in log)


def _name(step: Step) -> str:
    return step.path if step.task == str(step.kind) else f"{step.path} {step.task}"


def _connect(name: str, server: DemoServer) -> Connection:
    credential = Credential("admin", Secret("admin"), "test", False)
    return Connection.open(Server(name, server.url, "admin"), credential)


@pytest.fixture
def servers() -> Iterator[Callable[[Site, Site], Copying]]:
    """Start a pair of servers for two sites; everything is closed after the test."""
    with ExitStack() as stack:

        def start(source: Site, target: Site) -> Copying:
            one, other = stack.enter_context(DemoServer(source)), stack.enter_context(DemoServer(target))
            return Copying(one, other, lambda name, server: stack.enter_context(_connect(name, server)))

        yield start


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSES", (0.0, 0.0))


def small_site(files: dict[str, bytes] | None = None, *, digests: bool = True, **options: Any) -> Site:
    """One project P with S1/E1, an MR scan with these files in DICOM, and an out resource of an assessor."""
    site = Site(**options)
    site.settings.checksums = digests
    project = site.add_project("P", fields={"description": 'Tom & "Jerry" <b> äöü'})
    subject = site.add_subject(project, "S1", fields={"gender": "female", "yob": "1970"})
    session = site.add_experiment(subject, "E1", fields={"date": "2020-02-29", "note": "5 > 3 & \"x\" 'y' é"})
    scan = site.add_scan(session, "1", fields={"type": "T1", "quality": "usable"})
    resource = site.new_resource("DICOM", format="DICOM", content="RAW")
    given = {"a.dcm": b"one", "sub/b.dcm": b"two"} if files is None else files
    for path, data in given.items():
        add_file(resource, path, data, digests=digests)
    scan.resources.append(resource)
    return site


def add_file(resource: Resource, path: str, data: bytes, *, digests: bool = True) -> None:
    content = BytesContent(data)
    digest = content.md5 if digests else ""
    resource.add(FileEntry(path, content, digest, content.size, resource.format, resource.content))
    resource.populate_stats()


@pytest.fixture
def make_site() -> Callable[..., Site]:
    return small_site


@pytest.fixture
def put_file() -> Callable[..., None]:
    return add_file


def _files(resources: list[Resource]) -> dict[str, object]:
    return {
        one.label: (
            (one.format, one.content, one.tags, one.description),
            {path: (entry.data.size, entry.data.md5, entry.format) for path, entry in one.files.items()},
        )
        for one in resources
    }


def contents(site: Site, project_id: str) -> dict[str, object]:
    """Everything in a project that a copy must keep, by path: fields, variables, resources, bytes."""
    project = site.projects[project_id]
    found: dict[str, object] = {"": (dict(project.variables), _files(project.resources))}
    for subject in project.subjects.values():
        path = f"subjects/{subject.label}"
        found[path] = (
            dict(subject.fields),
            dict(subject.variables),
            dict(subject.custom_fields),
            _files(subject.resources),
        )
        for session in subject.experiments.values():
            path = f"subjects/{subject.label}/experiments/{session.label}"
            members = [
                *((f"{path}/scans/{one.id}", one) for one in session.scans.values()),
                *((f"{path}/assessors/{one.label}", one) for one in session.assessors.values()),
                *((f"{path}/reconstructions/{one.id}", one) for one in session.reconstructions.values()),
            ]
            for name, item in [(path, session), *members]:
                sides = [getattr(item, side, []) for side in ("in_resources", "out_resources")]
                found[name] = (
                    item.xsi_type,
                    dict(item.fields),
                    dict(item.variables),
                    _files(item.resources),
                    *(_files(side) for side in sides),
                )
    return found


@pytest.fixture
def held() -> Callable[[Site, str], dict[str, object]]:
    return contents


class Sites:
    """Two demo servers, `lab` and `qc`, and comparisons between places on them.

    Every call signs in anew, so that nothing is remembered from the one before.
    """

    def __init__(self, source: DemoServer, target: DemoServer, stack: ExitStack) -> None:
        self.servers = {"lab": source, "qc": target}
        self._stack = stack

    def reader(self, name: str = "lab", user: str | None = "demo", **options: Any) -> Reader:
        server = Server(name, self.servers[name].url, user or "", **options)
        credential = Credential(user, Secret(user), "test") if user else None
        return Reader(self._stack.enter_context(Connection.open(server, credential)))

    def side(self, location: str, reader: Reader | None = None, user: str | None = "demo") -> Side:
        where = Location.parse(location)
        reader = reader or self.reader(where.server, user)
        return Side(reader, find_one(reader, where))

    def comparison(
        self,
        source: str = "lab:BRAINS",
        destination: str = "qc:BRAINS",
        *,
        user: str | None = "demo",
        depth: str = "sizes",
        **options: Any,
    ) -> Comparison:
        one, other = self.side(source, user=user), self.side(destination, user=user)
        return Comparison(one, other, depth=Depth(depth), **options)

    def compare(self, *places: str, **options: Any) -> Comparison:
        comparison = self.comparison(*places, **options)
        comparison.run()
        return comparison


@pytest.fixture(scope="module")
def demo() -> Iterator[Sites]:
    """The sample studies, for tests that write nothing and order no faults."""
    with ExitStack() as stack:
        one = stack.enter_context(DemoServer(source_site()))
        other = stack.enter_context(DemoServer(destination_site()))
        yield Sites(one, other, stack)


@pytest.fixture
def pair_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Site, Site], Sites]]:
    """Start two servers for sites that a test changes or orders faults on."""
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
    with ExitStack() as stack:

        def start(source: Site, target: Site) -> Sites:
            one, other = stack.enter_context(DemoServer(source)), stack.enter_context(DemoServer(target))
            return Sites(one, other, stack)

        yield start
