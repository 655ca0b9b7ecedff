"""Sessions given to another subject of their project, one by one: how two subjects are merged.

The emptied subject stays, with its own fields and files: deleting it is a step of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xnat_tui.errors import BadAnswer, Conflict, Interrupted, ServerError, Unclear, XnatTuiError
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Kind
from xnat_tui.model.history import Area
from xnat_tui.model.place import Place
from xnat_tui.model.workflow import Workflow
from xnat_tui.services.administration.patience import Patience, answered
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.actions.renaming import put_subject
from xnat_tui.xnat.actions.sharing import projects_of

SUBJECT, SUBJECT_ID = "subject", "subject_ID"
Open = Mapping[str, Sequence[Workflow]]
"""Open workflows by the accession ID of their item."""


class Merging:
    """Moves sessions between subjects of one project. Plans read; only `do` writes, and reads back."""

    def __init__(self, reader: Reader, patience: Patience) -> None:
        self.reader = reader
        self.patience = patience
        self._planned: dict[str, Place] = {}

    def plan(self, place: Place, subject: str, label: str, running: Open) -> list[Change]:
        """A change for each session of the subject at `place`, which goes to the one with the accession ID
        `subject`, called `label`. Raises what listing its sessions raises."""
        listing = self.reader.below(place, Kind.EXPERIMENT)
        if listing.error is not None:
            raise listing.error
        return [self.plan_session(place.child(item), subject, label, running) for item in listing.items]

    def plan_session(self, place: Place, subject: str, label: str, running: Open) -> Change:
        """A change that gives one session to another subject of its project."""
        item, project, former = place.item, place.of(Kind.PROJECT), place.of(Kind.SUBJECT)
        assert item is not None
        assert project is not None
        assert former is not None
        self._planned[str(place.location)] = place
        projects = projects_of(self.reader.connection, item.uri)
        refusal = note = ""
        if projects.owner.project != project.id:
            refusal = f"it is only shared in from {projects.owner.project}: its subject is another one there."
        elif blocking := running.get(item.id, ()):
            one = blocking[0]
            refusal = (
                f"{one.name or 'a workflow'} is {one.status or 'open'} on it since {one.started}: "
                "dismiss that first."
            )
        elif projects.shares:
            names = ", ".join(share.project for share in projects.shares)
            note = f"it is shared into {names}, where its new subject may not be"
        return Change(
            str(place.location),
            "merge",
            {SUBJECT: former.key, SUBJECT_ID: former.id},
            {SUBJECT: label, SUBJECT_ID: subject},
            note=note,
            refusal=refusal,
            project=project.id,
        )

    def about(self, change: Change) -> Place:
        """The session of a planned change."""
        return self._planned[change.location]

    @kept(Area.MERGING)
    def do(self, change: Change) -> str:
        """Move one session, and look until it is seen where it belongs.

        Raises Conflict where it was moved meanwhile or is in work, Unclear where minutes of looking did not
        tell, Interrupted where the user stopped the looking.
        """
        place, wanted = self._planned[change.location], change.after[SUBJECT_ID]
        project = place.of(Kind.PROJECT)
        assert place.item is not None
        assert project is not None
        if self.subject_of(place) != change.before[SUBJECT_ID]:
            raise Conflict("It belongs to another subject by now.", "Reload, and plan again.")
        failure: XnatTuiError | None = None
        try:
            try:
                put_subject(self.reader.connection, project.id, place.item.id, wanted)
            except (Conflict, ServerError, Unclear) as error:
                failure = error
            where = f"moving it to {change.after[SUBJECT]}"
            if not self.patience.sees(
                lambda: self.subject_of(place) == wanted, failure, change.location, where
            ):
                raise failure or BadAnswer(
                    "The server accepted it, and the session is still its former subject's.",
                    "Reload; move it on the server's pages if it stays so.",
                )
        except KeyboardInterrupt:
            raise Interrupted(
                "Stopped before the server told where it is.", "Look before repeating."
            ) from None
        finally:
            self.reader.changed(place.up_to(Kind.PROJECT))
        return f"The server answered {answered(failure)}; read back, and it is moved." if failure else ""

    def subject_of(self, place: Place) -> str:
        """The accession ID of a session's subject. Raises BadAnswer where the server does not tell."""
        subject = self.reader.document(place).fields.get(SUBJECT_ID, "")
        if not subject:
            raise BadAnswer("The server does not tell whose session it is.", "Reload.")
        return subject
