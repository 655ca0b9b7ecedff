"""What every verb of small writes does with its changes: plan, consent, row by row, report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from xnat_tui.cli.confirm import Consent
from xnat_tui.cli.exit_codes import ExitCode, exit_code
from xnat_tui.cli.state import State
from xnat_tui.config import Server
from xnat_tui.errors import Interrupted
from xnat_tui.model.changes import Change, Result, apply, lines_changed, told_short
from xnat_tui.model.display import clean, clean_beside


def carry_out(
    state: State,
    changes: Sequence[Change],
    do: Callable[[Change], str],
    consent: Consent,
    *,
    server: Server,
    question: str = "",
    notes: Iterable[str] = (),
) -> int:
    """Show a plan, ask, do it, report; the exit code.

    Rows that the plan refuses are reported as failed and never sent. One row alone ends with the code of
    its own error.
    """
    notes = list(notes)
    sendable = [change for change in changes if not change.refusal]
    _show_plan(state, changes, notes)
    if not sendable:
        return _end(state, changes, [], notes)
    destroys = {change.project for change in sendable if change.destroys}
    asked = question or f"Make {_count(sendable)}?"
    if not consent.given(state.output, asked, servers=[server], destroys=destroys):
        return _end(state, changes, None, notes)
    results = []
    for result in apply(changes, stoppable(do)):
        results.append(result)
        if isinstance(result.error, Interrupted):
            break
        _tell(state, result, len(results), len(sendable))
    return _end(state, changes, results, notes)


def stoppable(do: Callable[[Change], str]) -> Callable[[Change], str]:
    """Ctrl+C ends the row under way as an error of that row, so that the others are still reported."""

    def done(change: Change) -> str:
        try:
            return do(change)
        except KeyboardInterrupt:
            raise Interrupted(
                "Stopped while it was being done: whether it was is not known.",
                "Look at it before doing it again.",
            ) from None

    return done


def report_rows(
    state: State, columns: Sequence[str], rows: Sequence[Mapping[str, str]], *, right: Sequence[str] = ()
) -> None:
    """A listing: a table of these columns on stdout, or all of each row as JSON."""
    if state.output.wants_json:
        state.output.document({"items": [dict(row) for row in rows], "changed": [], "failed": []})
    elif rows:
        cells = [[row.get(column, "") for column in columns] for row in rows]
        state.output.table(columns, cells, right=right)


def _show_plan(state: State, changes: Sequence[Change], notes: Iterable[str]) -> None:
    """The plan is data; with --json it is in the document, and a terminal still has to see it."""
    lines = [line for change in changes for line in plan_lines(change)]
    if not changes:
        state.output.note("Nothing to change.")
    elif not state.output.wants_json:
        for line in lines:
            state.output.line(line)
        sys.stdout.flush()
    else:
        for line in lines:
            state.output.note(clean(line))
    for note in notes:
        state.output.note(f"note: {clean(note)}")


def plan_lines(change: Change) -> list[str]:
    """`* lab:P/S  set  gender: unknown → female`, and a line below for what else is to be known."""
    mark = "!" if change.refusal else "-" if change.destroys else "*"
    lines = [f"{mark} {change.location}  {change.verb}  {fields_told(change)}".rstrip()]
    if change.refusal:
        lines.append(f"    refused: {change.refusal}")
    if change.note:
        lines.append(f"    note: {change.note}")
    return lines + [f"    {line}" for line in lines_changed(change)]


def fields_told(change: Change) -> str:
    """What it becomes; for something taken away, what it was."""
    if not change.after:
        return ", ".join(f"{name}: {told_short(text)}" for name, text in change.before.items() if text)
    told = []
    for name in dict.fromkeys((*change.after, *change.before)):
        text = change.after.get(name, "")
        if change.before.get(name) == text:
            continue  # it stays, and is kept with the others
        before, text = clean_beside(told_short(change.before.get(name, text)), told_short(text))
        told.append(
            f"{name}: {before or '(none)'} → {text or '(none)'}"
            if name in change.before
            else f"{name}: {text or '(none)'}"
        )
    return ", ".join(told)


def _tell(state: State, result: Result, number: int, count: int) -> None:
    """Progress, a row at a time; what failed is told at the end."""
    if result.error is not None:
        return
    where = f"[{number}/{count}] {clean(result.change.location)}"
    note = f" ({clean(result.note)})" if result.note else ""
    state.output.note(f"{where}: {result.change.verb} done{note}")


def _end(
    state: State, changes: Sequence[Change], results: Sequence[Result] | None, notes: Sequence[str]
) -> int:
    """`results` is None where nothing was to be done, on request."""
    done = [result for result in results or () if result.error is None]
    failed = [result for result in results or () if result.error is not None]
    refused = [change for change in changes if change.refusal]
    begun = {id(result.change) for result in results or ()}
    left = [change for change in changes if not change.refusal and id(change) not in begun]
    if state.output.wants_json:
        state.output.document(
            {
                "items": [
                    change_row(change, note=change.note) for change in (changes if results is None else left)
                ],
                "changed": [change_row(result.change, note=result.note) for result in done],
                "failed": [
                    *(change_row(change, error=change.refusal, hint="") for change in refused),
                    *(_failure(result) for result in failed),
                ],
                **({"notes": list(notes)} if notes else {}),
            }
        )
    for result in failed:
        assert result.error is not None
        hint = f" hint: {result.error.hint}" if result.error.hint else ""
        state.output.warning(clean(f"! {result.change.location}: {result.error.message}{hint}"))
    if changes and results is not None:
        rest = f", {len(left)} not begun" if left else ""
        state.output.note(f"{len(done)} done, {len(failed)} failed, {len(refused)} refused{rest}.")
    return _code(changes, failed, refused)


def _code(changes: Sequence[Change], failed: Sequence[Result], refused: Sequence[Change]) -> int:
    if not failed and not refused:
        return ExitCode.DONE
    if any(isinstance(result.error, Interrupted) for result in failed):
        return ExitCode.INTERRUPTED
    if len(changes) > 1:
        return ExitCode.FAILED
    error = failed[0].error if failed else None
    return exit_code(error) if error is not None else ExitCode.NOT_FOUND


def change_row(change: Change, **more: str) -> dict[str, Any]:
    """The fields under the server's names, beside where and what."""
    return {
        "location": change.location,
        "verb": change.verb,
        **change.after,
        "before": dict(change.before),
        **more,
    }


def _failure(result: Result) -> dict[str, Any]:
    assert result.error is not None
    return change_row(result.change, error=result.error.message, hint=result.error.hint)


def _count(changes: Sequence[Change]) -> str:
    return "this change" if len(changes) == 1 else f"these {len(changes)} changes"
