"""One XNAT site: its archive, accounts, counters and look-ups, all behind one lock."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from xnat_tui.demo.archive import (
    Assessor,
    Experiment,
    Item,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Subject,
)
from xnat_tui.demo.background import Background
from xnat_tui.demo.content import Content
from xnat_tui.demo.datatypes import DataTypes
from xnat_tui.demo.records import AliasToken, PrearchiveSession, SavedSearch, Session, User, Workflow
from xnat_tui.demo.settings import Settings


class Site:
    """Everything that one server stores.

    A site is filled by ``add_*``; routes change items through the methods here
    as well, because the label look-ups are indexed: never assign ``label``, ``project`` or
    ``shares`` of a stored item directly, use ``rename``, ``move``, ``share`` and ``unshare``.
    ``clock`` gives the server's local time.
    """

    def __init__(
        self,
        *,
        version: str = "1.8.10",
        settings: Settings | None = None,
        plugin_types: tuple[str, ...] = (),
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.version = version
        self.settings = settings or Settings()
        self.types = DataTypes(plugin_types)
        self.clock = clock
        self.started = clock()
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.projects: dict[str, Project] = {}
        self.burned_projects: set[str] = set()
        self.subjects: dict[str, Subject] = {}
        self.experiments: dict[str, Experiment] = {}
        self.assessors: dict[str, Assessor] = {}
        self.workflows: dict[int, Workflow] = {}
        self.prearchive: list[PrearchiveSession] = []
        self.tokens: dict[str, AliasToken] = {}
        self.sessions: dict[str, Session] = {}
        self.background = Background()
        self.searches: dict[str, SavedSearch] = {}
        self.downloads: dict[str, list[tuple[str, Content]]] = {}
        self.viewer_metadata: set[str] = set()
        self.orphaned: list[str] = []
        """IDs of items that were deleted without their files."""
        self.field_groups: dict[tuple[str, str], set[str]] = {}
        """Names of the custom variables in the groups of definitions, by the group's ID and data type."""
        self._counters: dict[str, int] = {}
        self._labels: dict[tuple[str, str, str], Item] = {}
        self._shared: dict[tuple[str, str], dict[str, Item]] = {}
        self.add_user(User("admin", "admin", "Admin", "Admin", "admin@example.org", admin=True))

    def at_least(self, *release: int) -> bool:
        """Whether the version is this release or newer; suffixes such as ``-RC2`` do not count."""
        found = re.match(r"[\d.]+", self.version)
        own = [int(part) for part in found.group().split(".") if part] if found else []
        return tuple(own) >= release

    def advance(self, steps: int = 1) -> None:
        """Let queued server work go on; listing the prearchive does one step as well."""
        with self.lock:
            self.background.advance(steps)

    def count(self, counter: str) -> int:
        """The next number of a counter, from 1."""
        self._counters[counter] = self._counters.get(counter, 0) + 1
        return self._counters[counter]

    def accession(self, letter: str) -> str:
        """A fresh accession ID: ``S`` for subjects, ``E`` for experiments and assessors."""
        return f"{self.settings.site_id}_{letter}{self.count(letter):05d}"

    def add_user(self, user: User) -> User:
        user.number = user.number or self.count("user")
        self.users[user.login] = user
        return user

    def add_project(self, project_id: str, **attributes: Any) -> Project:
        """A new project; ``attributes`` are those of ``Project``, ``fields`` may lack a name."""
        project = Project(id=project_id, label=project_id, **self._stamped(attributes))
        project.fields.setdefault("name", project_id)
        project.fields.setdefault("secondary_ID", project_id)
        for name, value in (("prearchive_code", "4"), ("quarantine_code", "0")):
            project.settings.setdefault(name, value)
        project.settings.setdefault("current_arc", "arc001")
        self.projects[project_id] = project
        return project

    def add_subject(self, project: Project, label: str, **attributes: Any) -> Subject:
        given = self._stamped(attributes)
        subject_id = given.pop("id", None) or self.accession("S")
        subject = Subject(id=subject_id, label=label, project=project.id, **given)
        self.subjects[subject.id] = project.subjects[subject.id] = subject
        self._labels["subject", project.id, label] = subject
        return subject

    def add_experiment(
        self,
        subject: Subject,
        label: str,
        xsi_type: str = "xnat:mrSessionData",
        **attributes: Any,
    ) -> Experiment:
        given = self._stamped(attributes)
        given["id"] = given.get("id") or self.accession("E")
        given["project"] = given.get("project") or subject.project
        one = Experiment(label=label, xsi_type=xsi_type, subject=subject, **given)
        self.experiments[one.id] = subject.experiments[one.id] = one
        self._labels["experiment", one.project, label] = one
        return one

    def add_scan(self, session: Experiment, scan_id: str, **attributes: Any) -> Scan:
        scan = Scan(id=scan_id, session=session, pk=self.count("scan"), **self._stamped(attributes))
        session.scans[scan_id] = scan
        return scan

    def add_assessor(self, session: Experiment, label: str, xsi_type: str, **attributes: Any) -> Assessor:
        given = self._stamped(attributes)
        given["id"] = given.get("id") or self.accession("E")
        given["project"] = given.get("project") or session.project
        one = Assessor(label=label, xsi_type=xsi_type, session=session, **given)
        self.assessors[one.id] = session.assessors[one.id] = one
        self._labels["experiment", one.project, label] = one
        return one

    def add_reconstruction(
        self, session: Experiment, reconstruction_id: str, **attributes: Any
    ) -> Reconstruction:
        one = Reconstruction(
            id=reconstruction_id,
            session=session,
            pk=self.count("reconstruction"),
            **self._stamped(attributes),
        )
        session.reconstructions[reconstruction_id] = one
        return one

    def new_resource(self, label: str, **attributes: Any) -> Resource:
        """A resource with a number of its own, to be appended to an item's list."""
        return Resource(self.count("resource"), label, **attributes)

    def add_workflow(
        self,
        item: Item,
        pipeline_name: str,
        status: str = "Complete",
        *,
        user: str = "admin",
        external_id: str = "",
    ) -> Workflow:
        number = self.count("workflow")
        workflow = Workflow(
            number,
            item.id,
            item.xsi_type,
            external_id or owner_of(item),
            pipeline_name,
            status,
            self.clock(),
            user,
        )
        self.workflows[number] = workflow
        return workflow

    def open_workflow(self, item_id: str) -> Workflow | None:
        """The first workflow of an item that blocks renames."""
        rows = self.workflows.values()
        return next((one for one in rows if one.item_id == item_id and one.open), None)

    def _stamped(self, attributes: dict[str, Any]) -> dict[str, Any]:
        return {"insert_date": self.clock(), **attributes}

    def subject(self, key: str, project_id: str) -> Subject | None:
        """A subject of a project, owned or shared, by the label there or by ID."""
        found = self._find("subject", key, project_id, self.subjects)
        return found if isinstance(found, Subject) else None

    def experiment(self, key: str, project_id: str) -> Experiment | Assessor | None:
        """An experiment or assessor of a project, owned or shared, by the label there or by ID."""
        by_id: dict[str, Item] = {}
        for store in (self.experiments, self.assessors):
            if key in store:
                by_id[key] = store[key]
        found = self._find("experiment", key, project_id, by_id)
        return found if isinstance(found, Experiment | Assessor) else None

    def project(self, key: str) -> Project | None:
        """A project by ID or alias."""
        found = self.projects.get(key)
        if found is None:
            named = (one for one in self.projects.values() if one.fields.get("alias") == key)
            found = next(named, None)
        return found

    def _find(self, kind: str, key: str, project_id: str, by_id: object) -> Item | None:
        found = self._labels.get((kind, project_id, key))
        if found is None and isinstance(by_id, dict):
            candidate = by_id.get(key)
            if candidate is not None and self.in_project(candidate, project_id):
                found = candidate
        return found

    def in_project(self, item: Item, project_id: str) -> bool:
        return owner_of(item) == project_id or project_id in item.shares

    def label_in(self, item: Item, project_id: str) -> str:
        """The label that an item shows in a project: a share may have a label of its own."""
        return (item.shares.get(project_id) or item.label) if item.shares else item.label

    def label_taken(self, kind: str, project_id: str, label: str) -> bool:
        return (kind, project_id, label) in self._labels

    def shared_subjects(self, project_id: str) -> Iterator[Subject]:
        for item in self._shared.get(("subject", project_id), {}).values():
            if isinstance(item, Subject):
                yield item

    def shared_experiments(self, project_id: str) -> Iterator[Experiment | Assessor]:
        for item in self._shared.get(("experiment", project_id), {}).values():
            if isinstance(item, Experiment | Assessor):
                yield item

    def touch(self, item: Item) -> None:
        item.last_modified = self.clock()

    def rename(self, item: Item, label: str) -> None:
        kind, owner = kind_of(item), owner_of(item)
        self._labels.pop((kind, owner, item.label), None)
        for project_id, own in item.shares.items():
            if own is None and self._labels.get((kind, project_id, item.label)) is item:
                del self._labels[kind, project_id, item.label]
                self._labels[kind, project_id, label] = item
        item.label = label
        self._labels[kind, owner, label] = item
        self.touch(item)

    def share(self, item: Item, project_id: str, label: str | None = None) -> None:
        """Show an item in another project; calling it again changes the label there."""
        kind = kind_of(item)
        if project_id in item.shares:
            self._labels.pop((kind, project_id, self.label_in(item, project_id)), None)
        item.shares[project_id] = label
        self._labels[kind, project_id, label or item.label] = item
        self._shared.setdefault((kind, project_id), {})[item.id] = item

    def unshare(self, item: Item, project_id: str) -> None:
        kind = kind_of(item)
        self._labels.pop((kind, project_id, self.label_in(item, project_id)), None)
        item.shares.pop(project_id, None)
        self._shared.get((kind, project_id), {}).pop(item.id, None)

    def move(self, item: Subject | Experiment | Assessor, project_id: str, label: str = "") -> None:
        """Give an item to another project; a share there is consumed."""
        if project_id in item.shares:
            label = label or self.label_in(item, project_id)
            self.unshare(item, project_id)
        kind = kind_of(item)
        self._labels.pop((kind, item.project, item.label), None)
        if isinstance(item, Subject):
            self.projects[item.project].subjects.pop(item.id, None)
            self.projects[project_id].subjects[item.id] = item
        item.project = project_id
        item.label = label or item.label
        self._labels[kind, project_id, item.label] = item

    def remove(self, item: Item) -> None:
        """Delete an item and all that hangs below it."""
        if isinstance(item, Project):
            self._remove_project(item)
        elif isinstance(item, Scan):
            item.session.scans.pop(item.id, None)
        elif isinstance(item, Reconstruction):
            item.session.reconstructions.pop(item.id, None)
        elif isinstance(item, Subject | Experiment | Assessor):
            self._remove_labelled(item)

    def _remove_labelled(self, item: Subject | Experiment | Assessor) -> None:
        for project_id in list(item.shares):
            self.unshare(item, project_id)
        self._labels.pop((kind_of(item), item.project, item.label), None)
        if isinstance(item, Subject):
            for experiment in list(item.experiments.values()):
                self.remove(experiment)
            self.subjects.pop(item.id, None)
            self.projects[item.project].subjects.pop(item.id, None)
        elif isinstance(item, Experiment):
            for assessor in list(item.assessors.values()):
                self.remove(assessor)
            self.experiments.pop(item.id, None)
            item.subject.experiments.pop(item.id, None)
        else:
            self.assessors.pop(item.id, None)
            item.session.assessors.pop(item.id, None)

    def _remove_project(self, project: Project) -> None:
        for item in [*self.shared_subjects(project.id), *self.shared_experiments(project.id)]:
            self.unshare(item, project.id)
        assessors = [one for one in self.assessors.values() if one.project == project.id]
        owned = [one for one in self.experiments.values() if one.project == project.id]
        for owned_item in [*assessors, *owned, *project.subjects.values()]:
            self.remove(owned_item)
        self.projects.pop(project.id, None)
        self.burned_projects.add(project.id.lower())


def kind_of(item: Item) -> str:
    """Which label namespace an item lives in: subjects, or experiments with assessors."""
    return "subject" if isinstance(item, Subject) else "experiment"


def owner_of(item: Item) -> str:
    """The ID of the project that owns an item; scans and reconstructions follow their session."""
    if isinstance(item, Project):
        return item.id
    if isinstance(item, Subject | Experiment | Assessor):
        return item.project
    if isinstance(item, Scan | Reconstruction):
        return item.session.project
    raise TypeError(f"{type(item).__name__} belongs to no project")
