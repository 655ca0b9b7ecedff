"""A subject's demographics: which fields there are, what may stand in them, what is plausible.

XNAT's schema lets only one of `dob`, `yob` and `age` stand; gender and handedness are enumerations
whose case matters; numbers are whole or decimal as noted (`docs/xnat-contract.md` 3.6).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from xnat_tui.errors import UsageError
from xnat_tui.model import clock
from xnat_tui.model.judging import same_text

AGE_FIELDS = ("dob", "yob", "age")
"""Only one of these can stand: another one takes its place."""
VARIABLE_PREFIX = "fields/"
"""How a custom variable is named: `fields/site`."""
_EARLIEST_YEAR = 1850
_OLDEST = 120


@dataclass(frozen=True, slots=True)
class Field:
    """One field, under the name of XNAT's listing. `kind`: choice, day, whole, number or text."""

    name: str
    title: str
    kind: str = "text"
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = 0


FIELDS = {
    field.name: field
    for field in (
        Field("gender", "gender", "choice", ("male", "female", "other", "unknown", "M", "F")),
        Field("dob", "date of birth", "day"),
        Field("yob", "year of birth", "whole", least=_EARLIEST_YEAR, most=9999),
        Field("age", "age", "whole", least=0, most=_OLDEST),
        Field("handedness", "handedness", "choice", ("left", "right", "ambidextrous", "unknown")),
        Field("education", "education", "whole", least=0, most=30),
        Field("educationDesc", "education, in words"),
        Field("race", "race"),
        Field("ethnicity", "ethnicity"),
        Field("ses", "socio-economic status", "whole", least=0, most=1000),
        Field("height", "height", "number", least=0.1, most=300),
        Field("weight", "weight", "number", least=0.1, most=700),
        Field("gestational_age", "gestational age", "number", least=1, most=400),
        Field("post_menstrual_age", "post-menstrual age", "number", least=1, most=5000),
        Field("birth_weight", "birth weight", "number", least=0.1, most=10000),
        Field("group", "group"),
        Field("src", "source"),
    )
}
"""In the order in which they are shown. Age is in years; height and weight have no unit of their own in XNAT,
and are filled in from DICOM headers in centimetres and kilograms."""

Values = Mapping[str, str]


def is_field(name: str) -> bool:
    """Whether this names a field or a custom variable."""
    return name in FIELDS or bool(_variable(name))


def checked(name: str, text: str, *, today: date | None = None) -> str:
    """The text itself. Raises UsageError for an unknown field or a value that XNAT or reason refuses.

    "" clears a field.
    """
    field = FIELDS.get(name)
    if field is None and not _variable(name):
        near = difflib.get_close_matches(name, [*FIELDS], n=1)
        raise UsageError(
            f"There is no field {name!r}.",
            f"Did you mean {near[0]}?" if near else "A custom variable is written fields/NAME.",
        )
    if reason := refusal(name, text, today=today):
        raise UsageError(f"{name}: {reason}")
    return text


def refusal(name: str, text: str, *, today: date | None = None) -> str:
    """Why a value cannot stand in a field; "" where it can."""
    field = FIELDS.get(name, Field(name, name))
    if not text:
        return ""
    if text != text.strip() or not text.isprintable():
        return f"{text!r} has blanks around it or characters that cannot be seen."
    match field.kind:
        case "choice" if text not in field.choices:
            return f"{text!r} is none of {', '.join(field.choices)}."
        case "day":
            return _refuse_day(text, today or clock.today())
        case "whole" if not re.fullmatch(r"0|[1-9][0-9]*", text):
            return f"{text!r} is no whole number."
        case "number" if not re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]+)?", text):
            return f"{text!r} is no number."
        case "whole" | "number":
            most = (today or clock.today()).year if name == "yob" else field.most
            if not field.least <= float(text) <= most:
                return f"{text} is not plausible: {field.least:g} to {most:g} is."
    return ""


def checked_values(values: Values, *, today: date | None = None) -> dict[str, str]:
    """Values checked one by one and together. Raises UsageError."""
    found = {name: checked(name, text, today=today) for name, text in values.items()}
    given = [name for name in AGE_FIELDS if found.get(name)]
    if len(given) > 1:
        raise UsageError(f"Only one of {', '.join(AGE_FIELDS)} can stand; given are {', '.join(given)}.")
    return found


def changes(stored: Values, wanted: Values) -> dict[str, str]:
    """What has to be sent so that `wanted` stands: only what differs, and the age field that gives way."""
    found = {name: text for name, text in wanted.items() if not same(name, stored.get(name, ""), text)}
    if any(wanted.get(name) for name in AGE_FIELDS):
        found |= {name: "" for name in AGE_FIELDS if stored.get(name) and not wanted.get(name)}
    return found


def same(name: str, one: str, other: str) -> bool:
    """Whether two texts of a field are the same: numbers by value, days as days, text to the letter."""
    field = FIELDS.get(name)
    if field is not None and field.kind in ("whole", "number", "day") and one and other:
        return same_text(one, other)
    return one == other


def variable_name(name: str) -> str:
    """The bare name of a custom variable; "" for a field."""
    return _variable(name)


def _variable(name: str) -> str:
    bare = name.removeprefix(VARIABLE_PREFIX)
    return bare if bare != name and re.fullmatch(r"[\w.-][\w. -]*", bare) else ""


def _refuse_day(text: str, today: date) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return f"{text!r} is no date: write YYYY-MM-DD."
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return f"{text} is not in the calendar."
    if day > today:
        return f"{text} is in the future."
    return f"{text} is not plausible." if day.year < _EARLIEST_YEAR else ""
