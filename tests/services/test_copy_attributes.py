"""What was proved includes the attributes: of resources and of items, whatever fails, comes first or dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.test_copy_killed import COMMAND, PASSWORDS, _configure
from xnat_tui.demo import editing
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import DO_NOTHING, ErrorPage, WriteThenDrop
from xnat_tui.demo.site import Site
from xnat_tui.errors import Interrupted
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, Mode, OnExisting
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.transfer import Evidence, Kept, State
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.execution.steps import copy_executor
from xnat_tui.services.transfers.running import worker

ZIP_UP = r"PUT .*/files/files\.zip"
MAKE = r"PUT .*/resources/[^/]+\?"
SCAN = "subjects/S1/experiments/E1/scans/1"
RESOURCE = f"{SCAN}/resources/DICOM"


def _fill(site, resource, kinds):
    """Twelve files, of these formats in turn: "" as real catalogs have them, others than the resource's."""
    resource.files.clear()
    for number in range(12):
        content = BytesContent(bytes([number]) * 3000)
        entry = FileEntry(f"{number:02}.dcm", content, content.md5, content.size)
        entry.format, entry.tags = kinds[number % len(kinds)]
        resource.add(entry)
    resource.populate_stats()


@pytest.fixture
def mixed(make_site):
    """A resource with all four attributes, whose files have none, others, and tags of their own."""
    site = make_site()
    session = next(iter(site.experiments.values()))
    resource = session.scans["1"].resources[0]
    resource.tags, resource.description = ("t1", "t 2"), "Tom's images, v1"
    _fill(site, resource, [("", ()), ("GE", ()), ("NIFTI", ("own",))])
    return site


def _there(pair):
    return pair.target.site.experiment("E1", "NEW").scans["1"]


def _attributes(resource):
    description = resource.description.replace("&apos;", "'")  # as XNAT stores a parameter
    return resource.format, resource.content, resource.tags, description


def _same(pair):
    """The destination's resources and all of their files are the source's."""
    source = next(iter(pair.source.site.experiments.values())).scans["1"]
    for one, other in zip(source.resources, sorted(_there(pair).resources, key=_order(source)), strict=True):
        assert (other.label, _attributes(other)) == (one.label, _attributes(one))
        for path, entry in one.files.items():
            found = other.files[path]
            assert (found.format, found.content, found.tags) == (entry.format, entry.content, entry.tags)
            assert found.data.md5 == entry.data.md5
    return True


def _order(source):
    labels = [one.label for one in source.resources]
    return lambda resource: labels.index(resource.label)


@pytest.mark.parametrize("mode", [Mode.ZIP, Mode.FILE])
@pytest.mark.parametrize("after", range(3))
def test_the_first_upload_may_fail_and_the_next_makes_no_other_resource(servers, mixed, mode, after):
    pair = servers(mixed, Site())
    plan = pair.plan("P", options=CopyOptions(mode=mode))
    pair.target.faults.add(r"PUT .*/files/", ErrorPage(500), times=1, after=after)
    result = pair.run(plan)
    assert result.failures
    assert _attributes(_there(pair).resources[0]) == ("DICOM", "RAW", ("t1", "t 2"), "Tom's images, v1")
    again = pair.run(plan)
    assert (again.failures, again.evidence) == ([], Evidence(digest=12))
    assert _same(pair)


@pytest.mark.parametrize(
    "fault", [DO_NOTHING, WriteThenDrop(), ErrorPage(503)], ids=["not done", "lost", "503"]
)
def test_a_resource_is_seen_before_anything_else_could_make_it(servers, mixed, fault):
    pair = servers(mixed, Site())
    made = pair.target.faults.add(MAKE, fault, times=1)
    result = pair.copy("P")
    assert made.fired
    assert (result.failures, result.evidence) == ([], Evidence(digest=12))
    assert _same(pair)


def test_a_resource_that_is_never_made_gets_no_file_and_the_next_run_heals_it(servers, mixed):
    pair = servers(mixed, Site())
    plan = pair.plan("P")
    pair.target.faults.add(MAKE, DO_NOTHING)
    result = pair.run(plan)
    assert [(one.path, one.error) for one in result.failures] == [
        (RESOURCE, "The server said yes, but made no resource.")
    ]
    assert _there(pair).resources == []
    pair.target.faults.clear()
    assert pair.run(plan).failures == []
    assert _same(pair)


def test_tags_of_a_file_never_become_those_of_its_resource(servers, make_site):
    source = make_site()
    resource = next(iter(source.experiments.values())).scans["1"].resources[0]
    for entry in resource.files.values():
        entry.tags = ("mine",)
    pair = servers(source, Site())
    assert pair.copy("P").failures == []
    assert _there(pair).resources[0].tags == ()
    assert _same(pair)


def test_an_attribute_that_was_not_kept_is_named_counted_and_healed(servers, mixed, tmp_path):
    pair = servers(mixed, Site())
    with Journal(tmp_path / "jobs.sqlite") as journal:
        job = journal.create(pair.plan("P"))
        _losing(pair, journal, job)
        found = run_job(pair, journal, job)
        assert found.state is State.FAILED
        assert found.attributes.lost == 1
        (failure,) = found.failed
        assert failure.path == RESOURCE
        assert failure.error == (
            "Its format is '' there and not 'DICOM'; "
            "its description is '' there and not \"Tom's images, v1\"."
        )
        assert "delete it there, then retry" in failure.hint
        assert found.verified == Evidence(digest=12)
        _there(pair).resources.clear()
        assert journal.retry(job) == 1
        found = run_job(pair, journal, job)
    assert (found.state, found.failed, found.verified) == (State.DONE, (), Evidence(digest=12))
    assert found.to_dict()["attributes"] == {"proved": 5, "lost": 0}
    assert _same(pair)


def _losing(pair, journal, job):
    """Somebody else made the resource, otherwise, between planning and running."""
    run_job(pair, journal, job)
    resource = _there(pair).resources[0]
    resource.format = resource.description = ""
    with journal.database.transaction() as database:
        database.execute("UPDATE steps SET state = 'queued' WHERE path = ?", (RESOURCE,))
        database.execute("UPDATE jobs SET state = 'queued'")


def run_job(pair, journal, job):
    with copy_executor(journal.plan(job), pair.connections.__getitem__) as execute:
        return run(journal, job, execute)


def test_one_look_at_a_session_proves_all_of_its_resources(servers, make_site):
    source = make_site()
    session = next(iter(source.experiments.values()))
    for number in range(2, 9):
        scan = source.add_scan(session, str(number), fields={"type": "T1"})
        resource = source.new_resource("DICOM", format="DICOM", content="RAW")
        content = BytesContent(bytes([number]))
        resource.add(FileEntry("a.dcm", content, content.md5, 1, "DICOM", "RAW"))
        resource.populate_stats()
        scan.resources.append(resource)
    pair = servers(source, Site())
    plan = pair.plan("P")
    pair.target.requests.clear()
    result = pair.run(plan)
    assert result.failures == []
    kept = sum(outcome.attributes.proved for outcome in result.outcomes.values())
    assert kept == 1 + 1 + 1 + 8 + 8
    looks = [one for one in pair.target.requests if one.method == "GET" and one.path.endswith("/E1")]
    assert len(looks) == 1, "once after its files, for the session and its scans too"


# what XNAT gives a scan's first resource by itself


def _blank(site, label="DICOM"):
    """The content of a scan's resource, as older data have it: none."""
    scan = next(iter(site.experiments.values())).scans["1"]
    resource = next(one for one in scan.resources if one.label == label)
    resource.content = ""
    for entry in resource.files.values():
        entry.content = ""
    return site


def _differences(pair):
    sides = []
    for name, project in (("lab", "P"), ("qc", "NEW")):
        reader = Reader(pair.connections[name])
        sides.append(Side(reader, find_one(reader, Place(name).location.child(Kind.PROJECT, project))))
    comparison = Comparison(*sides, depth=Depth.DIGESTS, fields="all")
    comparison.run()
    return comparison.to_dict()["items"]


def test_the_content_that_xnat_gives_unasked_is_no_difference_and_no_failure(servers, make_site):
    pair = servers(_blank(make_site()), Site())
    assert pair.copy("P").failures == []
    assert _there(pair).resources[0].content == "RAW"
    assert _differences(pair) == []
    session = "P/S1/E1"
    options = CopyOptions(on_existing=OnExisting.UPDATE)
    assert not pair.plan(session, options=options).writes
    assert "cannot be changed" not in " ".join(
        step.reason for step in pair.plan(session, options=options).steps
    )


def _with_nifti(make_site):
    site = make_site()
    scan = next(iter(site.experiments.values())).scans["1"]
    resource = site.new_resource("NIFTI", format="NIFTI")
    content = BytesContent(b"volume")
    resource.add(FileEntry("v.nii", content, content.md5, content.size, "NIFTI"))
    resource.populate_stats()
    scan.resources.insert(0, resource)
    return site


@pytest.mark.parametrize("mode", [Mode.ZIP, Mode.FILE])
@pytest.mark.parametrize("times", [0, 1, 9])
def test_a_second_resource_has_no_content_whichever_upload_comes_first_or_fails(
    servers, make_site, mode, times
):
    pair = servers(_with_nifti(make_site), Site())
    plan = pair.plan("P", options=CopyOptions(mode=mode))
    pair.target.faults.add(r"PUT .*/resources/DICOM/files/", ErrorPage(500), times=times)
    assert bool(pair.run(plan).failures) == bool(times)
    pair.target.faults.clear()
    assert pair.run(plan).failures == []
    assert {one.label: one.content for one in _there(pair).resources} == {"DICOM": "RAW", "NIFTI": ""}
    assert _same(pair)


# fields of items


@pytest.fixture
def forgetful(monkeypatch):
    """A server that drops the quality of scans which come within a session's document."""
    apply = editing._apply_scans

    def without_quality(site, session, document, *, replace):
        for nested in document.scans:
            nested.fields.pop("quality", None)
        apply(site, session, document, replace=replace)

    monkeypatch.setattr(editing, "_apply_scans", without_quality)


def test_a_scan_that_lost_a_field_within_its_session_is_given_it_at_once(servers, make_site, held, forgetful):
    pair = servers(make_site(), Site())
    assert pair.copy("P").failures == []
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_a_field_that_was_lost_is_named_and_a_retry_heals_it(servers, make_site, held, forgetful, tmp_path):
    pair = servers(make_site(), Site())
    pair.target.faults.add(r"PUT .*/scans/1\?", DO_NOTHING)
    with Journal(tmp_path / "jobs.sqlite") as journal:
        job = journal.create(pair.plan("P"))
        found = run_job(pair, journal, job)
        (lost, *_) = found.failed
        assert (lost.path, found.state, found.attributes.lost) == (SCAN, State.FAILED, 1)
        assert "did not keep quality" in lost.error
        pair.target.faults.clear()
        journal.retry(job)
        found = run_job(pair, journal, job)
    assert (found.failed, found.attributes) == ((), Kept(5))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_what_only_lacks_a_field_is_given_it_and_what_has_another_value_is_not_touched(
    servers, make_site, held
):
    pair = servers(make_site(), Site())
    plan = pair.plan("P")
    pair.run(plan)
    scan = _there(pair)
    del scan.fields["quality"]
    assert pair.run(plan).failures == []
    assert scan.fields["quality"] == "usable"
    scan.fields["quality"] = "unusable"
    failures = {failure.path: failure.error for failure in pair.run(plan).failures}
    assert "other values in quality" in failures[SCAN]
    assert scan.fields["quality"] == "unusable"


# kill -9


@pytest.mark.parametrize("moment", [24, 27, 30])
@pytest.mark.parametrize("when", ["KILL_AT", "KILL_AFTER"])
def test_kill_9_anywhere_and_resume_leaves_every_attribute(
    servers, mixed, tmp_path, monkeypatch, moment, when
):
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("PYTHONPATH", str(Path(worker.__file__).parents[2]))
    pair = servers(mixed, Site())
    _configure(pair)
    with Journal() as journal:
        job = journal.create(pair.plan("P"))
    monkeypatch.setenv(when, str(moment))
    with pytest.raises(Interrupted):
        worker.start(job, passwords=PASSWORDS, command=COMMAND).wait()
    monkeypatch.delenv(when)
    report = worker.resume(job, passwords=PASSWORDS, command=COMMAND).wait()
    assert (report.state, report.failed, report.verified) == (State.DONE, (), Evidence(digest=12))
    assert report.attributes == Kept(5)
    assert _same(pair)
