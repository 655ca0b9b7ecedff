"""`upload`: DICOM through the import service, any files into a resource."""

from __future__ import annotations

from collections.abc import Sequence

import click

from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.running import run_plan
from xnat_tui.cli.state import State, pass_state
from xnat_tui.cli.transfer_options import make_key, new_key_option, transfer_options
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import UploadOptions


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="PATH... DEST")
@click.option(
    "--to",
    type=click.Choice(["prearchive", "archive"]),
    default="prearchive",
    show_default=True,
    help="Where DICOM goes.",
)
@transfer_options("upload")
@new_key_option
@filter_options
@write_options
@pass_state
def upload(
    state: State,
    paths: Sequence[str],
    to: str,
    options: UploadOptions,
    detach: bool,
    new_key: bool,
    filters: Filters,
    consent: Consent,
) -> int:
    """Send files, folders and archives to DEST.

    NAME:, NAME:PROJECT, NAME:PROJECT/SUBJECT or NAME:PROJECT/SUBJECT/SESSION take DICOM; labels that are not
    named come from its headers. .../resources/R takes any files, the contents of folders included.
    """
    if len(paths) < 2:
        raise click.UsageError("Name what to send, and where to.")
    *sources, destination = paths
    make_key(options, new=new_key)
    with state.workspace() as workspace:
        plan = workspace.plan_upload(sources, destination, to=to, options=options, filters=filters)
        return run_plan(state, workspace, plan, consent, detach=detach)
