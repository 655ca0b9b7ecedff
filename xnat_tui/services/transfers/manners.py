"""How files travel: which are worth a request of their own, and whose names an address can carry."""

from __future__ import annotations

import re

LARGE = 32_000_000
"""Bytes from which a file is worth a request of its own, and is not kept anywhere on its way."""

_PLAIN = re.compile(r"[A-Za-z0-9._/-]+")


def addressable(path: str) -> bool:
    """Whether XNAT stores a file under this very path when it is sent by itself.

    Other characters are kept percent-encoded, or decoded as a form would be, depending on the version.
    """
    return _PLAIN.fullmatch(path) is not None and not path.endswith("/")
