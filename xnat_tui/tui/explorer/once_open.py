"""What a key asked for while panes were still opening: it is done as soon as they have opened."""

from __future__ import annotations

from collections.abc import Callable

from xnat_tui.model.entities import Kind
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes


class OnceOpen:
    """Holds one wish at most; another one, `esc`, or a pane that cannot be opened ends it."""

    def __init__(self, context: Context, panes: Panes) -> None:
        self._context = context
        self._panes = panes
        self._wish: Callable[[], None] | None = None
        self._name = ""
        self.begun = False
        """Whether the program has come to opening what it was called with."""

    @property
    def opening(self) -> bool:
        return not self.begun or any(_opens(pane) for pane in self._panes)

    def wish(self, name: str, do: Callable[[], None]) -> None:
        """Have something done later. `name` is what it is called, for the user."""
        self._wish, self._name = do, name
        self._context.say(f"{name}: begins when both panes have opened; esc gives it up.", lasting=True)

    def give_up(self) -> bool:
        """Forget the wish; False where there was none."""
        if self._wish is None:
            return False
        self._wish = None
        self._context.say(f"{self._name} was given up.")
        return True

    def look(self) -> None:
        """Do what was wished for, if the panes are open by now."""
        if self._wish is None or self.opening:
            return
        do, self._wish = self._wish, None
        if any(pane.root is None for pane in self._panes):
            self._context.say(f"{self._name}: a pane could not be opened.")
        else:
            self._context.main.say("")
            do()


def _opens(pane: Pane) -> bool:
    """A server is open when its projects are there: which one is meant, is where the cursor stands then."""
    if pane.opening or pane.model is None or pane.root is None:
        return pane.opening
    root = pane.model.root
    return pane.root.kind is Kind.SERVER and root.children is None and root.error is None
