"""Two servers compared by their projects: which there are, their listed fields, and how much each owns.

As many requests for 300 projects as for 30 where the servers answer for the whole site (`browsing/census`).
What is below a project is only counted: equal counts are not equal items, and nobody says that they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from xnat_tui.model.entities import Fields, Kind, Listing
from xnat_tui.model.judging import Rules, neutral_fields
from xnat_tui.model.pairing import Depth, match
from xnat_tui.services.browsing.census import Census, count
from xnat_tui.services.browsing.trees import Side, Tree
from xnat_tui.services.comparing.compared import Compared
from xnat_tui.services.reading.awaiting import results

PROJECTS = "projects"
"""The word for this depth."""


class SiteComparison(Compared):
    """`run` fills it in. Counts stand among a project's fields, as `subjects` and `experiments`."""

    def __init__(self, source: Side, destination: Side, *, neutral: Iterable[str] = ()) -> None:
        rules = Rules(Depth.LABELS, neutral_fields(neutral))
        super().__init__(source, destination, rules, Tree(source, destination, rules, Depth.LABELS))

    @property
    def asked(self) -> str:
        return PROJECTS

    def run(self) -> None:
        """Ask both servers, and judge. A project whose counts one of them does not tell is unreadable.

        Raises XnatTuiError where the projects of a server cannot be listed, Interrupted.
        """
        sides = (self.source, self.destination)
        with ThreadPoolExecutor(len(sides), "site") as pool:
            asked = [pool.submit(_counted, side) for side in sides]
            found = results(asked, *(side.reader.connection for side in sides))
        (here, counts), (there, others) = found
        pairs = match(Kind.PROJECT, here, there, self.rules)
        for pair in pairs:
            pair.complete = True
            if pair.both:
                pair.fail(counts[pair.key].error, others[pair.key].error)
        self.root.attach(pairs)


def _counted(side: Side) -> tuple[Listing, dict[str, Census]]:
    listing = side.reader.below(side.root, Kind.PROJECT)
    if listing.error is not None:
        raise listing.error
    counts = count(side.reader.connection, listing.items)
    items = (item.with_fields(item.fields.joined(_fields(counts[item.id]))) for item in listing.items)
    return replace(listing, items=tuple(items)), counts


def _fields(census: Census) -> Fields:
    told = {"subjects": census.subjects, "experiments": census.experiments}
    return Fields.of({name: str(number) for name, number in told.items() if number is not None})
