"""Which settings fit a server, from what was measured of it, with the reason for each in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xnat_tui.model.display import size_words
from xnat_tui.services.measuring.figures import Figure, Flow, Latency, Reads

_NEARLY_ALL = 0.9
"""The part of the best rate that is worth having: what lies above it costs the server more than it brings."""
_WORTH = 1.2
"""By how much a way has to be faster to be advised, as measurements of a second or two differ that much."""
_STILL_GROWS = 1.3
_UNSTEADY = 3.0
_FEW_WORKERS = 2
"""Where one stream takes all that the line gives: one more asks while the other one's bytes flow."""


@dataclass(slots=True)
class Advice:
    """None is what the figures do not tell."""

    connections: int | None = None
    workers: int | None = None
    mode: str | None = None
    reasons: list[str] = field(default_factory=list)


def advise(figures: Iterable[Figure], allowed: int, *, zips_failed: bool = False) -> Advice:
    """`allowed` is how many requests may be under way now: no more were tried. `zips_failed`: the server was
    asked for zips and gave none."""
    figures = list(figures)
    advice = Advice()
    _advise_connections(advice, [one for one in figures if isinstance(one, Reads)], allowed)
    flows = [one for one in figures if isinstance(one, Flow)]
    _advise_workers(advice, flows)
    if zips_failed:
        advice.mode = "file"
        advice.reasons.append("The server gave no zip of the files that it was asked for.")
    else:
        _advise_mode(advice, flows)
    for latency in figures:
        if isinstance(latency, Latency) and latency.p95 > _UNSTEADY * latency.median:
            advice.reasons.append(
                "Answers take very different times: others use the server, or the network is unsteady. "
                "Measure again before you rely on this."
            )
    return advice


def _advise_connections(advice: Advice, reads: Sequence[Reads], allowed: int) -> None:
    answered = [one for one in reads if one.count]
    if not answered:
        return
    calm = [one for one in answered if not one.waits] or answered[:1]
    best = max(calm, key=lambda one: one.rate)
    chosen = next(one for one in calm if one.rate >= _NEARLY_ALL * best.rate)
    advice.connections = chosen.in_flight
    if strained := [one for one in answered if one.waits]:
        advice.reasons.append(
            f"With {strained[0].in_flight} requests at once the server failed or asked for patience."
        )
    if chosen.in_flight == 1:
        advice.reasons.append("More requests at once bring no more answers a second.")
        return
    gain = chosen.rate / answered[0].rate
    advice.reasons.append(f"{chosen.in_flight} requests at once bring {gain:.1f} × the answers of one.")
    before = [one for one in calm if one.in_flight < chosen.in_flight]
    if chosen is calm[-1] is reads[-1] and before and chosen.rate >= _STILL_GROWS * before[-1].rate:
        advice.reasons.append(
            f"The rate still grew at {chosen.in_flight}, the most that was tried: set connections = "
            f"{2 * allowed} if the server's administrator agrees, and measure again."
        )


def _advise_workers(advice: Advice, flows: Sequence[Flow]) -> None:
    if advice.connections is None:
        return
    advice.workers = advice.connections
    one = next((flow for flow in flows if flow.manner == "zip" and flow.direction == "down"), None)
    several = next((flow for flow in flows if one and flow.of == one.of and flow.streams > 1), None)
    if one is None or several is None or not one.bytes:
        return
    gain = several.rate / one.rate
    if gain >= _WORTH:
        advice.reasons.append(f"{several.streams} streams at once bring {gain:.1f} × the bytes of one.")
    else:
        advice.workers = min(advice.connections, _FEW_WORKERS)
        advice.reasons.append(
            f"One stream takes nearly all that comes ({size_words(round(one.rate))} a second): "
            "more workers do not bring large data sooner."
        )


def _advise_mode(advice: Advice, flows: Sequence[Flow]) -> None:
    ratios = []
    for direction in ("down", "up"):
        alone = {
            flow.manner: flow for flow in reversed(flows) if (flow.direction, flow.streams) == (direction, 1)
        }
        zips, files = alone.get("zip"), alone.get("files")
        if zips is None or files is None or not files.bytes:
            continue
        ratio = zips.rate / files.rate
        ratios.append(ratio)
        verb = "brings" if direction == "down" else "sends"
        advice.reasons.append(f"A zip {verb} {ratio:.1f} × the bytes a second of single files.")
    if ratios:
        advice.mode = "auto" if max(ratios) >= 1 / _WORTH else "file"
