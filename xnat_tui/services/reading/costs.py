"""What a fallback will cost is said before it starts, so that it can be stopped."""

from __future__ import annotations

from xnat_tui.model.entities import Item
from xnat_tui.model.notice import Notice
from xnat_tui.xnat.http.connection import Connection


def tell_costs(connection: Connection, project: Item, requests: int, each: str) -> None:
    """Say that lists do not tell enough, and that each `subject` or `session` is asked about by itself."""
    if requests < connection.patience.named_from:
        return
    costs = f"{requests:,} requests, one for each {each}"
    name = connection.server.name
    connection.tell(
        Notice(
            f"{name} does not tell enough of {project.key} in lists: up to {costs}.",
            f"{name}: up to {costs}",
            requests,
        )
    )
