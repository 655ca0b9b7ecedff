"""What this program has renamed, or began to: the proof that an item of a new label is the one of the old.

A label that is free and another that is taken prove nothing: the new one may have been another item's from
the first. XNAT itself keeps no former labels, so they are kept here, one JSON document a line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from xnat_tui.errors import ConfigError
from xnat_tui.model.entities import Item
from xnat_tui.model.location import same_address
from xnat_tui.paths import private_folder, state_folder


def record_file() -> Path:
    """Where renames are kept: `renames.jsonl` in the state folder."""
    return state_folder() / "renames.jsonl"


class RenameRecord:
    """Renames on one server, by accession ID. Written before a rename is sent: it may end unheard."""

    def __init__(self, url: str, file: Path | None = None) -> None:
        self._url = url
        self._file = file or record_file()

    def keep(self, item: Item, label: str) -> None:
        """Keep that this item is about to be renamed. Raises ConfigError where it cannot be kept."""
        entry = {"url": self._url, "kind": str(item.kind), "id": item.id, "old": item.key, "new": label}
        try:
            private_folder(self._file.parent)
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise ConfigError(
                f"{self._file} cannot be written: {error.strerror}. Nothing was renamed.",
                "Look at the space and the rights there, or set another state folder in XNAT_TUI_STATE.",
            ) from None

    def has(self, item: Item, former: str) -> bool:
        """Whether the item, which has its new label now, was to get it when it was called `former`.

        Raises ConfigError where the record cannot be read.
        """
        wanted = {"kind": str(item.kind), "id": item.id, "old": former, "new": item.key}
        return any(
            same_address(str(entry.get("url", "")), self._url)
            and all(entry.get(name) == value for name, value in wanted.items())
            for entry in self._entries()
        )

    def _entries(self) -> list[dict[str, object]]:
        try:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(
                f"{self._file} cannot be read: {error.strerror}.", "Look at the rights there."
            ) from None
        return [entry for line in lines if isinstance(entry := _parsed(line), dict)]


def _parsed(line: str) -> object:
    """None for a line that a stopped process left half written: it proves nothing."""
    try:
        return json.loads(line)
    except ValueError:
        return None
