"""What stands in one stream: resources whose files one address of the server gives, as one zip and one list.

`{session}/files` with `all=true` has a session with its scans, its reconstructions and assessors with what
comes out of them; what goes into these has an address of its own; a subject's or project's own resources
come from theirs (`docs/xnat-contract.md` 4.6).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Step
from xnat_tui.model.work import ResourceDownload
from xnat_tui.services.transfers.lists import session_of

SMALL = 8_000_000
"""Bytes of a file, on average, up to which a zip is quicker than a request for each."""
_FOLDERS = {Kind.ASSESSOR: "assessors", Kind.RECONSTRUCTION: "reconstructions"}
_TYPED = ("scans", "reconstructions")
_TYPE = re.compile(r"\w*", re.ASCII)


def gathering_at(place: Place) -> str:
    """The address whose `/files` bring a resource together with its neighbours.

    Of a scan's resource, or what comes out of an assessor, `/data/experiments/E1`; of what goes into one
    `/data/experiments/E1/assessors/ALL/in`; of a subject's own `/data/subjects/S1`.
    """
    resource, owner, session = place.item, place.parent.item, place.of(Kind.EXPERIMENT)
    if session is None:
        return owner.uri if owner is not None else ""
    folder = _FOLDERS.get(place.parent.kind)
    if resource is not None and resource.side == "in" and folder:
        return f"{session.uri}/{folder}/ALL/in"
    return session.uri


def gathering_of(step: Step) -> str:
    """The same of a step; what earlier versions planned stands with its owner's alone."""
    return step.carried(ResourceDownload).gathering or step.source.uri.partition("/resources/")[0]


def streamed(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of a plan, those that come in one stream kept from running side by side.

    Large files are worth a request each, and then several workers fetch them at once.
    """
    planned = list(steps)
    together: dict[str, list[Step]] = defaultdict(list)
    for step in planned:
        if step.writes and isinstance(step.work, ResourceDownload) and not step.work.only:
            together[gathering_of(step)].append(step)
    streams = {
        gathering
        for gathering, some in together.items()
        if len(some) > 1 and sum(one.bytes for one in some) <= SMALL * sum(one.files for one in some)
    }
    for step in planned:
        work = step.work
        is_one = step.writes and isinstance(work, ResourceDownload) and work.gathering in streams
        yield replace(step, session=gathering_of(step)) if is_one else step


def listed_in(uri: str) -> str:
    """Of a file's address as lists of sessions have it."""
    session, owner = session_of(uri), owner_of(uri)
    return f"{session}/{owner[0]}/ALL/in" if owner[2:] == ("in",) else session


def is_session(gathering: str) -> bool:
    """Whether it is that of a session with all that comes out of what hangs at it."""
    return gathering.count("/") == 3 and gathering.startswith("/data/experiments/")


def parameters(gathering: str) -> Mapping[str, str]:
    """What is asked for beside the address, so that everything below comes."""
    return {"all": "true"} if is_session(gathering) else {}


@dataclass(slots=True)
class Neighbour:
    """A resource as the list of its gathering tells it, whether it is to be fetched or not."""

    owner: tuple[str, ...]
    """Below the session, by IDs: `("scans", "3")`, `("assessors", "A1", "out")`; `()` for its own."""
    label: str
    number: str
    files: list[Item] = field(default_factory=list)

    def is_named(self, owner: Sequence[str], resource: str, label: str = "") -> bool:
        """Whether a zip can mean this one by folders of this name; `label` is what the assessor is called.

        Scans and reconstructions are `ID` or `ID-TYPE`, assessors begin with their ID or label where the
        address named them. Whoever finds two that can be meant knows neither.
        """
        if resource not in (self.label, self.number) or not owner:
            return False
        below = tuple(owner[1:])
        if self.owner[:1] == ("assessors",):
            return any(
                below == ("assessors", name, *self.owner[2:])
                or (owner[0] == name and below == self.owner[2:])
                for name in {self.owner[1], label} - {""}
            )
        if self.owner[:1] and self.owner[0] in _TYPED and len(below) == len(self.owner):
            folder, name, *rest = below
            return folder == self.owner[0] and tuple(rest) == self.owner[2:] and _is_of(name, self.owner[1])
        return below == self.owner


def _is_of(name: str, identifier: str) -> bool:
    """Whether `ID` or `ID-TYPE` is the name of an ID; the type's characters are all of words."""
    if name == identifier:
        return True
    start, kind = name[: len(identifier) + 1], name[len(identifier) + 1 :]
    return start == f"{identifier}-" and _TYPE.fullmatch(kind) is not None


def owner_of(uri: str) -> tuple[str, ...]:
    """`/data/experiments/E1/scans/3/resources/12` → `("scans", "3")`; `()` for what stands at the top."""
    owner, session = uri.partition("/resources/")[0], session_of(uri)
    return tuple(owner.removeprefix(session).split("/")[1:]) if session else ()


def batches(gatherings: Mapping[str, int], most: int, files: int) -> Iterator[list[str]]:
    """Sessions in their order, so many to a question and about so many files; anything else alone.

    `gatherings` are planned files by address. What goes into assessors is asked for apart from the rest.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for gathering in gatherings:
        session = session_of(gathering)
        alike[gathering.removeprefix(session) if session else gathering].append(gathering)
    for addresses in alike.values():
        batch: list[str] = []
        count = 0
        for address in addresses:
            planned = gatherings[address]
            if batch and (len(batch) == most or count + planned > files):
                yield batch
                batch, count = [], 0
            batch.append(address)
            count += planned
        yield batch
