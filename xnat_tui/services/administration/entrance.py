"""What an archive's staff do, from one place: each call gives the service of one server, project or item.

    with xnat_tui.connect("lab") as workspace:
        users = workspace.users("lab:P")
        for result in workspace.carry_out(users, users.plan_add(["jo"], Role.MEMBER)):
            print(result.change.location, result.error or "done")

A service plans changes, which tell before and after and write nothing, and carries them out one by one, each
read back. Services are imported when they are first asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from xnat_tui.errors import UsageError
from xnat_tui.model.changes import Change, Result, apply
from xnat_tui.model.history import Entry
from xnat_tui.model.location import Location, same_address
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.servers import Servers

if TYPE_CHECKING:
    from xnat_tui.services.administration.anonymisation import Anonymisation
    from xnat_tui.services.administration.deleting.deletion import Deletion
    from xnat_tui.services.administration.demographics import Demographics
    from xnat_tui.services.administration.maintenance import Maintenance
    from xnat_tui.services.administration.prearchive.sessions import Prearchive
    from xnat_tui.services.administration.project_settings import ProjectCreation, ProjectSettings
    from xnat_tui.services.administration.project_users import ProjectUsers
    from xnat_tui.services.administration.renaming import Renaming
    from xnat_tui.services.administration.renaming_by_pattern import PatternRenaming
    from xnat_tui.services.administration.resources import Resources
    from xnat_tui.services.administration.sharing.shares import Sharing
    from xnat_tui.services.administration.undoing import Undoing
    from xnat_tui.services.administration.viewer import ViewerMetadata
    from xnat_tui.services.administration.workflows import Workflows
    from xnat_tui.services.measuring.benchmark import Benchmark


class Service(Protocol):
    """What carries out the changes that it planned."""

    def do(self, change: Change) -> str:
        """Carry out one of them and read it back: a note, or XnatTuiError."""


class Administration(Servers):
    """Services by server name; those of one project or item by their location or place. Each call signs in
    if need be, and raises what that raises; a location is looked up: NotFound, UsageError."""

    def demographics(self, server: str) -> Demographics:
        """Demographics and custom variables of subjects."""
        from xnat_tui.services.administration.demographics import Demographics

        return Demographics(self.reader(server))

    def sharing(self, server: str) -> Sharing:
        """Sharing items, ending that, and giving them away."""
        from xnat_tui.services.administration.sharing.shares import Sharing

        return Sharing(self.reader(server))

    def renaming(
        self,
        server: str,
        *,
        wait: Callable[[float], bool] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> Renaming:
        """`wait` sleeps for some seconds between two looks, and returns true to give up looking; `told` hears
        what is waited for."""
        from xnat_tui.services.administration.renaming import Renaming

        return Renaming(self.reader(server), wait=wait or _wait, told=told or _deaf)

    def renaming_by_pattern(
        self,
        server: str,
        *,
        wait: Callable[[float], bool] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> PatternRenaming:
        """Many at once; `wait` and `told` as for `renaming`."""
        from xnat_tui.services.administration.renaming_by_pattern import PatternRenaming

        return PatternRenaming(self.renaming(server, wait=wait, told=told))

    def deletion(
        self,
        server: str,
        *,
        wait: Callable[[float], bool] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> Deletion:
        """Items deleted for good, and shares ended; `wait` and `told` as for `renaming`."""
        from xnat_tui.services.administration.deleting.deletion import Deletion
        from xnat_tui.services.administration.patience import Patience

        reader = Reader(self.connection(server), self.changes)  # what was remembered proves nothing
        return Deletion(reader, Patience(wait or _wait, told or _deaf))

    def users(self, project: Location | str | Place) -> ProjectUsers:
        """Who may do what in a project. Raises NotFound for anything else than one."""
        from xnat_tui.services.administration.project_users import ProjectUsers

        place = self._place(project)
        return ProjectUsers(self.reader(place.server), place)

    def project_settings(self, project: Location | str | Place) -> ProjectSettings:
        """Title, description, who leads it, who sees it, where its DICOM goes. Raises NotFound for others."""
        from xnat_tui.services.administration.project_settings import ProjectSettings

        place = self._place(project)
        return ProjectSettings(self.reader(place.server), place)

    def project_creation(self, server: str) -> ProjectCreation:
        """Making projects on a server."""
        from xnat_tui.services.administration.project_settings import ProjectCreation

        return ProjectCreation(self.reader(server), server)

    def anonymisation(self, where: Location | str | Place) -> Anonymisation:
        """The script of a server, which is its site's, or of a project. Raises NotFound for anything else."""
        from xnat_tui.services.administration.anonymisation import Anonymisation

        place = self._place(where)
        return Anonymisation(self.reader(place.server), place)

    def resources(self, owner: Location | str | Place) -> Resources:
        """Of a project, subject, session, scan, assessor or reconstruction."""
        from xnat_tui.services.administration.resources import Resources

        place = self._place(owner)
        return Resources(self.reader(place.server), place)

    def workflows(self, server: str) -> Workflows:
        """Workflows, and stuck ones dismissed."""
        from xnat_tui.services.administration.workflows import Workflows

        return Workflows(self.reader(server))

    def catalogs(self, server: str) -> Maintenance:
        """Catalogs refreshed, headers read again, scan types fixed, caches cleared."""
        from xnat_tui.services.administration.maintenance import Maintenance

        return Maintenance(self.reader(server))

    def viewer(self, server: str) -> ViewerMetadata:
        """The OHIF viewer's metadata."""
        from xnat_tui.services.administration.viewer import ViewerMetadata

        return ViewerMetadata(self.reader(server))

    def prearchive(self, server: str) -> Prearchive:
        """What was received and is not archived yet."""
        from xnat_tui.services.administration.prearchive.sessions import Prearchive

        return Prearchive(self.connection(server), server, changes=self.changes)

    def benchmark(self, where: Location | str | Place) -> Benchmark:
        """What a server bears, measured by reads at a place of it."""
        from xnat_tui.services.measuring.benchmark import Benchmark

        place = self._place(where)
        return Benchmark(self.reader(place.server), place)

    def history(self, where: Location | str | None = None) -> list[Entry]:
        """What was changed through this program by this user of this computer: everywhere, or at or below a
        place by its name before or after; the newest first. No server is asked. Raises ConfigError."""
        from xnat_tui.jobs.history import History

        with History() as history:
            entries = history.entries()
        if where is None:
            return entries
        place = self.location(where) if isinstance(where, str) else where
        url = self.server(place.server).url
        return [one for one in entries if same_address(one.url, url) and one.is_at(place)]

    def undoing(
        self,
        entries: Iterable[Entry],
        *,
        wait: Callable[[float], bool] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> Undoing:
        """What takes changes of one server back; `wait` and `told` as for `renaming`.

        Raises UsageError for entries of several servers.
        """
        from xnat_tui.services.administration.renaming import Renaming
        from xnat_tui.services.administration.undoing import Undoing

        names = {self._named(entry) for entry in entries}
        if len(names) != 1:
            raise UsageError("These are on several servers.", "Undo those of one, then those of another.")
        (name,) = names
        reader = Reader(self.connection(name), self.changes)
        return Undoing(reader, name, Renaming(reader, wait=wait or _wait, told=told or _deaf))

    def _named(self, entry: Entry) -> str:
        """The server of an entry, by the name that it had then if that still means it."""
        name = Location.parse(entry.location).server
        saved = [name, *self.settings.servers]
        return next((one for one in saved if self.same_server(one, entry.url)), entry.url)

    @staticmethod
    def carry_out(service: Service, changes: Iterable[Change]) -> list[Result]:
        """Do what a service planned, in order. A row that fails does not stop the others: its error is in its
        result."""
        return list(apply(changes, service.do))

    def _place(self, where: Location | str | Place) -> Place:
        return where if isinstance(where, Place) else self.find_one(where)


def _wait(seconds: float) -> bool:
    return threading.Event().wait(seconds)


def _deaf(_text: str) -> None:
    """Nobody wants to know."""
