"""Names in an exported folder: inside it, never twice, unchanged wherever they can be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.options import Layout
from xnat_tui.model.place import Place
from xnat_tui.model.work import Binding
from xnat_tui.services.transfers.exporting.layouts import Arrangement, Slot, folds_case, safe_name

HOSTILE = (
    ".xnat-tui-incoming-abc",
    "..",
    ".",
    "",
    "/etc/x",
    "..\\x",
    "a\0b",
    "a\x1b[31m",
    "C:\\x",
    "nul",
    "COM1.txt",
    "x.",
    "x ",
    "n" * 300,
)
KEPT = (
    "IM0001.dcm",
    "a b#c+d%20.dcm",
    'O\'Brien & "Söhne".txt',
    ".hidden",
    "1.2.840.113619",
    "n" * 255,
    "ab:c",
)


def place(*items: Item) -> Place:
    return Place("lab", items)


def project(label: str = "P") -> Item:
    return Item(Kind.PROJECT, label, label, uri=f"/data/projects/{label}")


def subject(label: str = "S1") -> Item:
    return Item(Kind.SUBJECT, label, f"X_{label}", uri=f"/data/subjects/X_{label}")


def session(label: str = "E1") -> Item:
    return Item(Kind.EXPERIMENT, label, f"X_{label}", "xnat:mrSessionData", f"/data/experiments/X_{label}")


def scan(number: str, type_: str = "", description: str = "", xsi: str = "xnat:mrScanData") -> Item:
    fields = Fields.of({"type": type_, "series_description": description})
    return Item(Kind.SCAN, number, number, xsi, f"/data/experiments/X_E1/scans/{number}", fields)


def resource(label: str, number: str = "7", side: str = "", format_: str = "") -> Item:
    return Item(Kind.RESOURCE, label, number, format_, f"/r/{number}", side=side)


def in_scan(one: Item, label: str = "NIFTI", number: str = "7") -> Place:
    return place(project(), subject(), session(), one, resource(label, number))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_one_harmless_segment(name):
    found = safe_name(name)
    assert found != name
    assert found == found.rstrip(". ")
    assert found
    assert not set(found) & set("/\\\0\x1b")
    assert len(found.encode()) <= 255


@pytest.mark.parametrize("name", KEPT)
def test_a_name_that_can_be_one_is_kept(name):
    assert safe_name(name) == name


@given(st.text(max_size=400))
def test_every_text_becomes_a_name_that_stays(text):
    found = safe_name(text)
    assert found not in ("", ".", "..")
    assert "/" not in found
    assert "\0" not in found
    assert len(found.encode("utf-8", "surrogateescape")) <= 255
    assert safe_name(found) == found


@given(st.lists(st.text(alphabet="aA/._~2", min_size=1, max_size=8), max_size=12), st.booleans())
def test_files_never_share_a_place_nor_stand_where_a_folder_must(paths, folds):
    names = Slot("R/files").names(paths, folds=folds)
    assert set(names) == set(paths)
    seen = [name.casefold() if folds else name for name in names.values()]
    assert len(set(seen)) == len(seen)
    above = {name[:index] for name in seen for index, char in enumerate(name) if char == "/"}
    assert not above & set(seen)
    assert all(name.startswith("R/files/") and ".." not in name.split("/") for name in names.values())


def test_names_that_differ_in_case_share_a_folder_only_where_it_can_tell_them_apart():
    paths = ["IMG.TXT", "img.txt"]
    assert Slot("R").names(paths, folds=False) == {"IMG.TXT": "R/IMG.TXT", "img.txt": "R/img.txt"}
    assert Slot("R").names(paths, folds=True) == {"IMG.TXT": "R/IMG.TXT", "img.txt": "R/img~2.txt"}


def test_flattened_names_do_not_meet():
    names = Slot("E1", "1__DICOM__").names(["sub/x.dcm", "sub__x.dcm"], folds=False)
    assert sorted(names.values()) == ["E1/1__DICOM__sub__x.dcm", "E1/1__DICOM__sub__x~2.dcm"]


def test_the_layout_of_the_archive_is_that_of_the_servers_zips():
    one = Arrangement(Layout.XNAT, folds=False)
    slots = [
        one.slot(in_scan(scan("3", "T2 w/flair"), "DICOM")).folder,
        one.slot(place(project(), resource("docs", "1"))).folder,
        one.slot(place(project(), subject(), resource("forms", "2"))).folder,
        one.slot(place(project(), subject(), session(), resource("", "3"))).folder,
    ]
    assessor = Item(Kind.ASSESSOR, "QC", "X_A1", uri="/data/experiments/X_E1/assessors/X_A1")
    slots.append(one.slot(place(project(), subject(), session(), assessor, resource("R", "4", "out"))).folder)
    assert slots == [
        "P/S1/E1/scans/3-T2_w_flair/resources/DICOM/files",
        "P/resources/docs/files",
        "P/S1/resources/forms/files",
        "P/S1/E1/resources/3/files",
        "P/S1/E1/assessors/QC/out/resources/R/files",
    ]
    assert one.document(place(project(), subject(), session())) == "P/S1/E1/experiment.xml"


@pytest.mark.parametrize("layout", list(Layout))
def test_no_two_resources_share_a_place(layout):
    one = Arrangement(layout, folds=True)
    owners = [
        (project(), subject("resources"), session("E.1")),
        (project(), subject("s1"), session("e1")),
        (project(), subject("S1"), session("E1")),
        (project(), subject("../x"), session("/etc")),
    ]
    places = [place(*owner, resource(label, number)) for owner in owners for label, number in (
        ("MISC", "1"), ("MISC", "2"), ("misc", "3"), ("", "4"), ("..", "5"), ("A__B", "6"), ("A", "7"),
    )]  # fmt: skip
    slots = [one.slot(one_place) for one_place in places]
    names = [name.casefold() for slot in slots for name in slot.names(["B__x", "x"], folds=True).values()]
    assert len(set(names)) == len(names) == 2 * len(places)
    assert not any(part in ("", ".", "..") for name in names for part in name.split("/"))


def test_what_had_to_get_another_name_is_known():
    one = Arrangement(Layout.XNAT, folds=False)
    slot = one.slot(place(project(), subject(".."), session("E1"), resource("DICOM")))
    assert slot.folder == "P/__/E1/resources/DICOM/files"
    assert one.changed == {"P/__": ".."}


def test_bids_names_go_where_they_are_told_and_the_rest_to_sourcedata():
    images = {"d.nii.gz": "sub-S1/ses-E1/dwi/sub-S1_ses-E1_dwi.nii.gz"}
    slot = Arrangement(Layout.BIDS, folds=False).slot(in_scan(scan("4", "DWI_64")), images)
    names = slot.names(["d.nii.gz", "other.json"], folds=False)
    assert names == images | {
        "other.json": "sourcedata/sub-S1/ses-E1/scans/4-DWI_64/resources/NIFTI/other.json"
    }


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("labels", [("S_1", "S1"), ("S1", "s1"), ("a/b", "a_b"), ("..", "__")])
def test_a_name_stays_with_its_item_through_later_exports(layout, labels):
    def slot(label, bound):
        made = Arrangement(layout, folds=True, server="u", bound=bound)
        person = replace(subject(label), uri=f"/data/subjects/{label.encode().hex()}")
        visit = replace(session("E1"), uri=f"/data/experiments/{label.encode().hex()}")
        found = made.slot(place(project(), person, visit, resource("R")))
        return found, [*bound, *made.bindings()]

    first, bound = slot(labels[0], [])
    second, bound = slot(labels[1], bound)
    assert first.key.casefold() != second.key.casefold()
    assert slot(labels[0], bound)[0] == first
    assert slot(labels[1], bound)[0] == second
    assert slot(labels[1], [one for one in bound if one not in slot(labels[1], [])[1]])[0] != first


@pytest.mark.parametrize("layout", list(Layout))
def test_resources_of_one_name_keep_theirs_through_later_exports(layout):
    bound: list[Binding] = []
    found: dict[str, str] = {}
    for label, number in (("MISC", "1"), ("misc", "2"), ("misc", "2"), ("MISC", "1")):
        made = Arrangement(layout, folds=True, server="u", bound=bound)
        key = made.slot(place(project(), subject(), session(), resource(label, number))).key
        bound += made.bindings()
        assert found.setdefault(label, key) == key
    assert len({key.casefold() for key in found.values()}) == 2


def test_a_file_stays_where_it_was_put_when_another_of_its_name_comes():
    slot = Slot("R")
    first = slot.names(["img.txt"], folds=True)
    both = slot.names(["IMG.TXT", "img.txt"], folds=True, kept=first)
    assert both == {"img.txt": "R/img.txt", "IMG.TXT": "R/IMG~2.TXT"}
    assert slot.names(["img.txt"], folds=True, kept={"img.txt": "S/other.txt"}) == first


def test_bids_labels_that_become_one_are_told_apart_and_reported():
    one = Arrangement(Layout.BIDS, folds=False)
    documents = [one.document(place(project(), subject(label))) for label in ("S-01", "S01", "s_01")]
    assert documents == [f"sourcedata/sub-{name}/subject.xml" for name in ("S01", "S01dup2", "s01dup3")]
    assert one.changed == {"sub-S01dup2": "S01", "sub-s01dup3": "s_01"}


def test_looking_whether_case_matters_leaves_no_trace(tmp_path):
    (tmp_path / "Folder").mkdir()
    assert folds_case(tmp_path / "Folder" / "not" / "there") is (tmp_path / "fOLDER").exists()
    assert [one.name for one in tmp_path.rglob("*")] == ["Folder"]
