"""Paths of this machine as people type them: completed, read, and the last ones remembered."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xnat_tui.paths import state_folder, write_private

_MOST_KEPT = 10
_FILE = "paths.json"


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
