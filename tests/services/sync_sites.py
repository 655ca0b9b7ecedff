"""Two servers, a sync between them, and a study that has one of everything that a sync tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.archive import Project, Resource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site
from xnat_tui.demo.study.acquisitions import add_files
from xnat_tui.demo.study.derived import add_qc
from xnat_tui.services.syncing import definitions
from xnat_tui.services.syncing.definitions import Sync
from xnat_tui.services.syncing.running import SyncReport
from xnat_tui.services.workspace import Workspace

MR = "xnat:mrSessionData"


def study(site_id: str = "LAB", *, filled: bool = True, subjects: int = 3) -> Site:
    """Project P, with subjects S1.. of a session, scans and an assessor each; or without any project."""
    site = Site(settings=Settings(site_id=site_id))
    if filled:
        project = site.add_project("P", fields={"description": "A study"})
        for number in range(1, subjects + 1):
            add_subject(site, project, f"S{number}")
    return site


def add_subject(site: Site, project: Project, label: str) -> None:
    subject = site.add_subject(
        project, label, fields={"gender": "female", "handedness": "right", "race": "unknown"}
    )
    subject.variables["cohort"] = "A"
    put(site, subject.resources, "forms", {"moca.csv": b"moca"})
    add_session(site, subject, f"{label}_MR")


def add_session(site: Site, subject: Any, label: str) -> None:
    session = site.add_experiment(subject, label, MR, fields={"date": "2024-03-05", "note": "fine"})
    session.variables["rater"] = "jd"
    put(site, session.resources, "logs", {"notes.txt": b"slept"})
    for number in "12":
        add_scan(site, session, number)
    add_qc(site, session).fields["note"] = "fine"


def add_scan(site: Site, session: Any, number: str) -> None:
    fields = {"type": f"T{number}", "quality": "usable", "frames": "2"}
    scan = site.add_scan(session, number, xsi_type="xnat:mrScanData", fields=fields)
    put(site, scan.resources, "DICOM", {"a.dcm": b"one", "sub/b.dcm": b"two"}, format="DICOM", content="RAW")


def put(site: Site, holder: list[Resource], label: str, files: dict[str, bytes], **kind: str) -> None:
    add_files(site, holder, label, {path: BytesContent(data) for path, data in files.items()}, **kind)


def set_file(resource: Resource, path: str, data: bytes) -> None:
    """Other bytes under a path, counted anew."""
    content = BytesContent(data)
    entry = resource.files[path]
    entry.data, entry.digest, entry.size = content, content.md5, content.size
    resource.populate_stats()


@dataclass
class Pair:
    """A sync `nightly` from lab:P to qc:P."""

    source: DemoServer
    target: DemoServer

    def subject(self, label: str = "S1", *, there: bool = False) -> Any:
        server = self.target if there else self.source
        subjects = server.site.projects["P"].subjects.values()
        return next(one for one in subjects if one.label == label)

    def session(self, label: str = "S1", *, there: bool = False) -> Any:
        return next(iter(self.subject(label, there=there).experiments.values()))

    def run(self, **wishes: Any) -> SyncReport:
        with Workspace() as workspace:
            return workspace.sync("nightly", **wishes)

    def told(self, **wishes: Any) -> dict[tuple[str, str], tuple[str, str, str]]:
        """(path, field) → (change, side, state) of a run."""
        return facts(self.run(**wishes))

    def writes(self) -> int:
        log = [entry for entry in list(self.target.requests) if entry.path != "/data/search"]
        return sum(entry.method in ("PUT", "POST", "DELETE") for entry in log if not _signs(entry.path))


def _signs(path: str) -> bool:
    return path.endswith(("/JSESSION", "/services/auth"))


def facts(report: SyncReport) -> dict[tuple[str, str], tuple[str, str, str]]:
    return {
        (one["path"], one.get("field", "")): (one["change"], one["side"], str(one["state"]))
        for one in report.items
    }


@contextmanager
def syncing(source: Site, target: Site, monkeypatch: Any, tmp_path: Any, **more: Any) -> Iterator[Pair]:
    """Servers for two sites, saved as lab and qc, and the sync between them."""
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with DemoServer(source) as one, DemoServer(target) as other:
        for name, server in (("lab", one), ("qc", other)):
            monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name.upper()}", "admin")
            config.save_server(Server(name, server.url, "admin"))
        definitions.add(config.load(), Sync("nightly", "lab:P", "qc:P", **more))
        yield Pair(one, other)
