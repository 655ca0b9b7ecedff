"""Item documents as XML: read without trust, rewritten for another server, compared after writing.

XNAT gives every item as XML (`format=xml`), a session with its scans, assessors and reconstructions
nested. A PUT of such a document merges it: what it does not name stays. IDs, projects and labels in it
must be those of the address, or be left out.

Texts are exact. XNAT writes a comment `<!--hidden_fields[...]-->` before an element's own text, and its
serializer white space around that. `ask` has it leave the comments out; where they come all the same,
`parse` takes away what went with them (`docs/xnat-contract.md` 3.2).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from lxml import etree

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Kind
from xnat_tui.model.judging import same_text
from xnat_tui.xnat.documents.escaping import document_text, plain_text
from xnat_tui.xnat.http.connection import LARGEST_DOCUMENT, Connection

XNAT = "http://nrg.wustl.edu/xnat"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

_T = TypeVar("_T")

_IDENTITY: Mapping[Kind, frozenset[str]] = {
    Kind.PROJECT: frozenset({"ID"}),
    Kind.SUBJECT: frozenset({"ID", "project", "label"}),
    Kind.EXPERIMENT: frozenset({"ID", "project", "label"}),
    Kind.ASSESSOR: frozenset({"ID", "project", "label"}),
    Kind.SCAN: frozenset({"project"}),
    Kind.RECONSTRUCTION: frozenset(),
}
_CHILDREN: Mapping[Kind, frozenset[str]] = {
    Kind.PROJECT: frozenset({"resources", "sharing", "custom_fields"}),
    Kind.SUBJECT: frozenset({"experiments", "resources", "sharing", "custom_fields"}),
    Kind.EXPERIMENT: frozenset(
        {
            *("scans", "assessors", "reconstructions", "resources", "sharing", "prearchivePath"),
            "custom_fields",
        }
    ),
    Kind.SCAN: frozenset({"file", "sharing", "image_session_ID", "custom_fields"}),
    Kind.ASSESSOR: frozenset({"in", "out", "resources", "sharing", "custom_fields"}),
    Kind.RECONSTRUCTION: frozenset({"in", "out", "resources", "image_session_ID"}),
}
"""What stands below an item and is copied by itself, or belongs to one server."""

_SCAN_REFERENCES = frozenset({"scanid", "imagescanid"})
_REFERENCES = frozenset(
    {
        *("subjectid", "imagesessionid", "sessionid", "experimentid", "assessorid", "imageassessorid"),
        *("expid", "mrsessionid", "petsessionid", "baseexperimentid"),
    }
)


class Unmapped(BadAnswer):
    """A document refers to something that the destination does not have."""

    title = "Reference without a counterpart"


def ask(
    connection: Connection, path: str, read: Callable[[bytes], _T], max_bytes: int = LARGEST_DOCUMENT
) -> _T:
    """What `read` makes of an item's document as it arrives; `path` is percent-encoded. Where `read` raises
    BadAnswer it is asked for again."""
    return connection.read_bytes(path, read, max_bytes=max_bytes, format="xml", concealHiddenFields="true")


def parse(body: bytes) -> etree._Element:
    """Raises BadAnswer for what is no XML document, an HTML page included.

    Entities are not resolved and nothing is fetched: a server's document may be hostile.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True, huge_tree=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):  # the error would quote the document
        root = None
    if root is None or root.getroottree().docinfo.internalDTD is not None or _local(root).lower() == "html":
        raise BadAnswer("The server's document of this item is not the XML that was asked for.", "Try again.")
    _take_comments_away(root)
    _change_texts(root, plain_text)
    return root


def serialise(root: etree._Element) -> bytes:
    """The document to send, so that what is read of it later is what stands here."""
    document = copy.deepcopy(root)
    _change_texts(document, document_text)
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8"))


_LAST_LINE = re.compile(r"\n *\Z")


def _take_comments_away(root: etree._Element) -> None:
    """With the white space that the serializer wrote around `hidden_fields`, and no character more.

    Xalan, which XNAT brings along, writes one newline after the comment. A JDK's own serializer puts comment
    and text on lines of their own, indented alike, and the end tag on the next.
    """
    exact: dict[etree._Element, str] = {}
    for comment in root.iter(etree.Comment):
        element = comment.getparent()
        if element is None or element in exact or any(isinstance(one.tag, str) for one in element):
            continue
        before, after = element.text or "", "".join(one.tail or "" for one in element)
        if not str(comment.text).startswith("hidden_fields") or before.strip():
            exact[element] = before + after
        elif before:
            exact[element] = _LAST_LINE.sub("", after).removeprefix(before)
        else:
            exact[element] = after.removeprefix("\n")
    etree.strip_tags(root, etree.Comment)
    for element, text in exact.items():
        element.text = text or None


_KEPT_AS_STORED = frozenset({"ID", "id", "label", "project", "URI"})
"""Attributes that name something: a parameter never sets them."""


def _change_texts(root: etree._Element, change: Callable[[str], str]) -> None:
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if "&" in value and str(name) not in _KEPT_AS_STORED:
                element.set(name, change(str(value)))
        if element.text and "&" in element.text and _local(element) != "custom_fields":  # that is JSON
            element.text = change(element.text)


def own(root: etree._Element, kind: Kind) -> etree._Element:
    """A copy of an item's element with its own fields only: no identity, no sharing, nothing below it."""
    document = copy.deepcopy(root)
    for name in list(document.attrib):
        if str(name) in _IDENTITY[kind] or str(name) == f"{_XSI}schemaLocation":
            del document.attrib[name]
    for child in list(document):
        if not isinstance(child.tag, str) or _local(child) in _CHILDREN[kind]:
            document.remove(child)
    return document


def accession_id(document: etree._Element) -> str:
    """Raises BadAnswer for a document that does not say whose it is."""
    return _attribute(document, "ID")


def scans(session: etree._Element) -> dict[str, etree._Element]:
    """The scans nested in a session's document, by ID. Raises BadAnswer for one without."""
    found = session.findall(f"{{{XNAT}}}scans/{{{XNAT}}}scan")
    return {_attribute(scan, "ID"): scan for scan in found}


def assessors(session: etree._Element) -> dict[str, etree._Element]:
    """The assessors nested in a session's document, by label, or by ID where they have none.

    Raises BadAnswer for one with neither.
    """
    found = session.findall(f"{{{XNAT}}}assessors/{{{XNAT}}}assessor")
    return {_attribute(one, "label", "ID"): one for one in found}


def reconstructions(session: etree._Element) -> dict[str, etree._Element]:
    """The reconstructions nested in a session's document, by ID. Raises BadAnswer for one without."""
    found = session.findall(f"{{{XNAT}}}reconstructions/{{{XNAT}}}reconstructedImage")
    return {_attribute(one, "ID"): one for one in found}


def _attribute(element: etree._Element, *names: str) -> str:
    for name in names:
        if (text := str(element.get(name, ""))).strip():
            return text
    raise BadAnswer(
        f"The server's document has a {_local(element)} without its {names[-1]}.",
        "Try again; if it stays, ask the server's administrator to look at it.",
    )


def resource_attributes(document: etree._Element, uri: str, label: str) -> dict[str, str]:
    """What a resource's attributes are: `format`, `content`, `description` and comma-separated `tags`.

    `document` is that of the session, subject or project; the address has accession IDs, or labels. No list
    tells all four; empty where it is missing.
    """
    owner: etree._Element | None = document
    side = ""
    for collection, members in (("scans", scans), ("reconstructions", reconstructions)):
        if f"/{collection}/" in uri:
            owner = members(document).get(uri.partition(f"/{collection}/")[2].partition("/")[0])
    if "/assessors/" in uri:
        owner = _assessor(document, uri.partition("/assessors/")[2].partition("/")[0])
    for word in ("in", "out"):
        if f"/{word}/resources/" in uri:
            side = word
    if owner is None:
        return {}
    places = {"in": ("in", "file"), "out": ("out", "file")}.get(side)
    path = places or (("file",) if "/scans/" in uri else ("resources", "resource"))
    found = owner.findall("/".join(f"{{{XNAT}}}{part}" for part in path))
    tags = f"{{{XNAT}}}tags/{{{XNAT}}}tag"
    named = [one for one in found if one.get("label", "") == label]
    if not named:
        return {}
    told = {name: str(named[0].get(name, "")) for name in ("format", "content", "description")}
    return {**told, "tags": ",".join(tag.text or "" for tag in named[0].findall(tags))}


def _assessor(session: etree._Element, name: str) -> etree._Element | None:
    """By accession ID, or by label; of several with one label the one of the session's own project."""
    found = session.findall(f"{{{XNAT}}}assessors/{{{XNAT}}}assessor")
    by_id = [one for one in found if one.get("ID") == name]
    labelled = [one for one in found if one.get("label") == name]
    own_first = sorted(labelled, key=lambda one: one.get("project") != session.get("project"))
    return next(iter((*by_id, *own_first)), None)


def catalog_path(owner: etree._Element, label: str, side: str = "") -> str:
    """Where the server keeps the catalog of a resource of this item; "" where it does not tell."""
    places = (f"{side}/file",) if side else ("file", "resources/resource")
    for place in places:
        for one in owner.findall("/".join(f"{{{XNAT}}}{part}" for part in place.split("/"))):
            if one.get("label", "") == label:
                return str(one.get("URI", ""))
    return ""


def with_scans(session: etree._Element, members: list[etree._Element]) -> etree._Element:
    """A session's document that brings scans along, so that one request creates them with it."""
    document = copy.deepcopy(session)
    etree.SubElement(document, f"{{{XNAT}}}scans").extend(members)
    return document


def without(root: etree._Element, *names: str) -> etree._Element:
    """A copy that lacks these children."""
    document = copy.deepcopy(root)
    for name in names:
        for child in document.findall(f"{{{XNAT}}}{name}"):
            document.remove(child)
    return document


def text_of(document: etree._Element, name: str) -> str:
    """A child element's text without blanks at its ends; "" where there is none."""
    return (document.findtext(f"{{{XNAT}}}{name}") or "").strip()


def set_text(document: etree._Element, name: str, text: str) -> None:
    """Set a child element's text; one that is missing is added at the end."""
    element = document.find(f"{{{XNAT}}}{name}")
    if element is None:
        element = etree.SubElement(document, f"{{{XNAT}}}{name}")
    element.text = text


def retype(scan: etree._Element, xsi_type: str) -> None:
    """Give a scan another type: `xnat:imageScanData` is abstract, and newer servers refuse it."""
    if scan.get(XSI_TYPE):
        scan.set(XSI_TYPE, xsi_type)
    else:
        scan.tag = f"{{{XNAT}}}{root_name(xsi_type)}"


def standing_alone(scan: etree._Element) -> etree._Element:
    """A nested scan as a document of its own, named after its type."""
    xsi_type = str(scan.get(XSI_TYPE, ""))
    document = copy.deepcopy(scan)
    if xsi_type:
        document.tag = f"{{{XNAT}}}{root_name(xsi_type)}"
        del document.attrib[XSI_TYPE]
    return document


def root_name(xsi_type: str) -> str:
    """`xnat:mrScanData` → `MRScan`, `xnat:otherDicomScanData` → `OtherDicomScan`, as schemas name them."""
    local = xsi_type.partition(":")[2].removesuffix("Data")
    stem = local.removesuffix("Scan")
    return (stem.upper() if len(stem) <= 3 else stem[:1].upper() + stem[1:]) + local[len(stem) :]


def remap(root: etree._Element, mapped: Callable[[str], str | None], has_scan: Callable[[str], bool]) -> None:
    """Replace every reference to an item of the source by its counterpart.

    `mapped` gives the accession ID there, or None. Scan IDs are the same on both sides: the scan only
    has to be there. Raises Unmapped with the field's name.
    """
    for place in _places(root):
        name = place.name.replace("_", "").lower()
        if not place.text.strip() or name.startswith("dcm") or not name.endswith("id"):
            continue
        if name in _SCAN_REFERENCES:
            if not has_scan(place.text):
                raise _unmapped(place.name, place.text)
            continue
        there = mapped(place.text)
        if there is not None:
            place.replace(there)
        elif name in _REFERENCES:
            raise _unmapped(place.name, place.text)


def _unmapped(name: str, value: str) -> Unmapped:
    return Unmapped(
        f"{name} refers to {value}, which has no counterpart at the destination.",
        "Copy what it refers to first, or together with it.",
    )


class _Place:
    """Where a reference stands: an element's text, or one of its attributes below the root's own."""

    def __init__(self, element: etree._Element, attribute: str = "") -> None:
        self.element = element
        self.attribute = attribute
        self.name = attribute or _local(element)
        self.text = str(element.get(attribute, "") if attribute else element.text or "")

    def replace(self, text: str) -> None:
        if self.attribute:
            self.element.set(self.attribute, text)
        else:
            self.element.text = text


def _places(root: etree._Element) -> Iterator[_Place]:
    for element in root.iter(etree.Element):
        if len(element) == 0 and element is not root:
            yield _Place(element)
        for name in element.attrib:
            if str(name) != "ID":
                yield _Place(element, str(name))


def facts(root: etree._Element) -> list[tuple[str, str]]:
    """Every field of an element as (path, text), attributes like elements: `scanner/manufacturer`."""
    return list(_facts(root, ""))


def named_facts(root: etree._Element) -> list[tuple[str, str]]:
    """The same, custom variables by their names: `fields/field[site]`."""
    return list(_facts(root, "", by_name=True))


_NAMED = frozenset({"field", "addParam", "addID"})
"""Elements of which there are many, told apart by their `name`."""


def _facts(element: etree._Element, path: str, *, by_name: bool = False) -> Iterator[tuple[str, str]]:
    """`by_name` tells `fields/field[site]`, be it without a text, instead of `fields/field/name`."""
    name_of = str(element.get("name", "")) if by_name and _local(element) in _NAMED else ""
    if name_of:
        path = f"{path}[{name_of}]"
    for name, value in element.attrib.items():
        if not str(name).startswith(_XSI) and value and not (name_of and name == "name"):
            yield _joined(path, str(name)), str(value)
    text = element.text or ""
    if path and (text or name_of) and (len(element) == 0 or text.strip()):
        yield path, text
    for child in element:
        if isinstance(child.tag, str):
            yield from _facts(child, _joined(path, _local(child)), by_name=by_name)


def lost(sent: etree._Element, stored: etree._Element) -> list[str]:
    """Names of the fields that were sent and are not stored with the same value: `fields/field[site]`."""
    there: dict[str, list[str]] = {}
    for name, text in _facts(stored, "", by_name=True):
        there.setdefault(name.lower(), []).append(text)
    missing = []
    for name, text in _facts(sent, "", by_name=True):
        if not any(_same(text, other) for other in there.get(name.lower(), ("",))):
            missing.append(name)
    return list(dict.fromkeys(missing))


def blank_texts(document: etree._Element) -> dict[str, str]:
    """The fields of white space alone, as `lost` names them: XNAT drops them where a document brings them."""
    return {name: text for name, text in _facts(document, "", by_name=True) if text and not text.strip()}


def contradicted(sent: etree._Element, stored: etree._Element) -> list[str]:
    """Of the fields that `lost` names those that have another value there, and not none."""
    there = {name.lower() for name, text in _facts(stored, "", by_name=True) if text}
    return [name for name in lost(sent, stored) if name.lower() in there]


_BOOLEANS = {"true": "1", "false": "0"}


def _same(one: str, other: str) -> bool:
    return same_text(_BOOLEANS.get(one, one), _BOOLEANS.get(other, other))


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _local(element: etree._Element) -> str:
    return str(etree.QName(element).localname)
