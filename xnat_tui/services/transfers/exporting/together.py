"""The resources of a session in one stream, and so those of a subject or project.

Steps stay one per resource, each with its own outcome: the first one that runs does the work of those that
follow it, and these then only tell what became of them. A process that dies in between loses nothing: what
arrived whole stands in the manifest, and a step whose outcome was not kept looks at what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from xnat_tui.errors import Conflict, Interrupted, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item
from xnat_tui.model.options import ExportMode
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.model.work import ResourceDownload
from xnat_tui.services.transfers.attempts import ATTEMPTS
from xnat_tui.services.transfers.exporting.fetch import Fetch
from xnat_tui.services.transfers.exporting.gathering import (
    SMALL,
    gathering_of,
    is_session,
    parameters,
)
from xnat_tui.services.transfers.exporting.resources import (
    ended,
    fetch_rest,
    no_room,
    prepare,
    settle_doubles,
)
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.services.transfers.exporting.session_lists import Neighbours
from xnat_tui.services.transfers.exporting.zips import Whose, Zip
from xnat_tui.xnat.files.zip_streams import Arriving
from xnat_tui.xnat.http.connection import encode_uri

SHARE = 0.5
"""The part of what a stream brings from which it is worth more than requests for what is wanted of it."""


def fetch_resource(run: ExportRun, step: Step, control: Control) -> Outcome:
    """Fetch what is missing of a resource, and of those that come in one stream with it.

    Raises XnatTuiError where its files cannot be listed.
    """
    ready = run.ready.pop(step.number, None)
    if ready is None:
        together = _Together(run, step, control)
        together.fetch()
        ready = together.outcomes.pop(step.number)
        run.ready |= together.outcomes
    return ready


class _Together:
    """A step and those of its neighbours whose turn is still to come."""

    def __init__(self, run: ExportRun, step: Step, control: Control) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._run = run
        self._control = control
        self._gathering = gathering_of(step)
        self._first = step
        self._neighbours: Neighbours = {}
        self._fetches: list[Fetch] = []
        self._folders: set[str] = set()

    def fetch(self) -> None:
        lists = self._run.lists(self._first)
        self._neighbours = lists.of(self._gathering, self._control)
        others = self._others()
        bound = self._run.landers.submit(self._bind, others)
        for step in [self._first, *others]:
            if self._is_lost(self._prepare(step)):
                return
        try:
            if not bound.result():
                self._keep_first()
            zipped = self._stream()
        except OSError as error:
            self._end_first(error)
            return
        if self._first.session:
            lists.forget(self._gathering)
        for fetch in self._fetches:
            zipped = self._rest(fetch, zipped=zipped)
            if self._is_lost(fetch.step):
                return

    def _is_lost(self, step: Step) -> bool:
        """Whether the server is: the others then speak for themselves, when it is their turn."""
        outcome = self.outcomes.get(step.number)
        return outcome is not None and outcome.unreachable != ""

    def _others(self) -> list[Step]:
        if not self._first.session:
            return []
        return [
            one
            for one in self._run.gathered[self._gathering]
            if one.number > self._first.number and one.number not in self._run.ready
        ]

    def _bind(self, steps: Sequence[Step]) -> bool:
        """Note whose the names of these are, with one writing; False where another export has taken one."""
        try:
            self._run.manifest.bind(name for one in steps for name in one.carried(ResourceDownload).names)
        except Conflict:
            return False
        return True

    def _keep_first(self) -> None:
        """Each of the others is told by itself which name was taken."""
        self._fetches = [fetch for fetch in self._fetches if fetch.step is self._first]
        self.outcomes = {number: one for number, one in self.outcomes.items() if number == self._first.number}

    def _prepare(self, step: Step) -> Step:
        try:
            self._fetches.append(prepare(self._run, step, self._control, self._neighbours, self._folders))
        except Interrupted:
            raise
        except XnatTuiError as error:
            self.outcomes[step.number] = Outcome.failed(step, error)
        except OSError as error:
            failures = (no_room(step, error),)
            self.outcomes[step.number] = Outcome(step.number, State.FAILED, failures=failures)
        return step

    def _end_first(self, error: OSError) -> None:
        for fetch in self._fetches:
            if fetch.step is self._first:
                self.outcomes[self._first.number] = ended(fetch, error)

    def _rest(self, fetch: Fetch, *, zipped: bool) -> bool:
        error: XnatTuiError | OSError | None = None
        try:
            zipped = fetch_rest(fetch, zipped=zipped)
        except Interrupted:
            raise
        except (XnatTuiError, OSError) as found:
            error = found
        self.outcomes[fetch.step.number] = ended(fetch, error)
        return zipped

    def _stream(self) -> bool:
        """Have one stream bring what it can, once more where it broke off; whether the server gives zips."""
        answered = True
        for _ in range(ATTEMPTS):
            one = self._worthwhile()
            if one is None:
                break
            wanted = [fetch for fetch in self._fetches if fetch.wanted]
            before = sum(len(fetch.wanted) for fetch in wanted)
            whole = one.take(self._run, wanted)
            for fetch in self._fetches:
                settle_doubles(fetch)
            answered = whole or sum(len(fetch.wanted) for fetch in wanted) < before
            if whole or not answered:
                break
        return answered

    def _worthwhile(self) -> Zip | None:
        """The stream that brings most of what is wanted and not much else."""
        if not self._first.session or self._run.options.mode is ExportMode.FILE:
            return None
        places = [self._gathering]
        if is_session(self._gathering):
            places.append(f"{self._gathering}/scans/ALL")
        for place in places:
            held = {
                number: one
                for number, one in self._neighbours.items()
                if place == self._gathering or one.owner[:1] == ("scans",)
            }
            wanted = [one for one in self._fetches if one.wanted and one.work.number in held]
            files = [item for fetch in wanted for item in fetch.wanted.values()]
            whole = [item for one in held.values() for item in one.files]
            size = _size(files)
            if len(wanted) < 2:
                continue
            if size <= SMALL * len(files) and size >= SHARE * _size(whole):
                return self._zip(place, everything=len(files) == len(whole))
        return None

    def _zip(self, place: str, *, everything: bool) -> Zip:
        return Zip(
            self._run.connection(self._first),
            f"{encode_uri(place)}/files",
            parameters(place),
            self._whose(),
            everything,
            self._fetches[0].on_bytes,
        )

    def _whose(self) -> Whose:
        """Whose a member is, by its folders: of one resource alone, also of those that are not wanted."""
        fetches = {fetch.work.number: fetch for fetch in self._fetches}

        @cache
        def find(owner: tuple[str, ...], resource: str) -> Fetch | None:
            meant = [
                number
                for number, one in self._neighbours.items()
                if one.is_named(owner, resource, _assessor(fetches.get(number)))
            ]
            return fetches.get(meant[0]) if len(meant) == 1 else None

        def whose(member: Arriving) -> Fetch | None:
            return find(member.owner, member.resource)

        return whose


def _size(files: Sequence[Item]) -> int:
    return sum(item.bytes or 0 for item in files)


def _assessor(fetch: Fetch | None) -> str:
    """What the assessor of a resource is called: `.../assessors/LABEL/out/resources/R` → `LABEL`."""
    owner = fetch.work.item.rpartition("/resources/")[0] if fetch is not None else ""
    return owner.partition("/assessors/")[2].split("/")[0]
