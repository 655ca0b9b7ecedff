"""Copy, export and upload: marks → options → plan → run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import (
    CopyOptions,
    ExportOptions,
    Layout,
    OnExisting,
    TransferOptions,
    UploadOptions,
    options_or_usual,
)
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan
from xnat_tui.tui.context import Context
from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.plans.flow import show_plan
from xnat_tui.tui.plans.panel import Planner

if TYPE_CHECKING:
    from xnat_tui.services.servers import Where


def copy(context: Context, places: Sequence[Place], target: Place) -> None:
    """To a project, or, where whole projects are copied, to the server of `target`."""
    workspace, destination = context.workspace, _landing(places, target)
    known = _Known(places)

    def plan(options: TransferOptions) -> Plan:
        return workspace.plan_copy(known.take(), destination, options=options_or_usual(CopyOptions, options))

    show_plan(context, plan, CopyOptions(), f"copy to {destination.location}")


def export(context: Context, places: Sequence[Place]) -> None:
    """To a folder of this machine, in a layout."""
    workspace, known = context.workspace, _Known(places)

    def named(folder: str | None) -> None:
        if not folder:
            return
        path = Path(folder).expanduser()

        def plan(options: TransferOptions) -> Plan:
            return workspace.plan_export(known.take(), path, options=options_or_usual(ExportOptions, options))

        _choose_layout(context, plan, f"export to {path}")

    suggestion = f"~/{places[0].location.steps[0].name if places[0].items else places[0].server}"
    question = "Folder to download into:"
    context.ask(AskPath("Export", question, value=suggestion, done="Choose layout"), named)


def _choose_layout(context: Context, plan: Planner, title: str) -> None:
    choices = [
        Choice(Layout.XNAT.value, "xnat", "as the archive's own zip: subject/session/scans/…"),
        Choice(Layout.FLAT.value, "flat", "one folder per session, plain file names"),
        Choice(Layout.BIDS.value, "bids", "sub-/ses- for NIfTI, DICOM under sourcedata"),
    ]

    def chosen(layout: str | None) -> None:
        if layout:
            show_plan(context, plan, ExportOptions(layout=Layout(layout)), title)

    context.ask(AskChoice("Layout of the folder", choices), chosen)


def upload(context: Context, paths: Sequence[Path], where: Location, *, replace: bool) -> None:
    """Files and folders of this machine into a resource."""
    workspace = context.workspace

    def plan(options: TransferOptions) -> Plan:
        return workspace.plan_upload(paths, where, options=options_or_usual(UploadOptions, options))

    options = UploadOptions(on_existing=OnExisting.OVERWRITE if replace else OnExisting.SKIP)
    show_plan(context, plan, options, f"upload to {where}")


class _Known:
    """What the trees have looked up already. A plan that is made again looks for it anew: it may be
    called otherwise by then."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._taken = False

    def take(self) -> Sequence[Where]:
        taken, self._taken = self._taken, True
        return [place.location for place in self._places] if taken else self._places


def _landing(places: Sequence[Place], target: Place) -> Place:
    if len(places) > 1 and all(place.kind is Kind.PROJECT for place in places):
        return Place(target.server)
    return target.up_to(Kind.PROJECT)
