"""The two places that the explorer showed last: it opens them again when it is called without any."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from xnat_tui.config import Settings
from xnat_tui.paths import state_folder, write_private

NONE: tuple[str | None, str | None] = (None, None)


def last_places_file() -> Path:
    """One list of two locations or nulls. Labels may be in it, so that it is private (0600)."""
    return state_folder() / "last_places.json"


def remember(source: str | None, destination: str | None) -> None:
    """Keep what the panes show; where neither shows anything, what was kept stays. Raises OSError."""
    if source is not None or destination is not None:
        write_private(last_places_file(), json.dumps([source, destination]))


def last_places(settings: Settings) -> tuple[str | None, str | None]:
    """What was kept, as far as the servers are still saved; a file that says something else says nothing."""
    try:
        kept = json.loads(last_places_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return NONE
    if not isinstance(kept, Sequence) or len(kept) != len(NONE):
        return NONE
    source, destination = (_still(place, settings) for place in kept)
    return source, destination


def _still(place: object, settings: Settings) -> str | None:
    if not isinstance(place, str):
        return None
    return place if place.partition(":")[0] in settings.servers else None
