"""The comparison in figures: by kind and verdict, what it rests on, what could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.display import clean, clean_beside, fit
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Depth, Pair, Status
from xnat_tui.model.place import Place
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import Summary, items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.tui.panels.ask import AskText
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.terminal.theme import is_plain

_KINDS = (
    *(Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION),
    *(Kind.RESOURCE, Kind.FILE),
)
_WORDS = {Kind.EXPERIMENT: "sessions"}
_HEADINGS = ("= same", "no digest", "* differ", "< left", "> right", "! error", "? unread")
_SAID = ("= same", "no digest", "* differ", "< left only", "> right only", "! unreadable", "? unread")
_SIGNS = ("=", "nd", "*", "<", ">", "!", "?")
_CELLS = (7, 10, 9, 7, 8, 8, 9)
_NARROW = 78
"""Columns below which the figures stand below signs alone."""
_MOST_FIELDS = 4
_MOST_UNREADABLE = 200


class ComparePanel(Panel[str]):
    """Dismissed with "next", "details", "depth" or "filter" where the main screen has to go on."""

    tall = True
    heeds = frozenset({What.ITEMS, What.FILES})
    DEFAULT_CSS = "ComparePanel > .panel--box { width: 78; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Next difference"),
        Binding("i", "details", "Details of the whole"),
        Binding("f", "filter", "Filter trees", tooltip="Show all, differences, left only, right only"),
        Binding("d", "depth", "Depth", tooltip="Labels, sizes or digests: the next one"),
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
        self.query_one(VerticalScroll).focus()
        self._watch()

    def shown_places(self) -> Iterable[Place]:
        return self._comparison.source.root, self._comparison.destination.root

    def written(self) -> None:
        """It is compared again."""
        self._watch()

    def _watch(self) -> None:
        self._show()
        if not self._comparison.progress.ended and self._ticking is None:
            self._ticking = self.set_interval(1, self._show)

    def _show(self) -> None:
        if self._comparison.progress.ended and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        comparison = self._comparison
        narrow, words = self.app.size.width < _NARROW, is_plain()
        lines = [] if words else [_table_line("", _SIGNS if narrow else _HEADINGS, narrow)]
        for kind in _KINDS:
            counts = comparison.summary(kind)
            if any(astuple(counts)):
                word = _WORDS.get(kind, kind.plural)
                figures = (
                    *(counts.same, counts.unverified, counts.differs, counts.only_source),
                    *(counts.only_destination, counts.unreadable, counts.unread),
                )
                said = _in_words(word, figures) if words else _table_line(word, map(str, figures), narrow)
                lines.append(said)
        whole = comparison.summary()
        chosen = "o chosen" if words else "o"
        depths = [f"({chosen if depth is comparison.depth else ' '}) {depth}" for depth in Depth]
        lines += ["", f"depth  {'   '.join(depths)}   d: the next one"]
        if comparison.depth is Depth.DIGESTS and comparison.progress.ended:
            lines += self._proof(whole)
        if whole.unverified:
            lines.append(f"no digest: {whole.unverified} alike by name and size, which proves no more")
        if not comparison.progress.ended:
            lines.append(f"still comparing: {comparison.root.unread_below} to go")
        elif comparison.progress.error is not None:
            lines.append(f"! {clean(comparison.progress.error.message)}")
        one, other = comparison.source.reader.connection, comparison.destination.reader.connection
        lines.append(f"as seen by {clean(one.user)} on the left and {clean(other.user)} on the right")
        lines += [*self._whole(), *self._unreadable()]
        requests = comparison.requests
        lines.append(f"requests: {requests[0]} on the left, {requests[1]} on the right")
        self.query_one("#figures", Static).update("\n".join(lines))

    def _proof(self, whole: Summary) -> list[str]:
        against = whole.against
        against += ["it ended early"] if self._comparison.progress.error is not None else []
        if against:
            return [f"Not proved: {', '.join(against)}."]
        return ["Proved: all that is listed is alike, each file by its MD5 on both sides."]

    def _whole(self) -> list[str]:
        """What differs in the compared items themselves, which have no row."""
        root = self._comparison.root
        if not root.fields:
            return []
        named = []
        for difference in root.fields[:_MOST_FIELDS]:
            one, other = map(_quoted, clean_beside(difference.source, difference.destination))
            named.append(f"  {clean(difference.name)}: {one} vs {other}")
        more = len(root.fields) - _MOST_FIELDS
        named += [f"  and {more} more: i"] if more > 0 else []
        return [f"* the {root.kind} itself differs", *named]

    def _unreadable(self) -> list[str]:
        pairs = [pair for pair in items_of(self._comparison.root) if pair.status is Status.UNREADABLE]
        lines = []
        for pair in pairs[:_MOST_UNREADABLE]:
            reason = pair.error.message if pair.error is not None else pair.note
            lines.append(f"!{' unreadable:' if is_plain() else ''} {_path(pair)}: {clean(reason)}")
        if len(pairs) > _MOST_UNREADABLE:
            lines.append(f"! and {len(pairs) - _MOST_UNREADABLE} more could not be read")
        return lines

    def action_depth(self) -> None:
        if self._comparison.progress.ended:
            self.dismiss("depth")
        else:
            self.complain("The comparison still goes on: wait, or stop it with esc in the trees.")

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


def _table_line(word: str, cells: Iterable[str], narrow: bool) -> str:
    if narrow:
        return f"{word[:7]:<7}" + "".join(f"{cell:>4}" for cell in cells)
    return f"{word:<15}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, _CELLS, strict=True))


def _in_words(word: str, figures: Iterable[int]) -> str:
    """`subjects: = same 3, < left only 1`: a figure far below its heading says nothing to the ear."""
    told = [f"{heading} {figure}" for heading, figure in zip(_SAID, figures, strict=True) if figure]
    return f"{word}: {', '.join(told)}"


def _path(pair: Pair) -> str:
    above = [one.key for one in (pair, *pair.ancestors()) if one.group is None and one.parent is not None]
    return clean("/".join(reversed(above))) or f"the {pair.kind} itself"


def _quoted(text: str) -> str:
    return fit(text, 24) or "(none)"
