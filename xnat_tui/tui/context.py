"""What pieces and panels need of the explorer that holds them. Nothing that needs it is known here."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from textual.app import App
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from xnat_tui.config import Settings
from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, clean_lines
from xnat_tui.tui.changes import HeardChanges
from xnat_tui.tui.keys_in_order import KeysInOrder
from xnat_tui.tui.loader import Loader
from xnat_tui.tui.rights import Rights
from xnat_tui.tui.syncs import SyncRuns
from xnat_tui.tui.terminal import theme
from xnat_tui.tui.terminal.graphics import Graphics, Means, wanted
from xnat_tui.tui.terminal.theme import Glyphs
from xnat_tui.tui.wording import told

if TYPE_CHECKING:
    from xnat_tui.model.place import Place
    from xnat_tui.model.plan import Plan
    from xnat_tui.services.servers import Prompt
    from xnat_tui.services.workspace import Workspace

T = TypeVar("T")

DEMO_WANTED = 75
"""Exit code by which the explorer tells that the user chose the demo."""

_MOST_REMEMBERED = 200


class MainLines(Protocol):
    """What the main screen does for those that it holds, and for panels."""

    @property
    def is_active(self) -> bool:
        """Whether no panel stands over it."""

    def say(self, text: str, *, lasting: bool = False) -> None:
        """A short answer to a key press, in the status line, where it covers nothing."""

    def situation_changed(self) -> None:
        """Something that the lines around the panes tell of has changed."""

    def action_do(self, action: str) -> None:
        """Do an action by its ID, or say why it cannot be done now."""

    def reach(self, place: Place | None, marked: Sequence[Place]) -> None:
        """Go to a place in the tree of the active pane, if one is given, and mark others there."""

    def start(self, plan: Plan) -> None:
        """Have the queue of transfers run a plan."""

    def open_both(self, source: str, destination: str) -> None:
        """Open two locations, one a pane."""


class Writing(Protocol):
    """Changes that are being made one after the other."""

    waiting: list[int]


class Context:
    """One for each explorer; panels find it by `context_of`."""

    def __init__(self, app: App[int], settings: Settings, prompt: Prompt, keys: KeysInOrder) -> None:
        """`prompt` asks for a password on the screen while a loader's thread waits."""
        self.app = app
        self.settings = settings
        self.keys = keys
        self.loader = Loader(answering=keys.by_itself)
        self.rights = Rights(lambda: self.workspace, self.loader)
        self.changes = HeardChanges(self.loader.post, held=lambda: bool(self.writing))
        """Where pieces and panels hear what was written: of a panel's writes when the last row is done."""
        self.plain = theme.is_plain()
        """Whether somebody rather listens to the screen: nothing moves, and it changes once a second."""
        self.glyphs: Glyphs = theme.glyphs(settings.ui.ascii, words=self.plain)
        texts_only = self.plain or bool(os.environ.get("NO_COLOR")) or settings.ui.ascii
        self.graphics = Graphics(Means.BLOCKS if texts_only else wanted(settings.ui.images, os.environ))
        self.writing: set[Writing] = set()
        """Panels' writes that are under way; leaving would end them between two rows."""
        self.syncs = SyncRuns(self.loader)
        self.happened: list[str] = []
        """What went wrong so far, for the log panel."""
        self.main: MainLines
        self._prompt = prompt
        self._told: dict[str, float] = {}
        """When each toast was shown last."""
        self._workspace: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """Made when it is first needed: the network's libraries load after the first paint."""
        if self._workspace is None:
            from xnat_tui.services.workspace import Workspace

            workspace = Workspace(self.settings, prompt=self._prompt)
            workspace.changes.listen(self.changes.hear)
            self._workspace = workspace
        return self._workspace

    @property
    def made_workspace(self) -> Workspace | None:
        """The workspace, if it was ever needed."""
        return self._workspace

    # the screen

    def ask(self, panel: Screen[T], answered: Callable[[T | None], None] | None = None) -> None:
        """Open a panel; `answered` gets what it is dismissed with, None where it is only left."""
        self.app.push_screen(panel, answered)

    def say(self, text: str, *, lasting: bool = False) -> None:
        self.main.say(text, lasting=lasting)

    def announce(self, text: str) -> None:
        """What came about by itself: where it covers nothing, unless a panel covers that; and in the log."""
        self.remember(text)
        if self.main.is_active:
            self.main.say(text, lasting=True)
        else:
            self.tell(text)

    def report(self, error: XnatTuiError) -> None:
        """A failure in the background: a toast, and a line in the log panel."""
        text = "\n".join(told(error.message, error.hint))
        self.remember(f"{error.title}: {text}")
        self.tell(text, title=error.title, severity="error")

    def tell(self, text: str, *, title: str = "", severity: SeverityLevel = "information") -> None:
        """A toast, unless the same one is still shown."""
        said, now = clean_lines(text), time.monotonic()
        if now - self._told.get(said, -math.inf) > self.app.NOTIFICATION_TIMEOUT:
            self._told[said] = now
            self.app.notify(said, title=clean(title), severity=severity, markup=False)

    def remember(self, text: str) -> None:
        from datetime import datetime

        self.happened.append(f"{datetime.now().astimezone():%H:%M:%S}  {text}")
        del self.happened[:-_MOST_REMEMBERED]

    # in the background

    def run(
        self, key: Any, do: Callable[[], T], done: Callable[[T], None], failed: Failed | None = None
    ) -> None:
        """Call `do` on a loader's thread, then `done` or `failed` (`report` without one) on the screen's."""
        self.loader.submit(key, do, done, failed or self.report)

    def every(self, seconds: float, do: Callable[[], None]) -> Timer:
        return self.app.set_interval(seconds, do)

    def after(self, seconds: float, do: Callable[[], None]) -> Timer:
        return self.app.set_timer(seconds, do)


Failed = Callable[[XnatTuiError], None]


class ContextApp(App[int]):
    """An app that has a context."""

    context: Context


def context_of(widget: Widget) -> Context:
    app = widget.app
    assert isinstance(app, ContextApp), "panels stand in the explorer"
    return app.context
