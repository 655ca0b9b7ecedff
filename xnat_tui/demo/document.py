"""Items read from XML documents that clients send."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from xnat_tui.demo.datatypes import NAMESPACES
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.shortcuts import field_name
from xnat_tui.demo.site import Site

XSI = NAMESPACES["xsi"]


@dataclass(slots=True)
class Document:
    """An item read from XML: what it says of itself, its fields and the items nested in it."""

    xsi_type: str
    identity: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    shares: dict[str, str | None] = field(default_factory=dict)
    scans: list[Document] = field(default_factory=list)
    assessors: list[Document] = field(default_factory=list)
    reconstructions: list[Document] = field(default_factory=list)
    experiments: list[Document] = field(default_factory=list)
    protocols: list[etree._Element] = field(default_factory=list)


_IDENTITY = frozenset(
    ["ID", "id", "label", "project", "subject_ID", "imageSession_ID", "image_session_ID", "prearchivePath"]
)
_NESTED = ("scans", "assessors", "reconstructions", "experiments")
_IGNORED = frozenset(["resources", "file", "in", "out", "custom_fields", "metadata"])


def read_document(site: Site, body: bytes) -> Document:
    """The item of a document; 422 when it is no XML or its root element is no known type."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Refusal(422, f"Invalid XML: {error}") from error
    name = etree.QName(root)
    prefix = next((key for key, uri in NAMESPACES.items() if uri == name.namespace), "xnat")
    known = site.types.by_element(f"{prefix}:{name.localname}")
    if known is None:
        raise Refusal(422, f"Unknown element {name.localname}")
    return _read(root, root.get(f"{{{XSI}}}type") or known.name)


def _read(element: etree._Element, xsi_type: str) -> Document:
    found = Document(xsi_type)
    for key, value in element.attrib.items():
        name = etree.QName(key)
        if name.namespace is None:
            _keep(found, name.localname, str(value))
    below = _elements(element)
    assesses = any(etree.QName(child).localname == "imageSession_ID" for child in below)
    for child in below:
        tag = etree.QName(child).localname
        if tag in _NESTED and not assesses:  # an assessor's `scans` are fields that refer to scans
            default = "xnat:reconstructedImageData" if tag == "reconstructions" else ""
            nested = [_read(one, one.get(f"{{{XSI}}}type") or default) for one in _elements(child)]
            getattr(found, tag).extend(nested)
        elif tag == "sharing":
            found.shares.update({one.get("project", ""): one.get("label") for one in _elements(child)})
        elif tag == "studyProtocol":
            found.protocols.append(child)
        elif tag == "fields":
            found.variables.update({one.get("name", ""): _text(one) for one in _elements(child)})
        elif tag not in _IGNORED:
            _leaf(found, child, tag)
    return found


def _leaf(found: Document, element: etree._Element, path: str) -> None:
    for key, value in element.attrib.items():
        if etree.QName(key).namespace is None:
            _keep(found, f"{path}/{key!s}", str(value))
    _keep(found, path, _text(element))
    for child in _elements(element):
        _leaf(found, child, f"{path}/{etree.QName(child).localname}")


def _elements(element: etree._Element) -> list[etree._Element]:
    return [one for one in element if isinstance(one.tag, str)]


def _text(element: etree._Element) -> str:
    """Its text as ``SAXReader`` puts it together: only pieces that are all white space are dropped."""
    pieces = [element.text or "", *(one.tail or "" for one in element)]
    return "".join(piece for piece in pieces if piece.strip())


def _keep(found: Document, path: str, value: str) -> None:
    if path in _IDENTITY:
        found.identity["ID" if path == "id" else path] = value
    elif value:
        found.fields[field_name(path)] = value
