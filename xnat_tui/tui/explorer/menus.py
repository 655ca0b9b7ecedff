"""What can be done: help, the two menus of actions, and panels that belong to no row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xnat_tui.tui.action import Action
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.explorer.situation import ask_rights, situation
from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.terminal.key_names import key_names

if TYPE_CHECKING:
    from xnat_tui.tui.panels.servers import Opened

_MENU = ("transfer", "panel", "copy", "compare")
"""Areas that the actions menu shows, in this order, behind every action that writes."""


class Menus:
    """Servers, help, and the two menus of actions."""

    def __init__(self, context: Context, panes: Panes, places: Places, actions: Sequence[Action]) -> None:
        """`actions` with the keys that the user gave them."""
        self._context = context
        self._panes = panes
        self._places = places
        self._actions = actions

    def servers(self) -> None:
        from xnat_tui.tui.panels.servers import ServersPanel

        def answered(opened: Opened | None) -> None:
            if opened is not None:
                pane = self._panes.destination if opened.right else self._panes.source
                self._panes.activate(pane)
                self._places.open_text(pane, f"{opened.server}:")
            self._places.renew()

        workspace = self._context.workspace
        panel = ServersPanel(
            workspace, right=self._panes.active.right, demo_offered=not workspace.settings.servers
        )
        self._context.ask(panel, answered)

    def help(self) -> None:
        from xnat_tui.tui.panels.help import HelpPanel, main_keys

        now = situation(self._context, self._panes)
        keys = list(main_keys(self._actions, now, self._context.settings.keys))
        self._context.ask(HelpPanel("Keys", keys))

    async def redraw(self) -> None:
        await self._context.app.run_action("app.redraw")

    def actions_menu(self) -> None:
        self._offer(f"Actions · {self._panes.chosen_words()}", self._menu)

    def palette(self) -> None:
        self._offer("Commands", self._palette)

    def _offer(self, title: str, choices: Callable[[], list[Choice]]) -> None:
        """A menu at once, and again when it is known what the user may write to."""
        panel = AskChoice(title, choices())

        def told() -> None:
            if panel.is_attached:
                panel.call_after_refresh(lambda: panel.offer(choices()))  # its widgets stand then

        self._context.ask(panel, self._do_chosen)
        ask_rights(self._context, self._panes, told)

    def _menu(self) -> list[Choice]:
        now = situation(self._context, self._panes)
        choices = []
        shown = [action for action in self._actions if action.writes or action.area in _MENU]
        shown.sort(key=lambda action: (not action.writes, _MENU.index(action.area)))
        for action in shown:
            refusal = action.why_not(now)
            text = f"{key_names(action.keys):<6} {action.label}"
            said = refusal.partition(": ")[2]
            choices.append(Choice(action.id, text, f"not now: {said}" if said else action.help, refusal))
        return choices

    def _palette(self) -> list[Choice]:
        now = situation(self._context, self._panes)
        return [
            Choice(
                action.id,
                f"{action.area}: {action.verb}",
                f"{key_names(action.keys):<8} {action.help}",
                action.why_not(now),
            )
            for action in self._actions
            if action.id != "app.palette"
        ]

    def _do_chosen(self, action: str | None) -> None:
        if action:
            self._context.main.action_do(action)
