"""The gateway against the demo server: what the hand-made liar cannot prove."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import datetime

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import FileEntry, Resource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.errors import NotFound, PasswordExpired, SessionExpired, SignInFailed
from xnat_tui.model.entities import Kind
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.files import zips
from xnat_tui.xnat.http.access import own_access
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing
from xnat_tui.xnat.tables.bulk_sessions import SessionQuestions

FILES = {"1.dcm": b"dicom" * 9, "sub dir/x+y.dcm": b"x"}
OLGA = Credential("olga", Secret("secret"), "test")


@pytest.fixture(params=["", "/xnat"], ids=["root", "context"])
def demo(request: pytest.FixtureRequest) -> Iterator[DemoServer]:
    site = Site()
    site.settings.context_path = request.param
    site.add_user(User("olga", "secret", number=11))
    site.add_user(User("eve", "secret", number=12, password_expired=True))
    project = site.add_project("P1", users={"olga": "owner"})
    session = site.add_experiment(site.add_subject(project, "S01"), "MR1")
    resource: Resource = site.new_resource("DICOM", format="DICOM")
    for path, data in FILES.items():
        content = BytesContent(data)
        resource.add(FileEntry(path, content, digest=content.md5, size=len(data)))
    site.add_scan(session, "1", fields={"type": "T1"}).resources.append(resource)
    with DemoServer(site) as server:
        yield server


@pytest.fixture
def connection(demo: DemoServer) -> Iterator[Connection]:
    with Connection.open(Server("lab", demo.url), OLGA) as opened:
        yield opened


def test_signing_in_and_listing_projects_takes_six_requests(demo: DemoServer, connection: Connection) -> None:
    assert [row["ID"] for row in connection.table("/data/projects")] == ["P1"]
    assert connection.requests == len(demo.requests) == 6
    assert connection.user == "olga"
    assert connection.version_tuple >= (1, 7)
    assert connection.url == demo.url


@pytest.mark.parametrize("named", [False, True])
def test_rights_are_the_users_own_whether_or_not_the_list_names_his_number(
    demo: DemoServer, connection: Connection, named: bool
) -> None:
    demo.site.settings.user_id_in_envelope = named
    demo.site.add_project("P2", users={"olga": "collaborator"})
    assert own_access(connection) == {"P1": "read, edit, delete", "P2": "read"}


def test_closing_leaves_no_session_behind(demo: DemoServer, connection: Connection) -> None:
    assert demo.site.sessions
    connection.close()
    assert not demo.site.sessions


@pytest.mark.parametrize("answer", ["401", "login"])
def test_sessions_that_expire_under_eight_threads_lose_no_step(
    demo: DemoServer, connection: Connection, answer: str
) -> None:
    demo.site.settings.expired_answer = answer
    demo.expire_sessions()
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(connection.table("/data/projects"))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1] * 8
    assert demo.requests.count("PUT", "/data/services/auth") == 2


def test_files_are_listed_fetched_and_zipped(connection: Connection) -> None:
    (session,) = connection.table("/data/projects/P1/experiments")
    scans = f"/data/experiments/{session['ID']}/scans"
    listed = connection.table(f"{scans}/1/files")
    found = []
    for row in listed:
        with connection.download(encode_uri(row["URI"])) as download:
            found.append(b"".join(download))
        assert (len(found[-1]), hashlib.md5(found[-1]).hexdigest()) == (int(row["Size"]), row["digest"])
    assert sorted(found) == sorted(FILES.values())
    with zips.fetch(connection, f"{scans}/ALL/files") as members:
        assert {(one.resource, one.path): one.open().read() for one in members} == {
            ("DICOM", path): data for path, data in FILES.items()
        }


def test_a_missing_project_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFound):
        connection.get_json("/data/projects/NOPE")


def test_wrong_and_expired_passwords(demo: DemoServer) -> None:
    server = Server("lab", demo.url)
    with pytest.raises(SignInFailed):
        Connection.open(server, Credential("olga", Secret("wrong"), "test"))
    with pytest.raises(PasswordExpired):
        Connection.open(server, Credential("eve", Secret("secret"), "test"))


def test_guests_where_they_are_let_in_and_where_not(demo: DemoServer) -> None:
    server = Server("lab", demo.url)
    with pytest.raises(SignInFailed):
        Connection.open(server, None)
    demo.site.settings.require_login = False
    with Connection.open(server, None) as guest:
        assert guest.user == "guest"
        assert len(guest.table("/data/projects")) == 0


def test_an_alias_token_signs_in(demo: DemoServer, connection: Connection) -> None:
    issued = connection.get_json("/data/services/tokens/issue")
    token = Credential(issued["alias"], Secret(issued["secret"]), "test", True)
    with Connection.open(Server("lab", demo.url), token) as other:
        assert other.user == "olga"


def test_a_token_that_runs_out_in_the_middle_is_said(demo: DemoServer, connection: Connection) -> None:
    token = connection.get_json("/data/services/tokens/issue")
    credential = Credential(token["alias"], Secret(token["secret"]), "test", True)
    with Connection.open(Server("lab", demo.url), credential) as opened:
        demo.expire_sessions()
        assert len(opened.table("/data/projects")) == 1
        demo.site.tokens[token["alias"]].expires = datetime.min
        assert len(opened.table("/data/projects")) == 1, "its session goes on"
        demo.expire_sessions()
        with pytest.raises(SessionExpired, match="signing in again failed"):
            opened.table("/data/projects")


def test_a_user_may_have_as_many_sessions_as_the_site_allows(
    demo: DemoServer, connection: Connection
) -> None:
    demo.site.settings.concurrent_max_sessions = 1
    with pytest.raises(SignInFailed, match="Maximum sessions"):
        Connection.open(Server("lab", demo.url), OLGA)
    demo.expire_sessions()
    threads = [threading.Thread(target=connection.table, args=("/data/projects",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(demo.site.sessions) == 1


@pytest.mark.parametrize("version", ["1.7.6", "1.8.0", "1.8.11-SNAPSHOT", "1.9.2.1", "1.10.0-RC2"])
def test_every_version_is_read_alike(demo: DemoServer, version: str) -> None:
    demo.site.version = version
    with Connection.open(Server("lab", demo.url), OLGA) as opened:
        assert opened.version == version
        project = listing.projects(opened).items[0]
        (subject,) = listing.subjects(opened, project).items
        (session,) = listing.experiments(opened, project, subject).items
        assert (subject.key, session.key, session.shared_from) == ("S01", "MR1", None)
        below = documents.read(opened, session).below
        (resource,) = below[documents.place(f"{session.uri}/scans/1", Kind.RESOURCE)].items
        assert {one.key for one in listing.files(opened, resource).items} == set(FILES)
        scans, _ = SessionQuestions(opened, project).scans()
        assert [scan.key for scan in scans[session.id]] == ["1"]


def test_a_guest_sees_what_is_open_and_no_more(demo: DemoServer) -> None:
    demo.site.settings.require_login = False
    demo.site.add_project("OPEN", accessibility="public")
    with Connection.open(Server("lab", demo.url), None) as guest:
        assert guest.user == "guest"
        assert [one.key for one in listing.projects(guest).items] == ["OPEN"]
        demo.expire_sessions()
        assert [one.key for one in listing.projects(guest).items] == ["OPEN"]
        with pytest.raises(NotFound):
            guest.get_json("/data/projects/P1")
