"""Addresses that services take as parameters, such as ``/archive/projects/P/subjects/S``."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote, urlsplit

from xnat_tui.demo.calls import Call
from xnat_tui.demo.replies import Refusal

_LEVELS = {
    "projects": "project",
    "subjects": "subject",
    "experiments": "experiment",
    "scans": "scan",
    "assessors": "assessor",
    "reconstructions": "reconstruction",
    "resources": "resource",
}
_SIDES = ("in", "out")


def path_variables(address: str) -> dict[str, str]:
    """The variables of an item's or resource's address; 400 when it is malformed.

    A leading ``/data``, ``/archive`` or server address is ignored. ``file`` is what follows
    ``files/``. Segments come out decoded.
    """
    path = urlsplit(address).path if "://" in address else address
    parts = path.strip("/").split("/")
    while parts and parts[0] in ("data", "archive", "REST"):
        parts = parts[1:]
    found: dict[str, str] = {}
    while parts:
        level = parts[0]
        if level in _SIDES and ("assessor" in found or "reconstruction" in found):
            found["side"], parts = level, parts[1:]
            continue
        if level == "files" and "resource" in found:
            found["file"], parts = unquote("/".join(parts[1:])), []
            continue
        if level not in _LEVELS or len(parts) < 2 or not parts[1]:
            raise Refusal(400, f"Invalid URI: {address}")
        found[_LEVELS[level]] = unquote(parts[1])
        parts = parts[2:]
    if not found or next(iter(found)) not in ("project", "subject", "experiment"):
        raise Refusal(400, f"Invalid URI: {address}")
    return found


def located(call: Call, address: str) -> Call:
    """The call as if it were a GET of another address, so that the usual look-ups work on it."""
    return replace(call, path=path_variables(address), method="GET")
