"""Changing items by parameters and documents: shortcuts, full paths, custom variables."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import datetime

from lxml import etree

from xnat_tui.demo.archive import Experiment, Item, Project, Scan, Subject
from xnat_tui.demo.calls import Call
from xnat_tui.demo.document import Document
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.shortcuts import READ_ONLY, field_name
from xnat_tui.demo.site import Site

_VARIABLE = re.compile(r"fields/field\[(?:@)?name=([^\]]+)\]/field", re.IGNORECASE)
_ENUMERATED = {
    "gender": {"male", "female", "other", "unknown", "M", "F"},
    "handedness": {"left", "right", "ambidextrous", "unknown"},
}
_RANGES = {"education": (0, 30), "employment": (0, 3)}
_DATES = frozenset(("dob", "date", "dcmPatientBirthDate"))
_INTEGERS = frozenset(("yob", "age", "education", "ses", "employment"))
_AGES = ("dob", "yob", "age")
_FLOATS = frozenset(("height", "weight", "birth_weight", "gestational_age", "post_menstrual_age"))
_IDENTITY = frozenset(("ID", "project", "label", "subject_ID"))
DELETE = "NULL"


def apply_parameters(call: Call, item: Item, shortcuts: dict[str, str]) -> None:
    """Set what the parameters name: an empty value is ignored, ``NULL`` deletes.

    Values are stored XML-escaped. A path of another type is ignored without a word.
    """
    changes: dict[str, str] = {}
    for name, value in call.params.items():
        path = _writable(name, shortcuts)
        if path is None or not value:
            continue
        type_name, _, rest = path.partition("/")
        types = call.site.types
        if not (types.is_a(item.xsi_type, type_name) or types.is_a(type_name, item.xsi_type)):
            continue
        variable = _VARIABLE.fullmatch(rest)
        if variable:
            _set(item.variables, variable.group(1).strip("'\""), value)
        elif rest == "subject_ID":
            _move_to_subject(call, item, value)
        elif rest.split("/")[0] not in ("sharing", "meta", *_IDENTITY):
            changes[field_name(rest)] = value
    changes = checked(call.site, item, changes)
    if call.site.settings.one_age_field and any(changes.get(name, DELETE) != DELETE for name in _AGES):
        changes = {**{name: DELETE for name in _AGES if name in item.fields}, **changes}
    literal = isinstance(item, Subject) and not call.site.settings.null_clears_fields
    for key, value in changes.items():
        if literal:
            item.fields[key] = value
        else:
            _set(item.fields, key, value)
    if "subject_ID" in call.params and "subject_ID" not in shortcuts:
        _move_to_subject(call, item, call.params["subject_ID"])


def apply_document(site: Site, item: Item, document: Document, *, replace: bool) -> None:
    """Merge a document into an item; ``replace`` removes what the document does not have."""
    fields = checked(site, item, document.fields)
    if replace:
        item.fields.clear()
        item.variables.clear()
    item.fields.update(fields)
    item.variables.update(document.variables)
    if isinstance(item, Project) and document.protocols:
        _apply_protocols(site, item, document.protocols)
    if isinstance(item, Experiment):
        _apply_scans(site, item, document, replace=replace)
        _apply_derived(site, item, document)
    if isinstance(item, Subject):
        for nested in document.experiments:
            label = nested.identity.get("label", "")
            if label and not site.label_taken("experiment", item.project, label):
                created = site.add_experiment(item, label, nested.xsi_type)
                apply_document(site, created, nested, replace=False)


def checked(site: Site, item: Item, changes: dict[str, str]) -> dict[str, str]:
    """The values as they are stored: dates in ISO form; 400 for what the schema does not allow.

    Enumerations and numbers are looked at in demographics, dates everywhere.
    """
    found = {}
    for name, value in changes.items():
        clears = value == DELETE and (site.settings.null_clears_fields or not isinstance(item, Subject))
        found[name] = value if clears else _date(name, value)
    if isinstance(item, Subject):
        clearing = site.settings.null_clears_fields
        _check_demographics({name: text for name, text in found.items() if text != DELETE or not clearing})
    return found


def _date(name: str, value: str) -> str:
    if name not in _DATES:
        return value
    for layout in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(value, layout).date().isoformat()
        except ValueError:
            continue
    raise Refusal(400, f"{name}: '{value}' is not a valid date")


def _check_demographics(changes: dict[str, str]) -> None:
    for name, value in changes.items():
        low, high = _RANGES.get(name, (None, None))
        if low is not None and high is not None and value.isdecimal() and not low <= int(value) <= high:
            raise Refusal(400, f"{name}: {value} is out of range")
        allowed = _ENUMERATED.get(name)
        integer = name not in _INTEGERS or re.fullmatch(r"-?\d+", value)
        decimal = name not in _FLOATS or re.fullmatch(r"-?\d+(\.\d*)?", value)
        if (allowed and value not in allowed) or not integer or not decimal:
            raise Refusal(400, f"{name}: '{value}' is not a valid value")


def _writable(name: str, shortcuts: dict[str, str]) -> str | None:
    if name in shortcuts and name not in READ_ONLY:
        return shortcuts[name]
    return name if "/" in name and ":" in name.split("/", 1)[0] else None


def _set(store: dict[str, str], name: str, value: str) -> None:
    if value == DELETE:
        store.pop(name, None)
    else:
        store[name] = value


def _move_to_subject(call: Call, item: Item, key: str) -> None:
    if not isinstance(item, Experiment):
        return
    subject = call.site.subject(key, item.project)
    if subject is None:
        raise Refusal(400, f"Unable to identify subject '{key}'")
    item.subject.experiments.pop(item.id, None)
    item.subject = subject
    subject.experiments[item.id] = item


def _apply_scans(site: Site, session: Experiment, document: Document, *, replace: bool) -> None:
    for nested in document.scans:
        scan_id = nested.identity.get("ID", "")
        scan: Scan | None = session.scans.get(scan_id)
        if scan is None:
            scan = site.add_scan(session, scan_id, xsi_type=nested.xsi_type or "xnat:mrScanData")
        apply_document(site, scan, nested, replace=replace)
    if replace:
        kept = {nested.identity.get("ID", "") for nested in document.scans}
        for scan_id in set(session.scans) - kept:
            del session.scans[scan_id]


def _apply_protocols(site: Site, project: Project, protocols: list[etree._Element]) -> None:
    """A protocol's groups of definitions are rows of the site, shared by all that name them."""
    outcome = site.settings.study_protocols
    if outcome == "refused":
        raise Refusal(500, "Unable to store the study protocol")
    for protocol in protocols if outcome == "kept" else ():
        if site.types.get(protocol.get("data-type", "")) is None:
            raise Refusal(500, f"Element not found: {protocol.get('data-type')}")
        project.protocols[protocol.get("ID", "")] = deepcopy(protocol)
        for group in protocol.iter("{*}definition"):
            names = site.field_groups.setdefault((group.get("ID", ""), group.get("data-type", "")), set())
            names |= {field.get("name", "") for field in group.iter("{*}field")}


def _apply_derived(site: Site, session: Experiment, document: Document) -> None:
    for nested in document.reconstructions:
        key = nested.identity.get("ID", "")
        one = session.reconstructions.get(key) or site.add_reconstruction(session, key)
        apply_document(site, one, nested, replace=False)
    for nested in document.assessors:
        label = nested.identity.get("label", "") or nested.identity.get("ID", "")
        found = session.assessor(label) or site.add_assessor(session, label, nested.xsi_type)
        apply_document(site, found, nested, replace=False)
