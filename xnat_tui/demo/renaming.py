"""Changing the label of an item, with everything that speaks against it."""

from __future__ import annotations

from starlette.responses import Response

from xnat_tui.demo.archive import Assessor, Experiment, Item, Project, Subject
from xnat_tui.demo.calls import Call
from xnat_tui.demo.replies import Refusal, text
from xnat_tui.demo.rights import can_edit
from xnat_tui.demo.targets import valid_label
from xnat_tui.demo.traces import record


def rename(call: Call, item: Item, project: Project | None) -> Response:
    """Change an item's label; every other parameter is ignored, the body is empty.

    Through a sharing project nothing is renamed. 409 while a workflow of the item is open.
    """
    label = call.params["label"]
    if not isinstance(item, Subject | Experiment | Assessor):
        raise Refusal(400, "This item has no label")
    if isinstance(item, Assessor) and not call.site.settings.assessors_renamed:
        raise Refusal(400, "Label must be modified through separate URI.")
    if project is not None and project.id != item.project:
        return text("")
    if label == item.label:
        return text("")
    if not can_edit(call.site, call.user, item):
        raise Refusal(403, "Insufficient privileges to modify this item")
    wrong_type = call.params.get("xsiType", item.xsi_type) != item.xsi_type
    if not valid_label(label):
        raise Refusal(500, f"Invalid character in label: {label}")
    kind = "subject" if isinstance(item, Subject) else "experiment"
    if call.site.label_taken(kind, item.project, label):
        raise Refusal(409, "Specified label is already in use.")
    running = call.site.open_workflow(item.id)
    if running is not None:
        raise Refusal(409, f"Specified session is being processed ({running.pipeline_name}).")
    call.site.rename(item, label)
    record(call, item, "Renamed")
    if wrong_type:
        raise Refusal(422, "Specified xsiType differs from existing xsiType")
    return text("")
