"""Workflows of items and projects: listed, and stuck ones dismissed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from xnat_tui.errors import BadAnswer, Forbidden, NotFound, ServerError, Unclear, XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.model.workflow import DISMISSED, Workflow
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.xnat.actions import workflows as gateway
from xnat_tui.xnat.actions.users import is_administrator


class Workflows:
    """Workflows of one server. Plans read; only `do` writes, and reads back."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._administrator: bool | None = None
        self._asked = False

    def at(
        self, place: Place, *, every_pipeline: bool = False, status: Collection[str] = ()
    ) -> list[Workflow]:
        """Workflows on an item, on a subject and its sessions, or anywhere in a project, oldest first.

        Only AutoRuns without `every_pipeline`; `status` narrows to these, case ignored. Raises Forbidden
        where workflows of a project may not be searched; an item's latest AutoRun is found all the same.
        """
        wanted = {word.lower() for word in status}
        found = self._found(place, autorun=not every_pipeline, only_open=False)
        return [one for one in found if not wanted or one.status.lower() in wanted]

    def open_on(self, place: Place) -> list[Workflow]:
        """What stands open at a place: it blocks renaming and merging."""
        return self._found(place, autorun=False, only_open=True)

    def plan_dismiss(self, places: Iterable[Place], *, ids: Sequence[str] = ()) -> list[Change]:
        """Changes that end open AutoRuns; with `ids` these workflows and no others, whatever they run.

        One that is over, or that somebody else has created, is refused: only its creator or a site
        administrator may change a workflow.
        """
        found: dict[str, tuple[Place, Workflow]] = {}
        for place in places:
            for one in self._found(place, autorun=not ids, only_open=not ids):
                found.setdefault(one.key, (place, one))
        if not ids:
            return [self.dismissal(place, one) for place, one in found.values()]
        changes = []
        by_number = {one.id: (place, one) for place, one in found.values()}
        for number in ids:
            if number in by_number:
                changes.append(self.dismissal(*by_number[number]))
            else:
                where = " ".join(str(place.location) for place in places)
                changes.append(
                    Change(
                        where,
                        "dismiss",
                        {},
                        {"workflow_id": number},
                        refusal="there is no such workflow here.",
                    )
                )
        return changes

    def dismissal(self, place: Place, workflow: Workflow) -> Change:
        """The change that ends one workflow."""
        refusal = "" if workflow.open else f"it is over: {workflow.status}."
        if unknown := [name for name in ("id", "status") if not getattr(workflow, name)]:
            words = {"id": "number (workflow_id)", "status": "status"}
            refusal = f"the server does not tell its {' and '.join(words[name] for name in unknown)}."
        if not refusal and workflow.user and workflow.user != self.reader.connection.user:
            refusal = "" if self._may_change_all() is not False else _not_yours(workflow)
        after = {
            "workflow_id": workflow.id,
            "id": workflow.item,
            "session_label": workflow.label,
            "pipeline_name": workflow.pipeline,
            "status": DISMISSED,
        }
        return Change(
            str(place.location),
            "dismiss",
            {"status": workflow.status},
            {name: text for name, text in after.items() if text},
            refusal=refusal,
            project=workflow.project,
        )

    def do(self, change: Change) -> str:
        """End one workflow and read it back.

        Raises Forbidden where only its creator or an administrator may, BadAnswer where it stays open.
        """
        connection, number = self.reader.connection, change.after["workflow_id"]
        failure: XnatTuiError | None = None
        try:
            gateway.set_status(connection, number, DISMISSED)
        except Forbidden as error:
            raise Forbidden(_not_yours(gateway.read(connection, number)), status=error.status) from None
        except (ServerError, Unclear) as error:
            failure = error
        self.reader.changed(Location.parse(change.location), What.WORKFLOWS)
        if gateway.read(connection, number).open:
            unchanged = BadAnswer("The server accepted it, and the workflow is still open.", "Reload.")
            raise not_so(failure, unchanged)
        return is_so(failure)

    def _found(self, place: Place, *, autorun: bool, only_open: bool) -> list[Workflow]:
        project = place.of(Kind.PROJECT)
        if project is None or place.item is None:
            raise NotFound(f"{place.location} is a server.", "Name a project, a subject or a session.")
        if place.kind is Kind.PROJECT:
            return self._completed(
                gateway.search(
                    self.reader.connection, project=project.id, autorun=autorun, only_open=only_open
                ),
                only_open=only_open,
            )
        items = self._items(place)
        try:
            return self._completed(
                gateway.search(self.reader.connection, items=items, autorun=autorun, only_open=only_open),
                only_open=only_open,
            )
        except Forbidden:
            if not autorun:
                raise
        latest = [gateway.latest_autorun(self.reader.connection, item) for item in items]
        return [one for one in latest if one is not None and (one.open or not only_open)]

    def _completed(self, found: Iterable[Workflow], *, only_open: bool) -> list[Workflow]:
        """Open ones, which somebody may want to end, with number and status where another way tells them."""
        connection = self.reader.connection
        told = [gateway.completed(connection, one) if one.open else one for one in found]
        return [one for one in told if one.open or not only_open]

    def _items(self, place: Place) -> list[str]:
        """The accession IDs at a place: a subject's sessions too; a scan's workflows are its session's."""
        if place.kind is Kind.SUBJECT:
            listing = self.reader.below(place, Kind.EXPERIMENT)
            if listing.error is not None:
                raise listing.error
            assert place.item is not None
            return [place.item.id, *(item.id for item in listing.items)]
        session = place if place.kind is Kind.ASSESSOR else place.up_to(Kind.EXPERIMENT)
        assert session.item is not None
        return [session.item.id]

    def _may_change_all(self) -> bool | None:
        if not self._asked:
            self._administrator, self._asked = is_administrator(self.reader.connection), True
        return self._administrator


def _not_yours(workflow: Workflow) -> str:
    whose = f"its creator {workflow.user}" if workflow.user else "its creator"
    return f"Only {whose} or a site administrator may dismiss workflow {workflow.id}."
