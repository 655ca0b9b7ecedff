from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.judging import NEUTRAL_FIELDS, Rules, neutral_fields, same_text
from xnat_tui.model.pairing import Depth, Status


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("61.25", "61.250"),
        ("1", "1.0"),
        ("-.5", "-0.50"),
        ("0", "0.0e5"),
        pytest.param("9" * 5000, "+" + "9" * 5000, id="thousands of digits"),
        ("2024-03-26", "03/26/2024"),
        ("2024-03-26 10:00:00.0", "2024-03-26T10:00:00"),
        ("10:35:00", "10:35:00.000"),
    ],
)
def test_spellings_of_one_value_are_the_same(one: str, other: str) -> None:
    assert same_text(one, other)
    assert same_text(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("007", "7"),
        ("0010", "10"),
        ("", "0"),
        ("1", "1.1"),
        ("a", "A"),
        (" text ", "text"),
        ("text", "text\n"),
        ("\n1", "1"),
        ("", "  "),
        ("a b", "a  b"),
        ("a &amp; b", "a & b"),
        ("2024-03-26", "2024-03-28"),
        ("10:35:00", "10:35:00.5"),
        ("9007199254740993", "9007199254740992"),
        ("12e4567", "34e5678"),
        ("12e-4567", "34e-5678"),
        pytest.param("9" * 5000, "8" * 5000, id="thousands of digits"),
    ],
)
def test_other_values_are_not(one: str, other: str) -> None:
    assert not same_text(one, other)
    assert not same_text(other, one)


@given(st.text())
def test_every_text_is_the_same_as_itself(text: str) -> None:
    assert same_text(text, text)


def item(kind: Kind = Kind.EXPERIMENT, type_: str = "xnat:mrSessionData", **fields: str) -> Item:
    return item_of(fields, kind, type_)


def item_of(fields: dict[str, str], kind: Kind = Kind.EXPERIMENT, type_: str = "xnat:mrSessionData") -> Item:
    return Item(kind, "x", "x", type=type_, fields=Fields.of(fields))


def names(rules: Rules, one: Item, other: Item) -> list[str]:
    return [found.name for found in rules(one, other).fields]


@pytest.mark.parametrize(
    "name",
    ["ID", "project", "insert_date", "last_modified", "prearchivePath", "xnat_x_id", "URI", "file_count"],
)
def test_what_belongs_to_a_server_never_counts(name: str) -> None:
    assert names(Rules(), item_of({name: "a"}), item_of({name: "b"})) == []


def test_a_projects_own_names_are_neutral_and_a_scans_name_is_not() -> None:
    project = [item(Kind.PROJECT, "", name=text, secondary_ID=text) for text in "ab"]
    assert names(Rules(), *project) == []
    assert names(Rules(), *(item(Kind.SCAN, "", name=text) for text in "ab")) == ["name"]


def test_the_list_of_neutral_fields_can_grow_shrink_and_name_a_type() -> None:
    rules = Rules(neutral=neutral_fields(["xnat:mrSessionData/note", "q*", "!insert_date"]))
    one = item(note="1", quality="1", insert_date="1", date="1")
    assert names(rules, one, item(note="2", quality="2", insert_date="2", date="2")) == [
        "insert_date",
        "date",
    ]
    pet = [item(type_="xnat:petSessionData", note=text) for text in "ab"]
    assert names(rules, *pet) == ["note"]
    assert neutral_fields([]) == NEUTRAL_FIELDS


def test_a_field_that_one_side_never_told_is_no_difference() -> None:
    assert names(Rules(), item(note="x"), item(date="")) == []
    whole = Item(Kind.EXPERIMENT, "x", "x", fields=Fields((), (), exhaustive=("",)))
    assert names(Rules(), item(note="x", date=""), whole) == ["note"]
    listed = Fields((), (), exhaustive=("fields/",))
    assert names(Rules(), item_of({"fields/a": "1"}), Item(Kind.EXPERIMENT, "x", fields=listed)) == [
        "fields/a"
    ]


def test_references_count_by_what_they_point_to() -> None:
    rules = Rules(
        source_names={"E1": "experiment A"}, destination_names={"F1": "experiment A", "F2": "experiment B"}
    )
    assert names(rules, item(imageSession_ID="E1"), item(imageSession_ID="F1")) == []
    assert names(rules, item(imageSession_ID="E1"), item(imageSession_ID="F2")) == ["imageSession_ID"]
    assert names(rules, item(imageSession_ID="E1"), item(imageSession_ID="unread")) == []
    assert names(rules, item(imageSession_ID="E1"), item(imageSession_ID="")) == ["imageSession_ID"]
    assert names(rules, item(reference="E1"), item(reference="F1")) == []


def test_types_count_where_both_are_known() -> None:
    pet, mr, unknown = (item(Kind.SCAN, one) for one in ("xnat:petScanData", "xnat:mrScanData", ""))
    assert names(Rules(), pet, mr) == ["xsiType"]
    assert Rules()(pet, unknown).status is Status.SAME


def file(size: int | None, digest: str | None) -> Item:
    return Item(Kind.FILE, "a", bytes=size, digest=digest)


@pytest.mark.parametrize(
    ("depth", "one", "other", "status", "unverified"),
    [
        ("labels", file(1, "a"), file(2, "b"), Status.SAME, False),
        ("sizes", file(1, "a"), file(1, "b"), Status.SAME, False),
        ("sizes", file(1, "a"), file(2, "a"), Status.DIFFERS, False),
        ("sizes", file(None, None), file(2, None), Status.SAME, True),
        ("digests", file(1, "a"), file(1, "a"), Status.SAME, False),
        ("digests", file(1, "a"), file(1, "b"), Status.DIFFERS, False),
        ("digests", file(1, "a"), file(1, None), Status.SAME, True),
        ("digests", file(1, None), file(2, None), Status.DIFFERS, False),
        ("digests", file(None, "a"), file(2, "a"), Status.SAME, False),
    ],
)
def test_files_by_depth(depth: str, one: Item, other: Item, status: Status, unverified: bool) -> None:
    verdict = Rules(Depth(depth))(one, other)
    assert (verdict.status, verdict.unverified) == (status, unverified)
    assert Rules(Depth(depth))(other, one).status is status


def test_a_resource_that_nobody_counted_is_neither_the_same_nor_other() -> None:
    one, other = Item(Kind.RESOURCE, "R", files=3, bytes=9), Item(Kind.RESOURCE, "R")
    assert Rules()(one, other).status is Status.UNREAD
    assert Rules()(one, one).status is Status.SAME


@pytest.mark.parametrize(
    ("owner", "content", "same"), [("scans/1/", "RAW", True), ("scans/1/", "MASK", False), ("", "RAW", False)]
)
def test_the_content_that_xnat_gives_a_scans_resource_by_itself_is_no_difference(
    owner: str, content: str, same: bool
) -> None:
    uri = f"/data/experiments/E/{owner}resources/1"
    one, other = (
        Item(Kind.RESOURCE, "R", uri=uri, fields=Fields.of({"content": text})) for text in ("", content)
    )
    for pair in ((one, other), (other, one)):
        assert (Rules()(*pair).fields == ()) is same
