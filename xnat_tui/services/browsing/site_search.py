"""What a whole site has that is called so: two questions for all projects that the user sees.

Labels, accession IDs, and of sessions the patient ID and the study UID of their DICOM headers. An item that
is shared is found once, with the projects that it is shared into. What could not be read is part of the
answer: "nothing" means that nothing is there only where everything was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location, Step
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.tables import site_lists
from xnat_tui.xnat.tables.site_lists import Listed

WHERE_LOOKED: Final = "projects, subjects and sessions: labels, IDs, DICOM patient IDs and study UIDs"
"""What is searched. Image assessors are in no list of a site: they are found by their exact ID or address."""


@dataclass(frozen=True, slots=True)
class Found:
    """One item of a server that is called as was asked for, `because` of which of its names."""

    kind: Kind
    project: str
    """The ID of the project that owns it."""
    label: str
    id: str
    location: Location
    """In the project that owns it, or the first that it is shared into where the owner is not seen."""
    because: str = "label"
    """`label`, `ID`, `patient ID`, `study UID`, or `label in PROJECT` of an item that is shared."""
    value: str = ""
    type: str = ""
    date: str = ""
    shared_into: tuple[str, ...] = ()
    subject: str = ""
    """Of a session: its subject's label, or its accession ID where no list told that."""

    @property
    def address(self) -> Location:
        """By labels, as people read it; `location` finds it even where two are called alike."""
        *above, last = self.location.steps
        if self.subject:
            above[-1] = replace(above[-1], name=self.subject)
        return replace(self.location, steps=(*above, replace(last, name=self.label or self.id)))


@dataclass(frozen=True, slots=True)
class SiteFound:
    """Everything that was found, the best first, and what could not be searched."""

    found: tuple[Found, ...] = ()
    unreadable: tuple[tuple[str, XnatTuiError], ...] = ()
    """`subjects` or `sessions` of the site, and why."""


def search(reader: Reader, text: str) -> SiteFound:
    """Find `text` anywhere on a server: what is called exactly so first, then what begins so or contains it.

    Three requests at most, whatever the size of the site. Raises Interrupted; other errors are in the answer.
    """
    found: list[tuple[int, str, Found]] = []
    unreadable: list[tuple[str, XnatTuiError]] = []
    server, wanted = reader.connection.server.name, text.casefold()
    projects = reader.below(Place(server), Kind.PROJECT)
    if projects.error is not None:
        unreadable.append(("projects", projects.error))
    for item in projects.items:
        title = item.fields.get("name", "")
        names = (("label", item.key), ("title", title), ("secondary ID", item.fields.get("secondary_ID", "")))
        if best := _best(names, wanted):
            rank, because, value = best
            where = Location(server, (Step(Kind.PROJECT, item.key),))
            found.append(
                (rank, item.key, Found(Kind.PROJECT, item.id, item.key, item.id, where, because, value))
            )
    labels: dict[str, str] = {}
    for what, question in (
        ("subjects", site_lists.every_subject),
        ("sessions", site_lists.every_experiment),
    ):
        try:
            listed = question(reader.connection)
        except Interrupted:
            raise
        except XnatTuiError as error:
            unreadable.append((what, error))
            continue
        found += _matching(server, listed, wanted, labels)
        labels = {one.id: one.label for one in listed}  # the subjects', when sessions come
    found.sort(key=lambda one: one[:2])
    return SiteFound(tuple(one for _, _, one in found), tuple(unreadable))


def _matching(
    server: str, listed: Iterable[Listed], wanted: str, subjects: Mapping[str, str]
) -> list[tuple[int, str, Found]]:
    """What of a list fits, with its rank and label; `subjects` has labels by accession ID."""
    found = []
    for one in listed:
        names = [("label", one.label), ("ID", one.id), ("patient ID", one.patient), ("study UID", one.uid)]
        names += [(f"label in {project}", label) for project, label in one.shares if label]
        if best := _best(names, wanted):
            rank, because, value = best
            kind = Kind.EXPERIMENT if one.subject else Kind.SUBJECT
            steps = [Step(Kind.PROJECT, one.project)]
            steps += [Step(Kind.SUBJECT, one.subject)] if one.subject else []
            where = Location(server, (*steps, Step(kind, one.id)))
            shared = tuple(project for project, _ in one.shares)
            subject = subjects.get(one.subject, one.subject)
            item = Found(
                kind,
                one.project,
                one.label,
                one.id,
                where,
                because,
                value,
                one.type,
                one.date,
                shared,
                subject,
            )
            found.append((rank, one.label, item))
    return found


def _best(names: Sequence[tuple[str, str]], wanted: str) -> tuple[int, str, str] | None:
    """How well the best of some names fits (0 exactly, 1 begins so, 2 contains it), which, and that name."""
    ranked = [
        (0 if name.casefold() == wanted else 1 if name.casefold().startswith(wanted) else 2, at, what, name)
        for at, (what, name) in enumerate(names)
        if name and wanted in name.casefold()
    ]
    if not ranked:
        return None
    rank, _, what, name = min(ranked)
    return rank, what, name
