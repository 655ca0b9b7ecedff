"""Times that a server writes, as moments: XNAT tells its own local time, and no zone.

Neither a list nor a document of XNAT says which zone that is. `timezone` of a server in `config.toml` does;
without it the server is taken to stand in this machine's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_NOTICED = timedelta(seconds=30)
_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Clock:
    """A server's clock. `moment` holds it, for tests and for several questions about one moment."""

    zone: ZoneInfo | None = None
    """None is this machine's."""
    moment: datetime | None = None
    ahead: timedelta = timedelta(0)
    """How far it is ahead of this machine's clock (`ahead_of_us`); below zero where it is behind."""

    @classmethod
    def of(cls, timezone: str, ahead: timedelta = timedelta(0)) -> Clock:
        """By an IANA name such as `Europe/London`; "" is this machine's zone."""
        return cls(ZoneInfo(timezone) if timezone else None, ahead=ahead)

    def now(self) -> datetime:
        """This moment in the server's zone, or `moment` where one is held."""
        return self.moment or datetime.now().astimezone(self.zone) + self.ahead

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


def ahead_of_us(header: str) -> timedelta:
    """How far a server is ahead, by the `Date` of an answer that has just come (RFC 9110, 6.6.1: GMT, whole
    seconds); zero where it tells none, or where the way of the answer explains it."""
    try:
        ahead = parsedate_to_datetime(header) - datetime.now(UTC)
    except (TypeError, ValueError, OverflowError):
        return timedelta(0)
    return ahead if abs(ahead) >= _NOTICED else timedelta(0)


def ahead_words(ahead: timedelta) -> str:
    """`5 minutes ahead of this machine's`; "" where the two agree."""
    if not ahead:
        return ""
    import humanize  # not at the start: clocks mostly agree

    return f"{humanize.naturaldelta(ahead)} {'ahead of' if ahead > timedelta(0) else 'behind'} this machine's"


def short_age(age: timedelta) -> str:
    """In four cells: `40m`, `5h`, `12d`; "" of what is yet to come, whose age nobody knows."""
    if age < timedelta(0):
        return ""
    minutes = int(age.total_seconds()) // 60
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h" if minutes < 24 * 60 else f"{age.days}d"


def today() -> date:
    """The day that whoever sits here writes."""
    return datetime.now().astimezone().date()
