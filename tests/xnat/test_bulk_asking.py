"""A bulk question that is late: asked once more, then in parts, and never with a row lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import unquote

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.faults import Answer, ErrorPage, Hang
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import synthetic_site
from xnat_tui.errors import BadAnswer, Interrupted, ServerUnreachable
from xnat_tui.model.notice import Notice
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables import bulk_asking
from xnat_tui.xnat.tables.bulk_asking import BulkAsking
from xnat_tui.xnat.tables.listing import accession_id
from xnat_tui.xnat.tables.table import Table

SCANS = ("ID", "xnat:imageScanData/ID", "xnat:imageScanData/file/label")
WHOLE = r"imageScanData(?!.*[?&]ID=)"
"""Requests for the scans of all sessions at once."""
LATE = ErrorPage(504)
"""A proxy's word for it, which takes no time."""


class Asked:
    def __init__(self, site: Site, stack: ExitStack) -> None:
        self.server = stack.enter_context(DemoServer(site))
        server = Server("lab", self.server.url, "demo")
        self.connection = stack.enter_context(
            Connection.open(server, Credential("demo", Secret("demo"), "test"))
        )
        self.notices: list[Notice] = []
        self.connection.on_notice = self.notices.append
        self.server.requests.clear()

    def ask(self) -> Table:
        return BulkAsking(self.connection, "BIG").table(
            *("/data/projects/BIG/experiments", "URI"),
            about="the scans",
            xsiType="xnat:imageSessionData",
            columns=SCANS,
        )

    def rows(self) -> list[tuple[str, ...]]:
        return sorted((accession_id(row), *map(row.__getitem__, SCANS[1:])) for row in self.ask())

    @property
    def queries(self) -> list[str]:
        """What was asked with a filter."""
        return [
            unquote(found[1])
            for one in self.server.requests
            if (found := re.search(r"[?&]ID=([^&]*)", one.query))
        ]


@pytest.fixture
def asked() -> Iterator[Callable[[Site], Asked]]:
    with ExitStack() as stack:
        yield lambda site: Asked(site, stack)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """No list of IDs fits into an address, as with thousands of sessions."""
    monkeypatch.setattr(bulk_asking, "ADDRESS_BYTES", 350)


def site(sessions: int = 40) -> Site:
    return synthetic_site(sessions // 2, 2, 3)


def test_one_time_out_costs_one_request(asked: Callable[[Site], Asked]) -> None:
    one = asked(site())
    truth = one.rows()
    one.server.requests.clear()
    one.server.faults.add(WHOLE, LATE, times=1)
    assert one.rows() == truth
    assert len(one.server.requests) == 2
    assert [notice.short for notice in one.notices] == ["lab: the scans asked once more"]
    assert one.connection.listing_seconds == 2 * one.connection.patience.listing_seconds


def test_a_server_that_answers_nothing_in_time_is_given_more_of_it(asked: Callable[[Site], Asked]) -> None:
    one = asked(site(4))
    truth = one.rows()
    one.connection.patience = replace(one.connection.patience, listing_seconds=2.0)
    one.server.faults.add(WHOLE, Hang(), times=1)
    assert one.rows() == truth
    assert one.connection.listing_seconds == 4.0


@pytest.mark.usefixtures("short")
def test_what_stays_late_comes_in_halves_without_a_row_lost(asked: Callable[[Site], Asked]) -> None:
    one = asked(site())
    truth = one.rows()
    one.server.faults.add(WHOLE, LATE)
    assert one.rows() == truth
    assert len(one.queries) == 2
    assert all(query.startswith("*") for query in one.queries)
    assert [notice.requests for notice in one.notices] == [1, 2]


def test_few_sessions_are_asked_for_by_their_ids(asked: Callable[[Site], Asked]) -> None:
    one = asked(site())
    truth = one.rows()
    one.server.faults.add(WHOLE, LATE)
    assert one.rows() == truth
    assert len(one.queries) == 2
    assert not any("*" in query for query in one.queries)


@pytest.mark.usefixtures("short")
def test_halves_that_are_late_are_halved_and_then_it_ends(asked: Callable[[Site], Asked]) -> None:
    one = asked(site(200))
    truth = one.rows()
    one.server.faults.add(WHOLE, LATE)
    one.server.faults.add(r"imageScanData.*[?&]ID=", LATE, times=1)
    one.server.requests.clear()
    assert one.rows() == truth
    assert len(one.queries) == 1 + 4, "the first half was late: both are asked for in quarters"
    one.server.faults.clear()
    one.server.faults.add("imageScanData", LATE)
    one.server.requests.clear()
    with pytest.raises(ServerUnreachable):
        one.ask()
    assert len(one.server.requests) == 2 + 1 + 3, "whole, again, the IDs, a half, a quarter, an eighth"


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("version", ["", "1.7.6"])
def test_a_server_that_ignores_filters_has_sent_everything(
    asked: Callable[[Site], Asked], version: str
) -> None:
    one = asked(site())
    truth = one.rows()
    one.server.site.version = "1.7.6"
    one.connection.version = version
    one.server.faults.add(WHOLE, LATE, times=2)
    if version:
        with pytest.raises(ServerUnreachable):
            one.ask()
        assert not one.queries, "known to be of no use"
    else:
        assert one.rows() == truth
        assert len(one.queries) == 1


@pytest.mark.usefixtures("short")
def test_ids_of_any_shape_are_in_one_half_or_the_other(asked: Callable[[Site], Asked]) -> None:
    shapes = site()
    for number, session in enumerate(list(shapes.experiments.values())):
        del shapes.experiments[session.id]
        session.id = f"BIG-x-{number}{'_' if number % 3 else ''}" if number % 2 else f"E{number}.Mr"
        shapes.experiments[session.id] = session
    one = asked(shapes)
    truth = one.rows()
    assert len({row[0] for row in truth}) == 40
    one.server.faults.add(WHOLE, LATE)
    assert one.rows() == truth


@pytest.mark.usefixtures("short")
def test_a_half_without_some_of_its_items_is_not_believed(asked: Callable[[Site], Asked]) -> None:
    one = asked(site())
    one.server.faults.add(WHOLE, LATE)
    row = '{"ID":"X","URI":"/data/experiments/X"}'
    answer = f'{{"ResultSet":{{"Result":[{row}],"totalRecords":"1"}}}}'
    one.server.faults.add(r"imageScanData.*[?&]ID=", Answer(answer, 200, "application/json"))
    with pytest.raises(BadAnswer, match="leaves out"):
        one.ask()


@pytest.mark.usefixtures("short")
def test_what_a_half_lacks_is_asked_for_by_name(asked: Callable[[Site], Asked]) -> None:
    one = asked(site())
    truth, table = one.rows(), one.ask()
    one.server.faults.add(WHOLE, LATE)
    lost = truth[0][0]
    rows = [dict(zip(table.columns, row.cells, strict=True)) for row in table if accession_id(row) != lost]
    answer = json.dumps({"ResultSet": {"Result": rows, "totalRecords": str(len(rows))}})
    one.server.faults.add(r"imageScanData.*[?&]ID=%2A", Answer(answer, 200, "application/json"))
    assert one.rows() == truth
    assert lost in one.queries


def test_no_more_is_asked_after_an_interrupt(asked: Callable[[Site], Asked]) -> None:
    one = asked(site())
    one.server.faults.add(WHOLE, LATE)
    one.connection.on_notice = lambda _: one.connection.interrupt()
    with pytest.raises(Interrupted):
        one.ask()
    assert len(one.server.requests) == 1
