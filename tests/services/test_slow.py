"""A server that is slow or hiccups is not punished: the same verdict and plan, for few requests more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.services.little_study import little_destination, little_source
from xnat_tui.demo.faults import EMPTY_BODY, Action, Answer, ErrorPage, Hang, Truncate
from xnat_tui.demo.study import synthetic_site
from xnat_tui.errors import Interrupted
from xnat_tui.model.notice import Notice
from xnat_tui.model.pairing import Depth
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.transfers.copying.planning.plan import NewProject, plan_copy
from xnat_tui.services.transfers.exporting.planning import plan_export

HICCUPS: dict[str, Action] = {
    "500": ErrorPage(500),
    "nothing": EMPTY_BODY,
    "cut": Truncate(20),
    "garbage": Answer("\x00garbage", 200, "application/json"),
}
"""They take turns, so that any request meets two of them in a comparison and one in a plan."""
LATE = ErrorPage(504)
SIZE: dict[str, Any] = {"subjects": 20, "sessions_per_subject": 2, "scans_per_session": 2}
SESSIONS = 40


@pytest.fixture
def equal(pair_of: Any) -> Any:
    return pair_of(synthetic_site(**SIZE), synthetic_site(**SIZE))


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {
        reports.path_of(comparison, pair): "unverified" if pair.unverified else str(pair.status)
        for pair in items_of(comparison.root)
    }


@pytest.mark.parametrize("hiccup", HICCUPS)
def test_a_comparison_survives_a_hiccup_at_any_request(pair_of: Any, hiccup: str) -> None:
    sites = pair_of(little_source(), little_destination())
    truth = sites.compare(depth="digests")
    for number in range(list(HICCUPS).index(hiccup) % 2, truth.requests[0], 2):
        comparison = sites.comparison(depth="digests")
        fault = sites.servers["lab"].faults.add("(GET|POST) /", HICCUPS[hiccup], times=1, after=number)
        comparison.run()
        sites.servers["lab"].faults.clear()
        assert fault.fired == 1
        assert verdicts(comparison) == verdicts(truth)
        signed_in = hiccup == "nothing"  # an empty page, which may also mean that the session has ended
        assert comparison.requests[0] <= truth.requests[0] + 1 + signed_in
        assert comparison.requests[1] <= truth.requests[1]


@pytest.mark.parametrize("hiccup", HICCUPS)
def test_a_plan_survives_a_hiccup_at_any_request(pair_of: Any, tmp_path: Any, hiccup: str) -> None:
    sites = pair_of(little_source(), little_destination())

    def plans(number: int | None) -> tuple[Any, Any, int]:
        side, reader, other = sites.side("lab:BRAINS"), sites.reader(), sites.reader("qc")
        log = sites.servers["lab"].requests
        begun = len(log)
        if number is not None:
            sites.servers["lab"].faults.add("(GET|POST) /", HICCUPS[hiccup], times=1, after=number)
        copied = plan_copy(side.reader, [side.root], other, NewProject("qc", "NEW"))
        exported = plan_export(reader, [side.root], tmp_path)
        sites.servers["lab"].faults.clear()
        return copied.steps, exported.steps, len(log) - begun

    *truth, requests = plans(None)
    for number in range(list(HICCUPS).index(hiccup), requests, len(HICCUPS)):
        *found, _ = plans(number)
        assert found == truth


QUESTIONS = {
    "subjects": r"/BIG/subjects\?.*gender",
    "subjects' resources": r"/BIG/subjects\?.*subjectData.*file_count",
    "experiments": r"/BIG/experiments\?.*subject_label",
    "owned": r" /data/experiments\?",
    "sessions": r"/BIG/experiments\?.*dcmPatientName",
    "scans": r"/BIG/experiments\?.*imageScanData",
    "assessors": r"/BIG/experiments\?.*session_label",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_late_answer_costs_one_request(equal: Any, question: str) -> None:
    truth = equal.compare("lab:BIG", "qc:BIG")
    comparison = equal.comparison("lab:BIG", "qc:BIG")
    equal.servers["lab"].faults.add(QUESTIONS[question], LATE, times=1)
    comparison.run()
    assert verdicts(comparison) == verdicts(truth)
    assert comparison.requests == (truth.requests[0] + 1, truth.requests[1])


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_stays_late_comes_in_halves_and_never_one_by_one(equal: Any, question: str) -> None:
    truth = equal.compare("lab:BIG", "qc:BIG")
    comparison = equal.comparison("lab:BIG", "qc:BIG")
    equal.servers["lab"].faults.add(rf"^(?!.*([?&]ID=|columns=ID(&|$))).*{QUESTIONS[question]}", LATE)
    comparison.run()
    assert verdicts(comparison) == verdicts(truth)
    assert comparison.requests[0] <= truth.requests[0] + 5, "again, the IDs, two halves for one, another last"


def test_a_late_list_of_files_is_asked_for_in_halves(equal: Any) -> None:
    truth = equal.compare("lab:BIG", "qc:BIG", depth="digests")
    comparison = equal.comparison("lab:BIG", "qc:BIG", depth="digests")
    equal.servers["lab"].faults.add(r"/data/experiments/([^/?,]*,){13,}[^/?]*/files", LATE)
    comparison.run()
    assert verdicts(comparison) == verdicts(truth)
    assert comparison.requests[0] == truth.requests[0] + 2 * 2, "of 25 and of 15 sessions"


def noticed(sites: Any, order: Callable[[Any], None], depth: str = "sizes") -> tuple[Any, Any]:
    """A comparison, and the notices of its source with the requests that had come before each."""
    comparison = sites.comparison("lab:BIG", "qc:BIG", depth=depth)
    connection = comparison.source.reader.connection
    heard: list[tuple[Notice, int]] = []
    connection.on_notice = lambda notice: heard.append((notice, connection.requests))
    order(sites.servers["lab"].faults)
    comparison.run()
    return comparison, heard


def test_what_small_questions_cost_is_said_before_the_first(equal: Any) -> None:
    comparison, heard = noticed(equal, lambda faults: faults.add("imageScanData", ErrorPage(403)))
    ((notice, before),) = heard
    assert notice.requests == SESSIONS - 1, "of one the document was read as a proof"
    assert notice.text.startswith("lab does not tell enough of BIG in lists: up to 39 requests, one for each")
    assert comparison.source.reader.connection.requests <= before + SESSIONS + 1, "and the project's document"
    assert comparison.progress.notice == notice
    assert comparison.summary().unreadable == 0


def test_what_asking_for_each_subject_costs_is_said_before_the_first(equal: Any) -> None:
    comparison = equal.comparison("lab:BIG", "qc:BIG")
    connection = comparison.source.reader.connection
    connection.patience = replace(connection.patience, named_from=SIZE["subjects"])
    heard: list[Notice] = []
    connection.on_notice = heard.append
    equal.servers["lab"].faults.add(r"/BIG/experiments\?.*subject_label", ErrorPage(403))
    comparison.run()
    assert heard[0].requests == SIZE["subjects"]
    assert "one for each subject" in heard[0].text


def test_what_each_sessions_files_cost_is_said_before_they_become_many(equal: Any) -> None:
    _, heard = noticed(equal, lambda faults: faults.add(r"/[^/?]*,[^/?]*/files", ErrorPage(403)), "digests")
    ((notice, _),) = heard
    assert notice.requests == SESSIONS
    assert "one for each session" in notice.text


def test_a_good_server_has_nothing_said_of_it(equal: Any) -> None:
    comparison, heard = noticed(equal, lambda _: None, "digests")
    assert heard == []
    assert comparison.progress.notice is None


@pytest.mark.parametrize("depth", ["sizes", "digests"])
def test_stopping_ends_what_is_waited_for(equal: Any, depth: str) -> None:
    """Without it this would take two minutes."""
    comparison = equal.comparison("lab:BIG", "qc:BIG", depth=depth)
    pattern = "imageScanData" if depth == "sizes" else "/files"
    hanging = equal.servers["lab"].faults.add(pattern, Hang())
    ended: list[BaseException] = []

    def work() -> None:
        try:
            comparison.run()
        except Interrupted as error:
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while not hanging.fired:
        thread.join(0.02)
        assert thread.is_alive()
    comparison.stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert isinstance(ended[0], Interrupted)
    equal.servers["lab"].faults.clear()
    comparison.run()
    assert comparison.summary().unreadable == comparison.summary().unread == 0
    assert comparison.depth is Depth(depth)
