"""Files of resources that no list knows: evidence that is never dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.model.entities import CHILD_KINDS, Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader

_ADDRESS = re.compile(r"(?P<owner>/data/.*)/resources/[^/]*/files/")
_EXPERIMENT = re.compile(r"/experiments/([^/]+)")


class Unclaimed:
    """Settles what a list of files shows of resources that nobody asked about."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def settle(self, owners: Iterable[Place], addresses: Mapping[str, str]) -> None:
        """Have what stands at these sessions, subjects or projects read again where a file (an address by
        the number of its resource) is in a resource that is not known there."""
        for owner in owners:
            item = owner.item
            assert item is not None, "files are listed of an item"
            mine = {number: address for number, address in addresses.items() if _is_in(address, item)}
            if not mine.keys() - self._numbers(owner):
                continue
            try:
                self._reader.read_again(owner)
            except XnatTuiError as error:
                self._contradict(owner, mine, error)
                continue
            left = mine.keys() - self._numbers(owner)
            if left:
                self._contradict(owner, {number: mine[number] for number in left})

    def _numbers(self, owner: Place) -> set[str]:
        return {item.id for where in self._known(owner) for item in self._resources(where)}

    def _known(self, owner: Place) -> Iterator[Place]:
        """A place and all below it that can have resources, as far as anybody knows."""
        waiting = [owner]
        while waiting:
            where = waiting.pop()
            yield where
            for kind in CHILD_KINDS[where.kind] if where.kind is Kind.EXPERIMENT else ():
                if kind is not Kind.RESOURCE and self._reader.knows(where, kind):
                    waiting += [where.child(item) for item in self._reader.below(where, kind).items]

    def _resources(self, where: Place) -> tuple[Item, ...]:
        if not self._reader.knows(where, Kind.RESOURCE):
            return ()
        return self._reader.below(where, Kind.RESOURCE).items

    def _contradict(
        self, owner: Place, addresses: Mapping[str, str], error: XnatTuiError | None = None
    ) -> None:
        for number, address in addresses.items():
            doubt = error or BadAnswer(
                f"The server lists files of a resource (number {number}) that it does not show here.",
                "Its answers contradict each other: reload, or ask its administrator.",
            )
            found = _ADDRESS.match(address)
            where = next(
                (one for one in self._known(owner) if found and _stands_at(found["owner"], one)), owner
            )
            self._reader.contradict(owner, where, doubt)


def _is_in(address: str, item: Item) -> bool:
    """Whether a file's address leads into an item; one that names no session may be of any."""
    if item.kind is not Kind.EXPERIMENT:
        return True
    named = _EXPERIMENT.search(address)
    return named is None or named[1] == item.id


def _stands_at(address: str, where: Place) -> bool:
    """Whether this is the address of an item, however it is written: by project and subject, with a side."""
    tail = re.sub(r"^/data/(projects/[^/]+/subjects/[^/]+/)?", "/data/", address)
    uri = where.item.uri if where.item is not None else ""
    return tail in (uri, f"{uri}/in", f"{uri}/out")
