"""The comparison in figures: by kind and verdict, what it rests on, what could not be read."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, fit
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Status
from xnat_tui.services import reports
from xnat_tui.services.compare import Comparison, items_of
from xnat_tui.tui.screens.ask import AskText
from xnat_tui.tui.screens.panel import Panel

_KINDS = (
    *(Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION),
    *(Kind.RESOURCE, Kind.FILE),
)
_WORDS = {Kind.EXPERIMENT: "sessions"}
_MOST_UNREADABLE = 4


class ComparePanel(Panel[str]):
    """Dismissed with "next", "details" or "filter" where the main screen has to go on."""

    tall = True
    DEFAULT_CSS = "ComparePanel > .panel--box { width: 78; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Next difference"),
        Binding("i", "details", "Details of the whole"),
        Binding("f", "filter", "Filter trees", tooltip="Show all, differences, left only, right only"),
        Binding("w", "write", "Write report…"),
    ]

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._ticking: Timer | None = None
        one, other = comparison.source.root.location, comparison.destination.root.location
        super().__init__(f"Compare · {one} ⇄ {other}")

    def body(self) -> list[Widget]:
        return [VerticalScroll(Static("", id="figures", markup=False), classes="panel--rest")]

    def on_mount(self) -> None:
        self._show()
        if not self._comparison.progress.ended:
            self._ticking = self.set_interval(1, self._show)

    def _show(self) -> None:
        if self._comparison.progress.ended and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        comparison = self._comparison
        lines = [f"{'':<16}{'= same':>8}{'* differ':>10}{'< left':>8}{'> right':>9}{'! unread':>10}"]
        for kind in _KINDS:
            counts = comparison.summary(kind)
            shown = counts.same + counts.unverified
            if any((shown, counts.differs, counts.only_source, counts.only_destination, counts.unreadable)):
                word = _WORDS.get(kind, kind.plural)
                lines.append(
                    f"{word:<16}{shown:>8}{counts.differs:>10}{counts.only_source:>8}"
                    f"{counts.only_destination:>9}{counts.unreadable + counts.unread:>10}"
                )
        whole = comparison.summary()
        lines += ["", f"depth {comparison.depth}"]
        if whole.unverified:
            lines.append(f"{whole.unverified} alike by name and size only: a server has no digest of them")
        if not comparison.progress.ended:
            lines.append(f"still comparing: {comparison.root.unread_below} to go")
        one, other = comparison.source.reader.connection, comparison.destination.reader.connection
        lines.append(f"as seen by {clean(one.user)} on the left and {clean(other.user)} on the right")
        lines += [*self._whole(), *self._unreadable()]
        requests = comparison.requests
        lines.append(f"requests: {requests[0]} on the left, {requests[1]} on the right")
        self.query_one("#figures", Static).update("\n".join(lines))

    def _whole(self) -> list[str]:
        """What differs in the compared items themselves, which have no row."""
        root = self._comparison.root
        if not root.fields:
            return []
        named = [
            f"  {clean(difference.name)}: {_quoted(difference.source)} vs {_quoted(difference.destination)}"
            for difference in root.fields[:_MOST_UNREADABLE]
        ]
        more = len(root.fields) - _MOST_UNREADABLE
        named += [f"  and {more} more: i"] if more > 0 else []
        return [f"* the {root.kind} itself differs", *named]

    def _unreadable(self) -> list[str]:
        pairs = [pair for pair in items_of(self._comparison.root) if pair.status is Status.UNREADABLE]
        lines = []
        for pair in pairs[:_MOST_UNREADABLE]:
            reason = pair.error.message if pair.error is not None else pair.note
            lines.append(f"! {clean(pair.key)}: {clean(reason)}")
        if len(pairs) > _MOST_UNREADABLE:
            lines.append(f"! and {len(pairs) - _MOST_UNREADABLE} more could not be read")
        return lines

    def action_details(self) -> None:
        self.dismiss("details")

    def action_next(self) -> None:
        self.dismiss("next")

    def action_filter(self) -> None:
        self.dismiss("filter")

    def action_write(self) -> None:
        def named(name: str | None) -> None:
            if not name:
                return
            path = Path(name).expanduser()
            try:
                reports.write(self._comparison, path)
                said = f"Wrote {path}"
            except (XnatTuiError, OSError) as error:
                said = f"! {error}"
            self.complain(said)

        def problem(name: str) -> str:
            try:
                reports.check_name(Path(name))
            except XnatTuiError as error:
                return f"{error.message} {error.hint}"
            return "" if not Path(name).expanduser().exists() else f"{name} exists already."

        self.app.push_screen(
            AskText(
                "Write report",
                "File (.html, .md, .csv or .json):",
                value="compare.html",
                problem=problem,
                done="Write",
            ),
            named,
        )


def _quoted(text: str) -> str:
    return fit(clean(text), 24) or "(none)"
