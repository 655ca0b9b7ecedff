"""`copy` and `export`: plan, consent, run, report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.confirm import Consent, local_write_options, write_options
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.running import run_plan
from xnat_tui.cli.state import State, pass_state
from xnat_tui.cli.transfer_options import make_key, new_key_option, transfer_options
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions, ExportOptions, Layout, OnExisting

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(cls=Command)
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC... DEST")
@transfer_options("copy")
@new_key_option
@filter_options
@write_options
@pass_state
def copy(
    state: State,
    locations: Sequence[str],
    options: CopyOptions,
    detach: bool,
    new_key: bool,
    filters: Filters,
    consent: Consent,
) -> int:
    """Copy LOC to DEST: another server (`qc:` keeps project IDs), or another project (`qc:NEW`)."""
    if len(locations) < 2:
        raise click.UsageError("Name what to copy, and where to.")
    *sources, destination = locations
    make_key(options, new=new_key)
    with state.workspace() as workspace:
        plan = workspace.plan_copy(sources, destination, options=options, filters=filters)
        return run_plan(state, workspace, plan, consent, detach=detach)


@click.command(cls=Command)
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder to download into.",
)
@click.option(
    "--layout",
    type=click.Choice([layout.value for layout in Layout]),
    default=Layout.XNAT.value,
    show_default=True,
    help="How the folder is arranged.",
)
@click.option(
    "--bids-map",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="What series are, for --layout bids: scan type or description glob, suffix, entities.",
)
@click.option("--metadata/--no-metadata", default=True, help="Item documents as XML, and a table.")
@click.option("--overwrite", is_flag=True, help="Replace local files that differ; asks.")
@transfer_options("export")
@new_key_option
@filter_options
@local_write_options
@pass_state
def export(
    state: State,
    locations: Sequence[str],
    folder: Path,
    layout: str,
    bids_map: Path | None,
    metadata: bool,
    overwrite: bool,
    options: ExportOptions,
    detach: bool,
    new_key: bool,
    filters: Filters,
    consent: Consent,
) -> int:
    """Download LOC to a folder. What is complete there is not fetched again; nothing else is replaced."""
    options = replace(
        options,
        layout=Layout(layout),
        bids_map=str(bids_map.expanduser().absolute()) if bids_map else "",
        metadata=metadata,
        overwrite_local=overwrite or options.on_existing is not OnExisting.SKIP,
    )
    make_key(options, new=new_key)
    with state.workspace() as workspace:
        plan = workspace.plan_export(locations, folder, options=options, filters=filters)
        return run_plan(state, workspace, plan, consent, detach=detach)


__all__ = ["ExitCode", "copy", "export"]
