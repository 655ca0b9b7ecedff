"""Which key was used for which destination: with another, one person would become two there.

What is kept says nothing about a key but whether it is the same.
"""

from __future__ import annotations

import json
from pathlib import Path

from xnat_tui.errors import ConfigError, Conflict
from xnat_tui.paths import state_folder, write_private
from xnat_tui.services.deidentifying.keys import Key


def check_key(destination: str, key: Key) -> None:
    """Raises Conflict where another key was used for this project or folder, ConfigError where that cannot be
    read."""
    used = _read().get(destination, "")
    if used and used != key.fingerprint:
        raise Conflict(
            f"The key is not the one that was used for {destination} before: UIDs, names and dates would "
            "change.",
            f"Use that key, or another destination. Where it is lost: remove the line in {_place()}.",
        )


def remember_key(destination: str, key: Key) -> None:
    """Note which key is used from now on. Raises ConfigError where it cannot be written."""
    known = _read()
    if known.get(destination) == key.fingerprint:
        return
    known[destination] = key.fingerprint
    try:
        write_private(_place(), json.dumps(known, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise ConfigError(f"{_place()} cannot be written: {error.strerror}.") from None


def _place() -> Path:
    return state_folder() / "deidentified.json"


def _read() -> dict[str, str]:
    try:
        found = json.loads(_place().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{_place()} cannot be read: {type(error).__name__}.") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{_place()} is not what this program wrote.", "Remove it, or restore it.")
    return {str(name): str(value) for name, value in found.items()}
