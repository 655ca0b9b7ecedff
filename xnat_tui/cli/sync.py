"""`sync`: two places kept alike, by what they were when they were last proved so. Runs: `sync_runs.py`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command, Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.cli.sync_runs import adopt, run
from xnat_tui.cli.transfer_options import transfer_options
from xnat_tui.model.display import size_words
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnat_tui.services.syncing.definitions import Sync


@click.group(cls=Group)
def sync() -> None:
    """Keep two projects, subjects or sessions alike.

    A run copies what is new at the source and updates what changed there alone. What changed at the
    destination is kept, what changed on both sides is a conflict, and nothing is ever deleted there.
    """


def _schedule(function: Callable[..., Any]) -> Callable[..., Any]:
    every = click.option("--every", metavar="6h", help="Due so long after the last run: 30m, 6h, 1d.")
    at = click.option("--at", metavar="02:30", help="Due at this time of day.")
    return every(at(function))


_DEPTH = click.option(
    "--depth", type=click.Choice(["sizes", "digests"]), help="How closely files are compared; sizes usually."
)
_NAME = click.argument("name")


@sync.command(cls=Command)
@_NAME
@click.argument("source", type=LOCATION)
@click.argument("destination", type=LOCATION)
@_DEPTH
@_schedule
@transfer_options("copy")
@filter_options
@pass_state
def add(
    state: State,
    name: str,
    source: str,
    destination: str,
    depth: str | None,
    every: str | None,
    at: str | None,
    options: CopyOptions,
    detach: bool,
    filters: Filters,
) -> None:
    """Save a sync of SOURCE to DESTINATION under a name. Nothing is copied yet."""
    from xnat_tui.services.syncing import definitions

    _refuse_detach(detach)
    options = replace(options, event_reason="")
    found = definitions.Sync(
        name, source, destination, filters, options, depth or "sizes", every or "", at or ""
    )
    _saved(state, found, definitions.add(state.settings, found))


@sync.command(cls=Command)
@_NAME
@click.option("--source", type=LOCATION, metavar="LOC", help="Another source.")
@click.option("--destination", type=LOCATION, metavar="LOC", help="Another destination.")
@_DEPTH
@_schedule
@click.option(
    "--usual",
    multiple=True,
    metavar="OPTION",
    help="Take a filter or option away that was saved, such as scan-type or since; repeatable.",
)
@transfer_options("copy")
@filter_options
@click.pass_context
def edit(
    context: click.Context,
    name: str,
    source: str | None,
    destination: str | None,
    depth: str | None,
    every: str | None,
    at: str | None,
    usual: tuple[str, ...],
    options: CopyOptions,
    detach: bool,
    filters: Filters,
) -> None:
    """Change a saved sync: what is named here is replaced, what is not stays. `--every ''` takes it away."""
    from xnat_tui.services.syncing import definitions

    state = context.ensure_object(State)
    _refuse_detach(detach)
    before = definitions.sync_named(state.settings, name)
    given = _given(context)
    if every is not None or at is not None:
        before = replace(before, every=every or "", at=at or "")
    before = definitions.with_usual(before, usual)
    changed = definitions.with_changes(before, source=source, destination=destination, depth=depth)
    changed = replace(
        changed,
        filters=replace(before.filters, **{key: getattr(filters, key) for key in given & _fields(filters)}),
        options=replace(before.options, **{key: getattr(options, key) for key in given & _fields(options)}),
    )
    _saved(state, changed, definitions.edit(state.settings, changed))


def _given(context: click.Context) -> set[str]:
    """The names of options that stood on the line."""
    command_line = click.core.ParameterSource.COMMANDLINE
    named = {name for name in context.params if context.get_parameter_source(name) is command_line}
    return {"verify" if name == "no_verify" else name for name in named}


def _fields(values: object) -> set[str]:
    return set(getattr(values, "__dataclass_fields__", ()))


def _refuse_detach(detach: bool) -> None:
    if detach:
        raise click.UsageError("--detach means nothing here: a timer runs a sync in the background.")


@sync.command()
@_NAME
@pass_state
def remove(state: State, name: str) -> None:
    """Forget a sync, what it remembers and its history. What it copied stays."""
    from xnat_tui.services.syncing import standing

    found = standing.remove(state.settings, name)
    _report(state, f"Removed {name}.", [_row(found)])


@sync.command()
@_NAME
@pass_state
def show(state: State, name: str) -> None:
    """One sync as it is saved, and how much it remembers."""
    from xnat_tui.services.syncing import definitions
    from xnat_tui.services.syncing.memory import Memory

    found = definitions.sync_named(state.settings, name)
    with Memory() as memory:
        runs = memory.runs(name)
        kinds = memory.counts(name)
    row = {
        **_row(found),
        "last_run": runs[0].id if runs else "",
        "state": runs[0].state if runs else "",
        "remembered": kinds,
    }
    if state.output.wants_json:
        state.output.document({"items": [row], "changed": [], "failed": []})
        return
    for key, value in row.items():
        if key == "remembered":
            value = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing"
        state.output.line(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


@sync.command("list")
@pass_state
def list_(state: State) -> None:
    """All syncs, with their last run, and whether they are due."""
    from xnat_tui.services.syncing.standing import standings

    rows = [
        {
            **_row(one.sync),
            "last_run": one.ran.isoformat(timespec="seconds") if one.ran else "",
            "state": one.last.state if one.last else "",
            "due": one.due,
        }
        for one in standings(state.settings)
    ]
    if state.output.wants_json:
        state.output.document({"items": rows, "changed": [], "failed": []})
    elif not rows:
        state.output.note("No sync is saved. Add one: xnat-tui sync add NAME SOURCE DESTINATION")
    else:
        cells = ["name", "source", "destination", "last_run", "state", "due"]
        words = [{**row, "due": "due" if row["due"] else ""} for row in rows]
        state.output.table(cells, [tuple(str(row[cell]) for cell in cells) for row in words])


@sync.command()
@_NAME
@click.argument("location", required=False, metavar="[LOC]")
@pass_state
def history(state: State, name: str, location: str | None) -> None:
    """The runs of a sync; with LOC, what all runs told of an item: a place of its source or destination, or
    its path below that."""
    from xnat_tui.services.syncing import standing

    rows: list[dict[str, Any]]
    if location is None:
        rows = [_run_row(one) for one in standing.runs(state.settings, name)]
    else:
        rows = [{**row} for row in standing.item_log(state.settings, name, location)]
    if state.output.wants_json:
        state.output.document({"items": rows, "changed": [], "failed": []})
    elif not rows:
        state.output.note(f"No run of {name} tells of it." if location else f"{name} was never run.")
    else:
        state.output.table(list(rows[0]), [tuple(_cell(key, row[key]) for key in rows[0]) for row in rows])


def _run_row(one: Any) -> dict[str, Any]:
    from xnat_tui.services.syncing.standing import began

    document = one.document
    asked = document.get("requests", {})
    return {
        "run": one.id,
        "began": began(one).isoformat(timespec="seconds"),
        "seconds": round(one.seconds, 1),
        "state": one.state,
        "requests": sum(asked.values()),
        "files": document.get("files", 0),
        "bytes": document.get("bytes", 0),
        "conflicts": document.get("summary", {}).get("conflict", 0),
    }


def _cell(key: str, value: Any) -> str:
    return size_words(value) if key == "bytes" else str(value)


@sync.command()
@_NAME
@_schedule
@pass_state
def timer(state: State, name: str, every: str | None, at: str | None) -> None:
    """Print systemd units and a crontab line for a sync; nothing is installed. Without --every or --at its
    own schedule counts."""
    from xnat_tui.services.syncing import definitions, timer

    found = definitions.sync_named(state.settings, name)
    if every is None and at is None:
        every, at = found.every, found.at
    program = sys.argv[0] if sys.argv[0].endswith("xnat-tui") else "xnat-tui"
    units = timer.units(name, program, every or "", at or "")
    if state.output.wants_json:
        state.output.document({"items": [{"file": key, "text": text} for key, text in units.items()]})
        return
    for key, text in units.items():
        where = "# a line for crontab -e" if key == "crontab" else f"# ~/.config/systemd/user/{key}"
        state.output.line(where)
        for line in text.rstrip("\n").split("\n"):
            state.output.line(line)
        state.output.line()
    unit = f"xnat-tui-sync-{name}.timer"
    state.output.note(
        f"Save the units, then: systemctl --user daemon-reload; systemctl --user enable --now {unit}"
    )
    state.output.note("It signs in by a saved token (xnat-tui server login NAME), netrc or the keyring.")


def _saved(state: State, found: Sync, told: list[str]) -> None:
    for line in told:
        state.output.warning(line)
    _report(state, f"Saved {found.name}: {found.source} → {found.destination}", [_row(found)])


def _report(state: State, line: str, changed: list[dict[str, Any]]) -> None:
    if state.output.wants_json:
        state.output.document({"items": [], "changed": changed, "failed": []})
    state.output.note(line)


def _row(found: Sync) -> dict[str, Any]:
    return {"name": found.name, **found.to_dict()}


sync.add_command(run)
sync.add_command(adopt)
