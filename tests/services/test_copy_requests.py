"""What a copy asks of both servers: counted, and the same proof with less when a server lies or refuses."""

from __future__ import annotations

import io
import zipfile

import pytest

from xnat_tui.demo import item_xml, upload
from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.faults import DO_NOTHING, Answer, ErrorPage, Truncate, WriteThenDrop, WriteThenError
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import synthetic_site
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers.copying.execution.steps import copy_executor

SCANS = 6
SESSION_ZIP = r"GET /data/experiments/[^/]+/files\?.*format=zip"
TEN = r"GET /data/experiments/[^/]+,[^/]+/files\?"


def run_job(pair, journal, plan, workers=4):
    with copy_executor(plan, pair.connections.__getitem__) as execute:
        return run(journal, journal.create(plan), execute, workers=workers)


def _sessions(server):
    return list(server.site.experiments.values())


def _counted(pair):
    found = len(pair.source.requests), len(pair.target.requests)
    pair.source.requests.clear()
    pair.target.requests.clear()
    return found


def _copy(servers, tmp_path, subjects, visits):
    """Requests at the source and the destination, of signing in, planning, running and planning again."""
    pair = servers(synthetic_site(subjects, visits, SCANS, files_per_resource=1, file_size=500), Site())
    with Journal(tmp_path / f"{subjects}.sqlite") as journal:
        report = run_job(pair, journal, pair.plan("BIG"))
    assert (report.state, report.verified) == (State.DONE, Evidence(digest=subjects * visits * SCANS))
    first = _counted(pair)
    again = pair.plan("BIG")
    assert not again.writes
    return first, _counted(pair)


def test_a_new_session_costs_two_requests_at_the_source_and_nine_at_the_destination(servers, tmp_path):
    (few, few_again), (more, more_again) = (_copy(servers, tmp_path, subjects, 2) for subjects in (5, 15))
    sessions = 10 * 2
    source, target = more[0] - few[0], more[1] - few[1]
    assert source <= 2 * sessions
    assert target <= 9 * sessions
    # what does not grow with sessions: of two hundred a fifth of a request each
    assert few[0] - source / 2 <= 35
    assert few[1] - target / 2 <= 35
    # planned again: some sessions' files to a question
    assert more_again[0] - few_again[0] <= sessions / 10
    assert more_again[1] - few_again[1] <= sessions / 10
    assert few_again[0] + few_again[1] <= 2 * 30


@pytest.fixture
def pair(servers):
    return servers(synthetic_site(2, 2, 3, files_per_resource=2, file_size=700), Site())


def _same(pair, held, result):
    assert (result.failures, result.evidence) == ([], Evidence(digest=24))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "BIG")
    return True


def test_a_subjects_document_that_nests_nothing_is_not_believed(pair, held):
    pair.source.site.settings.nested_sessions = pair.target.site.settings.nested_sessions = "bare"
    assert _same(pair, held, pair.copy("BIG"))
    own = [
        one
        for one in pair.source.requests
        if one.path.startswith("/data/experiments/") and "xml" in one.query
    ]
    assert len(own) == 4


def test_a_subjects_document_that_tells_a_session_otherwise_is_not_believed(pair, held, monkeypatch):
    fill = item_xml._fill

    def without_notes(site, user, element, item, *, hidden):
        fill(site, user, element, item, hidden=hidden)
        if isinstance(item, Experiment) and element.getparent() is not None:
            element.set("visit_id", "another")

    monkeypatch.setattr(item_xml, "_fill", without_notes)
    assert _same(pair, held, pair.copy("BIG"))


def test_a_server_that_lists_one_session_at_a_time(pair, held, tmp_path):
    faults = [server.faults.add(TEN, ErrorPage(400)) for server in (pair.source, pair.target)]
    plan = pair.plan("BIG")
    with Journal(tmp_path / "jobs.sqlite") as journal:
        report = run_job(pair, journal, plan, workers=1)
    assert (report.state, report.verified) == (State.DONE, Evidence(digest=24))
    assert all(fault.fired for fault in faults)
    assert held(pair.target.site, "NEW") == held(pair.source.site, "BIG")


@pytest.mark.parametrize("fault", [DO_NOTHING, WriteThenDrop(), WriteThenError(500), ErrorPage(503)])
def test_a_session_that_did_not_arrive_as_the_server_says(pair, held, fault):
    sent = pair.target.faults.add(r"PUT .*/experiments/S00001_MR1\?", fault, times=1)
    assert _same(pair, held, pair.copy("BIG"))
    assert sent.fired


def test_a_session_that_is_never_stored_is_a_failure_and_no_file_of_it_counts(pair, held):
    pair.target.faults.add(r"PUT .*/experiments/S00001_MR1\?", DO_NOTHING)
    plan = pair.plan("BIG")
    result = pair.run(plan)
    assert result.evidence == Evidence(digest=18)
    assert {failure.error for failure in result.failures} >= {"The server said yes, but stored nothing."}
    pair.target.faults.clear()
    assert _same(pair, held, pair.run(plan))


@pytest.fixture
def half(monkeypatch):
    """A server that unpacks one file of a zip, and then answers 500; as often as its list says."""
    store = upload._store
    times: list[object] = []

    def stored(call, place, files):
        if not (times and call.flag("extract") and len(files) > 1):
            return store(call, place, files)
        times.pop()
        store(call, place, files[:1])
        raise Refusal(500, "No space left on device")

    monkeypatch.setattr(upload, "_store", stored)
    return times


def test_an_upload_that_is_unpacked_in_part_is_told_and_completed_by_the_next_run(pair, held, half):
    plan = pair.plan("BIG")
    half += [True]
    result = pair.run(plan)
    assert "No space left on device" in " ".join(failure.error for failure in result.failures)
    assert result.evidence == Evidence(digest=22)
    pair.source.requests.clear()
    assert _same(pair, held, pair.run(plan))
    zips = [one for one in pair.source.requests if "format=zip" in one.query]
    files = [one for one in pair.source.requests if "/files/" in one.path]
    assert (zips, len(files)) == ([], 1), "only what was missing came again"


def _changed(pair, change):
    """The source's zip of the first session with other members; `change` is given them by name."""
    session = _sessions(pair.source)[0]
    url = f"/data/experiments/{session.id}/files"
    with pair.connections["lab"].download(url, format="zip", all="true") as download:
        packed = b"".join(download)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in change(members):
            archive.writestr(name, data)
    return Answer(out.getvalue(), 200, "application/zip")


CHANGES = {
    "wrong bytes": lambda members: [(members[0][0], b"x" * len(members[0][1])), *members[1:]],
    "wrong length": lambda members: [(members[0][0], members[0][1] + b"x"), *members[1:]],
    "another's content": lambda members: [(members[0][0], members[1][1]), *members[1:]],
    "a member less": lambda members: members[1:],
    "a member more": lambda members: [*members, (members[0][0] + ".more", b"more")],
    "a name that climbs": lambda members: [(members[0][0] + "/../../../x", b"x"), *members],
    "another scan": lambda members: [
        (name.replace("/scans/1/", "/scans/9/"), data) for name, data in members
    ],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("change", [*CHANGES, "a doubled member", "cut"])
def test_a_zip_of_a_session_that_is_not_what_was_listed(pair, held, monkeypatch, change):
    make = CHANGES.get(change, lambda members: [*members, members[0]])
    fault = Truncate(1500) if change == "cut" else _changed(pair, make)
    first = _sessions(pair.source)[0].id
    zipped = pair.source.faults.add(SESSION_ZIP.replace("[^/]+", first), fault)
    assert _same(pair, held, pair.copy("BIG"))
    assert zipped.fired
