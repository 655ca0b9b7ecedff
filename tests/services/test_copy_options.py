"""Options that do something beside copying, each from plan to end."""

from __future__ import annotations

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.site import Site
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions, Mode, OnExisting, Via
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers.copying.execution import together as copying_together

SESSION = "subjects/S1/experiments/E1"


def _after(site):
    site.settings.plugins["ohifViewerPlugin"] = {}
    return site


def _asked(pair, part):
    return [entry for entry in pair.target.requests if part in entry.path]


def test_catalogs_viewer_and_caches_follow_once_everything_has_arrived(servers, make_site):
    pair = servers(make_site(), _after(Site()))
    plan = pair.plan("P", options=CopyOptions(ohif=True, refresh_catalogs=True, clear_caches=True))
    result = pair.run(plan)
    assert result.failures == []
    log = [entry.path for entry in pair.target.requests]
    last = max(number for number, path in enumerate(log) if "/files" in path)
    after = [path.partition("/experiments/")[0] for path in log[last + 1 :]]
    assert after[-3:] == ["/data/services/refresh/catalog", "/xapi/viewer/projects/NEW", "/monitoring"]
    (session,) = pair.target.site.experiments
    assert pair.target.site.viewer_metadata == {session}


def test_a_failed_file_holds_the_viewer_back_until_it_has_arrived(servers, make_site):
    pair = servers(make_site(), _after(Site()))
    plan = pair.plan("P", options=CopyOptions(ohif=True))
    pair.target.faults.add(r"PUT .*/files/", ErrorPage(500))
    result = pair.run(plan)
    assert result.outcomes[f"{SESSION} ohif"].state is State.FAILED
    assert pair.target.site.viewer_metadata == set()
    pair.target.faults.clear()
    assert pair.run(plan).failures == []
    assert len(pair.target.site.viewer_metadata) == 1


def test_without_the_viewers_plugin_it_is_said(servers, make_site):
    pair = servers(make_site(), Site())
    result = pair.run(pair.plan("P", options=CopyOptions(ohif=True)))
    assert [failure.path for failure in result.failures] == [SESSION]
    assert result.evidence == Evidence(digest=2)


def test_caches_that_only_an_administrator_may_clear_are_left_and_that_is_said(
    servers, make_site, monkeypatch
):
    from xnat_tui.services.transfers.copying.planning import walk as planning_walk

    monkeypatch.setattr(planning_walk, "is_administrator", lambda connection: False)
    pair = servers(make_site(), Site())
    plan = pair.plan("P", options=CopyOptions(clear_caches=True))
    assert any("Only administrators" in finding.message for finding in plan.findings)
    assert pair.run(plan).failures == []
    assert _asked(pair, "/monitoring") == []


def test_nothing_follows_where_nothing_was_written(servers, make_site):
    pair = servers(make_site(), _after(Site()))
    pair.copy("P")
    plan = pair.plan("P", options=CopyOptions(ohif=True, refresh_catalogs=True, clear_caches=True))
    assert not plan.writes


@pytest.mark.parametrize(
    ("modality", "xsi_type"),
    [("PT", "xnat:petScanData"), ("MR", "xnat:mrScanData"), ("CT", "xnat:ctScanData")],
)
def test_scan_types_are_mended_by_the_scans_own_modality(servers, make_site, modality, xsi_type):
    source = make_site()
    session = next(iter(source.experiments.values()))
    session.xsi_type = "xnat:petmrSessionData"
    source.add_scan(session, "9", xsi_type="xnat:imageScanData", fields={"type": "x", "modality": modality})
    pair = servers(source, Site())
    assert pair.copy("P", options=CopyOptions(fix_scan_types=True)).failures == []
    there = pair.target.site.experiment("E1", "NEW")
    assert (there.scans["9"].xsi_type, there.scans["1"].xsi_type) == (xsi_type, "xnat:mrScanData")


def test_limits_modes_and_policies_appear_in_the_equivalent_command(servers, make_site):
    pair = servers(make_site(), Site())
    options = CopyOptions(
        mode=Mode.FILE, on_existing=OnExisting.UPDATE, bandwidth=1_000_000, clear_caches=True
    )
    plan = pair.plan("P", options=options, filters=Filters(limit_subjects=1))
    command = "xnat-tui copy lab:P qc:NEW --on-existing update --mode file --clear-caches"
    assert plan.command == f"{command} --bandwidth 1000000 --limit-subjects 1"
    assert "--via import" in pair.plan("P", options=CopyOptions(via=Via.IMPORT)).command


def test_with_a_bandwidth_every_resource_counts_its_own_bytes_while_it_is_sent(servers, make_site):
    source = make_site()
    session = next(iter(source.experiments.values()))
    session.resources.append(source.new_resource("EMPTY"))
    pair = servers(source, Site())
    plan = pair.plan("P", options=CopyOptions(bandwidth=10**9))
    assert pair.run(plan).evidence == Evidence(digest=2)
    assert [
        entry for entry in pair.source.requests if "all=true" in entry.query and "zip" in entry.query
    ] == []


def test_what_goes_together_is_bounded(servers, make_site, put_file, monkeypatch):
    source = make_site()
    session = next(iter(source.experiments.values()))
    for number in range(2, 8):
        scan = source.add_scan(session, str(number), fields={"type": f"T{number} (x)"})
        resource = source.new_resource("DICOM", format="DICOM")
        put_file(resource, "a.dcm", bytes([number]) * 1000)
        put_file(resource, "b.dcm", bytes([number]) * 900)
        scan.resources.append(resource)
    pair = servers(source, Site())
    monkeypatch.setattr(copying_together, "TOGETHER_BYTES", 4000)
    plan = pair.plan("P")
    assert pair.run(plan).evidence == Evidence(digest=14)
    shared = [
        entry for entry in pair.target.requests if entry.path.endswith("/files") and "all=" in entry.query
    ]
    assert 2 <= len(shared) <= 4
    steps = [step for step in plan.steps if step.kind is Kind.RESOURCE]
    assert {step.action for step in steps} == {Action.UPLOAD}


@pytest.mark.parametrize("typed", [False, True])
def test_one_zip_of_a_session_serves_all_its_scans_however_it_names_them(servers, make_site, typed):
    source = make_site()
    source.settings.types_in_whole_zips = typed
    session = next(iter(source.experiments.values()))
    second = source.add_scan(session, "22", fields={"type": "T2 w/flair"})
    resource = source.new_resource("DICOM", format="DICOM")
    for number in range(9):
        content = BytesContent(b"%d" % number)
        resource.add(FileEntry(f"{number}.dcm", content, digest=content.md5, size=content.size))
    resource.populate_stats()
    second.resources.append(resource)
    pair = servers(source, Site())
    assert pair.copy("P").failures == []
    zips = [entry for entry in pair.source.requests if "format=zip" in entry.query]
    assert [("all=true" in entry.query, entry.path.endswith("/files")) for entry in zips] == [(True, True)]
    files = [one for one in pair.source.requests if "/files/" in one.path]
    assert files == []
