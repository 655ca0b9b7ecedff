"""Bulk answers about subjects and sessions, believed as far as smaller answers prove them.

A blank cell proves nothing until its question is proved: until one of its answers agrees with the smaller
question about an item that has such children. So the documents of a few items are read: those that show
every kind that there is, several where any has several, and those that stand last in an answer, which might
have ended early. What no item shows at all, in a column or as a child, and what no item shows two of, is
asked for in a second way. What is disproved, or what nothing proves, is asked for item by item.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.reading import claims
from xnat_tui.services.reading.agreement import unlike_fields, unlike_listings
from xnat_tui.services.reading.costs import tell_costs
from xnat_tui.services.reading.listed import VARIABLES
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading.settling import Settling
from xnat_tui.services.reading.shown import Holdings, Root, Survey, resources_of
from xnat_tui.xnat.documents.items import Document
from xnat_tui.xnat.tables import joins
from xnat_tui.xnat.tables.absence import Claim
from xnat_tui.xnat.tables.bulk import REFUSALS
from xnat_tui.xnat.tables.joins import Join, ListedResource, resources_of_all

log = logging.getLogger("xnat_tui.proof")

FEW = 2
"""Up to so many items of a type have their documents read: a second way of asking would not cost less."""
_TRIES = 3
"""How many documents are tried where one cannot be read."""

T = TypeVar("T")


@dataclass(slots=True)
class Outcome:
    """What proofs found."""

    doubted: set[Join] = field(default_factory=set)
    """Disproved, or not proved: to be asked for item by item."""
    unlike: set[str] = field(default_factory=set)
    """Fields of the items themselves that a document tells otherwise, or that nothing proves."""
    documents: dict[str, Document] = field(default_factory=dict)
    """Those that were read, by accession ID."""
    unread: set[str] = field(default_factory=set)
    """Items of whom lists do not tell everything, and no document could be read."""


class Proof:
    """Proves what bulk answers told of the subjects of a project, or of its experiments.

    It asks when it is made; `finish` waits for the answers.
    """

    def __init__(
        self,
        reader: Reader,
        project: Place,
        pool: Executor,
        items: Mapping[str, Item],
        place_of: Callable[[Item], Place],
        found: Mapping[str, Listing],
        last: Iterable[str],
    ) -> None:
        """`items` by accession ID with the listings `found` for them, and those of them that stood at the end
        of an answer."""
        assert project.item is not None, "a project's items are proved"
        self._reader = reader
        self._project = project.item
        self._start = partial(_start, pool)
        self._items = items
        self._found = found
        self._place_of = place_of
        self._survey = Survey(items.values(), found, self._project.id, reader.proofs.filled)
        self._groups, self._holders = self._survey.groups, self._survey.holders
        self._outcome = Outcome()
        self._told = set[Join]().union(*(one.told for one in self._groups))
        self._shown = set[Join]().union(*(one.shown for one in self._groups))
        self._several = set[Join]().union(*(one.several for one in self._groups))
        self._wanted = self._shown - reader.proofs.proved
        self._failed: set[str] = set()
        first = dict.fromkeys(name for name in last if name in items)
        for name in self._of_each_type(first):
            first[name] = None
        self._samples = self._start_documents([*first, *self._covering(first)])
        unread = [name for name in items if name not in self._samples]
        whole = [name for group, names in self._groups.items() if group.whole for name in names]
        listed = joins.fitting(whole) if unread and joins.TOLD_BY_RESOURCES & self._told else ()
        self._listed = (
            self._start(lambda: (listed, resources_of_all(reader.connection, listed))) if listed else None
        )
        self._whole = len(listed) == len(whole)
        self._settling = Settling(self._start, reader.connection, self._project, self._roots())
        if unread:
            others = self._told - joins.TOLD_BY_RESOURCES if self._listed and self._whole else self._told
            self._settling.ask([*claims.blank_columns(self._survey.blank), *self._claims_about(others)])

    def finish(self) -> Outcome:
        """What became of it."""
        self._read_samples()
        if not (self._listed is not None and self._compare_resources(self._listed())) and self._whole:
            self._settling.ask(self._claims_about(joins.TOLD_BY_RESOURCES))  # which was to settle them
        for doubted in self._settling.unsettled():
            if isinstance(doubted, Join):
                self._outcome.doubted.add(doubted)
            else:
                self._outcome.unlike.add(doubted)
        self._read(
            name
            for holders in self._holders.values()
            for identifier, name in holders.items()
            if identifier in self._settling.contradicting
        )
        proofs = self._reader.proofs
        proofs.proved |= self._shown - self._outcome.doubted
        proofs.multiplied |= self._several - self._outcome.doubted
        return self._outcome

    # documents of a few items

    def _of_each_type(self, chosen: Collection[str]) -> Iterator[str]:
        """All items of a type with few of them, then one of each other type of which none is `chosen` yet."""
        for holders in sorted(self._holders.values(), key=len):
            names = list(holders.values())
            if len(names) <= FEW:
                yield from names
            elif not any(name in chosen for name in names):
                yield names[-1]

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
        self._outcome.unread |= self._failed - self._outcome.documents.keys()

    def _start_documents(self, names: Iterable[str]) -> dict[str, Callable[[], Document | None]]:
        return {
            name: self._start(lambda item=self._items[name]: self._reader.document(self._place_of(item)))  # type: ignore[misc]
            for name in dict.fromkeys(names)
        }

    def _compare(self, name: str, document: Document) -> None:
        item = self._items[name]
        self._outcome.documents[name] = document
        unlike = unlike_fields(item, document)
        self._outcome.unlike |= unlike
        if any(field.startswith(VARIABLES) for field in unlike):
            self._outcome.doubted.add(Join(item.kind, "variables"))
        self._outcome.doubted.update(unlike_listings(item, document, self._found, self._project.id))

    def _covering(self, chosen: Collection[str]) -> list[str]:
        """Few more items that together show all that is wanted, several of it where any item has several."""
        left = {(join, join in self._several) for join in self._wanted}
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
            for resource in resources_of(self._items[name], self._found, self._project.id)
        )
        numbers = {row.number for row in answer[1]}
        for row in answer[1]:
            if known.get(row.number) != row.facts:
                self._outcome.doubted.update(row.joins)
        return bool(numbers) or not known

    # what no list shows

    def _roots(self) -> dict[Root, str]:
        """The types of which not every document is read, each with one whose document is."""
        found: dict[Root, str] = {}
        for root, holders in self._holders.items():
            read = [one for one, name in holders.items() if name in self._samples]
            if len(read) < len(holders):
                found[root] = read[0]
        return found

    def _claims_about(self, wanted: Set[Join]) -> list[Claim]:
        """That nobody has children that no list shows, nor a second one where none shows two."""
        proofs = self._reader.proofs
        return [
            *claims.unseen((self._told - self._shown - proofs.proved) & wanted),
            *claims.never_several(
                *(self._items.values(), self._found, self._project.id),
                (self._shown - proofs.multiplied) & wanted,
                self._several | proofs.multiplied,
            ),
        ]

    def _read(self, names: Iterable[str]) -> None:
        """Read the documents of items that have more than lists show."""
        left = [name for name in dict.fromkeys(names) if name not in self._outcome.documents]
        subjects = any(root.kind is Kind.SUBJECT for root in self._holders)
        tell_costs(self._reader.connection, self._project, len(left), "subject" if subjects else "session")
        for name, answer in self._start_documents(left).items():
            document = answer()
            if document is None:
                self._outcome.unread.add(name)
            else:
                self._outcome.documents[name] = document


def _start(pool: Executor, question: Callable[[], T]) -> Callable[[], T | None]:
    """Ask in another thread; None for a refusal."""

    def asked() -> T | None:
        try:
            return question()
        except REFUSALS as refusal:
            log.info("question for a proof refused: %s", type(refusal).__name__)
            return None

    return pool.submit(asked).result


def _shown(group: Holdings, left: set[tuple[Join, bool]]) -> set[tuple[Join, bool]]:
    return {(join, more) for join, more in left if join in (group.several if more else group.shown)}
