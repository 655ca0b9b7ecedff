"""`header`: the DICOM header of a file, and what a de-identification would make of it."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state

if TYPE_CHECKING:
    from xnat_tui.services.deidentifying.preview import Preview
    from xnat_tui.services.dicom.headers import HeaderRow


@click.command(cls=Command)
@click.argument("location", type=LOCATION, metavar="FILE_LOCATION")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="GLOB",
    help="Only elements whose tag, keyword or name matches, such as 0018,* or *Time; repeatable.",
)
@click.option("--show-patient", is_flag=True, help="Show what may name a person, too.")
@click.option("--deidentify", "named", metavar="PROFILE", help="Before and after: basic, or a TOML file.")
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The key that new UIDs, labels and dates are made by.",
)
@click.option("--new-key", is_flag=True, help="Make the key file first; it must not be there yet.")
@pass_state
def header(
    state: State,
    location: str,
    tags: tuple[str, ...],
    show_patient: bool,
    named: str | None,
    key: Path | None,
    new_key: bool,
) -> int:
    """Show the DICOM header of a file, or of the first file of a scan, session or resource.

    Only its beginning is read. Fields about the patient are masked unless --show-patient is given. With
    --deidentify, each element is shown before and after, with the reason; nothing is changed anywhere.
    """
    if named is None and (key is not None or new_key):
        raise click.UsageError("--key and --new-key belong to --deidentify.")
    if named is not None:
        return _compared(state, location, tags, named, (key, new_key), show_patient=show_patient)
    from xnat_tui.services.dicom.headers import first_header, rows

    with state.workspace() as workspace:
        place = workspace.find_one(location)
        dataset = first_header(workspace.reader(place.server), place)
    found = [row for row in rows(dataset, show_patient=show_patient) if _wanted(row, tags)]
    if state.output.wants_json:
        items = [asdict(row) for row in found]
        state.output.document({"items": items, "changed": [], "failed": []})
    else:
        cells = [["  " * row.depth + row.tag, row.vr, row.name, row.value] for row in found]
        state.output.table(["TAG", "VR", "NAME", "VALUE"], cells, whole=["VR"], fold="VALUE")
        _tell_masked(state, found)
    return ExitCode.DONE


def _compared(
    state: State,
    location: str,
    tags: tuple[str, ...],
    named: str,
    key: tuple[Path | None, bool],
    *,
    show_patient: bool,
) -> int:
    """Before and after, with the reason; exit code 1 where the file would be held."""
    from xnat_tui.services.deidentifying.keys import open_key
    from xnat_tui.services.deidentifying.preview import preview_first
    from xnat_tui.services.deidentifying.profile import read_profile

    profile = read_profile(named)
    opened = open_key(*key)
    with state.workspace() as workspace:
        place = workspace.find_one(location)
        reader = workspace.reader(place.server)
        shown = preview_first(reader, place, profile, opened, show_patient=show_patient)
    _show(state, shown, tags)
    return ExitCode.DIFFERENCES if shown.held else ExitCode.DONE


def _show(state: State, shown: Preview, tags: tuple[str, ...]) -> None:
    found = [one for one in shown.elements if _wanted(one.row, tags)]
    if state.output.wants_json:
        items = [
            {**asdict(one.row), "value": one.before, "after": one.after, "reason": one.why} for one in found
        ]
        document = {"items": items, "held": shown.held, "changed": [], "failed": []}
        state.output.document(document)
        return
    cells = [
        [
            "  " * one.row.depth + one.row.tag,
            one.row.name,
            "-" if one.before is None else one.before,
            "-" if one.after is None else one.after,
            one.why,
        ]
        for one in found
    ]
    state.output.table(["TAG", "NAME", "BEFORE", "AFTER", "WHY"], cells, fold="WHY")
    _tell_masked(state, [one.row for one in found])
    if shown.held:
        state.output.note(f"This file would be held: {shown.held}.")
    else:
        state.output.note("Whether any value is left elsewhere is proved when all of the file is read.")


def _tell_masked(state: State, rows: list[HeaderRow]) -> None:
    if masked := sum(row.masked for row in rows):
        state.output.note(f"{masked} values about the patient are masked; --show-patient shows them.")


def _wanted(row: HeaderRow, globs: tuple[str, ...]) -> bool:
    names = (row.tag.strip("()"), row.tag.replace(",", "").strip("()"), row.keyword, row.name)
    return not globs or any(
        fnmatch.fnmatchcase(name.casefold(), glob.strip("()").casefold()) for name in names for glob in globs
    )
