"""The key: what replaces UIDs and labels and shifts dates, the same in every run and for nobody without it.

A key file has one line. It is the user's: it is never sent, logged or shown, and whoever has it can find out
which new UID stands for an old one that he guesses.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.errors import ConfigError, UsageError
from xnat_tui.paths import create_private, open_to_others

_FIRST = "xnat-tui-key-1 "
_BYTES = 32
MOST_DAYS = 3650
"""By which a date is shifted into the past; at least one."""


@dataclass(frozen=True, slots=True)
class Key:
    """Answers what stands for what. Two keys agree about nothing."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """By which two runs can tell that they have one key; it says nothing about it."""
        return self._digest("fingerprint", "").hex()[:16]

    def uid(self, old: str) -> str:
        """A UID below 2.25 (PS3.5 B.2), at most 44 characters."""
        return f"2.25.{int.from_bytes(self._digest('uid', old)[:16])}"

    def days(self, subject: str) -> int:
        """By how many days each date of a subject goes back, 1 to MOST_DAYS."""
        return 1 + int.from_bytes(self._digest("days", subject)[:8]) % MOST_DAYS

    def name(self, old: str) -> str:
        """What a file is called that was called otherwise: twenty hexadecimal digits."""
        return self._digest("file", old).hex()[:20]

    def label(self, old: str) -> str:
        """What stands for a subject that was given no label: `ANON-` and twelve hexadecimal digits."""
        return f"ANON-{self._digest('label', old).hex()[:12].upper()}"

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.new(self.secret, f"{purpose}:{text}".encode(), hashlib.sha256).digest()


def new_key() -> Key:
    """One that nobody else has."""
    return Key(secrets.token_bytes(_BYTES))


def read_key(path: Path) -> Key:
    """The key in a file. Raises UsageError where there is none, and ConfigError where others than its owner
    can read it or it holds no key."""
    path = path.expanduser()
    try:
        if open_to_others(path):
            raise ConfigError(f"{path} can be read by others than you.", f"chmod 600 {path}")
        with path.open(encoding="ascii") as file:
            words = file.read(4096).strip()
    except FileNotFoundError:
        raise UsageError(f"There is no key file {path}.", "Make one with --new-key.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}.") from None
    try:
        secret = bytes.fromhex(words.removeprefix(_FIRST))
    except ValueError:
        secret = b""
    if not words.startswith(_FIRST) or len(secret) != _BYTES:
        raise ConfigError(f"{path} holds no key.", "Name the file that was made for this, or another place.")
    return Key(secret)


def create_key(path: Path) -> Key:
    """A new key in a new file (0600). Raises UsageError where something is there already, ConfigError where
    no file can be made."""
    key = new_key()
    path = path.expanduser()
    try:
        create_private(path, f"{_FIRST}{key.secret.hex()}\n")
    except FileExistsError:
        raise UsageError(f"{path} is there already.", "Use it as it is, or name another file.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None
    return key


def open_key(path: Path | None, new: bool = False) -> Key | None:
    """The key of a file, made first with `new`; None where no file is named. Raises as both do."""
    if path is None:
        if new:
            raise UsageError("A new key needs a file.", "Name it with --key FILE.")
        return None
    return create_key(path) if new else read_key(path)
