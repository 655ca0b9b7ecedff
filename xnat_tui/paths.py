"""Where configuration and state live, and how private files are written."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

_NAME = "xnat-tui"
_READABLE = 0o644


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


def write_private(path: Path, text: str, *, readable: bool = False) -> None:
    """Replace a file at once or not at all, readable by this user only (0600), or with `readable` by all
    (0644), whatever mode it had. A link keeps being a link.

    Raises OSError; the old file is then untouched.
    """
    target = path.resolve()
    private_folder(target.parent)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.write(text)
            stream.flush()
            if readable:
                os.fchmod(handle, _READABLE)
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def create_private(path: Path, content: str | bytes, *, readable: bool = False) -> None:
    """As `write_private`, for a file that must not be there yet. Raises OSError; nothing is left then."""
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            if readable:
                os.fchmod(handle, _READABLE)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def open_to_others(path: Path) -> bool:
    """Whether a file's mode lets its group or others at it. Raises OSError."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
