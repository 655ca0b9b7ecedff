"""A transfer in a line of a wide terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_tui.model.display import about, clean, fit, short_size
from xnat_tui.model.transfer import State
from xnat_tui.tui.explorer.pair_words import cut

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
    parts = [str(view.state), f"{short_size(view.bytes_done)} of {short_size(view.bytes_total)}"]
    parts += [f"{short_size(int(view.rate))}/s"] if view.rate else []
    parts += [f"{about(view.seconds_left)} left"] if view.seconds_left is not None else []
    said = " · ".join(part for part in parts if part)
    head = f"{GLYPHS[view.state]} {percent(view):>4} {view.verb:<7}"
    title = fit(clean(view.title), max(10, room - len(head) - len(said) - 2))
    return cut(f"{head}{title}  {said}", room)


def percent(*views: JobView) -> str:
    """How far transfers are together: by bytes, by files where no bytes are to be sent; never 100 too early.

    It is the last thing that any line about them gives up.
    """
    done, total = sum(view.bytes_done for view in views), sum(view.bytes_total for view in views)
    if not total:
        done, total = sum(view.files_done for view in views), sum(view.files_total for view in views)
    if not total:
        return "100%" if all(view.state is State.DONE for view in views) else "0%"
    return f"{100 * done // total}%"
