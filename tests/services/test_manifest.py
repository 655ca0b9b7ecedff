"""The manifest of an export: nothing that arrived is forgotten, nothing half-written is believed."""

import json
from dataclasses import replace

import pytest

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.model.options import Layout
from xnat_tui.services.transfers.exporting.manifest import NAME, Entry, Manifest, md5_of

ENTRY = Entry("P/a.dcm", 3, "900150983cd24fb0d6963f7d28e17f72", "lab:P/S/E/resources/R/files/a.dcm")


def written(folder, *entries):
    manifest = Manifest(folder)
    manifest.begin(Layout.XNAT)
    manifest.add(entries)
    return folder / NAME


def test_it_is_read_back_as_it_was_written_and_a_later_line_replaces_an_earlier(tmp_path):
    other = replace(ENTRY, path='P/b "ü\n.dcm', original="P/b", mtime=5, kind="metadata")
    written(tmp_path, ENTRY, other)
    Manifest(tmp_path).add([replace(ENTRY, size=4)])
    again = Manifest(tmp_path)
    assert again.layout == "xnat"
    assert {entry.path: entry for entry in again} == {
        ENTRY.path: replace(ENTRY, size=4),
        other.path: other,
    }


def test_only_its_owner_can_read_it(tmp_path):
    assert written(tmp_path / "new", ENTRY).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_line_that_a_killed_process_left_unfinished_is_not_believed_and_spoils_nothing(tmp_path):
    path = written(tmp_path, ENTRY, replace(ENTRY, path="P/cut.dcm"))
    path.write_bytes(path.read_bytes()[:-30])
    manifest = Manifest(tmp_path)
    assert [entry.path for entry in manifest] == ["P/a.dcm"]
    manifest.add([replace(ENTRY, path="P/next.dcm")])
    assert [entry.path for entry in Manifest(tmp_path)] == ["P/a.dcm", "P/next.dcm"]


def test_a_folder_without_one_is_no_export(tmp_path):
    manifest = Manifest(tmp_path)
    assert not manifest.exists
    assert list(manifest) == []
    assert list(tmp_path.iterdir()) == []


def test_a_line_of_another_shape_is_an_error(tmp_path):
    path = written(tmp_path, ENTRY)
    with path.open("a") as opened:
        opened.write(json.dumps({"path": "P/x", "size": "3", "md5": "", "location": ""}) + "\n")
    with pytest.raises(BadAnswer, match="describes no file"):
        Manifest(tmp_path)


def test_another_version_is_refused(tmp_path):
    (tmp_path / NAME).write_text('{"manifest": 99, "layout": "xnat"}\n')
    with pytest.raises(XnatTuiError, match="another version"):
        Manifest(tmp_path)


def test_a_link_in_its_place_is_not_written_through(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_text("")
    (tmp_path / "out" / NAME).symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match=NAME):
        Manifest(tmp_path / "out").begin(Layout.FLAT)
    assert (tmp_path / "mine").read_text() == ""


def test_hashing_follows_no_link(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert md5_of(tmp_path / "a") == ENTRY.md5
    with pytest.raises(OSError, match="link"):
        md5_of(tmp_path / "link")
