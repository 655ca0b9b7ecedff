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
    from xnat_tui.model.changed import Changed as Changed
    from xnat_tui.model.changes import Change as Change
    from xnat_tui.model.changes import Result as Result
    from xnat_tui.model.entities import Item as Item
    from xnat_tui.model.entities import Kind as Kind
    from xnat_tui.model.filters import Filters as Filters
    from xnat_tui.model.location import Location as Location
    from xnat_tui.model.options import CopyOptions as CopyOptions
    from xnat_tui.model.options import ExportOptions as ExportOptions
    from xnat_tui.model.options import UploadOptions as UploadOptions
    from xnat_tui.model.place import Place as Place
    from xnat_tui.model.plan import Plan as Plan
    from xnat_tui.model.transfer import Report as Report
    from xnat_tui.services.asking.table import Table as Table
    from xnat_tui.services.comparing.comparison import Comparison as Comparison
    from xnat_tui.services.workspace import Workspace as Workspace
    from xnat_tui.services.workspace import connect as connect

_HOMES = {
    "Change": "xnat_tui.model.changes",
    "Changed": "xnat_tui.model.changed",
    "Comparison": "xnat_tui.services.comparing.comparison",
    "CopyOptions": "xnat_tui.model.options",
    "ExportOptions": "xnat_tui.model.options",
    "Filters": "xnat_tui.model.filters",
    "Item": "xnat_tui.model.entities",
    "Kind": "xnat_tui.model.entities",
    "Location": "xnat_tui.model.location",
    "Place": "xnat_tui.model.place",
    "Plan": "xnat_tui.model.plan",
    "Report": "xnat_tui.model.transfer",
    "Result": "xnat_tui.model.changes",
    "Table": "xnat_tui.services.asking.table",
    "UploadOptions": "xnat_tui.model.options",
    "Workspace": "xnat_tui.services.workspace",
    "connect": "xnat_tui.services.workspace",
}
"""Where each public name lives."""
__all__ = [
    "Change",
    "Changed",
    "Comparison",
    "CopyOptions",
    "ExportOptions",
    "Filters",
    "Item",
    "Kind",
    "Location",
    "Place",
    "Plan",
    "Report",
    "Result",
    "Table",
    "UploadOptions",
    "Workspace",
    "__version__",
    "connect",
    "errors",
]


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("xnat_tui.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
