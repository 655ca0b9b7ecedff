"""Files without a digest are fetched and hashed on request."""

from __future__ import annotations

from typing import Any

import pytest

from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import ErrorPage, Truncate
from xnat_tui.demo.study import synthetic_site
from xnat_tui.errors import Interrupted
from xnat_tui.model.entities import Kind
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.hashing import Hashed, hash_missing

SIZE: dict[str, Any] = {
    "subjects": 2,
    "sessions_per_subject": 1,
    "scans_per_session": 2,
    "files_per_resource": 2,
}


@pytest.fixture
def sites(pair_of: Any) -> Any:
    return pair_of(synthetic_site(**SIZE), synthetic_site(**SIZE, digests=False))


def test_equal_bytes_become_proven(sites: Any) -> None:
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    assert comparison.summary().unverified == 8
    told: list[int] = []
    before = comparison.requests
    assert hash_missing(comparison, told.append) == Hashed(8, 160_000)
    assert sum(told) == 160_000
    assert comparison.summary().unverified == 0
    assert comparison.summary(Kind.FILE).same == 8
    assert comparison.requests == (before[0], before[1] + 8), "the side with digests is not asked"
    log = list(sites.servers["qc"].requests)
    assert {entry.method for entry in log if "/BIG" in entry.path or "/files" in entry.path} == {"GET"}


def test_other_bytes_of_one_size_are_found(sites: Any) -> None:
    session = next(iter(sites.servers["qc"].site.experiments.values()))
    entry = session.scans["1"].resources[0].files["IM0001.dcm"]
    session.scans["1"].resources[0].files["IM0001.dcm"] = type(entry)(
        entry.path, BytesContent(b"x" * entry.data.size), "", entry.size, entry.format, entry.content
    )
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    assert comparison.summary().differs == 0
    hash_missing(comparison)
    (pair,) = [one for one in items_of(comparison.root) if one.is_difference]
    assert [one.name for one in pair.fields] == ["digest"]
    assert comparison.root.differing_below == 1


@pytest.mark.parametrize("fault", [ErrorPage(500), Truncate(100)])
def test_a_file_that_cannot_be_fetched_whole_is_unreadable_on_that_side(sites: Any, fault: Any) -> None:
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    sites.servers["qc"].faults.add("scans/1/resources/.*IM0001", fault)
    hash_missing(comparison)
    bad = [pair for pair in items_of(comparison.root) if pair.error]
    assert len(bad) == comparison.summary().unreadable == 2
    assert all(pair.destination_error and not pair.source_error for pair in bad)
    assert comparison.summary().unverified == 0
    assert comparison.summary(Kind.FILE).same == 6


def test_it_stops_when_it_is_told_to(sites: Any) -> None:
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    comparison.stop.set()
    with pytest.raises(Interrupted):
        hash_missing(comparison)
    assert comparison.summary().unverified == 8
