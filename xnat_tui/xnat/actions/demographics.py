"""Subjects' demographics and custom variables: listed in bulk, written to the letter, read back.

Query parameters reach XNAT's store XML-escaped (`Tom's` becomes `Tom&apos;s`): texts with such characters,
or with white space at an end, go as a document, which keeps them as they are. A document merges: it cannot
blank a field. The parameter value `NULL` can (`docs/xnat-contract.md` 0.3, 3.5 to 3.7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from xnat_tui.errors import BadAnswer
from xnat_tui.model.demographics import FIELDS, VARIABLE_PREFIX, variable_name
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.documents.item_xml import XNAT, XSI_TYPE
from xnat_tui.xnat.http.connection import Connection, url_path
from xnat_tui.xnat.tables.listing import IDENTIFYING, accession_id

USUAL_TYPE = "xnat:demographicData"
_ATTRIBUTES = ("group", "src")
"""Fields of the subject itself; all others belong to its demographics."""
_PLAIN = re.compile(r"[ !#-%(-;=?-~]*")
"""What passes through parameters unchanged: printable ASCII without `"`, `&`, `'`, `<`, `>`."""
CLEAR = "NULL"
"""The parameter value that clears; whether it does so for more than variables, no source proves."""


@dataclass(slots=True, repr=False)
class Person:
    """One subject of a project as it is stored."""

    id: str
    label: str
    project: str
    """The owner: not the asked project where the subject is shared in."""
    values: dict[str, str] = field(default_factory=dict)
    shares: list[str] = field(default_factory=list)
    """Projects that it is shared into."""


def people(connection: Connection, project: str) -> dict[str, Person]:
    """Every subject of a project by accession ID. Three requests, whatever their number.

    Variables and shares come as one row per value: multi-valued columns are joined, never listed in a cell.
    """
    path = f"/data/projects/{url_path(project)}/subjects"
    table = connection.table(path, *IDENTIFYING, columns=",".join(("ID", "label", "project", *FIELDS)))
    there = [name for name in FIELDS if name.lower() in {column.lower() for column in table.columns}]
    found: dict[str, Person] = {}
    for row in table:
        identifier = accession_id(row)
        values = {name: plain_text(row[name]) for name in there}
        found[identifier] = Person(identifier, row["label"] or identifier, row["project"] or project, values)
    name, value = (f"xnat:subjectData/fields/field/{part}" for part in ("name", "field"))
    for row in connection.table(path, "URI", columns=f"ID,{name},{value}"):
        person = found.get(accession_id(row))
        if person is not None and (row[name] or row[value]):
            person.values[f"{VARIABLE_PREFIX}{row.required(name)}"] = plain_text(row[value])
    share = "xnat:subjectData/sharing/share/project"
    for row in connection.table(path, "URI", columns=f"ID,{share}"):
        person = found.get(accession_id(row))
        if person is not None and row[share]:
            person.shares.append(row[share])
    return found


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """The text of every field and variable of a subject, and which kind of demographics it has."""

    values: Mapping[str, str]
    type: str = USUAL_TYPE


def read(connection: Connection, owner: str, subject: str) -> Stored:
    """A subject's fields to the letter. Raises NotFound, BadAnswer."""
    root = writing.read_item(connection, _uri(owner, subject))
    if str(root.tag) != f"{{{XNAT}}}Subject":
        raise BadAnswer("The server answered with the document of something else.", "Reload.")
    values = {name: str(root.get(name, "")) for name in _ATTRIBUTES}
    demographics = root.find(f"{{{XNAT}}}demographics")
    if demographics is not None:
        for child in demographics.iterchildren(etree.Element):
            values[str(etree.QName(child).localname)] = child.text or ""
    for one in root.findall(f"{{{XNAT}}}fields/{{{XNAT}}}field"):
        name = str(one.get("name", ""))
        if not name.strip():
            raise BadAnswer("The server's document has a custom variable without its name.", "Reload.")
        values[f"{VARIABLE_PREFIX}{name}"] = one.text or ""
    kind = USUAL_TYPE if demographics is None else str(demographics.get(XSI_TYPE) or USUAL_TYPE)
    return Stored(values, kind)


def write(connection: Connection, owner: str, subject: str, values: Mapping[str, str], kind: str) -> None:
    """Set fields and variables; "" clears. One call, or two where some texts need a document.

    Raises what a write raises; where the second call fails, the first has happened. Read back.
    """
    exact = {name: text for name, text in values.items() if not _passes_as_parameter(text)}
    if exact:
        writing.put_item(connection, _uri(owner, subject), _document(exact, kind))
    params = {_path(name, kind): text or CLEAR for name, text in values.items() if name not in exact}
    if params:
        connection.write("PUT", f"/data/projects/{url_path(owner, 'subjects', subject)}", params=params)


def _passes_as_parameter(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text != CLEAR and (text == text.strip() or not text.strip())


def _uri(owner: str, subject: str) -> str:
    if not owner or not subject:
        raise BadAnswer("The server does not tell which project owns this subject.")
    return f"/data/projects/{owner}/subjects/{subject}"


def _path(name: str, kind: str) -> str:
    if variable := variable_name(name):
        return f"xnat:subjectData/fields/field[name={variable}]/field"
    if name in _ATTRIBUTES or kind == USUAL_TYPE:
        return name
    return f"xnat:subjectData/demographics[@xsi:type={kind}]/{name}"


def _document(values: Mapping[str, str], kind: str) -> etree._Element:
    root = etree.Element(f"{{{XNAT}}}Subject", nsmap={"xnat": XNAT})
    inner = {name: text for name, text in values.items() if name in FIELDS and name not in _ATTRIBUTES}
    for name in _ATTRIBUTES:
        if name in values:
            root.set(name, values[name])
    if inner:
        demographics = etree.SubElement(root, f"{{{XNAT}}}demographics")
        demographics.set(XSI_TYPE, kind)
        for name, text in inner.items():
            etree.SubElement(demographics, f"{{{XNAT}}}{name}").text = text
    variables = {variable_name(name): text for name, text in values.items() if variable_name(name)}
    if variables:
        fields = etree.SubElement(root, f"{{{XNAT}}}fields")
        for name, text in variables.items():
            etree.SubElement(fields, f"{{{XNAT}}}field", name=name).text = text
    return root
