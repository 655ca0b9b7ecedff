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
from xnat_tui.model.plan import HOLDS, LeftOut, Plan, Policy

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
    site = Site()
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
@pytest.mark.parametrize("verb", ["copy", "export", "show", "compare"])
def test_a_filter_that_matches_nothing_says_so_and_makes_nothing(program, lab, tmp_path, verb, filters):
    run = {
        "copy": ("copy", "lab:P", "qc:", "-y"),
        "export": ("export", "lab:P", "--to", str(tmp_path / "out")),
        "show": ("show", "lab:P", "--depth", "resources"),
        "compare": ("compare", "lab:P", "lab:P"),
    }[verb]
    told = program(*run, *filters)
    assert told.exit_code == 5, (told.stdout, told.stderr)
    assert f"Nothing in lab:P matches {' '.join(filters)}." in told.stderr
    assert lab.destination.site.projects == {}
    assert not (tmp_path / "out").exists()


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


def test_every_choice_of_a_policy_has_its_verbs():
    held = frozenset().union(*HOLDS.values())
    assert held == set(Policy.__dataclass_fields__)


def test_the_explorers_options_are_those_that_mean_something():
    from xnat_tui.model.plan import MODES, SHARED
    from xnat_tui.tui.screens.plan_options import _OPTIONS

    for verb, options in _OPTIONS.items():
        assert {one.field for one in options} <= HOLDS[verb]
        offered = {one.field: set(one.answers) for one in options}
        assert offered.get("mode", set()) <= set(MODES[verb])
        assert offered.get("shared", set()) <= set(SHARED.get(verb, ()))


def test_left_out_files_are_named_one_by_one_with_their_reason(capsys):
    left = (LeftOut("notes.txt", "no DICOM"), LeftOut("sub/7.dcm", "damaged DICOM"))
    plan = Plan("upload", ("dicom",), "lab:P", (), left_out=left)
    show_plan(State(), plan)
    told = capsys.readouterr().out
    assert "left out notes.txt  (no DICOM)\n" in told
    assert "left out sub/7.dcm  (damaged DICOM)\n" in told
    assert "2 left out" in told
    assert planned(plan)["left_out"] == [
        {"path": "notes.txt", "reason": "no DICOM"},
        {"path": "sub/7.dcm", "reason": "damaged DICOM"},
    ]
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
