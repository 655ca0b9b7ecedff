"""Copying a resource: its files listed on both sides, sent, and proved to have arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from lxml import etree

from xnat_tui.errors import Conflict, Interrupted, ServerUnreachable, Unclear, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item
from xnat_tui.model.options import OnExisting
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Failure, Kept, Outcome, State
from xnat_tui.model.work import ResourceCopy
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.copying.execution import attributes
from xnat_tui.services.transfers.copying.execution.sender import Sender
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.file_decisions import Decision, decide, state_of
from xnat_tui.services.transfers.parcels import Manner
from xnat_tui.services.transfers.streams import Passed


class ResourceSending:
    """Sends what is missing, or differs where the options say so; a file that fails stops no other.

    How a resource is made, and how its files are sent, can be another's choice.
    """

    def __init__(self, run: CopyRun, step: Step, control: Control) -> None:
        self.run = run
        self.step = step
        self.work = step.carried(ResourceCopy)
        self.control = control
        self.failures: dict[str, Failure] = {}
        self.sender = Sender(run, step, control, self.fail)
        self.evidence = Evidence()
        self.files = 0
        self.bytes = 0
        self.total = 0
        """Bytes of the whole resource at the source."""
        self.decision = Decision()
        self.missing = False
        """Whether the destination shows no file of it, so that it may have to be made."""
        self.attributes = Kept()
        self.uploads = 0
        """How often something was sent."""
        self._waiting: dict[str, Item] = {}
        self._overwrite: set[str] = set()
        self._unclear: XnatTuiError | None = None
        self._unreachable = ""

    def copy(self) -> Outcome:
        """Raises XnatTuiError when the resource's files cannot be listed."""
        self.prepare(None)
        self._make()
        if self.decision.sent:
            self.send()
        if self.proves_attributes:
            self.prove_attributes(lambda: self.run.stored(attributes.address(self.step)))
        return self.outcome()

    def _make(self) -> None:
        needed = [self.step] if self.is_made_first else []
        missing = [self.step] if self.missing else []
        if error := attributes.make(self.run, needed, missing, self.control).get(self.step.number):
            raise error

    def prepare(self, there: Sequence[Item] | None) -> None:
        """List and decide; `there` are its files at the destination, if known. Raises what listing raises."""
        listed = self.run.source_files(self.step)
        only, chosen = self.work.only, self.work.chosen
        items = [item for item in listed.items if (not only or item.key == only)]
        if chosen:
            items = [item for item in items if item.key in chosen]
        if listed.error is not None:
            if not items:
                raise listed.error
            self.fail("", listed.error)
        if only and not items:
            self.fail(
                only, XnatTuiError("The file is no longer there.", "The source has changed: plan again.")
            )
        if there is None:
            there = () if self.run.untouched(self.step) else self.run.target_files(self.step)
        self.total = sum(item.bytes or 0 for item in items)
        on_existing = OnExisting.UPDATE if chosen else self.run.options.on_existing
        self.decision = decide(items, there, on_existing)
        self._refuse()
        if chosen:
            self._keep_changed(there)
        self.evidence += self.decision.evidence
        self.missing = not there
        self.wait_for(self.decision.sent)
        self._overwrite = {item.key for item in self.decision.replaced}

    def wait_for(self, items: Sequence[Item]) -> None:
        """These are what `upload` sends."""
        self._waiting = {item.key: item for item in items}

    def outcome(self) -> Outcome:
        """What has become of the step so far: done unless a file of it failed."""
        return Outcome(
            self.step.number,
            State.FAILED if self.failures else State.DONE,
            files=self.files,
            bytes=self.bytes,
            skipped=len(self.decision.complete),
            verified=self.evidence,
            failures=tuple(self.failures.values()),
            unreachable=self._unreachable,
            attributes=self.attributes,
        )

    def _refuse(self) -> None:
        """What the plan showed as a conflict is no failure of the run; what is new since then is one."""
        shown = set(self.work.refused)
        for item in self.decision.refused:
            if item.key not in shown:
                error = Conflict("It is there with other content.", "--on-existing update would replace it.")
                self.fail(item.key, error)
        for item in self.decision.doubled:
            self.fail(item.key, Conflict("A second file with this path; XNAT can only deliver one of them."))

    def _keep_changed(self, there: Sequence[Item]) -> None:
        """What somebody changed at the destination since this was planned is theirs."""
        held = {item.key: item for item in there}
        for items in (self.decision.missing, self.decision.replaced):
            for item in list(items):
                if state_of(held.get(item.key)) != self.work.chosen[item.key]:
                    items.remove(item)
                    self.fail(item.key, Conflict("It was changed there meanwhile.", "Plan again."))

    @property
    def is_made_first(self) -> bool:
        """Whether it has to stand there before a file is sent: not all of them would make it what it is."""
        if not self.missing:
            return False
        sent = self.decision.sent
        own = attributes.planned(self.run, self.step)
        return not sent or any(attributes.of_file(item) != own for item in sent)

    @property
    def proves_attributes(self) -> bool:
        """Not of a resource that stood there before, nor where its files say that nothing of it arrived."""
        arrived = self.files or self.decision.complete or not self.failures
        return self.run.options.verify and not self.work.exists and bool(arrived)

    def prove_attributes(self, ask: Callable[[], etree._Element | None]) -> None:
        """Compare what the destination's document says now with what was planned."""
        try:
            failure = attributes.lost(self.run, self.step, ask())
        except Interrupted:
            raise
        except XnatTuiError as error:
            self._unreachable = self._unreachable or error.unreachable
            words = f"Its attributes could not be read back: {error.message}"
            failure = Failure(self.step.path, words, error.hint)
        self.attributes = Kept(lost=1) if failure else Kept(1)
        if failure:
            self.failures[_ATTRIBUTES] = failure

    def send(self) -> None:
        self.upload()
        self.settle(None)

    def upload(self) -> None:
        """Send what waits, once. Whether it arrived is for `settle` to find out."""
        self.control.check()
        self._unclear = None
        self.uploads += 1
        self.run.touched.add(self.step.target.uri)
        try:
            self.sender.send(self._by_manner(), self.total)
        except (Unclear, ServerUnreachable) as error:
            self._unclear = error

    def _by_manner(self) -> dict[Manner, list[Item]]:
        found: dict[Manner, list[Item]] = defaultdict(list)
        for item in self._waiting.values():
            found[Manner(attributes.of_file(item), item.key in self._overwrite)].append(item)
        return found

    def settle(self, there: Sequence[Item] | None) -> None:
        """Prove what was uploaded, send again what unclearly failed, and fail what has not arrived.

        `there` is what a list of the whole session says; what that lacks is looked for once more.
        """
        missing = {item.key for item in self.decision.missing}
        for attempt in range(ATTEMPTS):
            self._waiting = self._left()
            if there is not None:
                self._waiting, there = self._prove(there, final=False), None
            if self._waiting:
                self._waiting = self._prove(None, final=True)
            if not self._waiting:
                return
            # what this step itself left there half may be replaced
            self._overwrite |= missing & self.sender.passed.keys()
            if self._unclear is None or self.sender.gone is not None:
                break
            if attempt < ATTEMPTS - 1:
                pause(self.control, attempt)
                self.upload()
        for key in self._waiting:
            self.fail(key, self._unclear or _NOT_STORED)

    def _left(self) -> dict[str, Item]:
        return {key: item for key, item in self._waiting.items() if key not in self.failures}

    def _prove(self, there: Sequence[Item] | None, *, final: bool) -> dict[str, Item]:
        """Count what has arrived; the rest comes back. An upload's status alone proves nothing."""
        trusting = not self.run.options.verify and self._unclear is None and not self.sender.existed
        if trusting:
            for key in self._waiting:
                self._arrived(key, Evidence(unverified=1))
            return {}
        held = {item.key: item for item in (self.run.target_files(self.step) if there is None else there)}
        rest: dict[str, Item] = {}
        for key, item in self._waiting.items():
            passed, other = self.sender.passed.get(key), held.get(key)
            if passed is None or other is None:
                rest[key] = item
            elif _wrong(passed, other):
                rest[key] = item
                if self._unclear is None and final:
                    self.fail(key, _OTHER_CONTENT)
            else:
                self._arrived(key, _evidence(item, passed, other))
        return {key: item for key, item in rest.items() if key not in self.failures}

    def _arrived(self, key: str, evidence: Evidence) -> None:
        self.evidence += evidence
        self.files += 1
        self.bytes += self.sender.passed[key].size
        self.control.on_file()

    def fail(self, key: str, error: XnatTuiError) -> None:
        """Keep why a file, or with "" the resource, could not be copied; the others go on."""
        path = f"{self.step.path}/files/{key}" if key else self.step.path
        self.failures[key] = Failure(path, error.message, error.hint)
        self._unreachable = self._unreachable or error.unreachable


_ATTRIBUTES = "//"
"""Where a failure of the resource's attributes is kept, beside those of its files: no path is like it."""
_NOT_STORED = XnatTuiError(
    "The server accepted the file, but does not list it.", "You may lack the right to write there."
)
_OTHER_CONTENT = XnatTuiError(
    "It arrived with another size or checksum than what was sent.", "--on-existing update sends it again."
)


def _wrong(passed: Passed, there: Item) -> bool:
    if there.bytes is not None and there.bytes != passed.size:
        return True
    return bool(there.digest) and there.digest != passed.md5


def _evidence(source: Item, passed: Passed, there: Item) -> Evidence:
    """Digest: the source's, that of the bytes which passed, and the destination's are one."""
    if there.digest and source.digest == passed.md5 == there.digest:
        return Evidence(digest=1)
    return Evidence(size=1) if there.bytes == passed.size else Evidence(unverified=1)
