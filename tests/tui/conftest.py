"""Pair trees made by hand, and an app that shows them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.pairing import Pair, Status, Verdict
from xnat_tui.tui.explorer.rows import Rows
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.terminal.theme import variable_defaults

SAME, DIFFERS = Status.SAME, Status.DIFFERS
LEFT, RIGHT = Status.ONLY_SOURCE, Status.ONLY_DESTINATION

MakePair = Callable[..., Pair]


def make_pair(
    kind: Kind,
    key: str,
    status: Status = SAME,
    children: list[Pair] | None = None,
    *,
    group: Kind | None = None,
    **item: Any,
) -> Pair:
    """A compared pair; files are complete, everything else waits for children."""
    one = Item(kind, key, **item)
    source = None if status is RIGHT else one
    destination = None if status is LEFT else one
    pair = Pair(kind, key, source, destination, group=group, verdict=Verdict(status))
    pair.complete = kind is Kind.FILE
    if children is not None:
        pair.attach(children)
    return pair


def scan(key: str, name: str, status: Status = SAME, children: list[Pair] | None = None, **item: Any) -> Pair:
    return make_pair(Kind.SCAN, key, status, children, fields=Fields(("type",), (name,)), **item)


def make_session(label: str) -> Pair:
    """One MR session: three scans of which one differs and one is only on the left; no assessors."""
    flair = [
        make_pair(Kind.RESOURCE, "DICOM", DIFFERS, [], files=60, bytes=30_408_704),
        make_pair(Kind.RESOURCE, "NIFTI", LEFT, [], files=2, bytes=1_100_000),
    ]
    scans = [
        scan("10", "DWI_64", LEFT, files=65, bytes=78_000_000),
        scan("1", "LOCALIZER", children=[], files=3, bytes=1_600_000),
        scan("3", "T2_FLAIR", DIFFERS, flair, files=62, bytes=31_457_280),
    ]
    groups = [
        make_pair(Kind.EXPERIMENT, "scans", children=scans, group=Kind.SCAN),
        make_pair(Kind.EXPERIMENT, "assessors", children=[], group=Kind.ASSESSOR),
    ]
    return make_pair(Kind.EXPERIMENT, label, children=groups, type="xnat:mrSessionData")


def make_study() -> Pair:
    """Four subjects: one alike, one with a session to look into, one on the right only, one unread."""
    subjects = [
        make_pair(Kind.SUBJECT, "SUB-010", RIGHT, [], files=1, bytes=611_000_000),
        make_pair(Kind.SUBJECT, "SUB-001", SAME, [], files=3, bytes=1_100_000_000),
        make_pair(
            Kind.SUBJECT,
            "SUB-002",
            SAME,
            [
                make_session("SUB-002_MR1"),
                make_pair(Kind.EXPERIMENT, "SUB-002_PT1", LEFT, type="xnat:petSessionData"),
            ],
        ),
        make_pair(Kind.SUBJECT, "SUB-004"),
    ]
    return make_pair(Kind.PROJECT, "BRAINS", children=subjects)


def make_wide(count: int) -> Pair:
    """A project of so many subjects, every seventh on the left only."""
    subjects = [
        make_pair(Kind.SUBJECT, f"SUB-{n:06}", LEFT if n % 7 == 3 else SAME, [], files=n, bytes=n * 1_000_003)
        for n in range(count)
    ]
    return make_pair(Kind.PROJECT, "WIDE", children=subjects)


class TreeApp(App[None]):
    """Two linked panes of one `Rows`, or one pane; collects the trees' messages."""

    CSS = "PairTree { width: 1fr; border: round $foreground 50%; }"

    def __init__(self, rows: Rows, *, panes: int = 2) -> None:
        super().__init__()
        self.rows = rows
        self.panes = panes
        self.heard: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(variable_defaults(self.current_theme))

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield PairTree(self.rows, "source")
            if self.panes == 2:
                yield PairTree(self.rows, "destination")

    def on_mount(self) -> None:
        if self.panes == 2:
            self.left.link(self.right)
        self.left.focus()

    @property
    def left(self) -> PairTree:
        return self.query(PairTree).first()

    @property
    def right(self) -> PairTree:
        return self.query(PairTree).last()

    def hear(self, message: PairTree.TreeMessage) -> None:
        self.heard.append(message)

    on_pair_tree_moved = hear
    on_pair_tree_expand_requested = hear
    on_pair_tree_opened = hear
    on_pair_tree_marks_changed = hear
    on_pair_tree_pattern_requested = hear

    def lines(self, tree: PairTree) -> list[str]:
        """What is on screen in one pane, down to the last row."""
        height = tree.scrollable_content_region.height
        shown = min(height, len(self.rows) - int(tree.scroll_y))
        return [tree.render_line(y).text for y in range(shown)]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.fixture
def study() -> Pair:
    return make_study()


@pytest.fixture
def rows(study: Pair) -> Rows:
    return Rows(study, comparing=True)


@pytest.fixture
def pair() -> MakePair:
    return make_pair


@pytest.fixture
def wide() -> Callable[[int], Pair]:
    return make_wide


@pytest.fixture
def tree_app() -> type[TreeApp]:
    return TreeApp
