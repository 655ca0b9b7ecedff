"""Which files of a resource have to travel: the source's list against the destination's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xnat_tui.model.display import counted
from xnat_tui.model.entities import Item
from xnat_tui.model.options import OnExisting
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.transfer import Evidence

_MOST_TOLD = 20


@dataclass(slots=True)
class Decision:
    """What to do with each file of a resource, by its path below the resource."""

    missing: list[Item] = field(default_factory=list)
    replaced: list[Item] = field(default_factory=list)
    """There with other content, or sent again by choice."""
    complete: list[Item] = field(default_factory=list)
    refused: list[Item] = field(default_factory=list)
    """There with other content, and not to be touched."""
    held: Mapping[str, Item] = field(default_factory=dict)
    """The destination's files, by the same path."""
    doubled: list[Item] = field(default_factory=list)
    """A second file with one path: XNAT's catalogs allow it, its addresses do not."""
    evidence: Evidence = field(default_factory=Evidence)
    """What the complete ones rest on."""

    def contents(self, files: Sequence[Item]) -> list[FieldDifference]:
        """How some of these files are otherwise at the destination: by size, where that is one by digest."""
        return [_content(file, self.held[file.key]) for file in files[:_MOST_TOLD]]

    @property
    def sent(self) -> list[Item]:
        return [*self.missing, *self.replaced]


def decide(source: Iterable[Item], there: Iterable[Item], on_existing: OnExisting) -> Decision:
    """Size and digest decide; a digest that one side lacks leaves the size, which is said as evidence."""
    held = {item.key: item for item in there}
    found = Decision(held=held)
    seen: set[str] = set()
    for item in source:
        if item.key in seen:
            found.doubled.append(item)
            continue
        seen.add(item.key)
        other = held.get(item.key)
        if other is None:
            found.missing.append(item)
        elif on_existing is OnExisting.OVERWRITE:
            found.replaced.append(item)
        elif differs(item, other):
            (found.replaced if on_existing is OnExisting.UPDATE else found.refused).append(item)
        else:
            found.complete.append(item)
            found.evidence += evidence(item, other)
    return found


def differs(one: Item, other: Item) -> bool:
    """Whether two files are certainly not the same."""
    if one.bytes is not None and other.bytes is not None and one.bytes != other.bytes:
        return True
    return bool(one.digest and other.digest and one.digest != other.digest)


def _content(file: Item, there: Item) -> FieldDifference:
    if file.bytes == there.bytes and file.digest and there.digest:
        return FieldDifference(file.key, f"MD5 {file.digest}", f"MD5 {there.digest}")
    sizes = ["size unknown" if item.bytes is None else counted(item.bytes, "byte") for item in (file, there)]
    return FieldDifference(file.key, *sizes)


def state_of(file: Item | None) -> str:
    """What a file is at one moment, as a text; "" where there is none."""
    return "" if file is None else f"{'' if file.bytes is None else file.bytes}:{file.digest or ''}"


def evidence(one: Item, other: Item) -> Evidence:
    """What says that two files which do not differ are the same."""
    if one.digest and one.digest == other.digest:
        return Evidence(digest=1)
    if one.bytes is not None and one.bytes == other.bytes:
        return Evidence(size=1)
    return Evidence(unverified=1)
