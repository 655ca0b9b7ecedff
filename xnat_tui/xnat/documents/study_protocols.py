"""What a project says of each data type: the definitions by which custom variables are displayed.

A project's document has a `studyProtocol` per data type, with groups of field definitions. A group that is
`project-specific` is the project's own. Any other is one group of the whole site, known by its ID and data
type: sending it would change the forms of every project there, so it is never sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lxml import etree

from xnat_tui.xnat.documents.item_xml import XNAT

_GROUPS = f"{{{XNAT}}}definitions/{{{XNAT}}}definition"
_FIELDS = f"{{{XNAT}}}fields/{{{XNAT}}}field"


def protocols(project: etree._Element) -> list[etree._Element]:
    """Those of a project's document, one for each data type."""
    return project.findall(f"{{{XNAT}}}studyProtocol")


def data_type(protocol: etree._Element) -> str:
    """The xsi type that a protocol is about."""
    return str(protocol.get("data-type", ""))


def site_wide(protocol: etree._Element) -> Iterator[str]:
    """Names of the groups with definitions that belong to the site."""
    for group in protocol.findall(_GROUPS):
        if not _is_own(group) and group.findall(_FIELDS):
            yield f"{group.get('ID', '')} of {data_type(protocol)}"


def for_another(project: etree._Element, old: str, new: str, types: Collection[str]) -> None:
    """Leave in a project's document what a new project gets: protocols of these data types, own groups only.

    Their IDs are unique per site: they begin with the new project's ID, so that they meet nobody's.
    """
    for protocol in protocols(project):
        if data_type(protocol) not in types:
            project.remove(protocol)
            continue
        protocol.set("ID", _renamed(str(protocol.get("ID", "")) or data_type(protocol), old, new))
        for group in protocol.findall(_GROUPS):
            parent = group.getparent()
            assert parent is not None, "a group stands among definitions"
            if not _is_own(group):
                parent.remove(group)
                if len(parent) == 0:
                    protocol.remove(parent)
                continue
            group.set("ID", _renamed(str(group.get("ID", "")), old, new))


def _is_own(group: etree._Element) -> bool:
    return str(group.get("project-specific", "")).lower() in ("true", "1")


def _renamed(name: str, old: str, new: str) -> str:
    return new + name.removeprefix(old) if name.startswith(f"{old}_") else f"{new}_{name.replace(':', '_')}"
