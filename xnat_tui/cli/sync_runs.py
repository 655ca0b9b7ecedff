"""`sync run` and `sync adopt`: planned, shown, agreed to, run, told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.exit_codes import ExitCode, exit_code
from xnat_tui.cli.help import Command
from xnat_tui.cli.running import show_plan
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import Interrupted, UsageError, XnatTuiError
from xnat_tui.model.threeway import ENDING_SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnat_tui.services.syncing.entrance import Syncing, SyncPlan, SyncReport
    from xnat_tui.services.workspace import Workspace


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option(
    "--all", "everything", is_flag=True, help="Every sync; of named ones, list what did not change, too."
)
@click.option("--due", is_flag=True, help="Those that are due by their schedule.")
@click.option(
    "--prefer",
    type=click.Choice(["source", "destination"]),
    help="Whose value counts where both changed; source overwrites, and asks for that.",
)
@click.option("--restore", is_flag=True, help="Bring back what is gone at the destination.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a report: .html, .md or .json; only you can read it.",
)
@write_options
@pass_state
def run(
    state: State,
    names: Sequence[str],
    everything: bool,
    due: bool,
    prefer: str | None,
    restore: bool,
    report: Path | None,
    consent: Consent,
) -> int:
    """Bring over what is new or changed at the source since the last run.

    Exit 0 nothing left to tell, 1 something kept, held, in conflict or gone, 6 something failed or unknown.
    """
    from xnat_tui.services.syncing import reports

    if report is not None:
        reports.check_file(report)
    listed = bool(names) and everything
    codes: list[int] = []
    documents = []
    with state.workspace() as workspace:
        syncing = workspace.syncing()
        chosen = _chosen(state, syncing, names, everything=everything, due=due)
        for name in chosen:
            try:
                done = _one(state, workspace, syncing, name, prefer or "", restore, consent, listed)
            except Interrupted:
                raise
            except XnatTuiError as error:
                if len(chosen) == 1:
                    raise
                state.output.error(error)
                codes.append(exit_code(error))
                continue
            documents.append(done.to_dict())
            codes.append(_code(done))
    if report is not None:
        reports.write(documents, report)
    if state.output.wants_json:
        state.output.document(documents[0] if len(chosen) == 1 else {"items": documents})
    return _worst(codes)


def _chosen(
    state: State, syncing: Syncing, names: Sequence[str], *, everything: bool, due: bool
) -> list[str]:
    if due:
        found = [one.name for one in syncing.due()]
        return [one for one in found if one in names] if names else found
    if names:
        return list(dict.fromkeys(names))
    if everything:
        return list(state.settings.syncs)
    raise UsageError("No sync is named.", "Name one, or add --all or --due. They are: xnat-tui sync list")


def _one(
    state: State,
    workspace: Workspace,
    syncing: Syncing,
    name: str,
    prefer: str,
    restore: bool,
    consent: Consent,
    listed: bool,
) -> SyncReport:
    from xnat_tui.services.syncing.running import planned_report

    planned = syncing.plan(name, prefer=prefer, restore=restore)
    _show(state, planned)
    if consent.dry_run:
        state.output.note("Nothing was written (--dry-run).")
        return planned_report(planned, everything=listed)
    plan = planned.plan
    if plan is not None and planned.writes:
        target = workspace.location(planned.sync.destination).server
        consent.given(
            state.output,
            f"Sync this to {planned.sync.destination}?",
            servers=[workspace.server(target)],
            destroys={plan.root} if planned.overwrites else (),
        )
    done = syncing.run(planned, everything=listed)
    _tell(state, done)
    return done


def _show(state: State, planned: SyncPlan) -> None:
    if planned.plan is not None:
        show_plan(state, planned.plan)
    say = state.output.note if state.output.wants_json else state.output.line
    left = [one for one in planned.told if not one.moves]
    for one in left:
        name = f" {one.field}" if one.field else ""
        say(f"  {ENDING_SIGNS[one.state]} {one.state:<8} {one.path or '.'}{name}  ({one.reason})")
    if planned.plan is None and not left:
        state.output.note(f"{planned.sync.name}: nothing changed since the last run.")


def _tell(state: State, done: SyncReport) -> None:
    for one in done.items:
        if one["state"] in ("incomplete", "unknown", "conflict", "sent"):
            name = f" {one['field']}" if one.get("field") else ""
            state.output.warning(f"! {one['path'] or '.'}{name}: {one['state']}: {one['reason']}")
            if one["state"] == "conflict":
                state.output.warning(f"  source {one['source']!r}, destination {one['destination']!r}")
    found = done.to_dict()
    counts = ", ".join(f"{count} {word}" for word, count in found["summary"].items() if count)
    asked = f"{done.requests[0]} and {done.requests[1]} requests"
    state.output.note(f"{done.run}: {done.state}. {counts or 'No change'}; {asked}, {done.seconds:.1f} s.")
    if done.note:
        state.output.note(done.note)


def _code(done: SyncReport) -> ExitCode:
    if done.state in ("paused", "cancelled"):
        return ExitCode.INTERRUPTED
    if done.failed:
        return ExitCode.FAILED
    return ExitCode.DIFFERENCES if done.tells else ExitCode.DONE


def _worst(codes: Sequence[int]) -> int:
    """Of several syncs, the code of what went worst: an error, then failures, then what is told."""
    order = (ExitCode.DONE, ExitCode.DIFFERENCES, ExitCode.FAILED)
    return max(codes, key=lambda code: order.index(ExitCode(code)) if code in order else 9, default=0)


@click.command(cls=Command)
@click.argument("name")
@pass_state
def adopt(state: State, name: str) -> int:
    """Remember both sides as they are: what is alike is taken for the same, what is gone for given up.
    Nothing is copied, and no server is changed."""
    with state.workspace() as workspace:
        done = workspace.syncing().adopt(name)
    if state.output.wants_json:
        state.output.document(done.to_dict())
    _tell(state, done)
    return _code(done)
