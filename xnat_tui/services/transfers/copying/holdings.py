"""What a destination holds already, asked for in bulk: labels and accession IDs of one project."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from xnat_tui.errors import BadAnswer, NotFound
from xnat_tui.model.entities import Item, Kind
from xnat_tui.xnat.http.connection import Connection, url_path

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def creatable(label: str) -> bool:
    """Whether XNAT accepts it as a new project ID, subject label or experiment label."""
    return _PLAIN.fullmatch(label) is not None


@dataclass(frozen=True, slots=True)
class Held:
    """An item of the project: its accession ID, type, and for an experiment its subject's accession ID."""

    id: str
    type: str = ""
    subject: str = ""

    def item(self, kind: Kind, label: str) -> Item:
        return Item(kind, label, self.id, self.type, f"/data/{kind.plural}/{self.id}")


class Holdings:
    """Subjects and experiments of a server's projects by label, shared-in ones under their label there.

    One request per project and kind, at the first question; what is created afterwards is told to it.
    Image assessors are not in it. Safe to use from several threads.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, Kind], dict[str, Held]] = {}
        self._lock = threading.Lock()

    def find(self, project: str, kind: Kind, label: str) -> Held | None:
        return self._of(project, kind).get(label)

    def labels(self, project: str, kind: Kind) -> list[str]:
        return list(self._of(project, kind))

    def learn(self, project: str, kind: Kind, found: Mapping[str, Held]) -> None:
        """All of one kind that a project holds, by label, as another list that was proved tells it."""
        with self._lock:
            self._known.setdefault((project, kind), dict(found))

    def tell(self, project: str, kind: Kind, label: str, held: Held) -> None:
        """Remember what was made under a label, so that it is not asked for again."""
        known = self._of(project, kind)
        with self._lock:
            known[label] = held

    def _of(self, project: str, kind: Kind) -> dict[str, Held]:
        with self._lock:
            key = (project, kind)
            if key not in self._known:
                try:
                    self._known[key] = self._ask(project, kind)
                except NotFound:  # the project is not there yet
                    self._known[key] = {}
            return self._known[key]

    def _ask(self, project: str, kind: Kind) -> dict[str, Held]:
        columns = "ID,label" if kind is Kind.SUBJECT else "ID,label,subject_ID,xsiType"
        table = self._connection.table(f"/data/projects/{url_path(project, kind.plural)}", columns=columns)
        found: dict[str, Held] = {}
        for row in table:
            identifier = row["URI"].rpartition("/")[2]
            found[row["label"] or identifier] = Held(identifier, row["xsiType"], row["subject_ID"])
        self._check_whole(project, kind, {held.id for held in found.values()})
        return found

    def _check_whole(self, project: str, kind: Kind, listed: set[str]) -> None:
        """Ask the site's list what the project owns: what a list leaves out would be written over as if it
        were not there. Image assessors are in the site's list only, and of no matter here.

        Raises BadAnswer where the project's list lacks something.
        """
        more = {} if kind is Kind.SUBJECT else {"xsiType": "xnat:subjectAssessorData"}
        owned = self._connection.table(f"/data/{kind.plural}", "URI", project=project, columns="ID", **more)
        missing = {row["URI"].rpartition("/")[2] for row in owned} - listed
        if missing:
            raise BadAnswer(
                f"{self._connection.server.name} lists {len(listed)} of at least {len(listed | missing)} "
                f"{kind.plural} of {project}: what stands there already is not known.",
                "Its answers contradict each other: reload, or ask its administrator.",
            )
