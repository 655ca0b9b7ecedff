"""`autorun`: workflows, and stuck AutoRuns dismissed."""

from __future__ import annotations

import click

from xnat_tui.cli.changing import carry_out, report_rows
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state

_COLUMNS = (
    "workflow_id",
    "session_label",
    "pipeline_name",
    "status",
    "launch_time",
    "userlogin",
    "step_description",
)


@click.group(cls=Group)
def autorun() -> None:
    """List workflows, and dismiss AutoRuns that are stuck.

    XNAT starts AutoRun after archiving. An AutoRun that stays open blocks renaming its session.
    """


@autorun.command("list")
@click.argument("location", type=LOCATION, metavar="LOC")
@click.option("--all", "every_pipeline", is_flag=True, help="Every pipeline, not AutoRun only.")
@click.option("--status", multiple=True, metavar="WORD", help="Only with this status; repeatable.")
@pass_state
def list_(state: State, location: str, every_pipeline: bool, status: tuple[str, ...]) -> None:
    """List the workflows of the items at LOC, or of a whole project."""

    with state.workspace() as workspace:
        places = list(workspace.find(location))
        service = workspace.workflows(places[0].server)
        found = {
            one.key: one
            for place in places
            for one in service.at(place, every_pipeline=every_pipeline, status=status)
        }
    rows = [
        {
            "workflow_id": one.id,
            "id": one.item,
            "session_label": one.label,
            "externalid": one.project,
            "pipeline_name": one.pipeline,
            "status": one.status,
            "step_description": one.step,
            "percentagecomplete": one.percent,
            "launch_time": one.started,
            "userlogin": one.user,
        }
        for one in found.values()
    ]
    report_rows(state, _COLUMNS, rows)
    if not rows:
        state.output.note("No such workflow.")


@autorun.command()
@click.argument("location", type=LOCATION, metavar="LOC")
@click.option("--id", "ids", multiple=True, metavar="NUMBER", help="This workflow only; repeatable.")
@write_options
@pass_state
def dismiss(state: State, location: str, ids: tuple[str, ...], consent: Consent) -> int:
    """End the open AutoRuns at LOC, or those workflows that are named by number.

    Only the creator of a workflow, or a site administrator, may do so.
    """

    with state.workspace() as workspace:
        places = list(workspace.find(location))
        service = workspace.workflows(places[0].server)
        changes = service.plan_dismiss(places, ids=ids)
        server = workspace.server(places[0].server)
        return carry_out(state, changes, service.do, consent, server=server)
