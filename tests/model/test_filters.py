from __future__ import annotations

from datetime import date

import pytest

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters


def session(label: str = "S_MR", type_: str = "xnat:mrSessionData", **fields: str) -> Item:
    return Item(Kind.EXPERIMENT, label, "XNAT_E1", type=type_, fields=Fields.of(fields))


@pytest.mark.parametrize(
    ("filters", "item", "kept"),
    [
        (Filters(subject=("A*", "B")), Item(Kind.SUBJECT, "B", "I"), True),
        (Filters(subject=("a*",)), Item(Kind.SUBJECT, "A1", "I"), False),
        (Filters(subject=("I",)), Item(Kind.SUBJECT, "B", "I"), True),
        (Filters(subject=("A*",), exclude_subject=("A1",)), Item(Kind.SUBJECT, "A1", "I"), False),
        (Filters(session=("*_MR",)), session(), True),
        (Filters(exclude_session=("XNAT_E1",)), session(), False),
        (Filters(type=("xnat:mrSessionData",)), session(), True),
        (Filters(exclude_type=("xnat:mr*",)), session(), False),
        (Filters(modality=("MR",)), session(), True),
        (Filters(modality=("PET-MR",)), session(type_="xnat:petmrSessionData", modality="MR"), True),
        (Filters(exclude_modality=("MR",)), session(modality="MR"), False),
        (Filters(scan=("1*",)), Item(Kind.SCAN, "12"), True),
        (Filters(exclude_scan=("12",)), Item(Kind.SCAN, "12"), False),
        (Filters(scan_type=("T1*",)), Item(Kind.SCAN, "1", fields=Fields.of({"type": "T1 w"})), True),
        (Filters(scan_type=("T1*",)), Item(Kind.SCAN, "1"), False),
        (Filters(exclude_scan_type=("T1*",)), Item(Kind.SCAN, "1"), True),
        (Filters(resource=("DICOM",)), Item(Kind.RESOURCE, "NIFTI"), False),
        (Filters(exclude_resource=("N*",)), Item(Kind.RESOURCE, "NIFTI"), False),
        (Filters(subject=("nobody",)), Item(Kind.FILE, "a"), True),
    ],
)
def test_what_passes(filters: Filters, item: Item, kept: bool) -> None:
    assert filters.keeps(item) is kept
    assert filters.narrows


def test_dates_are_inclusive_and_a_session_without_one_passes_neither() -> None:
    day = date(2024, 3, 26)
    for filters in (Filters(since=day), Filters(until=day), Filters(since=day, until=day)):
        assert filters.keeps(session(date="2024-03-26"))
        assert not filters.keeps(session(date=""))
        assert not filters.keeps(session(date="26.3.2024"))
    assert not Filters(since=day).keeps(session(date="2024-03-25"))
    assert not Filters(until=day).keeps(session(date="2024-03-27"))


def test_only_what_is_said_narrows() -> None:
    assert not NO_FILTERS.narrows
    assert NO_FILTERS.keeps(session())
    assert Filters(limit_subjects=1).narrows
    assert not Filters(exclude_session=("x",)).selects_sessions
    assert Filters(since=date(2024, 1, 1)).selects_sessions


@pytest.mark.parametrize(
    ("type_", "fields", "words", "others"),
    [
        ("xnat:petmrSessionData", {}, ("PET-MR", "MR", "PT", "PET"), ("CT",)),
        ("xnat:petmrSessionData", {"modality": "PT"}, ("MR", "PT"), ()),
        ("xnat:petSessionData", {}, ("PET", "PT"), ("MR",)),
        ("xnat:petSessionData", {"modality": "PT"}, ("PET", "PT"), ()),
        ("xnat:srSessionData", {}, ("SR",), ("OT", "srSession")),
        ("xnat:esSessionData", {}, ("ES",), ()),
        ("xnat:otherDicomSessionData", {"modality": "SR"}, ("SR",), ("MR",)),
        ("xnat:otherDicomSessionData", {"scan_modalities": "CT\\SR"}, ("CT", "SR"), ("MR",)),
        ("xnat:mrSessionData", {"modality": "MR\\SR"}, ("MR", "SR"), ()),
        ("xnat:subjectVariablesData", {}, (), ("SUBJECTVARIABLES", "MR")),
    ],
)
def test_modalities_are_what_a_session_tells_and_what_its_type_means(
    type_: str, fields: dict[str, str], words: tuple[str, ...], others: tuple[str, ...]
) -> None:
    item = session(type_=type_, **fields)
    for word in words:
        assert Filters(modality=(word,)).keeps(item)
        assert not Filters(exclude_modality=(word,)).keeps(item)
    for word in others:
        assert not Filters(modality=(word,)).keeps(item)
