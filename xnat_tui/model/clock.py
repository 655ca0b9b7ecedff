"""Times that a server writes, as moments: XNAT tells its own local time, and no zone.

Neither a list nor a document of XNAT says which zone that is. `timezone` of a server in `config.toml` does;
without it the server is taken to stand in this machine's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Clock:
    """A server's clock. `moment` holds it, for tests and for several questions about one moment."""

    zone: ZoneInfo | None = None
    """None is this machine's."""
    moment: datetime | None = None

    @classmethod
    def of(cls, timezone: str) -> Clock:
        """By an IANA name such as `Europe/London`; "" is this machine's zone."""
        return cls(ZoneInfo(timezone) if timezone else None)

    def now(self) -> datetime:
        """This moment in the server's zone, or `moment` where one is held."""
        return self.moment or datetime.now().astimezone(self.zone)

    def read(self, text: str) -> datetime | None:
        """A time as XNAT writes it; None for anything else."""
        for form in _FORMATS:
            try:
                written = datetime.strptime(text, form)  # noqa: DTZ007  the zone comes now
            except ValueError:
                continue
            return written.replace(tzinfo=self.zone) if self.zone is not None else written.astimezone()
        return None

    def age(self, moment: datetime) -> timedelta:
        """How long ago; below zero where the server's clock is ahead, or stands in another zone."""
        return self.now() - moment


def short_age(age: timedelta) -> str:
    """In four cells: `40m`, `5h`, `12d`; "" of what is yet to come, whose age nobody knows."""
    if age < timedelta(0):
        return ""
    minutes = int(age.total_seconds()) // 60
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h" if minutes < 24 * 60 else f"{age.days}d"


def today() -> date:
    """The day that whoever sits here writes."""
    return datetime.now().astimezone().date()
