"""`header`: the DICOM header of a file."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state

if TYPE_CHECKING:
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
@pass_state
def header(state: State, location: str, tags: tuple[str, ...], show_patient: bool) -> int:
    """Show the DICOM header of a file, or of the first file of a scan, session or resource.

    Only its beginning is read. Fields about the patient are masked unless --show-patient is given.
    """
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
        if masked := sum(row.masked for row in found):
            state.output.note(f"{masked} values about the patient are masked; --show-patient shows them.")
    return ExitCode.DONE


def _wanted(row: HeaderRow, globs: tuple[str, ...]) -> bool:
    names = (row.tag.strip("()"), row.tag.replace(",", "").strip("()"), row.keyword, row.name)
    return not globs or any(
        fnmatch.fnmatchcase(name.casefold(), glob.strip("()").casefold()) for name in names for glob in globs
    )
