"""The queue of transfers: it outlives this panel, the explorer and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from humanize import precisedelta
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import clean, fit, short_size
from xnat_tui.model.transfer import State
from xnat_tui.tui.screens.ask import Confirm
from xnat_tui.tui.screens.panel import Panel

if TYPE_CHECKING:
    from xnat_tui.jobs.watch import JobView
    from xnat_tui.tui.transferring import Transferring

_GLYPHS = {
    State.QUEUED: " ",
    State.RUNNING: ">",
    State.VERIFYING: ">",
    State.PAUSED: "=",
    State.DONE: " ",
    State.FAILED: "!",
    State.CANCELLED: "x",
}
_BAR_CELLS = 20


class TransfersPanel(Panel[None]):
    """A row per job; what it says of the one under the cursor stands below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause or resume"),
        Binding("r", "retry", "Retry failed"),
        Binding("x", "cancel", "Cancel…"),
        Binding("c", "forget", "Forget"),
    ]
    DEFAULT_CSS = """
    TransfersPanel > .panel--box { width: 78; }
    TransfersPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                                scrollbar-size-vertical: 1; }
    TransfersPanel #about { height: auto; max-height: 9; }
    """
    tall = True

    def __init__(self, transferring: Transferring) -> None:
        super().__init__("Transfers")
        self._transferring = transferring
        self._lines: list[str] = []

    def body(self) -> list[Widget]:
        return [
            OptionList(id="jobs", compact=True, markup=False),
            VerticalScroll(Static("", id="said", markup=False), id="about"),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._show()
        self.set_interval(0.5, self._show)

    def on_option_list_option_highlighted(self) -> None:
        self._show_about()

    @property
    def current(self) -> JobView | None:
        at = self.query_one(OptionList).highlighted
        views = self._transferring.views
        return views[at] if at is not None and at < len(views) else None

    def _show(self) -> None:
        views = self._transferring.views
        lines = [_row(view) for view in views]
        if lines == self._lines:
            return
        jobs = self.query_one(OptionList)
        at = jobs.highlighted
        if len(lines) == len(self._lines):
            for index, line in enumerate(lines):
                if line != self._lines[index]:
                    jobs.replace_option_prompt_at_index(index, line)
        else:
            jobs.clear_options()
            jobs.add_options([Option(line) for line in lines])
            jobs.highlighted = min(at or 0, len(lines) - 1) if lines else None
        self._lines = lines
        counts = {state: sum(view.state is state for view in views) for state in State}
        words = [f"{count} {state}" for state, count in counts.items() if count]
        self.retitle(" · ".join(["Transfers", *words]))
        self._show_about()

    def _show_about(self) -> None:
        view = self.current
        self.query_one("#said", Static).update(_about(view) if view is not None else "No transfer yet.")

    def _ask(self, wish: str) -> None:
        view = self.current
        if view is not None:
            self._transferring.ask_of(view.id, wish)

    def action_pause(self) -> None:
        view = self.current
        if view is not None:
            self._ask("resume" if view.state in (State.PAUSED, State.CANCELLED) else "pause")

    def action_retry(self) -> None:
        self._ask("retry")

    def action_forget(self) -> None:
        self._ask("forget")

    def action_cancel(self) -> None:
        view = self.current
        if view is None:
            return
        text = f"Cancel {view.id}? What is done is kept; it can be resumed later."
        self.app.push_screen(
            Confirm("Cancel a transfer", text, yes="Cancel it", no="Let it run", danger=True),
            lambda yes: self._ask("cancel") if yes else None,
        )


def _row(view: JobView) -> str:
    share = view.bytes_done / view.bytes_total if view.bytes_total else float(view.state is State.DONE)
    bar = "█" * int(share * _BAR_CELLS)
    title = fit(clean(view.title), 36)
    return f"{_GLYPHS[view.state]} {view.verb:<7}{title:<37}[{bar:░<{_BAR_CELLS}}] {int(share * 100):>3}%"


def strip_line(view: JobView, room: int) -> str:
    """One transfer in one line of a wide terminal."""
    share = f"{int(100 * view.bytes_done / view.bytes_total)}%" if view.bytes_total else ""
    parts = [str(view.state), share, f"{short_size(view.bytes_done)} of {short_size(view.bytes_total)}"]
    parts += [f"{short_size(int(view.rate))}/s"] if view.rate else []
    said = " · ".join(part for part in parts if part)
    head = f"{_GLYPHS[view.state]} {view.verb:<7}"
    title = fit(clean(view.title), max(10, room - len(head) - len(said) - 2))
    return f"{head}{title}  {said}"


def _about(view: JobView) -> str:
    amount = f"{short_size(view.bytes_done)} of {short_size(view.bytes_total)}"
    parts = [str(view.state), amount, f"{view.files_done} of {view.files_total} files"]
    if view.rate:
        parts.append(f"{short_size(int(view.rate))}/s")
    if view.seconds_left is not None:
        parts.append(f"{precisedelta(int(view.seconds_left), minimum_unit='seconds')} left")
    if view.failures:
        parts.append(f"{view.failures} failed")
    lines = [view.id, " · ".join(parts)]
    lines += [clean(path) for path in view.current[:2]]
    if view.note:
        lines.append(clean(view.note))
    if view.trouble is not None:
        lines += [f"! {clean(view.trouble.message)}", clean(view.trouble.hint)]
    return "\n".join(line for line in lines if line)
