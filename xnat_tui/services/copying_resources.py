"""Copying a resource: its files listed on both sides, sent, and proved to have arrived."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from xnat_tui.errors import Conflict, ServerUnreachable, Unclear, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State
from xnat_tui.services.copying import ATTEMPTS, Control, CopyRun, check_stop, pause
from xnat_tui.services.copying_files import Sender
from xnat_tui.services.copying_lists import session_of
from xnat_tui.services.copying_streams import Passed
from xnat_tui.services.file_decisions import Decision, decide
from xnat_tui.xnat import item_xml, writing
from xnat_tui.xnat.writing import Attributes


def copy_resource(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Send what is missing, or differs where the policy replaces it; a file that fails stops no other.

    Raises XnatTuiError when the resource's files cannot be listed.
    """
    return _ResourceCopy(run, step, control).copy()


class _ResourceCopy:
    def __init__(self, run: CopyRun, step: Step, control: Control) -> None:
        self.run = run
        self.step = step
        self.control = control
        self.failures: dict[str, Failure] = {}
        self.sender = Sender(run, step, control, self._fail)
        self.evidence = Evidence()
        self.files = 0
        self.bytes = 0

    def copy(self) -> Outcome:
        listed = self.run.source_files(self.step)
        only = self.step.data.get("only", "")
        items = [item for item in listed.items if not only or item.key == only]
        if listed.error is not None:
            if not items:
                raise listed.error
            self._fail("", listed.error)
        if only and not items:
            self._fail(
                only, XnatTuiError("The file is no longer there.", "The source has changed: plan again.")
            )
        untouched = self.run.untouched(self.step)
        there = () if untouched else self.run.target_files(self.step)
        decision = decide(items, there, self.run.policy.on_existing)
        self._refuse(decision)
        self.evidence += decision.evidence
        if not there:
            self._create(decision)
        if decision.sent:
            self._send(decision, sum(item.bytes or 0 for item in items))
        done = State.FAILED if self.failures else State.DONE
        skipped = len(decision.complete)
        return Outcome(
            self.step.number,
            done,
            files=self.files,
            bytes=self.bytes,
            skipped=skipped,
            verified=self.evidence,
            failures=tuple(self.failures.values()),
        )

    def _refuse(self, decision: Decision) -> None:
        """What the plan showed as a conflict is no failure of the run; what is new since then is one."""
        shown = set(json.loads(self.step.data.get("refused", "[]")))
        for item in decision.refused:
            if item.key not in shown:
                error = Conflict("It is there with other content.", "--on-existing update would replace it.")
                self._fail(item.key, error)
        for item in decision.doubled:
            self._fail(item.key, Conflict("A second file with this path; XNAT can only deliver one of them."))

    def _create(self, decision: Decision) -> None:
        """Make the resource first where its first upload would not give it its own attributes."""
        own = self._own_attributes()
        first = _attributes(decision.sent[0]) if decision.sent else None
        if first is not None and own in (first, Attributes(first.format, first.content)):
            return
        try:
            writing.put_resource(self.run.target, self.step.target.uri, own)
        except Conflict:
            return  # it is there, without files
        except Unclear:
            pause(self.control, 0)  # the first upload creates it as well

    def _own_attributes(self) -> Attributes:
        """Below a session, only its document tells the tags of a resource."""
        own = Attributes(**{name: self.step.data.get(name, "") for name in _ATTRIBUTES})
        session = session_of(self.step.source.uri)
        if own.tags or not session:
            return own
        uri, label = self.step.source.uri, self.step.data["label"]
        return replace(own, tags=item_xml.resource_tags(self.run.document(session), uri, label))

    def _send(self, decision: Decision, total: int) -> None:
        missing = {item.key for item in decision.missing}
        waiting = {item.key: item for item in decision.sent}
        overwrite = {item.key for item in decision.replaced}
        for attempt in range(ATTEMPTS):
            check_stop(self.control)
            unclear: XnatTuiError | None = None
            self.run.touched.add(self.step.target.uri)
            try:
                for group in _by_attributes(list(waiting.values())):
                    again = [item for item in group if item.key in overwrite]
                    first = [item for item in group if item.key not in overwrite]
                    for items, replacing in ((first, False), (again, True)):
                        if items:
                            attributes = _attributes(items[0])
                            self.sender.send(items, attributes, overwrite=replacing, total=total)
            except (Unclear, ServerUnreachable) as error:
                unclear = error
            waiting = {key: item for key, item in waiting.items() if key not in self.failures}
            waiting = self._prove(waiting, unclear)
            if not waiting:
                return
            overwrite |= (
                missing & self.sender.passed.keys()
            )  # what this step itself left there half may be replaced
            if unclear is None:
                break
            if attempt < ATTEMPTS - 1:
                pause(self.control, attempt)
        for key in waiting:
            self._fail(key, unclear or _NOT_STORED)

    def _prove(self, waiting: Mapping[str, Item], unclear: XnatTuiError | None) -> dict[str, Item]:
        """Count what has arrived; the rest comes back. An upload's status alone proves nothing."""
        if not self.run.policy.verify and unclear is None and not self.sender.existed:
            for key in waiting:
                self._arrived(key, Evidence(unverified=1))
            return {}
        there = {item.key: item for item in self.run.target_files(self.step)}
        rest: dict[str, Item] = {}
        for key, item in waiting.items():
            passed, other = self.sender.passed.get(key), there.get(key)
            if passed is None or other is None:
                rest[key] = item
            elif _wrong(passed, other):
                rest[key] = item
                if unclear is None:
                    self._fail(key, _OTHER_CONTENT)
            else:
                self._arrived(key, _evidence(item, passed, other))
        return {key: item for key, item in rest.items() if key not in self.failures}

    def _arrived(self, key: str, evidence: Evidence) -> None:
        self.evidence += evidence
        self.files += 1
        self.bytes += self.sender.passed[key].size
        self.control.on_file()

    def _fail(self, key: str, error: XnatTuiError) -> None:
        path = f"{self.step.path}/files/{key}" if key else self.step.path
        self.failures[key] = Failure(path, error.message, error.hint)


_ATTRIBUTES = ("format", "content", "tags", "description")
_NOT_STORED = XnatTuiError(
    "The server accepted the file, but does not list it.", "You may lack the right to write there."
)
_OTHER_CONTENT = XnatTuiError(
    "It arrived with another size or checksum than what was sent.", "--on-existing update sends it again."
)


def _attributes(item: Item) -> Attributes:
    return Attributes(**{name: item.fields.get(name, "") for name in ("format", "content", "tags")})


def _by_attributes(items: list[Item]) -> list[list[Item]]:
    """Files that share format, content and tags: an upload has one of each."""
    groups: dict[Attributes, list[Item]] = {}
    for item in items:
        groups.setdefault(_attributes(item), []).append(item)
    return list(groups.values())


def _wrong(passed: Passed, there: Item) -> bool:
    if there.bytes is not None and there.bytes != passed.size:
        return True
    return bool(there.digest) and there.digest != passed.md5


def _evidence(source: Item, passed: Passed, there: Item) -> Evidence:
    """Digest: the source's, that of the bytes which passed, and the destination's are one."""
    if there.digest and source.digest == passed.md5 == there.digest:
        return Evidence(digest=1)
    return Evidence(size=1) if there.bytes == passed.size else Evidence(unverified=1)
