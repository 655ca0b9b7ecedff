"""`demographics`: subjects' fields shown, set, filled in from DICOM headers, and exchanged as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.changing import carry_out, report_rows
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.files import file_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.display import counted

if TYPE_CHECKING:
    from xnat_tui.services.administration.demographics import Demographics, Subject
    from xnat_tui.services.workspace import Workspace

_KEYS = ("subject", "ID", "project")
_LOCATION = click.argument("location", type=LOCATION, metavar="LOC")


@click.group(cls=Group)
def demographics() -> None:
    """Show and set subjects' demographics and custom variables.

    Fields have the names of XNAT's subject list: gender, dob, yob, age, handedness, education, race,
    ethnicity, ses, height, weight, group, src ...; a custom variable is fields/NAME.
    """


@demographics.command()
@_LOCATION
@pass_state
def show(state: State, location: str) -> None:
    """Print what is stored of the subjects at LOC."""
    with state.workspace() as workspace:
        service, subjects = _open(workspace, location)
        columns = service.columns(subjects)
    if state.output.wants_json or len(subjects) != 1:
        rows = _rows(subjects, columns if not state.output.wants_json else None)
        report_rows(state, ["subject", *columns], rows)
        return
    (subject,) = subjects
    values = subject.person.values
    cells = [(name, values.get(name, "")) for name in columns]
    state.output.table(["field", "value"], cells, fold="value")
    if subject.person.shares:
        state.output.note(f"Shared into {', '.join(subject.person.shares)}.")


@demographics.command("set")
@_LOCATION
@click.argument("assignments", nargs=-1, required=True, metavar="NAME=VALUE...")
@write_options
@pass_state
def set_(state: State, location: str, assignments: tuple[str, ...], consent: Consent) -> int:
    """Set fields of the subjects at LOC; NAME= clears one.

    Only one of dob, yob and age can stand: setting one clears the others.
    """
    from xnat_tui.model.demographics import checked_values
    from xnat_tui.services.administration.demographics import checked_assignments

    values = checked_values(checked_assignments(assignments))
    with state.workspace() as workspace:
        places = list(workspace.find(location))
        service = workspace.demographics(places[0].server)
        changes = service.plan_set(places, values)
        server = workspace.server(places[0].server)
        return carry_out(state, changes, service.do, consent, server=server)


@demographics.command("from-dicom")
@_LOCATION
@click.option("--replace", is_flag=True, help="Also replace stored values that differ.")
@click.option("--every-scan", is_flag=True, help="Read one file of each scan, not of each session.")
@write_options
@pass_state
def from_dicom(state: State, location: str, replace: bool, every_scan: bool, consent: Consent) -> int:
    """Fill in what DICOM headers say: sex, birth date or age, size, weight.

    Nothing is guessed: where headers disagree, or a value is not plausible, that is shown and left alone.
    """

    with state.workspace() as workspace:
        places = list(workspace.find(location))
        service = workspace.demographics(places[0].server)
        changes, findings = service.plan_from_headers(places, replace=replace, every_scan=every_scan)
        server = workspace.server(places[0].server)
        return carry_out(state, changes, service.do, consent, server=server, notes=findings)


@demographics.command("import")
@_LOCATION
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.csv",
    help="A column `subject` (label or ID), and one column per field.",
)
@click.option("--clear-empty", is_flag=True, help="An empty cell clears its field; else it leaves it alone.")
@click.option("--raw", is_flag=True, help="The table was exported with --raw: take cells as they stand.")
@write_options
@pass_state
def import_(state: State, location: str, table: Path, clear_empty: bool, raw: bool, consent: Consent) -> int:
    """Set fields of project LOC's subjects from a table.

    In a cell `'=` means =, and ␊ or <U+000A> a line break, as `export` writes them.
    """
    from xnat_tui.model.entities import Kind
    from xnat_tui.services.administration.demographics import read_table

    read = read_table(table, raw=raw)
    with state.workspace() as workspace:
        project = workspace.find_one(location)
        if project.kind is not Kind.PROJECT:
            raise click.UsageError(f"{location} is no project.")
        service = workspace.demographics(project.server)
        changes = service.plan_table(project, read, clear_empty=clear_empty)
        server = workspace.server(project.server)
        return carry_out(state, changes, service.do, consent, server=server)


@demographics.command()
@_LOCATION
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Where to, readable by you only; stdout without it.",
)
@file_options
@pass_state
def export(state: State, location: str, table: Path | None, raw: bool, readable: bool) -> None:
    """Write what is stored of the subjects at LOC as a table that `import` reads again.

    A spreadsheet runs nothing of it: formulas begin with ', control characters are shown as ␊ or <U+000A>.
    """
    from xnat_tui.services import tables

    with state.workspace() as workspace:
        service, subjects = _open(workspace, location)
        columns = service.columns(subjects)
    rows = _rows(subjects, columns)
    text = tables.write([*_KEYS, *columns], rows, raw=raw)
    if table is not None:
        tables.save(table, text, readable=readable)
        state.output.note(f"{counted(len(rows), 'subject')} written to {table}.")
    if state.output.wants_json:
        report_rows(state, [], rows)
    elif table is None:
        state.output.raw(text)


def _open(workspace: Workspace, location: str) -> tuple[Demographics, list[Subject]]:

    places = list(workspace.find(location))
    service = workspace.demographics(places[0].server)
    return service, service.subjects(places)


def _rows(subjects: Sequence[Subject], columns: Sequence[str] | None) -> list[dict[str, str]]:
    """Rows under the listing's names; all known fields where no columns are named."""
    rows = []
    for subject in subjects:
        person = subject.person
        values = person.values if columns is None else {name: person.values.get(name, "") for name in columns}
        rows.append({"subject": person.label, "ID": person.id, "project": person.project, **values})
    return rows
