"""How received sessions are archived: their labels, and what to do where a session exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.errors import UsageError
from xnat_tui.model.display import counted
from xnat_tui.model.prearchive import Labels, Received
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.panels.panel import Panel

_EXISTING = {
    "none": "leave it alone: the row is refused",
    "append": "merge into it; files of the same name are replaced",
    "delete": "replace it; the project's ID has to be typed",
}


@dataclass(frozen=True, slots=True)
class Archiving:
    """What the form says. `overwrite` is a word of the archive service: none, append or delete."""

    labels: Labels
    overwrite: str
    table: Path | None = None
    """A table of labels, which then stand in place of `labels`."""

    @property
    def options(self) -> tuple[str, ...]:
        """The same for the verb `prearchive archive`."""
        named = f"{self.labels.subject}/{self.labels.session}"
        given: tuple[str, ...] = ("--as", named) if named != "/" else ()
        given = given if self.table is None else ("--table", str(self.table))
        return (*given, "--overwrite", self.overwrite) if self.overwrite != "none" else given


class ArchiveForm(Panel[Archiving]):
    """Dismissed with what to plan by; one session's labels stand in the fields from the start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Review plan"),
        Binding("ctrl+s", "submit", "Review plan", show=False),
        Binding("tab", "app.focus_next", "Next field"),
        Binding("ctrl+y", "overwrite", "Existing…"),
        Binding("ctrl+t", "table", "Labels by table…", priority=True),
    ]

    def __init__(self, chosen: Sequence[Received]) -> None:
        count = len(chosen)
        super().__init__(f"Archive · {counted(count, 'session')}")
        self._one = chosen[0] if count == 1 else None
        self._overwrite = "none"

    def body(self) -> list[Widget]:
        subject, session = (self._one.subject, self._one.name) if self._one is not None else ("", "")
        hint = "as received"
        return [
            Static("Subject label, or a template over the DICOM header:", markup=False),
            Input(subject, id="subject", placeholder=hint, compact=True),
            Static("Session label:", markup=False),
            Input(session, id="session", placeholder=hint, compact=True),
            Static("Template: {PatientID}_{StudyDate}T{StudyTime}_{Modality}", markup=False),
            Static("", id="existing", markup=False),
            Static("XNAT changes these labels only as it archives a session.", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one("#subject", Input).focus()
        self._show()

    def _show(self) -> None:
        line = self.query_one("#existing", Static)
        line.update(f"If the archive has it: {self._overwrite} · {_EXISTING[self._overwrite]}")

    def action_overwrite(self) -> None:
        """The next answer to what happens where the session exists."""
        words = list(_EXISTING)
        self._overwrite = words[(words.index(self._overwrite) + 1) % len(words)]
        self._show()

    def action_table(self) -> None:
        """Labels for many of the sessions, each its own."""

        def problem(name: str) -> str:
            return "" if Path(name).expanduser().is_file() else f"{name or 'That'} is no file."

        def given(name: str | None) -> None:
            if name:
                self.dismiss(Archiving(Labels(), self._overwrite, Path(name).expanduser()))

        question = "CSV with session, and perhaps timestamp, new_subject, new_label:"
        self.app.push_screen(AskPath("Labels by table", question, problem=problem, done="Review"), given)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        subject = self.query_one("#subject", Input).value.strip()
        session = self.query_one("#session", Input).value.strip()
        try:
            labels = labels_of(subject, session)
        except UsageError as error:
            self.complain(f"! {error.message} {error.hint}".rstrip())
            return
        self.dismiss(Archiving(labels, self._overwrite))


def labels_of(subject: str, session: str) -> Labels:
    """Labels as typed; two empty fields keep those that the sessions have. Raises UsageError."""
    if "/" in subject or "/" in session:
        raise UsageError("A label holds no slash.")
    return Labels.parse(f"{subject}/{session}") if subject or session else Labels()
