"""`demo`: the explorer on two demo servers, which need nothing but this machine."""

from __future__ import annotations

import errno
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from xnat_tui import config, credentials
from xnat_tui.cli.explorer import check_terminal, open_explorer
from xnat_tui.cli.help import Command
from xnat_tui.cli.state import State, pass_state
from xnat_tui.config import Server
from xnat_tui.errors import ConfigError, ServerUnreachable, UsageError

if TYPE_CHECKING:
    from xnat_tui.demo.process import Addresses

_EXTRA = ("httptools", "numpy", "python_multipart", "starlette", "uvicorn")
SOURCE, DESTINATION = "lab", "qc"
"""What the two servers are called while the demo runs."""
STUDY = "BRAINS"
"""The project that both have, in two states: what the first `=` compares."""


@click.command(cls=Command)
@click.option("--serve", is_flag=True, help="Only serve, print addresses and sign-in, until interrupted.")
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    metavar="N",
    help="Port of the first server; the next one is the second's.",
)
@pass_state
def demo(state: State, serve: bool, port: int | None) -> int:
    """Try it: two demo servers with sample data on this machine, and the explorer on them."""
    missing = [module for module in _EXTRA if importlib.util.find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"The demo servers need packages that are not installed: {', '.join(missing)}.",
            "Install them with: pip install 'xnat-tui[demo]', or in a clone: pip install '.[demo]'",
        )
    from xnat_tui.demo import process

    if serve:
        _serve(port)
        return 0
    check_terminal(state)
    settings = state.settings
    pair = process.DemoPair(process.free_ports(port))

    def start() -> None:
        """Behind the first screen: two processes that start at once would hold each other up."""
        try:
            pair.start()
            pair.wait()
        except process.DemoFailed as error:
            raise ServerUnreachable(str(error), "Is the port free? Try another --port.") from error

    try:
        with _private_world(pair.addresses):
            state.use_settings(replace(settings, servers=config.load().servers, bookmarks={}))
            return open_explorer(state, f"{SOURCE}:{STUDY}", f"{DESTINATION}:{STUDY}", prepare=start)
    finally:
        pair.stop()


def _serve(port: int | None) -> None:
    from xnat_tui.demo import process

    try:
        process.serve_pair(port)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        where = f"Ports {port} and {port + 1}" if port is not None else "Two ports"
        raise UsageError(f"{where} cannot be served on: {error.strerror}.", "Try another --port.") from error


@contextmanager
def _private_world(addresses: Addresses) -> Iterator[None]:
    """Configuration and state of the demo's own, for this process and the workers that it starts.

    A user's servers, jobs and tokens are neither shown nor touched.
    """
    with tempfile.TemporaryDirectory(prefix="xnat-tui-demo-", ignore_cleanup_errors=True) as folder:
        world = {"XNAT_TUI_CONFIG": f"{folder}/config", "XNAT_TUI_STATE": f"{folder}/state"}
        world |= {credentials.password_variable(name): addresses.password for name in (SOURCE, DESTINATION)}
        before = {name: os.environ.get(name) for name in world}
        os.environ.update(world)
        try:
            config.save_server(Server(SOURCE, addresses.source, addresses.user))
            config.save_server(Server(DESTINATION, addresses.destination, addresses.user))
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
