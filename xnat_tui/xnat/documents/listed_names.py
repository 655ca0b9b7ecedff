"""Fields of an item's XML by the names that lists and JSON documents give them: `gender`, `fields/site`."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection

from lxml import etree

from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.documents.items import as_listed

_VARIABLE = re.compile(r"fields/field\[(.+)\]", re.DOTALL)


def listed_name(path: str) -> str:
    """What lists call a field of a document: `demographics/gender` is `gender`."""
    variable = _VARIABLE.fullmatch(path)
    return f"fields/{variable[1]}" if variable else as_listed(path)


def listed_values(document: etree._Element) -> dict[str, str]:
    """Every field's text by its listed name."""
    return {listed_name(path): text for path, text in item_xml.named_facts(document)}


def only_listed(document: etree._Element, names: Collection[str]) -> etree._Element:
    """A copy of an item's own document with these fields and no others; its ID, where it has one, stays."""
    found = copy.deepcopy(document)
    _prune(found, "", frozenset(names))
    return found


def _prune(element: etree._Element, path: str, names: frozenset[str]) -> bool:
    """Whether anything that is wanted is left of an element."""
    keeps = False
    for name in list(element.attrib):
        text = str(name)
        if text.startswith("{") or (not path and text == "ID"):
            continue
        if listed_name(f"{path}/{text}" if path else text) in names:
            keeps = True
        else:
            del element.attrib[name]
    for child in list(element):
        if not isinstance(child.tag, str):
            continue
        local = str(etree.QName(child).localname)
        below = f"{path}/{local}" if path else local
        named = str(child.get("name", "")) if local == "field" else ""
        kept = listed_name(f"{below}[{named}]") in names if named else _prune(child, below, names)
        if kept:
            keeps = True
        else:
            element.remove(child)
    if path and len(element) == 0 and listed_name(path) in names:
        return True
    if len(element) == 0 and path and not keeps:
        element.text = None
    return keeps
