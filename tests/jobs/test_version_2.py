"""A journal of the last version: its jobs are listed, shown, and go on where they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.jobs import version_2
from xnat_tui.cli.root import cli
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.model.transfer import Report, State
from xnat_tui.services.administration.prearchive import work as prearchive_work
from xnat_tui.services.workspace import Workspace

JOBS = {
    "20261121-100000-copy": "lab:P → qc:NEW",
    "20261121-100140-copy": "lab:P → qc:P",
    "20261121-100320-copy": "lab:P → qc:P",
    "20261121-100500-copy": "lab:P/S1/S1_MR → qc:IMP",
    "20261121-100640-copy": "lab:Q → qc:SHR",
    "20261121-100820-copy": "lab:P/S1/S1_MR/scans/2/resources/NIFTI/files/a.json → qc:ONE",
    "20261121-101000-export": "lab:P → {}/xnat",
    "20261121-101140-export": "lab:P → {}/bids",
    "20261121-101320-upload": "{}/files → qc:P/resources/protocol",
    "20261121-101500-upload": "{}/dicom → qc:P/S7/S7_MR",
    "20261121-101640-export": "lab:P → {}/flat",
}
MADE, FILLED, UPDATED, IMPORTED, SHARED, ONE_FILE, XNAT, BIDS, FILES, DICOM, FLAT = JOBS


@pytest.fixture
def sites(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, Site]]:
    """The servers of the journal's jobs as they were left, and the journal in its place."""
    for name in ("LAB", "QC"):
        monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name}", "admin")
    monkeypatch.setattr(prearchive_work, "POLL_SECONDS", 0.01)
    with ExitStack() as stack:
        lab, qc = (stack.enter_context(DemoServer(site)) for site in (version_2.lab(), version_2.qc()))
        version_2.restored(state / "jobs.sqlite", lab.url, qc.url, tmp_path)
        version_2.incoming(tmp_path)
        folder = tmp_path / "config"
        folder.mkdir()
        tables = [f'[servers.{n}]\nurl = "{s.url}"\nuser = "admin"\n' for n, s in (("lab", lab), ("qc", qc))]
        (folder / "config.toml").write_text("\n".join(tables))
        yield lab.site, qc.site


@pytest.fixture
def resumed(sites: tuple[Site, Site]) -> Callable[[str], Report]:
    def resume(job: str) -> Report:
        with Journal() as journal, Workspace() as workspace:
            assert not journal.resume(job), "nobody runs it"
            return workspace.run(journal.plan(job), job=job)

    return resume


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_is_listed_and_shown_as_that_version_did(sites, tmp_path):
    with Journal() as journal:
        jobs = {job.id: job for job in journal.jobs()}
        assert {job: found.title for job, found in jobs.items()} == {
            job: title.format(tmp_path) for job, title in JOBS.items()
        }
        assert {found.state for found in jobs.values()} == {State.PAUSED}
        assert (jobs[FILLED].left, jobs[FLAT].left, jobs[FLAT].failures) == (2, 1, 1)
        assert report(journal, FLAT).failed[0].hint == "Mend that, then plan again."
        for job in jobs:
            assert len(journal.plan(job).steps) == len(journal.steps(job))
            assert journal.queued(job)
    for verb in (["jobs", "list"], ["jobs", "show", MADE], ["--json", "jobs", "show", DICOM]):
        result = CliRunner().invoke(cli, verb)
        assert (result.exit_code, result.stderr) == (0, "")


def test_a_copy_makes_what_it_planned_with_all_that_its_steps_carried(sites, resumed):
    target = sites[1]
    project = target.add_project("NEW")  # by the step that was done
    assert resumed(MADE).failed == ()
    there = target.experiment("S1_MR", "NEW")
    assert {scan.xsi_type for scan in there.scans.values()} == {"xnat:mrScanData"}, "types were mended"
    assert target.viewer_metadata == {there.id}
    (protocol,) = project.resources
    assert (protocol.description, protocol.tags, set(protocol.files)) == ("v1", ("t",), {"a.txt", "b.txt"})
    assert {one.label for one in there.assessors.values()} == {"S1_QC"}
    assert {one.id for one in there.reconstructions.values()} == {"mean"}


def test_a_copy_leaves_alone_what_its_plan_refused_and_fills_what_lacks(sites, resumed):
    found = resumed(FILLED)
    assert (found.failed, len(found.left)) == ((), 2)
    project = sites[1].projects["P"]
    files = project.resources[0].files
    assert (b"".join(files["a.txt"].data.chunks()), set(files)) == (b"older", {"a.txt", "b.txt"})


def test_an_update_changes_fields_settings_and_files(sites, resumed):
    assert resumed(UPDATED).failed == ()
    project = sites[1].projects["P"]
    assert project.settings["prearchive_code"] == "5"
    assert b"".join(project.resources[0].files["a.txt"].data.chunks()) == b"A"
    assert [subject.fields["gender"] for subject in project.subjects.values()] == ["female"]


def test_dicom_goes_through_the_import_service(sites, resumed):
    assert resumed(IMPORTED).failed == ()
    there = sites[1].experiment("S1_MR", "IMP")
    assert sum(len(one.files) for scan in there.scans.values() for one in scan.resources) == 5


def test_what_was_shared_is_shown_there_too(sites, resumed):
    assert resumed(SHARED).failed == ()
    (owned,) = sites[1].projects["P"].subjects.values()
    assert owned.shares == {"SHR": "S1"}
    assert next(iter(owned.experiments.values())).shares == {"SHR": "S1_MR"}


def test_one_file_comes_alone(sites, resumed):
    assert resumed(ONE_FILE).done_files == 1
    (resource,) = sites[1].experiment("S1_MR", "ONE").scans["2"].resources
    assert set(resource.files) == {"a.json"}


def test_exports_go_to_the_places_that_they_had_planned(resumed, tmp_path):
    for job in (XNAT, BIDS):
        assert resumed(job).failed == ()
    assert {"P/S1/S1_MR/experiment.xml", "P/resources/protocol/files/b.txt"} <= names(tmp_path / "xnat")
    image = "sub-S1/ses-S1MR/anat/sub-S1_ses-S1MR_T1w.nii.gz"
    assert {image, "participants.tsv", "dataset_description.json"} <= names(tmp_path / "bids")
    assert "sub-S1\tF\tleft" in (tmp_path / "bids" / "participants.tsv").read_text()


def test_an_export_leaves_the_file_that_its_plan_left_and_says_what_it_could_not_read(resumed, tmp_path):
    mine = tmp_path / "flat" / "S1_MR" / "2-T1_MPRAGE__NIFTI__a.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine, and longer")
    found = resumed(FLAT)
    assert [one.path for one in found.failed] == ["projects/P"]
    assert mine.read_text() == "mine, and longer"
    assert mine.with_name("2-T1_MPRAGE__NIFTI__a.nii.gz").is_file()


def test_uploads_send_the_files_that_they_had_found(sites, resumed):
    found = resumed(FILES)
    assert (found.failed, found.done_files) == ((), 2)
    target = sites[1]
    assert set(target.projects["P"].resources[0].files) == {"a.txt", "sub/b.txt"}
    found = resumed(DICOM)
    assert found.failed == ()
    assert [one.location for one in found.arrived] == ["qc:P/S7/S7_MR"]
    assert target.experiment("S7_MR", "P") is not None
