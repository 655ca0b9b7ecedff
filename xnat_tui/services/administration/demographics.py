"""Subjects' demographics: shown, set by hand or table, filled in from DICOM headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, Conflict, NotFound, ServerError, Unclear, UsageError, XnatTuiError
from xnat_tui.model import demographics as rules
from xnat_tui.model.changes import Change
from xnat_tui.model.demographics import AGE_FIELDS, FIELDS, VARIABLE_PREFIX
from xnat_tui.model.entities import Kind
from xnat_tui.model.history import Area
from xnat_tui.model.patient_headers import KEYWORDS, Reading, conclude, fill
from xnat_tui.model.place import Place
from xnat_tui.services import tables
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.services.tables import CsvTable, Row
from xnat_tui.xnat.actions import demographics as gateway
from xnat_tui.xnat.actions.demographics import Person

if TYPE_CHECKING:
    from pydicom import Dataset

TABLE_KEYS = ("subject",)
TABLE_IGNORED = ("ID", "project")
"""Columns that an exported table has, and that an imported one may have without effect."""


def read_table(path: Path, *, raw: bool = False) -> CsvTable:
    """A table for `plan_table`. Raises UsageError naming file, line and column."""
    known = (*TABLE_IGNORED, *FIELDS)
    return tables.read(
        path, required=TABLE_KEYS, optional=known, accepts=rules.is_field, key=TABLE_KEYS, raw=raw
    )


@dataclass(slots=True, repr=False)
class Subject:
    """One subject with what is stored of it."""

    place: Place
    person: Person

    @property
    def location(self) -> str:
        return str(self.place.location)


class Demographics:
    """Demographics of one server's subjects. Plans read; only `do` writes."""

    def __init__(self, reader: Reader, *, header: Callable[[Reader, Place], Dataset] | None = None) -> None:
        self.reader = reader
        self._header = header
        self._people: dict[str, dict[str, Person]] = {}
        self._planned: dict[str, Subject] = {}

    def subjects(self, places: Iterable[Place]) -> list[Subject]:
        """The subjects at, above or below some places, each once, with what is stored of them.

        Raises NotFound for a server, and what listing a project raises.
        """
        found: dict[tuple[str, str], Subject] = {}
        for place in places:
            for one in self._subject_places(place):
                project, item = one.of(Kind.PROJECT), one.item
                assert project is not None
                assert item is not None
                person = self._people_of(project.id).get(item.id)
                if person is None:
                    raise NotFound(f"{one.location} is not in the server's list.", "Reload.")
                found[project.id, item.id] = Subject(one, person)
        return list(found.values())

    def plan_set(self, places: Iterable[Place], values: Mapping[str, str]) -> list[Change]:
        """One change per subject that does not have these values yet; "" clears a field.

        Raises UsageError for an unknown field and for a value that XNAT or reason refuses.
        """
        wanted = rules.checked_values(values)
        return self._changes((subject, wanted, ()) for subject in self.subjects(places))

    def plan_each(self, wanted: Mapping[Place, Mapping[str, str]]) -> list[Change]:
        """As `plan_set`, with values of its own for each subject. All are read anew at once."""
        values = {place.location: rules.checked_values(each) for place, each in wanted.items()}
        found = self.subjects(wanted)
        return self._changes((subject, values[subject.place.location], ()) for subject in found)

    def plan_table(self, project: Place, table: CsvTable, *, clear_empty: bool = False) -> list[Change]:
        """One change per row of a table with a column `subject` and columns of fields.

        An empty cell leaves its field alone, or clears it with `clear_empty`. An unknown subject is a
        refused change; a wrong value raises UsageError with its line and column, unless it is what stands
        there already: an exported table is imported without a complaint.
        """
        wanted = [(row, _row_values(table, row, clear_empty)) for row in table.rows]
        by_name: dict[str, Subject] = {}
        for subject in self.subjects([project]):
            by_name.setdefault(subject.person.label, subject)
            by_name.setdefault(subject.person.id, subject)
        changes: list[Change] = []
        lines: dict[str, int] = {}
        for row, values in wanted:
            named = by_name.get(row["subject"])
            _check(row, values, named.person.values if named is not None else {})
            location = str(project.location.child(Kind.SUBJECT, row["subject"]))
            if named is None:
                changes.append(_refused(location, f"line {row.line}: there is no such subject.", values))
            elif (line := lines.setdefault(named.person.id, row.line)) != row.line:
                reason = f"line {row.line}: line {line} is about the same subject."
                changes.append(_refused(location, reason, values))
            else:
                changes += self._changes([(named, values, ())])
        return changes

    def plan_from_headers(
        self,
        places: Iterable[Place],
        *,
        replace: bool = False,
        every_scan: bool = False,
        on_read: Callable[[str], None] | None = None,
    ) -> tuple[list[Change], list[str]]:
        """Changes that fill in what DICOM headers say in agreement, and findings on what was left out.

        One header per session is read, or one per scan; some kilobytes each. `on_read` is told the place of
        each, from several threads.
        """
        found: list[Change] = []
        findings: list[str] = []
        subjects = self.subjects(places)
        with ThreadPoolExecutor(max(2, self.reader.connection.server.connections), "headers") as pool:
            read = pool.map(lambda one: self._readings(one.place, every_scan, on_read), subjects)
            found_in = list(zip(subjects, read, strict=True))
        for subject, (readings, failures) in found_in:
            values, notes = fill(subject.person.values, conclude(readings), replace=replace)
            findings += [f"{subject.location}: {note}" for note in (*notes, *failures)]
            if not readings and not failures:
                findings.append(f"{subject.location}: has no DICOM header to read")
            units = ["height in cm, from metres"] if "height" in values else []
            found += self._changes([(subject, values, units)])
        return found, findings

    def about(self, change: Change) -> Place:
        """The subject of a planned change."""
        return self._planned[change.location].place

    @kept(Area.DEMOGRAPHICS)
    def do(self, change: Change) -> str:
        """Write one planned change and read it back.

        Raises Conflict where somebody else changed one of the fields since the plan, BadAnswer where the
        server said yes and does not hold the values.
        """
        subject = self._planned[change.location]
        person = subject.person
        connection = self.reader.connection
        before = gateway.read(connection, person.project, person.id)
        for name, text in change.before.items():
            if not rules.same(name, before.values.get(name, ""), text):
                raise Conflict(f"{name} was changed by somebody else meanwhile.", "Reload and plan again.")
        failure: XnatTuiError | None = None
        try:
            gateway.write(connection, person.project, person.id, change.after, before.type)
        except (ServerError, Unclear) as error:
            failure = error
        stored = gateway.read(connection, person.project, person.id).values
        missing = [
            name for name, text in change.after.items() if not rules.same(name, stored.get(name, ""), text)
        ]
        person.values.update({name: stored.get(name, "") for name in change.after})
        self.reader.changed(subject.place.up_to(Kind.PROJECT))
        if not missing:
            return is_so(failure)
        self._put_back(person, before, {name: stored.get(name, "") for name in missing})
        unchanged = BadAnswer(
            f"The server accepted the change and does not hold it: {', '.join(missing)}.",
            "Its project may have demographics of its own kind; ask its administrator.",
        )
        raise not_so(failure, unchanged)

    def _put_back(self, person: Person, before: gateway.Stored, stored: Mapping[str, str]) -> None:
        """Where the word that clears was stored for a text, the text that stood there."""
        spoilt = {name: before.values.get(name, "") for name, text in stored.items() if text == gateway.CLEAR}
        if any(spoilt.values()):
            gateway.write(self.reader.connection, person.project, person.id, spoilt, before.type)
            person.values.update(spoilt)

    def columns(self, subjects: Sequence[Subject]) -> list[str]:
        """Fields, then custom variables, that at least one of these subjects has."""
        used = {name for subject in subjects for name, text in subject.person.values.items() if text}
        return [name for name in FIELDS if name in used] + sorted(
            name for name in used if name.startswith(VARIABLE_PREFIX)
        )

    def _subject_places(self, place: Place) -> list[Place]:
        if place.kind is Kind.SERVER:
            raise NotFound(f"{place.location} is a server.", "Name a project, a subject or a session.")
        if place.kind is not Kind.PROJECT:
            above = place.up_to(Kind.SUBJECT)
            if above.kind is not Kind.SUBJECT:
                raise NotFound(f"{place.location} belongs to no subject.")
            return [above]
        listing = self.reader.below(place, Kind.SUBJECT)
        if listing.error is not None:
            raise listing.error
        return [place.child(item) for item in listing.items]

    def _people_of(self, project: str) -> dict[str, Person]:
        if project not in self._people:
            self._people[project] = gateway.people(self.reader.connection, project)
        return self._people[project]

    def _changes(self, wanted: Iterable[tuple[Subject, Mapping[str, str], Sequence[str]]]) -> list[Change]:
        found = []
        for subject, values, notes in wanted:
            stored = subject.person.values
            after = rules.changes(stored, values)
            if not after:
                continue
            self._planned[subject.location] = subject
            found.append(
                Change(
                    subject.location,
                    "set",
                    {name: stored.get(name, "") for name in after},
                    after,
                    note="; ".join((*notes, *_side_effects(subject, after))),
                    refusal=_refuse(stored, after),
                    project=subject.person.project,
                )
            )
        return found

    def _readings(
        self, subject: Place, every_scan: bool, on_read: Callable[[str], None] | None
    ) -> tuple[list[Reading], list[str]]:
        readings: list[Reading] = []
        failures: list[str] = []
        for source in self._sources(subject, every_scan, failures):
            name = source.path_below(subject).removeprefix("experiments/")
            if on_read is not None:
                on_read(str(source.location))
            try:
                header = self._read_header(source)
            except NotFound:
                continue
            except XnatTuiError as error:
                failures.append(f"{name}: {error.message}")
                continue
            values = {word: str(header.get(word, "") or "") for word in KEYWORDS}
            readings.append(Reading(name, values))
        return readings, failures

    def _sources(self, subject: Place, every_scan: bool, failures: list[str]) -> list[Place]:
        sessions = self._children(subject, Kind.EXPERIMENT, failures)
        if not every_scan:
            return sessions
        return [scan for session in sessions for scan in self._children(session, Kind.SCAN, failures)]

    def _children(self, place: Place, kind: Kind, failures: list[str]) -> list[Place]:
        listing = self.reader.below(place, kind)
        if listing.error is not None:
            failures.append(f"{place.location.name}: {listing.error.message}")
        return [place.child(item) for item in listing.items]

    def _read_header(self, place: Place) -> Dataset:
        if self._header is None:
            from xnat_tui.services.dicom.headers import first_header

            self._header = lambda reader, where: first_header(reader, where, names=KEYWORDS)
        return self._header(self.reader, place)


def _row_values(table: CsvTable, row: Row, clear_empty: bool) -> dict[str, str]:
    names = [name for name in table.columns if name not in (*TABLE_KEYS, *TABLE_IGNORED)]
    values = {name: row[name] for name in names if row[name] or clear_empty}
    given = [name for name in AGE_FIELDS if values.get(name)]
    if len(given) > 1:
        raise row.error(given[1], f"only one of {', '.join(AGE_FIELDS)} can stand; {given[0]} does already.")
    return values


def _check(row: Row, values: Mapping[str, str], stored: Mapping[str, str]) -> None:
    """Raises UsageError for a value that is to be sent and cannot stand."""
    for name, text in values.items():
        if text != stored.get(name, "") and (reason := rules.refusal(name, text)):
            raise row.error(name, reason)


def _refused(location: str, reason: str, values: Mapping[str, str]) -> Change:
    return Change(location, "set", after=dict(values), refusal=reason)


def _side_effects(subject: Subject, after: Mapping[str, str]) -> list[str]:
    """What else happens: it is one subject in all of its projects, and one age field drives out another."""
    notes = []
    project = subject.place.of(Kind.PROJECT)
    others = [*subject.person.shares]
    if project is not None and subject.person.project != project.id:
        others = [subject.person.project, *(other for other in others if other != project.id)]
    if others:
        notes.append(f"changes in {', '.join(others)} too, where this subject is shared")
    if cleared := [name for name in AGE_FIELDS if after.get(name) == ""]:
        taking = [name for name in AGE_FIELDS if after.get(name)]
        if taking:
            notes.append(f"{', '.join(cleared)} gives way to {taking[0]}")
    return notes


def _refuse(stored: Mapping[str, str], after: Mapping[str, str]) -> str:
    """XNAT's searches and pages treat names of custom variables as lower case."""
    for name in after:
        if name.startswith(VARIABLE_PREFIX) and name not in stored:
            twins = [other for other in stored if other.lower() == name.lower()]
            if twins:
                return f"it has {twins[0]} already, which differs from {name} by case only."
    return ""


def checked_assignments(texts: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` as typed. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is no NAME=VALUE.", "Write for example gender=female; race= clears.")
        if name in found:
            raise UsageError(f"{name} is given twice.")
        found[name] = value
    return found
