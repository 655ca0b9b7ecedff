"""Questions to XNAT's search engine: the document of `POST /data/search`, and the table that answers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables.table import Table

XDAT = "http://nrg.wustl.edu/security"


@dataclass(frozen=True, slots=True)
class Criterion:
    """`field` is a path with its type, `xnat:subjectData/label`; `comparison` is one of `=`, `!=`, `<`, `<=`,
    `>`, `>=`, `LIKE`, `IS`, `IS NOT`."""

    field: str
    comparison: str
    value: str


@dataclass(frozen=True, slots=True)
class Where:
    """Criteria of which all hold, or any where `method` is OR."""

    method: str
    parts: tuple[Criterion | Where, ...]


def ask(connection: Connection, root: str, fields: Iterable[str], where: Where) -> Table:
    """Search items of the type `root`; `fields` are its display fields or paths with their type.

    Raises Forbidden for a type that this user may not search, BadAnswer, Refused and ServerError for fields
    that the server does not know; BadAnswer also where a value, which came from the server, has characters
    that XML has no room for.
    """
    try:
        body = etree.tostring(_document(root, fields, where), xml_declaration=True, encoding="UTF-8")
    except ValueError:
        raise BadAnswer("A name or number of the server's has characters that no search can carry.") from None
    return connection.search(body)


def _document(root: str, fields: Iterable[str], where: Where) -> etree._Element:
    document = etree.Element(f"{{{XDAT}}}bundle", nsmap={"xdat": XDAT})
    for name, text in (("ID", f"@{root}"), ("brief-description", ""), ("description", "")):
        document.set(name, text)
    document.set("allow-diff-columns", "0")
    document.set("secure", "false")
    _add(document, "root_element_name", root)
    for number, name in enumerate(fields):
        field = _add(document, "search_field")
        _add(field, "element_name", root)
        _add(field, "field_ID", name)
        _add(field, "sequence", str(number))
        _add(field, "type", "string")
        _add(field, "header", name)
    _fill(_add(document, "search_where", method=where.method), where)
    return document


def _fill(element: etree._Element, where: Where) -> None:
    for part in where.parts:
        if isinstance(part, Where):
            _fill(_add(element, "child_set", method=part.method), part)
            continue
        criterion = _add(element, "criteria", override_value_formatting="0")
        _add(criterion, "schema_field", part.field)
        _add(criterion, "comparison_type", part.comparison)
        _add(criterion, "value", part.value)


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    made = etree.SubElement(parent, f"{{{XDAT}}}{name}", attrib=attributes)
    made.text = text or None
    return made
