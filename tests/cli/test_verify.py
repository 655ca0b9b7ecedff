import json

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import ExportOptions
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor
from xnat_tui.services.workspace import Workspace

DICOM = "subjects/S1/experiments/E1/scans/1/resources/DICOM/files"
SUMMARY = "{} same, {} differs, {} only source, {} only destination, {} unreadable, {} unverified"


def small_site():
    site = Site()
    site.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
    project = site.add_project("P", users={"demo": "owner"})
    session = site.add_experiment(site.add_subject(project, "S1"), "E1", fields={"modality": "MR"})
    resource = site.new_resource("DICOM", format="DICOM")
    for name in ("a.dcm", "b.dcm"):
        content = BytesContent(name.encode())
        resource.add(FileEntry(name, content, content.md5, content.size))
    resource.populate_stats()
    site.add_scan(session, "1", fields={"type": "T1"}).resources.append(resource)
    return site


@pytest.fixture
def lab(program, monkeypatch):
    """Two servers of one content, saved as lab and qc."""
    with DemoServer(small_site()) as one, DemoServer(small_site()) as other:
        program.configure(
            f'[servers.lab]\nurl = "{one.url}"\nuser = "demo"\n'
            f'[servers.qc]\nurl = "{other.url}"\nuser = "demo"\n'
        )
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
        monkeypatch.setenv("XNAT_TUI_PASSWORD_QC", "demo")
        yield one, other


@pytest.fixture
def exported(lab, tmp_path):
    out = tmp_path / "out"
    with Workspace() as workspace:
        places = list(workspace.find("lab:P"))
        plan = plan_export(workspace.reader("lab"), places, out, ExportOptions(metadata=False))
        with export_executor(plan, workspace.connection) as execute:
            for step in plan.steps:
                execute(step, Control())
    return out


def test_a_finished_export_is_proved_in_one_line(program, exported):
    result = program("verify", "lab:P", str(exported))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        f"lab:P ⇄ {exported}, by digests: {SUMMARY.format(2, 0, 0, 0, 0, 0)}",
        "As seen by demo on the source.",
    ]


def test_differences_are_listed_and_end_with_1(program, exported):
    folder = exported / "P/S1/E1/scans/1-T1/resources/DICOM/files"
    (folder / "a.dcm").write_bytes(b"A.dcm")
    (folder / "b.dcm").rename(folder / "c.dcm")
    result = program("verify", "lab:P", str(exported), "-q")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"* file {DICOM}/a.dcm: digest {_md5(b'a.dcm')} ⇄ {_md5(b'A.dcm')} (changed since it was exported)",
        f"< file {DICOM}/b.dcm",
        "> file P/S1/E1/scans/1-T1/resources/DICOM/files/c.dcm",
    ]
    assert result.stderr == ""
    table = program("verify", "lab:P", str(exported), "--csv")
    assert table.stdout.splitlines()[0] == "glyph,status,kind,path,field,source,destination,note"
    assert len(table.stdout.splitlines()) == 4


def _md5(data):
    return BytesContent(data).md5


def test_the_document_is_that_of_compare(program, exported):
    result = program("verify", "lab:P", str(exported), "--json", "--all")
    found = json.loads(result.stdout)
    assert (found["source"], found["destination"], found["depth"]) == ("lab:P", str(exported), "digests")
    kinds = ("same", "differs", "only_source", "only_destination", "unreadable", "unverified")
    assert found["summary"] == dict(zip(kinds, (2, 0, 0, 0, 0, 0), strict=True))
    assert found["items"][0] == {"path": f"{DICOM}/a.dcm", "kind": "file", "status": "same", "fields": []}


@pytest.mark.parametrize("twice", [False, True])
def test_a_folder_by_itself_needs_no_server(program, exported, lab, twice):
    for server in lab:
        server.stop()
    folders = [str(exported)] * (2 if twice else 1)
    result = program("verify", *folders)
    assert (result.exit_code, result.stdout) == (0, "")
    assert SUMMARY.format(2, 0, 0, 0, 0, 0) in result.stderr


def test_a_copy_is_proved_on_both_servers_and_a_folder_may_stand_first(program, exported):
    assert program("verify", "lab:P", "qc:P").exit_code == 0
    assert program("verify", str(exported), "qc:P").exit_code == 0


def test_filters_are_those_of_every_verb(program, exported):
    nothing = program("verify", "lab:P", str(exported), "--scan", "9", "--json")
    assert (nothing.exit_code, "error" in json.loads(nothing.stdout)) == (5, True)
    refused = program("verify", str(exported), "--scan", "9")
    assert refused.exit_code == 2
    assert "Filters ask a server" in refused.stderr


def test_a_report_can_be_kept(program, exported, tmp_path):
    report = tmp_path / "report.md"
    assert program("verify", "lab:P", str(exported), "--report", str(report)).exit_code == 0
    assert "- same: 2" in report.read_text()
    refused = program("verify", "lab:P", str(exported), "--report", str(tmp_path / "report.doc"))
    assert refused.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("lab:P",), 2, "against another, or against a folder"),
        (("not there", "lab:P"), 2, "neither a location nor a folder"),
        (("lab:NOPE", "."), 5, "NOPE"),
        (("lab:P", "."), 2, "has no manifest.jsonl"),
    ],
)
def test_what_cannot_be_verified_says_why(program, lab, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    result = program("verify", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
