"""A real copy between two servers in a worker process that is killed and resumed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from xnat_tui.credentials import Secret
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import Hang
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.errors import Interrupted, SignInFailed
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.transfer import State
from xnat_tui.services.transfers.running import worker
from xnat_tui.services.workspace import Workspace

SESSIONS, FILES = 6, 3
PASSWORDS = {"lab": Secret("admin"), "qc": Secret("admin")}


def filled_site() -> Site:
    site = Site()
    project = site.add_project("P")
    for number in range(SESSIONS):
        session = site.add_experiment(site.add_subject(project, f"S{number}"), f"E{number}")
        resource = site.new_resource("DICOM", format="DICOM", content="RAW")
        site.add_scan(session, "1", fields={"type": "T1"}).resources.append(resource)
        for name in range(FILES):
            content = BytesContent(f"session {number} file {name}".encode())
            resource.add(FileEntry(f"{name}.dcm", content, content.md5, content.size, "DICOM", "RAW"))
        resource.populate_stats()
    return site


def files(site: Site) -> dict[str, str]:
    return {
        f"{subject.label}/{session.label}/{scan.id}/{path}": entry.data.md5
        for subject in site.projects["P"].subjects.values()
        for session in subject.experiments.values()
        for scan in session.scans.values()
        for resource in scan.resources
        for path, entry in resource.files.items()
    }


@pytest.fixture
def servers(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DemoServer, DemoServer]]:
    config = Path(os.environ["XNAT_TUI_CONFIG"])
    monkeypatch.setenv("NETRC", str(config / "no-netrc"))
    with ExitStack() as stack:
        source, target = (stack.enter_context(DemoServer(site)) for site in (filled_site(), Site()))
        config.mkdir()
        tables = (
            f'[servers.{n}]\nurl = "{s.url}"\nuser = "admin"\n' for n, s in (("lab", source), ("qc", target))
        )
        (config / "config.toml").write_text("\n".join(tables))
        yield source, target


@pytest.fixture
def job(servers: tuple[DemoServer, DemoServer], journal: Journal) -> str:
    with Workspace(prompt=lambda question: "admin") as workspace:
        return journal.create(workspace.plan_copy(["lab:P"], "qc:P"))


def test_a_copy_killed_in_the_middle_and_resumed_equals_its_source(servers, journal, job):
    source, target = servers
    hanging = source.faults.add("GET .*/files", Hang(), after=2)
    handle = worker.start(job, passwords=PASSWORDS)
    poll = threading.Event()
    while not hanging.fired or not any(step.state is State.DONE for step in journal.steps(job)):
        poll.wait(0.005)
    running = journal.job(job).pid
    assert running is not None
    os.kill(running, signal.SIGKILL)
    with pytest.raises(Interrupted):
        handle.wait()
    source.faults.clear()
    report = worker.resume(job, passwords=PASSWORDS).wait()
    assert (report.state, report.failed) == (State.DONE, ())
    assert report.done_files + report.skipped == SESSIONS * FILES
    assert files(target.site) == files(source.site)


def test_without_the_typed_password_it_says_what_is_missing(servers, job):
    with pytest.raises(SignInFailed, match="admin at lab"):
        worker.start(job).wait()
