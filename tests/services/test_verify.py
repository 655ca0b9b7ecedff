"""Exports proved: offline by their manifest, against what a server lists, and against each other."""

import os
import socket

import pytest

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.errors import UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions, Layout
from xnat_tui.services.browsing.find import find
from xnat_tui.services.comparing.verification import verify_against, verify_folders, verify_manifest
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.manifest import NAME
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor

FOLDER = "P/S1/E1/scans/1-T1/resources/DICOM/files"
ROOT = "subjects/S1/experiments/E1/scans/1/resources/DICOM/files"


class Verifying:
    """Two servers, exports from the first, and what verifying them says."""

    def __init__(self, pair, folder):
        self.pair, self.folder = pair, folder

    def places(self, location):
        reader = Reader(self.pair.connections[location.partition(":")[0]])
        return reader, list(find(reader, Location.parse(location)))

    def export(self, *locations, folder=None, **options):
        for location in locations:
            reader, places = self.places(location)
            plan = plan_export(reader, places, folder or self.folder, ExportOptions(**options))
            with export_executor(plan, self.pair.connections.__getitem__) as execute:
                for step in plan.steps:
                    execute(step, Control())

    def against(self, location, **options):
        reader, places = self.places(location)
        return verify_against(reader, places, self.folder, **options)


@pytest.fixture
def verifying(servers, make_site, tmp_path):
    def start(source=None, target=None):
        return Verifying(servers(source or make_site(), target or Site()), tmp_path / "out")

    return start


def counts(found):
    return {name: count for name, count in found.summary.items() if count}


def said(found):
    return {(item["path"], item["status"]) for item in found.document()["items"]}


@pytest.mark.parametrize("layout", list(Layout))
def test_a_finished_export_is_proved_offline_and_against_the_server(verifying, layout):
    one = verifying(source_site())
    one.export("lab:BRAINS", layout=layout)
    tables = [*one.folder.rglob("*_scans.tsv")]
    metadata = 30 + (3 + len(tables) if layout is Layout.BIDS else 0)
    assert counts(one.against("lab:BRAINS")) == {"same": 506 + metadata}
    one.pair.source.stop()
    assert counts(verify_manifest(one.folder)) == {"same": 506 + metadata}


def test_offline_means_that_nothing_is_asked(verifying, monkeypatch):
    one = verifying()
    one.export("lab:P")

    def refuse(*_arguments):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert counts(verify_manifest(one.folder)) == {"same": 6}


@pytest.mark.parametrize("against", ["manifest", "server"])
def test_every_kind_of_damage_is_found(verifying, against, make_site):
    one = verifying(make_site({name: name.encode() for name in ("a.dcm", "b.dcm", "c.dcm", "d.dcm")}))
    one.export("lab:P")
    base = one.folder / FOLDER
    stamp = (base / "a.dcm").stat()
    (base / "a.dcm").write_bytes(b"A.dcm")
    os.utime(base / "a.dcm", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (base / "b.dcm").write_bytes(b"cut")
    (base / "c.dcm").unlink()
    (base / "more.dcm").write_bytes(b"more")
    (one.folder / "P/project.xml").write_text("<changed/>")
    if against == "manifest":
        found, root = verify_manifest(one.folder), f"projects/P/{ROOT}"
    else:
        found, root = one.against("lab:P"), ROOT
    assert said(found) == {
        (f"{root}/a.dcm", "differs"),
        (f"{root}/b.dcm", "differs"),
        (f"{root}/c.dcm", "only_source"),
        (f"{FOLDER}/more.dcm", "only_destination"),
        ("P/project.xml", "differs"),
    }
    items = {item["path"]: item for item in found.document()["items"]}
    assert [field["name"] for field in items[f"{root}/a.dcm"]["fields"]] == ["digest"]
    assert [field["name"] for field in items[f"{root}/b.dcm"]["fields"]] == ["size", "digest"]
    assert items[f"{root}/a.dcm"]["note"] == "changed since it was exported"


def test_what_the_server_got_since_is_only_there(verifying, make_site, put_file):
    site = make_site()
    one = verifying(site)
    one.export("lab:P")
    session = next(iter(next(iter(site.projects["P"].subjects.values())).experiments.values()))
    put_file(session.scans["1"].resources[0], "new.dcm", b"new")
    found = one.against("lab:P")
    assert said(found) == {(f"{ROOT}/new.dcm", "only_source")}
    assert said(one.against("lab:P", folder_is_source=True)) == {(f"{ROOT}/new.dcm", "only_destination")}


def test_without_a_digest_it_is_unverified_and_never_same(verifying, make_site):
    one = verifying(make_site(digests=False))
    one.export("lab:P", metadata=False)
    found = one.against("lab:P")
    assert counts(found) == {"unverified": 2}
    assert [item["unverified"] for item in found.document(everything=True)["items"]] == [True, True]
    assert found.document()["items"] == []


def test_a_listing_that_failed_is_unreadable_and_says_nothing_of_the_folder(verifying):
    one = verifying()
    one.export("lab:P", metadata=False)
    one.pair.source.faults.add(r"GET .*/files\?", ErrorPage(500))
    found = one.against("lab:P")
    assert counts(found) == {"unreadable": 3}
    reasons = {item["kind"]: item["reason"] for item in found.document()["items"]}
    assert "the server failed" in reasons["resource"]
    assert reasons["file"] == "The other side's list could not be read."


def test_a_link_in_a_files_place_is_unreadable(verifying, tmp_path):
    one = verifying()
    one.export("lab:P", metadata=False)
    place = one.folder / FOLDER / "a.dcm"
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    found = verify_manifest(one.folder)
    assert counts(found) == {"same": 1, "unreadable": 1}
    assert "symbolic link" in found.document()["items"][0]["reason"]


def test_the_document_is_that_of_a_comparison(verifying):
    one = verifying()
    one.export("lab:P", metadata=False)
    found = one.against("lab:P/S1/E1").document(everything=True, seconds=1.23456)
    assert list(found) == [
        *("source", "destination", "depth", "summary", "items", "requests", "seconds", "seen_by")
    ]
    assert (found["source"], found["destination"]) == ("lab:P/S1/E1", str(one.folder))
    assert (found["depth"], found["seconds"]) == ("digests", 1.235)
    assert found["requests"]["source"] >= 2
    assert found["requests"]["destination"] == 0
    assert [item["path"] for item in found["items"]] == [
        "scans/1/resources/DICOM/files/a.dcm",
        "scans/1/resources/DICOM/files/sub/b.dcm",
    ]


def test_filters_and_narrower_places_leave_the_rest_of_the_folder_alone(verifying):
    one = verifying(source_site())
    one.export("lab:BRAINS", metadata=False)
    (one.folder / "BRAINS/SUB-001").rename(one.folder.parent / "gone")
    held = [path for path in (one.folder / "BRAINS/SUB-002").rglob("*") if path.is_file()]
    assert counts(one.against("lab:BRAINS/SUB-002")) == {"same": len(held)}
    kept = one.against("lab:BRAINS", filters=Filters(subject=("SUB-01*",), scan=("2",), resource=("DICOM",)))
    assert list(counts(kept)) == ["same"]
    assert 0 < counts(kept)["same"] < 60
    assert counts(one.against("lab:BRAINS"))["only_source"] > 50


def test_shared_items_that_were_left_out_of_the_export_are_not_missed(verifying):
    one = verifying(source_site())
    one.export("lab:TEACHING", metadata=False)
    assert list(counts(one.against("lab:TEACHING"))) == ["same"]


def test_an_export_is_compared_with_a_copy_elsewhere_by_labels(verifying):
    one = verifying(source_site(), destination_site())
    one.export("lab:BRAINS/SUB-001", metadata=False)
    assert list(counts(one.against("qc:BRAINS/SUB-001"))) == ["same"]
    one.export("lab:BRAINS/SUB-009", metadata=False)
    found = one.against("qc:BRAINS/SUB-009")
    assert found.summary["differs"] == 2
    assert found.summary["unverified"] > 0


def test_two_folders_are_matched_by_what_their_files_are(verifying, tmp_path):
    one = verifying()
    one.export("lab:P")
    one.export("lab:P", folder=tmp_path / "flat", layout=Layout.FLAT)
    assert counts(verify_folders(one.folder, tmp_path / "flat")) == {"same": 2}
    (tmp_path / "flat/E1/1-T1__DICOM__a.dcm").write_bytes(b"two")
    found = verify_folders(one.folder, tmp_path / "flat")
    assert said(found) == {(f"projects/P/{ROOT}/a.dcm", "differs")}


def test_two_folders_without_manifests_are_matched_by_place(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub/x").write_bytes(b"x")
    (tmp_path / "b/y").write_bytes(b"y")
    found = verify_folders(tmp_path / "a", tmp_path / "b")
    assert said(found) == {("y", "only_destination")}
    assert counts(found) == {"same": 1, "only_destination": 1}


def test_two_resources_of_one_label_are_told_apart_by_their_bytes(verifying):
    one = verifying(source_site())
    one.export("lab:LEGACY/-a--b_C-/-a--b_C-_MR/resources/MISC", metadata=False)
    found = one.against("lab:LEGACY/-a--b_C-/-a--b_C-_MR")
    items = found.document(everything=True)["items"]
    both = [item["status"] for item in items if item["path"].endswith("/both.txt")]
    assert both == ["same", "same"]


def test_what_is_no_export_is_refused(tmp_path):
    with pytest.raises(UsageError, match=NAME):
        verify_manifest(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        verify_manifest(tmp_path / "not there")


def test_a_link_in_a_folders_place_proves_nothing_of_what_stands_behind_it(verifying, tmp_path):
    one = verifying()
    one.export("lab:P", metadata=False)
    place = one.folder / FOLDER
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for found in (verify_manifest(one.folder), one.against("lab:P")):
        assert counts(found) == {"unreadable": 3}  # both files, and the link itself


def test_a_pipe_keeps_nobody_waiting(verifying):
    one = verifying()
    one.export("lab:P", metadata=False)
    os.mkfifo(one.folder / "pipe")
    (one.folder / FOLDER / "a.dcm").unlink()
    os.mkfifo(one.folder / FOLDER / "a.dcm")
    found = verify_manifest(one.folder)
    assert counts(found) == {"same": 1, "unreadable": 2}
    assert {item["reason"].partition(": ")[2] for item in found.document()["items"]} == {"no ordinary file."}


@pytest.mark.parametrize("cut", ["middle", "in a line", "first line"])
def test_a_manifest_that_was_cut_makes_no_folder_whole(verifying, cut):
    one = verifying()
    one.export("lab:P", metadata=False)
    manifest = one.folder / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    kept = {"middle": lines[:-1], "in a line": [*lines[:-1], lines[-1][:40]], "first line": lines[1:]}[cut]
    manifest.write_text("".join(kept))
    if cut == "first line":
        with pytest.raises(UsageError, match="first line"):
            verify_manifest(one.folder)
        return
    assert counts(verify_manifest(one.folder)) == {"same": 1, "only_destination": 1}
    assert counts(one.against("lab:P")) == {"same": 1, "only_source": 1, "only_destination": 1}


def test_a_renamed_file_is_missing_and_a_stranger_whatever_the_case(verifying):
    one = verifying()
    one.export("lab:P", metadata=False)
    (one.folder / FOLDER / "a.dcm").rename(one.folder / FOLDER / "A.DCM")
    for found in (verify_manifest(one.folder), one.against("lab:P")):
        assert counts(found) == {"same": 1, "only_source": 1, "only_destination": 1}
