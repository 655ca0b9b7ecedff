"""The question for a file or folder of this machine: completed with tab, the last ones with the arrows."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.display import clean, fit
from xnat_tui.paths import state_folder, write_private
from xnat_tui.tui.panels.ask import AskText

_MOST_KEPT = 10
_FILE = "paths.json"
_CELLS = 62


class AskPath(AskText):
    """One path, or with `several` some of them as a shell would read them; a single one with blanks needs no
    quotes. What was answered is offered first the next time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", priority=True),
        Binding("up", "recall(1)", "Last ones"),
        Binding("down", "recall(-1)", show=False),
    ]
    DEFAULT_CSS = "AskPath #choices { color: $text-muted; height: auto; max-height: 2; }"
    several = False

    def body(self) -> list[Widget]:
        return [*super().body(), Static("", id="choices", markup=False)]

    def on_mount(self) -> None:
        self._last = recalled()
        self._at = -1

    def keys_entries(self) -> list[str]:
        return ["tab Complete", "up Last ones", *super().keys_entries()]

    def action_complete(self) -> None:
        """As far as the names that are there agree; where several are left, they are shown."""
        line = self.query_one(Input)
        line.value, left = completed(line.value, several=self.several)
        line.cursor_position = len(line.value)
        self.query_one("#choices", Static).update(fit(clean("  ".join(left)), _CELLS * 2))

    def action_recall(self, step: int) -> None:
        """What was answered before, the last one first."""
        if not self._last:
            return
        self._at = max(0, min(self._at + step, len(self._last) - 1))
        line = self.query_one(Input)
        line.value = self._last[self._at]
        line.cursor_position = len(line.value)

    def accept(self, answer: str) -> None:
        remember(answer)
        super().accept(answer)


class AskPaths(AskPath):
    """Several paths."""

    several = True


def completed(text: str, *, several: bool = False) -> tuple[str, list[str]]:
    """A text with its path longer, as far as that is sure, and the names that it may go on with."""
    before, path = "", text
    if several and " " in text and not _names(text):
        head, _, tail = text.rpartition(" ")
        before, path = f"{head} ", tail
    names = _names(path)
    if not names:
        return text, []
    common = os.path.commonprefix(names)  # noqa: RUF071  character by character is what is wanted
    whole = path[: len(path) - len(path.rpartition("/")[2])] + common
    if before and len(names) == 1 and " " in whole:
        whole = shlex.quote(whole)
    return before + whole, names if len(names) > 1 else []


def _names(text: str) -> list[str]:
    """What stands in the folder of a half-typed path and begins like it; folders with their slash."""
    folder, _, begun = text.rpartition("/")
    place = Path(f"{folder}/" if "/" in text else ".")
    with suppress(OSError, RuntimeError):  # no such user, no such folder, not allowed
        found = [
            f"{one.name}/" if one.is_dir() else one.name
            for one in os.scandir(place.expanduser())
            if one.name.startswith(begun) and (begun.startswith(".") or not one.name.startswith("."))
        ]
        return sorted(found)
    return []


def paths_of(text: str) -> list[Path]:
    """The paths of an answer: one that is there as it stands, blanks and all, or else as a shell would read
    them."""
    alone = Path(text.strip()).expanduser()
    if text.strip() and alone.exists():
        return [alone]
    try:
        words: Sequence[str] = shlex.split(text)
    except ValueError:
        words = [text]
    return [Path(word).expanduser() for word in words]


def recalled() -> list[str]:
    """The last answers, the newest first; none where they cannot be read."""
    with suppress(OSError, ValueError):
        found = json.loads((state_folder() / _FILE).read_text(encoding="utf-8"))
        if isinstance(found, list):
            return [one for one in found if isinstance(one, str)][:_MOST_KEPT]
    return []


def remember(answer: str) -> None:
    """Offer it first the next time. A state folder that cannot be written to only forgets."""
    kept = [answer, *(one for one in recalled() if one != answer)][:_MOST_KEPT]
    with suppress(OSError):
        write_private(state_folder() / _FILE, json.dumps(kept))
