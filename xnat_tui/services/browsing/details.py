"""Every field of one item, or of a pair's two, as their documents tell them."""

from __future__ import annotations

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.trees import Side
from xnat_tui.xnat.documents.items import describe


def with_every_field(
    source: tuple[Side | None, Place | None], destination: tuple[Side | None, Place | None]
) -> tuple[Item | None, Item | None, str]:
    """The two items with all fields, None where a side has none; and why one could not be read."""
    items: list[Item | None] = []
    problems: list[str] = []
    for side, place in (source, destination):
        item = place.item if place is not None else None
        if side is None or place is None or item is None:
            items.append(None)
            continue
        try:
            items.append(describe(item, side.reader.document(place)))
        except XnatTuiError as error:
            items.append(None)
            problems.append(f"! {place.server}: {error.message}")
    return items[0], items[1], "\n".join(problems)
