"""What a typed text names: exactly that, and only where nothing is called so, all that it matches as a glob.

Locations, filters and marks go by it, in every verb and in the explorer. XNAT's own names hold brackets and
stars (`[AC] Brain Dynamic` is a scan type of Siemens scanners, `a[1].txt` a second download).
"""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import unquote

_GLOB = re.compile(r"[*?\[]")

RESOURCE_LABEL = re.compile(r"[A-Za-z0-9._-]*[A-Za-z_-][A-Za-z0-9._-]*")
"""What XNAT takes for the label of a new resource: one of digits alone would be its number
(`docs/xnat-contract.md` 2.13)."""

T = TypeVar("T")


def is_glob(text: str) -> bool:
    """Whether a text may mean more than what is called so."""
    return _GLOB.search(text) is not None


def literal(name: str) -> str:
    """The glob that matches this name and nothing else."""
    return glob.escape(name)


def unescaped(pattern: str) -> str:
    """What `literal` made this of; any other glob as it is."""
    name = re.sub(r"\[([*?\[])\]", r"\1", pattern)
    return name if literal(name) == pattern else pattern


def read_glob(raw: str) -> str:
    """A percent-encoded glob decoded: what was encoded stands for itself and is no wildcard."""
    return re.sub(r"(?:%[0-9A-Fa-f]{2})+", lambda found: literal(unquote(found[0])), raw)


def matches(pattern: str, *names: str) -> bool:
    """Whether one of these names is called so, or is matched. Case matters, as it does to XNAT."""
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in names if name)


def meant(
    text: str, among: Iterable[T], names: Callable[[T], Iterable[str]], *, globs: bool = True
) -> list[T]:
    """Those of `among` that are called `text`; where none is and `globs` may be, those that it matches."""
    among = list(among)
    exactly = [one for one in among if text in names(one)]
    if exactly or not globs:
        return exactly
    return [one for one in among if matches(text, *names(one))]
