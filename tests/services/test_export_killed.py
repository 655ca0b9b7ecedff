"""An export whose process is killed at any moment: what is there is whole, and only the rest is fetched."""

import json
import signal
import subprocess
import sys

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.jobs.control import Control
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportMode, ExportOptions
from xnat_tui.model.plan_documents import plan_document
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.manifest import Manifest, md5_of
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor

FILES = {f"{number:02d}.dcm": bytes([number]) * 3000 for number in range(12)}

CHILD = """
import json, os, signal, sys
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.jobs.control import Control
from xnat_tui.model.plan_documents import plan_of
from xnat_tui.services.transfers.exporting import files as exporting_files
from xnat_tui.services.transfers.exporting import landing as exporting_zip
from xnat_tui.services.transfers.exporting.steps import export_executor
from xnat_tui.services.transfers.exporting.manifest import Manifest
from xnat_tui.xnat.http.connection import Connection

url, after, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
exporting_zip.BATCH = exporting_zip.MOST = 3
exporting_zip.TOGETHER = 1
count = 0

def die_at(owner, name):
    do = getattr(owner, name)
    def counted(*arguments, **options):
        global count
        count += 1
        if count > after:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*arguments, **options)
    setattr(owner, name, counted)

die_at({"on_file": Control, "rename": exporting_files.os, "add": Manifest}[where], where)
plan = plan_of(json.loads(sys.stdin.read()))
connection = Connection.open(Server("lab", url, "admin"), Credential("admin", Secret("admin"), "test", False))
with export_executor(plan, lambda _: connection) as execute:
    for step in plan.steps:
        execute(step, Control())
"""


@pytest.mark.parametrize("mode", [ExportMode.FILE, ExportMode.ZIP])
@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize("where", ["on_file", "rename", "add"])
def test_a_killed_export_resumes_where_it_was(servers, make_site, tmp_path, mode, after, where):
    pair = servers(make_site(dict(FILES)), Site())
    reader = Reader(pair.connections["lab"])
    places = list(find(reader, Location.parse("lab:P")))
    plan = plan_export(reader, places, tmp_path / "out", ExportOptions(mode=mode, metadata=False))
    after = min(after, 3) if where == "add" and mode is ExportMode.ZIP else after
    arguments = [sys.executable, "-c", CHILD, pair.source.url, str(after), where]
    child = subprocess.run(
        arguments, input=json.dumps(plan_document(plan)), text=True, timeout=60, check=False
    )
    assert child.returncode == -signal.SIGKILL

    folder = tmp_path / "out/P/S1/E1/scans/1-T1/resources/DICOM/files"
    before = {path.name: path.read_bytes() for path in folder.glob("*.dcm")}
    assert before == {name: FILES[name] for name in before}
    known = {entry.path for entry in Manifest(tmp_path / "out")}
    assert len(known) <= len(before)
    assert len(known) < len(FILES)
    assert len(list((tmp_path / "out").glob(".xnat-tui-incoming-*"))) == 1

    with export_executor(plan, pair.connections.__getitem__) as execute:
        outcomes = [execute(step, Control()) for step in plan.steps]
    assert [outcome.failures for outcome in outcomes] == [()]
    assert (outcomes[0].files, outcomes[0].skipped) == (len(FILES) - len(before), len(before))
    assert {path.name: path.read_bytes() for path in folder.glob("*.dcm")} == FILES
    entries = list(Manifest(tmp_path / "out"))
    assert len(entries) == len(FILES)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"P", "manifest.jsonl"}
    assert all(md5_of(tmp_path / "out" / entry.path) == entry.md5 for entry in entries)


@pytest.mark.parametrize(("where", "after"), [("rename", 0), ("rename", 7), ("on_file", 4), ("add", 2)])
def test_killed_in_the_middle_of_a_sessions_stream_it_reads_one_stream_again_at_most(
    servers, put_file, tmp_path, where, after
):
    site = Site()
    subject = site.add_subject(site.add_project("P"), "S1")
    for label in ("E1", "E2"):
        session = site.add_experiment(subject, label)
        for number in "123":
            resource = site.new_resource("DICOM")
            for name, data in list(FILES.items())[:4]:
                put_file(resource, name, data + f"{label} {number}".encode())
            site.add_scan(session, number).resources.append(resource)
    pair = servers(site, Site())
    reader = Reader(pair.connections["lab"])
    out = tmp_path / "out"
    plan = plan_export(
        reader, list(find(reader, Location.parse("lab:P"))), out, ExportOptions(metadata=False)
    )
    arguments = [sys.executable, "-c", CHILD, pair.source.url, str(after), where]
    child = subprocess.run(
        arguments, input=json.dumps(plan_document(plan)), text=True, timeout=60, check=False
    )
    assert child.returncode == -signal.SIGKILL

    before = list(out.rglob("*.dcm"))
    pair.source.requests.clear()
    with export_executor(plan, pair.connections.__getitem__) as execute:
        outcomes = [execute(step, Control()) for step in plan.steps]
    assert [outcome.failures for outcome in outcomes] == [()] * 6
    assert [outcome.files + outcome.skipped for outcome in outcomes] == [4] * 6
    assert sum(outcome.skipped for outcome in outcomes) == len(before)
    streams = [one.path for one in pair.source.requests if "format=zip" in one.query]
    assert len(streams) == len(set(streams))
    assert len(streams) <= 2
    entries = list(Manifest(out))
    assert len({entry.item for entry in entries}) == len(entries) == 24
    assert all(md5_of(out / entry.path) == entry.md5 == entry.source_digest for entry in entries)
    assert {path.name for path in out.iterdir()} == {"P", "manifest.jsonl"}
