"""Alias tokens and what a sign-in tells: shared by the Servers panel and the `server` verbs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from xnat_tui import credentials
from xnat_tui.config import Server
from xnat_tui.errors import BadAnswer
from xnat_tui.model.clock import ahead_words
from xnat_tui.model.display import counted
from xnat_tui.xnat.http.connection import Connection


def keep_token(connection: Connection, server: Server) -> datetime:
    """Exchange the session's user for an alias token and save that in place of a password.

    Returns when it ends. Raises BadAnswer where the server issues none.
    """
    alias, secret, expires = issued(connection.get_json("/data/services/tokens/issue"))
    credentials.save_token(server, alias, secret, expires)
    return expires


def issued(document: Any) -> tuple[str, str, datetime]:
    """Alias, secret and end of a token; XNAT gives the end in milliseconds since 1970
    (`docs/xnat-contract.md` 1.5). Raises BadAnswer for anything else."""
    match document:
        case {
            "alias": str() as alias,
            "secret": str() as secret,
            "estimatedExpirationTime": int() | float() as end,
        }:
            with suppress(OverflowError, OSError, ValueError):
                if alias and secret and not isinstance(end, bool):
                    return alias, secret, datetime.fromtimestamp(end / 1000, UTC)
    raise BadAnswer(
        "The server issued no token that could be used.", "Its administrator may have switched them off."
    )


def summary(connection: Connection, projects: int) -> str:
    """One line about a fresh session."""
    version = f"XNAT {connection.version}" if connection.version else "XNAT of unknown version"
    clock = ahead_words(connection.clock.ahead)
    told = f" · its clock is {clock}" if clock else ""
    return f"{version} · {counted(projects, 'project')} readable · signed in as {connection.user}{told}"
