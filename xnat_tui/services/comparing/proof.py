"""Bulk answers about subjects and sessions, believed as far as smaller answers prove them.

A blank cell proves nothing until its question is proved: until one of its answers agrees with the smaller
question about an item that has such children. So the documents of a few items are read: those that show
every kind that there is, several where any has several, and those that stand last in an answer, which might
have ended early. What no item shows at all is asked for in a second way. A kind that is disproved, or that
nothing proves, is asked for item by item.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from xnat_tui.model.entities import Fields, Item, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.comparing.agreement import unlike_fields, unlike_listings
from xnat_tui.services.comparing.listed import VARIABLES
from xnat_tui.services.comparing.shown import Holdings, holdings_of, resources_of
from xnat_tui.xnat import joins
from xnat_tui.xnat.bulk import REFUSALS
from xnat_tui.xnat.documents import Document
from xnat_tui.xnat.joins import Join, ListedResource, ProofQuestions

log = logging.getLogger("xnat_tui.proof")

SMALL = 3
"""Up to so many items each is asked for what none of them shows: a second way would not cost less."""
_TRIES = 3
"""How many documents are tried where one cannot be read."""

T = TypeVar("T")


@dataclass(slots=True)
class Outcome:
    """What proofs found."""

    doubted: set[Join] = field(default_factory=set)
    """Disproved, or not proved: to be asked for item by item."""
    unlike: set[str] = field(default_factory=set)
    """Fields of the items themselves that a document tells otherwise."""
    documents: dict[str, Document] = field(default_factory=dict)
    """Those that were read, by accession ID."""


class Proof:
    """Proves what bulk answers told of the subjects of a project, or of its experiments.

    It asks when it is made; `finish` waits for the answers.
    """

    def __init__(
        self,
        reader: Reader,
        project: Place,
        pool: Executor,
        items: Mapping[str, Place],
        found: Mapping[str, Listing],
        last: Iterable[str],
    ) -> None:
        """`items` by accession ID with the listings `found` for them, and those of them that stood at the end
        of an answer."""
        assert project.item is not None, "a project's items are proved"
        self._reader = reader
        self._project = project.item.id
        self._pool = pool
        self._ask = ProofQuestions(reader.connection, project.item)
        self._items = items
        self._found = found
        self._groups: dict[Holdings, list[str]] = {}
        """Items by what they show: there are few kinds of items, however many there are."""
        for name, where in items.items():
            assert where.item is not None
            self._groups.setdefault(holdings_of(where.item, found, self._project), []).append(name)
        self._outcome = Outcome()
        told = set[Join]().union(*(one.told for one in self._groups))
        self._shown = set[Join]().union(*(one.shown for one in self._groups))
        self._unseen = told - self._shown - reader.proved
        self._wanted = self._shown - reader.proved
        self._failed: set[str] = set()
        first = dict.fromkeys(name for name in last if name in items)
        self._samples = self._start_documents([*first, *self._covering(first)])
        whole = [name for group, names in self._groups.items() if group.whole for name in names]
        listed = joins.fitting(whole) if joins.TOLD_BY_RESOURCES & told else ()
        self._listed = self._start(lambda: (listed, self._ask.resources(listed))) if listed else None
        self._whole = len(listed) == len(whole)
        self._second: dict[Join, Callable[[], frozenset[str] | None]] = {}
        if len(items) > SMALL:
            for join in self._unseen - (joins.TOLD_BY_RESOURCES if self._whole else frozenset()):
                self._second[join] = self._start_second(join)

    def finish(self) -> Outcome:
        """What became of it."""
        self._read_samples()
        usable = self._listed is not None and self._compare_resources(self._listed())
        for join in self._unseen:
            if join in joins.TOLD_BY_RESOURCES and usable and self._whole:
                continue
            if len(self._items) <= SMALL:
                self._outcome.doubted.add(join)
                continue
            having = (self._second.get(join) or self._start_second(join))()
            if having is None or having:
                self._outcome.doubted.add(join)
        self._reader.proved |= self._shown - self._outcome.doubted
        return self._outcome

    def _start(self, question: Callable[[], T]) -> Callable[[], T | None]:
        """Ask in another thread; None for a refusal."""

        def asked() -> T | None:
            try:
                return question()
            except REFUSALS as refusal:
                log.info("question for a proof refused: %s", type(refusal).__name__)
                return None

        return self._pool.submit(asked).result

    # documents of a few items

    def _read_samples(self) -> None:
        for tries in range(_TRIES):
            if tries:
                self._samples = self._start_documents(self._covering(()))
            for name, answer in self._samples.items():
                document = answer()
                if document is None:
                    self._failed.add(name)
                else:
                    self._compare(name, document)
            read = self._outcome.documents.keys()
            for group, names in self._groups.items():
                if not read.isdisjoint(names):
                    self._wanted -= group.shown
            if not self._wanted:
                break
        self._outcome.doubted |= self._wanted  # of no item that has them the document could be read

    def _start_documents(self, names: Iterable[str]) -> dict[str, Callable[[], Document | None]]:
        return {
            name: self._start(lambda where=self._items[name]: self._reader.document(where))  # type: ignore[misc]
            for name in dict.fromkeys(names)
        }

    def _compare(self, name: str, document: Document) -> None:
        item = self._items[name].item
        assert item is not None, "an item has a document"
        self._outcome.documents[name] = document
        unlike = unlike_fields(item, document)
        self._outcome.unlike |= unlike
        if any(field.startswith(VARIABLES) for field in unlike):
            self._outcome.doubted.add(Join(item.kind, "variables"))
        self._outcome.doubted.update(unlike_listings(item, document, self._found, self._project))

    def _covering(self, chosen: Collection[str]) -> list[str]:
        """Few more items that together show all that is wanted, several of it where any item has several."""
        several = set[Join]().union(*(one.several for one in self._groups))
        left = {(join, join in several) for join in self._wanted}
        more: list[str] = []
        for group, names in self._groups.items():
            if any(name in names for name in chosen):
                left -= _shown(group, left)
        candidates = {
            group: name
            for group, names in self._groups.items()
            if (name := next((one for one in names if one not in self._failed), None)) is not None
        }
        while left and candidates:
            best = max(candidates, key=lambda group: len(_shown(group, left)))
            if not (covered := _shown(best, left)):
                break
            more.append(candidates[best])
            left -= covered
        return more

    # all resources of many sessions at once

    def _compare_resources(self, answer: tuple[Collection[str], list[ListedResource]] | None) -> bool:
        """A resource that no join told, or told otherwise, disproves the join that should have told it.

        Whether the answer is of use at all.
        """
        if answer is None:
            return False
        known = dict(
            resource
            for name in answer[0]
            if (item := self._items[name].item) is not None
            for resource in resources_of(item, self._found, self._project)
        )
        numbers = {row.number for row in answer[1]}
        for row in answer[1]:
            if known.get(row.number) != row.facts:
                self._outcome.doubted.update(row.joins)
        return bool(numbers) or not known

    def _start_second(self, join: Join) -> Callable[[], frozenset[str] | None]:
        return self._start(lambda: self._ask.items_with(join))


def _shown(group: Holdings, left: set[tuple[Join, bool]]) -> set[tuple[Join, bool]]:
    return {(join, more) for join, more in left if join in (group.several if more else group.shown)}


def doubted(item: Item, unlike: Collection[str], *, variables: bool) -> Item:
    """An item without the fields that its listing told wrongly: its document has to be read."""
    kept = [
        (name, value)
        for name, value in item.fields.items()
        if name not in unlike and not (variables and name.startswith(VARIABLES))
    ]
    names, values = tuple(name for name, _ in kept), tuple(value for _, value in kept)
    return item.with_fields(Fields(names, values, exhaustive=() if variables else item.fields.exhaustive))
