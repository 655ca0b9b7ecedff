"""The XSDs that the server publishes: enough of XNAT's for clients that build their model on them.

Types, their parents and elements come from the site's data types; the fields are those that the
demo stores, in the shapes that XNAT's own schema gives them.
"""

from __future__ import annotations

from collections.abc import Iterable

from xnat_tui.demo.datatypes import NAMESPACES, DataType
from xnat_tui.demo.site import Site

SCHEMAS = ("xdat", "xnat")
_ANNOTATIONS = "http://nrg.wustl.edu/xdat"
_STRING, _INTEGER, _FLOAT, _DATE = "xs:string", "xs:integer", "xs:float", "xs:date"

_HELPERS = """
<xs:complexType name="abstractResource"><xs:sequence>
 <xs:element name="tags" minOccurs="0"><xs:complexType><xs:sequence>
  <xs:element name="tag" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:simpleContent>
   <xs:extension base="xs:string"><xs:attribute name="name" type="xs:string"/></xs:extension>
  </xs:simpleContent></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
 <xs:element name="note" type="xs:string" minOccurs="0"/></xs:sequence>
 <xs:attribute name="label" type="xs:string"/><xs:attribute name="file_count" type="xs:integer"/>
 <xs:attribute name="file_size" type="xs:long"/></xs:complexType>
<xs:complexType name="resource"><xs:complexContent><xs:extension base="xnat:abstractResource">
 <xs:attribute name="URI" type="xs:anyURI"/><xs:attribute name="format" type="xs:string"/>
 <xs:attribute name="description" type="xs:string"/><xs:attribute name="content" type="xs:string"/>
</xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="resourceCatalog"><xs:complexContent><xs:extension base="xnat:resource"/>
</xs:complexContent></xs:complexType>
<xs:complexType name="resourceSeries"><xs:complexContent><xs:extension base="xnat:abstractResource">
 <xs:attribute name="path" type="xs:string"/><xs:attribute name="pattern" type="xs:string"/>
</xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="investigatorData"><xs:sequence>
 <xs:element name="title" type="xs:string" minOccurs="0"/>
 <xs:element name="firstname" type="xs:string"/><xs:element name="lastname" type="xs:string"/>
 <xs:element name="institution" type="xs:string" minOccurs="0"/>
 <xs:element name="email" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType>
<xs:complexType name="abstractProtocol"><xs:sequence>
 <xs:element name="description" type="xs:string" minOccurs="0"/></xs:sequence>
 <xs:attribute name="ID" type="xs:string"/><xs:attribute name="name" type="xs:string"/>
 <xs:attribute name="data-type" type="xs:string"/></xs:complexType>
<xs:complexType name="studyProtocol"><xs:complexContent><xs:extension base="xnat:abstractProtocol"/>
</xs:complexContent></xs:complexType>
<xs:complexType name="abstractDemographicData"/>
<xs:complexType name="abstractSubjectMetadata"/>
<xs:complexType name="subjectMetadata"><xs:complexContent>
 <xs:extension base="xnat:abstractSubjectMetadata"/></xs:complexContent></xs:complexType>
<xs:complexType name="validationData"><xs:sequence>
 <xs:element name="method" type="xs:string" minOccurs="0"/>
 <xs:element name="date" type="xs:date" minOccurs="0"/>
 <xs:element name="notes" type="xs:string" minOccurs="0"/></xs:sequence>
 <xs:attribute name="status" type="xs:string"/></xs:complexType>
"""
_SHARING = """<xs:element name="sharing" minOccurs="0"><xs:complexType><xs:sequence>
 <xs:element name="share" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
 <xs:attribute name="label" type="xs:string"/><xs:attribute name="project" type="xs:string"/>
 </xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>"""
_FIELDS = """<xs:element name="fields" minOccurs="0"><xs:complexType><xs:sequence>
 <xs:element name="field" minOccurs="0" maxOccurs="unbounded">
 <xs:annotation><xs:appinfo><xdat:element displayIdentifiers="name"/></xs:appinfo></xs:annotation>
 <xs:complexType><xs:simpleContent>
 <xs:extension base="xs:string"><xs:attribute name="name" type="xs:string" use="required"/>
 </xs:extension></xs:simpleContent></xs:complexType></xs:element>
 </xs:sequence></xs:complexType></xs:element>"""
_SCANNER = """<xs:element name="scanner" minOccurs="0"><xs:complexType><xs:simpleContent>
 <xs:extension base="xs:string"><xs:attribute name="manufacturer" type="xs:string"/>
 <xs:attribute name="model" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>
 </xs:element>"""


def _elements(names: str, kind: str = _STRING) -> str:
    return "".join(f'<xs:element name="{one}" type="{kind}" minOccurs="0"/>' for one in names.split())


def _attributes(names: str) -> str:
    return "".join(f'<xs:attribute name="{one}" type="{_STRING}"/>' for one in names.split())


def _many(outer: str, inner: str, kind: str) -> str:
    one = f'<xs:element name="{inner}" type="{kind}" minOccurs="0" maxOccurs="unbounded"/>'
    if not outer:
        return one
    return (
        f'<xs:element name="{outer}" minOccurs="0"><xs:complexType><xs:sequence>{one}'
        "</xs:sequence></xs:complexType></xs:element>"
    )


_RESOURCES = _many("resources", "resource", "xnat:abstractResource")
_IN_OUT = _many("in", "file", "xnat:abstractResource") + _many("out", "file", "xnat:abstractResource")
_PARAMETERS = (
    '<xs:element name="parameters" minOccurs="0"><xs:complexType><xs:sequence>'
    + "".join(
        f'<xs:element name="{name}" minOccurs="0"><xs:complexType>'
        f'<xs:attribute name="x" type="{_FLOAT}"/><xs:attribute name="y" type="{_FLOAT}"/>'
        f'<xs:attribute name="z" type="{_FLOAT}"/></xs:complexType></xs:element>'
        for name in ("voxelRes", "fov", "matrix")
    )
    + _elements("tr te ti flip", _FLOAT)
    + _elements("imageType scanSequence seqVariant acqType sequence orientation")
    + "</xs:sequence></xs:complexType></xs:element>"
)
_CONTENTS: dict[str, tuple[str, str]] = {
    "projectData": (
        _elements("name type description keywords")
        + _many("aliases", "alias", _STRING)
        + _elements("PI", "xnat:investigatorData")
        + _many("investigators", "investigator", "xnat:investigatorData")
        + _RESOURCES
        + _many("", "studyProtocol", "xnat:abstractProtocol")
        + _FIELDS,
        "ID secondary_ID active",
    ),
    "subjectData": (
        _SHARING
        + _RESOURCES
        + _elements("investigator", "xnat:investigatorData")
        + _elements("demographics", "xnat:abstractDemographicData")
        + _elements("metadata", "xnat:abstractSubjectMetadata")
        + _FIELDS
        + _many("experiments", "experiment", "xnat:subjectAssessorData"),
        "ID project group label src initials",
    ),
    "experimentData": (
        _SHARING
        + _elements("date", _DATE)
        + _elements("time", "xs:time")
        + _elements("duration delay note acquisition_site")
        + _elements("investigator", "xnat:investigatorData")
        + _elements("validation", "xnat:validationData")
        + _RESOURCES
        + _FIELDS,
        "ID project label visit_id visit version protocol original",
    ),
    "subjectAssessorData": (_elements("subject_ID") + _elements("age", _FLOAT), ""),
    "imageSessionData": (
        _SCANNER
        + _elements("operator prearchivePath")
        + _many("scans", "scan", "xnat:imageScanData")
        + _many("reconstructions", "reconstructedImage", "xnat:reconstructedImageData")
        + _many("assessors", "assessor", "xnat:imageAssessorData")
        + _elements("dcmAccessionNumber dcmPatientId dcmPatientName"),
        "UID modality session_type study_id",
    ),
    "mrSessionData": (_elements("coil fieldStrength marker stabilization"), ""),
    "imageScanData": (
        _elements("image_session_ID note quality condition series_description documentation")
        + _SCANNER
        + _elements("modality")
        + _elements("frames", _INTEGER)
        + _elements("operator startTime")
        + _elements("validation", "xnat:validationData")
        + _many("", "file", "xnat:abstractResource"),
        "ID type UID project",
    ),
    "mrScanData": (_elements("coil fieldStrength marker stabilization") + _PARAMETERS, ""),
    "reconstructedImageData": (_elements("image_session_ID baseScanType") + _IN_OUT, "ID type"),
    "imageAssessorData": (_elements("imageSession_ID") + _IN_OUT, ""),
}
_DEMOGRAPHICS = (
    _elements("dob", _DATE)
    + _elements("yob age education ses employment", _INTEGER)
    + _elements("gender handedness educationDesc race ethnicity")
    + _elements("height weight birth_weight gestational_age post_menstrual_age", _FLOAT)
)


def schema_names(site: Site) -> list[str]:
    """The core schemas and those of the site's plugins, as ``/xapi/schemas`` lists them."""
    prefixes = {one.name.split(":")[0] for one in site.types} - {"xnat"}
    return [*SCHEMAS, *(f"{one}/{one}" for one in sorted(prefixes))]


def schema(site: Site, name: str) -> bytes | None:
    """The XSD of a name such as ``xnat``, ``xnat/xnat`` or ``icr/icr.xsd``; None when unknown."""
    prefix = name.split("/")[-1].removesuffix(".xsd")
    if prefix == "xdat":
        return _document("xdat", "")
    types = [one for one in site.types if one.name.startswith(f"{prefix}:")]
    if not types:
        return None
    body = "".join(_type(one) for one in types) + "".join(_root(one) for one in types)
    if prefix == "xnat":
        body = _HELPERS + body + _extension("demographicData", "abstractDemographicData", _DEMOGRAPHICS)
    return _document(prefix, body)


def _type(one: DataType) -> str:
    name = one.name.split(":")[1]
    elements, attributes = _CONTENTS.get(name, ("", ""))
    if one.parent:
        return _extension(name, one.parent.split(":")[1], elements, attributes)
    content = f"<xs:sequence>{elements}</xs:sequence>" if elements else ""
    return f'<xs:complexType name="{name}">{content}{_attributes(attributes)}</xs:complexType>'


def _extension(name: str, parent: str, elements: str, attributes: str = "") -> str:
    content = f"<xs:sequence>{elements}</xs:sequence>" if elements else ""
    return (
        f'<xs:complexType name="{name}"><xs:complexContent><xs:extension base="xnat:{parent}">'
        f"{content}{_attributes(attributes)}</xs:extension></xs:complexContent></xs:complexType>"
    )


def _root(one: DataType) -> str:
    if not one.element:
        return ""
    return f'<xs:element name="{one.element.split(":")[1]}" type="{one.name}"/>'


def _document(prefix: str, body: str) -> bytes:
    used: Iterable[str] = dict.fromkeys(one for one in (prefix, "xnat") if one != "xdat")
    spaces = " ".join(f'xmlns:{one}="{NAMESPACES[one]}"' for one in used)
    spaces += f' xmlns:xdat="{_ANNOTATIONS}"'
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<xs:schema targetNamespace="{NAMESPACES[prefix]}" {spaces} '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified" '
        f'attributeFormDefault="unqualified">{body}</xs:schema>'
    )
    return text.encode()
