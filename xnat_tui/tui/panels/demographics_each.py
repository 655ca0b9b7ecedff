"""One field of several subjects, a value for each, edited in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.changes import Change
from xnat_tui.model.demographics import FIELDS, VARIABLE_PREFIX
from xnat_tui.model.display import clean_lines, counted
from xnat_tui.services.administration.demographics import Demographics, Subject
from xnat_tui.tui.panels.ask import leave_typed
from xnat_tui.tui.panels.reading import ReadingPanel
from xnat_tui.tui.widgets.field_row import FieldRow

MOST = 200
"""Subjects that a form is still quick with; a table (CSV) has no such end."""


class SubjectRow(FieldRow):
    """The field of one subject, called by the subject's label."""

    def __init__(self, name: str, subject: Subject) -> None:
        super().__init__(name, [subject], locked=False)
        self.subject = subject

    @property
    def title(self) -> str:
        return self.subject.person.label


class EachSubjectPanel(ReadingPanel[None]):
    """A line for each subject; the plan is shown before anything is written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "review", "Review", priority=True),
        Binding("ctrl+z", "undo", "Undo line", priority=True),
        Binding("down,enter", "move(1)", "Next subject", show=False, priority=True),
        Binding("up", "move(-1)", "Previous subject", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    EachSubjectPanel > .panel--box { width: 78; }
    EachSubjectPanel #fields { height: 1fr; scrollbar-size-vertical: 1; }
    EachSubjectPanel #heading { height: 1; color: $text-muted; }
    EachSubjectPanel #about { height: auto; max-height: 3; }
    """
    tall = True

    def __init__(
        self,
        service: Demographics,
        name: str,
        subjects: Sequence[Subject],
        review: Callable[[list[Change]], None],
    ) -> None:
        field = FIELDS.get(name)
        self._title_of_field = field.title if field is not None else name.removeprefix(VARIABLE_PREFIX)
        super().__init__(f"{self._title_of_field} · {counted(len(subjects), 'subject')}")
        self._service = service
        self._name_of_field = name
        self._rows = [SubjectRow(name, subject) for subject in subjects]
        self._review = review

    def body(self) -> list[Widget]:
        return [
            Static(f"  {'subject':<22}{'now':<23}new", id="heading", markup=False),
            VerticalScroll(*self._rows, id="fields", can_focus=False),
            Static("0 changes.", id="about", markup=False),
        ]

    def on_mount(self) -> None:
        self._rows[0].line.focus()

    @property
    def wanted(self) -> list[SubjectRow]:
        return [row for row in self._rows if row.wanted is not None]

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        row = event.input.parent
        if isinstance(row, SubjectRow):
            row.show()
            problem = f"\n! {row.problem}" if row.wanted is not None and row.problem else ""
            told = f"{counted(len(self.wanted), 'change')}.{problem}"
            self.query_one("#about", Static).update(clean_lines(told))

    @property
    def _current(self) -> int:
        focused = self.focused.parent if self.focused is not None else None
        return next((at for at, row in enumerate(self._rows) if row is focused), 0)

    def action_move(self, step: int) -> None:
        self._rows[(self._current + step) % len(self._rows)].line.focus()

    def action_undo(self) -> None:
        self._rows[self._current].undo()

    def action_review(self) -> None:
        wanted = self.wanted
        wrong = next((row for row in wanted if row.problem), None)
        if wrong is not None:
            wrong.line.focus()
            self.complain("That cannot stand: change it, or ctrl+z takes it back.")
        elif not wanted:
            self.complain("Nothing is changed yet.")
        else:
            values = {row.subject.place: {self._name_of_field: row.wanted or ""} for row in wanted}

            def planned(changes: list[Change]) -> None:
                self.dismiss(None)
                self._review(changes)

            self.read("plan", lambda: self._service.plan_each(values), planned)

    def action_leave(self) -> None:
        leave_typed(self, len(self.wanted))
