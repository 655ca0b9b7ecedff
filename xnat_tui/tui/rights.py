"""What the user may not write to: asked for in the background, once per project, when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_tui.errors import XnatTuiError

if TYPE_CHECKING:
    from xnat_tui.tui.app import Explorer


class Rights:
    """Denials that are certain. What could not be asked, or is not told, is no denial."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._denials: dict[tuple[str, str, str], str] = {}
        """By server, user and project; "" where writing may be allowed."""

    def denial(self, server: str, project: str) -> str:
        """Why this user cannot write to a project, in words, as far as it was asked."""
        if not self._denials or not self._explorer.workspace.signed_in(server):
            return ""
        return self._denials.get(self._key(server, project), "")

    def ask(self, server: str, project: str, told: Callable[[], None]) -> None:
        """Ask, unless that was done before; `told` is called when the answer is there."""
        workspace = self._explorer.workspace
        if not project or not workspace.signed_in(server) or self._key(server, project) in self._denials:
            return

        def read() -> str:
            from xnat_tui.services.transfers.preflight import rights

            found = rights(workspace.connection(server), project, creates=False)
            return next((one.message for one in found if one.severity == "error"), "")

        def take(denial: str) -> None:
            self._denials[self._key(server, project)] = denial
            told()

        self._explorer.loader.submit(("rights", server, project), read, take, _not_told)

    def _key(self, server: str, project: str) -> tuple[str, str, str]:
        return server, self._explorer.workspace.connection(server).user, project


def _not_told(_: XnatTuiError) -> None:
    """Nothing is greyed then: the server decides."""
