"""Items as XNAT's JSON: ``data_fields``, nested ``children`` and ``meta``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
from xnat_tui.demo.datatypes import IMAGE_SESSION, NAMESPACES
from xnat_tui.demo.records import User
from xnat_tui.demo.rights import can_read
from xnat_tui.demo.shortcuts import DEMOGRAPHICS, NUMERIC_FIELDS
from xnat_tui.demo.site import Site

Node = dict[str, Any]
_POLYMORPHIC = frozenset(("demographics", "investigator", "PI", "metadata"))


def item_json(site: Site, user: User, item: Item) -> Node:
    """The answer to ``format=json`` on an item: always one element under ``items``."""
    return {"items": [_node(site, user, item)]}


def resource_json(site: Site, holder: Item, resource: Resource, side: str = "") -> Node:
    """A single resource as an item; never a table."""
    return {"items": _resources(site, holder, [resource], side.upper())}


def archive_uri(site: Site, item: Item, resource: Resource, side: str = "") -> str:
    """The absolute catalog path on the server, which clients can make nothing of."""
    root = site.settings.archive_path
    name = f"{resource.label}_catalog.xml"
    if isinstance(item, Scan):
        folder = f"{item.session.project}/arc001/{item.session.label}/SCANS/{item.id}"
        return f"{root}/{folder}/{resource.label}/scan_{item.id}_catalog.xml"
    if isinstance(item, Derived):
        kind = "ASSESSORS" if isinstance(item, Assessor) else "RECON"
        folder = f"{item.session.project}/arc001/{item.session.label}/{kind}/{item.label or item.id}"
        return f"{root}/{folder}/{side or 'OUT'}/{resource.label}/{name}"
    if isinstance(item, Experiment):
        folder = f"{item.project}/arc001/{item.label}/RESOURCES"
        return f"{root}/{folder}/{resource.label}/{name}"
    if isinstance(item, Subject):
        return f"{root}/{item.project}/subjects/{item.label}/{resource.label}/{name}"
    return f"{root}/{item.id}/resources/{resource.label}/{name}"


def _node(site: Site, user: User, item: Item) -> Node:
    children: list[Node] = []
    data = _identity(site, item)
    data.update(_fields(item))
    if isinstance(item, Subject):
        _subject_children(site, user, item, children)
    elif isinstance(item, Project):
        _project_children(item, children)
    elif isinstance(item, Experiment):
        groups = (
            ("scans/scan", item.scans.values()),
            ("assessors/assessor", item.assessors.values()),
            ("reconstructions/reconstructedImage", item.reconstructions.values()),
        )
        for name, group in groups:
            readable = [one for one in group if can_read(site, user, one)]
            _add(children, name, [_node(site, user, one) for one in readable])
    elif isinstance(item, Derived):
        _add(children, "in/file", _resources(site, item, item.in_resources, "IN"))
        _add(children, "out/file", _resources(site, item, item.out_resources, "OUT"))
    name = "file" if isinstance(item, Scan) else "resources/resource"
    _add(children, name, _resources(site, item, item.resources))
    _add(children, "sharing/share", [_share(one, label) for one, label in item.shares.items()])
    variables = [
        _plain({"name": name, "field": value}, f"{item.xsi_type}_field")
        for name, value in item.variables.items()
    ]
    _add(children, "fields/field", variables)
    if site.settings.typed_children:
        for child in children:
            if child["field"] in _POLYMORPHIC:
                child["field"] += f"[{child['items'][0]['meta']['xsi:type']}]"
    return {"children": children, "data_fields": data, "meta": _meta(item.xsi_type, item)}


def _identity(site: Site, item: Item) -> Node:
    data: Node = {"ID": item.id}
    if isinstance(item, Scan):
        data["image_session_ID"] = item.session.id
        data["xnat_imagescandata_id"] = data["xnat_imageScanData_id"] = item.pk
        return data
    if isinstance(item, Reconstruction):
        return {**data, "image_session_ID": item.session.id, "xnat_reconstructedimagedata_id": item.pk}
    data["id"] = item.id
    if isinstance(item, Subject | Experiment | Assessor):
        data["label"] = item.label
        data["project"] = item.project
    if isinstance(item, Assessor):
        data["imageSession_ID"] = item.session.id
    if isinstance(item, Experiment):
        data["subject_ID"] = item.subject.id
        if site.types.is_a(item.xsi_type, IMAGE_SESSION):
            data["prearchivePath"] = f"{site.settings.archive_path}/{item.project}/{item.label}"
    return data


def _fields(item: Item) -> Node:
    hidden = ("pi_firstname", "pi_lastname", "alias")
    separate = DEMOGRAPHICS if isinstance(item, Subject) else frozenset[str]()
    return {
        name: typed(name, value)
        for name, value in item.fields.items()
        if name not in hidden and name not in separate
    }


def typed(name: str, value: str) -> str | int | float:
    """A field's JSON value: numbers where the schema says number and the text is one."""
    if name.lower() in NUMERIC_FIELDS:
        for convert in (int, float):
            try:
                return convert(value)
            except ValueError:
                continue
    return value


def _subject_children(site: Site, user: User, item: Subject, children: list[Node]) -> None:
    demographics = {name: typed(name, value) for name, value in item.fields.items() if name in DEMOGRAPHICS}
    if demographics:
        _add(children, "demographics", [_plain(demographics, "xnat:demographicData")])
    _person(item, children, "investigator")
    readable = [one for one in item.experiments.values() if can_read(site, user, one)]
    _add(children, "experiments/experiment", [_node(site, user, one) for one in readable])


def _project_children(item: Project, children: list[Node]) -> None:
    _person(item, children, "PI")
    _add(children, "studyProtocol", [_element_node(one) for one in item.protocols.values()])
    alias = item.fields.get("alias")
    if alias:
        _add(children, "aliases/alias", [_plain({"alias": alias}, "xnat:projectData_alias")])


def _element_node(element: etree._Element) -> Node:
    """An element that is stored as it came: attributes are fields, what is wrapped once are children."""
    node = _plain({str(name): value for name, value in element.attrib.items() if "}" not in str(name)}, "")
    node["meta"]["xsi:type"] = str(element.get(f"{{{NAMESPACES['xsi']}}}type", ""))
    for wrapper in element:
        name = etree.QName(wrapper).localname
        for inner in {etree.QName(one).localname for one in wrapper}:
            below = [_element_node(one) for one in wrapper if etree.QName(one).localname == inner]
            _add(node["children"], f"{name}/{inner}", below)
    return node


def _person(item: Item, children: list[Node], name: str) -> None:
    parts = {
        part: item.fields[f"pi_{part}"] for part in ("firstname", "lastname") if item.fields.get(f"pi_{part}")
    }
    if parts:
        _add(children, name, [_plain(parts, "xnat:investigatorData")])


def _resources(site: Site, item: Item, resources: Iterable[Resource], side: str = "") -> list[Node]:
    nodes = []
    for one in resources:
        data: Node = {
            "label": one.label,
            "format": one.format,
            "content": one.content,
            "description": one.description,
            "file_count": one.file_count,
            "file_size": one.file_size,
            "URI": archive_uri(site, item, one, side),
            "xnat_abstractresource_id": one.id,
        }
        kept = {name: value for name, value in data.items() if value not in (None, "")}
        node = _plain(kept, "xnat:resourceCatalog")
        tags = [_plain({"tag": tag}, "xnat:abstractResource_tag") for tag in one.tags]
        _add(node["children"], "tags/tag", tags)
        nodes.append(node)
    return nodes


def _share(project_id: str, label: str | None) -> Node:
    data = {"project": project_id, **({"label": label} if label else {})}
    return _plain(data, "xnat:experimentData_share")


def _add(children: list[Node], name: str, items: list[Node]) -> None:
    if items:
        children.append({"field": name, "items": items})


def _plain(data: Node, xsi_type: str) -> Node:
    return {"children": [], "data_fields": data, "meta": _meta(xsi_type, None)}


def _meta(xsi_type: str, item: Item | None) -> Node:
    meta: Node = {"isHistory": False, "xsi:type": xsi_type, "create_event_id": 1}
    if item is not None:
        moment = item.last_modified or item.insert_date
        meta["start_date"] = moment.strftime("%a %b %d %H:%M:%S UTC %Y")
    return meta
