"""`rename`: subjects and sessions get other labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli import state as terminal
from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError

if TYPE_CHECKING:
    from xnat_tui.services.administration.renaming import RenamePlan


@click.command(cls=Command)
@click.argument("location", type=LOCATION, metavar="LOC")
@click.argument("new_label", required=False)
@click.option(
    "--with-sessions", is_flag=True, help="Also a subject's sessions whose labels begin with its own."
)
@click.option("--dismiss-autorun", is_flag=True, help="End open AutoRuns that block it, without asking.")
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Columns subject, new_label, and perhaps session; LOC is then the project.",
)
@write_options
@pass_state
def rename(
    state: State,
    location: str,
    new_label: str | None,
    with_sessions: bool,
    dismiss_autorun: bool,
    table: Path | None,
    consent: Consent,
) -> int:
    """Give the subject or session at LOC another label, or many by a table.

    An open AutoRun blocks this; it is shown, and ended only with consent. Other workflows never are. What
    was stopped or failed half-way is finished by the same call again: what was sent is remembered here.
    """
    from xnat_tui.model.sharing import label_refusal
    from xnat_tui.services import tables
    from xnat_tui.services.administration.renaming import TABLE_OPTIONAL, TABLE_REQUIRED

    if new_label and (reason := label_refusal(new_label)):
        raise UsageError(reason)
    if (table is None) == (new_label is None) or (table is not None and with_sessions):
        raise click.UsageError("Give NEW_LABEL with or without --with-sessions, or --table FILE.csv.")
    read = None
    if table is not None:
        read = tables.read(
            table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=("subject", "session")
        )
    with state.workspace() as workspace:
        where = workspace.location(location)
        service = workspace.renaming(
            where.server, told=lambda text: state.output.note(f"{text} (ctrl+c stops)")
        )
        project = workspace.find_one(where) if read is not None else None

        def plan(dismiss: bool) -> RenamePlan:
            if read is not None and project is not None:
                return service.plan_table(project, read, dismiss=dismiss)
            return service.plan_item(where, new_label or "", with_sessions=with_sessions, dismiss=dismiss)

        found = plan(dismiss_autorun)
        if found.blocking and not dismiss_autorun:
            if _may_dismiss(state, found, consent):
                found = plan(True)
            else:
                found.notes.append("--dismiss-autorun ends an AutoRun that blocks")
        server = workspace.server(where.server)
        return carry_out(state, found.changes, service.do, consent, server=server, notes=found.notes)


def _may_dismiss(state: State, plan: RenamePlan, consent: Consent) -> bool:
    """Ending somebody's AutoRun is asked for by itself: --yes does not mean it."""
    if consent.dry_run or consent.yes or not terminal.has_terminal():
        return False
    for one in plan.blocking:
        state.output.note(f"AutoRun is {one.status} on {one.label or one.item} since {one.started}.")
    return click.confirm("It blocks renaming. Dismiss it?", err=True)
