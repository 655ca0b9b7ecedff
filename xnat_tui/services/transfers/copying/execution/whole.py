"""A new session in one go: its document with its scans, its small files, and one look at all of it.

Its own step does the work of its resources' steps, each of which keeps an outcome of its own. Several
sessions are looked at together: one list tells the files of ten. What such a look does not show is done, and
judged, by the steps in their turn, as if nobody had begun: `items` and `together`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from lxml import etree

from xnat_tui.errors import (
    Conflict,
    Interrupted,
    Refused,
    ServerError,
    ServerUnreachable,
    Unclear,
    XnatTuiError,
)
from xnat_tui.jobs.attempt import attempt
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import Mode
from xnat_tui.model.plan import Action, Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.services.transfers.copying.execution import attributes
from xnat_tui.services.transfers.copying.execution.items import copied, prepared, scans_to_nest
from xnat_tui.services.transfers.copying.execution.together import (
    TOGETHER_BYTES,
    Files,
    Together,
    Unheard,
    few,
    files_there,
    goes_alone,
    is_small,
    owner_of,
)
from xnat_tui.services.transfers.copying.nested import experiments
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.lists import SESSIONS_LISTED
from xnat_tui.xnat.documents import item_xml, writing


def copy_session(run: CopyRun, step: Step, control: Control) -> Outcome:
    """A session, or another experiment; VERIFYING where `control` says that it is looked at with others."""
    uri = step.target.uri
    run.waiting.pop(step.number, None)
    if uri in run.sent and run.held(step, Kind.EXPERIMENT) is None:
        _look(run, step)  # an earlier try ended before its look
    resources = _sent_along(run, step)
    if not resources:
        return copied(run, step, control)
    document = prepared(run, step, control)
    scans = scans_to_nest(run, step)
    names = {uri, *(f"{uri}/scans/{scan.get('ID')}" for scan in scans)}
    resources = few(run, [one for one in resources if owner_of(one) in names])
    if not resources:
        return copied(run, step, control)
    control.check()
    run.sent.add(uri)
    try:
        writing.put_item(run.target, uri, item_xml.with_scans(document, scans) if scans else document)
    except (Unclear, ServerUnreachable):
        _look(run, step)
        return copied(run, step, control)
    except (Refused, ServerError, Conflict):
        run.sent.discard(uri)
        return copied(run, step, control)
    group = Together(run, resources, Unheard(control.stop))
    group.send({})
    sent = SentSession(run, step, group)
    if control.proves_later:
        run.waiting[step.number] = sent
        return Outcome(step.number, State.VERIFYING)
    return prove(run, [sent], control)[0]


def _sent_along(run: CopyRun, step: Step) -> list[Step]:
    """The resources that can be sent before the session is looked at; none where it may be there already."""
    careful = (
        goes_alone(run) or run.options.mode in (Mode.METADATA, Mode.RSYNC) or step.action is not Action.CREATE
    )
    if careful or step.action is not Action.CREATE or run.held(step, Kind.EXPERIMENT) is not None:
        return []
    return [one for one in run.below[step.session] if is_small(one)]


def _look(run: CopyRun, step: Step) -> None:
    """Know what the destination has of a session that was sent."""
    stored = run.stored(step.target.uri)
    if stored is not None:
        run.arrived(step, stored)
        run.keep_session(step.target.uri, stored)
    run.sent.discard(step.target.uri)


class SentSession:
    """A session of which everything was sent, and nothing is proved yet."""

    def __init__(self, run: CopyRun, step: Step, group: Together) -> None:
        self.run = run
        self.step = step
        self.group = group
        self.bytes = sum(copy.total for copy in group.waiting)

    def shown_by(self, document: etree._Element) -> bool:
        """Whether a document tells the session with all resources that were sent."""
        sent = prepared(self.run, self.step, Unheard())
        steps = [copy.step for copy in self.group.waiting]
        return (
            bool(document.get("ID"))
            and not item_xml.lost(sent, item_xml.own(document, Kind.EXPERIMENT))
            and all(_stands(one, document) and not attributes.lost(self.run, one, document) for one in steps)
        )

    def finish(
        self,
        document: etree._Element | XnatTuiError | None,
        files: Files | None,
        control: Control,
    ) -> Outcome:
        """Judge it by the destination's document and list of its files, both read after all was sent.

        Raises what reading the document did, or what copying the session's own fields does.
        """
        run, step = self.run, self.step
        if isinstance(document, XnatTuiError):
            raise document
        run.sent.discard(step.target.uri)
        if document is None:  # the server said yes, and has nothing
            return copied(run, step, control)
        run.created.add(step.target.uri)
        run.arrived(step, document)
        run.keep_session(step.target.uri, document)
        outcome = copied(run, step, control)
        if outcome.state is not State.DONE:
            return outcome
        self.group.without(lambda one: not _stands(one, document))
        self.group.settle(files)
        look = (lambda: run.stored(step.target.uri)) if self.group.sent_again else (lambda: document)
        run.ready |= self.group.prove(look)
        return outcome


def enough(run: CopyRun, numbers: Collection[int]) -> bool:
    """Whether these sessions are as many as are listed at once, or as much as may wait unproved."""
    size = sum(run.waiting[number].bytes for number in numbers if number in run.waiting)
    return len(numbers) >= SESSIONS_LISTED or size >= TOGETHER_BYTES


def prove_waiting(run: CopyRun, numbers: Collection[int], control: Control) -> list[Outcome]:
    """Outcomes of session steps that ended as VERIFYING."""
    waiting = [run.waiting.pop(number) for number in sorted(numbers) if number in run.waiting]
    lots = [waiting[place : place + SESSIONS_LISTED] for place in range(0, len(waiting), SESSIONS_LISTED)]
    return [outcome for lot in lots for outcome in prove(run, lot, control)]


def prove(run: CopyRun, sent: Sequence[SentSession], control: Control) -> list[Outcome]:
    """Look at sessions of which everything was sent: at each by its document, at their files by one list."""
    try:
        documents = _documents(run, sent)
        files = _files(run, [one.get("ID", "") for one in documents if isinstance(one, etree._Element)])
    except Interrupted:
        return [Outcome(one.step.number, State.PAUSED) for one in sent]
    found = []
    for one, document in zip(sent, documents, strict=True):
        mine = files.get(document.get("ID", "")) if isinstance(document, etree._Element) else None
        finish = partial(_finish, one, document, mine)
        found.append(attempt(finish, one.step, control))
    return found


def _finish(
    sent: SentSession,
    document: etree._Element | XnatTuiError | None,
    files: Files | None,
    step: Step,
    control: Control,
) -> Outcome:
    del step
    return sent.finish(document, files, control)


def _documents(run: CopyRun, sent: Sequence[SentSession]) -> list[etree._Element | XnatTuiError | None]:
    """Of several sessions of a subject that this run made the subject's document tells all, where it does."""
    nested: dict[str, etree._Element] = {}
    subjects = Counter(_subject(one) for one in sent)
    for subject in (uri for uri, count in subjects.items() if count > 1 and uri in run.created):
        try:
            document = run.stored(subject)
        except Interrupted:
            raise
        except XnatTuiError:
            document = None  # each session is then asked for by itself, and reports its own failure
        for told in experiments(document) if document is not None else ():
            nested[f"{subject}/experiments/{told.get('label')}"] = told
    found: list[etree._Element | XnatTuiError | None] = []
    for one in sent:
        here = nested.get(one.step.target.uri)
        found.append(here if here is not None and one.shown_by(here) else _document(one))
    return found


def _subject(one: SentSession) -> str:
    return one.step.target.uri.partition("/experiments/")[0]


def _document(one: SentSession) -> etree._Element | XnatTuiError | None:
    try:
        document = one.run.stored(one.step.target.uri)
        if document is not None:
            item_xml.accession_id(document)
    except Interrupted:
        raise
    except XnatTuiError as error:
        return error
    return document


def _files(run: CopyRun, sessions: Sequence[str]) -> Mapping[str, Files]:
    """The files of these sessions of the destination, of those that it lists."""
    if not sessions or not run.options.verify:
        return {}
    found = files_there(run, sessions) if run.lists_several or len(sessions) == 1 else None
    if found is None and len(sessions) > 1:
        run.lists_several = False
        lists = {one: files_there(run, [one]) for one in sessions}
        return {one: listed[one] for one, listed in lists.items() if listed is not None}
    return found or {}


def _stands(step: Step, document: etree._Element) -> bool:
    """Whether the destination has what a resource stands at."""
    scan = owner_of(step).removeprefix(step.session).removeprefix("/scans/")
    return owner_of(step) == step.session or scan in item_xml.scans(document)
