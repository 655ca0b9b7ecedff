"""What a write leaves behind, and what it must bring along."""

from __future__ import annotations

from xnat_tui.demo.archive import Item
from xnat_tui.demo.calls import Call
from xnat_tui.demo.replies import Refusal


def record(call: Call, item: Item, name: str) -> None:
    """Leave the workflow that every write leaves, and the modification time."""
    call.site.touch(item)
    call.site.add_workflow(item, name, user=call.user.login)


def require_reason(call: Call) -> None:
    if call.site.settings.require_change_justification and not call.params.get("event_reason"):
        status = 403 if call.method == "DELETE" else 500
        raise Refusal(status, "Justification is required for this operation")
