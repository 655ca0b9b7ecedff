"""How far something is, in one line on stderr, and only where a person looks at it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xnat_tui.cli.state import State
from xnat_tui.model.display import clean, fit

if TYPE_CHECKING:
    from xnat_tui.jobs.watch import JobView

_PATH_CELLS = 36
"""Of what is under way, beside the bar: always as many, so that the bar stands still."""
_FIGURES_CELLS = 44
"""Of the percentage, a short bar, bytes and time, which do not give way to the path."""


@contextmanager
def bar(state: State) -> Iterator[Callable[[JobView], None] | None]:
    """A transfer's bar; what it yields is to be called with each look at the job."""
    if state.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TaskProgressColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    console = state.output.console(sys.stderr)
    cells = max(0, min(_PATH_CELLS, console.width - _FIGURES_CELLS))
    with Progress(*columns, console=console, transient=True, expand=True) as shown:
        task = shown.add_task(fit("starting", cells).ljust(cells), total=None)

        def show(view: JobView) -> None:
            current = clean(view.current[0]) if view.current else str(view.state)
            described = fit(current, cells).ljust(cells)
            total = view.bytes_total or None
            shown.update(task, completed=view.bytes_done, total=total, description=described)

        yield show


@contextmanager
def told(state: State, tell: Callable[[], str]) -> Iterator[None]:
    """A line that says what `tell` answers, twice a second, and how long it has been."""
    if state.quiet or not sys.stderr.isatty():
        yield
        return
    from rich.progress import Progress, ProgressColumn, Task, TimeElapsedColumn
    from rich.text import Text

    class Told(ProgressColumn):
        def render(self, _task: Task) -> Text:
            return Text(clean(tell()))

    console = state.output.console(sys.stderr)
    with Progress(
        Told(), TimeElapsedColumn(), console=console, transient=True, refresh_per_second=2
    ) as shown:
        shown.add_task("", total=None)
        yield
