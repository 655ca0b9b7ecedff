"""What was measured of a server, as values: how long reads take, how many a second, how fast bytes flow."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds to the end of the answer of a cheap read, for each of some that followed one another."""

    of: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def p95(self) -> float:
        """What 95 in 100 stay within; of fewer than 20 the longest."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)]

    def row(self) -> dict[str, Any]:
        """The same for a document, in milliseconds."""
        return {
            "measure": "latency",
            "of": self.of,
            "count": len(self.seconds),
            "median_ms": round(1000 * self.median, 1),
            "p95_ms": round(1000 * self.p95, 1),
        }


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads that were answered while so many were under way at once."""

    of: str
    in_flight: int
    count: int
    seconds: float
    waits: int = 0
    """How often the server asked for patience, or failed, so that a read was put off or given up."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def row(self) -> dict[str, Any]:
        """The same for a document."""
        return {
            "measure": "reads",
            "of": self.of,
            "in_flight": self.in_flight,
            "count": self.count,
            "waits": self.waits,
            "per_second": round(self.rate, 1),
        }


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes of files, `down` from the server or `up` to it: as `zip`, `files` one by one, or one `file`."""

    direction: str
    manner: str
    of: str
    streams: int
    answers: int
    """Zips or files that passed, the last ones perhaps only in part."""
    bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes a second, the wait for the first byte included."""
        return self.bytes / self.seconds

    def row(self) -> dict[str, Any]:
        """The same for a document."""
        return {
            "measure": self.direction,
            "as": self.manner,
            "of": self.of,
            "streams": self.streams,
            "answers": self.answers,
            "bytes": self.bytes,
            "bytes_per_second": round(self.rate),
        }


Figure = Latency | Reads | Flow
