import json

import pytest

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site


def site(*plugin_types, filled=False):
    made = Site(plugin_types=plugin_types)
    made.add_user(User("demo", "demo", "Dana", "Demo", "demo@example.org"))
    project = made.add_project("P", users={"demo": "owner"})
    if filled:
        session = made.add_experiment(made.add_subject(project, "S1"), "E1", fields={"modality": "MR"})
        made.add_scan(session, "1", fields={"type": "T1"})
        made.add_assessor(session, "A1", "fs:fsData")
    return made


@pytest.fixture
def pair(program, monkeypatch):
    with DemoServer(site("fs:fsData", filled=True)) as one, DemoServer(site()) as other:
        program.configure(
            f'[servers.lab]\nurl = "{one.url}"\nuser = "demo"\n'
            f'[servers.qc]\nurl = "{other.url}"\nuser = "demo"\n'
        )
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
        monkeypatch.setenv("XNAT_TUI_PASSWORD_QC", "demo")
        yield one, other


def test_a_missing_type_is_shown_and_ends_with_1(program, pair):
    result = program("datatypes", "lab:P", "qc:")
    assert result.exit_code == 1
    assert result.stdout == (
        "type                kind      count  status\n"
        "xnat:mrSessionData  session       1  present\n"
        "xnat:mrScanData     scan          1  present\n"
        "fs:fsData           assessor      1  missing\n"
    )
    assert result.stderr == "As seen by demo on the destination.\n"


def test_the_document_names_every_type(program, pair):
    result = program("datatypes", "lab:P", "qc:", "--json")
    assert json.loads(result.stdout) == {
        "items": [
            {"type": "xnat:mrSessionData", "kind": "session", "count": 1, "status": "present"},
            {"type": "xnat:mrScanData", "kind": "scan", "count": 1, "status": "present"},
            {"type": "fs:fsData", "kind": "assessor", "count": 1, "status": "missing"},
        ],
        "failed": [],
    }


def test_a_destination_with_everything_ends_with_0(program, pair):
    assert program("datatypes", "lab:P", "lab:").exit_code == 0
    assert program("datatypes", "qc:P", "lab:").exit_code == 0


def test_what_is_unknown_is_no_success(program, pair):
    pair[1].faults.add("GET /(xapi/schemas|data/search)", ErrorPage(500))
    result = program("datatypes", "lab:P", "qc:")
    assert result.exit_code == 6
    assert result.stdout.count("unknown") == 3
