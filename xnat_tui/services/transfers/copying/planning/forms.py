"""Answers of custom forms (1.8.8 and later): kept as JSON beside the fields that an item's document lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lxml import etree

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.planning.context import Context
from xnat_tui.services.transfers.copying.planning.spots import Spot
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.http.connection import encode_uri

SINCE = (1, 8, 8)


def forms_differ(context: Context, place: Place, spot: Spot) -> bool:
    """Whether the source has an answer that the destination lacks or has otherwise.

    One request on each side for a session with all that stands below it, and one for each item above.
    Raises XnatTuiError where that cannot be read.
    """
    if context.source.connection.version_tuple < SINCE or spot.place is None:
        return False
    one = _answers(context, context.source, place)
    if not one:
        return False
    other = _answers(context, context.there.reader, spot.place)
    return any(other.get(name) != value for name, value in one.items())


def _answers(context: Context, reader: Reader, place: Place) -> Mapping[str, Any]:
    item, session = place.item, place.of(Kind.EXPERIMENT)
    assert item is not None
    if session is None:
        path = f"/xapi/custom-fields{encode_uri(item.uri).removeprefix('/data')}/fields"
        found = reader.connection.get_json(path)
    else:
        element = _element(context.sessions.document(reader, session), item)
        text = item_xml.text_of(element, "custom_fields") if element is not None else ""
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, dict):
        raise BadAnswer("The server's answers of custom forms are no JSON object.", "Reload.")
    return found


def _element(session: etree._Element, item: Item) -> etree._Element | None:
    match item.kind:
        case Kind.SCAN:
            return item_xml.scans(session).get(item.key)
        case Kind.ASSESSOR:
            found = item_xml.assessors(session).values()
            return next((one for one in found if one.get("ID") == item.id), None)
        case Kind.EXPERIMENT:
            return session
    return None  # reconstructions have none
