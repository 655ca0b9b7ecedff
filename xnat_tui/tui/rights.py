"""What nothing can be written to, and why: marks in the configuration, and what servers tell of the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_tui.errors import XnatTuiError
from xnat_tui.tui.loader import Loader

if TYPE_CHECKING:
    from xnat_tui.services.workspace import Workspace


class Rights:
    """The one place that says no: to the screen, its menus, panels and plans, and to the queue.

    Denials are certain: what could not be asked, or is not told, is no denial. They are asked for in the
    background, once per project, when they are first wanted.
    """

    def __init__(self, workspace: Callable[[], Workspace], loader: Loader) -> None:
        self._workspace = workspace
        self._loader = loader
        self._denials: dict[tuple[str, str, str], str] = {}
        """By server, user and project; "" where writing may be allowed."""

    def refusal(self, server: str, project: str = "") -> str:
        """Why nothing can be written to a server, or a project by its ID, in words; "" where it may be.

        Needs no request: what was not asked yet is no refusal.
        """
        workspace = self._workspace()
        if workspace.server(server).read_only:
            return f"{server} is marked read-only here."
        if not project or not self._denials or not workspace.signed_in(server):
            return ""
        return self._denials.get(self._key(server, project), "")

    def ask(self, server: str, project: str, told: Callable[[], None]) -> None:
        """Ask, unless that was done before; `told` is called when the answer is there."""
        workspace = self._workspace()
        if not project or not workspace.signed_in(server) or self._key(server, project) in self._denials:
            return

        def read() -> str:
            from xnat_tui.services.transfers.preflight import rights

            found = rights(workspace.connection(server), project, creates=False)
            return next((one.message for one in found if one.severity == "error"), "")

        def take(denial: str) -> None:
            self._denials[self._key(server, project)] = denial
            told()

        self._loader.submit(("rights", server, project), read, take, _not_told)

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Somebody's role has changed on the servers that are meant: ask again."""
        self._denials = {key: denial for key, denial in self._denials.items() if not is_meant(key[0])}

    def _key(self, server: str, project: str) -> tuple[str, str, str]:
        return server, self._workspace().connection(server).user, project


def _not_told(_: XnatTuiError) -> None:
    """Nothing is greyed then: the server decides."""
