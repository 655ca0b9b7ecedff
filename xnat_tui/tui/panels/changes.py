"""Small writes, a row each: the plan, consent, then row by row with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changes import Change, Result, lines_changed, told_short
from xnat_tui.model.display import clean, clean_beside, clean_lines, counted, fit
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.change_run import Ended, Run
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.wording import in_keys, told

_WIDTH = 72
_LONGEST_VERB = 12
_TITLE = 40


class ChangesPanel(Panel[None]):
    """Nothing is sent before `enter`; what deletes or replaces has its project's ID typed first.

    `do` runs in a thread, returns a note and raises XnatTuiError. `ended` gets the results when a run is
    over, whether the panel still stands or not: callers show there what has changed. `server` names the
    server that is written to, which forbids it where it is marked read-only. `label` names a row where its
    location does not tell it from the others.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", priority=True),
        Binding("space", "untick", "Untick"),
        Binding("x", "stop", "Stop"),
        Binding("r", "retry", "Retry failed"),
        Binding("Y", "copy_command", "Copy command"),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]
    DEFAULT_CSS = """
    ChangesPanel > .panel--box { width: 78; }
    ChangesPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                              text-wrap: nowrap; text-overflow: ellipsis; scrollbar-size-vertical: 1; }
    ChangesPanel #about { height: auto; max-height: 33%; scrollbar-size-vertical: 1; }
    ChangesPanel #said, ChangesPanel #totals { height: auto; }
    """
    tall = True

    def __init__(
        self,
        title: str,
        changes: Sequence[Change],
        do: Callable[[Change], str],
        *,
        server: str = "",
        command: str = "",
        notes: Sequence[str] = (),
        label: Callable[[Change], str] | None = None,
        ended: Ended | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        self._what = fit(clean(title), _TITLE)
        super().__init__(f"Plan · {self._what} · nothing written yet")
        self._changes = list(changes)
        self._do = do
        self._server = server
        self._command = command
        self._notes = list(notes)
        self._label = label or _location
        self._verb = min(_LONGEST_VERB, max((len(change.verb) for change in changes), default=0))
        self._ended = ended
        self._interrupt = interrupt
        self._unticked: set[int] = set()
        self._doing: Run | None = None
        self._last: int | None = None
        """The row that was under way when the list was drawn last."""

    def body(self) -> list[Widget]:
        return [
            OptionList(
                *(Option(self._line(index)) for index in range(len(self._changes))),
                id="rows",
                compact=True,
                markup=False,
            ),
            VerticalScroll(Static("", id="said", markup=False), id="about", can_focus=False),
            Static("", id="totals", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._show_totals()

    def on_option_list_option_highlighted(self) -> None:
        self._show_about()

    # what the panel says

    @property
    def _sendable(self) -> list[int]:
        """Rows that are ticked, not refused, and not done yet."""
        done = self._doing.results if self._doing is not None else {}
        return [
            index
            for index, change in enumerate(self._changes)
            if not change.refusal and index not in self._unticked and index not in done
        ]

    def _line(self, index: int) -> str:
        change = self._changes[index]
        fields = _summary(change)
        room = _WIDTH - self._verb - 4
        most = max(room // 2, room - len(fields) - 2) if fields else room
        where = fit(clean(self._label(change)), most)
        left = room - len(where) - 2
        told = f"  {fit(fields, left)}" if fields and left > 4 else ""
        return f"{self._sign(index)} {fit(clean(change.verb), self._verb):<{self._verb}} {where}{told}"

    def _sign(self, index: int) -> str:
        run = self._doing
        if run is not None and index in run.results:
            return "!" if run.results[index].error is not None else self._done_sign
        if run is not None and run.current == index:
            return ">"
        change = self._changes[index]
        if change.refusal:
            return "!"
        if index in self._unticked:
            return " "
        return "-" if change.destroys else "*" if change.before else "+"

    @property
    def _done_sign(self) -> str:
        return self.context.glyphs.mark

    def _show_line(self, index: int) -> None:
        self.query_one(OptionList).replace_option_prompt_at_index(index, self._line(index))

    def _show_about(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is None:
            text = "Nothing is to be changed."
        else:
            result = self._doing.results.get(at) if self._doing is not None else None
            text = about(self._changes[at], result)
        self.query_one("#said", Static).update(text)

    def _show_totals(self) -> None:
        run = self._doing
        sendable = [self._changes[index] for index in self._sendable]
        refused = sum(bool(change.refusal) for change in self._changes)
        if run is not None and (run.running or run.results):
            lines = [run.summary() + (f", {refused} refused" if refused else "")]
        else:
            destroys = any(change.destroys for change in sendable)
            replaces = "Something is deleted or replaced." if destroys else "Nothing is deleted."
            lines = [", ".join([f"{len(sendable)} to do", *([f"{refused} refused"] if refused else [])])]
            lines[0] += f". {replaces}"
            lines += [*self._notes[:3], *([f"$ {self._command}"] if self._command else [])]
        self.query_one("#totals", Static).update(clean_lines("\n".join(lines)))
        self.show_keys()

    def keys_entries(self) -> list[str]:
        run = self._doing
        if run is not None and run.running:
            return ["x Stop after this row", "esc Leave, it goes on"]
        words = []
        count = len(self._sendable)
        if count:
            words += [f"enter Run {counted(count, 'row')}", "space Untick"]
        elif run is not None:
            words.append("enter Done")
        if run is not None and run.failed:
            words.append("r Retry failed")
        if self._command and run is None:
            words.append("Y Copy command")
        return [*words, "esc Back" if run is not None or not count else "esc Cancel"]

    # what the user asks for

    def action_run(self) -> None:
        if self._doing is not None and self._doing.running:
            return
        rows = self._sendable
        if not rows:
            if self._doing is not None:
                self.dismiss(None)
            else:
                self.notify("Nothing is left to do.")
            return
        if self._server and (refusal := self.context.rights.refusal(self._server)):
            self.notify(clean(refusal), severity="error", markup=False)
            return
        projects = sorted({self._changes[row].project for row in rows if self._changes[row].destroys})
        if not projects:
            self._start(rows)
            return
        count = sum(self._changes[row].destroys for row in rows)
        verb = "deletes or replaces" if count == 1 else "delete or replace"
        text = f"{count} of {counted(len(rows), 'row')} {verb} something in {', '.join(projects)}."
        panel = Confirm(
            "Delete or replace",
            text,
            yes=f"Run {counted(len(rows), 'row')}",
            danger=True,
            typed=" ".join(projects),
        )
        self.app.push_screen(panel, lambda yes: self._start(rows) if yes else None)

    def _start(self, rows: Sequence[int]) -> None:
        run = self._doing
        if run is None:
            run = self._doing = Run(self.context, self._changes, self._do, interrupt=self._interrupt)
            run.watch = self._progressed
            run.ended = self._over
        run.start(rows)

    def _progressed(self) -> None:
        """A row was begun or has ended."""
        run = self._doing
        if run is None or not self.is_attached:
            return
        for index in (self._last, run.current):
            if index is not None:
                self._show_line(index)
        self._last = run.current
        if run.current is not None and len(self._changes) > 1:
            self.query_one(OptionList).highlighted = run.current
        done = len(run.results)
        self.retitle(f"{self._what} · {done} of {done + len(run.waiting) + run.running}")
        self._show_about()
        self._show_totals()

    def say_waiting(self, text: str) -> None:
        """What the row under way waits for, until it goes on; `x` stops the waiting."""
        if self.is_attached:
            self.query_one("#totals", Static).update(clean_lines(text))

    def _over(self, results: Sequence[Result]) -> None:
        run = self._doing
        assert run is not None
        failed = run.failed
        if not self.is_active:
            where = " The log (ctrl+g) says why." if failed else ""
            run.context.app.notify(
                f"{clean(self._what)}: {run.summary()}.{where}",
                severity="error" if failed else "information",
                markup=False,
            )
        elif failed:
            self.query_one(OptionList).highlighted = failed[0]
        if self._ended is not None:
            self._ended(results)

    def action_move(self, step: int) -> None:
        """j and k, as in the trees."""
        rows = self.query_one(OptionList)
        move = rows.action_cursor_down if step > 0 else rows.action_cursor_up
        move()

    def action_untick(self) -> None:
        """Leave a row out, or take it in again."""
        rows = self.query_one(OptionList)
        at = rows.highlighted
        if at is None or self._doing is not None:
            return
        if not self._changes[at].refusal:
            self._unticked ^= {at}
            self._show_line(at)
        rows.highlighted = min(at + 1, len(self._changes) - 1)
        self._show_totals()

    def action_stop(self) -> None:
        if self._doing is not None and self._doing.running:
            self._doing.stop()
            self.notify("It stops after the row under way.")

    def action_retry(self) -> None:
        """Put failed rows back into the plan; `enter` sends them again."""
        run = self._doing
        if run is None or run.running or not run.failed:
            return
        failed = run.failed
        for index in failed:
            del run.results[index]
            self._show_line(index)
        self._show_about()
        self._show_totals()

    def action_copy_command(self) -> None:
        if self._command:
            self.app.copy_to_clipboard(self._command)
            self.notify(f"Copied: {clean(self._command)}", markup=False)


def about(change: Change, result: Result | None = None) -> str:
    """All that a row's line has no room for, ready to be shown."""
    lines = [change.location]
    if result is not None and result.error is None:
        lines.append(f"done{': ' + result.note if result.note else ''}")
    elif result is not None and result.error is not None:
        lines += error_lines(result.error)
    if change.refusal:
        lines.append(f"! refused: {in_keys(change.refusal)}")
    if change.note:
        lines.append(change.note)
    names = dict.fromkeys((*change.before, *change.after))
    for name in names:
        before, after = change.before.get(name), change.after.get(name)
        if before is None or after is None:
            lines.append(f"  {name}: {told_short(before or after or '(none)')}")
        elif "\n" not in before or before != after:
            before, after = clean_beside(told_short(before), told_short(after))
            lines.append(f"  {name}: {before or '(none)'} → {after or '(none)'}")
    lines += [f"  {line}" for line in lines_changed(change)]
    return clean_lines("\n".join(lines))


def error_lines(error: XnatTuiError) -> list[str]:
    """What happened, and what to do about it."""
    said = told(error.message, error.hint)
    return [f"! {said[0]}", *said[1:]]


def _summary(change: Change) -> str:
    """What a row becomes, in a few words."""
    if change.refusal:
        return clean(in_keys(change.refusal))
    words = []
    for name, after in change.after.items():
        before = change.before.get(name)
        if before == after:
            continue
        if before is None:
            words += [clean(told_short(after))] if after else []
        else:
            old, new = clean_beside(told_short(before), told_short(after))
            words.append(f"{old or '(none)'} → {new or '(none)'}")
    return ", ".join(words)


def _location(change: Change) -> str:
    return change.location
