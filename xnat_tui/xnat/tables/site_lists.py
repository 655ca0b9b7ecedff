"""What a whole site holds, a row an item: its subjects and experiments with the project that owns each.

Two ways lead to it, the lists of `/data` and the search engine, and each tells only what the user may read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.http.connection import Connection, url_path
from xnat_tui.xnat.tables import searches
from xnat_tui.xnat.tables.joins import SUBJECT
from xnat_tui.xnat.tables.listing import SHARE_COLUMN, accession_id
from xnat_tui.xnat.tables.searches import Criterion, Where
from xnat_tui.xnat.tables.table import Table

EXPERIMENTS = "xnat:subjectAssessorData"
"""What the site's list of experiments is asked for: it leaves image assessors out."""
Owners = Mapping[str, str]
"""Owning projects by accession ID."""


def subjects(connection: Connection) -> dict[str, Owners]:
    """All subjects that this user may read, by their one type. Raises XnatTuiError."""
    table = connection.table_within(
        connection.listing_seconds, "/data/subjects", "URI", "project", columns="ID,project"
    )
    return {SUBJECT: {accession_id(row): row["project"] for row in table}}


def experiments(connection: Connection) -> dict[str, Owners]:
    """All experiments that this user may read but image assessors, by their types. Raises XnatTuiError."""
    table = connection.table_within(
        connection.listing_seconds,
        "/data/experiments",
        *("URI", "project", "xsiType"),
        columns="ID,project,xsiType",
        xsiType=EXPERIMENTS,
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in table:
        found[row["xsiType"]][accession_id(row)] = row["project"]
    return dict(found)


def contradicted(connection: Connection, root: str, told: Owners, projects: Collection[str]) -> set[str]:
    """The projects of which the search engine finds other items of a type than a list has `told`.

    Raises XnatTuiError: Forbidden for a type that this user may not search.
    """
    identity, owner = f"{root}/ID", f"{root}/project"
    every = Where("AND", (Criterion(identity, "IS NOT", "NULL"),))
    seen: set[str] = set()
    wrong: set[str] = set()
    # the keys of paths in the answer are nowhere written down; accession IDs stand in one column alone
    for cells in searches.ask(connection, root, (identity, owner), every).cells:
        known = next((cell for cell in cells if cell in told), None)
        if known is None:
            wrong.update(cell for cell in cells if cell in projects)
        elif told[known] in cells:
            seen.add(known)
    return wrong | {project for name, project in told.items() if name not in seen}


def owned(connection: Connection, project: str, kind: str) -> set[str]:
    """Accession IDs of what one project owns, `kind` being `subjects` or `experiments`: told by the site's
    list and by the project's own. Raises XnatTuiError, BadAnswer where they do not agree."""
    more = {"columns": "ID"} if kind == "subjects" else {"columns": "ID", "xsiType": EXPERIMENTS}
    site = connection.table(f"/data/{kind}", "URI", project=project, **more)
    listed = {accession_id(row) for row in site}
    path = f"/data/projects/{url_path(project, kind)}"
    if kind == "subjects":
        table = connection.table(path, "URI", "project", columns="ID,project")
        here = {accession_id(row) for row in table if row["project"] == project}
    else:
        table = connection.table(path, "URI", columns=f"ID,{SHARE_COLUMN}")
        here = {accession_id(row) for row in table}
        here -= {accession_id(row) for row in table if row[SHARE_COLUMN.lower()] == project} - listed
    if here != listed:
        raise BadAnswer(
            f"{connection.server.name} lists {len(listed)} {kind} of {project}, and {len(here)} of it.",
            "Its answers contradict each other: reload, or ask its administrator.",
        )
    return here


@dataclass(frozen=True, slots=True)
class Listed:
    """A subject or an experiment as a site's list names it."""

    id: str
    label: str
    project: str
    """The project that owns it."""
    subject: str = ""
    """Of an experiment: its subject's accession ID."""
    type: str = ""
    date: str = ""
    patient: str = ""
    """DICOM's patient ID, as the session's document keeps it."""
    uid: str = ""
    """DICOM's study instance UID."""
    shares: tuple[tuple[str, str], ...] = ()
    """Projects that it is shared into, and what it is called there; "" as where it is owned."""


def every_subject(connection: Connection) -> list[Listed]:
    """All subjects that this user may read, each once. Raises XnatTuiError."""
    shares = ("xnat:subjectData/sharing/share/project", "xnat:subjectData/sharing/share/label")
    table = connection.table_within(
        connection.listing_seconds,
        "/data/subjects",
        *("URI", "label", "project"),
        columns=",".join(("ID", "label", "project", *shares)),
    )
    return _once(table, shares)


def every_experiment(connection: Connection) -> list[Listed]:
    """All experiments that this user may read but image assessors, each once. Raises XnatTuiError."""
    shares = (SHARE_COLUMN, SHARE_COLUMN.removesuffix("project") + "label")
    columns = ("ID", "label", "project", "subject_ID", "xsiType", "date", "dcmPatientId", "UID", *shares)
    table = connection.table_within(
        connection.listing_seconds,
        "/data/experiments",
        *("URI", "label", "project", "subject_ID", "xsiType"),
        columns=",".join(columns),
        xsiType=EXPERIMENTS,
    )
    return _once(table, shares)


def _once(table: Table, shares: tuple[str, str]) -> list[Listed]:
    """A row for each item, though the list has one for each of its shares."""
    project, label = (table.cell(column.lower()) for column in shares)
    told = [table.cell(name) for name in ("subject_ID", "xsiType", "date", "dcmPatientId", "UID")]
    found: dict[str, Listed] = {}
    for row in table:
        identifier = accession_id(row)
        share = ((project(row.cells), label(row.cells)),) if project(row.cells) else ()
        known = found.get(identifier)
        if known is None:
            subject, type_, date, patient, uid = (cell(row.cells) for cell in told)
            name = row["label"] or identifier
            known = Listed(identifier, name, row["project"], subject, type_, date, patient, uid)
        found[identifier] = replace(known, shares=tuple(dict.fromkeys((*known.shares, *share))))
    return list(found.values())
