"""Servers: add, test, sign in to and forget them; open one in a pane."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui import config, credentials
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.errors import UsageError, XnatTuiError
from xnat_tui.model.display import clean, clean_lines, fit
from xnat_tui.tui.screens.ask import Confirm
from xnat_tui.tui.screens.panel import Panel

if TYPE_CHECKING:
    from xnat_tui.services.workspace import Workspace
    from xnat_tui.tui.app import Explorer


@dataclass(frozen=True, slots=True)
class Opened:
    """The panel's answer: open this server, in which pane."""

    server: str
    right: bool


_TRY_DEMO = "\x00demo"


class ServersPanel(Panel[Opened]):
    """The list of saved servers above the form of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "sign_in", "Sign in and open"),
        Binding("ctrl+s", "save", "Save"),
        Binding("ctrl+t", "test", "Test"),
        Binding("ctrl+n", "new", "New"),
        Binding("ctrl+d", "forget", "Forget…"),
    ]
    DEFAULT_CSS = """
    ServersPanel OptionList { height: auto; max-height: 6; border: none; background: $surface; }
    ServersPanel .form { height: auto; padding-top: 1; }
    ServersPanel .row { height: 1; }
    ServersPanel .row Label { width: 10; color: $text-muted; }
    ServersPanel .row Input { width: 1fr; }
    ServersPanel .row Checkbox { width: auto; border: none; padding: 0 2 0 0; background: $surface; }
    ServersPanel #said { height: auto; min-height: 2; padding-top: 1; }
    """

    def __init__(self, workspace: Workspace, *, right: bool = False, demo_offered: bool = False) -> None:
        super().__init__("Servers")
        self._workspace = workspace
        self._right = right
        self._demo_offered = demo_offered

    @property
    def explorer(self) -> Explorer:
        from xnat_tui.tui.app import Explorer

        assert isinstance(self.app, Explorer)
        return self.app

    def body(self) -> list[Widget]:
        def row(label: str, *inputs: Widget) -> Horizontal:
            return Horizontal(Label(label), *inputs, classes="row")

        return [
            OptionList(id="servers", compact=True, markup=False),
            Vertical(
                row("name", Input(id="name", compact=True, placeholder="lab")),
                row("address", Input(id="url", compact=True, placeholder="https://xnat.example.org")),
                row("user", Input(id="user", compact=True, placeholder="empty: guest")),
                row(
                    "password",
                    Input(
                        id="password", compact=True, password=True, placeholder="or an alias token's secret"
                    ),
                ),
                row("CA file", Input(id="ca", compact=True, placeholder="empty: the system's")),
                row(
                    "",
                    Checkbox("verify TLS", True, id="verify", compact=True),
                    Checkbox("read-only", False, id="read_only", compact=True),
                    Checkbox("keep a token", False, id="token", compact=True),
                ),
                classes="form",
            ),
            Static("", id="said", markup=False),
        ]

    def on_mount(self) -> None:
        self._list()
        self.query_one("#servers" if self._workspace.settings.servers else "#name").focus()

    def _list(self, chosen: str = "") -> None:
        servers = self.query_one("#servers", OptionList)
        servers.clear_options()
        for server in self._workspace.settings.servers.values():
            signed_in = "signed in" if self._workspace.signed_in(server.name) else ""
            access = "read-only" if server.read_only else ""
            address = fit(clean(server.url), 30)
            line = f"{fit(clean(server.name), 12):<12} {address:<30} {fit(server.user or 'guest', 8):<8} "
            servers.add_option(Option(f"{line}{signed_in or access}", id=server.name))
        if self._demo_offered:
            servers.add_option(
                Option("Try the demo server: two servers with sample data, here", id=_TRY_DEMO)
            )
        names = [str(option.id) for option in servers.options]
        servers.highlighted = names.index(chosen) if chosen in names else (0 if names else None)

    @on(OptionList.OptionHighlighted)
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        server = self._workspace.settings.servers.get(str(event.option.id))
        if server is not None:
            self._fill(server)

    def _fill(self, server: Server) -> None:
        self.query_one("#name", Input).value = server.name
        self.query_one("#url", Input).value = server.url
        self.query_one("#user", Input).value = server.user
        self.query_one("#password", Input).value = ""
        self.query_one("#ca", Input).value = str(server.verify) if isinstance(server.verify, Path) else ""
        self.query_one("#verify", Checkbox).value = server.verify is not False
        self.query_one("#read_only", Checkbox).value = server.read_only

    def _typed(self) -> Server:
        """The form as a server. Raises UsageError, ConfigError."""
        name = self.query_one("#name", Input).value.strip()
        ca = self.query_one("#ca", Input).value.strip()
        verify: bool | Path = self.query_one("#verify", Checkbox).value
        if verify and ca:
            verify = Path(ca).expanduser()
            if not verify.is_file():
                raise UsageError(f"There is no CA file {ca}.")
        known = self._workspace.settings.servers.get(name)
        config.check_name(name)
        return Server(
            name,
            config.checked_url(self.query_one("#url", Input).value.strip()),
            self.query_one("#user", Input).value.strip(),
            verify,
            self.query_one("#read_only", Checkbox).value,
            known.connections if known else 8,
        )

    def _say(self, text: str) -> None:
        try:
            self.query_one("#said", Static).update(clean_lines(text))
        except NoMatches:  # answered after the panel was left
            return

    def _fail(self, error: XnatTuiError) -> None:
        self._say("\n".join(part for part in (f"! {error.message}", error.hint) if part))

    def action_new(self) -> None:
        self._fill(Server("", "", ""))
        self.query_one("#name").focus()
        self._say("")

    def action_save(self) -> Server | None:
        """Write the form to the configuration; nothing secret goes there."""
        try:
            server = self._typed()
            config.save_server(server)
        except XnatTuiError as error:
            self._fail(error)
            return None
        self._workspace.reload_settings()
        self._list(server.name)
        self._say(f"Saved {server.name}.")
        return server

    def action_test(self) -> None:
        self._enter(lambda server, summary: self._say(f"{server.name}: {summary}"))

    def action_sign_in(self) -> None:
        servers = self.query_one("#servers", OptionList)
        option = servers.highlighted_option
        if servers.has_focus and option is not None and option.id == _TRY_DEMO:
            self.dismiss(None)
            self.explorer.start_demo()
            return
        self._enter(lambda server, _: self.dismiss(Opened(server.name, self._right)))

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _entered(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        event.stop()
        self.action_sign_in()

    def _enter(self, then: object) -> None:
        assert callable(then)
        password = self.query_one("#password", Input).value
        keep_token = self.query_one("#token", Checkbox).value
        server = self.action_save()
        if server is None:
            return
        self.query_one("#password", Input).value = ""
        credential = Credential(server.user, Secret(password), "typed", False) if password else None
        self._say(f"Signing in to {server.name} …")

        def sign_in() -> str:
            return self._workspace.sign_in(server.name, credential, keep_token=keep_token)

        def signed_in(summary: str) -> None:
            if self.is_current:
                self._list(server.name)
                then(server, summary)

        self.explorer.loader.submit("servers", sign_in, signed_in, self._fail)

    async def action_forget(self) -> None:
        option = self.query_one("#servers", OptionList).highlighted_option
        if option is None or option.id == _TRY_DEMO:
            return
        name = str(option.id)
        text = f"Forget {name}, and its saved token? Nothing on the server changes."

        def answered(yes: bool | None) -> None:
            if yes:
                server = self._workspace.server(name)
                credentials.forget_token(server)
                config.remove_server(name)
                self._workspace.forget_connection(name)
                self._workspace.reload_settings()
                self._list()
                self._say(f"Forgot {name}.")

        self.app.push_screen(Confirm("Forget a server", text, yes=f"Forget {name}", danger=True), answered)
