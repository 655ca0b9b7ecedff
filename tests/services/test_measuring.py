"""Which settings are advised, from figures that are made up here."""

from __future__ import annotations

from xnat_tui.services.measuring.advice import advise
from xnat_tui.services.measuring.figures import Flow, Latency, Reads


def reads(*rates: float, waits_from: int = 99) -> list[Reads]:
    return [
        Reads("x", count, round(rate * 10), 10.0, waits=2 if count >= waits_from else 0)
        for count, rate in zip((1, 2, 4, 8), rates, strict=True)
    ]


def flow(manner: str, rate: float, streams: int = 1, direction: str = "down") -> Flow:
    return Flow(direction, manner, "lab:P/resources/R", streams, 1, round(rate * 10), 10.0)


def test_as_many_connections_as_bring_more_and_no_more():
    advice = advise(reads(50, 98, 190, 200), 8)
    assert (advice.connections, advice.workers, advice.mode) == (4, 4, None)
    assert advice.reasons == ["4 requests at once bring 3.8 × the answers of one."]
    assert advise(reads(50, 51, 50, 49), 8).connections == 1


def test_more_are_proposed_where_the_rate_still_grew():
    advice = advise(reads(50, 100, 200, 390), 8)
    assert advice.connections == 8
    assert "set connections = 16" in advice.reasons[-1]


def test_a_server_that_asks_for_patience_gets_fewer():
    advice = advise(reads(50, 100, 150, 400, waits_from=8), 8)
    assert advice.connections == 4
    assert advice.reasons[0] == "With 8 requests at once the server failed or asked for patience."


def test_few_workers_where_one_stream_takes_all():
    advice = advise([*reads(50, 98, 190, 200), flow("zip", 11e6), flow("zip", 11.5e6, 4)], 8)
    assert (advice.connections, advice.workers) == (4, 2)
    advice = advise([*reads(50, 98, 190, 200), flow("zip", 11e6), flow("zip", 40e6, 4)], 8)
    assert advice.workers == 4


def test_zips_unless_files_come_faster_by_themselves():
    assert advise([flow("zip", 9e6), flow("files", 3e6)], 8).mode == "auto"
    assert advise([flow("zip", 2e6), flow("files", 3e6)], 8).mode == "file"
    up = [flow("zip", 9e6, direction="up"), flow("files", 3e6, direction="up")]
    assert advise([flow("zip", 2e6), flow("files", 3e6), *up], 8).mode == "auto"
    assert advise([], 8, zips_failed=True).mode == "file"


def test_what_was_not_measured_is_not_advised():
    advice = advise([], 8)
    assert (advice.connections, advice.workers, advice.mode, advice.reasons) == (None, None, None, [])


def test_unsteady_answers_are_said_to_be():
    told = advise([Latency("the session", (0.01,) * 18 + (0.5,) * 2)], 8).reasons
    assert told[0].startswith("Answers take very different times")
