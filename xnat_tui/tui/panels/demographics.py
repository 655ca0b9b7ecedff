"""Demographics of one subject or many, in a form: what is stored now, and what is to stand there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.errors import Interrupted, NotFound, XnatTuiError
from xnat_tui.model import demographics as rules
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.demographics import FIELDS, VARIABLE_PREFIX
from xnat_tui.model.display import clean_lines, counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.administration.demographics import Demographics, Subject, read_table
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice, leave_typed
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.demographics_each import MOST, EachSubjectPanel
from xnat_tui.tui.panels.reading import (
    ReadingPanel,
    ask_rights,
    project_of,
    refuses_writing,
)
from xnat_tui.tui.widgets.field_row import FieldRow

_LOOKS_PER_SECOND = 2
_SOURCES = (
    ("session", "fill in", "what is empty, from a header per session"),
    ("scan", "fill in, every scan", "the same from a header per scan"),
    ("replace", "fill in, replace", "also what is stored and differs"),
)


class DemographicsPanel(ReadingPanel[None]):
    """Plain letters type; everything else is a control key. Nothing is written before the review."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "review", "Review", priority=True),
        Binding("ctrl+z", "undo", "Undo field", priority=True),
        Binding("ctrl+x", "clear", "Clear field", priority=True),
        Binding("ctrl+r", "from_dicom", "From DICOM…", priority=True),
        Binding("ctrl+t", "table", "Table…", priority=True),
        Binding("ctrl+n", "variable", "Variable…", priority=True),
        Binding("f4", "each", "Each subject…", tooltip="The field under the cursor, a value for each"),
        Binding("down,enter", "move(1)", "Next field", show=False, priority=True),
        Binding("up", "move(-1)", "Previous field", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    DemographicsPanel > .panel--box { width: 78; }
    DemographicsPanel #fields { height: 1fr; scrollbar-size-vertical: 1; }
    DemographicsPanel #heading { height: 1; color: $text-muted; }
    DemographicsPanel #about { height: auto; max-height: 4; }
    """
    tall = True
    writes = frozenset({"review", "undo", "clear", "from_dicom", "variable", "each"})
    heeds = frozenset({What.ITEMS})

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = list(places)
        self._server = places[0].server
        super().__init__(f"Demographics · {_named(self._places)}")
        self._sent = False
        """Whether what was typed is on its way: it is then read back, and no longer wanted."""
        self._service: Demographics | None = None
        self._subjects: list[Subject] = []
        self._stop = Event()
        self.opening = True
        self._header = ""
        """The header that is being read, as the loader's thread last told."""

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._server, project_of(self._places[0]))

    def body(self) -> list[Widget]:
        heading = f"  {'field':<22}{'now':<23}new"
        return [
            Static(heading, id="heading", markup=False),
            VerticalScroll(id="fields", can_focus=False),
            Static("Reading …", id="about", markup=False),
        ]

    def on_mount(self) -> None:
        ask_rights(self, self._server, project_of(self._places[0]))
        self._read()

    def on_unmount(self) -> None:
        self._stop.set()

    def shown_places(self) -> Sequence[Place]:
        return self._places

    def written(self) -> None:
        """What somebody else writes takes nothing away that is being typed here."""
        if self._sent or not self.wanted:
            self._sent = False
            self._read()

    def _read(self) -> None:
        def read() -> tuple[Demographics, list[Subject]]:
            service = self.context.workspace.demographics(self._server)
            return service, service.subjects(self._places)

        def refused(error: XnatTuiError) -> None:
            self.opening = False
            self.complain_of(error)

        self.read("subjects", read, self._take, refused)

    async def _fill(self) -> None:
        names = [*FIELDS, *self._variables()]
        fields = self.query_one("#fields", VerticalScroll)
        await fields.remove_children()
        locked = bool(self.context.rights.refusal(self._server))
        await fields.mount_all([FieldRow(name, self._subjects, locked=locked) for name in names])
        if not locked:
            self.rows[0].line.focus()
        else:
            fields.can_focus = True
            fields.focus()
        self.opening = False
        self._show_about()

    def _take(self, found: tuple[Demographics, list[Subject]]) -> None:
        self._service, self._subjects = found
        self.complain("")
        if self._subjects:
            self.retitle(f"Demographics · {_named(self._places)} · {_count(len(self._subjects), 'subject')}")
            self.run_worker(self._fill(), exclusive=True)
        else:
            self.opening = False
            self.query_one("#about", Static).update("There are no subjects.")

    def _variables(self) -> list[str]:
        used = {name for subject in self._subjects for name in subject.person.values}
        return sorted(name for name in used if name.startswith(VARIABLE_PREFIX))

    # the form

    @property
    def rows(self) -> list[FieldRow]:
        return list(self.query(FieldRow))

    @property
    def row(self) -> FieldRow | None:
        """The field that has the focus."""
        focused = self.focused
        return focused.parent if focused is not None and isinstance(focused.parent, FieldRow) else None

    @property
    def wanted(self) -> dict[str, str]:
        return {row.field_name: text for row in self.rows if (text := row.wanted) is not None}

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        row = event.input.parent
        if isinstance(row, FieldRow):
            if event.value:
                row.cleared = False
            row.show()
            self._show_about()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            self._show_about()

    def _show_about(self) -> None:
        row = self.row
        lines = [_count(len(self.wanted), "change") + "."]
        others = sorted({share for subject in self._subjects for share in subject.person.shares})
        if others:
            who = "It is" if len(self._subjects) == 1 else "Some are"
            lines[0] += f" {who} shared into {', '.join(others)} and changes there too."
        if row is not None:
            field = FIELDS.get(row.field_name)
            if row.problem:
                lines.append(f"! {row.problem}")
            elif row.mixed:
                lines.append(f"now: {row.now}")
            elif field is not None and field.choices:
                lines.append(f"one of {', '.join(field.choices)}")
            elif field is not None and field.kind == "day":
                lines.append("YYYY-MM-DD; date of birth, year of birth and age drive each other out")
        self.query_one("#about", Static).update(clean_lines("\n".join(lines)))

    def action_move(self, step: int) -> None:
        rows, row = self.rows, self.row
        if rows and row is not None:
            rows[(rows.index(row) + step) % len(rows)].line.focus()

    def action_undo(self) -> None:
        if self.row is not None:
            self.row.undo()

    def action_clear(self) -> None:
        if self.row is not None:
            self.row.clear_value()
            self.row.show()
            self._show_about()

    def action_variable(self) -> None:
        """A custom variable that none of the subjects has yet."""

        def problem(name: str) -> str:
            if not rules.is_field(f"{VARIABLE_PREFIX}{name}"):
                return f"{name!r} cannot be a variable's name."
            return "It is in the form already." if f"{VARIABLE_PREFIX}{name}" in known else ""

        def named(name: str | None) -> None:
            if name:
                row = FieldRow(f"{VARIABLE_PREFIX}{name}", self._subjects, locked=False)
                self.query_one("#fields").mount(row)
                self.call_after_refresh(lambda: row.line.focus())

        known = {row.field_name for row in self.rows}
        if known and not refuses_writing(self):
            self.app.push_screen(AskText("Custom variable", "Name:", problem=problem, done="Add"), named)

    def action_each(self) -> None:
        """The field of each subject by itself; other changes that were typed stay in this form."""
        service, row = self._service, self.row
        if service is None or row is None or refuses_writing(self):
            return
        if len(self._subjects) > MOST:
            self.complain(f"More than {MOST} subjects: ctrl+t writes and reads them as a table.")
            return
        self.app.push_screen(EachSubjectPanel(service, row.field_name, self._subjects, self._review))

    def action_leave(self) -> None:
        leave_typed(self, len(self.wanted))

    # towards a plan

    def action_review(self) -> None:
        service, wanted = self._service, self.wanted
        if service is None or refuses_writing(self):
            return
        wrong = next((row for row in self.rows if row.wanted is not None and row.problem), None)
        if wrong is not None:
            wrong.line.focus()
            self.complain("That cannot stand: change it, or ctrl+z takes it back.")
        elif not wanted:
            self.complain("Nothing is changed yet.")
        else:
            places = [subject.place for subject in self._subjects]
            self.read("plan", lambda: service.plan_set(places, wanted), self._review)

    def _review(self, changes: list[Change]) -> None:
        service = self._service
        assert service is not None, "a plan was made with it"
        self.complain("")
        if not changes:
            self.complain("That is stored already.")
            return

        def ended(_: object) -> None:
            self._sent = True

        title = f"demographics of {_named(self._places)}"
        self.app.push_screen(ChangesPanel(title, changes, service.do, server=self._server, ended=ended))

    def action_from_dicom(self) -> None:
        if self._service is None or refuses_writing(self):
            return

        def chosen(what: str | None) -> None:
            if what:
                self._read_headers(replace=what == "replace", every_scan=what == "scan")

        choices = [Choice(*source) for source in _SOURCES]
        self.app.push_screen(AskChoice("Fill in from DICOM headers", choices), chosen)

    def _read_headers(self, *, replace: bool, every_scan: bool) -> None:
        service = self._service
        assert service is not None, "asked for with one"
        places = [subject.place for subject in self._subjects]
        looking = self.set_interval(1 / _LOOKS_PER_SECOND, self._say_header)

        def on_read(location: str) -> None:
            self._header = location
            if self._stop.is_set():
                raise Interrupted("Stopped reading headers.")

        def plan() -> list[Change]:
            changes, findings = service.plan_from_headers(
                places, replace=replace, every_scan=every_scan, on_read=on_read
            )
            return [*changes, *map(_finding, findings)]

        def planned(changes: list[Change]) -> None:
            looking.stop()
            self._review(changes)

        def failed(error: XnatTuiError) -> None:
            looking.stop()
            self.complain_of(error)

        self.read("plan", plan, planned, failed)

    def _say_header(self) -> None:
        if self._header:
            self.complain(f"reading {self._header}")

    # tables

    def action_table(self) -> None:
        choices = [
            Choice("import", "Import…", "a CSV with a column subject and columns of fields"),
            Choice("export", "Export…", "what is stored of these subjects, as such a table"),
        ]

        def chosen(what: str | None) -> None:
            if what == "import" and not refuses_writing(self):
                self.app.push_screen(AskPath("Import", "CSV file:", done="Review"), self._import)
            elif what == "export":
                panel = AskPath("Export", "New CSV file:", value="demographics.csv", done="Write")
                self.app.push_screen(panel, self._export)

        if self._service is not None:
            self.app.push_screen(AskChoice("Table", choices), chosen)

    def _import(self, name: str | None) -> None:
        service = self._service
        if not name or service is None:
            return
        project = self._places[0].up_to(Kind.PROJECT)

        def plan() -> list[Change]:
            path = Path(name).expanduser()
            if not path.is_file():
                raise NotFound(f"{path} is no file.")
            return service.plan_table(project, read_table(path))

        self.read("plan", plan, self._review)

    def _export(self, name: str | None) -> None:
        service, subjects = self._service, self._subjects
        if not name or service is None:
            return
        path = Path(name).expanduser()

        def write() -> int:
            from xnat_tui.services import tables

            columns = service.columns(subjects)
            rows = [
                {
                    "subject": subject.person.label,
                    "ID": subject.person.id,
                    "project": subject.person.project,
                    **subject.person.values,
                }
                for subject in subjects
            ]
            tables.save(path, tables.write(["subject", "ID", "project", *columns], rows))
            return len(rows)

        self.read(
            "export", write, lambda count: self.complain(f"Wrote {_count(count, 'subject')} to {path}.")
        )


def _finding(text: str) -> Change:
    """What headers say and what is left alone, as a row of the plan that is never sent."""
    location, _, reason = text.partition(": ")
    return Change(location, "left", refusal=reason or text)


def _named(places: Sequence[Place]) -> str:
    return str(places[0].location) if len(places) == 1 else f"{len(places)} items"


def _count(number: int, word: str) -> str:
    return counted(number, word)
