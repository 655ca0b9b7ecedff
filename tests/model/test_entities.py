from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.pairing import Status


def test_with_other_fields_an_item_is_the_same_in_everything_else() -> None:
    values: dict[str, Any] = {one.name: f"a {one.name}" for one in fields(Item) if one.name != "kind"}
    whole = Item(Kind.SCAN, **values)
    other = Fields(("quality",), ("usable",))
    assert whole.with_fields(other) == replace(whole, fields=other)
    assert whole.with_fields(other).fields is other


def test_a_kind_and_a_status_are_found_under_their_words() -> None:
    found: dict[str, int] = {Kind.SCAN: 1, Status.SAME: 2}
    assert (found["scan"], {"scan": 1}[Kind.SCAN]) == (1, 1)
    assert (found["same"], {"same": 2}[Status.SAME]) == (2, 2)
