"""The form of one server: what is saved of it, and what is asked for only now."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.errors import UsageError
from xnat_tui.tui.widgets.tick import Tick


class ServerForm(Vertical):
    """Never holds a saved password: there is none."""

    DEFAULT_CSS = """
    ServerForm { height: auto; padding-top: 1; }
    ServerForm .row { height: 1; }
    ServerForm .row Label { width: 10; color: $text-muted; }
    ServerForm .row Input { width: 1fr; }
    ServerForm .row Checkbox { width: auto; border: none; padding: 0 2 0 0; background: $surface; }
    """

    def __init__(self, *, right: bool) -> None:
        super().__init__()
        self._right = right

    def compose(self) -> ComposeResult:
        yield _row("name", Input(id="name", compact=True, placeholder="a short name, such as lab"))
        yield _row("address", Input(id="url", compact=True, placeholder="https://xnat.example.org"))
        yield _row("user", Input(id="user", compact=True, placeholder="empty: guest"))
        hint = "empty: environment, saved token, netrc or keyring"
        yield _row("password", Input(id="password", compact=True, password=True, placeholder=hint))
        yield _row("CA file", Input(id="ca", compact=True, placeholder="empty: the system's"))
        yield _row(
            "",
            Tick("verify TLS", True, id="verify", compact=True),
            Tick("read-only", False, id="read_only", compact=True),
            Tick("keep a token", False, id="token", compact=True),
        )
        yield _row("open in", Tick("the right pane", self._right, id="right", compact=True))

    def fill(self, server: Server) -> None:
        """Show a saved server."""
        self._input("name").value = server.name
        self._input("url").value = server.url
        self._input("user").value = server.user
        self._input("password").value = ""
        self._input("ca").value = str(server.verify) if isinstance(server.verify, Path) else ""
        self._box("verify").value = server.verify is not False
        self._box("read_only").value = server.read_only
        self._box("token").value = False

    @property
    def right(self) -> bool:
        return self._box("right").value

    @property
    def keep_token(self) -> bool:
        return self._box("token").value

    def server(self, saved: Server | None) -> Server:
        """What the form says; `saved` is what is known under that name. Raises UsageError, ConfigError."""
        name, ca = self._input("name").value.strip(), self._input("ca").value.strip()
        config.check_name(name)
        verify: bool | Path = self._box("verify").value
        if verify and ca:
            verify = Path(ca).expanduser()
            if not verify.is_file():
                raise UsageError(f"There is no CA file {ca}.", "Give a file of PEM certificates.")
        return Server(
            name,
            config.checked_url(self._input("url").value),
            self._input("user").value.strip(),
            verify,
            self._box("read_only").value,
            saved.connections if saved else 8,
            saved.event_reason if saved else "",
        )

    @property
    def name_typed(self) -> str:
        return self._input("name").value.strip()

    def credential(self, user: str) -> Credential | None:
        """What was typed as a password; an alias token's secret does as well."""
        password = self._input("password").value
        return Credential(user, Secret(password), "typed", False) if password else None

    def forget_password(self) -> None:
        self._input("password").value = ""

    def focus_password(self) -> None:
        self._input("password").focus()

    def focus_first(self) -> None:
        self._input("name").focus()

    def _input(self, identifier: str) -> Input:
        return self.query_one(f"#{identifier}", Input)

    def _box(self, identifier: str) -> Checkbox:
        return self.query_one(f"#{identifier}", Checkbox)


def _row(label: str, *fields: Widget) -> Horizontal:
    return Horizontal(Label(label), *fields, classes="row")
