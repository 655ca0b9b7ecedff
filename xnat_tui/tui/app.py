"""The explorer: signals, theme and driver around the main screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType

from xnat_tui.config import Settings
from xnat_tui.errors import ConfigError
from xnat_tui.tui.actions import unknown_ids
from xnat_tui.tui.context import Context, ContextApp
from xnat_tui.tui.keys_in_order import KeysInOrder
from xnat_tui.tui.terminal import theme

if TYPE_CHECKING:
    from textual.filter import LineFilter

    from xnat_tui.services.workspace import Workspace
    from xnat_tui.tui.explorer.screen import MainScreen


class Explorer(ContextApp):
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
        self.keys_in_order = KeysInOrder(self, super().on_event)
        self.context = Context(self, settings, self._ask_from_thread, self.keys_in_order)
        self._source, self._destination = source, destination
        self._prepare = prepare
        if settings.ui.theme:
            self.theme = settings.ui.theme
        elif os.environ.get("TERM") in ("linux", "vt100", "vt220") or no_color:
            self.theme = "ansi-dark"

    @property
    def main(self) -> MainScreen:
        from xnat_tui.tui.explorer.screen import MainScreen

        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def get_default_screen(self) -> MainScreen:
        from xnat_tui.tui.explorer.screen import MainScreen

        return MainScreen(self.context)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(theme.variable_defaults(self.current_theme))

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self.keys_in_order.take(event)
        else:
            await super().on_event(event)

    def push_screen(self, *arguments: Any, **named: Any) -> Any:
        """As Textual's; keys that were pressed before are not for this screen unless one asked for it."""
        pushed = super().push_screen(*arguments, **named)
        self.keys_in_order.turned()
        return pushed

    def pop_screen(self) -> AwaitComplete:
        popped = super().pop_screen()
        self.keys_in_order.turned()
        return popped

    def on_mount(self) -> None:
        self._leave_on_signals()
        self.context.loader.start()
        self.set_keymap(dict(self.context.settings.keys))
        self.set_class(bool(os.environ.get("NO_COLOR")), "-no-color")
        self.set_class(self.context.settings.ui.ascii, "-ascii")
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
        _sign_out(self.context.made_workspace)
        os._exit(128 + number)

    def _begin(self) -> None:
        """After the first paint: load the network's libraries in a thread, then open what was asked for."""

        def prepare() -> None:
            if self._prepare is not None:
                self._prepare()
            self.context.workspace  # noqa: B018  imports in this thread, while the screen stands

        self.main.begin(self._source, self._destination, prepared=self._prepare is not None)
        if unknown := unknown_ids(self.context.settings.keys):
            error = ConfigError(" ".join(["[keys] in config.toml:", *unknown]), "? lists every ID.")
            self.context.report(error)
        self.context.run("begin", prepare, lambda _: self.main.open_first(self._source, self._destination))

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, theme.AsciiFilter()] if self.context.settings.ui.ascii else filters

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

            with self.keys_in_order.by_itself():
                self.push_screen(
                    AskText("Sign in", question, hidden=is_secret(question), done="Sign in"), take
                )

        self.call_from_thread(ask)
        answered.wait()
        return answers[0]

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

    def action_panel_help(self) -> None:
        from xnat_tui.tui.panels.help import HelpPanel
        from xnat_tui.tui.panels.panel import Panel

        if isinstance(self.screen, Panel):
            self.push_screen(HelpPanel(*self.screen.help_lines()))

    async def action_quit(self) -> None:
        self.main.action_do("app.quit")


_TURN_SECONDS = 0.0002
"""After so long a thread that computes lets the screen's have the interpreter, if that wants it.

A key press changes hands some five times, between the terminal's reader, the screen and the terminal's
writer, and waits for a comparison's thread each time: for up to 5 ms, were it left as Python has it.
"""
_LEAVING_SECONDS = 3.0
"""How long signing out may take before the servers are left to end the sessions themselves."""


def run_explorer(
    source: str | None,
    destination: str | None,
    settings: Settings,
    prepare: Callable[[], None] | None = None,
) -> int:
    """Run until it is left; the exit code. What is under way on the network never holds it."""
    sys.setswitchinterval(_TURN_SECONDS)
    app = Explorer(source, destination, settings, prepare=prepare)
    code = app.run()
    if prepare is None:  # the demo's servers go with it
        remember_places(app.context)
    _sign_out(app.context.made_workspace)
    return code if code is not None else (app.return_code or 0)


def remember_places(context: Context) -> None:
    """Keep what the panes show for the next time; where that cannot be written, it is as if it never was."""
    from xnat_tui.services.last_places import remember
    from xnat_tui.tui.explorer.screen import MainScreen

    main = getattr(context, "main", None)
    if not isinstance(main, MainScreen):  # it ended before anything was shown
        return
    roots = [pane.root for pane in main.panes]
    with suppress(OSError):
        remember(*(str(root.location) if root is not None else None for root in roots))


def _sign_out(workspace: Workspace | None) -> None:
    if workspace is not None:
        leaving = threading.Thread(target=workspace.close, name="leaving", daemon=True)
        leaving.start()
        leaving.join(_LEAVING_SECONDS)
