"""Catalog XML: the list of a resource's files as it lies on the server's disk."""

from __future__ import annotations

from lxml import etree

from xnat_tui.demo.archive import Resource
from xnat_tui.demo.datatypes import NAMESPACES

_CAT = NAMESPACES["cat"]


def catalog_xml(resource: Resource) -> bytes:
    """A ``cat:Catalog`` (``cat:DCMCatalog`` for DICOM); ``URI`` is relative to the catalog."""
    name = "DCMCatalog" if resource.format == "DICOM" else "Catalog"
    root = etree.Element(f"{{{_CAT}}}{name}", nsmap={"cat": _CAT, "xsi": NAMESPACES["xsi"]})
    root.set("ID", str(resource.id))
    holder = etree.SubElement(root, f"{{{_CAT}}}entries")
    for entry in resource.files.values():
        element = etree.SubElement(holder, f"{{{_CAT}}}entry")
        values = {
            "ID": entry.path,
            "URI": entry.path,
            "cachePath": entry.path,
            "name": entry.path.rsplit("/", 1)[-1],
            "digest": entry.digest,
            "format": entry.format,
            "content": entry.content,
            "createdTime": entry.modified.strftime("%Y-%m-%dT%H:%M:%S"),
            "createdBy": "admin",
        }
        for key, value in values.items():
            if value:
                element.set(key, value)
        fields = etree.SubElement(element, f"{{{_CAT}}}metaFields")
        size = entry.data.size if entry.size is None else entry.size
        for key, value in (("RELATIVE_PATH", entry.path), ("SIZE", str(size))):
            etree.SubElement(fields, f"{{{_CAT}}}metaField", name=key).text = value
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return text
