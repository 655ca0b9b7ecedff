"""Explore, compare and copy XNAT archives: the calls behind the explorer and the verbs.

    import xnat_tui
    with xnat_tui.connect("lab", "qc") as workspace:
        difference = workspace.compare("lab:P", "qc:P", depth="sizes")

Names resolve on first use (PEP 562): importing this package loads no Textual and no network library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xnat_tui.version import __version__

if TYPE_CHECKING:
    from xnat_tui import errors as errors
    from xnat_tui.model.location import Location as Location
    from xnat_tui.services.workspace import Workspace as Workspace
    from xnat_tui.services.workspace import connect as connect

__all__ = ["Location", "Workspace", "__version__", "connect", "errors"]

_HOMES = {
    "Location": "xnat_tui.model.location",
    "Workspace": "xnat_tui.services.workspace",
    "connect": "xnat_tui.services.workspace",
}


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("xnat_tui.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
