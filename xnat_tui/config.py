"""`config.toml`: saved servers, keys, what a comparison leaves out, the look of the explorer.

[servers.lab]
url = "https://xnat.example.org"
user = "jdoe"
verify = true                 # or false, or a CA file
read_only = false
connections = 8
event_reason = "Study amendment 3"   # sent with every change; some sites ask for one
timezone = "Europe/London"    # of the times that it writes; without it this machine's

[keys]
"tree.mark" = "space,insert"

[compare]
neutral_fields = ["xnat:mrSessionData/note"]

[ui]
theme = "nord"
ascii = false
diff_driver = true
images = "auto"               # or kitty, sixel, blocks: what pictures are drawn with
bell = false                  # true: the terminal's bell tells that a long transfer has ended

[bookmarks]
pilot = "lab:PILOT/S001"

[syncs.nightly]
source = "lab:BRAINS"
destination = "qc:BRAINS"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from xnat_tui.errors import ConfigError
from xnat_tui.model.location import same_address, unsaved_hint
from xnat_tui.paths import config_folder, write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SECRET = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_EMPTY: Mapping[str, Any] = MappingProxyType({})
_T = TypeVar("_T")
MAX_CONNECTIONS = 64
IMAGES = ("auto", "kitty", "sixel", "blocks")


@dataclass(frozen=True, slots=True)
class Server:
    """One XNAT as saved. `url` has no closing slash; `verify` is a switch or the path of a CA file."""

    name: str
    url: str
    user: str = ""
    verify: bool | Path = True
    read_only: bool = False
    connections: int = 8
    """How many requests may be under way at once."""
    event_reason: str = ""
    """What is written into the audit trail of each change; sites with `requireChangeJustification` refuse
    changes without."""
    timezone: str = ""
    """The IANA name of the zone that its times are written in; "" is this machine's."""

    def insecure(self) -> Server:
        """The same with its TLS certificate unchecked."""
        return replace(self, verify=False)


@dataclass(frozen=True, slots=True)
class Ui:
    """The look of the explorer. An empty theme leaves the choice to the program."""

    theme: str = ""
    ascii: bool = False
    diff_driver: bool = True
    images: str = "auto"
    """What pictures are drawn with: one of IMAGES."""
    bell: bool = False
    """Whether the terminal's bell says that a long transfer has ended."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `config.toml` says; `insecure` and `event_reason` are of the running program only, and
    never saved."""

    servers: Mapping[str, Server] = field(default_factory=lambda: _EMPTY)
    keys: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """Action ID to its keys, comma between them."""
    neutral_fields: tuple[str, ...] = ()
    """Fields that a comparison shall not count, beside those that are neutral by themselves; with a `!` one
    of those that shall count."""
    ui: Ui = Ui()
    bookmarks: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    syncs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _EMPTY)
    """As they stand in the file: `services/syncing/definitions.py` reads them."""
    insecure: bool = False
    event_reason: str = ""

    @property
    def addresses(self) -> dict[str, str]:
        """Saved names to base URLs, as `Location.parse` wants them."""
        return {name: server.url for name, server in self.servers.items()}

    def server(self, name: str) -> Server:
        """The server saved under a name or an address; an unknown address makes an unsaved server.

        Raises ConfigError for an unknown name, with the nearest known one.
        """
        if name in self.servers:
            return self.servers[name]
        if "://" not in name:
            raise ConfigError(f"No server is saved as {name!r}.", unsaved_hint(name, self.servers))
        url = checked_url(name)
        saved = next((server for server in self.servers.values() if same_address(server.url, url)), None)
        return saved or Server(url, url, verify=not self.insecure, event_reason=self.event_reason)

    def without_verification(self) -> Settings:
        """The same with TLS certificates unchecked, on every server."""
        servers = {name: server.insecure() for name, server in self.servers.items()}
        return replace(self, servers=servers, insecure=True)

    def with_event_reason(self, reason: str) -> Settings:
        """The same with this reason for every change, on every server."""
        servers = {name: replace(server, event_reason=reason) for name, server in self.servers.items()}
        return replace(self, servers=servers, event_reason=reason)


def config_file() -> Path:
    """`config.toml` in the configuration's folder; it need not exist."""
    return config_folder() / "config.toml"


def load() -> Settings:
    """Read `config.toml`; a missing file gives the defaults. Raises ConfigError naming file and key."""
    path = config_file()
    document = _parse(path)
    table = _Table(path, "", document)
    table.only("servers", "keys", "compare", "ui", "bookmarks", "syncs")
    compare = table.table("compare")
    compare.only("neutral_fields")
    ui = table.table("ui")
    ui.only("theme", "ascii", "diff_driver", "images", "bell")
    return Settings(
        servers={server.name: server for server in _servers(table.table("servers"))},
        keys=table.table("keys").strings(),
        neutral_fields=compare.list_of_strings("neutral_fields"),
        ui=Ui(
            ui.string("theme"),
            ui.switch("ascii", False),
            ui.switch("diff_driver", True),
            ui.one_of("images", IMAGES),
            ui.switch("bell", False),
        ),
        bookmarks=table.table("bookmarks").strings(),
        syncs=table.table("syncs").tables(),
    )


def save_server(server: Server) -> None:
    """Add a server, or change the one of that name. The user's comments and order stay.

    Raises ConfigError for a bad name or address, or a file that cannot be used.
    """
    check_name(server.name)
    values: dict[str, object] = {"url": checked_url(server.url), "user": server.user}
    values["verify"] = str(server.verify) if isinstance(server.verify, Path) else server.verify
    values |= {"read_only": server.read_only, "connections": server.connections}
    told = {"event_reason": server.event_reason, "timezone": server.timezone}
    values |= {key: value for key, value in told.items() if value}
    defaults = {"user": "", "verify": True, "read_only": False, "connections": 8}

    def change(document: TOMLDocument) -> None:
        from tomlkit import table

        servers = document.setdefault("servers", table(is_super_table=True))
        entry = servers.setdefault(server.name, table())
        for key, value in values.items():
            if key in entry or value != defaults.get(key):
                entry[key] = value

    _change(change)


def remove_server(name: str) -> None:
    """Forget a server. Raises ConfigError when none is saved under that name."""
    settings = load()
    settings.server(name)

    def change(document: TOMLDocument) -> None:
        del document["servers"][name]

    _change(change)


def save_bookmark(name: str, location: str | None) -> None:
    """Keep a location under a name; None forgets it."""

    def change(document: TOMLDocument) -> None:
        from tomlkit import table

        bookmarks = document.setdefault("bookmarks", table())
        if location is None:
            bookmarks.pop(name, None)
        else:
            bookmarks[name] = location

    _change(change)


def save_sync(name: str, values: Mapping[str, Any] | None) -> None:
    """Keep a sync's definition under a name; None forgets it. Comments on what stays are kept."""

    def change(document: TOMLDocument) -> None:
        from tomlkit import table

        syncs = document.setdefault("syncs", table(is_super_table=True))
        if values is None:
            syncs.pop(name, None)
            return
        entry = syncs.setdefault(name, table())
        for key in [key for key in entry if key not in values]:
            del entry[key]
        for key, value in values.items():
            if entry.get(key) != value:
                entry[key] = value

    _change(change)


def check_name(name: str) -> None:
    """Raises ConfigError unless this can name a server in `NAME:PATH`, a file name and a variable."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot name a server.",
            "Use letters, digits, '-', '_' and '.', beginning with a letter or a digit.",
        )


def checked_url(text: str) -> str:
    """The base URL as it is saved: no closing slash, context path kept.

    Raises ConfigError when it is no http(s) address, or carries a user, a password, a query or a fragment.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (a port that is no number is only found here)
    except ValueError:
        raise ConfigError("The address cannot be read.", "Write it as https://xnat.example.org/") from None
    if "@" in parts.netloc:
        raise ConfigError(
            "The address contains a user or a password.",
            "Give the user with --user. The password is asked for, or taken from the environment or netrc.",
        )
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{text!r} is no http or https address.", "Write it as https://xnat.example.org/")
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise ConfigError(f"{text!r} is no base address.", "Give the address of the server's front page.")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _servers(table: _Table) -> Iterable[Server]:
    for name in table.values:
        entry = table.table(name)
        entry.only("url", "user", "verify", "read_only", "connections", "event_reason", "timezone")
        entry.checked("", name, check_name)
        if "url" not in entry.values:
            raise ConfigError(
                f"{table.path}: [{entry.name}] has no url.",
                'Add a line such as: url = "https://xnat.example.org"',
            )
        yield Server(
            name,
            entry.checked("url", entry.string("url"), checked_url),
            entry.string("user"),
            entry.verify(),
            entry.switch("read_only", False),
            entry.count("connections", 8),
            entry.string("event_reason"),
            entry.timezone(),
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file, whose every complaint names the file and the key."""

    path: Path
    name: str
    values: Mapping[str, Any]

    def complain(self, key: str, wanted: str) -> ConfigError:
        return ConfigError(
            f"{self.path}: {self._full(key)} must be {wanted}.", "Correct the file, or remove the line."
        )

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1, 0.5)
                hint = f"Did you mean {near[0]!r}? " if near else ""
                if _SECRET.search(key):
                    hint = (
                        "No password or token is kept here: remove it, and run: xnat-tui server login NAME. "
                    )
                raise ConfigError(
                    f"{self.path}: unknown key {self._full(key)}.", f"{hint}Known here: {', '.join(known)}."
                )

    def table(self, key: str) -> _Table:
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.complain(key, f"a table, written as [{self._full(key)}]")
        return _Table(self.path, self._full(key), value)

    def string(self, key: str) -> str:
        value = self.values.get(key, "")
        if not isinstance(value, str):
            raise self.complain(key, "text in quotes")
        return value

    def switch(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.complain(key, "true or false")
        return value

    def one_of(self, key: str, known: Sequence[str]) -> str:
        """The first one is the default."""
        value = self.values.get(key, known[0])
        if value not in known:
            raise self.complain(key, f"one of {', '.join(known)}")
        return str(value)

    def count(self, key: str, default: int) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_CONNECTIONS:
            raise self.complain(key, f"a whole number from 1 to {MAX_CONNECTIONS}")
        return value

    def timezone(self) -> str:
        from zoneinfo import ZoneInfo

        name = self.string("timezone")
        try:
            return ZoneInfo(name).key if name else ""
        except (ValueError, OSError, LookupError):
            raise self.complain("timezone", "a zone's name such as Europe/London") from None

    def verify(self) -> bool | Path:
        value = self.values.get("verify", True)
        if isinstance(value, bool):
            return value
        if not isinstance(value, str) or not value:
            raise self.complain("verify", "true, false or the path of a CA file")
        file = Path(value).expanduser()
        return file if file.is_absolute() else self.path.parent / file

    def strings(self) -> dict[str, str]:
        return {key: self.string(key) for key in self.values}

    def tables(self) -> dict[str, Mapping[str, Any]]:
        return {key: self.table(key).values for key in self.values}

    def list_of_strings(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.complain(key, "a list of texts")
        return tuple(value)

    def checked(self, key: str, text: str, check: Callable[[str], _T]) -> _T:
        """What the check makes of the text, its complaint carrying file and key."""
        try:
            return check(text)
        except ConfigError as error:
            raise ConfigError(f"{self.path}: {self._full(key)}: {error.message}", error.hint) from None

    def _full(self, key: str) -> str:
        return ".".join(part for part in (self.name, key) if part)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", "Look at its rights, or set XNAT_TUI_CONFIG."
        ) from None


def _parse(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Correct that line.") from None


def _change(change: Callable[[TOMLDocument], None]) -> None:
    """Rewrite the file through one change; refuses to touch a file that cannot be loaded."""
    import tomlkit

    load()
    path = config_file()
    document = tomlkit.parse(_read(path))
    change(document)
    try:
        write_private(path, tomlkit.dumps(document))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.", "Choose another folder with XNAT_TUI_CONFIG."
        ) from None
