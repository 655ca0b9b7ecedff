"""Sending a resource: every file through the stage, and nothing that the stage has not made."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from xnat_tui.errors import XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Failure, Left, Outcome, State, Treated
from xnat_tui.model.work import DeidentifiedResource
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.stage import Stage
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.deidentified.arriving import arriving
from xnat_tui.services.transfers.deidentified.run import DeidentifiedRun
from xnat_tui.services.transfers.deidentified.sinks import ArchiveSink, FolderSink
from xnat_tui.services.transfers.deidentified.unsaid import reading_source, unsaid
from xnat_tui.services.transfers.streams import Passed
from xnat_tui.xnat.documents.writing import Attributes
from xnat_tui.xnat.tables import listing

_CHUNK = 1 << 20


def send_resource(run: DeidentifiedRun, step: Step, control: Control) -> Outcome:
    """Running it again sends nothing that is there byte for byte: the same file, profile and key give the
    same bytes. Raises XnatTuiError where the files cannot be listed."""
    work = step.carried(DeidentifiedResource)
    uri = step.source.uri
    resource = Item(Kind.RESOURCE, work.label, work.number, uri=uri, files=work.recorded)
    with reading_source():
        listed = listing.files(run.source(step), resource)
        if listed.error is not None and not listed.items:
            raise listed.error
    sending = _Sending(run.stage(step), step)
    if listed.error is not None:
        sending.fail("", unsaid(listed.error))
    with _sink(run, step, control, sum(item.bytes or 0 for item in listed.items)) as sink:
        coming = arriving(run.source(step), uri, listed.items, control, sending.not_fetched)
        for item, file in coming:
            sending.pass_on(item, file, sink)
            control.check()
        verified = sink.finish(verify=run.options.verify)
        return sending.outcome(sink, verified, control)


def _sink(
    run: DeidentifiedRun, step: Step, control: Control, size: int
) -> AbstractContextManager[ArchiveSink | FolderSink]:
    if not step.target.server:
        folder = run.folder / step.target.uri
        return FolderSink(Path(folder), run.incoming, control, replaces=run.replaces)
    source, target = run.source(step), run.target(step)
    attributes = Attributes(format="DICOM") if not step.carried(DeidentifiedResource).passes else Attributes()
    return ArchiveSink(
        *(target, step.target.uri, attributes, control, size),
        beside=source is not target,
        replaces=run.replaces,
    )


class _Sending:
    """What has become of the files of one step so far. Paths name files as they are called now."""

    def __init__(self, stage: Stage, step: Step) -> None:
        self.stage = stage
        self.step = step
        self.held: list[Left] = []
        self.failures: list[Failure] = []
        self.unreachable = ""
        self._treated: dict[str, bool] = {}

    def pass_on(self, item: Item, file: IO[bytes], sink: ArchiveSink | FolderSink) -> None:
        """One file of the source; a held one is noted and nothing of it sent."""
        try:
            with tempfile.TemporaryFile() as target:
                try:
                    staged = self.stage.pass_file(file, target, item.key)
                except Held as held:
                    self.held.append(Left(self._path(self.stage.name_of(item.key)), held.message))
                    return
                if staged.name in self._treated:
                    self.held.append(Left(self._path(staged.name), "another file is called so, too"))
                    return
                self._treated[staged.name] = staged.treated
                sink.take(staged.name, target, _passed(target))
        except OSError as error:
            failure = streams.disk_failure(error)
            self.fail(self.stage.name_of(item.key), failure)

    def not_fetched(self, item: Item, error: XnatTuiError) -> None:
        self.fail(self.stage.name_of(item.key), unsaid(error))

    def fail(self, name: str, error: XnatTuiError) -> None:
        """Of a file, or with "" of the resource."""
        self.failures.append(Failure(self._path(name) if name else self.step.path, error.message, error.hint))
        self.unreachable = self.unreachable or error.unreachable

    def outcome(self, sink: ArchiveSink | FolderSink, verified: Evidence, control: Control) -> Outcome:
        for name, error in sink.failed.items():
            self.fail(name, error)
        for _ in sink.sent:
            control.on_file()
        there = [treated for name, treated in self._treated.items() if name not in sink.failed]
        return Outcome(
            self.step.number,
            State.FAILED if self.failures else State.DONE,
            files=len(sink.sent),
            bytes=sum(passed.size for passed in sink.sent.values()),
            skipped=len(there) - len(sink.sent),
            verified=verified + sink.complete,
            failures=tuple(self.failures),
            unreachable=self.unreachable,
            treated=Treated(sum(there), len(there) - sum(there), tuple(self.held)),
        )

    def _path(self, name: str) -> str:
        return f"{self.step.path}/files/{name}"


def _passed(file: IO[bytes]) -> Passed:
    """What a file of the stage is, from its beginning to its end."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return Passed(size, digest.hexdigest())
