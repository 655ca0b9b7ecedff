"""What names something exactly is that thing before it is a glob: in locations, filters and deletions."""

import json

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.model.filters import Filters
from xnat_tui.services.workspace import Workspace

BRACKETS = "[AC] Brain Dynamic"
SESSION = "lab:P/S1/E1"
FILES = f"{SESSION}/scans/1/resources/R/files"


def bracket_site():
    """Names with wildcards in them, beside others that they match; one type in two sessions."""
    site = Site()
    site.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
    project = site.add_project("P", users={"demo": "owner"})
    subject = site.add_subject(project, "S1")
    for label, types in (("E1", (BRACKETS, "A Brain Dynamic", "T1")), ("E2", ("C Brain Dynamic",))):
        session = site.add_experiment(subject, label, fields={"modality": "MR"})
        for number, type_ in enumerate(types, 1):
            resource = site.new_resource("R", format="TXT")
            for name in ("a [1].txt", "a 1.txt", "a[1].txt", "a1.txt", "b*.txt", "b2.txt", "c3.txt"):
                content = BytesContent(f"{label} {number} {name}".encode())
                resource.add(FileEntry(name, content, content.md5, content.size))
            resource.populate_stats()
            site.add_scan(session, str(number), fields={"type": type_}).resources.append(resource)
    return site


@pytest.fixture
def lab(program, monkeypatch):
    with DemoServer(bracket_site()) as one, DemoServer(bracket_site()) as other:
        program.configure(
            f'[servers.lab]\nurl = "{one.url}"\nuser = "demo"\n'
            f'[servers.qc]\nurl = "{other.url}"\nuser = "demo"\n'
        )
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
        monkeypatch.setenv("XNAT_TUI_PASSWORD_QC", "demo")
        yield one


def files_of(server):
    return sorted(server.site.experiment("E1", "P").scans["1"].resources[0].files)


def listed(run, kind="scan"):
    return [item["path"] for item in json.loads(run.stdout)["items"] if item["kind"] == kind]


@pytest.mark.parametrize("options", [(), ("--glob",)])
def test_deleting_what_is_named_exactly_leaves_what_it_would_match(program, lab, options):
    done = program("resources", "delete", f"{FILES}/a [1].txt", *options, "-y", "--confirm", "P")
    assert done.exit_code == 0, done.stderr
    assert files_of(lab) == ["a 1.txt", "a1.txt", "a[1].txt", "b*.txt", "b2.txt", "c3.txt"]


def test_what_a_server_cannot_find_under_its_address_takes_nothing_else_along(program, lab):
    """XNAT decodes the paths of files only where they have a space or a plus."""
    told = program("resources", "delete", f"{FILES}/a[1].txt", "-y", "--confirm", "P")
    assert told.exit_code == 5
    assert len(files_of(lab)) == 7


@pytest.mark.parametrize("name", ["a?.txt", "c*", "[bc]3.txt", "*"])
def test_deleting_follows_a_glob_only_when_told_to(program, lab, name):
    refused = program("resources", "delete", f"{FILES}/{name}", "-y", "--confirm", "P")
    assert refused.exit_code == 2
    assert "add --glob" in refused.stderr
    assert len(files_of(lab)) == 7


def test_with_glob_deleting_takes_all_that_matches(program, lab):
    done = program("resources", "delete", f"{FILES}/[bc][23].txt", "--glob", "-y", "--confirm", "P")
    assert done.exit_code == 0, done.stderr
    assert files_of(lab) == ["a 1.txt", "a [1].txt", "a1.txt", "a[1].txt", "b*.txt"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a[1].txt", ["a[1].txt"]),
        ("b*.txt", ["b*.txt"]),
        ("a%5B1%5D.txt", ["a[1].txt"]),
        ("a%5B1%5D*", ["a[1].txt"]),
        ("[ab][12].txt", ["a1.txt", "b2.txt"]),
    ],
)
def test_a_location_is_a_name_before_it_is_a_glob(program, lab, name, found):
    run = program("show", f"{FILES}/{name}", "--json")
    assert run.exit_code == 0, run.stderr
    assert [item["label"] for item in json.loads(run.stdout)["items"]] == found


@pytest.mark.parametrize(
    ("filters", "scans"),
    [
        (("--scan-type", BRACKETS), ["E1/scans/1"]),
        (("--scan-type", "[AC] Brain*"), ["E1/scans/2", "E2/scans/1"]),
        (("--exclude-scan-type", BRACKETS), ["E1/scans/2", "E1/scans/3", "E2/scans/1"]),
        (("--scan-type", BRACKETS, "--scan-type", "T?"), ["E1/scans/1", "E1/scans/3"]),
    ],
)
@pytest.mark.parametrize("verb", ["show", "compare", "export", "copy"])
def test_a_filters_value_is_a_name_before_it_is_a_glob(program, lab, tmp_path, verb, filters, scans):
    run = {
        "show": ("show", "lab:P", "--depth", "scans"),
        "compare": ("compare", "lab:P", "qc:P", "--all"),
        "export": ("export", "lab:P", "--to", str(tmp_path / "out"), "-n"),
        "copy": ("copy", "lab:P", "qc:NEW", "-n"),
    }[verb]
    found = program(*run, *filters, "--json")
    assert found.exit_code == 0, found.stderr
    key = "items" if verb in ("show", "compare") else "steps"
    paths = {
        row["path"].partition("/experiments/")[2].partition("/resources/")[0]
        for row in json.loads(found.stdout)[key]
        if "/scans/" in row["path"]
    }
    assert sorted(paths) == scans


def test_a_verification_goes_by_the_same_names(program, lab, tmp_path):
    out = str(tmp_path / "out")
    assert program("export", "lab:P", "--to", out, "--scan-type", BRACKETS).exit_code == 0
    same = program("verify", "lab:P", out, "--scan-type", BRACKETS, "--json")
    assert same.exit_code == 0, same.stderr
    assert json.loads(same.stdout)["summary"]["same"] > 0
    other = program("verify", "lab:P", out, "--scan-type", "A Brain Dynamic", "--json")
    assert other.exit_code == 1


def test_python_callers_get_the_same(program, lab, monkeypatch):
    with Workspace() as workspace:
        plan = workspace.plan_copy("lab:P", "qc:NEW", filters=Filters(scan_type=(BRACKETS,)))
        assert [step.path for step in plan.steps if str(step.kind) == "scan"] == [
            "subjects/S1/experiments/E1/scans/1"
        ]
        assert f"--scan-type '{BRACKETS}'" in plan.command
        exact = [place.location.name for place in workspace.find(f"{FILES}/a[1].txt")]
        assert exact == ["a[1].txt"]


def test_a_value_without_wildcards_costs_no_request(program, lab):
    def cost(*filters):
        lab.requests.clear()
        assert program("show", "lab:P", "--depth", "scans", *filters).exit_code == 0
        return len(lab.requests)

    assert cost("--scan-type", "T1") == cost()
