"""Servers: add, test, sign in to and forget them; open one in a pane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui import config, credentials
from xnat_tui.config import Server
from xnat_tui.credentials import Credential
from xnat_tui.errors import PasswordExpired, ServerUnreachable, SignInFailed, XnatTuiError
from xnat_tui.model.display import clean, clean_lines, fit
from xnat_tui.tui.context import DEMO_WANTED
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.widgets.server_form import ServerForm

if TYPE_CHECKING:
    from xnat_tui.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Opened:
    """The panel's answer: open this server, in which pane."""

    server: str
    right: bool


_HEADING = f"{'name':<10} {'address':<28} {'user':<8} state"
_TRY_DEMO = "\x00demo"


class ServersPanel(Panel[Opened]):
    """The list of saved servers above the form of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "sign_in", "Sign in, open"),
        Binding("ctrl+t", "test", "Test"),
        Binding("ctrl+s", "save", "Save"),
        Binding("ctrl+n", "new", "New"),
        Binding("ctrl+d", "forget", "Forget…"),
    ]
    DEFAULT_CSS = """
    ServersPanel > .panel--box { overflow-y: auto; scrollbar-size-vertical: 1; }
    ServersPanel #heading, ServersPanel OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    ServersPanel OptionList { height: auto; max-height: 5; border: none; background: $surface; padding: 0;
                              scrollbar-size-vertical: 1; }
    ServersPanel #heading { color: $text-muted; }
    ServersPanel #said { height: auto; min-height: 1; margin-top: 1; }
    """

    def __init__(self, workspace: Workspace, *, right: bool = False, demo_offered: bool = False) -> None:
        super().__init__("Servers")
        self._workspace = workspace
        self._right = right
        self._demo_offered = demo_offered
        self._wrong: dict[str, str] = {}
        """What went wrong at the last sign-in, in a word, by server."""

    @property
    def form(self) -> ServerForm:
        return self.query_one(ServerForm)

    @property
    def listed(self) -> OptionList:
        return self.query_one("#servers", OptionList)

    def body(self) -> list[Widget]:
        return [
            Static(_HEADING, id="heading", markup=False),
            OptionList(id="servers", compact=True, markup=False),
            ServerForm(right=self._right),
            Static("", id="said", markup=False),
        ]

    def on_mount(self) -> None:
        self._list()
        self.listed.focus()
        if self._demo_offered:
            self._say("No server is saved yet. Try the demo, or ctrl+n and fill in the form.")

    def _list(self, chosen: str = "") -> None:
        self.listed.clear_options()
        for server in self._workspace.settings.servers.values():
            line = f"{fit(clean(server.name), 10):<10} {fit(clean(server.url), 28):<28} "
            line += f"{fit(clean(server.user) or 'guest', 8):<8} {fit(self._state(server), 14)}"
            self.listed.add_option(Option(line, id=server.name))
        if self._demo_offered:
            self.listed.add_option(Option("Try the demo server: two of them, with sample data", id=_TRY_DEMO))
        names = [str(option.id) for option in self.listed.options]
        self.listed.highlighted = names.index(chosen) if chosen in names else (0 if names else None)

    def _state(self, server: Server) -> str:
        if server.name in self._wrong:
            return f"! {self._wrong[server.name]}"
        if self._workspace.signed_in(server.name):
            return "signed in (ro)" if server.read_only else "signed in"
        return "read-only" if server.read_only else ""

    @on(OptionList.OptionHighlighted)
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        server = self._workspace.settings.servers.get(str(event.option.id))
        if server is not None and server.name != self.form.name_typed:
            self.form.fill(server)

    def _say(self, text: str) -> None:
        try:
            self.query_one("#said", Static).update(clean_lines(text))
        except NoMatches:  # answered after the panel was left
            return

    def _fail(self, error: XnatTuiError) -> None:
        self._say("\n".join(part for part in (f"! {error.message}", error.hint) if part))

    def action_new(self) -> None:
        self.form.fill(Server("", "", ""))
        self.form.focus_first()
        self._say("Fill in the form, then enter signs in, ctrl+s only saves.")

    def action_save(self) -> None:
        server = self._saved()
        if server is not None:
            self._say(f"Saved {server.name}. No password is saved.")

    def _saved(self) -> Server | None:
        """Write the form to the configuration; nothing secret goes there."""
        before = self._workspace.settings.servers.get(self.form.name_typed)
        try:
            server = self.form.server(before)
            if server != before:
                config.save_server(server)
                self._workspace.reload_settings()
        except XnatTuiError as error:
            self._fail(error)
            return None
        if before is not None and server.url != before.url:
            self._sign_out(server.name)
        self._list(server.name)
        return server

    def _sign_out(self, name: str) -> None:
        """Behind the screen: it waits on the network."""
        workspace = self._workspace
        self.context.run(("forget", name), lambda: workspace.forget_connection(name), _nothing)

    def action_test(self) -> None:
        self._enter(lambda _: None)

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def action_sign_in(self) -> None:
        option = self.listed.highlighted_option
        if self.listed.has_focus and option is not None and option.id == _TRY_DEMO:
            self.dismiss(None)
            self.app.exit(DEMO_WANTED)
            return
        right = self.form.right
        self._enter(lambda server: self.dismiss(Opened(server.name, right)), again=False)

    def _enter(self, then: Callable[[Server], object], *, again: bool = True) -> None:
        """Save, sign in, say what was found there, and go on. Not `again`: a session that holds is used."""
        server = self._saved()
        if server is None:
            return
        credential, keep_token = self.form.credential(server.user), self.form.keep_token
        if keep_token and credential is None:
            self._say("! A token is had for a password: type it as well.")
            return
        workspace = self._workspace
        if credential is None and not again and workspace.signed_in(server.name):
            then(server)
            return
        typed = workspace.typed_passwords.get(server.name)
        if credential is None and typed is not None:
            credential = Credential(server.user, typed, "typed", False)
        self._say(f"Signing in to {server.name} …")

        def signed_in(summary: str) -> None:
            self._wrong.pop(server.name, None)
            if self.is_attached:
                self.form.forget_password()
                self._list(server.name)
                self._say(f"{server.name}: {summary}" + (". Token saved." if keep_token else ""))
                then(server)

        def failed(error: XnatTuiError) -> None:
            self._wrong[server.name] = _in_a_word(error)
            self.context.remember(f"{error.title}: {error.message}")
            if self.is_attached:
                self._list(server.name)
                self._fail(error)
                if isinstance(error, SignInFailed):  # what was typed is wrong; else it stays for another try
                    self.form.forget_password()
                    self.form.focus_password()

        self.context.run(
            "servers",
            lambda: workspace.sign_in(server.name, credential, keep_token=keep_token),
            signed_in,
            failed,
        )

    def action_forget(self) -> None:
        option = self.listed.highlighted_option
        if option is None or option.id == _TRY_DEMO:
            return
        name = str(option.id)
        text = f"Forget {name}, and its saved token? Nothing on the server changes."

        def answered(yes: bool | None) -> None:
            if yes:
                self._forget(name)

        self.app.push_screen(Confirm("Forget a server", text, yes=f"Forget {name}", danger=True), answered)

    def _forget(self, name: str) -> None:
        try:
            credentials.forget_token(self._workspace.server(name))
            config.remove_server(name)
            self._workspace.reload_settings()
        except XnatTuiError as error:
            self._fail(error)
            return
        self._sign_out(name)
        self.form.fill(Server("", "", ""))
        self._list()
        self._say(f"Forgot {name}.")


def _nothing(_: None) -> None:
    """Signed out: nothing is left to be shown."""


def _in_a_word(error: XnatTuiError) -> str:
    if isinstance(error, PasswordExpired):
        return "expired"
    if isinstance(error, SignInFailed):
        return "refused"
    return "unreachable" if isinstance(error, ServerUnreachable) else error.title.lower()
