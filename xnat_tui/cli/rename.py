"""`rename`: subjects and sessions get other labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from xnat_tui.cli import state as terminal
from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError

if TYPE_CHECKING:
    from xnat_tui.config import Server
    from xnat_tui.model.changes import Change
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
@click.option(
    "--pattern",
    metavar="REGEX",
    help="Many at once: what LOC names, or the subjects of a project, whose whole label it matches.",
)
@click.option(
    "--to", metavar="TEXT", help="Their new label: {1} is the pattern's first group, {0} the label."
)
@click.option(
    "--merge", is_flag=True, help="Move the sessions of subjects whose new label another one has, or gets."
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
    pattern: str | None,
    to: str | None,
    merge: bool,
    consent: Consent,
) -> int:
    """Give the subject or session at LOC another label, or many by a table or a pattern.

    An open AutoRun blocks this; it is shown, and ended only with consent. Other workflows never are. What
    was stopped or failed half-way is finished by the same call again: what was sent is remembered here.
    """
    from xnat_tui.model.label_pattern import LabelPattern
    from xnat_tui.model.sharing import label_refusal
    from xnat_tui.services import tables
    from xnat_tui.services.administration.renaming import TABLE_OPTIONAL, TABLE_REQUIRED

    if new_label and (reason := label_refusal(new_label)):
        raise UsageError(reason)
    if sum(way is not None for way in (new_label, table, pattern)) != 1 or (table and with_sessions):
        raise click.UsageError(
            "Give NEW_LABEL with or without --with-sessions, or --table FILE.csv, or --pattern and --to."
        )
    if (pattern is None) != (to is None) or (merge and pattern is None):
        raise click.UsageError("--pattern and --to belong together, and --merge to them.")
    read = None
    if table is not None:
        read = tables.read(
            table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=("subject", "session")
        )
    labels = LabelPattern.parse(pattern, to or "") if pattern is not None else None
    with state.workspace() as workspace:
        where = workspace.location(location)
        told = _told(state)
        server = workspace.server(where.server)
        if labels is not None:
            many = workspace.renaming_by_pattern(where.server, told=told)
            places = list(workspace.find(where))
            by_pattern = partial(many.plan, places, labels, with_sessions=with_sessions, merge=merge)
            return _carry_out(state, consent, server, by_pattern, many.do, dismiss_autorun)
        service = workspace.renaming(where.server, told=told)
        project = workspace.find_one(where) if read is not None else None

        def plan(*, dismiss: bool) -> RenamePlan:
            if read is not None and project is not None:
                return service.plan_table(project, read, dismiss=dismiss)
            return service.plan_item(where, new_label or "", with_sessions=with_sessions, dismiss=dismiss)

        return _carry_out(state, consent, server, plan, service.do, dismiss_autorun)


class _Plan(Protocol):
    def __call__(self, *, dismiss: bool) -> RenamePlan: ...


def _told(state: State) -> Callable[[str], None]:
    return lambda text: state.output.note(f"{text} (ctrl+c stops)")


def _carry_out(
    state: State,
    consent: Consent,
    server: Server,
    plan: _Plan,
    do: Callable[[Change], str],
    dismiss_autorun: bool,
) -> int:
    """Plan, and plan again where an AutoRun that blocks is to be ended."""
    found = plan(dismiss=dismiss_autorun)
    if found.blocking and not dismiss_autorun:
        if _may_dismiss(state, found, consent):
            found = plan(dismiss=True)
        else:
            found.notes.append("--dismiss-autorun ends an AutoRun that blocks")
    return carry_out(state, found.changes, do, consent, server=server, notes=found.notes)


def _may_dismiss(state: State, plan: RenamePlan, consent: Consent) -> bool:
    """Ending somebody's AutoRun is asked for by itself: --yes does not mean it."""
    if consent.dry_run or consent.yes or not terminal.has_terminal():
        return False
    for one in plan.blocking:
        state.output.note(f"AutoRun is {one.status} on {one.label or one.item} since {one.started}.")
    return click.confirm("It blocks renaming. Dismiss it?", err=True)
