"""Sessions as their subject's document tells them, which was read for the subject itself.

XNAT nests a subject's experiments whole in its document (`docs/xnat-contract.md` 3.2). That is believed of a
type of session once the document of one says the very same, and never of a session that lacks a planned scan.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Set
from dataclasses import replace

from lxml import etree

from xnat_tui.model.entities import Kind
from xnat_tui.model.plan import Step
from xnat_tui.xnat.documents import item_xml

_XSI = item_xml.XSI_TYPE.removesuffix("type")
_Canonical = tuple[str, tuple[tuple[str, str], ...], str, tuple[object, ...]]


class NestedSessions:
    """Safe to use from several threads."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._subjects = {step.lineage: step.source.uri for step in steps if step.kind is Kind.SUBJECT}
        self._roots: dict[str, str] = {}
        """How documents of a type begin; "" where subjects' documents tell something else."""
        self._proving = threading.Lock()

    def subject(self, session: Step) -> str:
        """The address at the source of the subject whose document may tell a session; "" where none may."""
        return self._subjects.get(replace(session.lineage, experiment=""), "")

    def session(
        self, identifier: str, scans: Set[str], subject: etree._Element, read: Callable[[], etree._Element]
    ) -> etree._Element:
        """A session's document, by its subject's, with at least these scans; `read` asks for its own where
        that is no proof."""
        nested = _nested(subject, identifier)
        if nested is None or not scans <= item_xml.scans(nested).keys():
            return read()
        kind = str(nested.get(item_xml.XSI_TYPE, ""))
        with self._proving:  # one of each type is enough
            if kind not in self._roots:
                document = read()
                same = _canonical(document)[1:] == _canonical(nested)[1:]
                self._roots[kind] = str(document.tag) if same else ""
                return document
        if not self._roots[kind]:
            return read()
        document = copy.deepcopy(nested)
        document.tag = self._roots[kind]
        del document.attrib[item_xml.XSI_TYPE]
        document.tail = None
        return document


def experiments(subject: etree._Element) -> list[etree._Element]:
    """Those nested in a subject's document."""
    return subject.findall(f"{{{item_xml.XNAT}}}experiments/{{{item_xml.XNAT}}}experiment")


def _nested(subject: etree._Element, accession_id: str) -> etree._Element | None:
    return next((one for one in experiments(subject) if one.get("ID") == accession_id), None)


def _canonical(root: etree._Element, *, inner: bool = False) -> _Canonical:
    """An element in an order of its own, its root without what says how the document is written."""
    attributes = ((str(name), str(value)) for name, value in root.attrib.items())
    told = tuple(sorted(one for one in attributes if inner or not one[0].startswith(_XSI)))
    children = [_canonical(one, inner=True) for one in root.iterchildren(etree.Element)]
    text = "" if children else root.text or ""
    return str(root.tag), told, text, tuple(sorted(children))
