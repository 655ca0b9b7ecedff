"""Exports in the layout `bids` as the official validator sees them (`bids-validator-deno`, offline)."""

import csv
import gzip
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.errors import Conflict, UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions, Layout
from xnat_tui.services.browsing.find import find
from xnat_tui.services.comparing.verification import verify_against, verify_manifest
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.bids_documents import set_aside
from xnat_tui.services.transfers.exporting.manifest import Manifest
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")


def validated(folder):
    """Errors that the official validator finds: (code, field, place).

    What its runtime compiles is kept for all tests of this process, which is more than half of its time.
    """
    kept = folder.parent.parent / "deno"
    environment = {**os.environ, "DENO_DIR": str(kept), "DENO_NO_UPDATE_CHECK": "1"}
    done = subprocess.run(
        [VALIDATOR, "--format", "json", folder], capture_output=True, text=True, env=environment, timeout=90
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    return {
        (one["code"], one.get("subCode"), one["location"]) for one in issues if one["severity"] == "error"
    }


def image(*shape, step=0.0, units=10):
    """A NIfTI-1 image of zeros; units 10 are mm and s, 2 are mm and no time."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1.0, 1.0, 1.0, 1.0, step, 0.0, 0.0, 0.0)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)
    header[123] = units
    struct.pack_into("<2h", header, 252, 0, 1)
    for row in range(3):
        struct.pack_into("<4f", header, 280 + 16 * row, *[float(row == column) for column in range(4)])
    header[344:348] = b"n+1\0"
    size = 1
    for length in shape:
        size *= length
    return gzip.compress(bytes(header) + bytes(size), mtime=0)


VOLUME, SERIES = image(4, 4, 4), image(4, 4, 4, 5, step=2.0)


class Exporting:
    def __init__(self, pair, folder):
        self.pair, self.folder = pair, folder

    def places(self, *locations):
        name = locations[0].partition(":")[0]
        reader = Reader(self.pair.connections[name])
        return reader, [one for text in locations for one in find(reader, Location.parse(text))]

    def plan(self, *locations, **options):
        reader, places = self.places(*locations)
        return plan_export(reader, places, self.folder, ExportOptions(**{"layout": Layout.BIDS, **options}))

    def run(self, plan):
        with export_executor(plan, self.pair.connections.__getitem__) as execute:
            outcomes = [execute(step, Control()) for step in plan.steps]
        return [failure for one in outcomes for failure in one.failures]

    def export(self, *locations, **options):
        assert self.run(self.plan(*locations, **options)) == []

    def named(self):
        """Every file with a BIDS name."""
        return {path.relative_to(self.folder).as_posix() for path in self.folder.glob("sub-*/**/*.*")}

    def read(self, name):
        return json.loads((self.folder / name).read_text())

    def table(self, name):
        with (self.folder / name).open(newline="") as opened:
            return list(csv.DictReader(opened, delimiter="\t"))


@pytest.fixture
def exporting(servers, tmp_path):
    return lambda source, target=None: Exporting(servers(source, target or Site()), tmp_path / "out")


@pytest.fixture
def study(put_file):
    """Builds a site: subject label → scans of its one session, `(id, type, description, files, tr in ms)`."""

    def build(subjects, *, sessions=("E1",), site=None, project="P"):
        site = site or Site()
        place = site.add_project(project)
        for label, scans in subjects.items():
            subject = site.add_subject(place, label, fields={"gender": "female", "handedness": "left"})
            for name in sessions:
                session = site.add_experiment(subject, f"{name}", fields={"date": "2024-03-05"})
                for number, kind, description, files, *tr in scans:
                    fields = {"type": kind, "series_description": description, "startTime": "10:11:12"}
                    scan = site.add_scan(
                        session, number, fields=fields | ({"parameters/tr": tr[0]} if tr else {})
                    )
                    resource = site.new_resource("NIFTI", format="NIFTI", content="")
                    for path, data in files.items():
                        put_file(resource, path, data)
                    scan.resources.append(resource)
        return site

    return build


REST = ("5", "BOLD", "ep2d_bold_rest", {"f.nii.gz": SERIES, "f.json": b'{"EchoTime": 0.03}'}, "2000")
T1 = ("2", "T1_MPRAGE", "t1_mprage_sag", {"a.nii.gz": VOLUME, "a.json": b'{"EchoTime": 0.003}'})


@pytest.mark.parametrize(("project", "named"), [("BRAINS", True), ("TEACHING", False), ("LEGACY", True)])
def test_the_validator_finds_no_error_in_an_export_of_the_demo(exporting, project, named):
    """TEACHING has DICOM only, LEGACY files that cannot be fetched."""
    one = exporting(source_site())
    one.run(one.plan(f"lab:{project}"))
    assert bool(one.named()) == named
    assert (one.folder / "sourcedata").is_dir()
    assert validated(one.folder) == set()
    if project == "BRAINS":
        assert "#" not in (one.folder / ".bidsignore").read_text()
        assert any("/dwi/" in name for name in one.named())


def test_what_is_refused_without_an_error_of_ours_would_be_seen(exporting, study):
    one = exporting(study({"S1": [T1]}))
    one.export("lab:P")
    assert validated(one.folder) == set()
    (one.folder / "sub-S1/ses-E1/anat/sub-S1_ses-E1_bold.nii.gz").write_bytes(VOLUME)
    assert validated(one.folder)


def test_bold_sidecars_say_task_and_repetition_time_and_the_servers_own_stay_whole(exporting, study):
    forest = ("6", "BOLD", "task-forest_bold", {"g.nii.gz": image(4, 4, 4, 5, step=1.5, units=2)}, "1500")
    site = study({"S1": [T1, REST, forest]})
    one = exporting(site)
    one.export("lab:P")
    func = "sub-S1/ses-E1/func/sub-S1_ses-E1_task-"
    assert one.read(f"{func}rest_bold.json") == {"EchoTime": 0.03, "TaskName": "rest", "RepetitionTime": 2.0}
    assert one.read(f"{func}forest_bold.json") == {"TaskName": "forest", "RepetitionTime": 1.5}
    own = one.folder / "sourcedata/sub-S1/ses-E1/scans/5-BOLD/resources/NIFTI/f.json"
    assert own.read_bytes() == b'{"EchoTime": 0.03}'
    assert validated(one.folder) == set()
    reader, places = one.places("lab:P")
    for found in (verify_against(reader, places, one.folder), verify_manifest(one.folder)):
        assert {status for status, count in found.summary.items() if count} == {"same"}


def test_what_its_own_sidecar_says_of_task_and_time_is_kept(exporting, study):
    own = {"TaskName": "Eyes open", "RepetitionTime": 2.0, "SliceTiming": [0, 1]}
    files = {"f.nii.gz": SERIES, "f.json": json.dumps(own).encode()}
    one = exporting(study({"S1": [("5", "BOLD", "ep2d_bold_rest", files, "9999")]}))
    one.export("lab:P")
    assert one.read("sub-S1/ses-E1/func/sub-S1_ses-E1_task-rest_bold.json") == own


def test_an_unknown_repetition_time_is_not_invented_and_the_image_is_left_to_no_validator(exporting, study):
    files = {"f.nii.gz": image(4, 4, 4, 5, units=2)}
    one = exporting(study({"S1": [T1, ("5", "BOLD", "task-a_bold", files)]}))
    one.export("lab:P")
    stem = "sub-S1/ses-E1/func/sub-S1_ses-E1_task-a_bold"
    assert one.read(f"{stem}.json") == {"TaskName": "a"}
    ignored = (one.folder / ".bidsignore").read_text()
    assert f"# Nothing in the archive tells its RepetitionTime, VolumeTiming.\n/{stem}.*\n" in ignored
    assert validated(one.folder) == set()
    (one.folder / f"{stem}.json").write_text('{"TaskName": "a", "RepetitionTime": 0.0001}')
    one.export("lab:P")
    assert stem not in (one.folder / ".bidsignore").read_text()


REFUSED = {
    "none": ("BOLD", "task-a_bold", {"f.nii.gz": b"no image"}, "It is no NIfTI image."),
    "flat": ("BOLD", "task-a_bold", {"f.nii.gz": VOLUME}, "It has 3 dimensions, and a bold image has 4."),
    "time": (
        "BOLD",
        "task-a_bold",
        {"f.nii.gz": SERIES, "f.json": b'{"RepetitionTime": 3}'},
        "Its RepetitionTime",
    ),
    "json": ("T1", "", {"f.nii.gz": VOLUME, "f.json": b"{"}, "Its sidecar is no JSON object."),
    "bval": ("DWI", "", {"f.nii.gz": SERIES, "f.bval": b"0 1\n", "f.bvec": b"0 1\n0 1\n0 1\n"}, "Its .bval"),
    "bvec": ("DWI", "", {"f.nii.gz": SERIES, "f.bval": b"0 1 1 1 1\n", "f.bvec": b"0\n"}, "Its .bvec"),
    "field": ("GRE_FIELD_MAP", "", {"f.nii.gz": VOLUME, "f.json": b'{"Units": "Hz"}'}, "No magnitude image"),
    "phase": (
        "phasediff",
        "",
        {"f.nii.gz": VOLUME},
        "Nothing in the archive tells its EchoTime1, EchoTime2.",
    ),
}


def test_images_that_the_validator_would_refuse_are_set_aside_with_the_reason(exporting, study):
    """By subject, each of which has a good image too."""
    scans = {
        label: [T1, ("5", kind, description, files, "2000")]
        for label, (kind, description, files, _) in REFUSED.items()
    }
    one = exporting(study(scans))
    one.export("lab:P")
    aside = set_aside(one.folder)
    assert sorted(name.split("/")[0] for name in aside) == sorted(f"sub-{label}" for label in REFUSED)
    for name, reason in aside.items():
        assert reason.startswith(REFUSED[name.split("/")[0].removeprefix("sub-")][3]), name
    assert validated(one.folder) == set()


def test_a_sidecar_whose_image_did_not_arrive_is_set_aside(exporting, study):
    site = study({"S1": [T1]})
    one = exporting(site)
    plan = one.plan("lab:P")
    [session] = site.projects["P"].subjects[next(iter(site.projects["P"].subjects))].experiments.values()
    del session.scans["2"].resources[0].files["a.nii.gz"]
    one.run(plan)
    assert one.named() == {"sub-S1/ses-E1/anat/sub-S1_ses-E1_T1w.json"}
    assert "# Its image is not here.\n" in (one.folder / ".bidsignore").read_text()
    assert validated(one.folder) == set()


def test_tables_hold_every_subject_and_image_across_exports(exporting, study):
    one = exporting(study({"S1": [T1, REST], "S2": [T1]}))
    one.export("lab:P/S1")
    one.export("lab:P/S2")
    assert one.table("participants.tsv") == [
        {"participant_id": f"sub-{name}", "sex": "F", "handedness": "left"} for name in ("S1", "S2")
    ]
    assert one.table("sub-S1/ses-E1/sub-S1_ses-E1_scans.tsv") == [
        {"filename": f"{name}.nii.gz", "acq_time": "2024-03-05T10:11:12"}
        for name in ("anat/sub-S1_ses-E1_T1w", "func/sub-S1_ses-E1_task-rest_bold")
    ]
    assert one.read("dataset_description.json")["DatasetType"] == "raw"
    assert validated(one.folder) == set()


def test_without_metadata_nobody_is_described(exporting, study):
    one = exporting(study({"S1": [T1]}))
    one.export("lab:P", metadata=False)
    assert one.table("participants.tsv") == [{"participant_id": "sub-S1"}]
    [row] = one.table("sub-S1/ses-E1/sub-S1_ses-E1_scans.tsv")
    assert row["acq_time"] == "n/a"
    assert validated(one.folder) == set()


def test_what_a_user_wrote_into_the_dataset_stays(exporting, study):
    one = exporting(study({"S1": [T1, REST]}))
    one.export("lab:P")
    names = (
        "participants.tsv",
        "dataset_description.json",
        ".bidsignore",
        "sub-S1/ses-E1/sub-S1_ses-E1_scans.tsv",
        "sub-S1/ses-E1/func/sub-S1_ses-E1_task-rest_bold.json",
    )
    for name in names:
        (one.folder / name).write_text("mine")
    plan = one.plan("lab:P")
    one.run(plan)
    assert {(one.folder / name).read_text() for name in names} == {"mine"}
    told = "dataset_description.json and .bidsignore and participants.tsv of the folder stay as they are"
    assert any(finding.message.startswith(told) for finding in plan.findings)


def test_repeated_scans_are_runs_in_their_order_and_stay_so_when_another_comes(exporting, study):
    again = [(number, *T1[1:]) for number in ("2", "7")]
    site = study({"S1": again})
    one = exporting(site)
    one.export("lab:P")
    anat = "sub-S1/ses-E1/anat/sub-S1_ses-E1_"
    places = {entry.item.split("/scans/")[1][0]: entry.path for entry in Manifest(one.folder)
              if entry.path.endswith(".nii.gz")}  # fmt: skip
    assert places == {"2": f"{anat}run-1_T1w.nii.gz", "7": f"{anat}run-2_T1w.nii.gz"}
    assert validated(one.folder) == set()


def test_a_scan_that_is_exported_after_its_like_becomes_the_second_run(exporting, study):
    one = exporting(study({"S1": [(number, *T1[1:]) for number in ("2", "7", "9")]}))
    one.export("lab:P/S1/E1/scans/7")
    one.export("lab:P/S1/E1")
    anat = "sub-S1/ses-E1/anat/sub-S1_ses-E1_"
    images = {name for name in one.named() if name.endswith(".nii.gz")}
    assert images == {f"{anat}{run}T1w.nii.gz" for run in ("", "run-2_", "run-3_")}
    assert validated(one.folder) == set()


@pytest.mark.parametrize("labels", [("S_1", "S1"), ("S1", "s1"), ("S-01", "s.01")])
def test_subjects_that_would_share_a_name_do_not_whenever_they_come(exporting, study, labels):
    one = exporting(study({label: [T1, REST] for label in labels}))
    for label in (*labels, *labels):
        one.export(f"lab:P/{label}")
    folders = {path.name for path in one.folder.glob("sub-*")}
    assert len({name.casefold() for name in folders}) == len(folders) == 2
    for label in labels:
        homes = {e.path.split("/")[0] for e in Manifest(one.folder)
                 if f"subjects/{label}/" in e.item and e.path.startswith("sub-")}  # fmt: skip
        assert len(homes) == 1
    assert {row["participant_id"] for row in one.table("participants.tsv")} == folders
    assert validated(one.folder) == set()
    assert verify_manifest(one.folder).summary["differs"] == 0


@pytest.mark.parametrize("layout", list(Layout))
def test_names_stay_with_their_items_in_every_layout(exporting, study, layout):
    site = study({"S1": [T1]})
    study({"S1": [T1]}, site=site, project="Q")
    one = exporting(site, study({"S1": [T1]}))
    for location in ("lab:P", "lab:Q", "qc:P", "lab:Q", "lab:P"):
        plan = one.plan(location, layout=layout)
        assert one.run(plan) == []
    assert plan.totals.files == 0
    entries = [entry for entry in Manifest(one.folder) if entry.kind == "file"]
    assert len({entry.path.casefold() for entry in entries}) == len(entries) == 6
    for location in ("lab:P", "lab:Q"):
        reader, places = one.places(location)
        found = verify_against(reader, places, one.folder).summary
        assert (found["differs"], found["only_source"]) == (0, 0)


def test_two_plans_made_at_once_do_not_give_one_name_to_two(exporting, study):
    one = exporting(study({"S_1": [T1], "S1": [T1]}))
    first, second = one.plan("lab:P/S_1"), one.plan("lab:P/S1")
    assert one.run(first) == []
    errors = {failure.error for failure in one.run(second)}
    assert "sub-S1 has become the name of another item here." in errors
    assert one.run(one.plan("lab:P/S1")) == []
    assert validated(one.folder) == set()


def test_what_nobody_can_tell_stays_below_sourcedata_and_the_plan_says_why(exporting, study):
    scans = [
        ("1", "", "my sequence", {"x.nii.gz": VOLUME}),
        ("2", "BOLD", "ep2d_bold", {"x.nii.gz": SERIES}),
        ("3", "DWI", "", {"x.nii.gz": SERIES}),
    ]
    one = exporting(study({"S1": scans}))
    plan = one.plan("lab:P")
    told = "\n".join(finding.message for finding in plan.findings)
    assert "scans/1/resources/NIFTI stays below sourcedata: neither its type nor its description says" in told
    assert "scans/2/resources/NIFTI stays below sourcedata: nothing tells its task" in told
    assert "scans/3/resources/NIFTI stays below sourcedata: its .bval and .bvec are not there" in told
    assert one.run(plan) == []
    assert one.named() == set()
    assert validated(one.folder) == set()


def test_a_table_decides_where_it_says_something(exporting, study, tmp_path):
    table = tmp_path / "map.csv"
    rows = ("my seq*,func/bold,task-stroop_acq-fast", "T1_MPRAGE,,acq-hires", "DWI*,,")
    table.write_text("\n".join(("scan,suffix,entities", *rows)))
    files = {"x.nii.gz": SERIES}
    scans = [T1, REST, ("7", "X", "my sequence", files, "2000"), ("8", "DWI_1", "", files)]
    one = exporting(study({"S1": scans}))
    plan = one.plan("lab:P", bids_map=str(table))
    assert f"--layout bids --bids-map {table}" in plan.command
    assert one.run(plan) == []
    assert {name.rpartition("/")[2] for name in one.named() if name.endswith(".nii.gz")} == {
        "sub-S1_ses-E1_acq-hires_T1w.nii.gz",
        "sub-S1_ses-E1_task-rest_bold.nii.gz",
        "sub-S1_ses-E1_task-stroop_acq-fast_bold.nii.gz",
    }
    assert one.read("sub-S1/ses-E1/func/sub-S1_ses-E1_task-stroop_acq-fast_bold.json")["TaskName"] == "stroop"
    assert validated(one.folder) == set()


def test_a_table_without_the_layout_is_refused(exporting, study, tmp_path):
    with pytest.raises(UsageError, match="--layout bids"):
        exporting(study({"S1": [T1]})).plan("lab:P", layout=Layout.FLAT, bids_map=str(tmp_path / "x.csv"))


def test_a_bound_name_of_another_item_is_never_taken(tmp_path):
    from xnat_tui.model.work import Binding

    manifest = Manifest(tmp_path)
    manifest.begin(Layout.BIDS)
    manifest.bind([Binding("sub-S1", "bids", ("u", "P", "S_1", "S_1"))])
    other = Manifest(tmp_path)
    with pytest.raises(Conflict, match="another item"):
        other.bind([Binding("sub-s1", "bids", ("u", "P", "s1", "s1"))])
    other.bind([Binding("sub-S2", "bids", ("u", "P", "S2", "S2"))])
    manifest.bind([Binding("sub-S2", "bids", ("u", "P", "S2", "S2"))])
    assert [one.name for one in Manifest(tmp_path).bindings] == ["sub-S1", "sub-S2"]


def told(plan):
    return [finding.message for finding in plan.findings]


def test_what_is_set_aside_is_told_only_where_something_is(exporting, study):
    one = exporting(
        study({"S1": [T1, REST], "S2": [("5", "BOLD", "task-a_bold", {"f.nii.gz": VOLUME}, "2000")]})
    )
    assert not [text for text in told(one.plan("lab:P/S1")) if "bidsignore" in text]
    one.export("lab:P/S1")
    assert not [text for text in told(one.plan("lab:P/S1")) if "bidsignore" in text]
    one.export("lab:P")
    name = "sub-S2/ses-E1/func/sub-S2_ses-E1_task-a_bold"
    assert set_aside(one.folder) == {name: "It has 3 dimensions, and a bold image has 4."}
    assert f"The folder's .bidsignore sets aside, with the reason: {name}." in told(one.plan("lab:P"))


def test_a_table_that_names_anew_leaves_no_second_name_untold(exporting, study, tmp_path):
    table = tmp_path / "map.csv"
    one = exporting(study({"S1": [T1, REST]}))
    one.export("lab:P")
    table.write_text("scan,suffix,entities\nT1_MPRAGE,,acq-hires\n")
    anat = "sub-S1/ses-E1/anat/sub-S1_ses-E1"
    plan = one.plan("lab:P", bids_map=str(table))
    for ending in (".json", ".nii.gz"):
        what = f"{anat}_T1w{ending} stays in the folder, and is called {anat}_acq-hires_T1w{ending} now: "
        assert f"{what}one file under two names." in told(plan)
    assert one.run(plan) == []
    for ending in (".json", ".nii.gz"):
        assert (one.folder / f"{anat}_T1w{ending}").is_file()
    assert validated(one.folder) == set()
    assert f"/{anat}_T1w.*" in (one.folder / ".bidsignore").read_text()
    rows = one.table("sub-S1/ses-E1/sub-S1_ses-E1_scans.tsv")
    assert [row["filename"] for row in rows if "T1w" in row["filename"]] == [
        "anat/sub-S1_ses-E1_acq-hires_T1w.nii.gz"
    ]
    again = one.plan("lab:P", bids_map=str(table))
    assert sum("two names" in text for text in told(again)) == 2
    back = one.plan("lab:P")
    assert sum(f"is called {anat}_T1w" in text for text in told(back)) == 2
    assert one.run(back) == []
    assert f"/{anat}_acq-hires_T1w.*" in (one.folder / ".bidsignore").read_text()
    for ending in (".json", ".nii.gz"):
        (one.folder / f"{anat}_acq-hires_T1w{ending}").unlink()
    assert not [text for text in told(one.plan("lab:P")) if "two names" in text]
    reader, places = one.places("lab:P")
    for found in (verify_against(reader, places, one.folder), verify_manifest(one.folder)):
        assert {status for status, count in found.summary.items() if count} == {"same"}


def test_rows_of_a_table_that_decide_on_nothing_are_told_by_name(exporting, study, tmp_path):
    table = tmp_path / "map.csv"
    table.write_text("scan,suffix,entities\nT1*,,acq-hires\nT1_MPRAGE,,acq-low\nT7*,T2w,\n")
    one = exporting(study({"S1": [T1, REST]}))
    assert [text for text in told(one.plan("lab:P", bids_map=str(table))) if "map.csv" in text] == [
        f"{table}, line 3, T1_MPRAGE: an earlier row decides on all that it fits.",
        f"{table}, line 4, T7*: it fits no scan of this export.",
    ]
