"""`server`: addresses saved by name, and signing in to them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import click

from xnat_tui import config, credentials
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import SERVER
from xnat_tui.cli.state import State, pass_state
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Token
from xnat_tui.errors import (
    ConfigError,
    Conflict,
    NotAllowed,
    NotFound,
    SignInFailed,
    UsageError,
    XnatTuiError,
)
from xnat_tui.model.clock import ahead_words

if TYPE_CHECKING:
    from xnat_tui.xnat.http.connection import Connection


@click.group(cls=Group)
def server() -> None:
    """Save, test and sign in to servers."""


@server.command()
@click.argument("name")
@click.argument("url")
@click.option("--user", default="", metavar="USER", help="Who signs in; nobody is guest.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE",
    help="Certificates to trust.",
)
@click.option("--read-only", is_flag=True, help="Never write to this server.")
@click.option(
    "--connections",
    type=click.IntRange(1, config.MAX_CONNECTIONS),
    metavar="N",
    default=8,
    show_default=True,
    help="Requests at once, at most.",
)
@pass_state
def add(
    state: State, name: str, url: str, user: str, ca: Path | None, read_only: bool, connections: int
) -> None:
    """Save a server under a name. --insecure saves that its certificate is not verified,
    --event-reason what every change of it is explained with."""
    if ca is not None and state.insecure:
        raise UsageError("--ca and --insecure exclude each other.")
    if name in config.load().servers:
        raise Conflict(f"{name} is saved already.", f"Remove it first: xnat-tui server remove {name}")
    verify: bool | Path = ca if ca is not None else not state.insecure
    added = Server(name, config.checked_url(url), user, verify, read_only, connections, state.event_reason)
    config.save_server(added)
    _report(state, f"Saved {name}: {added.url}", changed=[_row(added)])
    if _sends_passwords_open(added):
        state.output.warning(f"{added.url} is not encrypted: passwords and data can be read on the way.")


@server.command("list")
@pass_state
def list_(state: State) -> None:
    """List the saved servers."""
    servers = list(config.load().servers.values())
    if state.output.wants_json:
        state.output.document(_document(items=[_row(entry) for entry in servers]))
    elif servers:
        state.output.table(
            ["name", "url", "user", "verify", "access", "connections"],
            [
                (
                    entry.name,
                    entry.url,
                    entry.user or "(guest)",
                    str(entry.verify) if isinstance(entry.verify, Path) else "yes" if entry.verify else "no",
                    "read-only" if entry.read_only else "read-write",
                    str(entry.connections),
                )
                for entry in servers
            ],
            right=["connections"],
            whole=["url"],
        )
    else:
        state.output.note("No server is saved. Add one with: xnat-tui server add NAME URL")


@server.command()
@click.argument("name", type=SERVER)
@pass_state
def test(state: State, name: str) -> None:
    """Sign in and say what is there."""
    tested = state.settings.server(name)
    credential = credentials.find(tested, state.prompt)
    with _open(tested, credential) as connection:
        projects = len(connection.table("/data/projects", columns="ID"))
        row = _row(tested) | {
            "version": connection.version,
            "signed_in_as": connection.user,
            "guest": credential is None,
            "credential": credential.origin if credential else "",
            "projects": projects,
            "clock_ahead_seconds": round(connection.clock.ahead.total_seconds()),
        }
        clock = ahead_words(connection.clock.ahead)
    if state.output.wants_json:
        state.output.document(_document(items=[row]))
        return
    who = "guest" if credential is None else f"{row['signed_in_as']} (with {credential.origin})"
    for key, value in (
        ("server", tested.url),
        ("version", row["version"] or "unknown"),
        ("signed in as", who),
        ("projects", f"{projects} readable"),
        *([("clock", clock)] if clock else []),
    ):
        state.output.line(f"{key + ':':<14}{value}")


@server.command()
@click.argument("name", type=SERVER)
@pass_state
def login(state: State, name: str) -> None:
    """Sign in, and save an alias token in place of the password."""
    from xnat_tui.services import signing_in

    wanted = _with_user(state, state.settings.server(name))
    credential = credentials.find(wanted, state.prompt, saved_token=False)
    if credential is None:
        raise SignInFailed(
            f"No user is known for {name}, and a guest has no token.",
            f'Add a line under [servers.{name}] in config.toml: user = "..."',
        )
    with _open(wanted, credential) as connection:
        expires = signing_in.keep_token(connection, wanted)
        user = connection.user
    row = _row(wanted) | {"signed_in_as": user, "expires": expires.isoformat()}
    _report(state, f"Signed in to {name} as {user}; the token holds until {_moment(expires)}.", changed=[row])


@server.command()
@click.argument("name", type=SERVER)
@pass_state
def logout(state: State, name: str) -> None:
    """Make the saved token invalid, and forget it."""
    left = state.settings.server(name)
    text = f"No token is saved for {name}."
    try:
        saved = credentials.token(left)
    except ConfigError as error:
        saved = None
        state.output.warning(error.message)
    forgotten = credentials.forget_token(left)
    if saved is not None:
        text = _invalidate(left, saved)
    elif forgotten:
        text = f"Forgot an old token of {name}."
    _report(state, text, changed=[_row(left)] if forgotten else [])


@server.command()
@click.argument("name", type=SERVER)
@pass_state
def remove(state: State, name: str) -> None:
    """Forget a server and its token."""
    removed = config.load().server(name)
    config.remove_server(name)
    had_token = credentials.forget_token(removed)
    _report(state, f"Removed {name}.", changed=[_row(removed)])
    if had_token:
        state.output.note("Its token is forgotten here, and holds on the server until it expires.")


def _open(server: Server, credential: Credential | None) -> AbstractContextManager[Connection]:
    from xnat_tui.xnat.http.connection import Connection

    return Connection.open(server, credential)


def _invalidate(server: Server, saved: Token) -> str:
    """Tell the server that a token is not wanted any more; what became of it, in a sentence."""
    own = Credential(saved.alias, saved.secret, "the saved token", is_token=True)
    try:
        with _open(server, own) as connection:
            connection.get_text(f"/data/services/tokens/invalidate/{quote(saved.alias, safe='')}")
    except (NotAllowed, NotFound):
        return f"Signed out of {server.name}; the server did not know the token any more."
    except XnatTuiError as error:
        raise type(error)(
            f"The token of {server.name} is forgotten here, but holds on the server until "
            f"{_moment(saved.expires)}: {error.message}",
            error.hint,
            status=error.status,
        ) from error
    return f"Signed out of {server.name}."


def _with_user(state: State, server: Server) -> Server:
    """Somebody at a terminal can say who signs in where nobody was saved."""
    if server.user or state.prompt is None:
        return server
    return replace(
        server, user=click.prompt(f"User at {server.name}", err=True, default="", show_default=False)
    )


def _sends_passwords_open(server: Server) -> bool:
    parts = urlsplit(server.url)
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return parts.scheme == "http" and not loopback


def _row(server: Server) -> dict[str, object]:
    return {
        "name": server.name,
        "url": server.url,
        "user": server.user,
        "verify": str(server.verify) if isinstance(server.verify, Path) else server.verify,
        "read_only": server.read_only,
        "connections": server.connections,
    }


def _document(
    items: Sequence[Mapping[str, object]] = (), changed: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    return {"items": list(items), "changed": list(changed), "failed": []}


def _report(state: State, text: str, changed: Sequence[Mapping[str, object]]) -> None:
    if state.output.wants_json:
        state.output.document(_document(changed=changed))
    else:
        state.output.note(text)


def _moment(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
