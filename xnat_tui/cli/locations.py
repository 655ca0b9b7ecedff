"""Arguments that are locations or saved servers, completed by the shell from `config.toml`."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def saved_servers() -> list[str]:
    """Names for completion and hints; none while `config.toml` is broken, as the next verb will say."""
    from xnat_tui import config
    from xnat_tui.errors import ConfigError

    try:
        return sorted(config.load().servers)
    except ConfigError:
        return []


class LocationType(click.ParamType[str]):
    """`NAME:PATH` or an address, as it was typed."""

    name = "location"

    def shell_complete(
        self, _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(f"{name}:") for name in saved_servers() if name.startswith(incomplete)]


class ServerType(click.ParamType[str]):
    """A saved server's name, or its address; `lab:` is as good as `lab`."""

    name = "name"

    def convert(self, value: str, _parameter: click.Parameter | None, _context: click.Context | None) -> str:
        return value.removesuffix(":")

    def shell_complete(
        self, _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in saved_servers() if name.startswith(incomplete)]


LOCATION = LocationType()
SERVER = ServerType()
