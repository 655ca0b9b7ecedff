"""Where configuration and state live, and how private files are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_NAME = "xnat-tui"


def config_folder() -> Path:
    """The folder of `config.toml`: `$XNAT_TUI_CONFIG`, or the platform's. Not created here."""
    if chosen := os.environ.get("XNAT_TUI_CONFIG"):
        return Path(chosen).expanduser()
    from platformdirs import user_config_path

    return user_config_path(_NAME, appauthor=False)


def state_folder() -> Path:
    """The folder of jobs, caches, logs and tokens: `$XNAT_TUI_STATE`, or the platform's. Not created here."""
    if chosen := os.environ.get("XNAT_TUI_STATE"):
        return Path(chosen).expanduser()
    from platformdirs import user_state_path

    return user_state_path(_NAME, appauthor=False)


def private_folder(path: Path) -> Path:
    """Create the folder, and what is missing above it, for this user only (0700); an existing one is kept."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file at once or not at all, readable by this user only (0600). A link keeps being a link.

    Raises OSError; the old file is then untouched.
    """
    target = path.resolve()
    private_folder(target.parent)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
