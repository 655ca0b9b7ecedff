"""What is heard of changes, when, and whether they are about a place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xnat_tui.model.changed import Changed, What
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.tui.changes import HeardChanges, concern, stands_above, steps_below

SESSION = Place(
    "lab",
    (
        Item(Kind.PROJECT, "P", "Project"),
        Item(Kind.SUBJECT, "LAB_S1", "S1"),
        Item(Kind.EXPERIMENT, "LAB_E1", "E1"),
    ),
)


def changed(text: str, what: What = What.ITEMS) -> Changed:
    return Changed(Location.parse(text), what)


def by_id(*steps: tuple[Kind, str]) -> Location:
    where = Location("lab")
    for kind, name in steps:
        where = where.child(kind, name)
    return where


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("lab:", []),
        ("lab:P", []),
        ("lab:Project/S1", []),
        ("lab:P/LAB_S1/E1", []),
        ("lab:P/S1/E1/scans/3", ["3"]),
        ("lab:P/S1/E1/scans/3/resources/DICOM", ["3", "DICOM"]),
        ("lab:P/S2", None),
        ("lab:Q", None),
        ("lab:P/S1/E2/scans/3", None),
    ],
)
def test_steps_that_are_left_below_a_place(where: str, left: list[str] | None) -> None:
    found = steps_below(Location.parse(where), SESSION)
    assert (None if found is None else [step.name for step in found]) == left


def test_a_location_by_accession_id_leaves_levels_out() -> None:
    resource = by_id((Kind.EXPERIMENT, "LAB_E1"), (Kind.RESOURCE, "NOTES"))
    assert [step.name for step in steps_below(resource, SESSION) or ()] == ["NOTES"]
    assert steps_below(by_id((Kind.EXPERIMENT, "LAB_E2")), SESSION) is None
    assert steps_below(by_id((Kind.EXPERIMENT, "LAB_E2")), SESSION.parent) is not None, "it may stand there"


@pytest.mark.parametrize(
    ("where", "above"),
    [("lab:", True), ("lab:P", True), ("lab:P/S1", True), ("lab:P/S1/E1", False), ("lab:P/S2", False)],
)
def test_what_stands_above_a_place_may_have_renamed_it(where: str, above: bool) -> None:
    assert stands_above(Location.parse(where), SESSION) is above


def test_a_change_concerns_what_stands_at_above_and_below_it_on_that_server() -> None:
    def same(one: str, other: str) -> bool:
        return {one, other} <= {"lab", "twin"}

    for text in ("lab:P", "lab:P/S1/E1", "twin:P/S1/E1/scans/3", "lab:"):
        assert concern([changed(text)], [SESSION], same), text
    for text in ("lab:P/S2", "qc:P"):
        assert not concern([changed(text)], [SESSION], same), text


def test_what_is_said_together_is_heard_together_and_once() -> None:
    posted: list[Callable[[], None]] = []
    heard: list[list[Changed]] = []
    changes = HeardChanges(posted.append, held=lambda: False)
    leave = changes.listen(lambda found: heard.append(list(found)))
    for text in ("lab:P", "lab:Q", "lab:P"):
        changes.hear(changed(text))
    assert len(posted) == 1
    posted.pop()()
    assert heard == [[changed("lab:P"), changed("lab:Q")]]
    leave()
    changes.hear(changed("lab:P"))
    posted.pop()()
    assert len(heard) == 1


def test_while_rows_are_written_nothing_is_heard_and_then_all_of_it() -> None:
    posted: list[Callable[[], None]] = []
    heard: list[list[Changed]] = []
    writing = {"a run"}
    changes = HeardChanges(posted.append, held=lambda: bool(writing))
    changes.listen(lambda found: heard.append(list(found)))
    changes.hear(changed("lab:P"))
    posted.pop()()
    changes.hear(changed("lab:Q"))
    assert not posted
    assert not heard
    writing.clear()
    changes.hand_over()
    assert heard == [[changed("lab:P"), changed("lab:Q")]]
    changes.hand_over()
    assert len(heard) == 1
