"""A transfer in a line of a wide terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_tui.model.display import about, clean, fit, short_size
from xnat_tui.model.transfer import State

if TYPE_CHECKING:
    from xnat_tui.jobs.watch import JobView

GLYPHS = {
    State.QUEUED: " ",
    State.RUNNING: ">",
    State.VERIFYING: ">",
    State.PAUSED: "=",
    State.DONE: " ",
    State.FAILED: "!",
    State.CANCELLED: "x",
}


def strip_line(view: JobView, room: int) -> str:
    """One transfer in one line of a wide terminal."""
    share = f"{int(100 * view.bytes_done / view.bytes_total)}%" if view.bytes_total else ""
    parts = [str(view.state), share, f"{short_size(view.bytes_done)} of {short_size(view.bytes_total)}"]
    parts += [f"{short_size(int(view.rate))}/s"] if view.rate else []
    parts += [f"{about(view.seconds_left)} left"] if view.seconds_left is not None else []
    said = " · ".join(part for part in parts if part)
    head = f"{GLYPHS[view.state]} {view.verb:<7}"
    title = fit(clean(view.title), max(10, room - len(head) - len(said) - 2))
    return f"{head}{title}  {said}"
