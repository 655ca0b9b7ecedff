"""A server's wrong answer makes something `unreadable`: never missing, never equal, never silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.services.little_study import little_destination, little_source
from xnat_tui.demo.faults import (
    EMPTY_BODY,
    EMPTY_RESULT,
    NO_RESULT_SET,
    Action,
    Answer,
    ErrorPage,
    Truncate,
)
from xnat_tui.demo.server import DemoServer
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Depth, Status
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader

LIES: dict[str, Action] = {
    "500": ErrorPage(500),
    "403": ErrorPage(403),
    "404": ErrorPage(404),
    "nothing": EMPTY_BODY,
    "no rows": EMPTY_RESULT,
    "no ResultSet": NO_RESULT_SET,
    "a page": Answer("<html><body><h3>Maintenance</h3></body></html>"),
    "cut off": Truncate(200),
}
FEWER = {name: LIES[name] for name in ("500", "no rows", "cut off")}
"""For the other side, which the code treats alike."""
QUESTIONS = {
    "subjects": r"/BRAINS/subjects\?.*gender",
    "subjects' resources": r"/BRAINS/subjects\?.*subjectData.*file_count",
    "experiments": r"/BRAINS/experiments\?.*subject_label",
    "owned": r"GET /data/experiments\?",
    "sessions": r"/BRAINS/experiments\?.*dcmPatientName",
    "scans": r"/BRAINS/experiments\?.*imageScanData",
    "parameters": r"/BRAINS/experiments\?.*mrScanData",
    "assessors": r"/BRAINS/experiments\?.*session_label",
    "assessors' out": r"/BRAINS/experiments\?.*imageAssessorData%2Fout|imageAssessorData/out",
    "assessors' in": r"/BRAINS/experiments\?.*imageAssessorData%2Fin|imageAssessorData/in",
    "reconstructions' in": r"/BRAINS/experiments\?.*reconstructedImage(%2F|/)in",
    "files of sessions": r"/data/experiments/[^/?]*,[^/?]*/files",
}
SMALLER = {
    "a subject's experiments": r"/BRAINS/subjects/[^/?]+/experiments",
    "documents": r"GET /data/experiments/[^/?]+\?",
    "project's document": r"GET /data/projects/BRAINS\?",
    "files": r"/files\?",
    "project's files": r"GET /data/projects/BRAINS/files",
    "subjects' files": r"GET /data/subjects/[^/]*/files",
    "everything of a project": r"/BRAINS/",
    "everything of experiments": r"/experiments",
}


class Liars:
    def __init__(self, stack: ExitStack) -> None:
        self.servers = {
            "lab": stack.enter_context(DemoServer(little_source())),
            "qc": stack.enter_context(DemoServer(little_destination())),
        }
        from xnat_tui.config import Server
        from xnat_tui.credentials import Credential, Secret
        from xnat_tui.xnat.http.connection import Connection

        self.connections = {
            name: stack.enter_context(
                Connection.open(Server(name, server.url, "demo"), Credential("demo", Secret("demo"), "test"))
            )
            for name, server in self.servers.items()
        }
        self.true = self.compare()
        self.every_field = self.compare(fields="all")

    def side(self, name: str) -> Side:
        reader = Reader(self.connections[name])
        return Side(reader, find_one(reader, Location.parse(f"{name}:BRAINS")))

    def compare(
        self, faults: dict[str, tuple[str, Action, int | None]] | None = None, *, fields: str = "listed"
    ) -> Comparison:
        """With a lie in place of the answers to a pattern, by server."""
        comparison = Comparison(self.side("lab"), self.side("qc"), depth=Depth.DIGESTS, fields=fields)
        for name, (pattern, lie, times) in (faults or {}).items():
            self.servers[name].faults.add(pattern, lie, times=times)
        try:
            comparison.run()
        finally:
            for server in self.servers.values():
                server.faults.clear()
        return comparison


@pytest.fixture(scope="module")
def liars() -> Iterator[Liars]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
        yield Liars(stack)


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {
        reports.path_of(comparison, pair): "unverified" if pair.unverified else str(pair.status)
        for pair in items_of(comparison.root)
    }


def above(path: str) -> Iterator[str]:
    parts = path.split("/")
    for end in range(len(parts), 0, -1):
        yield "/".join(parts[:end])
    yield ""


def assert_honest(comparison: Comparison, liars: Liars) -> dict[str, str]:
    """Nothing else than the truth is said, and what is left out stands below something unreadable.

    Where a document is read in place of a listing, it may tell more.
    """
    found, truth, more = verdicts(comparison), verdicts(liars.true), verdicts(liars.every_field)
    wrong = {
        path: (status, truth.get(path))
        for path, status in found.items()
        if status not in ("unreadable", truth.get(path), more.get(path))
    }
    assert wrong == {}
    hidden = [
        path
        for path in truth.keys() - found.keys()
        if not any(found.get(part) == "unreadable" for part in above(path))
    ]
    assert hidden == []
    return found


@pytest.mark.parametrize("side", ["lab", "qc"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_bulk_question_that_is_answered_wrongly_changes_no_verdict(
    liars: Liars, question: str, side: str
) -> None:
    truth, more = verdicts(liars.true), verdicts(liars.every_field)
    for name, lie in (LIES if side == "lab" else FEWER).items():
        comparison = liars.compare({side: (QUESTIONS[question], lie, None)})
        found = assert_honest(comparison, liars)
        if question != "subjects":
            unlike = {path for path in truth.keys() | found.keys() if truth.get(path) != found.get(path)}
            assert all(found.get(path) == more[path] for path in unlike), name


@pytest.mark.parametrize("side", ["lab", "qc"])
@pytest.mark.parametrize("question", SMALLER)
def test_what_no_question_can_tell_is_unreadable(liars: Liars, question: str, side: str) -> None:
    for lie in (LIES if side == "lab" else FEWER).values():
        if question == "everything of experiments" and lie is EMPTY_RESULT:
            continue  # then nothing at all contradicts that the subjects have none
        comparison = liars.compare({side: (SMALLER[question], lie, None)})
        found = assert_honest(comparison, liars)
        for pair in items_of(comparison.root):
            if pair.status is Status.UNREADABLE:
                error = pair.source_error if side == "lab" else pair.destination_error
                other = pair.destination_error if side == "lab" else pair.source_error
                assert error is not None
                assert error.message
                assert other is None
        assert comparison.summary().unread == 0
        assert found


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_refused_bulk_question_costs_one_request_for_a_session_at_most(liars: Liars, question: str) -> None:
    site = liars.servers["lab"].site
    sessions = [one for one in site.experiments.values() if one.project == "BRAINS"]
    subjects = site.projects["BRAINS"].subjects
    comparison = liars.compare({"lab": (QUESTIONS[question], ErrorPage(500), None)})
    assert comparison.requests[0] <= liars.true.requests[0] + len(sessions) + len(subjects) + 2
    scans = sum(len(one.scans) for one in sessions)
    assert scans > len(sessions) + len(subjects) + 2, "else this would prove nothing about scans"


def test_a_project_that_may_not_be_read_is_unreadable_and_says_as_whom(liars: Liars) -> None:
    reader = Reader(liars.connections["lab"])
    side = Side(reader, find_one(reader, Location.parse("lab:PHANTOMS")))
    comparison = Comparison(side, liars.side("qc"))
    comparison.run()
    assert comparison.root.status is Status.UNREADABLE
    assert comparison.root.source_error is not None
    assert comparison.root.destination_error is None
    assert comparison.summary().same == comparison.summary().only_source == 0
    assert comparison.summary().only_destination == 0
    assert reports.document(comparison)["seen_by"] == {"source": "demo", "destination": "demo"}
