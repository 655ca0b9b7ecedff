"""Search documents: reading them, testing rows against their criteria, and their answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lxml import etree

from xnat_tui.demo.archive import Item
from xnat_tui.demo.columns import UnknownColumn, joined_rows, joins, resolve
from xnat_tui.demo.datatypes import IMAGE_SCAN, PROJECT
from xnat_tui.demo.displays import Displays, Row, UnknownField
from xnat_tui.demo.records import User, Workflow
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.site import Site
from xnat_tui.demo.workflows import TYPE as WORKFLOW
from xnat_tui.demo.workflows import columns as workflow_columns

Values = Callable[[Row], list[str]]
Test = Callable[[Row], bool]
_IDENTIFIERS = {
    "xnat:projectData": "ID",
    "xnat:subjectData": "SUBJECTID",
    WORKFLOW: "WORKFLOW_ID",
}
_TYPED = re.compile(r"\w+:\w+/")
_AMERICAN = re.compile(r"(\d{2})/(\d{2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class Field:
    """A column that was asked for."""

    element: str
    field_id: str
    header: str


@dataclass(slots=True)
class Search:
    """A search document: root type, fields, criteria as elements, and the order."""

    root: str
    fields: list[Field]
    where: list[etree._Element] = field(default_factory=list)
    sort_by: str = ""


@dataclass(slots=True)
class Answer:
    """The rows by key, and what ``Columns`` says of each key."""

    columns: list[dict[str, str]]
    rows: list[dict[str, str]]


def read_search(site: Site, body: bytes) -> Search:
    """The search in a document; 422 when it is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        top = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Refusal(422, f"Invalid XML: {error}") from error
    root = _text(top, "root_element_name")
    if etree.QName(top).localname not in ("bundle", "search") or not root:
        raise Refusal(422, "Not a search document")
    known = site.types.get(root)
    fields = [
        Field(_text(one, "element_name") or root, _field_id(one), _text(one, "header"))
        for one in _children(top, "search_field")
    ]
    ordered = next((_text(one, "field_ID") for one in _children(top, "sort_by")), "")
    name = known.name if known is not None else root
    return Search(name, fields, _children(top, "search_where"), ordered)


def run(site: Site, user: User, search: Search) -> Answer:
    """The rows that a user may read and that match.

    403 for a type that he cannot search, 500 for unknown fields and criteria.
    """
    displays = Displays(site, user)
    if not displays.fields(search.root):
        raise Refusal(403, f"{search.root} is not searchable")
    if search.root == WORKFLOW and not (user.admin or site.settings.workflow_search_allowed):
        raise Refusal(403, f"{search.root} is not searchable")
    outcome = "full" if search.root == WORKFLOW else site.settings.item_search
    if outcome == "refused":
        raise Refusal(403, f"{search.root} is not searchable")
    try:
        tests = [_set(site, displays, search.root, one) for one in search.where]
        shown = _columns(site, displays, search)
        rows = [
            {column["key"]: ",".join(values(row)) for column, values in shown}
            for row in displays.candidates(search.root)
            if outcome == "full" and all(test(row) for test in tests)
        ]
    except (UnknownField, UnknownColumn) as error:
        raise Refusal(500, f"Unknown field {error}") from error
    key = search.sort_by.lower()
    if any(column["key"] == key for column, _ in shown):
        rows.sort(key=lambda row: row[key])
    return Answer([column for column, _ in shown], rows)


def _columns(site: Site, displays: Displays, search: Search) -> list[tuple[dict[str, str], Values]]:
    """The columns asked for, the identifier that every row carries, and the item's status."""
    wanted = list(search.fields)
    identifier = _IDENTIFIERS.get(search.root, "SESSION_ID")
    wanted.append(Field(search.root, identifier, "ID"))
    found: list[tuple[dict[str, str], Values]] = []
    for one in wanted:
        key = _key(site, search.root, one)
        if any(column["key"] == key for column, _ in found):
            continue
        described = {
            "key": key,
            "element_name": one.element,
            "id": one.field_id,
            "xPATH": f"{one.element}.{one.field_id}",
            "header": one.header,
            "type": "string",
        }
        found.append((described, _values(site, displays, search.root, one.element, one.field_id)))
    if search.root != WORKFLOW:
        status = {"key": "quarantine_status", "element_name": search.root, "id": "QUARANTINE_STATUS"}
        found.append((status, lambda row: [row.status]))
    return found


def _key(site: Site, root: str, one: Field) -> str:
    if one.element == root == PROJECT and one.field_id == "name" and site.settings.project_name_as_csv:
        return "name_csv"  # the schema's field; the display field NAME keeps its own key
    name = re.sub(r"[=:/]", "_", _TYPED.sub("", one.field_id)).lower()
    return name if one.element == root else f"{one.element.replace(':', '_').lower()}_{name}"


def _values(site: Site, displays: Displays, root: str, element: str, name: str) -> Values:
    """What a field or path gives for a row of the root type: several values where it is multi-valued."""
    if "/" in name:
        return _schema_values(site, root, name if _TYPED.match(name) else f"{element}/{name}")
    if element == root:
        get = displays.field(root, name)
        return lambda row: [get(row)]
    return _related(site, displays.field(element, name), element)


def _related(site: Site, get: Callable[[Row], str], element: str) -> Values:
    """A display field of another type: the subject of a session, or the sessions of a subject."""

    def values(row: Row) -> list[str]:
        for name in ("subject", "session"):
            other = getattr(row, name, None)
            while isinstance(other, Item):
                if site.types.is_a(other.xsi_type, element):
                    return [get(other)]
                other = getattr(other, name, None)
        held = getattr(row, "experiments", {}).values()
        return [get(one) for one in held if site.types.is_a(one.xsi_type, element)] or [""]

    return values


def _schema_values(site: Site, root: str, path: str) -> Values:
    if root == WORKFLOW:
        key = path.partition("/")[2].lower()

        def stored(row: Row) -> list[str]:
            own = workflow_columns(row) if isinstance(row, Workflow) else {}
            return [{name.lower(): value for name, value in own.items()}.get(key, "")]

        return stored
    column = resolve(site, path, root, path.lower())
    tree = joins([column])
    return lambda row: [one[0] for one in joined_rows(site.types, tree, row, 1)]


def _set(site: Site, displays: Displays, root: str, element: etree._Element) -> Test:
    tests = [_criterion(site, displays, root, one) for one in _children(element, "criteria")]
    tests += [_set(site, displays, root, one) for one in _children(element, "child_set")]
    if not tests:
        return lambda _row: True
    join = any if (element.get("method") or "AND").upper() == "OR" else all
    return lambda row: join(test(row) for test in tests)


def _criterion(site: Site, displays: Displays, root: str, element: etree._Element) -> Test:
    name = _text(element, "schema_field")
    values = _criterion_values(site, displays, root, name)
    compare = _comparison(_text(element, "comparison_type").upper(), _text(element, "value"))
    return lambda row: any(compare(value) for value in values(row))


def _criterion_values(site: Site, displays: Displays, root: str, name: str) -> Values:
    """``TYPE.DISPLAY_FIELD``, ``TYPE/DISPLAY_FIELD`` or ``TYPE/schema/path``."""
    element, separator, rest = name.partition("/")
    if not separator or "." in element:
        element, _, rest = name.partition(".")
    if root == WORKFLOW and element == root and separator:
        return _schema_values(site, root, name)
    if site.types.is_a(element, IMAGE_SCAN) and element != root and "." not in name:
        return _schema_values(site, root, name)  # the scans in a session: no display field leads there
    if "/" not in rest.partition("=")[0]:
        try:
            return _values(site, displays, root, element, rest)
        except UnknownField:
            return _schema_values(site, root, f"{element}/{rest}")
    return _schema_values(site, root, name)


def _comparison(kind: str, wanted: str) -> Callable[[str], bool]:
    if kind in ("IS", "IS NOT"):
        return lambda value: (value == "") == (kind == "IS")
    if kind in ("LIKE", "NOT LIKE"):
        pattern = re.compile(".*".join(map(re.escape, wanted.split("%"))), re.IGNORECASE | re.DOTALL)
        return lambda value: bool(pattern.fullmatch(value)) == (kind == "LIKE")
    if kind == "IN":
        listed = {part.strip(" '\"") for part in wanted.strip("() ").split(",")}
        return lambda value: value in listed
    if kind == "BETWEEN":
        low, _, high = re.sub(r"\s+AND\s+", ",", wanted, flags=re.IGNORECASE).partition(",")
        return lambda value: value != "" and _order(value, low) >= 0 and _order(value, high) <= 0
    operators: dict[str, Callable[[int], bool]] = {
        "=": lambda order: order == 0,
        "!=": lambda order: order != 0,
        "<": lambda order: order < 0,
        "<=": lambda order: order <= 0,
        ">": lambda order: order > 0,
        ">=": lambda order: order >= 0,
    }
    if kind not in operators:
        raise Refusal(500, f"Unknown comparison {kind}")
    holds = operators[kind]
    return lambda value: (value != "" or kind in ("=", "!=")) and holds(_order(value, wanted))


def _order(one: str, other: str) -> int:
    """-1, 0 or 1: by number where both are numbers, dates in either spelling, else by text."""
    one, other = _iso(one), _iso(other.strip())
    try:
        first, second = float(one), float(other)
    except ValueError:
        return (one > other) - (one < other)
    return (first > second) - (first < second)


def _iso(value: str) -> str:
    found = _AMERICAN.fullmatch(value)
    return f"{found.group(3)}-{found.group(1)}-{found.group(2)}" if found else value


def _field_id(element: etree._Element) -> str:
    """A parameter may be written in the ID (``FIELD=x``) or as the field's ``value``."""
    name, value = _text(element, "field_ID"), _text(element, "value")
    return f"{name}={value}" if value and "=" not in name else name


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [one for one in element if etree.QName(one).localname == name]


def _text(element: etree._Element, name: str) -> str:
    found: Iterable[str] = (one.text or "" for one in _children(element, name))
    return next(iter(found), "").strip()
