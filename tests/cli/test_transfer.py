"""`copy`, `export` and `jobs` as scripts use them: documents, exit codes, and what is there afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event, Thread

import pytest

from xnat_tui.demo.faults import ErrorPage, Fault, Hang
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site


@dataclass
class Pair:
    source: DemoServer
    destination: DemoServer


@pytest.fixture
def servers(program, monkeypatch) -> Iterator[Pair]:
    with DemoServer(source_site()) as source, DemoServer(destination_site()) as destination:
        for name, server in (("lab", source), ("qc", destination)):
            monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name.upper()}", "demo")
            assert program("server", "add", name, server.url, "--user", "demo").exit_code == 0
        yield Pair(source, destination)


def writes(server: DemoServer) -> list[str]:
    """What was asked of a server beyond reading and signing in."""
    return [
        f"{request.method} {request.path}"
        for request in server.requests
        if request.method in ("PUT", "POST", "DELETE") and not request.path.endswith(("/auth", "/JSESSION"))
    ]


def test_a_dry_run_tells_the_steps_and_writes_nothing_anywhere(program, servers):
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "-n", "--json")
    assert run.exit_code == 0
    document = json.loads(run.stdout)
    assert document["state"] == "planned"
    assert document["plan"]["files"] == 14
    actions = {step["path"]: step["action"] for step in document["steps"]}
    assert actions["subjects/SUB-004"] == "create"
    assert actions["subjects/SUB-004/experiments/SUB-004_CT1/scans/2/resources/DICOM"] == "upload"
    assert set(document["steps"][0]) == {"action", "path", "kind", "files", "bytes", "reason"}
    assert writes(servers.source) == writes(servers.destination) == []
    assert json.loads(program("jobs", "list", "--json").stdout)["items"] == []


def test_a_copy_arrives_and_says_what_it_rests_on(program, servers):
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json")
    assert run.exit_code == 0, run.stderr
    document = json.loads(run.stdout)
    assert document["state"] == "done"
    assert document["done"]["files"] == 14
    assert document["verified"] == {"digest": 14, "size": 0, "unverified": 0}
    assert document["failed"] == []
    sides = ("lab:BRAINS/SUB-004", "qc:BRAINS/SUB-004")
    there = program("compare", *sides, "--depth", "digests", "--fields", "all")
    assert (there.exit_code, there.stdout) == (0, "")


def test_a_plan_is_data_and_what_happens_is_not(program, servers):
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "-y")
    assert run.exit_code == 0, run.stderr
    assert run.stdout.startswith("Plan: copy lab:BRAINS/SUB-004 → qc:BRAINS\n")
    assert "Plan:" not in run.stderr
    assert ": done. " in run.stderr


def test_quiet_leaves_errors_and_warnings_only(program, servers):
    arguments = ("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "-n")
    assert "info: " in program(*arguments).stderr
    assert "info: " not in program(*arguments, "-q").stderr


def test_the_report_says_how_long_it_took(program, servers):
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json")
    assert json.loads(run.stdout)["seconds"] > 0


def test_a_second_copy_finds_everything_there(program, servers):
    assert program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes").exit_code == 0
    servers.destination.requests.clear()
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json")
    assert run.exit_code == 0
    assert json.loads(run.stdout)["plan"]["upload"] == 0
    assert writes(servers.destination) == []


def test_updating_is_asked_for_by_its_name_and_overwriting_by_the_projects_too(program, servers):
    copy = ("copy", "lab:BRAINS/SUB-009/SUB-009_MR2", "qc:BRAINS", "--yes")
    refused = program(*copy, "--on-existing", "overwrite")
    assert refused.exit_code == 2
    assert "--confirm BRAINS" in refused.stderr
    assert writes(servers.destination) == []
    assert program(*copy, "--on-existing", "overwrite", "--confirm", "BRAINS").exit_code == 0
    assert program(*copy, "--on-existing", "update").exit_code == 0


def test_without_a_terminal_consent_has_to_be_given(program, servers):
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS")
    assert run.exit_code == 2
    assert "no terminal to ask for consent" in run.stderr
    assert writes(servers.destination) == []


def test_a_read_only_server_is_never_written_to(program, servers):
    program("server", "remove", "qc")
    program("server", "add", "qc", servers.destination.url, "--user", "demo", "--read-only")
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes")
    assert run.exit_code == 4
    assert "read-only" in run.stderr
    assert writes(servers.destination) == []


def test_what_failed_is_named_and_the_rest_is_there(program, servers):
    run = program("copy", "lab:LEGACY", "qc:OLD_COPY", "--yes", "--json")
    assert run.exit_code == 6
    document = json.loads(run.stdout)
    assert document["state"] == "failed"
    failed = {failure["path"]: failure["error"] for failure in document["failed"]}
    assert any(path.endswith("scans/2/resources/DICOM/files/IM0003.dcm") for path in failed)
    assert document["done"]["files"] == document["verified"]["digest"] > 0


def test_jobs_show_and_forget_what_the_journal_remembers(program, servers):
    job = json.loads(program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json").stdout)["job"]
    listed = json.loads(program("jobs", "list", "--json").stdout)["items"]
    assert [(row["job"], row["state"], row["files_done"]) for row in listed] == [(job, "done", 14)]
    assert json.loads(program("jobs", "show", job, "--json").stdout)["done"]["files"] == 14
    assert "14 by digest" in program("jobs", "show").stdout
    assert program("jobs", "retry", job).stderr == f"Nothing failed in {job}.\n"
    assert program("jobs", "forget", job).exit_code == 0
    assert program("jobs", "show", job).exit_code == 5


def test_a_job_whose_plan_failed_says_that_only_a_new_plan_can_help(program, servers):
    servers.source.faults.add(r"GET .*/SUB-004/experiments|GET .*/experiments\?", ErrorPage(500))
    run = program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json")
    document = json.loads(run.stdout)
    assert (run.exit_code, document["state"], document["left"]) == (6, "failed", 0)
    assert "could not be read" in document["failed"][0]["error"]
    retried = program("jobs", "retry", "--json")
    assert retried.exit_code == 6
    assert json.loads(retried.stdout)["state"] == "failed"
    assert retried.stderr == (
        f"1 item of {document['job']} failed as it was planned: no retry brings them.\n\n"
        "hint: Plan again with: xnat-tui copy lab:BRAINS/SUB-004 qc:BRAINS\n"
    )


def test_types_that_are_to_be_left_out_are_left_and_are_no_failure(program, servers):
    line = ("copy", "lab:BRAINS/SUB-012", "qc:BRAINS", "--yes", "--json", "--ignore-missing-datatypes")
    run = program(*line)
    document = json.loads(run.stdout)
    assert (run.exit_code, document["state"], document["failed"]) == (0, "done", [])
    assert document["left"] == document["plan"]["conflict"] == 1
    assert "icr:roiCollectionData" in document["left_alone"][0]["reason"]


def test_resuming_a_finished_job_sends_nothing(program, servers):
    job = json.loads(program("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json").stdout)["job"]
    servers.destination.requests.clear()
    run = program("jobs", "resume", job, "--json")
    assert run.exit_code == 0
    assert json.loads(run.stdout)["done"]["files"] == 14
    assert writes(servers.destination) == []


def test_an_export_is_complete_and_is_not_fetched_twice(program, servers, tmp_path):
    folder = tmp_path / "out"
    run = program("export", "lab:BRAINS/SUB-004", "--to", str(folder), "--yes", "--json")
    assert run.exit_code == 0, run.stderr
    assert json.loads(run.stdout)["done"]["files"] >= 14
    assert len(list(folder.rglob("*.dcm"))) == 14
    again = program("export", "lab:BRAINS/SUB-004", "--to", str(folder), "--yes", "--json")
    assert again.exit_code == 0
    document = json.loads(again.stdout)
    assert (document["plan"]["files"], document["skipped"]) == (0, 14)
    assert "; 14 files there already, 0 failed." in again.stderr
    assert program("verify", "lab:BRAINS/SUB-004", str(folder)).exit_code == 0


def test_a_table_of_series_names_images_and_is_refused_by_line_and_column(program, servers, tmp_path):
    table, folder = tmp_path / "series.csv", tmp_path / "out"
    export = ("export", "lab:BRAINS/SUB-001/SUB-001_MR1", "--to", str(folder), "--layout", "bids")
    table.write_text("scan,suffix,entities\nT1_*,T1w,acq-iso\nDWI*,dwi,dir-XX_tusk-1\n")
    refused = program(*export, "--bids-map", str(table), "--yes")
    assert refused.exit_code == 2
    assert "series.csv, line 3, column 3: 'tusk-1' is no entity of BIDS" in refused.stderr
    assert not folder.exists()
    table.write_text("scan,suffix,entities\nT1_*,T1w,acq-iso\n")
    done = program(*export, "--bids-map", str(table), "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)["failed"]) == (0, [])
    anat = {path.name for path in folder.glob("sub-*/ses-*/anat/*.nii.gz")}
    assert "sub-SUB001_ses-SUB001MR1_acq-iso_T1w.nii.gz" in anat
    assert program(*export[:4], "--bids-map", str(table), "--yes").exit_code == 2


def test_the_plan_of_an_export_says_fetch_and_its_document_upload(program, servers, tmp_path):
    export = ("export", "lab:BRAINS/SUB-004", "--to", str(tmp_path / "out"), "-n")
    told = program(*export).stdout
    step = "subjects/SUB-004/experiments/SUB-004_CT1/scans/1/resources/DICOM"
    assert f"  + fetch    {step}  1 file  14k" in told
    assert "3 fetch" in told
    assert "upload" not in told
    assert json.loads(program(*export, "--json").stdout)["plan"]["upload"] == 3


def test_a_file_changed_in_the_folder_is_left_until_overwriting_is_asked_for(program, servers, tmp_path):
    export = ("export", "lab:BRAINS/SUB-004", "--to", str(tmp_path / "out"), "--yes", "--json")
    assert program(*export).exit_code == 0
    changed = next(iter(sorted((tmp_path / "out").rglob("*.dcm"))))
    changed.write_bytes(b"mine")
    run = program(*export)
    found = json.loads(run.stdout)
    assert (run.exit_code, found["plan"]["conflict"], found["done"]["files"]) == (0, 1, 0)
    assert (found["state"], found["failed"], found["left"]) == ("done", [], 1)
    assert ": done, 1 left alone. " in run.stderr
    (left,) = found["left_alone"]
    assert left["path"].endswith(f"/files/{changed.name}")
    assert "--overwrite" in left["reason"]
    shown = program("jobs", "show").stdout
    assert "state:      done, 1 left alone\n" in shown
    assert f"= {left['path']}: {left['reason']}\n" in shown
    assert program("jobs", "retry").stderr == f"Nothing failed in {found['job']}.\n"
    assert changed.read_bytes() == b"mine"
    assert program(*export, "--overwrite").exit_code == 0
    assert changed.read_bytes() != b"mine"


def test_a_place_that_is_not_there_is_said_with_the_nearest_label(program, servers):
    run = program("copy", "lab:BRAINS/SUB-044", "qc:BRAINS", "--yes")
    assert run.exit_code == 5
    assert "lab:BRAINS has no subject 'SUB-044'." in run.stderr
    assert "Did you mean SUB-004?" in run.stderr


def test_a_site_that_wants_reasons_gets_them_typed_or_saved(program, servers, monkeypatch):
    servers.destination.site.settings.require_change_justification = True
    line = ("copy", "lab:BRAINS/SUB-004", "qc:BRAINS", "--yes", "--json")
    refused = json.loads(program(*line).stdout)
    assert any("--event-reason" in failure["hint"] for failure in refused["failed"])
    run = program(*line, "--event-reason", "Amendment 3")
    assert (run.exit_code, json.loads(run.stdout)["failed"]) == (0, [])
    refused = program("demographics", "set", "qc:BRAINS/SUB-001", "handedness=ambidextrous", "--yes")
    assert "--event-reason" in refused.stderr
    program("server", "remove", "qc")
    url = servers.destination.url
    program("server", "add", "qc", url, "--user", "demo", "--event-reason", "Saved with it")
    assert (
        program("demographics", "set", "qc:BRAINS/SUB-001", "handedness=ambidextrous", "--yes").exit_code == 0
    )
    told = {request.query.partition("event_reason=")[2] for request in servers.destination.requests}
    assert told == {"", "Amendment%203", "Saved%20with%20it"}


def test_a_server_that_goes_away_pauses_the_job_and_says_how_to_go_on(program, servers, tmp_path):
    waiting = servers.source.faults.add(r"GET .*format=xml", Hang())
    going = Thread(target=stop_when_all_wait, args=(servers.source, waiting))
    going.start()
    folder = str(tmp_path / "out")
    run = program("export", "lab:BRAINS", "--to", folder, "--yes", "--json")
    going.join()
    assert run.exit_code == 3, run.stderr
    document = json.loads(run.stdout)
    assert (document["state"], document["failed"]) == ("paused", [])
    told = (
        f"lab cannot be reached; the job is paused.{{}}Resume it with: xnat-tui jobs resume {document['job']}"
    )
    assert document["note"] == told.format(" ")
    assert told.format("\n\nhint: ") in run.stderr
    assert document["note"] in program("jobs", "show").stdout
    servers.source.faults.clear()
    servers.source.start()
    run = program("jobs", "resume", "--json")
    assert run.exit_code == 0, run.stderr
    document = json.loads(run.stdout)
    assert (document["state"], document["failed"]) == ("done", [])
    assert "note" not in document
    assert program("verify", folder).exit_code == 0


def test_what_is_written_last_belongs_to_the_job(program, servers, tmp_path):
    folder = tmp_path / "out"
    (folder / "metadata.csv" / "in the way").mkdir(parents=True)
    run = program("export", "lab:BRAINS/SUB-001", "--to", str(folder), "--yes", "--json")
    document = json.loads(run.stdout)
    assert (run.exit_code, document["state"], len(document["failed"])) == (6, "failed", 1)
    (folder / "metadata.csv" / "in the way").rmdir()
    (folder / "metadata.csv").rmdir()
    run = program("jobs", "retry", document["job"], "--json")
    assert (run.exit_code, json.loads(run.stdout)["failed"]) == (0, [])
    assert (folder / "metadata.csv").is_file()


def stop_when_all_wait(server: DemoServer, waiting: Fault) -> None:
    """The server goes away when each of the job's four workers waits for an answer."""
    poll = Event()
    while waiting.fired < 4:
        poll.wait(0.01)
    server.stop()
