"""Small questions: a line of text, one of several, yes or no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import cell_width, clean, clean_lines, counted, fit
from xnat_tui.tui.explorer.pair_words import cut
from xnat_tui.tui.panels.panel import Panel

_MOST_LINES = 14


class AskText(Panel[str]):
    """One line of text; `problem` says what is wrong with an answer ("" is fine)."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "OK", show=False)]

    def __init__(
        self,
        title: str,
        question: str,
        *,
        value: str = "",
        hint: str = "",
        hidden: bool = False,
        problem: Callable[[str], str] = lambda _: "",
        done: str = "Go on",
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(title)
        self._question = question
        self._value = value
        self._hint = hint
        self._hidden = hidden
        self._problem = problem
        self._done = done
        self._suggester = suggester

    def body(self) -> list[Widget]:
        return [
            Static(clean_lines(self._question), markup=False),
            Input(
                self._value,
                placeholder=self._hint,
                password=self._hidden,
                suggester=self._suggester,
                compact=True,
            ),
        ]

    def keys_entries(self) -> list[str]:
        return [f"enter {self._done}", "esc Back"]

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        problem = self._problem(event.value)
        if problem:
            self.complain(problem)
        else:
            self.accept(event.value)

    def accept(self, answer: str) -> None:
        """An answer with which nothing is wrong."""
        self.dismiss(answer)

    @on(Input.Changed)
    def _changed(self) -> None:
        self.complain("")


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list: `refusal` greys it and says why."""

    id: str
    text: str
    detail: str = ""
    refusal: str = ""


class AskChoice(Panel[str]):
    """Pick one of several; typing filters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], *, hint: str = "type to filter") -> None:
        super().__init__(title)
        self._choices = list(choices)
        self._hint = hint

    def body(self) -> list[Widget]:
        options = OptionList(compact=True, markup=False)
        options.styles.scrollbar_size_vertical = 1
        options.can_focus = False
        return [
            Input(placeholder=self._hint, compact=True),
            options,
        ]

    def replace(self, choices: Sequence[Choice]) -> None:
        """Other ones, that a server had to be asked for while the panel stood."""
        self._choices = list(choices)
        self._show(self.query_one(Input).value)

    def keys_entries(self) -> list[str]:
        return ["enter Choose", "up/down Move", "esc Back"]

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._show("")

    def on_resize(self) -> None:
        self.query_one(OptionList).styles.max_height = max(1, min(_MOST_LINES, self.app.size.height - 5))
        self.call_after_refresh(lambda: self._show(self.query_one(Input).value))

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._show(event.value)

    def offer(self, choices: Sequence[Choice]) -> None:
        """The same choices, of which more is known now; the cursor stays."""
        at = self.query_one(OptionList).highlighted
        self._choices = list(choices)
        self._show(self.query_one(Input).value)
        self.query_one(OptionList).highlighted = at

    def _show(self, text: str) -> None:
        self.complain("")
        words = text.casefold().split()
        options = self.query_one(OptionList)
        options.clear_options()
        kept = [
            choice
            for choice in self._choices
            if all(word in f"{choice.text} {choice.detail}".casefold() for word in words)
        ]
        room = max(20, (options.size.width or min(64, self.app.size.width - 4)) - 2)
        width = min(room // 2, max((cell_width(clean(choice.text)) for choice in kept), default=0))
        options.add_options([_option(choice, width, room) for choice in kept])
        if kept:
            options.highlighted = 0

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if options.option_count:
            now = options.highlighted or 0
            options.highlighted = max(0, min(options.option_count - 1, now + step))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._choose(str(options.get_option_at_index(options.highlighted).id))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(str(event.option.id))

    def _choose(self, identifier: str) -> None:
        chosen = next(choice for choice in self._choices if choice.id == identifier)
        if chosen.refusal:
            self.complain(chosen.refusal)
        else:
            self.dismiss(identifier)


def _option(choice: Choice, width: int, room: int) -> Option:
    """Text and detail in two columns; what cannot be chosen is dim, and its detail says why."""
    text = fit(clean(choice.text), width if choice.detail else room)
    padded = text + " " * max(0, width - cell_width(text))
    line = cut(f"{padded}  {clean(choice.detail)}".rstrip(), room)
    return Option(Content.styled(line, "dim") if choice.refusal else Content(line), id=choice.id)


class Confirm(Panel[bool]):
    """Yes or no. A dangerous yes is not focused, stands after the no, and may have to be typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    Confirm Button:focus { text-style: bold reverse; }
    """

    def __init__(
        self, title: str, text: str, *, yes: str, no: str = "Cancel", danger: bool = False, typed: str = ""
    ) -> None:
        super().__init__(title)
        self._text = text
        self._yes, self._no = yes, no
        self._danger = danger
        self._typed = typed

    def body(self) -> list[Widget]:
        text = VerticalScroll(Static(clean_lines(self._text), markup=False), can_focus=False)
        text.styles.height = "auto"
        text.styles.max_height = 12
        parts: list[Widget] = [text]
        if self._typed:
            parts += [Static(f"Type {clean(self._typed)} to go on:", markup=False), Input(compact=True)]
        variant: Literal["error", "primary"] = "error" if self._danger else "primary"
        yes = Button(Content(clean(self._yes)), id="yes", variant=variant, compact=True)
        no = Button(Content(clean(self._no)), id="no", compact=True)
        spacer = Static("  ")
        spacer.styles.width = "auto"
        buttons = Horizontal(*((no, spacer, yes) if self._danger else (yes, spacer, no)))
        buttons.styles.height = 1
        return [*parts, buttons]

    def keys_entries(self) -> list[str]:
        return ["enter Choose", "left/right Move", "esc Back"]

    def on_mount(self) -> None:
        if self._typed:
            self.query_one(Input).focus()
        else:
            self.query_one("#no" if self._danger else "#yes", Button).focus()

    @on(Button.Pressed)
    @on(Input.Submitted)
    def _answered(self, event: Button.Pressed | Input.Submitted) -> None:
        event.stop()
        if isinstance(event, Button.Pressed) and event.button.id == "no":
            self.dismiss(False)
        elif self._typed and self.query_one(Input).value != self._typed:
            self.complain(f"That is not {self._typed}.")
        else:
            self.dismiss(True)


def leave_typed(panel: Panel[None], changes: int) -> None:
    """Leave a form: at once where nothing was typed, else after asking. One key press throws nothing away."""
    if not changes:
        panel.dismiss(None)
        return
    choices = [Choice("stay", "Go on editing"), Choice("leave", f"Discard {counted(changes, 'change')}")]

    def chosen(what: str | None) -> None:
        if what == "leave":
            panel.dismiss(None)

    panel.app.push_screen(AskChoice("Nothing was written", choices), chosen)
