"""Copies and exports that nobody can be found in: what names a person is looked for in every byte."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pydicom
import pytest

import xnat_tui
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.faults import Answer, CutDownload, ErrorPage, WriteThenDrop, WrongBytes
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.errors import ConfigError, Conflict, UsageError
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions, ExportOptions, Layout, UploadOptions, Via
from xnat_tui.model.plan import Action
from xnat_tui.model.plan_documents import plan_document
from xnat_tui.services.deidentifying.keys import create_key
from xnat_tui.services.transfers.deidentified import account
from xnat_tui.services.workspace import Workspace
from xnat_tui.xnat.documents import item_xml, writing

WHO = "lab:BRAINS/SUB-001"
OLD = ("SUB-001", "SUB-001_MR1", "MTRA 4", "Demo Institute")


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[tuple[DemoServer, DemoServer]]:
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with DemoServer(source_site()) as source, DemoServer(destination_site()) as destination:
        for name, server in (("lab", source), ("qc", destination)):
            monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name.upper()}", "demo")
            config.save_server(Server(name, server.url, "demo"))
        yield source, destination


@pytest.fixture
def workspace(servers) -> Iterator[Workspace]:
    with xnat_tui.connect("lab", "qc") as opened:
        yield opened


@pytest.fixture
def key(tmp_path) -> str:
    create_key(tmp_path / "key")
    return str(tmp_path / "key")


@pytest.fixture
def table(tmp_path) -> str:
    (tmp_path / "map.csv").write_text("subject,new_subject\nSUB-001,A-1\n")
    return str(tmp_path / "map.csv")


def identities(workspace: Workspace) -> set[bytes]:
    """What the source has of the person, in its own documents and in the headers of its files."""
    found = {text.encode() for text in OLD}
    connection = workspace.connection("lab")
    place = workspace.find_one(f"{WHO}/SUB-001_MR1")
    document = writing.read_item(connection, place.items[-1].uri)
    for name in ("dcmPatientName", "dcmPatientId"):
        found.add(item_xml.text_of(document, name).encode())
    for item in (
        workspace.reader("lab")
        .below(workspace.find_one(f"{WHO}/SUB-001_MR1/scans/1/resources/DICOM"), Kind.FILE)
        .items
    ):
        with connection.download(item.uri) as download:
            header = pydicom.dcmread(io.BytesIO(b"".join(download)))
        for name in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID"):
            found.add(str(header.get(name, "")).encode())
        found.add(str(header.SOPInstanceUID).encode())
    return {text for text in found if len(text) > 2}


def stored(workspace: Workspace, subject: str) -> Iterator[bytes]:
    """Every byte that the destination has of a subject: documents, lists, names and contents of files."""
    connection, reader = workspace.connection("qc"), workspace.reader("qc")
    above = workspace.find_one(f"qc:BRAINS/{subject}")
    assert above.item is not None
    yield item_xml.serialise(writing.read_item(connection, above.item.uri))
    for session in reader.below(above, Kind.EXPERIMENT).items:
        yield item_xml.serialise(writing.read_item(connection, session.uri))
        for scan in reader.below(above.child(session), Kind.SCAN).items:
            place = above.child(session).child(scan)
            for resource in reader.below(place, Kind.RESOURCE).items:
                for file in reader.below(place.child(resource), Kind.FILE).items:
                    yield file.key.encode()
                    with connection.download(file.uri) as download:
                        yield b"".join(download)


def found_in(wanted: set[bytes], content: bytes) -> set[bytes]:
    low = content.lower()
    return {text for text in wanted if text.lower() in low}


def test_nothing_that_reached_the_destination_or_this_machine_says_who_it_was(
    servers, workspace, key, table, tmp_path
):
    _, destination = servers
    before = len(destination.requests)
    options = CopyOptions(deidentify="basic", key=key, label_map=table)
    plan = workspace.plan_copy(WHO, "qc:BRAINS", options=options)
    shown = {one.source: one.destination for told in plan.details.values() for one in told}
    assert shown == {"SUB-001": "A-1", "SUB-001_MR1": "A-1_MR1", "SUB-001_MR2": "A-1_MR2"}
    assert workspace.plan_copy(plan.sources, "qc:BRAINS", options=options).steps == plan.steps
    report = workspace.run(plan)
    document = report.to_dict()
    assert report.failed == ()
    assert document["deidentified"]["changed"] == report.verified.digest == document["done"]["files"] > 50
    assert {one["reason"].partition(": ")[2][:8] for one in document["held"] if "/NIFTI" in one["path"]} == {
        "no DICOM"
    }
    assert any(one["path"].endswith("A-1_MR1/assessors/1") for one in document["held"])
    wanted = identities(workspace)
    assert len(wanted) > 8
    asked = "\n".join(str(one) for one in list(destination.requests)[before:]).encode()
    with Journal() as journal:
        kept = json.dumps(plan_document(journal.plan(report.job))).encode()
        events = json.dumps([event.message for event in journal.events(report.job)]).encode()
    logs = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
    for content in (asked, kept, events, logs, json.dumps(document).encode(), *stored(workspace, "A-1")):
        assert found_in(wanted, content) == set()


def test_a_second_run_sends_nothing_and_proves_what_is_there(workspace, key):
    options = CopyOptions(deidentify="basic", key=key)
    filters = Filters(session=("SUB-001_MR2",))
    first = workspace.run(workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters))
    plan = workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters)
    assert {step.action for step in plan.steps if step.kind is Kind.SUBJECT} == {Action.SKIP}
    again = workspace.run(plan)
    assert (again.done_files, again.failed) == (0, ())
    assert again.skipped >= again.verified.digest == first.done_files


def test_an_export_has_the_same_bytes_as_a_copy_and_private_modes(workspace, key, table, tmp_path):
    filters = Filters(session=("SUB-001_MR2",), scan=("1",))
    asked = {"deidentify": "basic", "key": key, "label_map": table}
    workspace.run(workspace.plan_copy(WHO, "qc:BRAINS", options=CopyOptions(**asked), filters=filters))
    plan = workspace.plan_export(WHO, tmp_path / "out", options=ExportOptions(**asked), filters=filters)
    report = workspace.run(plan)
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert report.done_files == report.verified.digest == len(files) == 3
    folder = tmp_path / "out/subjects/A-1/experiments/A-1_MR2/scans/1/resources/DICOM/files"
    assert {file.parent for file in files} == {folder}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    sent = set(stored(workspace, "A-1"))
    assert {file.read_bytes() for file in files} <= sent
    header = pydicom.dcmread(files[0])
    assert (header.PatientID, header.PatientIdentityRemoved) == ("A-1", "YES")
    again = workspace.run(
        workspace.plan_export(WHO, tmp_path / "out", options=ExportOptions(**asked), filters=filters)
    )
    assert (again.done_files, again.failed, again.verified.digest) == (0, (), 3)


def test_dates_are_shifted_alike_in_the_session_and_in_its_files(workspace, key, table):
    options = CopyOptions(deidentify="basic+retain-modified-dates", key=key, label_map=table)
    filters = Filters(session=("SUB-001_MR2",), scan=("1",))
    workspace.run(workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters))
    place = workspace.find_one("qc:BRAINS/A-1/A-1_MR2")
    document = writing.read_item(workspace.connection("qc"), place.items[-1].uri)
    *_, last = stored(workspace, "A-1")
    header = pydicom.dcmread(io.BytesIO(last))
    assert item_xml.text_of(document, "date").replace("-", "") == header.StudyDate
    old = workspace.find_one(f"{WHO}/SUB-001_MR2").items[-1].fields["date"]
    assert item_xml.text_of(document, "date") < old


def test_labels_are_dealt_once(workspace, key, tmp_path):
    asked = {
        "deidentify": "basic",
        "key": key,
        "relabel": "SITE-{n:03d}",
        "label_map": str(tmp_path / "who.csv"),
    }
    plan = workspace.plan_copy("lab:BRAINS", "qc:BRAINS", options=CopyOptions(**asked))
    labels = [step.lineage.subject for step in plan.steps if step.kind is Kind.SUBJECT and step.writes]
    assert sorted(labels)[:2] == ["SITE-001", "SITE-002"]
    assert (tmp_path / "who.csv").stat().st_mode & 0o777 == 0o600
    assert any("dealt" in finding.message for finding in plan.findings)
    again = workspace.plan_copy("lab:BRAINS", "qc:BRAINS", options=CopyOptions(**asked))
    assert again.steps == plan.steps


def test_a_subject_without_a_row_is_held_and_another_key_refused(workspace, key, table, tmp_path):
    options = CopyOptions(deidentify="basic", key=key, label_map=table)
    plan = workspace.plan_copy("lab:BRAINS/SUB-002", "qc:BRAINS", options=options)
    assert {(step.action, step.reason) for step in plan.steps} == {
        (Action.CONFLICT, "its subject has no row in the table of labels")
    }
    workspace.run(workspace.plan_copy(f"{WHO}/SUB-001_MR2", "qc:BRAINS", options=options))
    create_key(tmp_path / "other")
    with pytest.raises(Conflict, match="The key is not the one"):
        workspace.plan_copy(
            WHO, "qc:BRAINS", options=CopyOptions(deidentify="basic", key=str(tmp_path / "other"))
        )


def test_what_cannot_be_kept_beside_it_is_refused(workspace, key, tmp_path):
    for options in (
        CopyOptions(deidentify="basic", key=key, via=Via.IMPORT),
        CopyOptions(deidentify="basic", key=key, ohif=True),
        CopyOptions(deidentify="basic"),
        CopyOptions(deidentify="basicc", key=key),
        CopyOptions(deidentify="basic", key=key, relabel="S{n}"),
    ):
        with pytest.raises(UsageError):
            workspace.plan_copy(WHO, "qc:BRAINS", options=options)
    with pytest.raises(UsageError, match="a project that is there"):
        workspace.plan_copy(WHO, "qc:NEW", options=CopyOptions(deidentify="basic", key=key))
    bids = ExportOptions(deidentify="basic", key=key, layout=Layout.BIDS)
    with pytest.raises(UsageError, match="layout"):
        workspace.plan_export(WHO, tmp_path / "out", options=bids)
    any_files = UploadOptions(deidentify="basic", key=key)
    with pytest.raises(UsageError, match="An upload of any files cannot"):
        workspace.plan_upload([tmp_path], "qc:BRAINS/SUB-001/resources/R", options=any_files)
    with pytest.raises(UsageError, match="belong to de-identification"):
        CopyOptions(label_map="x.csv")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="read by others"):
        workspace.plan_copy(WHO, "qc:BRAINS", options=CopyOptions(deidentify="basic", key=key))


def test_an_upload_sends_only_what_the_profile_lets_pass(workspace, key, table, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    resource = workspace.find_one(f"{WHO}/SUB-001_MR2/scans/1/resources/DICOM")
    for number, item in enumerate(workspace.reader("lab").below(resource, Kind.FILE).items):
        with workspace.connection("lab").download(item.uri) as download:
            (folder / f"{number}.dcm").write_bytes(b"".join(download))
    header = pydicom.dcmread(folder / "0.dcm")
    wanted = {str(header[name].value).encode() for name in ("PatientName", "PatientID", "StudyInstanceUID")}
    burned = pydicom.dcmread(folder / "1.dcm")
    burned.BurnedInAnnotation = "YES"
    burned.save_as(folder / "1.dcm")
    (tmp_path / "map.csv").write_text(f"subject,new_subject\n{header.PatientID},A-1\n")
    options = UploadOptions(deidentify="basic", key=key, label_map=table)
    plan = workspace.plan_upload([folder], "qc:BRAINS", to="archive", options=options)
    assert [(told.source, told.destination) for (told,) in plan.details.values()] == [
        (header.PatientID, "A-1")
    ]
    report = workspace.run(plan)
    assert report.failed == ()
    document = report.to_dict()
    assert document["deidentified"] == {"changed": 2, "passed": 0, "held": 1}
    assert "burned into its pixels" in document["held"][0]["reason"]
    with Journal() as journal:
        kept = json.dumps(plan_document(journal.plan(report.job))).encode()
    for content in (kept, json.dumps(document).encode(), *stored(workspace, "A-1")):
        assert found_in(wanted, content) == set()


def test_what_the_user_names_passes_cleaned_and_renamed(workspace, key, table):
    asked = {"deidentify": "basic", "key": key, "label_map": table, "pass_resource": ("NIFTI",)}
    filters = Filters(session=("SUB-001_MR1",), resource=("NIFTI",))
    report = workspace.run(
        workspace.plan_copy(WHO, "qc:BRAINS", options=CopyOptions(**asked), filters=filters)
    )
    document = report.to_dict()
    assert report.failed == ()
    assert document["deidentified"]["passed"] == report.verified.digest > 3
    for content in stored(workspace, "A-1"):
        assert found_in(identities(workspace), content) == set()


FAULTS = {
    "an answer is lost": ("target", r"PUT .*/files/files\.zip", WriteThenDrop()),
    "an item's answer is lost": ("target", r"PUT .*/experiments/", WriteThenDrop()),
    "a zip breaks off": ("source", r"GET .*format=zip", CutDownload(2000)),
    "a zip has wrong bytes": ("source", r"GET .*format=zip", WrongBytes()),
    "zips are refused": ("source", r"GET .*format=zip", ErrorPage(500)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_untruly_proved_when(servers, workspace, key, table, fault):
    side, match, action = FAULTS[fault]
    server = servers[0 if side == "source" else 1]
    options = CopyOptions(deidentify="basic", key=key, label_map=table)
    filters = Filters(session=("SUB-001_MR2",), scan=("1",))
    plan = workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters)
    server.faults.add(match, action, times=1)
    report = workspace.run(plan)
    server.faults.clear()
    headers = [
        pydicom.dcmread(io.BytesIO(one)) for one in stored(workspace, "A-1") if one[128:132] == b"DICM"
    ]
    assert report.failed == ()
    assert (len(headers), report.done_files, report.verified.digest) == (3, 3, 3)
    assert {header.PatientID for header in headers} == {"A-1"}


def test_a_job_that_is_retried_sends_what_is_missing(servers, workspace, key, table):
    options = CopyOptions(deidentify="basic", key=key, label_map=table)
    filters = Filters(session=("SUB-001_MR2",), scan=("1",))
    plan = workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters)
    servers[1].faults.add(r"PUT .*/files/files\.zip", ErrorPage(500))
    failed = workspace.run(plan)
    servers[1].faults.clear()
    assert (failed.done_files, len(failed.failed), failed.treated.changed) == (0, 3, 0)
    with Journal() as journal:
        assert journal.retry(failed.job)
    again = workspace.run(plan, job=failed.job)
    assert (again.failed, again.verified.digest, again.treated.changed) == ((), 3, 3)


@pytest.mark.parametrize("ending", [".md", ".html", ".json"])
def test_the_account_says_what_was_done_and_nothing_of_anybody(workspace, key, table, tmp_path, ending):
    options = CopyOptions(deidentify="basic+retain-modified-dates", key=key, label_map=table)
    filters = Filters(session=("SUB-001_MR2",), scan=("2",))
    report = workspace.run(workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters))
    file = tmp_path / f"account{ending}"
    account.write(report, options, file)
    content = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    for told in (b"113100", b"113107", b"/scans/2/resources/NIFTI", b"no DICOM"):
        assert told in content
    assert found_in(identities(workspace), content) == set()
    with pytest.raises(UsageError, match="de-identifies nothing"):
        account.write(replace(report, treated=None), options, file)


def test_what_the_source_says_of_a_failure_is_not_passed_on(servers, workspace, key, table):
    options = CopyOptions(deidentify="basic", key=key, label_map=table)
    filters = Filters(session=("SUB-001_MR2",), scan=("1",))
    plan = workspace.plan_copy(WHO, "qc:BRAINS", options=options, filters=filters)
    page = Answer(b"<html><h3>SUB-001_MR2 of MTRA 4 is not there</h3></html>", 404)
    for match in (r"GET .*/scans/1/.*/files", r"GET .*/experiments/"):
        servers[0].faults.add(match, page)
        report = workspace.run(plan)
        servers[0].faults.clear()
        assert report.failed
        assert found_in({text.encode() for text in OLD}, json.dumps(report.to_dict()).encode()) == set()
