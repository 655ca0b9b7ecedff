"""`prearchive`: what has arrived and is not archived yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import Interrupted, NotFound, UsageError, XnatTuiError
from xnat_tui.model.display import counted, short_size
from xnat_tui.model.prearchive import ORDERS, UNASSIGNED, Labels, Received, Selection, ordered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnat_tui.model.changes import Change
    from xnat_tui.services.administration.prearchive.details import Details
    from xnat_tui.services.administration.prearchive.sessions import Prearchive
    from xnat_tui.services.workspace import Workspace

_STATUSES = ("READY", "CONFLICT", "ERROR", "RECEIVING", "BUILDING", "ARCHIVING", "MOVING", "DELETING")
Size = tuple[int | None, int | None]
"""Files and bytes, None where the server does not tell."""
_KIND_HINT = "Write NAME:PROJECT, NAME:PROJECT/SUBJECT/SESSION or NAME:PROJECT/TIMESTAMP/FOLDER; globs work."


@click.group(cls=Group)
def prearchive() -> None:
    """List, archive, move, rebuild and delete what has arrived and is not archived yet.

    Another subject or session label is given while archiving: XNAT has no call that changes it before.

    LOC is NAME: for all, NAME:PROJECT (Unassigned for none), NAME:PROJECT/SUBJECT/SESSION or
    NAME:PROJECT/TIMESTAMP/FOLDER; shell globs work in each part.
    """


def _selecting(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--newer-than", type=click.FloatRange(0), metavar="DAYS", help="Arrived since then."),
        click.option(
            "--older-than",
            type=click.FloatRange(0),
            metavar="DAYS",
            help="Arrived before that. The server's times are read in its `timezone` of config.toml,"
            " or in this machine's.",
        ),
        click.option(
            "--status",
            multiple=True,
            metavar="STATUS",
            help=f"Only these statuses, such as {', '.join(_STATUSES[:3])}; repeatable.",
        ),
        click.argument("location", required=False, type=LOCATION, metavar="[LOC]"),
    ):
        function = option(function)
    return function


@prearchive.command("list")
@_selecting
@click.option("--sizes", is_flag=True, help="Count files and bytes, too: one more question per session.")
@click.option(
    "--sort", type=click.Choice(list(ORDERS)), help="Oldest or largest first, by project or status."
)
@pass_state
def list_(state: State, /, sizes: bool, sort: str | None, **chosen: Any) -> int:
    """List sessions that have arrived; without LOC, those of every saved server, one after the other."""
    names = list(state.settings.servers)
    sizes = sizes or sort == "size"
    if chosen["location"] is None and len(names) > 1:
        return _list_everywhere(state, names, sizes, sort, chosen)
    with state.workspace() as workspace, _open(state, workspace, chosen) as (panel, selection):
        found = _sized(panel, selection, sizes, sort)
        if state.output.wants_json:
            _document(state, [_item(one, size) for one, size in found])
            return ExitCode.DONE
        _table(state, [], [_cells(one, size) for one, size in found], sizes)
        state.output.note(f"{counted(len(found), 'session')}, as seen by {panel.connection.user}.")
    return ExitCode.DONE


def _sized(
    panel: Prearchive, selection: Selection, sizes: bool, sort: str | None
) -> list[tuple[Received, Size | None]]:
    found = panel.sessions(selection)
    held = {one.url: panel.size(one) for one in found} if sizes else {}
    if sort:
        found = ordered(found, sort, {url: size for url, (_, size) in held.items()})
    return [(one, held.get(one.url)) for one in found]


def _list_everywhere(
    state: State, names: Sequence[str], sizes: bool, sort: str | None, chosen: dict[str, Any]
) -> int:
    """One server that cannot be asked does not hide the others."""
    items: list[dict[str, Any]] = []
    cells: list[list[str]] = []
    failed: list[dict[str, str]] = []
    with state.workspace() as workspace:
        for name in names:
            try:
                with _open(state, workspace, chosen | {"location": f"{name}:"}) as (panel, selection):
                    for one, size in _sized(panel, selection, sizes, sort):
                        items.append({"server": name, **_item(one, size)})
                        cells.append([name, *_cells(one, size)])
            except Interrupted:
                raise
            except XnatTuiError as error:
                failed.append({"server": name, "error": error.message, "hint": error.hint})
    if state.output.wants_json:
        state.output.document({"items": items, "changed": [], "failed": failed})
    else:
        _table(state, ["SERVER"], cells, sizes)
    for trouble in failed:
        hint = f" hint: {trouble['hint']}" if trouble["hint"] else ""
        state.output.warning(f"! {trouble['server']}: {trouble['error']}{hint}")
    state.output.note(f"{counted(len(items), 'session')} on {counted(len(names) - len(failed), 'server')}.")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _table(state: State, before: list[str], cells: Sequence[Sequence[str]], sizes: bool) -> None:
    headers = ["PROJECT", "SUBJECT", "SESSION", "STATUS", "ARRIVED", "TIMESTAMP"]
    figures = ["FILES", "SIZE"] if sizes else []
    state.output.table([*before, *headers, *figures], cells, right=figures, whole=("SESSION", "ARRIVED"))


@prearchive.command()
@_selecting
@click.option("--files", is_flag=True, help="List the files, too.")
@click.option("--header", is_flag=True, help="Show the DICOM header of the first file, too.")
@click.option("--show-patient", is_flag=True, help="Show what in the header may name a person.")
@pass_state
def show(state: State, /, files: bool, header: bool, show_patient: bool, **chosen: Any) -> int:
    """Show scans, log, and what archiving would meet or differ from."""
    from xnat_tui.services.administration.prearchive import contents

    with state.workspace() as workspace, _open(state, workspace, chosen) as (panel, selection):
        found = [panel.details(one) for one in _found(panel, selection)]
        connection = panel.connection
        more: list[dict[str, list[dict[str, Any]]]] = [{} for _ in found]
        for one, parts in zip(found, more, strict=True):
            if files:
                parts["files"] = [asdict(file) for file in contents.files(connection, one.session)]
            if header:
                shown = contents.header(connection, one.session, show_patient=show_patient)
                parts["header"] = [asdict(row) for row in shown]
        if state.output.wants_json:
            _document(state, [_details_item(one) | parts for one, parts in zip(found, more, strict=True)])
        else:
            for number, (one, parts) in enumerate(zip(found, more, strict=True)):
                if number:
                    state.output.line()
                for line in (*_details_lines(one, panel.name), *_more_lines(parts)):
                    state.output.line(line)
        for one in found:
            for part, error in one.unreadable.items():
                hint = f" hint: {error.hint}" if error.hint else ""
                where = one.session.location(panel.name)
                state.output.warning(f"! {where}: {part}: {error.message}{hint}")
    return ExitCode.FAILED if any(one.unreadable for one in found) else ExitCode.DONE


@prearchive.command()
@_selecting
@click.option(
    "--as",
    "labels",
    metavar="SUBJECT/SESSION",
    help="Labels in the archive; either part may be empty, or a template: {PatientID}_{StudyDate}.",
)
@click.option(
    "--overwrite",
    type=click.Choice(["none", "append", "delete"]),
    default="none",
    show_default=True,
    help="What to do where the session exists: refuse, merge, or replace.",
)
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Columns session, and perhaps timestamp, new_subject, new_label: only these sessions of LOC.",
)
@write_options
@pass_state
def archive(
    state: State,
    /,
    labels: str | None,
    overwrite: str,
    table: Path | None,
    consent: Consent,
    **chosen: Any,
) -> int:
    """Archive sessions that are READY, CONFLICT or ERROR, under other labels if these are given.

    XNAT changes the subject and label of a received session only as it archives it.
    """
    from xnat_tui.services import tables
    from xnat_tui.services.administration.prearchive.sessions import TABLE_KEY, TABLE_OPTIONAL, TABLE_REQUIRED

    if labels and table is not None:
        raise click.UsageError("Give --as SUBJECT/SESSION or --table FILE.csv.")
    wanted = Labels.parse(labels) if labels else Labels()
    read = None
    if table is not None:
        read = tables.read(table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=TABLE_KEY)

    def plan(panel: Prearchive, found: Sequence[Received]) -> list[Change]:
        if read is not None:
            return panel.plan_archive_table(found, read, overwrite)
        return panel.plan_archive(found, wanted, overwrite)

    return _change(state, chosen, consent, plan, "Archive")


@prearchive.command()
@_selecting
@click.option("--to", "project", required=True, metavar="PROJECT", help="The project to give them to.")
@write_options
@pass_state
def move(state: State, /, project: str, consent: Consent, **chosen: Any) -> int:
    """Give sessions to another project; they stay in the prearchive."""

    def plan(panel: Prearchive, found: Sequence[Received]) -> list[Change]:
        return panel.plan_move(found, project)

    return _change(state, chosen, consent, plan, "Move")


@prearchive.command()
@_selecting
@write_options
@pass_state
def rebuild(state: State, /, consent: Consent, **chosen: Any) -> int:
    """Have the server describe sessions anew from their files."""

    def plan(panel: Prearchive, found: Sequence[Received]) -> list[Change]:
        return panel.plan_rebuild(found)

    return _change(state, chosen, consent, plan, "Rebuild")


@prearchive.command()
@_selecting
@click.option("--glob", "globs", is_flag=True, help="Let shell globs in LOC mean all that they match.")
@write_options
@pass_state
def delete(state: State, /, globs: bool, consent: Consent, **chosen: Any) -> int:
    """Delete sessions that were never archived. The project's ID has to be typed.

    LOC names them exactly, unless --glob is given.
    """

    def plan(panel: Prearchive, found: Sequence[Received]) -> list[Change]:
        return panel.plan_delete(found)

    return _change(state, chosen | {"globs": globs}, consent, plan, "Delete")


def _change(
    state: State,
    chosen: dict[str, Any],
    consent: Consent,
    plan: Callable[[Prearchive, Sequence[Received]], list[Change]],
    word: str,
) -> int:
    with state.workspace() as workspace, _open(state, workspace, chosen) as (panel, selection):
        if not selection.steps:
            raise UsageError(
                "Name a project or a session: this is never done to all of a server.", _KIND_HINT
            )
        found = _found(panel, selection)
        notes = []
        if len(selection.steps) == 1 and not selection.status:
            idle = [one for one in found if one.settled]
            if busy := len(found) - len(idle):
                notes.append(f"{busy} sessions that the server works on are left alone.")
            found = idle
        changes = plan(panel, found)
        count = sum(not change.refusal for change in changes)
        question = f"{word} {'this session' if count == 1 else f'these {count} sessions'}?"
        server = workspace.server(panel.name)
        return carry_out(state, changes, panel.do, consent, server=server, question=question, notes=notes)


@contextmanager
def _open(
    state: State, workspace: Workspace, chosen: dict[str, Any]
) -> Iterator[tuple[Prearchive, Selection]]:
    from xnat_tui.services.administration.prearchive.sessions import locate

    server, steps = locate(workspace, chosen["location"] or _only_server(state))
    selection = Selection(
        steps,
        tuple(chosen["status"]),
        older_than=_days(chosen["older_than"]),
        newer_than=_days(chosen["newer_than"]),
        globs=chosen.get("globs", True),
    )
    yield workspace.prearchive(server), selection


def _only_server(state: State) -> str:
    names = list(state.settings.servers)
    if len(names) != 1:
        raise UsageError(
            "Say on which server: NAME: or NAME:PROJECT.", f"Saved servers: {', '.join(names) or 'none'}."
        )
    return f"{names[0]}:"


def _found(panel: Prearchive, selection: Selection) -> list[Received]:
    found = panel.sessions(selection)
    if not found:
        raise NotFound(
            "Nothing in the prearchive matches.", f"As seen by {panel.connection.user}. {_KIND_HINT}"
        )
    return found


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def _document(state: State, items: list[dict[str, Any]]) -> None:
    state.output.document({"items": items, "changed": [], "failed": []})


def _item(one: Received, size: Size | None) -> dict[str, Any]:
    return {**one.fields, **({} if size is None else {"files": size[0], "bytes": size[1]})}


def _cells(one: Received, size: Size | None) -> list[str]:
    arrived = one.fields.get("uploaded", "").partition(".")[0]
    cells = [one.project or UNASSIGNED, one.subject, one.name, one.status, arrived, one.timestamp]
    return cells if size is None else [*cells, _number(size[0]), _size(size[1])]


def _details_item(one: Details) -> dict[str, Any]:
    return {
        **one.session.fields,
        "scans": [asdict(scan) for scan in one.scans],
        "log": list(one.log),
        "problems": [asdict(problem) for problem in one.problems],
        "archived": one.archived,
        "differences": [asdict(difference) for difference in one.differences],
        "unreadable": {part: error.message for part, error in one.unreadable.items()},
    }


def _details_lines(one: Details, server: str) -> Iterator[str]:
    session = one.session
    yield session.location(server)
    yield f"  subject  {session.subject or '(none)'}"
    yield f"  session  {session.name or '(none)'}"
    yield f"  status   {session.status}"
    yield f"  scanned  {session.scanned}".rstrip()
    for scan in one.scans:
        noun = "file" if scan.files == 1 else "files"
        figures = f"{_number(scan.files)} {noun}  {_size(scan.bytes)}"
        yield f"  scan {scan.id}  {scan.series_description}  {scan.type}  {figures}"
    for problem in one.problems:
        yield f"  {problem.type}: {problem.message}"
    if one.archived:
        count = len(one.differences)
        yield f"  archived as {one.archived}, {'nothing differs' if not count else f'{count} differences'}"
    for found in one.differences:
        where = found.path or "session"
        yield f"    * {where} {found.name}: {found.prearchive} here, {found.archive} in the archive"
    for line in one.log:
        yield f"  log: {line}"


def _more_lines(parts: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for file in parts.get("files", []):
        yield f"  file {file['scan']}/{file['resource']}/{file['name']}  {_size(file['bytes'])}"
    for row in parts.get("header", []):
        yield f"  {'  ' * row['depth']}{row['tag']}  {row['vr']}  {row['name']}  {row['value']}".rstrip()


def _number(number: int | None) -> str:
    return "?" if number is None else str(number)


def _size(number: int | None) -> str:
    return "?" if number is None else short_size(number)
