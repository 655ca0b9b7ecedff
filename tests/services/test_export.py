"""Exports that go well: what is planned, what lands where, and what is not fetched twice."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.errors import UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportMode, ExportOptions, Layout, OnExisting
from xnat_tui.model.plan import Action
from xnat_tui.model.plan_documents import plan_document, plan_of
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting import planning as planning_export
from xnat_tui.services.transfers.exporting.bids_schema import bids_version
from xnat_tui.services.transfers.exporting.manifest import NAME, Manifest, md5_of
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor


class Exports:
    """One server, and exports from it."""

    def __init__(self, pair, make_progress):
        self.pair = pair
        self.server = pair.source
        self.make_progress = make_progress

    def plan(self, folder, *locations, filters=None, **options):
        reader = Reader(self.pair.connections["lab"])
        places = [place for text in locations for place in find(reader, Location.parse(text))]
        return plan_export(reader, places, folder, ExportOptions(**options), filters or Filters())

    def run(self, plan):
        progress = self.make_progress()
        with export_executor(plan, self.pair.connections.__getitem__) as execute:
            return [execute(step, progress) for step in plan.steps]

    def export(self, folder, *locations, **options):
        return self.run(self.plan(folder, *locations, **options))

    def fetched(self):
        """Requests for file contents since the last look."""
        seen = [one for one in self.server.requests if one.method == "GET" and "/files" in one.path]
        self.server.requests.clear()
        return [one for one in seen if "format=json" not in one.query]


@pytest.fixture
def exports(servers):
    def start(site):
        return Exports(servers(site, Site()), Control)

    return start


def total(outcomes):
    return sum((one.verified for one in outcomes), Evidence())


def tree(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def archive_files(folder):
    return {path for path in tree(folder) if not path.endswith((".xml", NAME, "metadata.csv"))}


def failures(outcomes):
    return [failure for one in outcomes for failure in one.failures]


def test_a_session_lands_as_in_the_servers_zips_with_its_documents_and_a_table(exports, make_site, tmp_path):
    out = tmp_path / "out"
    outcomes = exports(make_site()).export(out, "lab:P")
    assert failures(outcomes) == []
    assert tree(out) == {
        "P/S1/E1/scans/1-T1/resources/DICOM/files/a.dcm",
        "P/S1/E1/scans/1-T1/resources/DICOM/files/sub/b.dcm",
        "P/project.xml",
        "P/S1/subject.xml",
        "P/S1/E1/experiment.xml",
        "metadata.csv",
        "manifest.jsonl",
    }
    assert (out / "P/S1/E1/scans/1-T1/resources/DICOM/files/sub/b.dcm").read_bytes() == b"two"
    assert total(outcomes) == Evidence(digest=2)
    with (out / "metadata.csv").open(newline="") as opened:
        rows = {row["kind"]: row for row in csv.DictReader(opened)}
    assert rows["experiment"]["note"] == "5 > 3 & \"x\" 'y' é"
    assert rows["subject"]["demographics/gender"] == "female"
    assert [row["location"] for row in rows.values()] == ["lab:P", "lab:P/S1", "lab:P/S1/E1"]


def test_planning_writes_nothing_and_counts_what_would_come(exports, make_site, tmp_path):
    plan = exports(make_site()).plan(tmp_path / "out", "lab:P")
    assert list(tmp_path.iterdir()) == []
    assert (plan.totals.upload, plan.totals.create, plan.totals.files, plan.totals.bytes) == (1, 3, 2, 6)
    assert plan_of(json.loads(json.dumps(plan_document(plan)))) == plan
    assert plan.command == f"xnat-tui export lab:P --to {tmp_path}/out"
    step = next(one for one in plan.steps if one.action is Action.UPLOAD)
    assert (step.task, step.kind) == ("download", Kind.RESOURCE)
    assert step.path == "subjects/S1/experiments/E1/scans/1/resources/DICOM"


def test_files_and_folders_are_private(exports, make_site, tmp_path):
    out = tmp_path / "out"
    exports(make_site()).export(out, "lab:P")
    made = [out, *out.rglob("*")]
    assert {path.is_dir() for path in made} == {True, False}
    for path in made:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("layout", list(Layout))
def test_every_file_of_the_demo_study_arrives_in_every_layout(exports, layout, tmp_path):
    one = exports(source_site())
    plan = one.plan(tmp_path, "lab:BRAINS", layout=layout)
    outcomes = one.run(plan)
    assert failures(outcomes) == []
    assert sum(outcome.files for outcome in outcomes) == plan.totals.files == 506
    assert total(outcomes) == Evidence(digest=506)
    entries = [entry for entry in Manifest(tmp_path) if entry.kind == "file"]
    assert len({entry.item for entry in entries}) == len({entry.path for entry in entries}) == 506
    assert all(md5_of(tmp_path / entry.path) == entry.md5 == entry.source_digest for entry in entries)
    assert tree(tmp_path) == {entry.path for entry in Manifest(tmp_path)} | {NAME}


def test_a_complete_file_is_never_fetched_again_and_an_incomplete_one_always(exports, make_site, tmp_path):
    one = exports(make_site({f"{number}.dcm": bytes([number]) * 50 for number in range(5)}))
    one.export(tmp_path, "lab:P", metadata=False)
    one.fetched()
    again = one.plan(tmp_path, "lab:P", metadata=False)
    assert [(step.action, step.reason) for step in again.steps] == [(Action.SKIP, "complete already")]
    assert [(step.files, step.bytes) for step in again.steps] == [(5, 250)]
    assert (again.totals.files, again.totals.bytes) == (0, 0)
    folder = tmp_path / "P/S1/E1/scans/1-T1/resources/DICOM/files"
    forget(tmp_path, "1.dcm")
    (folder / "1.dcm").write_bytes(b"short")
    (folder / "2.dcm").unlink()
    outcomes = one.export(tmp_path, "lab:P", metadata=False)
    assert (sum(o.files for o in outcomes), sum(o.skipped for o in outcomes)) == (2, 3)
    assert len(one.fetched()) == 2
    assert (folder / "1.dcm").read_bytes() == b"\1" * 50


def forget(folder, name):
    """Have the manifest say nothing about a file."""
    lines = (folder / NAME).read_text().splitlines(keepends=True)
    (folder / NAME).write_text("".join(line for line in lines if f"/{name}" not in line))


FOLDER = "P/S1/E1/scans/1-T1/resources/DICOM/files"


@pytest.mark.parametrize("bytes_", [b"ONE", b"o", b"more than one", b""])
@pytest.mark.parametrize("digests", [True, False])
def test_a_file_that_was_changed_in_the_folder_is_a_conflict_and_left(
    exports, make_site, tmp_path, bytes_, digests
):
    one = exports(make_site(digests=digests))
    one.export(tmp_path, "lab:P", metadata=False)
    changed = tmp_path / FOLDER / "a.dcm"
    changed.write_bytes(bytes_)
    plan = one.plan(tmp_path, "lab:P", metadata=False)
    (step,) = (step for step in plan.steps if step.action is Action.CONFLICT)
    assert step.path == "subjects/S1/experiments/E1/scans/1/resources/DICOM/files/a.dcm"
    assert step.reason.startswith("It was changed in the folder")
    assert "One file in the folder is left as it is" in " ".join(finding.message for finding in plan.findings)
    one.fetched()
    assert failures(one.run(plan)) == []
    assert (one.fetched(), changed.read_bytes()) == ([], bytes_)
    assert failures(one.export(tmp_path, "lab:P", metadata=False, overwrite_local=True)) == []
    assert changed.read_bytes() == b"one"


def test_a_file_that_is_changed_after_planning_fails_and_is_left(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path, "lab:P", metadata=False)
    (tmp_path / FOLDER / "sub/b.dcm").unlink()
    plan = one.plan(tmp_path, "lab:P", metadata=False)
    (tmp_path / FOLDER / "a.dcm").write_bytes(b"mine")
    (failure,) = failures(one.run(plan))
    assert (failure.path.rpartition("/")[2], "changed in the folder" in failure.error) == ("a.dcm", True)
    assert (tmp_path / FOLDER / "a.dcm").read_bytes() == b"mine"
    assert (tmp_path / FOLDER / "sub/b.dcm").read_bytes() == b"two"


@pytest.mark.parametrize("digests", [True, False])
def test_a_file_without_a_line_in_the_manifest_is_replaced_only_where_it_is_part_of_one(
    exports, make_site, tmp_path, digests
):
    one = exports(make_site({"same.dcm": b"one", "other.dcm": b"two", "part.dcm": b"three"}, digests=digests))
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    for name, data in (("same.dcm", b"one"), ("other.dcm", b"OWN"), ("part.dcm", b"thr")):
        (folder / name).write_bytes(data)
    plan = one.plan(tmp_path, "lab:P", metadata=False)
    told = [step.path.rpartition("/")[2] for step in plan.steps if step.action is Action.CONFLICT]
    told += [failure.path.rpartition("/")[2] for failure in failures(one.run(plan))]
    assert told == ["other.dcm"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "same.dcm": b"one",
        "other.dcm": b"OWN",
        "part.dcm": b"three",
    }
    assert {Path(entry.path).name for entry in Manifest(tmp_path)} == {"same.dcm", "part.dcm"}


def test_a_table_that_was_changed_in_the_folder_is_a_conflict_and_left(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path, "lab:P")
    table = tmp_path / "metadata.csv"
    table.write_text("my,own\n")
    plan = one.plan(tmp_path, "lab:P")
    assert [step.path for step in plan.steps if step.action is Action.CONFLICT] == ["metadata.csv"]
    assert failures(one.run(plan)) == []
    assert table.read_text() == "my,own\n"
    one.export(tmp_path, "lab:P", overwrite_local=True)
    assert table.read_text().startswith("location,kind,type")


def test_a_document_that_was_changed_in_the_folder_is_a_conflict_and_left(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path, "lab:P")
    document = tmp_path / "P/S1/E1/experiment.xml"
    document.write_text("<mine/>")
    plan = one.plan(tmp_path, "lab:P")
    (step,) = (step for step in plan.steps if step.action is Action.CONFLICT)
    assert step.reason.startswith("Its XML document: it was changed in the folder, or is not from")
    assert failures(one.run(plan)) == []
    assert document.read_text() == "<mine/>"
    one.export(tmp_path, "lab:P", overwrite_local=True)
    assert "<xnat:MRSession" in document.read_text()


def test_documents_of_somebody_elses_making_are_left(exports, make_site, tmp_path):
    one = exports(make_site())
    own = {"metadata.csv": "my,own\n", "P/project.xml": "<mine/>"}
    (tmp_path / "P").mkdir()
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    plan = one.plan(tmp_path, "lab:P")
    assert [step.path for step in plan.steps if step.action is Action.CONFLICT] == ["metadata.csv"]
    (failure,) = failures(one.run(plan))
    assert failure.error.startswith("It was changed in the folder, or is not from this export")
    assert {name: (tmp_path / name).read_text() for name in own} == own
    assert failures(one.export(tmp_path, "lab:P", overwrite_local=True)) == []
    assert all((tmp_path / name).read_text() != text for name, text in own.items())


@pytest.mark.parametrize("name", ["dataset_description.json", ".bidsignore"])
@pytest.mark.parametrize("when", ["before", "between"])
def test_what_describes_a_dataset_is_left_as_its_user_wrote_it(exports, make_site, tmp_path, name, when):
    one, bids = exports(make_site()), {"layout": Layout.BIDS, "metadata": False}
    if when == "between":
        one.export(tmp_path, "lab:P", **bids)
        next(tmp_path.rglob("a.dcm")).unlink()
    (tmp_path / name).write_text("mine")
    plan = one.plan(tmp_path, "lab:P", **bids)
    told = f"{name} of the folder stays as it is; --overwrite would replace what is there."
    assert told in [finding.message for finding in plan.findings]
    assert failures(one.run(plan)) == []
    assert (tmp_path / name).read_text() == "mine"
    assert failures(one.export(tmp_path, "lab:P", overwrite_local=True, **bids)) == []
    assert (tmp_path / name).read_text() != "mine"


def test_a_changed_file_is_left_though_its_subject_has_another_label_now(exports, make_site, tmp_path):
    site = make_site()
    one, flat = exports(site), {"layout": Layout.FLAT, "metadata": False}
    one.export(tmp_path, "lab:P", **flat)
    changed = tmp_path / "E1/1-T1__DICOM__a.dcm"
    changed.write_bytes(b"my own work")
    site.subject("S1", "P").label = "S9"
    plan = one.plan(tmp_path, "lab:P", **flat)
    assert [step.action for step in plan.steps] == [Action.CONFLICT, Action.SKIP]
    assert failures(one.run(plan)) == []
    assert changed.read_bytes() == b"my own work"


def test_really_deflated_zips_bring_every_byte(exports, tmp_path):
    site = source_site()
    site.settings.zip_level = -1
    one = exports(site)
    found = failures(one.export(tmp_path / "zips", "lab:BRAINS", metadata=False, mode=ExportMode.ZIP))
    assert any(request.query == "format=zip" for request in one.fetched())
    expected = failures(one.export(tmp_path / "files", "lab:BRAINS", metadata=False, mode=ExportMode.FILE))
    assert sorted(failure.path for failure in found) == sorted(failure.path for failure in expected)
    zips, files = tmp_path / "zips", tmp_path / "files"
    assert archive_files(zips) == archive_files(files) != set()
    assert all((zips / name).read_bytes() == (files / name).read_bytes() for name in archive_files(zips))


def test_files_that_were_there_before_are_recognised_by_their_bytes(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path, "lab:P", metadata=False)
    (tmp_path / NAME).unlink()
    one.fetched()
    outcomes = one.export(tmp_path, "lab:P", metadata=False)
    assert (sum(o.files for o in outcomes), sum(o.skipped for o in outcomes)) == (0, 2)
    assert one.fetched() == []
    assert len(list(Manifest(tmp_path))) == 2


@pytest.mark.parametrize(
    ("digests", "on_existing", "fetched"),
    [(True, OnExisting.SKIP, 0), (False, OnExisting.SKIP, 2), (True, OnExisting.OVERWRITE, 2)],
)
def test_overwriting_keeps_only_what_digests_prove(
    exports, make_site, tmp_path, digests, on_existing, fetched
):
    one = exports(make_site(digests=digests))
    one.export(tmp_path, "lab:P", metadata=False)
    choice = {"metadata": False, "overwrite_local": True, "on_existing": on_existing}
    plan = one.plan(tmp_path, "lab:P", **choice)
    outcomes = one.run(plan)
    assert sum(outcome.files for outcome in outcomes) == fetched
    told = [step.reason for step in plan.steps]
    assert told == ([""] if fetched else ["complete already, as its digests prove"])


def test_overwriting_says_how_many_files_it_keeps(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path, "lab:P", metadata=False)
    (tmp_path / FOLDER / "a.dcm").write_bytes(b"mine")
    plan = one.plan(tmp_path, "lab:P", metadata=False, overwrite_local=True)
    assert [(step.files, step.reason) for step in plan.steps] == [
        (1, "1 file there already, as digests prove")
    ]
    outcomes = one.run(plan)
    assert (sum(one.files for one in outcomes), sum(one.skipped for one in outcomes)) == (1, 1)
    assert (tmp_path / FOLDER / "a.dcm").read_bytes() == b"one"


def test_a_file_that_changed_at_the_source_is_fetched_again(exports, make_site, put_file, tmp_path):
    site = make_site()
    one = exports(site)
    one.export(tmp_path, "lab:P", metadata=False)
    session = next(iter(next(iter(site.projects["P"].subjects.values())).experiments.values()))
    put_file(session.scans["1"].resources[0], "a.dcm", b"ONE")
    outcomes = one.export(tmp_path, "lab:P", metadata=False)
    assert (sum(o.files for o in outcomes), sum(o.skipped for o in outcomes)) == (1, 1)
    assert (tmp_path / "P/S1/E1/scans/1-T1/resources/DICOM/files/a.dcm").read_bytes() == b"ONE"


def test_many_small_files_come_as_one_zip_and_big_ones_as_streams(exports, make_site, monkeypatch, tmp_path):
    one = exports(make_site({f"{number}.dcm": bytes([number]) * 1000 for number in range(20)}))
    one.export(tmp_path / "zip", "lab:P", metadata=False)
    assert [request.query for request in one.fetched()] == ["format=zip"]
    monkeypatch.setattr("xnat_tui.services.transfers.exporting.resources.SMALL", 10)
    one.export(tmp_path / "files", "lab:P", metadata=False)
    assert [request.query for request in one.fetched()] == [""] * 20
    one.export(tmp_path / "asked", "lab:P", metadata=False, mode=ExportMode.ZIP)
    assert len(one.fetched()) == 1
    assert archive_files(tmp_path / "zip") == archive_files(tmp_path / "files")


def test_a_file_called_like_anothers_part_is_not_lost(exports, make_site, tmp_path):
    one = exports(make_site({"x": b"x", "x.part": b"whole"}))
    one.export(tmp_path, "lab:P", metadata=False)
    folder = tmp_path / "P/S1/E1/scans/1-T1/resources/DICOM/files"
    (folder / "x").unlink()
    one.export(tmp_path, "lab:P", metadata=False, mode=ExportMode.FILE)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"x": b"x", "x.part": b"whole"}


def test_only_metadata_can_be_had_or_none(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path / "meta", "lab:P", mode=ExportMode.METADATA)
    assert archive_files(tmp_path / "meta") == set()
    assert (tmp_path / "meta/P/S1/E1/experiment.xml").is_file()
    one.export(tmp_path / "none", "lab:P", metadata=False)
    assert tree(tmp_path / "none") == archive_files(tmp_path / "none") | {NAME}


def test_one_file_and_overlapping_places_are_exported_once(exports, make_site, tmp_path):
    one = exports(make_site())
    location = "lab:P/S1/E1/scans/1/resources/DICOM/files/sub/b.dcm"
    one.export(tmp_path / "one", location, metadata=False)
    assert archive_files(tmp_path / "one") == {"P/S1/E1/scans/1-T1/resources/DICOM/files/sub/b.dcm"}
    plan = one.plan(tmp_path / "both", "lab:P", "lab:P/S1/E1", "lab:P/S1/E1/scans/1")
    assert len([step for step in plan.steps if step.task == "download"]) == 1


def test_a_whole_server_keeps_its_projects_apart(exports, make_site, tmp_path):
    site = make_site()
    other = site.add_subject(site.add_project("Q"), "S1")
    site.add_experiment(other, "E1")
    plan = exports(site).plan(tmp_path, "lab:", layout=Layout.FLAT)
    paths = [step.path for step in plan.steps]
    assert {"projects/P/subjects/S1", "projects/Q/subjects/S1"} <= set(paths)
    assert len(set(paths)) == len(paths)
    targets = [step.target.uri for step in plan.steps]
    assert {"E1/experiment.xml", "E1~2/experiment.xml"} <= set(targets)
    assert len(set(targets)) == len(targets)


def test_filters_narrow_an_export_to_what_they_name(exports, tmp_path):
    one = exports(source_site())
    plan = one.plan(tmp_path, "lab:BRAINS", filters=Filters(modality=("PET",), scan=("2",)), metadata=False)
    assert {step.path.rpartition("/resources/")[0] for step in plan.steps} == {
        "subjects/SUB-002/experiments/SUB-002_PT1/scans/2",
        "subjects/SUB-005/experiments/SUB-005_PETMR1/scans/2",
        "subjects/SUB-011/experiments/SUB-011_PT1/scans/2",
    }


def test_shared_items_are_named_and_left_out_unless_they_are_asked_for(exports, tmp_path):
    one = exports(source_site())
    plan = one.plan(tmp_path / "a", "lab:TEACHING")
    skipped = {step.path for step in plan.steps if "shared in" in step.reason}
    assert {"subjects/T-01", "subjects/T-01/experiments/T-01_MR", "subjects/SUB-002"} <= skipped
    assert all("T-99" in step.path for step in plan.steps if step.task == "download")
    whole = one.plan(tmp_path / "b", "lab:TEACHING", shared="copy")
    assert any("T-01_MR/" in step.path for step in whole.steps if step.task == "download")


def test_bids_exports_describe_themselves(exports, tmp_path):
    exports(source_site()).export(tmp_path, "lab:BRAINS/SUB-001", layout=Layout.BIDS)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert (description["BIDSVersion"], description["DatasetType"]) == (bids_version(), "raw")
    top = {path.name for path in tmp_path.iterdir()}
    assert top == {
        "sub-SUB001",
        "sourcedata",
        "dataset_description.json",
        "participants.tsv",
        ".bidsignore",
        NAME,
        "metadata.csv",
    }
    outside = [path for path in archive_files(tmp_path) if path.endswith(".dcm")]
    assert outside
    assert all(path.startswith("sourcedata/") for path in outside)


def test_too_little_space_is_said_before_anything_is_fetched(exports, make_site, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5}))
    plan = exports(make_site()).plan(tmp_path / "not" / "yet", "lab:P")
    assert plan.blocked
    assert "6 bytes are needed and 5 bytes are free" in plan.findings[0].message


def test_a_case_insensitive_folder_loses_no_file_and_the_manifest_has_the_names(
    exports, make_site, monkeypatch, tmp_path
):
    monkeypatch.setattr(planning_export, "folds_case", lambda _: True)
    one = exports(make_site({"IMG.dcm": b"upper", "img.dcm": b"lower"}))
    plan = one.plan(tmp_path, "lab:P", metadata=False)
    assert any("another name here" in finding.message for finding in plan.findings)
    assert failures(one.run(plan)) == []
    entries = {Path(entry.item).name: entry for entry in Manifest(tmp_path)}
    assert entries["img.dcm"].path.endswith("/files/img~2.dcm")
    assert entries["img.dcm"].original.endswith("/files/img.dcm")
    assert (tmp_path / entries["img.dcm"].path).read_bytes() == b"lower"
    assert entries["IMG.dcm"].original == ""


def test_another_layout_in_the_folder_is_noticed(exports, make_site, tmp_path):
    one = exports(make_site())
    one.export(tmp_path, "lab:P")
    plan = one.plan(tmp_path, "lab:P", layout=Layout.FLAT)
    assert any("in the layout xnat" in finding.message for finding in plan.findings)


def test_what_cannot_be_exported_is_refused_with_a_reason(exports, make_site, tmp_path):
    one = exports(make_site())
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is not a folder"):
        one.plan(tmp_path / "file", "lab:P")
    with pytest.raises(UsageError, match="Nothing was chosen"):
        one.plan(tmp_path / "out")
    with pytest.raises(UsageError, match="rsync"):
        one.plan(tmp_path / "out", "lab:P", mode="rsync")


def test_files_without_a_digest_rest_on_their_size(exports, make_site, tmp_path):
    outcomes = exports(make_site(digests=False)).export(tmp_path, "lab:P")
    assert total(outcomes) == Evidence(size=2)
    assert all(one.state is State.DONE for one in outcomes)
