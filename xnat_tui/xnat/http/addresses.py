"""Addresses as XNAT wants them: every segment percent-encoded, nothing that a URL library would rewrite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode, urlsplit

from xnat_tui.errors import BadAnswer, UsageError

Value = str | int | float | bool | Sequence[str] | None
Params = Mapping[str, Value] | Sequence[tuple[str, Value]]

Origin = tuple[str, str, int]
"""Scheme, host and port: what a session is for (RFC 6454). A cookie jar knows no ports."""

_PORTS = {"http": 80, "https": 443}
_MOVING = frozenset({"", ".", ".."})


def url_path(*segments: str) -> str:
    """Segments → `a/b/c`, everything outside `A-Za-z0-9-._~` percent-encoded, `/` included.

    Raises UsageError for a segment that is empty, `.` or `..`: URL libraries and servers resolve
    those, and the request would mean another item.
    """
    for segment in segments:
        if segment in _MOVING:
            raise UsageError(f"{segment!r} cannot be part of an address on the server.")
    return "/".join(_quote(segment) for segment in segments)


def encode_uri(uri: str) -> str:
    """A URI from one of the server's own tables, which are not percent-encoded, made into a path.

    Raises BadAnswer where the URI is not absolute on the server or climbs with `..`.
    """
    first, *segments = uri.split("/")
    if first or not segments or _MOVING.intersection(segments):
        raise BadAnswer("The server names an item by an address that cannot be used.")
    return "/" + "/".join(_quote(segment) for segment in segments)


def origin(url: str) -> Origin | None:
    """None for what is no http address."""
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme.lower(), parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or not parts.hostname:
        return None
    return scheme, parts.hostname, _PORTS[scheme] if port is None else port


def query_string(params: Params) -> str:
    """Query parameters; None is left out, a list repeats its key, booleans are `true` and `false`."""
    pairs = params.items() if isinstance(params, Mapping) else params
    return urlencode(list(_flat(pairs)), safe="/:,", quote_via=quote)


def with_format(path: str, params: dict[str, Value]) -> dict[str, Value]:
    """Below /data the answer's format is always named (`docs/xnat-contract.md` 0.3)."""
    return {"format": "json", **params} if path.startswith(("/data", "/REST")) else params


def _flat(pairs: Iterable[tuple[str, Value]]) -> Iterable[tuple[str, str]]:
    for key, value in pairs:
        if value is None:
            continue
        if isinstance(value, bool):
            yield key, "true" if value else "false"
        elif isinstance(value, str | int | float):
            yield key, str(value)
        else:
            for one in value:
                yield key, one


def _quote(segment: str) -> str:
    try:
        return quote(segment, safe="")
    except UnicodeEncodeError:
        pass
    raise UsageError("A label holds characters that no address can carry.")
