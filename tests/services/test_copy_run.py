"""A copy brings everything, byte for byte, proves it, and does nothing the second time."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from itertools import cycle

import pytest

from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import DO_NOTHING
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, Mode, OnExisting
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers.copying.execution import sender as copying_files
from xnat_tui.services.transfers.copying.execution.steps import copy_executor
from xnat_tui.services.transfers.copying.holdings import Holdings

IGNORING = CopyOptions(ignore_missing_datatypes=True)
ROI = "subjects/SUB-012/experiments/SUB-012_MR1/assessors/SUB-012_MR1_ROI"


def test_a_study_arrives_item_by_item_and_byte_by_byte(servers, held):
    pair = servers(source_site(), destination_site())
    result = pair.copy("BRAINS", options=IGNORING)
    assert result.failures == []
    expected = held(pair.source.site, "BRAINS")
    del expected[ROI]  # the destination lacks its data type, which the plan says
    assert held(pair.target.site, "NEW") == expected
    assert result.evidence.size == result.evidence.unverified == 0
    assert result.evidence.digest == result.progress.files > 400
    pair.target.requests.clear()
    again = pair.plan("BRAINS", options=IGNORING)
    assert {step.action for step in again.steps} == {Action.SKIP, Action.CONFLICT}
    assert sum(step.files for step in again.steps) == result.progress.files
    assert (again.totals.files, again.totals.bytes) == (0, 0)
    assert pair.run(again).failures == []
    assert pair.writes() == 0


def test_the_same_plan_twice_leaves_what_it_left_once(servers, make_site, held):
    pair = servers(make_site(), Site())
    plan = pair.plan("P")
    pair.run(plan)
    once = held(pair.target.site, "NEW")
    pair.target.requests.clear()
    assert pair.run(plan).failures == []
    assert held(pair.target.site, "NEW") == once
    assert pair.writes() == 0


def test_a_thousand_small_files_cost_four_requests_and_one_that_proves_their_resources_attributes(servers):
    pair = servers(synthetic_site(1, 1, 1, files_per_resource=1000), Site())

    def spent(project, mode):
        plan = pair.plan("BIG", project=project, options=CopyOptions(mode=mode))
        before = sum(connection.requests for connection in pair.connections.values())
        result = pair.run(plan)
        return result, sum(connection.requests for connection in pair.connections.values()) - before

    result, all_of_it = spent("NEW", Mode.ZIP)
    assert result.evidence == Evidence(digest=1000)
    assert all_of_it - spent("BARE", Mode.METADATA)[1] <= 5


def test_a_whole_copy_of_small_resources_costs_four_requests_each_at_most(servers):
    source = synthetic_site(2, 2, 6, files_per_resource=10)
    pair = servers(source, Site())
    plan = pair.plan("BIG", options=CopyOptions(mode=Mode.ZIP))
    before = sum(connection.requests for connection in pair.connections.values())
    assert pair.run(plan).evidence == Evidence(digest=240)
    spent = sum(connection.requests for connection in pair.connections.values()) - before
    resources, sessions, subjects = 24, 4, 2
    assert spent <= 3 * resources + 5 * sessions + 4 * subjects + 12


ODD = {
    "a b#c+d%20.dcm": b"1",
    "a b.dcm": b"2",
    "a#b.dcm": b"3",
    "sub/x.dcm": b"4",
    "sub_x.dcm": b"5",
    ".hidden": b"6",
    "notes.json": b"{}",
    "run.log": b"log",
    "empty.txt": b"",
    "1.2.3.4": b"7",
    "1.2.3.5": b"8",
    "deep/x_catalog.xml": b"<x/>",
    "ümlaut é.txt": b"9",
    "n" * 251 + ".dcm": b"10",
}


def _zip_of_the_users_own() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inside.txt", "never unpacked")
    return file.getvalue()


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.ZIP, Mode.FILE])
def test_names_and_contents_of_every_kind_are_kept_in_every_mode(servers, make_site, held, mode):
    files = {**ODD, "own.zip": _zip_of_the_users_own()}
    pair = servers(make_site(files), Site())
    result = pair.copy("P", options=CopyOptions(mode=mode))
    assert result.failures == []
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")
    assert result.evidence == Evidence(digest=len(files))


def test_metadata_mode_sends_no_file(servers, make_site):
    pair = servers(make_site(), Site())
    result = pair.copy("P", options=CopyOptions(mode=Mode.METADATA))
    assert result.failures == []
    session = next(iter(pair.target.site.experiments.values()))
    assert session.fields["note"] == "5 > 3 & \"x\" 'y' é"
    assert [scan.resources for scan in session.scans.values()] == [[]]


@pytest.mark.parametrize("digests", [(False, True), (True, False), (False, False)])
def test_without_digests_the_size_is_the_evidence(servers, make_site, digests):
    target = Site()
    target.settings.checksums = digests[1]
    pair = servers(make_site(digests=digests[0]), target)
    result = pair.copy("P")
    assert result.failures == []
    assert result.evidence == Evidence(size=2)


def test_no_verify_is_said(servers, make_site):
    pair = servers(make_site(), Site())
    assert pair.copy("P", options=CopyOptions(verify=False)).evidence == Evidence(unverified=2)


def _there(pair, path="a.dcm"):
    session = next(iter(pair.target.site.experiments.values()))
    return b"".join(session.scans["1"].resources[0].files[path].data.chunks())


def _changed(pair, path="a.dcm", data=b"ONE"):
    session = next(iter(pair.target.site.experiments.values()))
    entry = session.scans["1"].resources[0].files[path]
    entry.data = BytesContent(data)
    entry.digest, entry.size = entry.data.md5, entry.data.size


def test_what_differs_is_kept_replaced_or_sent_again_as_the_options_say(servers, make_site):
    pair = servers(make_site(), Site())
    pair.copy("P")
    _changed(pair)
    plan = pair.plan("P")
    conflict = [step for step in plan.steps if step.action is Action.CONFLICT]
    assert [step.path for step in conflict] == [
        "subjects/S1/experiments/E1/scans/1/resources/DICOM/files/a.dcm"
    ]
    assert pair.run(plan).failures == []
    assert _there(pair) == b"ONE"
    update = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    assert update.totals.files == 1
    assert pair.run(update).failures == []
    assert _there(pair) == b"one"
    overwrite = pair.plan("P", options=CopyOptions(on_existing=OnExisting.OVERWRITE))
    assert overwrite.destroys
    assert overwrite.totals.files == 2
    assert pair.run(overwrite).evidence == Evidence(digest=2)


def test_a_file_that_appeared_with_other_content_since_planning_is_not_touched(servers, make_site):
    pair = servers(make_site(), Site())
    plan = pair.plan("P")
    pair.run(plan)
    _changed(pair)
    result = pair.run(plan)
    assert [failure.error for failure in result.failures] == ["It is there with other content."]
    assert _there(pair) == b"ONE"


def test_an_item_that_appeared_with_other_fields_since_planning_is_not_touched(servers, make_site):
    pair = servers(make_site(), Site())
    plan = pair.plan("P")
    pair.run(plan)
    subject = next(iter(pair.target.site.subjects.values()))
    subject.fields["gender"] = "male"
    result = pair.run(plan)
    assert "demographics/gender" in result.outcomes["subjects/S1"].failures[0].error
    assert subject.fields["gender"] == "male"


def test_fields_are_updated_where_the_options_say_so(servers, make_site):
    pair = servers(make_site(), Site())
    pair.copy("P")
    subject = next(iter(pair.target.site.subjects.values()))
    session = next(iter(pair.target.site.experiments.values()))
    subject.fields["gender"], session.scans["1"].fields["quality"] = "male", "unusable"
    plan = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    changed = {step.path: step.reason for step in plan.steps if step.action is Action.UPDATE}
    assert changed == {"subjects/S1": "gender", "subjects/S1/experiments/E1/scans/1": "quality"}
    assert pair.run(plan).failures == []
    assert subject.fields["gender"] == "female"
    assert session.scans["1"].fields["quality"] == "usable"


def test_a_copy_within_one_server_goes_to_another_project(servers, make_site, held):
    pair = servers(make_site(), Site())
    result = pair.run(pair.plan("P", server="lab", project="TWIN"))
    assert result.failures == []
    site = pair.source.site
    assert held(site, "TWIN") == held(site, "P")


def test_large_files_stream_between_servers_and_stay_on_one_server(servers, make_site, held, monkeypatch):
    monkeypatch.setattr(copying_files, "LARGE", 1000)
    big = bytes(range(256)) * 4000
    pair = servers(make_site({"big.dcm": big, "small.dcm": b"s"}), Site())
    assert pair.copy("P").evidence == Evidence(digest=2)
    assert pair.run(pair.plan("P", server="lab", project="TWIN")).evidence == Evidence(digest=2)
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P") == held(pair.source.site, "TWIN")


def test_an_assessor_that_refers_to_nothing_there_fails_alone(servers, make_site):
    source = make_site()
    session = next(iter(source.experiments.values()))
    source.add_assessor(session, "QC1", "xnat:qcManualAssessorData", fields={"scans/scan/imageScan_ID": "99"})
    source.add_assessor(session, "QC2", "xnat:qcManualAssessorData", fields={"scans/scan/imageScan_ID": "1"})
    pair = servers(source, Site())
    plan = pair.plan("P")
    (refused,) = [step for step in plan.steps if step.action is Action.CONFLICT]
    assert refused.path == "subjects/S1/experiments/E1/assessors/QC1"
    assert "scan 99, which is neither at the destination nor copied along" in refused.reason
    result = pair.run(plan)
    assert result.failures == []
    assert [one.label for one in pair.target.site.assessors.values()] == ["QC2"]
    assert result.outcomes["subjects/S1/experiments/E1/assessors/QC2"].state is State.DONE


def test_a_scan_that_the_server_refuses_does_not_keep_its_session_away(servers, make_site):
    source = make_site()
    session = next(iter(source.experiments.values()))
    source.add_scan(session, "2", xsi_type="xnat:imageScanData", fields={"type": "x", "modality": "MR"})
    pair = servers(source, Site())
    result = pair.copy("P")
    assert [failure.path for failure in result.failures] == ["subjects/S1/experiments/E1/scans/2"]
    fixed = pair.copy("P", project="FIXED", options=CopyOptions(fix_scan_types=True))
    assert fixed.failures == []
    there = pair.target.site.experiment("E1", "FIXED")
    assert there.scans["2"].xsi_type == "xnat:mrScanData"


def test_a_reader_of_the_destination_cannot_pretend(servers, make_site):
    pair = servers(make_site(), make_site({}))
    pair.target.faults.add(r"PUT .*/files/", DO_NOTHING)
    session = next(iter(pair.target.site.experiments.values()))
    session.scans["1"].resources.clear()
    result = pair.copy("P", project="P")
    assert {failure.error for failure in result.failures} == {
        "The server accepted the file, but does not list it."
    }
    assert len(result.failures) == 2


@pytest.mark.parametrize("labels", [("A1", "B2"), ("B2", "A1")])
def test_an_assessor_may_refer_to_another_wherever_that_stands(servers, make_site, labels):
    source = make_site()
    session = next(iter(source.experiments.values()))
    made = {}
    for label in labels:
        made[label] = source.add_assessor(session, label, "xnat:qcManualAssessorData")
    made["A1"].fields["assessor_ID"] = made["B2"].id
    pair = servers(source, Site())
    for _ in range(7):  # so that no ID is the same on both by chance
        pair.target.site.accession("E")
    plan = pair.plan("P")
    assert pair.run(plan).failures == []
    there = {one.label: one for one in pair.target.site.assessors.values()}
    assert there["A1"].fields["assessor_ID"] == there["B2"].id != made["B2"].id
    pair.target.requests.clear()
    assert pair.run(plan).failures == []
    assert pair.writes() == 0


def test_two_assessors_that_refer_to_each_other_fail_and_are_named(servers, make_site):
    source = make_site()
    session = next(iter(source.experiments.values()))
    one, other = (source.add_assessor(session, name, "xnat:qcManualAssessorData") for name in ("Q1", "Q2"))
    one.fields["assessor_ID"], other.fields["assessor_ID"] = other.id, one.id
    result = servers(source, Site()).copy("P")
    assert {failure.path.rpartition("/")[2] for failure in result.failures} == {"Q1", "Q2"}


def test_a_scan_that_a_reference_needs_is_looked_for_again_when_it_runs(servers, make_site):
    source = make_site()
    session = next(iter(source.experiments.values()))
    source.add_assessor(session, "QC1", "xnat:qcManualAssessorData", fields={"scans/scan/imageScan_ID": "1"})
    pair = servers(source, Site())
    plan = pair.plan("P")
    scan = next(step for step in plan.steps if step.path.endswith("/scans/1"))
    qc = next(step for step in plan.steps if step.kind == "assessor")
    kept = plan.without({scan.number})
    assert qc.number not in {step.number for step in kept.steps}  # un-ticked with what it needs
    del session.scans["1"]
    result = pair.run(plan)
    assert "subjects/S1/experiments/E1/assessors/QC1" in {failure.path for failure in result.failures}
    assert pair.target.site.assessors == {}


def test_processes_of_a_cluster_find_what_the_others_have_made_since_they_looked_first(servers, held):
    """Each has its own picture of the destination; what stands there is more than any of them has seen."""
    pair = servers(synthetic_site(3, 2, 2, file_size=100), Site())
    plan = pair.plan("BIG", options=CopyOptions(executor="dask=tcp://head:8786"))
    with ExitStack() as stack:
        processes = cycle(
            stack.enter_context(copy_executor(plan, pair.connections.__getitem__)) for _ in range(3)
        )
        outcomes = [execute(step, Control()) for step, execute in zip(plan.steps, processes, strict=False)]
    assert [failure for one in outcomes for failure in one.failures] == []
    assert {one.state for one in outcomes} == {State.DONE}
    assert held(pair.target.site, "NEW") == held(pair.source.site, "BIG")


def test_what_others_make_between_two_lists_is_no_contradiction(servers):
    """Where others write, the later list is the project's: it shows all that the site's has shown."""
    pair = servers(Site(), synthetic_site(1))
    holdings = Holdings(pair.connections["qc"], others_write=True)
    pair.target.requests.clear()
    assert holdings.find("BIG", Kind.SUBJECT, "S00001") is not None
    assert [entry.path for entry in pair.target.requests] == ["/data/subjects", "/data/projects/BIG/subjects"]
