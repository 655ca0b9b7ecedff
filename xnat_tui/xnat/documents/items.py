"""Item documents (`format=json`): every field of one item, and for a session all that stands below it.

The document of a session nests scans with their resources and assessors with theirs: one request
tells everything but the files. `data_fields` holds only fields with a value, numbers as numbers,
nested single elements flattened with `/` (`docs/xnat-contract.md` 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Fields, Item, Kind, Listing, told_apart
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.http.connection import Connection, encode_uri


@dataclass(frozen=True, slots=True)
class Share:
    """A project that sees the item too, and under which label ("" for its own)."""

    project: str
    label: str


@dataclass(frozen=True, slots=True)
class Document:
    """One item as its server describes it."""

    type: str
    fields: Fields
    variables: Mapping[str, str] = field(default_factory=dict)
    """Custom variables (`fields/field`): name → text."""
    shares: tuple[Share, ...] = ()
    below: Mapping[str, Listing] = field(default_factory=dict)
    """Listings by the address of their parent and the kind (see `place`)."""


def place(uri: str, kind: Kind) -> str:
    """The key of a listing: which children of whom. Every item can have resources: these need no word."""
    return uri if kind is Kind.RESOURCE else f"{uri}#{kind}"


def place_below(item: Item, kind: Kind) -> str:
    """The key of an item's children; two scans of one ID share their address, and not their resources."""
    return place(f"{item.uri}~{item.twin}" if item.twin else item.uri, kind)


def assessors_key(project: str, session_uri: str) -> str:
    """The key of a session's assessors as one project knows them: under its labels, its own told apart."""
    key = place(session_uri, Kind.ASSESSOR)
    return f"@{project}/{key}" if project else key


def read(connection: Connection, item: Item, project: str = "") -> Document:
    """Ask for an item's document, as seen from a project.

    A wrong or unreadable address raises NotFound or BadAnswer.
    """
    return connection.read_json(
        encode_uri(item.uri), lambda answer: parse(answer, item, connection.user, project)
    )


_NOT_IN_DOCUMENTS = ("insert_date", "last_modified")
"""What only listings tell of an item: a document is the item alone, and these belong to its record."""


def describe(item: Item, document: Document) -> Item:
    """The item with every field of its document, and those that only its listing told."""
    kept = {name: value for name, value in item.fields.items() if name in _NOT_IN_DOCUMENTS}
    fields = (
        Fields.of({**kept, **document.fields}, exhaustive=document.fields.exhaustive)
        if kept
        else document.fields
    )
    return replace(item, fields=fields, type=document.type or item.type)


def parse(answer: Any, item: Item, seen_by: str = "", project: str = "") -> Document:
    """Raises BadAnswer where the answer is no item document."""
    record = _record(answer)
    if "data_fields" not in record:
        raise _malformed()
    type_, values = _type(record), _values(record)
    _check_identity(item, values)
    children = _children(record)
    below: dict[str, Listing] = {}
    if item.kind is Kind.EXPERIMENT:
        _session(children, item, below, seen_by, project)
    if item.kind in (Kind.PROJECT, Kind.SUBJECT, Kind.SCAN):
        part = "file" if item.kind is Kind.SCAN else "resources/resource"
        below[place(item.uri, Kind.RESOURCE)] = _resources(children, part, item.uri).listing(seen_by)
    return Document(
        type=type_,
        fields=own_fields(values, children),
        variables=_variables(children),
        shares=_shares(children),
        below=below,
    )


_SAME_ITEM = {Kind.PROJECT: ("ID",), Kind.SUBJECT: ("ID", "label"), Kind.EXPERIMENT: ("ID", "id", "label")}


def _check_identity(item: Item, values: Mapping[str, Any]) -> None:
    """XNAT answers an address that it does not know with the nearest item above, and 200
    (`docs/xnat-contract.md` 0.2)."""
    words = _SAME_ITEM.get(item.kind)
    if not item.id or words is None:
        return
    names = {_named(values, name) for name in words} - {""}
    if not names:
        raise _without(item.kind, "ID")
    if item.id not in names:
        raise BadAnswer(
            "The server answered with the document of another item.", "Reload, or check its address."
        )


_ITEMS_BELOW = frozenset(
    {
        *("scans/scan", "assessors/assessor", "reconstructions/reconstructedImage", "experiments/experiment"),
        *("resources/resource", "in/file", "out/file", "file", "sharing/share"),
    }
)
"""Children that are items or facts of their own, and no fields of their parent."""

_SPELLED_AS_LISTED = {
    "demographics/": "",  # `gender`, as the subject listing names it
    "investigator/firstname": "pi_firstname",
    "investigator/lastname": "pi_lastname",
    "PI/firstname": "pi_firstname",
    "PI/lastname": "pi_lastname",
}


def own_fields(values: Mapping[str, Any], children: Mapping[str, list[Any]]) -> Fields:
    """Every field of the item itself, sorted by name, in the spelling that the bulk listings use.

    Single elements are flattened (`validation/status`), repeated ones numbered (`addID[2]/name`),
    custom variables are `fields/NAME`. What belongs to scans, resources and such is not here.
    """
    found = {name: _value(value) for name, value in values.items()}
    for part, records in children.items():
        if part == "fields/field":
            found.update({f"fields/{name}": value for name, value in _variables(children).items()})
        elif part not in _ITEMS_BELOW:
            _flatten(part.partition("[")[0], records, found)
    spelled = {as_listed(name): value for name, value in found.items()}
    return Fields.of(dict(sorted(spelled.items())), exhaustive=("",))


def _flatten(path: str, records: list[Any], found: dict[str, str]) -> None:
    for number, record in enumerate(records, start=1):
        here = path if len(records) == 1 else f"{path}[{number}]"
        for name, value in _values(record).items():
            found[f"{here}/{name}"] = _value(value)
        for part, below in _children(record).items():
            _flatten(f"{here}/{part.partition('[')[0]}", below, found)


def as_listed(name: str) -> str:
    """A document's field as the bulk listings spell it."""
    for spelled, listed in _SPELLED_AS_LISTED.items():
        if name.startswith(spelled):
            return listed + name.removeprefix(spelled)
    return name


@dataclass(slots=True)
class _Read:
    """Items of a document, and why one of them could not be read: the others stay known."""

    items: list[Item] = field(default_factory=list)
    error: BadAnswer | None = None

    def of(self, records: Sequence[Any], read: Callable[[Any], Item]) -> _Read:
        for record in records:
            try:
                self.items.append(read(record))
            except BadAnswer as refusal:
                self.error = self.error or refusal
        return self

    def listing(self, seen_by: str) -> Listing:
        return Listing(tuple(self.items), self.error, seen_by)


def _session(
    children: Mapping[str, list[Any]], session: Item, below: dict[str, Listing], seen_by: str, project: str
) -> None:
    def keep(uri: str, kind: Kind, read: _Read) -> None:
        key = assessors_key(project, uri) if kind is Kind.ASSESSOR else place(uri, kind)
        below[key] = read.listing(seen_by)

    keep(session.uri, Kind.RESOURCE, _resources(children, "resources/resource", session.uri))
    keep(session.uri, Kind.SCAN, _scans(children.get("scans/scan", []), session, below, seen_by))
    for part, kind, folder in (
        ("assessors/assessor", Kind.ASSESSOR, "assessors"),
        ("reconstructions/reconstructedImage", Kind.RECONSTRUCTION, "reconstructions"),
    ):

        def derived(record: Any, kind: Kind = kind, folder: str = folder) -> Item:
            child = _child(record, kind, session, folder, "label" if kind is Kind.ASSESSOR else "ID")
            if kind is Kind.ASSESSOR:
                child = _as_seen_from(project, child, record)
            resources = _sided_resources(_children(record), child)
            keep(child.uri, Kind.RESOURCE, resources)
            return _with_totals(child, resources)

        keep(session.uri, kind, _Read().of(children.get(part, []), derived))


def _scans(records: list[Any], session: Item, below: dict[str, Listing], seen_by: str) -> _Read:
    read_records: list[Any] = []

    def scan(record: Any) -> Item:
        found = _child(record, Kind.SCAN, session, "scans", "ID")
        read_records.append(record)
        return found

    read = _Read().of(records, scan)
    numbers = [_text(_values(record).get("xnat_imagescandata_id")) for record in read_records]
    scans: list[Item] = []
    for found, record in zip(told_apart(read.items, numbers), read_records, strict=True):
        resources = _resources(_children(record), "file", found.uri)
        below[place_below(found, Kind.RESOURCE)] = resources.listing(seen_by)
        scans.append(_with_totals(found, resources))
    return _Read(scans, read.error)


def _as_seen_from(project: str, assessor: Item, record: Mapping[str, Any]) -> Item:
    """An assessor is an experiment with an owner and shares of its own, whoever owns its session.

    One that another project owns is told to be that project's, be it shared into this one or only
    readable because the user has rights there as well.
    """
    owner = _text(_values(record).get("project"))
    if not project or not owner or owner == project:
        return assessor
    label = next((share.label for share in _shares(_children(record)) if share.project == project), "")
    return replace(assessor, key=label or assessor.key, shared_from=owner)


def _shares(children: Mapping[str, list[Any]]) -> tuple[Share, ...]:
    return tuple(
        Share(_text(row.get("project")), _text(row.get("label"))) for row in _rows(children, "sharing/share")
    )


def _child(record: Any, kind: Kind, session: Item, folder: str, key: str) -> Item:
    values = _values(record)
    identifier = _named(values, "ID", "id")
    if not identifier:
        raise _without(kind, "ID")
    return Item(
        kind,
        _named(values, key) or identifier,
        identifier,
        type=_type(record),
        uri=f"{session.uri}/{folder}/{identifier}",
        fields=own_fields(values, _children(record)),
    )


def _sided_resources(children: Mapping[str, list[Any]], owner: Item) -> _Read:
    found = _resources(children, "out/file", f"{owner.uri}/out", "out")
    others = [_resources(children, "in/file", f"{owner.uri}/in", "in")]
    if owner.kind is Kind.ASSESSOR:  # an assessor is an experiment: its own resources stand there
        others.append(_resources(children, "resources/resource", f"/data/experiments/{owner.id}"))
    for other in others:
        found = _Read([*found.items, *other.items], found.error or other.error)
    return found


def _resources(children: Mapping[str, list[Any]], part: str, uri: str, side: str = "") -> _Read:
    read = _Read().of(children.get(part, []), lambda record: _resource(_values(record), uri, side))
    return _Read(list(told_apart(read.items, [item.id for item in read.items])), read.error)


_RESOURCE_FIELDS = ("format", "content", "description")


def _resource(values: Mapping[str, Any], uri: str, side: str) -> Item:
    """Raises BadAnswer without a number: two resources of one label could not be told apart."""
    number = _named(values, "xnat_abstractresource_id")
    if not number:
        raise _without(Kind.RESOURCE, "xnat_abstractresource_id")
    return Item(
        Kind.RESOURCE,
        _text(values.get("label")),
        number,
        type=_value(values.get("format")),
        uri=f"{uri}/resources/{number}",
        fields=Fields(_RESOURCE_FIELDS, tuple(_value(values.get(name)) for name in _RESOURCE_FIELDS)),
        files=_number(values.get("file_count")),
        bytes=_number(values.get("file_size")),
        side=side,
    )


def _with_totals(item: Item, resources: _Read) -> Item:
    """Counts of the resources below, known only where all of them are recorded."""
    if resources.error is not None:
        return item
    counts = [resource.files for resource in resources.items]
    sizes = [resource.bytes for resource in resources.items]
    return replace(
        item,
        files=None if None in counts else sum(count or 0 for count in counts),
        bytes=None if None in sizes else sum(size or 0 for size in sizes),
    )


def _record(answer: Any) -> Mapping[str, Any]:
    match answer:
        case {"items": [dict() as record, *_]}:
            return record
    raise BadAnswer(
        "The server answered something else than this item's document.", "Reload, or check its address."
    )


def _type(record: Mapping[str, Any]) -> str:
    meta = record.get("meta", {})
    return _text(meta.get("xsi:type")) if isinstance(meta, Mapping) else ""


def _values(record: Mapping[str, Any]) -> Mapping[str, Any]:
    values = record.get("data_fields", {})
    if not isinstance(values, Mapping):
        raise _malformed()
    return values


def _children(record: Mapping[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    children = record.get("children", [])
    for child in children if isinstance(children, list) else [None]:
        match child:
            case {"field": str() as part, "items": list() as records}:
                if not all(isinstance(one, Mapping) for one in records):
                    raise _malformed()
                found[part] = [*found.get(part, []), *records]
            case _:
                raise _malformed()
    return found


def _malformed() -> BadAnswer:
    return BadAnswer(
        "The server's document of this item is not put together as XNAT does.",
        "Reload, or ask its administrator.",
    )


def _without(kind: Kind, key: str) -> BadAnswer:
    return BadAnswer(
        f"The server's document tells of {_AN.get(kind, 'a')} {kind} without its {key}.",
        "Reload; if it stays, ask the server's administrator to look at it.",
    )


_AN = {Kind.ASSESSOR: "an", Kind.EXPERIMENT: "an"}


def _rows(children: Mapping[str, list[Any]], part: str) -> Iterator[Mapping[str, Any]]:
    for record in children.get(part, []):
        yield _values(record)


def _variables(children: Mapping[str, list[Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in _rows(children, "fields/field"):
        name = _named(row, "name")
        if not name:
            raise BadAnswer("The server's document has a custom variable without its name.", "Reload.")
        found[name] = _value(row.get("field"))
    return found


def _named(values: Mapping[str, Any], *keys: str) -> str:
    """What names an item: the first of these that is a text or a whole number; "" where none is."""
    for key in keys:
        value = values.get(key)
        if type(value) in (str, int) and str(value).strip():
            return str(value)
    return ""


def _value(value: Any) -> str:
    """A field's text as it was meant."""
    return plain_text(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (OverflowError, TypeError, ValueError):
        return None
