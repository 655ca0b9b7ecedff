"""`compare`: what differs between two places."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.files import difference_options, file_options, say_narrowed
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.progress import told
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.display import counted
from xnat_tui.model.filters import Filters

if TYPE_CHECKING:
    from xnat_tui.services.comparing.compared import Compared
    from xnat_tui.services.comparing.comparison import Comparison


@click.command(cls=Command)
@click.argument("source", type=LOCATION)
@click.argument("destination", type=LOCATION)
@click.option(
    "--depth",
    type=click.Choice(["projects", "labels", "sizes", "digests"]),
    help="How closely files are compared, sizes by default; of two servers, projects only counts.",
)
@click.option(
    "--fields",
    type=click.Choice(["listed", "all"]),
    default="listed",
    show_default=True,
    help="What bulk listings give, or every field of every item's document.",
)
@click.option(
    "--hash-missing",
    is_flag=True,
    help="Fetch and hash files that a server has no digest of; implies --depth digests.",
)
@difference_options
@file_options
@filter_options
@pass_state
def compare(
    state: State,
    source: str,
    destination: str,
    depth: str | None,
    fields: str,
    hash_missing: bool,
    everything: bool,
    as_csv: bool,
    report: Path | None,
    raw: bool,
    readable: bool,
    filters: Filters,
) -> int:
    """Compare SOURCE with DESTINATION, completely; exit 1 where they differ.

    Glyphs: = same, * differs, < only in SOURCE, > only in DESTINATION, ! could not be read.
    """
    from xnat_tui.services.comparing import reports

    if hash_missing and depth not in (None, "digests"):
        raise click.UsageError("--hash-missing compares by digests: leave --depth out.")
    depth = depth or ("digests" if hash_missing else "sizes")
    if report is not None:
        reports.check_file(report)
    started = time.monotonic()
    with state.workspace() as workspace:
        if depth == "projects":
            _check_whole(fields, filters)
            comparison: Compared = workspace.compare_sites(source, destination)
            hashed = None
        else:
            comparison = deep = workspace.comparison(
                source, destination, depth=depth, fields=fields, filters=filters
            )
            with told(state, lambda: _how_far(deep)):
                deep.run()
            hashed = _hash(state, deep) if hash_missing else None
        seconds = time.monotonic() - started
        found = reports.document(comparison, everything=everything, seconds=seconds)
        if hashed is not None:
            found["hashed"] = hashed
    if state.output.wants_json:
        state.output.document(found)
    elif as_csv:
        state.output.raw(reports.as_csv(found, raw=raw))
    else:
        for line in reports.as_lines(found):
            state.output.line(line)
    _say_what_it_rests_on(state, comparison, found)
    if report is not None:
        say_narrowed(state, report, reports.write_document(found, report, raw=raw, readable=readable))
    return _exit_code(found["summary"])


def _check_whole(fields: str, filters: Filters) -> None:
    if fields != "listed" or filters != Filters():
        raise click.UsageError("--depth projects counts whole projects: leave filters and --fields out.")


def _how_far(comparison: Comparison) -> str:
    progress = comparison.progress
    return f"{counted(progress.compared, 'place')} compared, {progress.waiting} waiting"


def _hash(state: State, comparison: Comparison) -> dict[str, int]:
    from xnat_tui.services.comparing.hashing import hash_missing

    with told(state, lambda: "fetching and hashing files without a digest"):
        done = hash_missing(comparison)
    state.output.note(f"Fetched and hashed {counted(done.files, 'file')}, {done.bytes} bytes.")
    return {"files": done.files, "bytes": done.bytes}


def _say_what_it_rests_on(state: State, comparison: Compared, found: dict[str, Any]) -> None:
    summary = found["summary"]
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary.items())
    state.output.note(f"{found['source']} ⇄ {found['destination']}, by {found['depth']}: {counts}")
    if unverified := summary["unverified"]:
        are = f"{counted(unverified, 'file')} {'is' if unverified == 1 else 'are'}"
        state.output.note(
            f"{are} equal by name and size only: a server lacks digests.\n"
            "hint: compare with --hash-missing, or xnat-tui catalog refresh LOC --checksum"
        )
    if found["depth"] == "projects":
        state.output.note("What projects hold was counted, not looked at: --depth labels does that.")
    if shared := found["shared_on_one_side"]:
        what = "One item is" if shared == 1 else f"{shared} items are"
        state.output.note(f"{what} owned on one side and only shared in on the other; --all tells which.")
    one, other = comparison.source.reader.connection, comparison.destination.reader.connection
    state.output.note(f"As seen by {one.user} on the source and {other.user} on the destination.")


def _exit_code(summary: dict[str, int]) -> ExitCode:
    """Differences come first; without any, what could not be read forbids to say "identical"."""
    if summary["differs"] or summary["only_source"] or summary["only_destination"]:
        return ExitCode.DIFFERENCES
    return ExitCode.FAILED if summary["unreadable"] else ExitCode.DONE
