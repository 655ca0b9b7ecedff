"""One line of the demographics form."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from xnat_tui.model import demographics as rules
from xnat_tui.model.demographics import FIELDS, VARIABLE_PREFIX
from xnat_tui.model.display import clean, fit
from xnat_tui.services.administration.demographics import Subject

_NAME_CELLS, _NOW_CELLS = 22, 22


class FieldRow(Horizontal):
    """One field: its name, what stands there, what is to stand there. Several subjects may disagree."""

    DEFAULT_CSS = """
    FieldRow { height: 1; }
    FieldRow > .field--name { width: 24; }
    FieldRow > .field--now { width: 23; color: $text-muted; }
    FieldRow > Input { width: 1fr; }
    """

    def __init__(self, name: str, subjects: Sequence[Subject], *, locked: bool) -> None:
        super().__init__()
        self.field_name = name
        self._locked = locked
        stored = [subject.person.values.get(name, "") for subject in subjects]
        counts = {text: stored.count(text) for text in dict.fromkeys(stored)}
        self.agreed = stored[0] if len(counts) == 1 else ""
        self.mixed = len(counts) > 1
        words = [f"{text or '(none)'} {count}×" for text, count in counts.items()]
        self.now = ", ".join(words) if self.mixed else self.agreed or "—"
        """What stands there; of several values, how many subjects have each."""
        self.cleared = False

    def compose(self) -> ComposeResult:
        field = FIELDS.get(self.field_name)
        choices = field.choices if field is not None else ()
        yield Static(self._name_text(), classes="field--name", markup=False)
        yield Static(fit(clean(self.now), _NOW_CELLS), classes="field--now", markup=False)
        yield Input(
            self.agreed,
            compact=True,
            disabled=self._locked,
            placeholder="several values: they stay" if self.mixed else "",
            suggester=SuggestFromList(choices, case_sensitive=False) if choices else None,
        )

    @property
    def line(self) -> Input:
        return self.query_one(Input)

    @property
    def wanted(self) -> str | None:
        """What is to stand there; None where nothing was changed."""
        if self.cleared:
            return ""
        text = self.line.value
        return None if text == self.agreed else text

    @property
    def problem(self) -> str:
        return rules.refusal(self.field_name, self.wanted or "")

    def show(self) -> None:
        self.query_one(".field--name", Static).update(self._name_text())

    def undo(self) -> None:
        self.cleared = False
        self.line.value = self.agreed

    def clear_value(self) -> None:
        """Also several different values."""
        self.line.value = ""
        self.cleared = self.mixed

    @property
    def title(self) -> str:
        """What stands before the line."""
        field = FIELDS.get(self.field_name)
        return field.title if field is not None else self.field_name.removeprefix(VARIABLE_PREFIX)

    def _name_text(self) -> str:
        glyph = " "
        if self.is_mounted and self.wanted is not None:
            glyph = "!" if self.problem else "*"
        return f"{glyph} {fit(clean(self.title), _NAME_CELLS - 1)}"
