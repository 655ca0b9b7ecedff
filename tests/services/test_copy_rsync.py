"""rsync between two archive folders: nothing is left out, nothing is lost, the catalogs follow."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from xnat_tui.demo import refreshing
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.item_json import archive_uri
from xnat_tui.demo.site import Site
from xnat_tui.errors import UsageError
from xnat_tui.model.options import CopyOptions, Mode, OnExisting
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import Evidence
from xnat_tui.services.transfers.copying.execution import rsync as copying_rsync

FILES = {
    "a.dcm": b"one",
    "sub/b.dcm": b"two",
    "notes.json": b"{}",
    "run.log": b"log",
    ".hidden": b"dot",
    "a b#c+d%20.dcm": b"odd",
    "empty": b"",
}
SCAN = "subjects/S1/experiments/E1/scans/1"


def _places(site):
    """Every resource of a site with the folder that the server names for it."""
    for session in site.experiments.values():
        for scan in session.scans.values():
            for resource in scan.resources:
                yield resource, Path(archive_uri(site, scan, resource)).parent
        for resource in session.resources:
            yield resource, Path(archive_uri(site, session, resource)).parent
    for subject in site.subjects.values():
        for resource in subject.resources:
            yield resource, Path(archive_uri(site, subject, resource)).parent
    for project in site.projects.values():
        for resource in project.resources:
            yield resource, Path(archive_uri(site, project, resource)).parent


def _write_out(site):
    for resource, folder in _places(site):
        for path, entry in resource.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"".join(entry.data.chunks()))
        (folder / f"{resource.label}_catalog.xml").write_text("the server's own")


@pytest.fixture(autouse=True)
def rsync(tmp_path_factory, monkeypatch):
    """The machine's own rsync, or, where it has none, one that does what these tests ask of it."""
    if shutil.which("rsync") is None:
        folder = tmp_path_factory.mktemp("bin")
        program = folder / "rsync"
        script = Path(__file__).with_name("local_rsync.py")
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def archives(tmp_path, monkeypatch, servers, make_site, put_file):
    """A pair of servers whose files also stand in folders; a refresh finds what was put there."""
    source, target = make_site(FILES), Site()
    session = next(iter(source.experiments.values()))
    for item, path in (
        (session, "notes.txt"),
        (session.subject, "consent.pdf"),
        (source.projects["P"], "protocol.json"),
    ):
        resource = source.new_resource("DOC")
        put_file(resource, path, path.encode())
        item.resources.append(resource)
    for site, name in ((source, "from"), (target, "to")):
        site.settings.archive_path = str(tmp_path / name / "archive")
        Path(site.settings.archive_path).mkdir(parents=True)
    _write_out(source)
    genuine = refreshing.refresh_resource

    def refresh_resource(site, resource, options):
        folder = next((folder for one, folder in _places(site) if one is resource), None)
        for file in sorted(folder.rglob("*")) if folder else ():
            path = file.relative_to(folder).as_posix()
            if file.is_file() and not path.endswith("_catalog.xml") and path not in resource.files:
                resource.stray.append(FileEntry(path, BytesContent(file.read_bytes())))
        genuine(site, resource, options)

    monkeypatch.setattr(refreshing, "refresh_resource", refresh_resource)
    return servers(source, target), tmp_path


def _options(folder, **options):
    return CopyOptions(
        mode=Mode.RSYNC,
        rsync_source=str(folder / "from/archive"),
        rsync_destination=str(folder / "to/archive"),
        **options,
    )


def _set(entry, data):
    entry.data = BytesContent(data)
    entry.digest, entry.size = entry.data.md5, entry.data.size


def _bytes(site):
    return {
        (resource.label, path): (entry.data.size, entry.data.md5)
        for resource, _ in _places(site)
        for path, entry in resource.files.items()
    }


def test_every_file_arrives_json_log_and_dot_files_included(archives):
    pair, folder = archives
    result = pair.copy("P", options=_options(folder))
    assert result.failures == []
    assert _bytes(pair.target.site) == _bytes(pair.source.site)
    assert result.evidence == Evidence(digest=len(FILES) + 3)
    sent = [entry for entry in pair.target.requests if "/files/" in entry.path and entry.method == "PUT"]
    assert sent == []
    options = [entry.query for entry in pair.target.requests if "refresh/catalog" in entry.path]
    assert options
    assert all("options=append" in query and "delete" not in query for query in options)
    catalog = folder / "to/archive/NEW/arc001/E1/SCANS/1/DICOM/DICOM_catalog.xml"
    assert not catalog.exists()
    assert pair.plan("P", options=_options(folder)).totals.upload == 0


def test_a_file_that_no_catalog_lists_arrives_too(archives):
    pair, folder = archives
    stray = folder / "from/archive/P/arc001/E1/SCANS/1/DICOM/stray.nii"
    stray.write_bytes(b"stray")
    assert pair.copy("P", options=_options(folder)).failures == []
    session = next(iter(pair.target.site.experiments.values()))
    assert session.scans["1"].resources[0].files["stray.nii"].data.md5


def test_what_differs_there_is_kept_or_replaced_as_the_options_say(archives):
    pair, folder = archives
    pair.copy("P", options=_options(folder))
    session = next(iter(pair.target.site.experiments.values()))
    resource = session.scans["1"].resources[0]
    there = folder / "to/archive/NEW/arc001/E1/SCANS/1/DICOM/a.dcm"
    there.write_bytes(b"ONE")
    _set(resource.files["a.dcm"], b"ONE")
    kept = pair.plan("P", options=_options(folder))
    assert [step.path for step in kept.steps if step.action is Action.CONFLICT] == [
        f"{SCAN}/resources/DICOM/files/a.dcm"
    ]
    pair.run(kept)
    assert there.read_bytes() == b"ONE"
    result = pair.run(pair.plan("P", options=_options(folder, on_existing=OnExisting.UPDATE)))
    assert (result.failures, result.evidence.digest) == ([], len(FILES))
    assert resource.files["a.dcm"].data.data == b"one"


def test_a_file_that_the_folder_lacks_fails_alone(archives):
    pair, folder = archives
    (folder / "from/archive/P/arc001/E1/SCANS/1/DICOM/a.dcm").unlink()
    result = pair.copy("P", options=_options(folder))
    assert [failure.path for failure in result.failures] == [f"{SCAN}/resources/DICOM/files/a.dcm"]
    assert result.evidence == Evidence(digest=len(FILES) + 2)


def test_one_file_alone(archives):
    pair, folder = archives
    from xnat_tui.model.entities import Kind
    from xnat_tui.services.reading.reader import Reader
    from xnat_tui.services.transfers.copying.planning.plan import NewProject, plan_copy

    reader = Reader(pair.connections["lab"])
    place = pair.place("P/S1/E1")
    for kind, key in ((Kind.SCAN, "1"), (Kind.RESOURCE, "DICOM"), (Kind.FILE, "sub/b.dcm")):
        place = place.child(next(item for item in reader.below(place, kind).items if item.key == key))
    target = NewProject("qc", "NEW")
    plan = plan_copy(reader, [place], Reader(pair.connections["qc"]), target, _options(folder))
    assert pair.run(plan).failures == []
    there = folder / "to/archive/NEW/arc001/E1/SCANS/1/DICOM"
    assert [path.relative_to(there).as_posix() for path in there.rglob("*.dcm")] == ["sub/b.dcm"]


def test_a_missing_or_failing_rsync_is_said(archives, monkeypatch):
    pair, folder = archives
    plan = pair.plan("P", options=_options(folder))
    with monkeypatch.context() as bare:
        bare.setattr(os, "environ", {**os.environ, "PATH": str(folder)})
        missing = pair.run(plan)
    assert {failure.error for failure in missing.failures} == {"rsync is not installed on this machine."}
    monkeypatch.setattr(copying_rsync, "command", lambda *given: ["rsync", "--no-such-option"])
    failing = pair.run(plan)
    assert all(failure.error.startswith("rsync failed (code 1): ") for failure in failing.failures)
    assert len(failing.failures) == 4


@pytest.mark.parametrize(
    "folders",
    [("", ""), ("a:/x", "b:/y"), ("/no/such/folder", "b:/y"), ("-e sh", "b:/y")],
)
def test_folders_that_cannot_work_are_refused_before(servers, make_site, folders):
    pair = servers(make_site(), Site())
    options = CopyOptions(mode=Mode.RSYNC, rsync_source=folders[0], rsync_destination=folders[1])
    with pytest.raises(UsageError):
        pair.plan("P", options=options)


def test_ssh_is_used_without_questions_and_names_with_spaces_are_kept():
    words = copying_rsync.command("lab:/data/a b/", "/to/", CopyOptions(bandwidth=4_096_000), False)
    assert "--rsh=ssh -o BatchMode=yes" in words
    assert "--bwlimit=1000" in words
    assert words[-3:] == ["--", "lab:/data/a b/", "/to/"]
    assert not [word for word in words if word.startswith("--delete")]
