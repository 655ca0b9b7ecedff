"""Counts of a whole site: few questions, each answer proved, and nobody's zero where nothing may be seen."""

from __future__ import annotations

import json

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.faults import EMPTY_RESULT, Answer, ErrorPage
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Status
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.census import Census, count
from xnat_tui.services.browsing.show import walk
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.sites import SiteComparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection

SUBJECTS = r"^GET /data/subjects\?"
EXPERIMENTS = r"^GET /data/experiments\?(?!.*project=)"
PROJECT_LISTS = r"^GET /data/projects/P1/"


def site_of(projects: int) -> Site:
    """Each project with two subjects, the first with a session and a blood test, the other with a session."""
    site = Site()
    for number in range(projects):
        project = site.add_project(f"P{number}")
        for name in ("S1", "S2"):
            subject = site.add_subject(project, name)
            site.add_experiment(subject, f"{name}_MR{number}")
        site.add_assessor(
            site.experiments[next(reversed(site.experiments))], f"QC{number}", "xnat:qcManualAssessorData"
        )
    return site


def signed_in(server: DemoServer, user: str = "admin") -> Reader:
    credential = Credential(user, Secret(user), "test", False)
    return Reader(Connection.open(Server("lab", server.url, user), credential))


def counts(reader: Reader) -> dict[str, Census]:
    return count(reader.connection, reader.below(Place("lab"), Kind.PROJECT).items)


@pytest.fixture
def lab():
    with DemoServer(site_of(3)) as server:
        yield server


def test_a_site_of_300_projects_is_shown_and_compared_in_the_requests_of_30():
    spent = set()
    for projects in (30, 300):
        with DemoServer(site_of(projects)) as one, DemoServer(site_of(projects)) as other:
            reader = signed_in(one)
            before = len(one.requests)
            shown = walk(reader, Place("lab"), "projects")
            assert {branch.census for branch in shown.children} == {Census(2, 2)}
            showing = len(one.requests) - before
            comparison = SiteComparison(
                Side(signed_in(one), Place("lab")), Side(signed_in(other), Place("lab"))
            )
            comparison.run()
            assert comparison.summary().same == 1 + projects
            spent.add((showing, comparison.requests))
    assert spent == {(5, (5, 5))}


def test_servers_differ_in_projects_and_in_how_much_they_own(lab):
    with DemoServer(site_of(4)) as qc:
        qc.site.add_subject(qc.site.projects["P1"], "S3")
        comparison = SiteComparison(Side(signed_in(lab), Place("lab")), Side(signed_in(qc), Place("lab")))
        comparison.run()
    found = {pair.key: pair for pair in comparison.root.children or ()}
    assert {key: pair.status for key, pair in found.items()} == {
        "P0": Status.SAME,
        "P1": Status.DIFFERS,
        "P2": Status.SAME,
        "P3": Status.ONLY_DESTINATION,
    }
    (difference,) = found["P1"].fields
    assert (difference.name, difference.source, difference.destination) == ("subjects", "2", "3")


@pytest.mark.parametrize("refused", [SUBJECTS, EXPERIMENTS, "^POST /data/search"])
def test_where_a_site_wide_question_is_refused_each_project_is_asked(lab, refused):
    lab.faults.add(refused, ErrorPage(403), times=1)
    assert set(counts(signed_in(lab)).values()) == {Census(2, 2)}
    assert lab.requests.count("GET", "/data/projects/P2/subjects") + lab.requests.count(
        "GET", "/data/projects/P2/experiments"
    )


@pytest.mark.parametrize("address", [SUBJECTS, EXPERIMENTS])
def test_a_list_that_leaves_something_out_is_found_out(lab, address):
    """The search engine shows what is missing; that project is asked by itself, by two lists."""
    kind = "subjects" if address is SUBJECTS else "experiments"
    reader = signed_in(lab)
    columns = (
        {"columns": "ID,project"}
        if kind == "subjects"
        else {"columns": "ID,project,xsiType", "xsiType": "xnat:subjectAssessorData"}
    )
    true = reader.connection.get_json(f"/data/{kind}", format="json", **columns)
    rows = true["ResultSet"]["Result"]
    lacking = next(row for row in rows if row["project"] == "P1")
    rows.remove(lacking)
    true["ResultSet"]["totalRecords"] = str(len(rows))
    lab.faults.add(rf"^GET /data/{kind}\?(?!.*project=)", Answer(json.dumps(true), 200, "application/json"))
    lab.requests.clear()
    assert set(counts(reader).values()) == {Census(2, 2)}
    asked = {
        request.path.split("/")[3] for request in lab.requests if request.path.startswith("/data/projects/")
    }
    assert asked == {"P1"}


def test_lists_that_contradict_each_other_give_no_count(lab):
    lab.faults.add(SUBJECTS, EMPTY_RESULT)
    lab.faults.add("^POST /data/search", EMPTY_RESULT)
    found = counts(signed_in(lab))
    assert {one.subjects for one in found.values()} == {None}
    assert all(isinstance(one.error, XnatTuiError) for one in found.values())
    comparison = SiteComparison(*(Side(signed_in(lab), Place("lab")) for _ in range(2)))
    comparison.run()
    assert comparison.summary().unreadable == 3


def test_what_may_not_be_seen_is_not_none(lab):
    """A protected project is listed to everybody; what it holds is shown to its members alone."""
    lab.site.add_user(User("stranger", "stranger", "S", "S", "s@example.org"))
    lab.site.projects["P0"].accessibility = "protected"
    found = counts(signed_in(lab, "stranger"))
    assert set(found) == {"P0"}
    assert (found["P0"].subjects, found["P0"].experiments) == (None, None)
    assert found["P0"].error is not None


def test_a_project_that_owns_nothing_is_asked_by_itself_and_what_is_shared_in_does_not_count(lab):
    lab.site.add_project("EMPTY")
    shared = next(one for one in lab.site.subjects.values() if one.label == "S1")
    lab.site.share(shared, "EMPTY")
    lab.requests.clear()
    found = counts(signed_in(lab))
    assert found["EMPTY"] == Census(0, 0)
    assert found["P0"] == Census(2, 2)
