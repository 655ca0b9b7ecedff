"""Listings → items, a list at a time: projects, subjects, experiments, resources, files
(`docs/xnat-contract.md` 2).

XNAT's tables hold strings only, with "" for NULL. Labels that carry characters outside
`A-Za-z0-9-._~` are not found under their encoded form, so everything below a project is asked for
by accession ID and numeric resource ID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Fields, Item, Kind, Listing, told_apart
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.http.connection import Connection, encode_uri, url_path
from xnat_tui.xnat.tables.table import Cells, Row, Table

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

    def project(row: Row) -> Item:
        identifier = row.required("ID")
        uri = f"/data/projects/{identifier}"
        return Item(Kind.PROJECT, identifier, identifier, uri=uri, fields=read(row.cells))

    return _listing(connection, table, project)


_ALIKE = 2_000
"""Different rows that are remembered: where there are more, hardly one is like another."""


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
            known = Fields(self._names, tuple(map(plain_text, values)))
            if len(self._read) < _ALIKE:
                self._read[values] = known
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
    return _listing(connection, table, lambda row: subject_item(row, project.id, read(row.cells)))


def subject_item(row: Row, project: str, fields: Fields) -> Item:
    """A subject's row, `shared_from` its owner where that is not the project that was asked."""
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
    shared = SHARE_COLUMN.lower()
    every = _listing(
        connection, table, lambda row: experiment_item(row, read(row.cells), shared=row[shared] == project.id)
    )
    found: dict[str, Item] = {}
    for item in every.items:
        known = found.get(item.id)
        if known is None or (known.shared_from is None and item.shared_from is not None):
            found[item.id] = item
    return replace(every, items=tuple(found.values()))


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
    found = _listing(connection, table, lambda row: resource_item(row, owner.uri))
    return replace(found, items=tuple(told_apart(found.items, [item.id for item in found.items])))


def resource_item(row: Row, owner_uri: str) -> Item:
    """Raises BadAnswer without a number: two resources of one label could not be told apart."""
    number = row.required("xnat_abstractresource_id")
    return Item(
        Kind.RESOURCE,
        row["label"],
        number,
        type=plain_text(row["format"]),
        uri=f"{owner_uri}/resources/{number}",
        fields=Fields(RESOURCE_FIELDS, tuple(plain_text(row[name]) for name in RESOURCE_FIELDS)),
        files=number_or_none(row["file_count"]),
        bytes=number_or_none(row["file_size"]),
    )


def files(connection: Connection, resource: Item) -> Listing:
    """The files of a resource as its catalog records them; the key is the path below the resource."""
    table = connection.table(f"{encode_uri(resource.uri)}/files", "URI")
    found = _listing(connection, table, lambda row: file_item(row, resource))
    return replace(found, error=found.error or contradiction(resource, len(found.items)))


def contradiction(resource: Item, listed: int) -> BadAnswer | None:
    """Why a list of files cannot be believed, if it cannot.

    XNAT logs a catalog that it cannot read and still answers 200, with no rows or with some
    (`docs/xnat-contract.md` 4.2); so fewer rows than its own recorded count, or none where it never counted,
    are not the truth. More rows are: the count is recorded later than the catalog.
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
    """A file's row. Format, content and tags are its own, not its resource's (`docs/xnat-contract.md` 0.1a).

    Raises BadAnswer where the row does not tell the path.
    """
    path = file_path(row)
    return Item(
        Kind.FILE,
        path,
        path,
        type=plain_text(row["file_format"]),
        uri=f"{resource.uri}/files/{path}",
        fields=Fields(tuple(FILE_COLUMNS), tuple(plain_text(row[name]) for name in FILE_COLUMNS.values())),
        bytes=number_or_none(row["Size"]),
        digest=row["digest"].lower() or None,
    )


def file_path(row: Row) -> str:
    """The path below the resource: what follows the first `/files/` of the URI. `Name` is only its end.

    Raises BadAnswer where the row does not tell it: two files of one name may stand in two folders.
    """
    _, _, path = row.required("URI").partition("/files/")
    if not path:
        raise BadAnswer("The server lists a file whose URI does not tell its path.", "Reload.")
    return path


def resource_number(row: Row) -> str:
    """Of a file's row: which resource it belongs to. Raises BadAnswer where the row does not tell."""
    number = row["URI"].partition("/resources/")[2].partition("/files/")[0]
    return row.required("cat_ID") if row["cat_ID"] or not number else number


def number_or_none(text: str) -> int | None:
    """A count or size as XNAT prints it: "" where nobody has recorded one."""
    try:
        return int(float(text)) if text else None
    except (OverflowError, ValueError):
        return None


def accession_id(row: Row) -> str:
    """The accession ID: the name of the ID column depends on the query's root type, `URI` never does.

    Raises BadAnswer where neither tells it.
    """
    return row.required("URI", "ID").rpartition("/")[2] or row.required("ID")


def _listing(connection: Connection, rows: Iterable[Row], read: Callable[[Row], Item]) -> Listing:
    """What can be read of the rows, and why one of them could not."""
    items: list[Item] = []
    error: BadAnswer | None = None
    for row in rows:
        try:
            items.append(read(row))
        except BadAnswer as refusal:
            error = error or refusal
    return Listing(tuple(items), error, connection.user)
