"""What verbs say of nothing, of what they leave out, and of options that mean nothing to them."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from xnat_tui.cli.root import cli
from xnat_tui.cli.running import planned, show_plan
from xnat_tui.cli.state import State
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.model.options import OPTIONS, UploadOptions
from xnat_tui.model.plan import LeftOut, Plan
from xnat_tui.model.plan_documents import plan_document, plan_of
from xnat_tui.model.threeway import Wishes

EXPORT_REFUSES = [
    ("--rsync-source", "/x"),
    ("--rsync-destination", "/x"),
    ("--via", "import"),
    ("--fix-scan-types",),
    ("--ignore-missing-datatypes",),
    ("--refresh-catalogs",),
    ("--clear-caches",),
    ("--skip-existing-sessions",),
    ("--autorun",),
    ("--ohif",),
    ("--mode", "rsync"),
    ("--shared", "share"),
]
COPY_REFUSES = [("--layout", "flat"), ("--metadata",), ("--no-metadata",), ("--overwrite",)]
UPLOAD_REFUSES = [
    *COPY_REFUSES,
    *EXPORT_REFUSES[:7],
    ("--shared", "copy"),
    ("--mode", "rsync"),
    ("--mode", "metadata"),
]


def resource(site, label, *names):
    made = site.new_resource(label, format="TXT")
    for name in names:
        content = BytesContent(name.encode())
        made.add(FileEntry(name, content, content.md5, content.size))
    made.populate_stats()
    return made


def a_site():
    """A project with something at every level, and one that owns nothing of what it shows."""
    site = Site(plugin_types=("icr:roiCollectionData",))
    site.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
    project = site.add_project("P", users={"demo": "owner"})
    project.resources.append(resource(site, "PROJ", "p.txt"))
    site.add_project("SHOWN", users={"demo": "owner"})
    for number in (1, 2):
        subject = site.add_subject(project, f"S{number}")
        subject.resources.append(resource(site, "SUBJ", "s.txt"))
        session = site.add_experiment(subject, f"E{number}", fields={"modality": "MR"})
        session.resources.append(resource(site, "SESS", "e.txt"))
        for scan in (1, 2):
            made = site.add_scan(session, str(scan), fields={"type": f"T{scan}"})
            made.resources.append(resource(site, "DATA", "a.txt"))
        assessor = site.add_assessor(session, f"A{number}", "xnat:qcManualAssessorData")
        assessor.out_resources.append(resource(site, "OUT", "o.txt"))
    site.share(subject, "SHOWN", "S2")
    site.share(session, "SHOWN", "E2")
    return site


@pytest.fixture
def lab(program, monkeypatch):
    with DemoServer(a_site()) as one, DemoServer(Site()) as other:
        other.site.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
        program.configure(
            f'[servers.lab]\nurl = "{one.url}"\nuser = "demo"\n'
            f'[servers.qc]\nurl = "{other.url}"\nuser = "demo"\n'
        )
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
        monkeypatch.setenv("XNAT_TUI_PASSWORD_QC", "demo")
        yield SimpleNamespace(source=one, destination=other)


@pytest.mark.parametrize(
    "filters",
    [
        ("--subject", "NOBODY"),
        ("--session", "E9*"),
        ("--type", "xnat:ctSessionData"),
        ("--modality", "CT"),
        ("--since", "2090-01-01"),
        ("--scan", "9"),
        ("--scan-type", "FLAIR"),
        ("--resource", "NIFTI"),
        ("--exclude-subject", "*"),
    ],
)
@pytest.mark.parametrize("verb", ["copy", "export", "show", "show shallow", "compare", "compare unlike"])
def test_a_filter_that_matches_nothing_says_so_and_makes_nothing(program, lab, tmp_path, verb, filters):
    run = {
        "copy": ("copy", "lab:P", "qc:", "-y"),
        "export": ("export", "lab:P", "--to", str(tmp_path / "out")),
        "show": ("show", "lab:P", "--depth", "resources"),
        "show shallow": ("show", "lab:P", "--depth", "sessions"),
        "compare": ("compare", "lab:P", "lab:P"),
        "compare unlike": ("compare", "lab:P", "lab:SHOWN"),
    }[verb]
    told = program(*run, *filters)
    assert told.exit_code == 5, (told.stdout, told.stderr)
    places = "lab:P and lab:SHOWN" if verb == "compare unlike" else "lab:P"
    assert f"Nothing in {places} matches {' '.join(filters)}." in told.stderr
    assert lab.destination.site.projects == {}
    assert not (tmp_path / "out").exists()


def test_what_one_side_lacks_may_hold_what_a_filter_names(program, lab):
    told = program("compare", "lab:P/S1", "lab:P/S2", "--scan", "2", "--json")
    assert told.exit_code == 1, told.stderr
    assert {one["path"] for one in json.loads(told.stdout)["items"]} == {"experiments/E1", "experiments/E2"}


def test_a_filter_that_only_what_conflicts_could_pass_says_so_too(program, lab):
    """A data type that the destination lacks keeps an assessor out; a name nowhere in it is still nothing."""
    session = lab.source.site.experiment("E1", "P")
    roi = lab.source.site.add_assessor(session, "ROI", "icr:roiCollectionData")
    roi.out_resources.append(resource(lab.source.site, "AIM", "r.xml"))
    told = program("copy", "lab:P", "qc:", "-n", "--resource", "NOPE")
    assert told.exit_code == 5, told.stdout
    assert "Nothing in lab:P matches --resource NOPE." in told.stderr
    assert program("copy", "lab:P", "qc:", "-n", "--resource", "AIM").exit_code == 0


def test_what_filters_leave_out_is_not_counted(program, lab):
    def counted(*filters):
        told = program("show", "lab:P/S1/E1", "--json", *filters)
        return {
            one["path"] or ".": one["files"]
            for one in json.loads(told.stdout)["items"]
            if one["kind"] != "resource"
        }

    scans = {"scans/1": 1, "scans/2": 1}
    assert counted() == {".": 4, **scans, "assessors/A1": 1}
    assert counted("--resource", "OUT") == {".": 1, "scans/1": 0, "scans/2": 0, "assessors/A1": 1}
    assert counted("--scan", "1") == {".": 1, "scans/1": 1}
    assert counted("--exclude-resource", "DATA", "--depth", "scans") == {
        ".": 2, "scans/1": 0, "scans/2": 0, "assessors/A1": 1,
    }  # fmt: skip


def test_files_of_a_resource_are_sent_as_they_are_named_and_no_filter_is_ignored(program, lab, tmp_path):
    (tmp_path / "x.txt").write_text("x")
    for option in (("--subject", "NOPE"), ("--since", "2024-01-01"), ("--exclude-scan", "1")):
        told = program("upload", str(tmp_path / "x.txt"), "lab:P/resources/PROJ", "-n", *option)
        assert told.exit_code == 2
        assert f"{option[0]} means nothing to files of a resource" in told.stderr


@pytest.mark.parametrize("agreed", ["-n", "-y"])
def test_no_dicom_is_not_found_whether_it_is_a_dry_run_or_not(program, lab, tmp_path, agreed):
    (tmp_path / "x.txt").write_text("x")
    told = program("upload", str(tmp_path), "lab:P", agreed)
    assert told.exit_code == 5
    assert "There is no DICOM to send." in told.stderr
    assert "left out x.txt" in told.stdout


def test_a_folder_is_not_verified_by_nothing(program, lab, tmp_path):
    out = str(tmp_path / "out")
    assert program("export", "lab:P", "--to", out).exit_code == 0
    told = program("verify", "lab:P", out, "--scan-type", "FLAIR")
    assert told.exit_code == 5
    assert "nothing can be verified" in told.stderr


def test_a_project_of_shared_items_only_names_the_option(program, lab, tmp_path):
    out = tmp_path / "out"
    told = program("export", "lab:SHOWN", "--to", str(out))
    assert told.exit_code == 5
    assert "--shared copy" in told.stderr
    assert not out.exists()
    taken = program("export", "lab:SHOWN", "--to", str(out), "--shared", "copy", "--json")
    assert taken.exit_code == 0, taken.stderr
    assert json.loads(taken.stdout)["done"]["files"] == 5


@pytest.mark.parametrize("agreed", ["-n", "-y"])
def test_a_copy_of_shared_items_only_names_the_option_and_makes_no_empty_project(program, lab, agreed):
    told = program("copy", "lab:SHOWN", "qc:", agreed)
    assert told.exit_code == 5, told.stdout
    assert "is shared in from elsewhere, or stands at what is, and is not copied." in told.stderr
    assert "--shared copy" in told.stderr
    assert lab.destination.site.projects == {}
    assert program("copy", "lab:SHOWN", "qc:", "-y", "--shared", "copy").exit_code == 0


@pytest.mark.parametrize(
    "filters",
    [
        ("--subject", "S1"),
        ("--session", "E*"),
        ("--scan", "1"),
        ("--exclude-scan-type", "T1"),
        ("--exclude-session", "E2"),
        ("--exclude-subject", "S2"),
        ("--resource", "DATA"),
        ("--modality", "MR", "--limit-subjects", "1"),
    ],
)
def test_a_copy_under_a_filter_verifies_under_the_same(program, lab, filters):
    done = program("copy", "lab:P", "qc:", "-y", *filters)
    assert done.exit_code == 0, done.stderr
    proved = program("verify", "lab:P", "qc:P", *filters)
    assert proved.exit_code == 0, (proved.stdout, proved.stderr)


def test_an_export_runs_unasked_and_asks_before_it_replaces(program, lab, tmp_path):
    out = tmp_path / "out"
    export = ("export", "lab:P/S1", "--to", str(out))
    assert program(*export).exit_code == 0
    file = next(out.rglob("a.txt"))
    file.write_text("mine")
    for asked in (("--overwrite",), ("--on-existing", "overwrite"), ("--on-existing", "update")):
        refused = program(*export, *asked)
        assert refused.exit_code == 2
        assert "no terminal to ask for consent" in refused.stderr
        assert file.read_text() == "mine"
    replaced = program(*export, "--on-existing", "update", "-y", "--json")
    assert replaced.exit_code == 0, replaced.stderr
    assert (file.read_text(), json.loads(replaced.stdout)["done"]["files"]) == ("a.txt", 1)
    assert lab.source.site is not None


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        *(("export", option) for option in EXPORT_REFUSES),
        *(("copy", option) for option in COPY_REFUSES),
        *(("upload", option) for option in UPLOAD_REFUSES),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_an_option_that_means_nothing_to_a_verb_is_refused_with_a_sentence(program, tmp_path, verb, option):
    run = {
        "export": ("export", "lab:P", "--to", str(tmp_path)),
        "copy": ("copy", "lab:P", "lab:Q"),
        "upload": ("upload", "x", "lab:P"),
    }[verb]
    told = program(*run, *option)
    assert told.exit_code == 2
    assert f"means nothing to {verb}: it holds for " in told.stderr


@pytest.mark.parametrize(
    ("verb", "refused"), [("export", EXPORT_REFUSES), ("copy", COPY_REFUSES), ("upload", UPLOAD_REFUSES)]
)
def test_help_shows_only_what_means_something(verb, refused):
    told = CliRunner().invoke(cli, [verb, "--help"], terminal_width=200).stdout
    names = {option[0] for option in refused} - {"--mode", "--shared" if verb == "export" else ""}
    assert not [name for name in names if f" {name} " in told]
    assert ("rsync" in told) is (verb == "copy")
    assert ("share]" in told) is (verb == "copy")
    assert ("--confirm" in told) is (verb != "export")


def test_the_explorers_options_are_those_that_mean_something():
    from xnat_tui.tui.choices import OPTIONS as OFFERED

    kinds = {**OPTIONS, "sync": Wishes}
    for verb, options in OFFERED.items():
        for option in options:
            for answer in option.answers:
                assert getattr(kinds[verb](**{option.field: answer}), option.field) is answer


def test_left_out_files_are_named_one_by_one_with_their_reason(capsys):
    left = (LeftOut("notes.txt", "no DICOM"), LeftOut("sub/7.dcm", "damaged DICOM"))
    plan = Plan(UploadOptions(), ("dicom",), "lab:P", (), left_out=left)
    show_plan(State(), plan)
    told = capsys.readouterr().out
    assert "left out notes.txt  (no DICOM)\n" in told
    assert "left out sub/7.dcm  (damaged DICOM)\n" in told
    assert "2 left out" in told
    assert planned(plan)["left_out"] == [
        {"path": "notes.txt", "reason": "no DICOM"},
        {"path": "sub/7.dcm", "reason": "damaged DICOM"},
    ]
    assert plan_of(json.loads(json.dumps(plan_document(plan)))) == plan
