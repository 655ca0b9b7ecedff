"""How a plan is made: the transfer options of the verbs, each with its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import fit, short_size
from xnat_tui.model.options import (
    ExportMode,
    ExportOptions,
    ExportShared,
    Layout,
    Mode,
    OnExisting,
    Shared,
    TransferOptions,
    Via,
)
from xnat_tui.tui.panels.ask import AskText
from xnat_tui.tui.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class Choosing:
    """One option: a field of the verb's options, its answers, and what they mean; without answers, a text."""

    field: str
    label: str
    answers: tuple[Any, ...]
    about: str
    shown: Callable[[Any], str] = str


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _rate(value: int | None) -> str:
    return f"{short_size(value)}/s" if value else "unlimited"


def _file(value: str) -> str:
    return Path(value).name if value else "none"


_YES_NO = (False, True)
_WORKERS = Choosing("workers", "transfers at once", (1, 2, 3, 4, 5, 6, 7, 8), "More than four rarely gain.")
_BANDWIDTH = Choosing(
    *("bandwidth", "rate at most", (None, 1_000_000, 5_000_000, 20_000_000, 100_000_000)),
    "Over all transfers of this job.",
    _rate,
)
_VERIFY = Choosing(
    "verify", "verify", (True, False), "Compare sizes and digests of what has arrived.", _yes_no
)
_AUTORUN = Choosing("autorun", "start AutoRun", _YES_NO, "On what is archived.", _yes_no)
_MODE = "As zip, one by one, or not at all (metadata)."
_EXISTING = Choosing(
    *("on_existing", "when it exists", tuple(OnExisting)),
    "skip: add what is missing. update: also replace what differs. overwrite: send all again.",
)

_OPTIONS: Mapping[str, Sequence[Choosing]] = {
    "copy": (
        _EXISTING,
        Choosing(
            *("shared", "shared items", tuple(Shared)),
            "Items shared into the source project: leave out, copy as their own, or share there too.",
        ),
        Choosing(
            *("skip_existing_sessions", "existing sessions", _YES_NO),
            "Leave sessions that are there alone, with all below them.",
            lambda value: "leave alone" if value else "fill up",
        ),
        Choosing(
            *("via", "DICOM goes by", tuple(Via)),
            "files keeps every byte; import lets the destination's anonymisation rewrite it.",
        ),
        Choosing(
            *("mode", "files travel", tuple(mode for mode in Mode if mode is not Mode.RSYNC)),
            f"{_MODE} rsync: from the command line.",
        ),
        Choosing("fix_scan_types", "fix scan types", _YES_NO, "Types by modality, per scan.", _yes_no),
        Choosing(
            *("ignore_missing_datatypes", "missing data types", _YES_NO),
            "What the destination has no data type for.",
            lambda value: "leave out" if value else "refuse",
        ),
        _AUTORUN,
        Choosing("ohif", "rebuild viewer data", _YES_NO, "OHIF metadata, afterwards.", _yes_no),
        Choosing("refresh_catalogs", "refresh catalogs", _YES_NO, "Afterwards.", _yes_no),
        Choosing("clear_caches", "clear caches", _YES_NO, "The server's, afterwards.", _yes_no),
        *(_VERIFY, _WORKERS, _BANDWIDTH),
    ),
    "export": (
        Choosing("layout", "layout", tuple(Layout), "Of the folder: as the archive, flat, or BIDS-like."),
        Choosing("bids_map", "names by table", (), "A CSV file, for bids: what series are.", _file),
        Choosing("metadata", "metadata", (True, False), "XML and a table beside the files.", _yes_no),
        Choosing(
            *("overwrite_local", "complete files", _YES_NO),
            "That are in the folder already.",
            lambda value: "fetch again" if value else "keep",
        ),
        Choosing(
            *("shared", "shared items", tuple(ExportShared)),
            "Items shared into the source project: leave out, or take along.",
        ),
        Choosing(*("mode", "files travel", tuple(ExportMode)), _MODE),
        *(_VERIFY, _WORKERS, _BANDWIDTH),
    ),
    "upload": (_EXISTING, _AUTORUN, _VERIFY, _WORKERS, _BANDWIDTH),
}
"""By verb, those of its options that are chosen here."""
_LABEL_CELLS = 20


def described(chosen: TransferOptions) -> str:
    """The first option, and all that are not as usual: what the plan was made by."""
    usual = type(chosen)()
    told = [
        f"{option.label}: {option.shown(getattr(chosen, option.field))}"
        for at, option in enumerate(_OPTIONS[chosen.verb])
        if at == 0 or getattr(chosen, option.field) != getattr(usual, option.field)
    ]
    return " · ".join(told)


class PlanOptions(Panel[TransferOptions]):
    """Dismissed with the options to plan again by."""

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

    def __init__(self, chosen: TransferOptions) -> None:
        super().__init__(f"Options of this {chosen.verb}")
        self._options = _OPTIONS[chosen.verb]
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
        answers = " / ".join(option.shown(answer) for answer in option.answers) or "space names the file"
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
                path = text.strip()
                self._set(option, at, str(Path(path).expanduser().absolute()) if path else "")

        question = "CSV file with scan, suffix, entities (empty is none):"
        value = getattr(self._chosen, option.field)
        self.app.push_screen(AskText(option.label.capitalize(), question, value=value), named)

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
