"""Texts of white space alone: XNAT drops them when it reads a document, a parameter carries them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Failure
from xnat_tui.model.work import ScanCopy
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.xnat.documents import item_xml, writing

_VARIABLE = re.compile(r"fields/field\[(.+)\]")


def only_blank(document: etree._Element, differing: Sequence[str]) -> bool:
    """Whether all that was not stored is such a text."""
    return bool(differing) and set(differing) <= item_xml.blank_texts(document).keys()


def send_blank(
    run: CopyRun, step: Step, document: etree._Element, differing: Sequence[str]
) -> tuple[Failure, ...]:
    """Set them one item at a time and read back; what the server still drops is told and stops nothing."""
    texts = item_xml.blank_texts(document)
    kind = (step.work.type if isinstance(step.work, ScanCopy) else "") or step.source.type
    if step.kind in (Kind.PROJECT, Kind.SUBJECT):
        kind = f"xnat:{step.kind}Data"
    paths = {name: path for name in differing if (path := _parameter(name))}
    words = "the server does not keep white space alone"
    lost: Sequence[str] = differing
    try:
        if paths:
            params = {f"{kind}/{path}": texts[name] for name, path in paths.items()}
            writing.put_fields(run.target, step.target.uri, params)
            stored = run.stored(step.target.uri)
            if stored is not None:
                lost = item_xml.lost(document, item_xml.own(stored, step.kind))
    except Interrupted:
        raise
    except XnatTuiError as error:
        if error.unreachable:
            raise
        words = error.message
    return (Failure(step.path, f"{', '.join(lost)}: {words}"),) if lost else ()


def _parameter(name: str) -> str:
    """A field's path as a parameter names it; "" where none reaches it, as one of many `addParam`."""
    if variable := _VARIABLE.fullmatch(name):
        return f"fields/field[name={variable[1]}]/field"
    return "" if "[" in name else name
