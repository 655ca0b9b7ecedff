"""Server times have a zone, or are read in this machine's."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest

from xnat_tui.model.clock import Clock, ahead_of_us, short_age


@pytest.mark.parametrize(
    ("zone", "hours"), [("Europe/London", 1), ("America/Los_Angeles", -7), ("Asia/Tokyo", 9), ("UTC", 0)]
)
def test_a_time_is_read_in_the_zone_of_its_server(zone, hours):
    read = Clock.of(zone).read("2024-07-01 12:00:00.5")
    assert read == datetime(2024, 7, 1, 12, 0, 0, 500000, tzinfo=UTC) - timedelta(hours=hours)


def test_summer_and_winter_have_their_own_offsets():
    clock = Clock.of("Europe/London")
    summer, winter = clock.read("2024-07-01 12:00:00"), clock.read("2024-01-01 12:00:00")
    assert (summer.astimezone(UTC).hour, winter.astimezone(UTC).hour) == (11, 12)


def test_an_age_is_counted_between_zones():
    clock = Clock(ZoneInfo("Asia/Tokyo"), datetime(2024, 7, 1, 3, 40, tzinfo=UTC))
    noon = clock.read("2024-07-01 12:00:00")
    assert noon is not None
    assert clock.age(noon) == timedelta(minutes=40)


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01 12:00:00", "12:00"])
def test_what_is_no_time_is_none(text):
    assert Clock().read(text) is None


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=40), "40m"),
        (timedelta(seconds=5), "0m"),
        (timedelta(hours=5, minutes=59), "5h"),
        (timedelta(days=1), "1d"),
        (timedelta(hours=-3), ""),
    ],
)
def test_an_age_is_told_in_its_own_unit_and_none_of_the_future(age, words):
    assert short_age(age) == words


@pytest.mark.parametrize(
    ("off", "noticed"),
    [(timedelta(hours=2), True), (timedelta(minutes=-5), True), (timedelta(seconds=3), False)],
)
def test_a_servers_clock_is_off_by_what_its_answers_tell(off, noticed):
    ahead = ahead_of_us(format_datetime(datetime.now(UTC) + off, usegmt=True))
    assert (abs(ahead - off) < timedelta(seconds=5)) if noticed else ahead == timedelta(0)


@pytest.mark.parametrize("header", ["", "yesterday", "Sun, 99 Nov 2026 10:00:00 GMT"])
def test_an_answer_without_a_usable_date_tells_nothing_of_the_clock(header):
    assert ahead_of_us(header) == timedelta(0)


def test_an_age_is_counted_by_the_servers_clock():
    written = datetime.now().astimezone() + timedelta(hours=2)
    age = Clock(ahead=timedelta(hours=2, minutes=40)).age(written)
    assert short_age(age + timedelta(seconds=5)) == "40m"
