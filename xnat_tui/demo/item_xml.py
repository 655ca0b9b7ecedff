"""Items written as XNAT's XML.

XNAT writes a comment with the keys of a row, then the row's own text; its serializer indents. Xalan, which
it brings along, puts one newline after a comment and one between elements; a JDK's own serializer puts
comment and text on lines of their own and loses the newlines that a text begins with (run with JDK 17).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy

from lxml import etree

from xnat_tui.demo.archive import (
    Assessor,
    Derived,
    Experiment,
    Item,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Subject,
)
from xnat_tui.demo.datatypes import NAMESPACES
from xnat_tui.demo.item_json import archive_uri
from xnat_tui.demo.records import User
from xnat_tui.demo.rights import can_read
from xnat_tui.demo.shortcuts import DEMOGRAPHICS
from xnat_tui.demo.site import Site

XNAT, XSI = NAMESPACES["xnat"], NAMESPACES["xsi"]
_ATTRIBUTES = frozenset(
    [
        "visit_id",
        "visit",
        "version",
        "protocol",
        "original",
        "UID",
        "modality",
        "session_type",
        "study_id",
        "group",
        "src",
        "type",
        "secondary_ID",
        "active",
        "scanner/manufacturer",
        "scanner/model",
        "validation/status",
        "tracer/name",
        "tracer/startTime",
        "parameters/voxelRes/x",
        "parameters/voxelRes/y",
        "parameters/voxelRes/z",
        "parameters/fov/x",
        "parameters/fov/y",
        "parameters/matrix/x",
        "parameters/matrix/y",
        "height/units",
        "weight/units",
        "addID/name",
        "parameters/addParam/name",
    ]
)
_ELEMENT_ONLY = {"project": frozenset(("type",)), "scan": frozenset(("modality",))}
_ORDER = [
    "sharing",
    "name",
    "type",
    "description",
    "keywords",
    "aliases",
    "studyProtocol",
    "PI",
    "date",
    "time",
    "duration",
    "delay",
    "note",
    "quality",
    "condition",
    "series_description",
    "documentation",
    "investigator",
    "validation",
    "resources",
    "demographics",
    "metadata",
    "addID",
    "fields",
    "acquisition_site",
    "custom_fields",
    "subject_ID",
    "imageSession_ID",
    "age",
    "scanner",
    "modality",
    "frames",
    "operator",
    "startTime",
    "prearchivePath",
    "parameters",
    "scans",
    "in",
    "out",
    "reconstructions",
    "assessors",
    "dcmAccessionNumber",
    "dcmPatientId",
    "dcmPatientName",
    "file",
    "experiments",
]


def item_xml(site: Site, user: User, item: Item, *, conceal: bool = False) -> bytes:
    """The document of an item; ``conceal`` leaves the ``hidden_fields`` comments out."""
    known = site.types.get(item.xsi_type)
    name = known.element if known is not None else "xnat:Item"
    root = etree.Element(_tag(name), nsmap=NAMESPACES)
    root.set(f"{{{XSI}}}schemaLocation", f"{XNAT} http://localhost/xapi/schemas/xnat/xnat.xsd")
    _fill(site, user, root, item, hidden=not (conceal and site.settings.hidden_fields_concealed))
    _indent(root, "\n", "    " if site.settings.xml_serializer == "jdk" else "")
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return text


def _indent(element: etree._Element, line: str, step: str) -> None:
    """White space as the serializer writes it; ``line`` is what begins the line of the element itself.

    A text beside a comment is the comment's tail. A text by itself is never touched.
    """
    below = [one for one in element if isinstance(one.tag, str)]
    comments = [one for one in element if not isinstance(one.tag, str)]
    inner = f"{line}{step}"
    if comments and not below:
        text = comments[0].tail or ""
        if not step:
            comments[0].tail = f"\n{text}"
            return
        element.text = inner
        comments[0].tail = f"{inner}{text.lstrip(chr(10))}{line}" if text else line
        return
    if not below:
        return
    element.text = inner if step or not comments else None
    for one in element:
        one.tail = inner
    element[-1].tail = line
    for one in below:
        _indent(one, inner, step)


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


_WITH_KEYS = tuple(f"{{{XNAT}}}{name}" for name in ("alias", "addID", "addParam", "demographics"))
"""Elements that are rows of their own, beside custom variables and items."""


def _hide_keys(element: etree._Element, key: str, number: int) -> None:
    comment = etree.Comment(f'hidden_fields[{key}="{number}"]')
    comment.tail, element.text = element.text, None
    element.insert(0, comment)


def _child(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{XNAT}}}{name}")
    element.text = text
    return element


def _fill(site: Site, user: User, root: etree._Element, item: Item, *, hidden: bool) -> None:
    root.set("ID", item.id)
    if isinstance(item, Subject | Experiment | Assessor):
        root.set("project", item.project)
        root.set("label", item.label)
    if isinstance(item, Experiment):
        _child(root, "subject_ID", item.subject.id)
    elif isinstance(item, Assessor):
        _child(root, "imageSession_ID", item.session.id)
    elif isinstance(item, Scan | Reconstruction):
        _child(root, "image_session_ID", item.session.id)
    _put_fields(root, item)
    if hidden:
        for number, one in enumerate(root.iterdescendants(*_WITH_KEYS), 1):
            _hide_keys(one, f"xnat_{etree.QName(one).localname}_id", number)
    _put_shares(root, item)
    _put_variables(root, item, hidden=hidden)
    if item.custom_fields and site.at_least(1, 8, 8):
        _child(root, "custom_fields", json.dumps(item.custom_fields))
    if isinstance(item, Project):
        root.extend(deepcopy(one) for one in item.protocols.values())
    _put_resources(site, root, item)
    _put_children(site, user, root, item, hidden=hidden)
    root[:] = sorted(root, key=_rank)


def _put_shares(root: etree._Element, item: Item) -> None:
    if item.shares:
        sharing = _child(root, "sharing")
        for project_id, label in item.shares.items():
            share = _child(sharing, "share")
            share.set("project", project_id)
            if label:
                share.set("label", label)


def _put_variables(root: etree._Element, item: Item, *, hidden: bool) -> None:
    if item.variables:
        holder = _child(root, "fields")
        for number, (name, value) in enumerate(item.variables.items(), 1):
            one = _child(holder, "field", value)
            one.set("name", name)
            if hidden:
                _hide_keys(one, f"{item.xsi_type.replace(':', '_')}_field_id", number)


def _put_fields(root: etree._Element, item: Item) -> None:
    kind = "project" if isinstance(item, Project) else "scan" if isinstance(item, Scan) else ""
    elements = _ELEMENT_ONLY.get(kind, frozenset[str]())
    people = {"pi_firstname": "firstname", "pi_lastname": "lastname"}
    holder = "PI" if isinstance(item, Project) else "investigator"
    for name, value in item.fields.items():
        path = name
        if name in people:
            path = f"{holder}/{people[name]}"
        elif name == "alias":
            path = "aliases/alias"
        elif isinstance(item, Subject) and name in DEMOGRAPHICS:
            path = f"demographics/{name}"
        if name in _ATTRIBUTES and name not in elements:
            _set_attribute(root, path, value)
        else:
            _descend(root, path.split("/")).text = value
    demographics = root.find(f"{{{XNAT}}}demographics")
    if demographics is not None:
        demographics.set(f"{{{XSI}}}type", "xnat:demographicData")


def _set_attribute(root: etree._Element, path: str, value: str) -> None:
    *parents, last = path.split("/")
    _descend(root, parents).set(last, value)


def _descend(element: etree._Element, names: Iterable[str]) -> etree._Element:
    for name in names:
        found = element.find(f"{{{XNAT}}}{name}")
        element = _child(element, name) if found is None else found
    return element


def _put_resources(site: Site, root: etree._Element, item: Item) -> None:
    if isinstance(item, Scan):
        _put_files(site, root, item, item.resources, "file")
    elif item.resources:
        _put_files(site, _child(root, "resources"), item, item.resources, "resource")
    if isinstance(item, Derived):
        for name, group in (("in", item.in_resources), ("out", item.out_resources)):
            if group:
                _put_files(site, _child(root, name), item, group, "file", name.upper())


def _put_files(
    site: Site,
    parent: etree._Element,
    item: Item,
    resources: Iterable[Resource],
    name: str,
    side: str = "",
) -> None:
    for one in resources:
        element = _child(parent, name)
        element.set(f"{{{XSI}}}type", "xnat:resourceCatalog")
        values = {
            "label": one.label,
            "URI": archive_uri(site, item, one, side),
            "format": one.format,
            "content": one.content,
            "file_count": "" if one.file_count is None else str(one.file_count),
            "file_size": "" if one.file_size is None else str(one.file_size),
            "description": one.description,
        }
        for key, value in values.items():
            if value:
                element.set(key, value)
        for tag in one.tags:
            _child(_descend(element, ["tags"]), "tag", tag)


def _put_children(site: Site, user: User, root: etree._Element, item: Item, *, hidden: bool) -> None:
    groups: tuple[tuple[str, str, Iterable[Item]], ...] = ()
    nested = root.getparent() is not None
    if isinstance(item, Experiment) and nested and site.settings.nested_sessions == "bare":
        return
    if isinstance(item, Experiment):
        groups = (
            ("scans", "scan", item.scans.values()),
            ("reconstructions", "reconstructedImage", item.reconstructions.values()),
            ("assessors", "assessor", item.assessors.values()),
        )
    elif isinstance(item, Subject):
        groups = (("experiments", "experiment", item.experiments.values()),)
    for outer, inner, members in groups:
        readable = [one for one in members if can_read(site, user, one)]
        if readable:
            holder = _child(root, outer)
            for one in readable:
                element = _child(holder, inner)
                element.set(f"{{{XSI}}}type", one.xsi_type)
                _fill(site, user, element, one, hidden=hidden)


def _rank(element: etree._Element) -> int:
    name = etree.QName(element).localname if isinstance(element.tag, str) else ""
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
