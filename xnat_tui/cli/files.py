"""Options of verbs that write tables and reports: for whom, and how exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from xnat_tui.cli.state import State

_F = TypeVar("_F", bound=Callable[..., Any])


def difference_options(command: _F) -> _F:
    """What a list of differences may be written as."""
    for option in (
        click.option(
            "--report",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Also write a report: .html, .md, .csv or .json; only you can read it.",
        ),
        click.option("--csv", "as_csv", is_flag=True, help="One row per difference, as CSV."),
        click.option("--all", "everything", is_flag=True, help="List what is the same, too."),
    ):
        command = option(command)
    return command


def file_options(command: _F) -> _F:
    """`--raw` and `--readable`, as `raw` and `readable`."""
    raw = click.option(
        "--raw",
        is_flag=True,
        help="CSV cells exactly as they are, formulas and control characters too: for programs.",
    )
    readable = click.option("--readable", is_flag=True, help="Let others read the file that is written.")
    return raw(readable(command))


def say_narrowed(state: State, path: Path, narrowed: bool) -> None:
    """A file that was there keeps no mode that lets others read what it says now."""
    if narrowed:
        state.output.warning(f"Others could read {path}; only you can now. --readable lets them.")
