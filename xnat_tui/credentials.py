"""Who signs in where: found in a fixed order, shown nowhere.

1. `XNAT_TUI_PASSWORD_NAME`, NAME the saved server's name in capitals, `_` for what is no letter or digit
2. `XNAT_USER` and `XNAT_PASS`, when `XNAT_HOST` is the server's address
3. an alias token saved by `server login`
4. netrc (`$NETRC` or `~/.netrc`): machine `host:port`, then `host`
5. the system keyring, where the `keyring` package is installed: service = the server's address
6. a prompt, where there is somebody to ask
"""

from __future__ import annotations

import hmac
import importlib
import importlib.util
import json
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from xnat_tui import logs
from xnat_tui.config import Server
from xnat_tui.errors import ConfigError, SignInFailed
from xnat_tui.model.location import same_address
from xnat_tui.paths import open_to_others, private_folder, state_folder, write_private

_log = logging.getLogger(__name__)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Secret:
    """A password or a token's secret. Only `reveal()` shows it; it cannot be pickled by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        logs.conceal(value)

    def reveal(self) -> str:
        """The text itself, for the one call that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled; hand it over with reveal() where it must go.")


@dataclass(frozen=True, slots=True)
class Credential:
    """What to sign in with. `origin` says in words where it was found; a token's user is its alias."""

    user: str
    secret: Secret
    origin: str
    is_token: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An alias token saved on this machine, still valid by its own date."""

    user: str
    """Whose token it is; "" unknown."""
    alias: str
    secret: Secret
    expires: datetime


def find(
    server: Server, prompt: Callable[[str], str] | None = None, *, saved_token: bool = True
) -> Credential | None:
    """The first credential in the order above; None means guest: no user is known and nothing was found.

    `prompt` gets a question and returns what was typed, unseen; without it nobody is asked. Where the address
    is not saved it is asked for the user first.
    `saved_token=False` passes over step 3.
    Raises SignInFailed when a user is known and nothing was found, ConfigError for a source that is broken.
    """
    found = _from_own_variable(server) or _from_xnat_variables(server)
    if found is None and saved_token:
        found = _from_saved_token(server)
    found = found or _from_netrc(server) or _from_keyring(server)
    user = server.user
    if found is None and not user and prompt and "://" in server.name:
        user = prompt(user_question(server.name)).strip()
    if found is not None or not user:
        return found
    typed = prompt(f"Password of {user} at {server.name}") if prompt else ""
    if not typed:
        raise SignInFailed(f"No password or token was found for {user} at {server.name}.", _hint(server))
    return Credential(user, Secret(typed), "the prompt", _is_alias(user))


def user_question(name: str) -> str:
    """Asks who signs in at an address that is not saved; an empty answer means guest."""
    return f"User at {name}"


def is_secret(question: str) -> bool:
    """Whether the answer must not be seen while it is typed."""
    return not question.startswith("User at ")


def _hint(server: Server) -> str:
    if "://" in server.name:
        save = f"xnat-tui server add NAME {server.url} --user USER"
        return f"Save it: {save}, or set XNAT_HOST, XNAT_USER and XNAT_PASS."
    return f"Run: xnat-tui server login {server.name}, or set {password_variable(server.name)}."


def password_variable(name: str) -> str:
    """The environment variable that carries a saved server's password."""
    return "XNAT_TUI_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def save_token(server: Server, alias: str, secret: str, expires: datetime) -> None:
    """Keep an alias token in a file of mode 0600, in place of the one before. `expires` is time-zone aware.

    Raises ConfigError when the state folder cannot be written.
    """
    document = {
        "url": server.url,
        "user": server.user,
        "alias": alias,
        "secret": secret,
        "expires": expires.astimezone(UTC).isoformat(timespec="seconds"),
    }
    file = _token_file(server)
    try:
        private_folder(file.parent)
        write_private(file, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            f"The token file {file} cannot be written: {error.strerror}.",
            "Choose another state folder with XNAT_TUI_STATE.",
        ) from None


def token(server: Server) -> Token | None:
    """The saved alias token; None without one, or when it expired or is of another address or user.

    Raises ConfigError when the file cannot be read, is damaged, or is open to other users.
    """
    file = _token_file(server)
    hint = f"Sign in again with: xnat-tui server login {server.name}"
    try:
        _refuse_open(file, "The token file ")
        document = json.loads(file.read_text(encoding="utf-8"))
        url, user = str(document["url"]), str(document["user"])
        expires = datetime.fromisoformat(document["expires"])
        found = Token(user, str(document["alias"]), Secret(str(document["secret"])), expires)
        expired = expires <= datetime.now(UTC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"The token file {file} cannot be read: {error.strerror}.", hint) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"The token file {file} is damaged.", hint) from None
    if expired or not same_address(url, server.url) or (server.user and user not in ("", server.user)):
        return None
    return found


def forget_token(server: Server) -> bool:
    """Delete the saved token on this machine only. Whether there was a file."""
    file = _token_file(server)
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(
            f"The token file {file} cannot be deleted: {error.strerror}.", "Look at the rights of its folder."
        ) from None
    return True


def _token_file(server: Server) -> Path:
    return state_folder() / "tokens" / (re.sub(r"[^A-Za-z0-9._-]", "_", server.name) + ".json")


def _is_alias(user: str) -> bool:
    """An alias token's name is a UUID; XNAT's own containers get theirs as XNAT_USER and XNAT_PASS."""
    return _UUID.fullmatch(user) is not None


def _from_own_variable(server: Server) -> Credential | None:
    variable = password_variable(server.name)
    password = os.environ.get(variable)
    if not password:
        return None
    if not server.user:
        raise ConfigError(
            f"{variable} is set, but no user is saved for {server.name}.",
            f'Add a line to [servers.{server.name}] in config.toml: user = "..."',
        )
    return Credential(server.user, Secret(password), variable, _is_alias(server.user))


def _from_xnat_variables(server: Server) -> Credential | None:
    host, user, password = (os.environ.get(name, "") for name in ("XNAT_HOST", "XNAT_USER", "XNAT_PASS"))
    if not (host and user and password and same_address(host, server.url)):
        return None
    return Credential(user, Secret(password), "XNAT_USER and XNAT_PASS", _is_alias(user))


def _from_saved_token(server: Server) -> Credential | None:
    saved = token(server)
    return Credential(saved.alias, saved.secret, "the saved token", is_token=True) if saved else None


def _refuse_open(file: Path, what: str = "") -> None:
    """Raises ConfigError for a file with secrets that other users can read, OSError without one."""
    if open_to_others(file):
        raise ConfigError(f"{what}{file} is open to other users.", f"Run: chmod 600 {file}")


def _from_netrc(server: Server) -> Credential | None:
    """An entry for another user than the saved one is not this user's password, and is passed over.

    A file that others can read is refused like a token file, where its password would be used.
    """
    import netrc

    file = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        hosts = netrc.netrc(str(file)).hosts
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}.", "Look at its rights, or set NETRC to another file."
        ) from None
    except netrc.NetrcParseError as error:
        # Its message quotes the file, which is full of passwords; the line number is enough.
        raise ConfigError(
            f"{file} cannot be read as netrc: line {error.lineno}.", "Correct that line."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None
    parts = urlsplit(server.url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    for machine in (f"{parts.hostname}:{port}", parts.hostname or ""):
        login, _, password = hosts.get(machine, ("", "", ""))
        user = login or server.user
        if password and user and server.user in ("", user):
            _refuse_open(file)
            return Credential(user, Secret(password), str(file), _is_alias(user))
    return None


def _from_keyring(server: Server) -> Credential | None:
    if importlib.util.find_spec("keyring") is None:
        return None
    keyring = importlib.import_module("keyring")
    errors = importlib.import_module("keyring.errors")
    try:
        found = keyring.get_credential(server.url, server.user or None)
    except errors.NoKeyringError:
        return None
    except errors.KeyringError as error:
        _log.warning("The system keyring gave no answer (%s); going on without it.", type(error).__name__)
        return None
    if found is None or not found.username or not found.password:
        return None
    return Credential(found.username, Secret(found.password), "the system keyring", _is_alias(found.username))
