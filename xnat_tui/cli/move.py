"""`move`: copied, proved, and only then deleted where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.changing import change_row, plan_lines, stoppable
from xnat_tui.cli.confirm import Consent, refuse_read_only, write_options
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.running import planned, show_plan, tell_in_words, wait
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import Conflict, Interrupted
from xnat_tui.model.changes import Result, apply
from xnat_tui.model.display import clean
from xnat_tui.model.transfer import State as JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnat_tui.config import Server
    from xnat_tui.model.plan import Plan
    from xnat_tui.model.transfer import Report
    from xnat_tui.services.transfers.moving import MovePlan
    from xnat_tui.services.workspace import Workspace


@click.command(cls=Command)
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC... DEST")
@click.option("--glob", "globs", is_flag=True, help="Let shell globs in LOC mean all that they match.")
@write_options
@pass_state
def move(state: State, locations: Sequence[str], globs: bool, consent: Consent) -> int:
    """Move LOC to DEST: another server (`qc:`), or another project (`qc:NEW`).

    It is copied, then proved there by digests and every field, and only what is proved is deleted here; what
    is not stays, and says why. Stopped at any moment nothing is lost, and the same call goes on. The
    project's ID has to be typed, as for `delete`.
    """
    if len(locations) < 2:
        raise click.UsageError("Name what to move, and where to.")
    *sources, destination = locations
    with state.workspace() as workspace:
        places = list(workspace.find(*sources, globs=globs))
        if len({place.server for place in places}) > 1:
            raise click.UsageError("These are on several servers: do one after the other.")
        server = places[0].server
        service = workspace.moving(
            server, destination, told=lambda text: state.output.note(f"{text} (ctrl+c stops)")
        )
        plan = service.plan(places)
        copy = workspace.plan_copy(plan.places, destination) if plan.places else None
        _show(state, plan, copy)
        if copy is None:
            return _end(state, plan, None, [])
        servers = [workspace.server(name) for name in sorted({server, service.destination.server})]
        if not _agreed(state, plan, copy, consent, servers):
            if state.output.wants_json:
                state.output.document(planned(copy) | _rows(plan, []))
            return ExitCode.NOT_FOUND if copy.blocked else ExitCode.DONE
        report = _copied(state, workspace, copy)
        if report.state in (JobState.PAUSED, JobState.CANCELLED):
            state.output.note("Nothing was deleted. Give the same move again to go on.")
            return _end(state, plan, report, [])
        results = []
        for result in apply(plan.changes, stoppable(service.do)):
            results.append(result)
            if isinstance(result.error, Interrupted):
                break
        return _end(state, plan, report, results)


def _show(state: State, plan: MovePlan, copy: Plan | None) -> None:
    if copy is not None:
        show_plan(state, copy)
    say = state.output.note if state.output.wants_json else state.output.line
    say("Then, of what is proved there by digests and every field:")
    for line in (line for change in plan.changes for line in plan_lines(change)):
        say(clean(line))
    for note in plan.notes:
        state.output.note(f"note: {clean(note)}")


def _agreed(state: State, plan: MovePlan, copy: Plan, consent: Consent, servers: Sequence[Server]) -> bool:
    """Whether to go on. Raises Conflict for a copy that cannot be run, and what asking for consent raises."""
    if not consent.dry_run:
        refuse_read_only(servers)
        if copy.blocked:
            reasons = " ".join(one.message for one in copy.findings if one.severity == "error")
            raise Conflict(f"This cannot be moved. {reasons}", "Mend that, then plan again.")
    destroys = {change.project for change in plan.changes if not change.refusal}
    return consent.given(
        state.output, f"Move this to {copy.destination}?", servers=servers, destroys=destroys
    )


def _copied(state: State, workspace: Workspace, copy: Plan) -> Report:
    """The copy, run by a worker as every other; it outlives this terminal."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.services.transfers.running import worker

    with Journal() as journal:
        job = workspace.remember(copy, journal)
    report = wait(state, worker.start(job, passwords=workspace.typed_passwords, insecure=state.insecure))
    tell_in_words(state, report)
    return report


def _end(state: State, plan: MovePlan, report: Report | None, results: Sequence[Result]) -> int:
    rows = _rows(plan, results)
    if state.output.wants_json:
        state.output.document((report.to_dict() if report is not None else {}) | rows)
    for row in rows["kept"]:
        hint = f" hint: {row['hint']}" if row["hint"] else ""
        state.output.warning(clean(f"! {row['location']} stays: {row['error']}{hint}"))
    for row in rows["deleted"]:
        state.output.note(clean(f"{row['location']} moved to {row['note']}"))
    state.output.note(f"{len(rows['deleted'])} moved, {len(rows['kept'])} stay.")
    stopped = report is not None and report.state in (JobState.PAUSED, JobState.CANCELLED)
    if stopped or any(isinstance(result.error, Interrupted) for result in results):
        return ExitCode.INTERRUPTED
    if report is None:
        return ExitCode.NOT_FOUND
    return ExitCode.FAILED if rows["kept"] else ExitCode.DONE


def _rows(plan: MovePlan, results: Sequence[Result]) -> dict[str, list[dict[str, Any]]]:
    """What was deleted, and what stays with its reason; what was not begun has none."""
    done = {result.change.location: result for result in results}
    deleted, kept = [], []
    for change in plan.changes:
        result = done.get(change.location)
        if result is not None and result.error is None:
            deleted.append(change_row(change, note=result.note))
        elif result is not None and result.error is not None:
            kept.append(change_row(change, error=result.error.message, hint=result.error.hint))
        elif change.refusal:
            kept.append(change_row(change, error=change.refusal, hint=""))
    return {"deleted": deleted, "kept": kept}
