"""`verify`: prove a finished export or copy by the bytes."""

from __future__ import annotations

import re
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
from xnat_tui.errors import UsageError
from xnat_tui.model.display import counted
from xnat_tui.model.filters import Filters

if TYPE_CHECKING:
    from xnat_tui.services.workspace import Workspace

_LOCATION = re.compile(r"https?://|[A-Za-z0-9][A-Za-z0-9._-]*:", re.IGNORECASE)


@click.command(cls=Command)
@click.argument("source", type=LOCATION)
@click.argument("destination", type=LOCATION, required=False)
@difference_options
@file_options
@filter_options
@pass_state
def verify(
    state: State,
    source: str,
    destination: str | None,
    everything: bool,
    as_csv: bool,
    report: Path | None,
    raw: bool,
    readable: bool,
    filters: Filters,
) -> int:
    """Prove that DESTINATION holds the files of SOURCE, byte for byte; exit 1 where it does not.

    Each is a location or an exported folder, whose files are read and hashed. A folder alone, or twice, is
    proved by its own manifest, and no server is asked.
    """
    from xnat_tui.services.comparing import reports

    if report is not None:
        reports.check_file(report)
    started = time.monotonic()
    one = _folder(source)
    other = one if destination is None else _folder(destination)
    if destination is None and one is None:
        raise UsageError("A location is verified against another, or against a folder.", "Name both.")
    with state.workspace() as workspace:
        for text in (source, destination or source):
            if _LOCATION.match(text):
                workspace.connection(workspace.location(text).server)  # may ask for a password
        with told(state, lambda: "verifying"):
            found = _found(workspace, one or source, other or destination or "", filters, everything)
    found["seconds"] = round(time.monotonic() - started, 3)
    if state.output.wants_json:
        state.output.document(found)
    elif as_csv:
        state.output.raw(reports.as_csv(found, raw=raw))
    else:
        for line in reports.as_lines(found):
            state.output.line(line)
    _say_what_it_rests_on(state, found)
    if report is not None:
        say_narrowed(state, report, reports.write_document(found, report, raw=raw, readable=readable))
    return _exit_code(found["summary"])


def _folder(text: str) -> Path | None:
    """A folder, unless it reads like a location; `./lab:P` is a folder in any case."""
    if _LOCATION.match(text):
        return None
    if not Path(text).expanduser().is_dir():
        raise UsageError(
            f"{text!r} is neither a location nor a folder.", "A location is written NAME:PROJECT/SUBJECT."
        )
    return Path(text).expanduser()


def _found(
    workspace: Workspace, one: Path | str, other: Path | str, filters: Filters, everything: bool
) -> dict[str, Any]:
    from xnat_tui.services.comparing import reports
    from xnat_tui.services.comparing import verification as service

    if isinstance(one, str) and isinstance(other, str):
        comparison = workspace.compare(one, other, depth="digests", filters=filters)
        return reports.document(comparison, everything=everything)
    if isinstance(one, Path) and isinstance(other, Path):
        _refuse_filters(filters)
        same = one.resolve() == other.resolve()
        found = service.verify_manifest(one) if same else service.verify_folders(one, other)
        return found.document(everything=everything)
    location, folder = (one, other) if isinstance(one, str) else (other, one)
    places = list(workspace.find(str(location)))
    found = service.verify_against(
        workspace.reader(places[0].server),
        places,
        Path(folder),
        filters=filters,
        folder_is_source=isinstance(one, Path),
    )
    return found.document(everything=everything)


def _refuse_filters(filters: Filters) -> None:
    if filters.narrows:
        raise UsageError("Filters ask a server what its items are.", "Name a location on one side.")


def _say_what_it_rests_on(state: State, found: dict[str, Any]) -> None:
    summary = found["summary"]
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary.items())
    state.output.note(f"{found['source']} ⇄ {found['destination']}, by digests: {counts}")
    if unverified := summary["unverified"]:
        are = f"{counted(unverified, 'file')} {'is' if unverified == 1 else 'are'}"
        state.output.note(
            f"{are} equal by size only: a side has no digest.\nhint: xnat-tui catalog refresh LOC --checksum"
        )
    for side, user in found["seen_by"].items():
        if user:
            state.output.note(f"As seen by {user} on the {side}.")


def _exit_code(summary: dict[str, int]) -> ExitCode:
    """Differences come first; without any, what could not be read forbids to say "identical"."""
    if summary["differs"] or summary["only_source"] or summary["only_destination"]:
        return ExitCode.DIFFERENCES
    return ExitCode.FAILED if summary["unreadable"] else ExitCode.DONE
