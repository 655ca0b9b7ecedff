"""A whole project in a dozen questions, whatever the number of its sessions.

XNAT's list engine joins multi-valued paths: one row per session × scan × resource
(`docs/xnat-contract.md` 2.1, 2.8). Each question here asks for one such branch. Rows keep the accession ID in
the last segment of `URI`, whatever the query's root type calls its ID column, and long columns come back
under their lower-case path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xnat_tui.errors import BadAnswer, NotAllowed, NotFound, Refused, ServerError, ServerUnreachable
from xnat_tui.model.entities import Fields, Item, Kind, told_apart
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.http.connection import Connection, url_path
from xnat_tui.xnat.tables.bulk_asking import BulkAsking
from xnat_tui.xnat.tables.listing import (
    EXPERIMENT_COLUMNS,
    IDENTIFYING,
    RESOURCE_FIELDS,
    SUBJECT_FIELDS,
    FieldReader,
    accession_id,
    experiment_item,
    number_or_none,
    subject_item,
)
from xnat_tui.xnat.tables.table import Cells, Table, says

_RESOURCE_COLUMNS = ("xnat_abstractresource_id", "label", "format", "content", "file_count", "file_size")
_SUBJECT_VARIABLE = "xnat:subjectData/fields/field"
_EXPERIMENT_VARIABLE = "xnat:subjectAssessorData/fields/field"

REFUSALS = (BadAnswer, NotAllowed, NotFound, Refused, ServerError, ServerUnreachable)
"""How a server fails at a question that is too big for it, or for a proxy's patience."""

Grouped = dict[str, list[Item]]
"""Items by the accession ID of what they belong to; an owner without any has an empty list."""


@dataclass(frozen=True, slots=True)
class Experiments:
    """The experiments of a project, by subject ID; `subject_labels` are the labels of these subjects."""

    by_subject: Grouped
    subject_labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Owned:
    """What a project owns: `types` are the xsi types of experiments and assessors by accession ID,
    `resources` those that stand at these."""

    project: str
    types: Mapping[str, str]
    resources: Grouped


class ProjectQuestions:
    """The questions about one project; each is one request, a few if it is late. They raise XnatTuiError."""

    def __init__(self, connection: Connection, project: Item) -> None:
        self._project = project
        self._path = f"/data/projects/{url_path(project.id)}"
        self._asking = BulkAsking(connection, project.id)

    def subjects(self) -> list[Item]:
        """Subjects, owned and shared in, with demographics and custom variables."""
        columns = ("ID", "label", "project", *SUBJECT_FIELDS, *variable_columns(_SUBJECT_VARIABLE))
        table = self._asking.table(
            f"{self._path}/subjects", *IDENTIFYING, about="the subjects", columns=columns
        )
        read = FieldReader(table, {name: name for name in SUBJECT_FIELDS})
        variables = Variables(table, _SUBJECT_VARIABLE)
        return [
            subject_item(table.row(rows[0]), self._project.id, variables(read(rows[0]), rows))
            for _, rows in taken(table)
        ]

    def subject_resources(self) -> Grouped:
        """The resources that stand at subjects themselves, by the subject's accession ID."""
        path = "xnat:subjectData/resources/resource"
        table = self._asking.table(
            *(f"{self._path}/subjects", "URI"),
            about="the subjects' resources",
            columns=("ID", "label", *resource_columns(path)),
        )
        read = ResourceReader(table, path)
        return {subject: read(rows, f"/data/subjects/{subject}") for subject, rows in taken(table)}

    def experiments(self) -> Experiments:
        """Experiments of all types but image assessors, with labels as this project knows them.

        The rows pretend that all of them belong here: `owned` tells which do.
        """
        columns = (
            *("ID", "label", "project", "subject_ID", "subject_label", "xsiType"),
            *EXPERIMENT_COLUMNS.values(),
            *variable_columns(_EXPERIMENT_VARIABLE),
        )
        table = self._asking.table(
            *(f"{self._path}/experiments", *IDENTIFYING, "subject_ID", "xsiType"),
            about="the experiments",
            columns=columns,
        )
        read = FieldReader(table, EXPERIMENT_COLUMNS)
        variables = Variables(table, _EXPERIMENT_VARIABLE)
        by_subject: Grouped = {}
        labels: dict[str, str] = {}
        for _, rows in taken(table):
            row = table.row(rows[0])
            subject = row.required("subject_ID")
            labels[subject] = row["subject_label"]
            by_subject.setdefault(subject, []).append(experiment_item(row, variables(read(rows[0]), rows)))
        return Experiments(by_subject, labels)

    def experiment_ids(self) -> frozenset[str]:
        """Accession IDs of the experiments of all types but image assessors, asked for without any join: what
        `experiments` has to tell as well."""
        table = self._asking.table(
            *(f"{self._path}/experiments", "URI"), about="which experiments there are", columns=("ID",)
        )
        return frozenset(by_accession_id(table))

    def owned(self) -> Owned:
        """What the project owns, image assessors included, and the resources that stand at it.

        Only the site-wide list tells owned from shared in: it answers with the owner's project.
        """
        path = "xnat:experimentData/resources/resource"
        table = self._asking.table(
            *("/data/experiments", "URI", "xsiType"),
            about="what the project owns",
            project=self._project.id,
            columns=("ID", "project", "xsiType", *resource_columns(path)),
        )
        read = ResourceReader(table, path)
        grouped, type_of = by_accession_id(table), table.cell("xsiType")
        return Owned(
            self._project.id,
            {identifier: type_of(rows[0]) for identifier, rows in grouped.items()},
            {name: read(rows, f"/data/experiments/{name}") for name, rows in grouped.items()},
        )


def by_accession_id(table: Table) -> dict[str, list[Cells]]:
    """The rows of each item, by what `accession_id` gives for them."""
    grouped: dict[str, list[Cells]] = {}
    rows: list[Cells] = []
    names = table.picker(("URI", "ID"))
    last = None
    for cells in table.cells:
        if (here := names(cells)) != last:  # the rows of one item mostly follow each other
            rows, last = grouped.setdefault(accession_id(table.row(cells)), []), here
        rows.append(cells)
    return grouped


def taken(table: Table) -> Iterator[tuple[str, list[Cells]]]:
    """The rows of a table by accession ID, each let go of when the next are asked for, and the table left
    empty: what is made of 72,000 rows does not stand beside them in memory."""
    grouped = by_accession_id(table)
    table.cells = ()
    for name in list(grouped):
        yield name, grouped.pop(name)


def variable_columns(path: str) -> tuple[str, str]:
    """The columns for name and text of the custom variables at a path."""
    return f"{path}/name", f"{path}/field"


class Variables:
    """Custom variables, one row each, joined to the item's other fields as `fields/NAME`."""

    def __init__(self, table: Table, path: str) -> None:
        self._pick = table.picker(variable_columns(path))
        name, _ = variable_columns(path)
        self._listed = ("fields/",) if name.lower() in {name.lower() for name in table.columns} else ()

    def __call__(self, fields: Fields, rows: list[Cells]) -> Fields:
        found = {f"fields/{name}": plain_text(value) for name, value in map(self._pick, rows) if name}
        return fields.joined(Fields(tuple(found), tuple(found.values()), exhaustive=self._listed))


class ResourceReader:
    """The resources in the rows of one owner; a row without any has blank cells."""

    def __init__(self, table: Table, path: str) -> None:
        """Raises BadAnswer where the server dropped a column: silence would be taken for none."""
        columns = tuple(resource_columns(path))
        require(table, *columns)
        self._pick = table.picker(columns)
        self._fields: dict[tuple[str, str], Fields] = {}

    def __call__(self, rows: list[Cells], owner_uri: str, side: str = "") -> list[Item]:
        found: dict[str, Item] = {}
        for number, label, format_, content, count, size in map(self._pick, rows):
            name = number or label
            if not name or name in found:
                continue
            if not says(number):
                raise BadAnswer(f"The server lists a resource {label} without its number.")
            values = (format_, content)
            fields = self._fields.get(values)
            if fields is None:
                fields = self._fields[values] = Fields(RESOURCE_FIELDS, tuple(map(plain_text, values)))
            found[name] = Item(
                Kind.RESOURCE,
                label,
                number,
                fields["format"],
                f"{owner_uri}/resources/{name}",
                fields,
                number_or_none(count),
                number_or_none(size),
                side=side,
            )
        items = list(found.values())
        return items if len(items) < 2 else list(told_apart(items, list(found)))


def resource_columns(path: str) -> Iterator[str]:
    """The columns for what every list tells of the resources at a path, the number first."""
    return (f"{path}/{name}" for name in _RESOURCE_COLUMNS)


def require(table: Table, *columns: str) -> None:
    """Raises BadAnswer where the server dropped a column that the question was about."""
    there = {column.lower() for column in table.columns}
    missing = [column for column in columns if column.lower() not in there]
    if missing and len(table):
        raise BadAnswer(f"This server does not list {', '.join(missing)}.")
