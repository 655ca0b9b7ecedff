"""What DICOM headers tell of a person, put together without guessing.

A value is taken only where every header that has it says the same, it is plausible, and it means what
the archive's field means. Everything else becomes a finding that is shown and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from xnat_tui.model import clock, demographics
from xnat_tui.model.display import listed

KEYWORDS = ("PatientBirthDate", "PatientSex", "PatientAge", "PatientSize", "PatientWeight", "StudyDate")
"""The DICOM elements that are read."""
_SEXES = {"M": "male", "F": "female", "O": "other"}
_DAYS = {"D": 1.0, "W": 7.0, "M": 30.44, "Y": 365.25}
_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}
_TALLEST_METRES = 2.8
_LONGEST_LIFE = timedelta(days=121 * 366)


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """One header: where it was read, and the text of the KEYWORDS it has."""

    source: str
    values: Mapping[str, str]

    def __getitem__(self, keyword: str) -> str:
        return self.values.get(keyword, "")

    def __repr__(self) -> str:
        return f"<Reading of {self.source}>"


@dataclass(slots=True, repr=False)
class Conclusion:
    """Values that can be written, under the listing's names, and what was found against others."""

    values: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def conclude(readings: Sequence[Reading], *, today: date | None = None) -> Conclusion:
    """What all headers of one person say together."""
    found = Conclusion()
    _sex(readings, found)
    _age(readings, found, today or clock.today())
    _height(readings, found)
    _number(readings, found, "PatientWeight", "weight")
    return found


def fill(stored: Mapping[str, str], found: Conclusion, *, replace: bool) -> tuple[dict[str, str], list[str]]:
    """What to write over stored values, and what is to be said.

    Without `replace` only fields without a value, or with `unknown`, are filled in.
    """
    values: dict[str, str] = {}
    notes = list(found.findings)
    for name, text in found.values.items():
        family = demographics.AGE_FIELDS if name in demographics.AGE_FIELDS else (name,)
        there = {one: stored[one] for one in family if stored.get(one) not in (None, "", "unknown")}
        if name in there and demographics.same(name, there[name], text):
            continue
        if there and not replace:
            kept = ", ".join(f"{one} {value}" for one, value in there.items())
            notes.append(f"{name}: {kept} is stored and stays; DICOM says {text}")
            continue
        values[name] = text
    return values, notes


def _sex(readings: Sequence[Reading], found: Conclusion) -> None:
    told = _told(readings, "PatientSex", found, "gender")
    if told is None:
        return
    if told in _SEXES:
        found.values["gender"] = _SEXES[told]
    else:
        found.findings.append(f"gender: PatientSex {told!r} is none of M, F, O")


def _age(readings: Sequence[Reading], found: Conclusion, today: date) -> None:
    """A birth date that agrees with all ages; else an age, if it is in years everywhere and the same."""
    for reading in readings:
        if reading["PatientAge"] and _parsed_age(reading["PatientAge"]) is None:
            found.findings.append(f"age: {reading.source} says {reading['PatientAge']!r}, which is no age")
    if any(reading["PatientBirthDate"] for reading in readings):
        _birth_date(readings, found, today)
        return
    told = _told(readings, "PatientAge", found, "age")
    parsed = _parsed_age(told) if told is not None else None
    if parsed is None:
        return
    number, unit = parsed
    if unit != "Y":
        found.findings.append(f"age: {number} {_UNITS[unit]} ({told}) without a birth date; age is in years")
    elif reason := demographics.refusal("age", str(number), today=today):
        found.findings.append(f"age: {reason}")
    else:
        found.values["age"] = str(number)


def _birth_date(readings: Sequence[Reading], found: Conclusion, today: date) -> None:
    told = _told(readings, "PatientBirthDate", found, "dob")
    if told is None:
        return
    born = _day(told)
    reason = demographics.refusal("dob", born.isoformat(), today=today) if born else f"{told!r} is no date."
    if reason:
        found.findings.append(f"dob: {reason}")
        return
    assert born is not None
    contradicting = [reading for reading in readings if not _fits(reading, born)]
    for reading in contradicting:
        said = f"the age {reading['PatientAge']} at {reading['StudyDate']}"
        if _parsed_age(reading["PatientAge"]) is None:
            said = f"a study of {reading['StudyDate']}"
        found.findings.append(f"dob: {born} does not fit {said} in {reading.source}")
    if not contradicting:
        found.values["dob"] = born.isoformat()


def _fits(reading: Reading, born: date) -> bool:
    """Whether a header's age, give or take one unit, or any age at all is that of the birth date then."""
    studied, age = _day(reading["StudyDate"]), _parsed_age(reading["PatientAge"])
    if studied is None:
        return True
    if age is None:
        return born <= studied <= born + _LONGEST_LIFE
    number, unit = age
    units = (studied - born).days / _DAYS[unit]
    return number - 1 <= units <= number + 2


def _height(readings: Sequence[Reading], found: Conclusion) -> None:
    """PatientSize is in metres; the archive's field has no unit of its own, and is filled in centimetres."""
    told = _told(readings, "PatientSize", found, "height")
    if told is None:
        return
    size = _decimal(told)
    if size is None or not 0.1 <= size <= _TALLEST_METRES:
        found.findings.append(f"height: {told} m is not plausible")
        return
    found.values["height"] = f"{round(size * 100, 2):g}"


def _number(readings: Sequence[Reading], found: Conclusion, keyword: str, name: str) -> None:
    for reading in readings:
        text = reading[keyword].strip()
        if text and (reason := demographics.refusal(name, _comparable(text))):
            found.findings.append(f"{name}: {reading.source}: {reason}")
    told = _told(readings, keyword, found, name)
    if told is not None and not demographics.refusal(name, told):
        found.values[name] = told


def _told(readings: Sequence[Reading], keyword: str, found: Conclusion, name: str) -> str | None:
    """What every header with this element says; None, and a finding, where they disagree."""
    said: dict[str, list[str]] = {}
    for reading in readings:
        if text := reading[keyword].strip():
            said.setdefault(_comparable(text), []).append(reading.source)
    if len(said) > 1:
        found.findings.append(
            f"{name}: " + "; ".join(f"{text} in {_names(who)}" for text, who in said.items())
        )
        return None
    return next(iter(said), None)


def _comparable(text: str) -> str:
    number = _decimal(text)
    return f"{number:g}" if number is not None and not re.fullmatch(r"\d{8}", text) else text


def _names(sources: Iterable[str]) -> str:
    return listed(list(sources))


def _parsed_age(text: str) -> tuple[int, str] | None:
    found = re.fullmatch(r"(\d{1,3})([DWMY])", text.strip(), re.ASCII)
    return (int(found[1]), found[2]) if found else None


def _day(text: str) -> date | None:
    found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text.strip(), re.ASCII)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _decimal(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", text.strip(), re.ASCII) else None
