"""The queue of transfers: it outlives this panel, the explorer and the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import about, cell_width, clean, clean_lines, counted, fit, short_size
from xnat_tui.model.transfer import Report, State
from xnat_tui.tui.explorer.pair_words import cut
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.plans.lines import where
from xnat_tui.tui.transfers.lines import GLYPHS, percent
from xnat_tui.tui.transfers.queue import TransferQueue
from xnat_tui.tui.wording import in_keys, told

if TYPE_CHECKING:
    from xnat_tui.jobs.job import StepView
    from xnat_tui.jobs.watch import JobView

_BAR_CELLS = 20
_MOST_TOLD = 200
_WITH_BAR = 60
"""Cells from which on a row has room for its bar."""


class TransfersPanel(Panel[None]):
    """One or two lines per job; what else is known of the one under the cursor stands below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "report", "Report", tooltip="What was done, verified and what failed, and why"),
        Binding("space", "pause", "Pause or resume"),
        Binding("P", "pause_all", "Pause all"),
        Binding("r", "retry", "Retry failed"),
        Binding("R", "retry_all", "Retry all"),
        Binding("x", "cancel", "Cancel…"),
        Binding("c", "forget", "Forget"),
        Binding("C", "forget_done", "Forget done"),
    ]
    DEFAULT_CSS = """
    TransfersPanel > .panel--box { width: 78; }
    TransfersPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                                scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    TransfersPanel #about { height: auto; max-height: 30%; }
    """
    tall = True

    def __init__(self, queue: TransferQueue) -> None:
        super().__init__("Transfers")
        self._queue = queue
        self._lines: list[str] = []

    def body(self) -> list[Widget]:
        return [
            OptionList(id="jobs", compact=True, markup=False),
            VerticalScroll(Static("", id="said", markup=False), id="about"),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._show_about()
        self._queue.attended = True
        self._queue.watch()
        self.set_interval(0.5, self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def on_unmount(self) -> None:
        self._queue.attended = False

    def on_option_list_option_highlighted(self) -> None:
        self._show_about()

    @property
    def current(self) -> JobView | None:
        at = self.query_one(OptionList).highlighted
        views = self._queue.views
        return views[at] if at is not None and at < len(views) else None

    def _show(self) -> None:
        views = self._queue.views
        room = max(20, self.query_one(OptionList).scrollable_content_region.width)
        lines = [_row(view, self._queue.asked.get(view.id, ""), room) for view in views]
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
        said = (
            _about(view)
            if view is not None
            else "No transfer yet: mark something, then c copies or e exports."
        )
        self.query_one("#said", Static).update(said)

    def _ask(self, wish: str) -> None:
        view = self.current
        if view is not None:
            self._queue.ask_of(view.id, wish)
            self._show()

    def _ask_all(self, wish: str, states: Collection[State]) -> None:
        for view in self._queue.views:
            if view.state in states:
                self._queue.ask_of(view.id, wish)
        self._show()

    def action_pause(self) -> None:
        view = self.current
        if view is not None:
            rests = view.state in (State.PAUSED, State.CANCELLED)
            stopping = view.id in self._queue.asked
            self._ask("resume" if rests or stopping else "pause")

    def action_pause_all(self) -> None:
        self._ask_all("pause", (State.QUEUED, State.RUNNING, State.VERIFYING))

    def action_retry(self) -> None:
        self._ask("retry")

    def action_retry_all(self) -> None:
        self._ask_all("retry", (State.FAILED,))

    def action_forget(self) -> None:
        self._ask("forget")

    def action_forget_done(self) -> None:
        self._ask_all("forget", (State.DONE,))

    @on(OptionList.OptionSelected)
    def action_report(self) -> None:
        view = self.current
        if view is None:
            return

        def show(report: Report, steps: Sequence[StepView]) -> None:
            self.app.push_screen(ReportPanel(view.title, report, steps))

        self._queue.read_report(view.id, show)

    def action_cancel(self) -> None:
        view = self.current
        if view is None:
            return
        text = f"Cancel {view.id}? What is done is kept; it can be resumed later."
        self.app.push_screen(
            Confirm("Cancel a transfer", text, yes="Cancel it", no="Let it run", danger=True),
            lambda yes: self._ask("cancel") if yes else None,
        )


class ReportPanel(Panel[None]):
    """What became of one job: how much, what that rests on, what failed and why, what is left."""

    tall = True
    DEFAULT_CSS = "ReportPanel > .panel--box { width: 78; }"

    def __init__(self, title: str, report: Report, steps: Sequence[StepView]) -> None:
        super().__init__(f"Report · {report.job}")
        self._text = clean_lines("\n".join(_told(title, report, steps)))

    def body(self) -> list[Widget]:
        return [VerticalScroll(Static(self._text, markup=False), classes="panel--rest")]

    def keys_entries(self) -> list[str]:
        return ["up/down Scroll", "esc Back"]

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def _told(title: str, report: Report, steps: Sequence[StepView]) -> Iterator[str]:
    proven = report.verified
    yield title
    yield f"{report.state} · {counted(report.done_files, 'file')} {short_size(report.done_bytes)}".rstrip()
    yield _complete(report.skipped) if report.skipped else ""
    yield f"proven by digest: {proven.digest}   by size: {proven.size}   unverified: {proven.unverified}"
    kept = report.attributes
    lost = f"   not kept: {kept.lost}" if kept.lost else ""
    yield f"attributes read back: {kept.proved}{lost}" if kept.proved or kept.lost else ""
    yield ""
    for failure in report.failed[:_MOST_TOLD]:
        yield f"! {where(failure.path)}"
        yield from (f"  {line}" for line in told(failure.error, failure.hint))
    alone = report.left
    if alone:
        yield f"{len(alone)} left alone, as the plan said:"
    for one in alone[:_MOST_TOLD]:
        yield f"= {where(one.path)}"
        yield f"  {in_keys(one.reason)}"
    for place in report.arrived[:_MOST_TOLD]:
        yield f"→ {where(place.path)}"
        yield f"  {place.words}"
    open_ = [step for step in steps if step.state not in (State.DONE, State.FAILED, State.LEFT)]
    if open_:
        yield "One step is left:" if len(open_) == 1 else f"{len(open_)} steps are left:"
    for step in open_[:_MOST_TOLD]:
        yield f"  {step.state:<9} {where(step.path)}"
    more = sum(max(0, len(told) - _MOST_TOLD) for told in (report.failed, alone, report.arrived, open_))
    if more:
        yield f"and {more} more: xnat-tui jobs show {report.job}"


def _complete(files: int) -> str:
    return f"{counted(files, 'file')} {'was' if files == 1 else 'were'} complete already"


def _row(view: JobView, asked: str, room: int) -> str:
    share = percent(view)
    bar = "█" * (int(share.rstrip("%")) * _BAR_CELLS // 100)
    told = f"[{bar:░<{_BAR_CELLS}}] {share:>4}" if room >= _WITH_BAR else f"{share:>4}"
    left = max(0, room - len(told) - 11)
    title = fit(clean(view.title), left)
    title += " " * (left - cell_width(title))
    line = f"{GLYPHS[view.state]} {view.verb:<7}{title} {told}"
    return f"{line}\n{cut(f'         {_amounts(view, asked)}', room)}"


def _amounts(view: JobView, asked: str) -> str:
    state = f"{asked} …" if asked else str(view.state)
    if view.state is State.DONE and not view.failures:
        done = f"{state} · {counted(view.files_done, 'file')} {short_size(view.bytes_done)}".rstrip()
        return f"{done} · {view.left} left alone" if view.left else done
    parts = [state, f"{short_size(view.bytes_done) or '0'} of {short_size(view.bytes_total) or '0'}"]
    if view.rate:
        parts.append(f"{short_size(int(view.rate))}/s")
    if view.seconds_left is not None:
        parts.append(f"{about(view.seconds_left)} left")
    parts.append(f"file {view.files_done} of {view.files_total}")
    if view.failures:
        parts.append(f"! {view.failures} failed")
    if view.left:
        parts.append(f"{view.left} left alone")
    return " · ".join(parts)


def _about(view: JobView) -> str:
    lines = [view.id, *(where(path) for path in view.current[:2])]
    if view.note:
        lines.append(view.note)
    if view.trouble is not None and view.trouble.message not in view.note:
        said = told(view.trouble.message, view.trouble.hint)
        lines += [f"! {said[0]}", *said[1:]]
    return clean_lines("\n".join(line for line in lines if line))
