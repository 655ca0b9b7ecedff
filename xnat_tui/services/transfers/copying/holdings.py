"""What a destination holds already, asked for in bulk: labels and accession IDs of one project."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from xnat_tui.errors import BadAnswer, NotFound
from xnat_tui.model.entities import Item, Kind
from xnat_tui.xnat.documents import item_xml, writing
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

    def __init__(self, connection: Connection, *, others_write: bool = False) -> None:
        """With `others_write`, processes on other machines make items there meanwhile: what the lists did not
        show is looked for by its own address before it counts as missing."""
        self._connection = connection
        self._others_write = others_write
        self._known: dict[tuple[str, Kind], dict[str, Held]] = {}
        self._listed: dict[str, dict[str, Held]] = {}
        """Subjects of projects by label, of which the site's list has not been asked yet."""
        self._lock = threading.Lock()

    def find(self, project: str, kind: Kind, label: str) -> Held | None:
        """What stands there under a label; None where nothing does. Raises XnatTuiError."""
        if kind is Kind.SUBJECT:
            with self._lock:
                listed = self._listed.get(project, {}).get(label)
            if listed is not None:
                return listed
        found = self._of(project, kind).get(label)
        if found is None and self._others_write and (found := self._by_address(project, kind, label)):
            self.tell(project, kind, label, found)
        return found

    def _by_address(self, project: str, kind: Kind, label: str) -> Held | None:
        try:
            document = writing.read_item(self._connection, f"/data/projects/{project}/{kind.plural}/{label}")
        except NotFound:
            return None
        subject = document.findtext(f"{{{item_xml.XNAT}}}subject_ID", "")
        return Held(item_xml.accession_id(document), "", subject)

    def labels(self, project: str, kind: Kind) -> list[str]:
        return list(self._of(project, kind))

    def keep(self, project: str, subjects: Mapping[str, Held], experiments: Mapping[str, Held]) -> None:
        """Take what other lists of a project told, instead of asking for it.

        The site's list of experiments has been heard by whoever read them; that of subjects is asked here, as
        soon as something is not among them.
        """
        with self._lock:
            self._listed[project] = dict(subjects)
            self._known.setdefault((project, Kind.EXPERIMENT), dict(experiments))

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
        if kind is Kind.SUBJECT and project in self._listed:
            listed = self._listed.pop(project)
            self._check_whole(
                project, kind, {held.id for held in listed.values()}, self._owned(project, kind)
            )
            return listed
        # what others make between two lists is only in the second: that has to be the project's
        owned = self._owned(project, kind) if self._others_write else None
        columns = "ID,label" if kind is Kind.SUBJECT else "ID,label,subject_ID,xsiType"
        table = self._connection.table(f"/data/projects/{url_path(project, kind.plural)}", columns=columns)
        found: dict[str, Held] = {}
        for row in table:
            identifier = row["URI"].rpartition("/")[2]
            found[row["label"] or identifier] = Held(identifier, row["xsiType"], row["subject_ID"])
        if owned is None:
            owned = self._owned(project, kind)
        self._check_whole(project, kind, {held.id for held in found.values()}, owned)
        return found

    def _owned(self, project: str, kind: Kind) -> set[str]:
        """What the project owns by the site's list. Image assessors are in that alone, and of no matter."""
        more = {} if kind is Kind.SUBJECT else {"xsiType": "xnat:subjectAssessorData"}
        owned = self._connection.table(f"/data/{kind.plural}", "URI", project=project, columns="ID", **more)
        return {row["URI"].rpartition("/")[2] for row in owned}

    def _check_whole(self, project: str, kind: Kind, listed: set[str], owned: set[str]) -> None:
        """Raises BadAnswer where the project's list lacks what the site's shows: it would be written over as
        if it were not there."""
        missing = owned - listed
        if missing:
            raise BadAnswer(
                f"{self._connection.server.name} lists {len(listed)} of at least {len(listed | missing)} "
                f"{kind.plural} of {project}: what stands there already is not known.",
                "Its answers contradict each other: reload, or ask its administrator.",
            )
