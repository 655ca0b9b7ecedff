"""Panels over the trees that belong to no row: one `do_…` each, named in the table of actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.terminal.key_names import key_names

if TYPE_CHECKING:
    from xnat_tui.tui.explorer.screen import MainScreen
    from xnat_tui.tui.panels.servers import Opened

_MENU = ("transfer", "panel", "copy", "compare")
"""Areas that the actions menu shows, in this order, behind every action that writes."""


class Panels:
    """Servers, help, the log, and the two menus of actions."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def do_servers(self) -> None:
        from xnat_tui.tui.panels.servers import ServersPanel

        screen = self._screen

        def answered(opened: Opened | None) -> None:
            if opened is not None:
                pane = screen.destination if opened.right else screen.source
                screen.activate(pane)
                screen.opening.open_text(pane, f"{opened.server}:")
            screen.opening.renew()

        workspace = screen.explorer.workspace
        panel = ServersPanel(
            workspace, right=screen.active.right, demo_offered=not workspace.settings.servers
        )
        screen.app.push_screen(panel, answered)

    def do_help(self) -> None:
        from xnat_tui.tui.panels.help import HelpPanel, main_keys

        screen = self._screen
        keys = list(main_keys(screen.actions, screen.situation(), screen.explorer.settings.keys))
        screen.app.push_screen(HelpPanel("Keys", keys))

    def do_show_log(self) -> None:
        from xnat_tui.tui.panels.log import LogPanel

        self._screen.app.push_screen(LogPanel(self._screen.explorer.happened))

    def do_actions_menu(self) -> None:
        self._offer(f"Actions · {self._screen.chosen_words()}", self._menu)

    def do_palette(self) -> None:
        self._offer("Commands", self._palette)

    def _offer(self, title: str, choices: Callable[[], list[Choice]]) -> None:
        """A menu at once, and again when it is known what the user may write to."""
        panel = AskChoice(title, choices())

        def told() -> None:
            if panel.is_attached:
                panel.call_after_refresh(lambda: panel.offer(choices()))  # its widgets stand then

        self._screen.app.push_screen(panel, self._do_chosen)
        self._screen.ask_rights(told)

    def _menu(self) -> list[Choice]:
        now = self._screen.situation()
        choices = []
        shown = [action for action in self._screen.actions if action.writes or action.area in _MENU]
        shown.sort(key=lambda action: (not action.writes, _MENU.index(action.area)))
        for action in shown:
            refusal = action.why_not(now)
            text = f"{key_names(action.keys):<6} {action.label}"
            said = refusal.partition(": ")[2]
            choices.append(Choice(action.method, text, f"not now: {said}" if said else action.help, refusal))
        return choices

    def _palette(self) -> list[Choice]:
        now = self._screen.situation()
        return [
            Choice(
                action.method,
                f"{action.area}: {action.verb}",
                f"{key_names(action.keys):<8} {action.help}",
                action.why_not(now),
            )
            for action in self._screen.actions
            if action.method != "palette"
        ]

    def _do_chosen(self, method: str | None) -> None:
        if method:
            self._screen.action_do(method)
