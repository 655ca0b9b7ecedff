"""Listings → items: the one place that knows the column names of XNAT's tables.

XNAT's tables hold strings only, with "" for NULL. Labels that carry characters outside
`A-Za-z0-9-._~` are not found under their encoded form, so everything below a project is asked for
by accession ID and numeric resource ID.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Fields, Item, Kind, Listing, told_apart
from xnat_tui.xnat.connection import Connection, encode_uri, url_path
from xnat_tui.xnat.table import Cells, Row, Table

PROJECT_FIELDS = ("ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname")
SUBJECT_FIELDS = (
    *("group", "src", "gender", "dob", "yob", "age", "handedness", "race", "ethnicity"),
    *("education", "educationDesc", "ses", "height", "weight", "insert_date", "last_modified"),
)
EXPERIMENT_COLUMNS = {
    **{name: name for name in ("date", "time", "note", "visit_id")},
    "validation/status": "validation_status",
    **{name: name for name in ("insert_date", "last_modified")},
}
"""Field, as documents spell it → the shortcut that lists it."""
IDENTIFYING = ("URI", "label")
"""Columns without which a row of subjects or experiments says nothing about which one it is."""


def projects(connection: Connection) -> Listing:
    """Every project that the user can see, public and protected ones included."""
    table = connection.table("/data/projects", "ID")
    read = FieldReader(table, {name: name for name in PROJECT_FIELDS})
    items = (
        Item(Kind.PROJECT, row["ID"], row["ID"], uri=f"/data/projects/{row['ID']}", fields=read(row.cells))
        for row in table
    )
    return _listing(connection, items)


class FieldReader:
    """The fields of a table's rows, under the names that documents use.

    A column that the server left out of its answer is not known, which is more than "without a value".
    """

    def __init__(self, table: Table, columns: Mapping[str, str]) -> None:
        there = {column.lower(): column for column in table.columns}
        kept = {name: there[column.lower()] for name, column in columns.items() if column.lower() in there}
        self._names = tuple(kept)
        self._pick = table.picker(tuple(kept.values()))
        self._read: dict[tuple[str, ...], Fields] = {}  # many scans of one protocol are alike

    def __call__(self, cells: Cells) -> Fields:
        values = self._pick(cells)
        known = self._read.get(values)
        if known is None:
            known = self._read[values] = Fields(self._names, values)
        return known


def subjects(connection: Connection, project: Item) -> Listing:
    """A project's subjects, owned and shared in, with their demographics.

    For a subject shared in, `label` is the one it has here while `project` stays the owner's.
    """
    table = connection.table(
        f"/data/projects/{url_path(project.id)}/subjects",
        *IDENTIFYING,
        columns=",".join(("ID", "label", "project", *SUBJECT_FIELDS)),
    )
    read = FieldReader(table, {name: name for name in SUBJECT_FIELDS})
    return _listing(connection, (subject_item(row, project.id, read(row.cells)) for row in table))


def subject_item(row: Row, project: str, fields: Fields) -> Item:
    owner = row["project"]
    identifier = accession_id(row)
    return Item(
        Kind.SUBJECT,
        row["label"] or identifier,
        identifier,
        type="xnat:subjectData",
        uri=f"/data/subjects/{identifier}",
        fields=fields,
        shared_from=owner if owner and owner != project else None,
    )


SHARE_COLUMN = "xnat:subjectAssessorData/sharing/share/project"


def experiments(connection: Connection, project: Item, subject: Item) -> Listing:
    """A subject's experiments in a project, owned and shared in, image assessors left out.

    XNAT replaces `project` by the sharing project's in such rows, so ownership is read from the joined
    `sharing/share/project`: one row per share, and a row naming this very project means "shared in".
    """
    table = connection.table(
        f"/data/projects/{url_path(project.id)}/subjects/{url_path(subject.id)}/experiments",
        *IDENTIFYING,
        columns=",".join(("ID", "label", "project", "xsiType", *EXPERIMENT_COLUMNS.values(), SHARE_COLUMN)),
    )
    read = FieldReader(table, EXPERIMENT_COLUMNS)
    found: dict[str, Item] = {}
    for row in table:
        item = experiment_item(row, read(row.cells), shared=row[SHARE_COLUMN.lower()] == project.id)
        known = found.get(item.id)
        if known is None or (known.shared_from is None and item.shared_from is not None):
            found[item.id] = item
    return _listing(connection, found.values())


def experiment_item(row: Row, fields: Fields, *, shared: bool = False, owner: str = "") -> Item:
    """`shared_from` is "" where the listing tells that it is shared in, but not from where."""
    identifier = accession_id(row)
    return Item(
        Kind.EXPERIMENT,
        row["label"] or identifier,
        identifier,
        type=row["xsiType"],
        uri=f"/data/experiments/{identifier}",
        fields=fields,
        shared_from=owner if shared else None,
    )


RESOURCE_FIELDS = ("format", "content")


def resources(connection: Connection, owner: Item) -> Listing:
    """The resources that stand directly at a project, subject, experiment, scan or assessor."""
    table = connection.table(f"{encode_uri(owner.uri)}/resources", "xnat_abstractresource_id", "label")
    found = [resource_item(row, owner.uri) for row in table]
    return _listing(connection, told_apart(found, [item.id for item in found]))


def resource_item(row: Row, owner_uri: str) -> Item:
    number = row["xnat_abstractresource_id"]
    return Item(
        Kind.RESOURCE,
        row["label"],
        number,
        type=row["format"],
        uri=f"{owner_uri}/resources/{number}",
        fields=Fields(RESOURCE_FIELDS, tuple(row[name] for name in RESOURCE_FIELDS)),
        files=number_or_none(row["file_count"]),
        bytes=number_or_none(row["file_size"]),
    )


def files(connection: Connection, resource: Item) -> Listing:
    """The files of a resource as its catalog records them; the key is the path below the resource."""
    table = connection.table(f"{encode_uri(resource.uri)}/files", "URI")
    items = tuple(file_item(row, resource) for row in table)
    return Listing(items, contradiction(resource, len(items)), connection.user)


def contradiction(resource: Item, listed: int) -> BadAnswer | None:
    """Why a list of files cannot be believed, if it cannot.

    XNAT logs a catalog that it cannot read and still answers 200, with no rows or with some; so fewer
    rows than its own recorded count, or none where it never counted, are not the truth. More rows are:
    the count is recorded later than the catalog.
    """
    name = resource.key or resource.id
    if resource.files is None and listed == 0:
        return BadAnswer(
            f"The server lists no files for {name} and has never counted them.",
            "It may be empty, or its catalog unreadable: refresh the catalog with populateStats.",
        )
    if resource.files is not None and listed < resource.files:
        return BadAnswer(
            f"The server counts {resource.files} files in {name} and lists {listed}.",
            "Its catalog may be unreadable, or the count stale: refresh the catalog, then reload.",
        )
    return None


FILE_COLUMNS = {"format": "file_format", "content": "file_content", "tags": "file_tags"}


def file_item(row: Row, resource: Item) -> Item:
    path = file_path(row)
    return Item(
        Kind.FILE,
        path,
        path,
        type=row["file_format"],
        uri=f"{resource.uri}/files/{path}",
        fields=Fields(tuple(FILE_COLUMNS), tuple(row[column] for column in FILE_COLUMNS.values())),
        bytes=number_or_none(row["Size"]),
        digest=row["digest"].lower() or None,
    )


def file_path(row: Row) -> str:
    """The path below the resource: what follows the first `/files/` of the URI. `Name` is only its end."""
    _, found, path = row["URI"].partition("/files/")
    return path if found else row["Name"]


def number_or_none(text: str) -> int | None:
    """A count or size as XNAT prints it: "" where nobody has recorded one."""
    try:
        return int(float(text)) if text else None
    except (OverflowError, ValueError):
        return None


def accession_id(row: Row) -> str:
    """The accession ID: the name of the ID column depends on the query's root type, `URI` never does."""
    return row["URI"].rpartition("/")[2] or row["ID"]


def _listing(connection: Connection, items: Iterable[Item]) -> Listing:
    return Listing(tuple(items), seen_by=connection.user)
