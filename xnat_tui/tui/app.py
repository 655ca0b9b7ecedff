"""The explorer: settings, workspace, loader and theme around the main screen."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel

from xnat_tui.config import Settings
from xnat_tui.errors import ConfigError, XnatTuiError
from xnat_tui.model.display import clean, clean_lines
from xnat_tui.tui.actions import unknown_ids
from xnat_tui.tui.loader import Loader
from xnat_tui.tui.rights import Rights
from xnat_tui.tui.terminal import theme
from xnat_tui.tui.terminal.graphics import Graphics, Means, wanted
from xnat_tui.tui.terminal.theme import Glyphs

if TYPE_CHECKING:
    from textual.filter import LineFilter

    from xnat_tui.services.workspace import Workspace
    from xnat_tui.tui.explorer.screen import MainScreen
    from xnat_tui.tui.panels.change_run import Run


class Explorer(App[int]):
    """`prepare` runs in the background before anything is opened, as the demo's servers need."""

    TITLE = "xnat-tui"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    MainScreen { background: $background; }
    .-no-color Pane.-active, .-no-color Panel > .panel--box { border: heavy $foreground; }
    .-no-color OptionList > .option-list--option-highlighted { text-style: bold underline; }
    .-no-color Panel Input:focus, .-no-color Tick:focus { text-style: underline; }
    .-ascii Pane, .-ascii TransfersStrip, .-ascii DetailsView { border: ascii $foreground 50%; }
    .-ascii Pane.-active, .-ascii Panel > .panel--box { border: ascii $accent; }
    .-ascii DetailsPanel DetailsView { border: none; }
    ToastRack { margin-bottom: 4; }
    Toast { max-width: 66; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", show=False, system=True)]

    def __init__(
        self,
        source: str | None,
        destination: str | None,
        settings: Settings,
        *,
        prepare: Callable[[], None] | None = None,
        driver: bool = True,
    ) -> None:
        driver_class = None
        if driver and settings.ui.diff_driver and os.environ.get("XNAT_TUI_DIFF_DRIVER") != "0":
            from xnat_tui.tui.terminal.driver import DiffDriver

            driver_class = DiffDriver
        no_color = bool(os.environ.get("NO_COLOR"))
        super().__init__(driver_class=driver_class, ansi_color=True if no_color else None)
        self.settings = settings
        self.loader = Loader()
        self.rights = Rights(self)
        self.plain = theme.is_plain()
        """Whether somebody rather listens to the screen: nothing moves, and it changes once a second."""
        self.glyphs: Glyphs = theme.glyphs(settings.ui.ascii, words=self.plain)
        texts_only = self.plain or no_color or settings.ui.ascii
        self.graphics = Graphics(Means.BLOCKS if texts_only else wanted(settings.ui.images, os.environ))
        self.change_runs: set[Run] = set()
        """Panels' writes that are under way; leaving would end them between two rows."""
        self.happened: list[str] = []
        """What went wrong so far, for the log panel."""
        self._told: dict[str, float] = {}
        """When each toast was shown last."""
        self._source, self._destination = source, destination
        self._prepare = prepare
        self._workspace: Workspace | None = None
        if settings.ui.theme:
            self.theme = settings.ui.theme
        elif os.environ.get("TERM") in ("linux", "vt100", "vt220") or no_color:
            self.theme = "ansi-dark"

    @property
    def workspace(self) -> Workspace:
        """Made when it is first needed: the network's libraries load after the first paint."""
        if self._workspace is None:
            from xnat_tui.services.workspace import Workspace

            self._workspace = Workspace(self.settings, prompt=self._ask_from_thread)
        return self._workspace

    @property
    def main(self) -> MainScreen:
        from xnat_tui.tui.explorer.screen import MainScreen

        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def get_default_screen(self) -> MainScreen:
        from xnat_tui.tui.explorer.screen import MainScreen

        return MainScreen(self.glyphs, self.settings.keys)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(theme.variable_defaults(self.current_theme))

    def on_mount(self) -> None:
        self._leave_on_signals()
        self.loader.start()
        self.set_keymap(dict(self.settings.keys))
        self.set_class(bool(os.environ.get("NO_COLOR")), "-no-color")
        self.set_class(self.settings.ui.ascii, "-ascii")
        self.call_after_refresh(self._begin)

    def _leave_on_signals(self) -> None:
        """Told to end: leave as by `q`, the terminal restored. Without its terminal: only sign out, and end.

        Textual's own way out would wait for ever until a terminal that is gone has taken its last frames.
        """
        if self.is_headless:
            return
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end_when_told)
        signal.signal(signal.SIGHUP, self._end_without_terminal)

    def _end_when_told(self) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)  # a second one ends it at once
        self.exit(128 + signal.SIGTERM)

    def _end_without_terminal(self, number: int, _frame: FrameType | None) -> None:
        _sign_out(self._workspace)
        os._exit(128 + number)

    def _begin(self) -> None:
        """After the first paint: load the network's libraries in a thread, then open what was asked for."""

        def prepare() -> None:
            if self._prepare is not None:
                self._prepare()
            self.workspace  # noqa: B018  imports in this thread, while the screen stands

        self.main.begin(self._source, self._destination, prepared=self._prepare is not None)
        if unknown := unknown_ids(self.settings.keys):
            self.report(ConfigError(" ".join(["[keys] in config.toml:", *unknown]), "? lists every ID."))
        self.loader.submit(
            "begin", prepare, lambda _: self.main.open_first(self._source, self._destination), self.report
        )

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, theme.AsciiFilter()] if self.settings.ui.ascii else filters

    def report(self, error: XnatTuiError) -> None:
        """A failure in the background: a toast, and a line in the log panel."""
        text = "\n".join(part for part in (error.message, error.hint) if part)
        self.remember(f"{error.title}: {text}")
        self.tell(text, title=error.title, severity="error")

    def tell(self, text: str, *, title: str = "", severity: SeverityLevel = "information") -> None:
        """A toast, unless the same one is still shown."""
        said, now = clean_lines(text), time.monotonic()
        if now - self._told.get(said, -math.inf) > self.NOTIFICATION_TIMEOUT:
            self._told[said] = now
            self.notify(said, title=clean(title), severity=severity, markup=False)

    def remember(self, text: str) -> None:
        from datetime import datetime

        self.happened.append(f"{datetime.now().astimezone():%H:%M:%S}  {text}")
        del self.happened[:-200]

    def _ask_from_thread(self, question: str) -> str:
        """Ask for a password, or a user, on the screen while a loader's thread waits."""
        answered = threading.Event()
        answers: list[str] = []

        def ask() -> None:
            from xnat_tui.credentials import is_secret
            from xnat_tui.tui.panels.ask import AskText

            def take(answer: str | None) -> None:
                answers.append(answer or "")
                answered.set()

            self.push_screen(AskText("Sign in", question, hidden=is_secret(question), done="Sign in"), take)

        self.call_from_thread(ask)
        answered.wait()
        return answers[0]

    def start_demo(self) -> None:
        """Leave for the demo: the caller starts its servers and opens the explorer on them."""
        self.exit(DEMO_WANTED)

    def _fatal_error(self) -> None:
        """Show a traceback without locals: a password may be among them."""
        from rich.traceback import Traceback

        self.bell()
        self._exit_renderables.append(Traceback(show_locals=False, width=None))
        self._close_messages_no_wait()

    def action_redraw(self) -> None:
        """Paint everything anew, whatever something else wrote on the terminal."""
        from xnat_tui.tui.terminal.driver import DiffDriver

        if isinstance(self._driver, DiffDriver):
            self._driver.redraw()
        else:
            self.screen.refresh(layout=True)

    async def action_quit(self) -> None:
        self.main.action_do("quit_explorer")


DEMO_WANTED = 75
"""Exit code by which the explorer tells that the user chose the demo."""


_LEAVING_SECONDS = 3.0
"""How long signing out may take before the servers are left to end the sessions themselves."""


def run_explorer(
    source: str | None,
    destination: str | None,
    settings: Settings,
    prepare: Callable[[], None] | None = None,
) -> int:
    """Run until it is left; the exit code. What is under way on the network never holds it."""
    app = Explorer(source, destination, settings, prepare=prepare)
    code = app.run()
    _sign_out(app._workspace)
    return code if code is not None else (app.return_code or 0)


def _sign_out(workspace: Workspace | None) -> None:
    if workspace is not None:
        leaving = threading.Thread(target=workspace.close, name="leaving", daemon=True)
        leaving.start()
        leaving.join(_LEAVING_SECONDS)
