"""How a plan is made: the panel in which the options of its verb are chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import fit
from xnat_tui.model.options import ExportOptions, Layout, TransferOptions
from xnat_tui.model.threeway import Wishes
from xnat_tui.tui.choices import OPTIONS, Choosing
from xnat_tui.tui.panels.ask import AskText
from xnat_tui.tui.panels.panel import Panel

_LABEL_CELLS = 20
Chosen = TypeVar("Chosen", bound=TransferOptions | Wishes)


class PlanOptions(Panel[Chosen], Generic[Chosen]):
    """Dismissed with the options to plan again by: those of a transfer, or the wishes for a run of a sync."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "plan", "Plan again", priority=True),
        Binding("space,right,l", "change(1)", "Change", tooltip="The next answer"),
        Binding("left,h", "change(-1)", show=False),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]
    DEFAULT_CSS = """
    PlanOptions OptionList { height: auto; max-height: 14; border: none; background: $surface; padding: 0;
                             scrollbar-size-vertical: 1; }
    PlanOptions #about { height: 3; color: $text-muted; margin-top: 1; }
    """

    def __init__(self, chosen: Chosen) -> None:
        super().__init__(f"Options of this {chosen.verb}")
        self._options = OPTIONS[chosen.verb]
        self._chosen = chosen

    def body(self) -> list[Widget]:
        return [
            OptionList(*(Option(self._line(one)) for one in self._options), compact=True, markup=False),
            Static("", id="about", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def _line(self, option: Choosing) -> str:
        return f"{option.label:<{_LABEL_CELLS}} {option.shown(getattr(self._chosen, option.field))}"

    @on(OptionList.OptionHighlighted)
    def _tell(self, event: OptionList.OptionHighlighted) -> None:
        option = self._options[event.option_index]
        answers = " / ".join(option.shown(answer) for answer in option.answers) or "space asks for it"
        self.query_one("#about", Static).update(f"{option.about}\n{fit(answers, 62)}")

    def action_move(self, step: int) -> None:
        listed = self.query_one(OptionList)
        if step > 0:
            listed.action_cursor_down()
        else:
            listed.action_cursor_up()

    def action_change(self, step: int) -> None:
        listed = self.query_one(OptionList)
        at = listed.highlighted
        if at is None:
            return
        option = self._options[at]
        now = getattr(self._chosen, option.field)
        if not option.answers:
            self._ask(option, at)
            return
        where = option.answers.index(now) if now in option.answers else -1
        following = option.answers[(where + step) % len(option.answers)]
        self._set(option, at, following)

    def _ask(self, option: Choosing, at: int) -> None:
        def named(text: str | None) -> None:
            if text is not None:
                said = text.strip()
                named_file = option.file and said
                self._set(option, at, str(Path(said).expanduser().absolute()) if named_file else said)

        value = getattr(self._chosen, option.field)
        self.app.push_screen(AskText(option.label.capitalize(), option.asks, value=value), named)

    def _set(self, option: Choosing, at: int, value: Any) -> None:
        """A table of names means something to one layout alone: it comes and goes with it."""
        chosen = replace(self._chosen, **{option.field: value})
        if isinstance(chosen, ExportOptions):
            if option.field == "bids_map" and value:
                chosen = replace(chosen, layout=Layout.BIDS)
            elif chosen.layout is not Layout.BIDS:
                chosen = replace(chosen, bids_map="")
        self._chosen = chosen
        listed = self.query_one(OptionList)
        for number, one in enumerate(self._options):
            listed.replace_option_prompt_at_index(number, self._line(one))
        listed.highlighted = at

    @on(OptionList.OptionSelected)
    def action_plan(self) -> None:
        self.dismiss(self._chosen)
