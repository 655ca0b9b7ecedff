"""A small site on a running server, and ways to ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from xnat_tui.demo.archive import Experiment, FileEntry, Resource
from xnat_tui.demo.content import BytesContent, Content
from xnat_tui.demo.images import Patient, Series, Study, instances
from xnat_tui.demo.records import PrearchiveScan, PrearchiveSession, User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site


def filled(site: Site, label: str, files: dict[str, bytes], *, stats: bool = True, **kind: str) -> Resource:
    resource = site.new_resource(label, **kind)
    for path, data in files.items():
        content = BytesContent(data)
        resource.add(FileEntry(path, content, digest=content.md5, size=len(data)))
    if stats:
        resource.populate_stats()
    return resource


def build_site() -> Site:
    """P1 (two subjects, an MR session with scans, assessor, reconstruction), P2 shares from P1."""
    site = Site()
    for login, number in (("olga", 11), ("mia", 12), ("carl", 13), ("nina", 14)):
        site.add_user(User(login, "secret", login.title(), "Test", f"{login}@example.org", number=number))
    roles = {"olga": "owner", "mia": "member", "carl": "collaborator"}
    one = site.add_project("P1", users=dict(roles), fields={"name": "Project One", "description": "first"})
    two = site.add_project("P2", users={"olga": "owner", "nina": "owner"})
    site.add_project("OPEN", accessibility="public")
    site.add_project("GUARDED", accessibility="protected")
    first = site.add_subject(one, "S01", fields={"gender": "female", "dob": "1980-02-29"})
    first.variables["site"] = "3"
    site.add_subject(one, "S02")
    session = site.add_experiment(
        first,
        "MR1",
        fields={"date": "2017-02-23", "modality": "MR", "scanner/manufacturer": "SIEMENS"},
    )
    for key, kind in (("1", "T1"), ("2", "T2 w/flair")):
        scan = site.add_scan(
            session,
            key,
            fields={"type": kind, "quality": "usable", "series_description": f"{kind}_sd", "frames": "2"},
        )
        scan.resources.append(
            filled(site, "DICOM", {f"{key}.dcm": b"dicom" * 9, "sub/x.dcm": b"x"}, format="DICOM")
        )
    session.scans["1"].fields["parameters/tr"] = "2300.0"
    session.resources.append(filled(site, "NOTES", {"a": b"1", "ab.txt": b"2", "a/b": b"3"}, stats=False))
    site.add_experiment(first, "VARS", "xnat:subjectVariablesData")
    assessor = site.add_assessor(session, "QC1", "xnat:qcManualAssessorData")
    assessor.out_resources.append(filled(site, "REPORT", {"r.txt": b"report"}))
    assessor.resources.append(filled(site, "EXTRA", {"e.txt": b"e"}))
    reconstruction = site.add_reconstruction(session, "R1", fields={"type": "mean"})
    reconstruction.out_resources.append(filled(site, "IMG", {"i.nii": b"i"}))
    site.share(first, two.id, "SHARED01")
    site.share(session, two.id, "MR_SHARED")
    return site


class Client:
    """Raw requests as one user, with the cookie of one login."""

    def __init__(self, server: DemoServer, login: str = "admin", password: str = "") -> None:
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.auth = (login, password or ("admin" if login == "admin" else "secret"))

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.http.request(method, self.server.url + path, timeout=20, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self("GET", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self("PUT", path, **options)

    def rows(self, path: str, **options: Any) -> list[dict[str, str]]:
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, str]] = answer.json()["ResultSet"]["Result"]
        return rows


@pytest.fixture
def site() -> Site:
    return build_site()


@pytest.fixture
def server(site: Site) -> Iterator[DemoServer]:
    with DemoServer(site) as running:
        yield running


@pytest.fixture
def admin(server: DemoServer) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.http.close()


@pytest.fixture
def client_of(server: DemoServer) -> Iterator[Callable[[str], Client]]:
    """A maker of clients by login; all are closed at the end."""
    made: list[Client] = []

    def make(login: str) -> Client:
        made.append(Client(server, login))
        return made[-1]

    yield make
    for client in made:
        client.http.close()


def dicom_series(label: str = "MR9", number: int = 1, kind: str = "t1", **patient: str) -> dict[str, bytes]:
    """Two small DICOM files of one series; the same arguments give the same study."""
    who = Patient(patient.pop("id", "PAT9"), "Doe^Jane", "F", "19830311", "041Y", "1.66", "58")
    series = Series(Study(label, who, "20240405"), number, f"{kind}_sd", kind, count=2, size=16)
    return instances(series)


@pytest.fixture
def dicom() -> Callable[..., dict[str, bytes]]:
    return dicom_series


@pytest.fixture
def session(site: Site) -> Experiment:
    """MR1 of P1."""
    return site.experiments["XNAT_E00001"]


@pytest.fixture
def arrived(site: Site) -> Callable[..., PrearchiveSession]:
    """A maker of prearchive rows with one scan of two DICOM files."""

    def make(project: str = "P1", label: str = "MR9", **attributes: Any) -> PrearchiveSession:
        study = Study(label, Patient("PAT9", "Doe^Jane"), "20240405")
        files: dict[str, Content] = {name: BytesContent(data) for name, data in dicom_series(label).items()}
        scan = PrearchiveScan("1", series_description="t1_sd", uid="1.2.3.1", resources={"DICOM": files})
        given: dict[str, Any] = {"subject": "S09", "tag": study.uid, "scans": {"1": scan}, **attributes}
        stamp = f"20240405_10100000{len(site.prearchive)}"
        row = PrearchiveSession(project, stamp, label, label, **given)
        site.prearchive.append(row)
        return row

    return make
