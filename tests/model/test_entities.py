from __future__ import annotations

from dataclasses import fields, replace

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.pairing import Status


def test_with_other_fields_an_item_is_the_same_in_everything_else() -> None:
    whole = Item(Kind.SCAN, **{one.name: f"a {one.name}" for one in fields(Item) if one.name != "kind"})  # type: ignore[arg-type]
    other = Fields(("quality",), ("usable",))
    assert whole.with_fields(other) == replace(whole, fields=other)
    assert whole.with_fields(other).fields is other


def test_a_kind_and_a_status_are_found_under_their_words() -> None:
    assert {"scan": 1}[Kind.SCAN] == {Kind.SCAN: 1}["scan"] == 1
    assert {"same": 1}[Status.SAME] == {Status.SAME: 1}["same"] == 1
