"""`bench`: what a server bears, measured, and which settings fit."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.changing import plan_lines
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION, saved_servers
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import Interrupted, ServerUnreachable, XnatTuiError
from xnat_tui.model.display import clean, size_words
from xnat_tui.model.entities import Kind

if TYPE_CHECKING:
    from xnat_tui.services.measuring.advice import Advice
    from xnat_tui.services.measuring.benchmark import Benchmark
    from xnat_tui.services.measuring.figures import Figure
    from xnat_tui.services.measuring.own_resource import OwnResource


@click.command(cls=Command)
@click.argument("location", type=LOCATION, metavar="SERVER|LOC")
@click.option("--reads-only", is_flag=True, help="Send nothing, in a project neither.")
@write_options
@pass_state
def bench(state: State, location: str, reads_only: bool, consent: Consent) -> int:
    """Measure a server for some 20 seconds, and say which settings fit.

    Latency, reads a second, and how fast the files of the first resource found at LOC come. Where LOC is a
    project, also both ways in a resource of its own, which is deleted again: that is planned and asked first.
    """
    with state.workspace() as workspace:
        benchmark = workspace.benchmark(f"{location}:" if location in saved_servers() else location)
        run = _Run(state, benchmark)
        own = None if reads_only else run.agreed(consent)
        if not consent.dry_run:
            run.reads()
            if own is not None:
                run.both_ways(own)
        run.end(planned=consent.dry_run)
        return run.code


class _Run:
    """One call of the verb: what was measured, what failed, and what is to be said beside that."""

    def __init__(self, state: State, benchmark: Benchmark) -> None:
        self._state = state
        self._output = state.output
        self._benchmark = benchmark
        self._figures: list[Figure] = []
        self._failed: list[dict[str, str]] = []
        self._planned: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._notes: list[str] = []
        self._zips_failed = False

    @property
    def code(self) -> int:
        return ExitCode.FAILED if self._failed else ExitCode.DONE

    def agreed(self, consent: Consent) -> OwnResource | None:
        """The plan of what is written, shown and agreed to; None where nothing will be."""
        from xnat_tui.services.measuring.own_resource import OwnResource

        if self._benchmark.place.kind is not Kind.PROJECT:
            self._note("Reads alone are measured; sending is, too, where LOC is a project.")
            return None
        own = OwnResource(self._benchmark)
        change = own.plan()
        for left in own.leftovers():
            self._note(
                f"{left} was left by an earlier run; it may be deleted: xnat-tui resources delete {left}"
            )
        if change.refusal:
            self._note(f"Reads alone are measured: {change.refusal}.")
            return None
        for line in plan_lines(change):
            (self._output.note if self._output.wants_json else self._output.line)(clean(line))
        self._planned.append({"location": change.location, "verb": change.verb, **change.after})
        server = self._benchmark.connection.server
        try:
            return own if consent.given(self._output, "Make, fill and delete it?", servers=[server]) else None
        except Interrupted:
            self._planned.clear()
            self._note("Nothing is written; reads alone are measured.")
            return None

    def reads(self) -> None:
        """Measure one thing after the other. Raises what the first one, the latency, raises."""
        for name, step in self._benchmark.steps():
            if self._benchmark.is_late and self._figures:
                self._note(f"The time was used up before: {name}.")
                return
            self._began(name)
            try:
                self._figures.append(step())
            except XnatTuiError as error:
                if not self._figures:
                    raise
                self._zips_failed |= name.startswith("zips") and not isinstance(error, ServerUnreachable)
                self._fail(name, error)

    def both_ways(self, own: OwnResource) -> None:
        """Measure in a resource of the project. Told to end, by ctrl+c or a signal, it is deleted first."""
        with _ending_as_by_ctrl_c():
            outcome = own.measure(self._figures.append, self._began)
        for name, error in outcome.failures:
            self._fail(name, error)
        if not outcome.remains:
            done = "" if any(name == "create" for name, _ in outcome.failures) else "deleted again, read back"
            self._changed += [{**row, "note": done} for row in self._planned if done]
        self._planned.clear()

    def end(self, *, planned: bool) -> None:
        """Print all of it."""
        from xnat_tui.services.measuring.advice import advise

        connection = self._benchmark.connection
        advice = advise(self._figures, connection.server.connections, zips_failed=self._zips_failed)
        if self._output.wants_json:
            self._output.document(
                {
                    "location": str(self._benchmark.place.location),
                    "as": connection.user,
                    "version": connection.version,
                    "connections": connection.server.connections,
                    "items": self._planned if planned else [figure.row() for figure in self._figures],
                    "changed": self._changed,
                    "failed": self._failed,
                    "advice": {
                        "connections": advice.connections,
                        "workers": advice.workers,
                        "mode": advice.mode,
                        "reasons": advice.reasons,
                    },
                    "notes": self._notes,
                }
            )
        elif not planned:
            rows = [_cells(figure) for figure in self._figures]
            self._output.table(("measured", "at once", "figure", "of"), rows, right=("at once", "figure"))
            for line in _advice_lines(advice, connection.server.connections):
                self._output.line(line)
        for failure in self._failed:
            hint = f" hint: {failure['hint']}" if failure["hint"] else ""
            self._output.warning(clean(f"! {failure['measure']}: {failure['error']}{hint}"))

    def _began(self, name: str) -> None:
        self._output.note(f"measuring {clean(name)} …")

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._output.note(f"note: {clean(text)}")

    def _fail(self, name: str, error: XnatTuiError) -> None:
        self._failed.append({"measure": name, "error": error.message, "hint": error.hint})


@contextmanager
def _ending_as_by_ctrl_c() -> Iterator[None]:
    """A closed terminal and `kill` let what was begun be undone, as ctrl+c does."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    from xnat_tui.services.measuring.figures import Latency, Reads

    if isinstance(figure, Latency):
        figures = f"{1000 * figure.median:.1f} ms, p95 {1000 * figure.p95:.1f} ms"
        return "latency", "1", figures, figure.of
    if isinstance(figure, Reads):
        waits = f", {figure.waits} put off" if figure.waits else ""
        return "reads", str(figure.in_flight), f"{figure.rate:.0f} a second{waits}", figure.of
    name = f"{figure.manner} {figure.direction}"
    return name, str(figure.streams), f"{size_words(round(figure.rate))} a second", figure.of


def _advice_lines(advice: Advice, now: int) -> list[str]:
    told = []
    if advice.connections is not None:
        told.append(f"connections = {advice.connections}" + (f" (now {now})" * (advice.connections != now)))
    if advice.workers is not None:
        told.append(f"--workers {advice.workers}")
    if advice.mode is not None:
        told.append(f"--mode {advice.mode}")
    if not told:
        return []
    return ["", f"What fits: {', '.join(told)}.", *(f"  {reason}" for reason in advice.reasons)]
