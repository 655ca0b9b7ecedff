"""Shares as a table of the form that `share add --table` and `share remove --table` read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.services import tables
from xnat_tui.services.administration.sharing.shares import TABLE_OPTIONAL, TABLE_REQUIRED

COLUMNS = (*TABLE_REQUIRED, *TABLE_OPTIONAL)


def share_table(listed: Iterable[Mapping[str, str]], *, raw: bool = False) -> tuple[str, int]:
    """CSV of the shares of subjects and sessions among rows of `shared_rows`, and how many there are.

    What a project shows of others is theirs to list: such rows are left out.
    """
    found = []
    for row in listed:
        location = Location.parse(row["location"])
        project = location.name_of(Kind.PROJECT)
        if row["role"] == "shared" and location.kind is not Kind.ASSESSOR and row["ID"] != project:
            found.append(
                {
                    "subject": location.name_of(Kind.SUBJECT),
                    "source": project,
                    "destination": row["ID"],
                    "session": location.name_of(Kind.EXPERIMENT),
                    "label": row["label"],
                }
            )
    return tables.write(COLUMNS, found, raw=raw), len(found)
