"""The filters that `show compare export copy verify upload datatypes` share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from xnat_tui.cli.help import FilterOption
from xnat_tui.model.filters import Filters

_GLOBS = {
    "subject": ("GLOB", "Subjects by label or ID."),
    "session": ("GLOB", "Sessions by label or ID."),
    "type": ("XSI_TYPE", "Session types, such as xnat:mrSessionData."),
    "modality": ("NAME", "Session modalities, such as MR."),
    "scan": ("GLOB", "Scans by ID."),
    "scan_type": ("GLOB", "Scans by type."),
    "resource": ("GLOB", "Resources by label."),
}
_DATE = click.DateTime(["%Y-%m-%d", "%Y%m%d"])


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Every filter and its --exclude twin, handed over as `filters: Filters`."""

    @functools.wraps(function)
    def with_filters(*arguments: Any, **options: Any) -> Any:
        globs = {name: options.pop(name) for name in (*_GLOBS, *(f"exclude_{name}" for name in _GLOBS))}
        since, until = _day(options.pop("since")), _day(options.pop("until"))
        if since and until and until < since:
            raise click.UsageError(f"--until {until} is before --since {since}.")
        filters = Filters(**globs, since=since, until=until, limit_subjects=options.pop("limit_subjects"))
        return function(*arguments, filters=filters, **options)

    decorated: Callable[..., Any] = with_filters
    for option in reversed(_options()):
        decorated = option(decorated)
    return decorated


def _options() -> list[Callable[..., Any]]:
    def glob(name: str, prefix: str, help: str) -> Callable[..., Any]:
        return click.option(
            f"--{prefix}{name.replace('_', '-')}",
            cls=FilterOption,
            multiple=True,
            metavar=_GLOBS[name][0],
            help=help,
        )

    def other(name: str, type: click.ParamType[Any], metavar: str, help: str) -> Callable[..., Any]:
        return click.option(name, cls=FilterOption, type=type, metavar=metavar, help=help)

    return [
        *(glob(name, "", f"{help[:-1]}; repeatable.") for name, (_, help) in _GLOBS.items()),
        *(
            glob(name, "exclude-", f"Not these {help[0].lower()}{help[1:]}")
            for name, (_, help) in _GLOBS.items()
        ),
        other("--since", _DATE, "DATE", "Sessions from this date on (YYYY-MM-DD)."),
        other("--until", _DATE, "DATE", "Sessions up to this date, included."),
        other("--limit-subjects", click.IntRange(1), "N", "At most N subjects."),
    ]


def _day(value: datetime | None) -> date | None:
    return value.date() if value is not None else None
