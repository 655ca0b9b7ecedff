"""Sending DICOM to the import service, and seeing it through to the prearchive or the archive."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Interrupted,
    NotFound,
    ServerError,
    ServerUnreachable,
    Unclear,
    XnatTuiError,
)
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import WritingOptions
from xnat_tui.model.plan import Step
from xnat_tui.model.prearchive import UNASSIGNED, Labels, Received
from xnat_tui.model.transfer import Arrived, Evidence, Failure, Outcome, State
from xnat_tui.model.work import DicomUpload
from xnat_tui.services.administration.prearchive.details import archived_session
from xnat_tui.services.administration.prearchive.sessions import Prearchive
from xnat_tui.services.administration.prearchive.work import send_and_watch
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.importing.archives import Contents
from xnat_tui.services.transfers.importing.local_files import LocalFile, unpacked
from xnat_tui.services.transfers.importing.staging import staged
from xnat_tui.services.transfers.uploading.files import pack, parts
from xnat_tui.xnat.actions import importing, viewer
from xnat_tui.xnat.actions import prearchive as wire
from xnat_tui.xnat.documents.writing import Body
from xnat_tui.xnat.files import instances
from xnat_tui.xnat.files.dicom_files import missing_start
from xnat_tui.xnat.http.connection import Connection

log = logging.getLogger("xnat_tui.upload")


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One session that the service made of an upload, as far as it can be seen."""

    files: int | None = None
    failure: Failure | None = None
    uids: frozenset[str] | None = None
    """SOP instance UIDs of its files, by their headers."""
    place: Arrived | None = None


def send(connection: Connection, step: Step, control: Control, options: WritingOptions) -> Outcome:
    """Send one study; build it, and archive it where that is wanted.

    XNAT may rewrite DICOM on arrival, so nothing is verified by digest: the SOP instance UIDs that were sent
    are looked for in the headers of what arrived. What could not be archived waits in the prearchive. Raises
    Interrupted, and what the server says against it.
    """
    files = unpacked(step.carried(DicomUpload).files)
    for file in files:
        file.check()
    if not options.deidentify:
        return _send(connection, step, control, options, files)
    with staged(files, step, control, options) as (passing, treated):
        if not passing:
            return Outcome(step.number, State.DONE, treated=treated)
        return replace(_send(connection, step, control, options, passing), treated=treated)


def _send(
    connection: Connection,
    step: Step,
    control: Control,
    options: WritingOptions,
    files: list[LocalFile],
) -> Outcome:
    sender = _Sender(connection, step, control, options)
    addresses = sender.send(files)
    sent = sender.uids
    arrived = [_see_through(connection, step, control, options, address) for address in addresses]
    failures = [one.failure for one in arrived if one.failure]
    evidence = Evidence()
    if not failures and not options.verify:
        evidence = Evidence(unverified=len(files))
    elif not failures:
        evidence, failures = _proved(step, sent, arrived)
    state = State.FAILED if failures else State.DONE
    size = sum(file.size for file in files)
    places = tuple(one.place for one in arrived if one.place)
    return Outcome(step.number, state, len(files), size, 0, evidence, tuple(failures), arrived=places)


def _proved(step: Step, sent: list[set[str]], arrived: list[_Arrival]) -> tuple[Evidence, list[Failure]]:
    """What the files that were sent rest on: a UID that was found is the weaker kind of evidence, a size.

    Where the headers cannot be read, or scripts gave all instances other UIDs, only numbers can be compared,
    and all stays unverified. UIDs that were read say more than any count, which may be stale or empty.
    """
    wanted: set[str] = set().union(*sent)
    read = [one.uids for one in arrived if one.uids is not None]
    if len(read) < len(arrived):
        counts = [one.files for one in arrived]
        counted = None if None in counts else sum(count or 0 for count in counts)
        if counted is not None and counted < len(wanted):
            return Evidence(), [_lacking(step, counted, len(wanted))]
        return Evidence(unverified=len(sent)), []
    found: set[str] = set().union(*read)
    lost = wanted - found
    if lost == wanted and len(found) >= len(wanted):
        return Evidence(unverified=len(sent)), []
    if lost:
        return Evidence(), [_lacking(step, len(wanted) - len(lost), len(wanted))]
    told = sum(bool(uids) for uids in sent)
    return Evidence(size=told, unverified=len(sent) - told), []


def _lacking(step: Step, there: int, wanted: int) -> Failure:
    where = "in the archive" if step.carried(DicomUpload).to == "archive" else "in the prearchive"
    message = f"{there} of {wanted} DICOM instances are there."
    return Failure(step.path, message, f"Look at it {where} first: sending it again could double it.")


@dataclass(slots=True)
class _Sender:
    """The way of one step's files to the import service."""

    connection: Connection
    step: Step
    control: Control
    options: WritingOptions
    uids: list[set[str]] = field(default_factory=list)
    """SOP instance UIDs of each file that was packed, where it can be told."""

    def send(self, files: list[LocalFile]) -> list[str]:
        """Addresses of the sessions that they are in now, each once."""
        found: dict[str, None] = {}
        with Contents() as contents:
            for part in parts(files):
                with streams.spool() as packed:
                    names = [f"{number:06}.dcm" for number in range(1, len(part) + 1)]
                    length = pack(part, packed, self.control, names, contents, self._begin)
                    body = Body(partial(streams.again, packed, self.control), length, self.control.on_bytes)
                    found.update(dict.fromkeys(self._import(body)))
                for _ in part:
                    self.control.on_file()
        return list(found)

    def _begin(self, start: bytes) -> bytes:
        uid = instances.uid_of(io.BytesIO(start))
        self.uids.append({uid} if uid else set())
        return missing_start(start)

    def _import(self, body: Body) -> list[str]:
        """Again after a lost answer: the importer takes the same files in twice unharmed."""
        attempt = 0
        while True:
            try:
                return importing.send(self.connection, body, "application/zip", self._params())
            except (Unclear, ServerUnreachable):
                attempt += 1
                if attempt >= ATTEMPTS:
                    raise
                pause(self.control, attempt - 1)

    def _params(self) -> dict[str, str]:
        """Always to the prearchive first: there it can be counted, and a conflict loses nothing."""
        lineage = self.step.lineage
        project = lineage.project
        named = {"project": project, "subject": lineage.subject, "session": lineage.experiment}
        dest = f"/prearchive/projects/{project}" if project else "/prearchive"
        quiet = {} if self.options.autorun else {"triggerPipelines": "false"}
        return {"dest": dest, **quiet, **{name: value for name, value in named.items() if value}}


def _see_through(
    connection: Connection, step: Step, control: Control, options: WritingOptions, address: str
) -> _Arrival:
    """Have one session built, and archived where that is wanted; what it holds, why it went no further."""
    if "/prearchive/" not in address:
        place = _archived_place(step, address)
        return _Arrival(uids=_seen(lambda: instances.archived(connection, address), options), place=place)
    one = _received(address)
    place = Arrived(step.path, "prearchive", one.location(step.target.server))
    stays = step.carried(DicomUpload).to == "prearchive"
    try:
        # "commit" would archive at once in projects that archive by themselves
        send_and_watch(connection, one, lambda: wire.build(connection, one), control.stop, stays=True)
        row = wire.session(connection, one)
        place = replace(place, subject=row.subject, session=row.name)
        count = wire.size(connection, row)[0] or None  # an empty list proves nothing
    except NotFound:
        reason = "It has left the prearchive unasked: the project may archive by itself."
        return _Arrival(failure=Failure(step.path, reason, "Look at the archive."))
    except Forbidden:
        if one.project:
            raise
        reason = "It is in the prearchive without a project, where only administrators see it."
        return _Arrival(failure=None if stays else Failure(step.path, reason, "Name a project."), place=place)
    except Conflict as error:
        waits = f"It waits in the prearchive: {one.timestamp}."
        return _Arrival(failure=Failure(step.path, error.message, waits), place=place)
    if stays:
        return _Arrival(count, None, _seen(lambda: instances.received(connection, row), options), place)
    failure, now = _archive(connection, step, control, options, row, place)
    if failure or now is None:
        return _Arrival(count, failure, None, now)
    uri = f"/data/projects/{row.project}/experiments/{now.session}"
    return _Arrival(count, None, _seen(lambda: instances.archived(connection, uri), options), now)


def _seen(look: Callable[[], set[str]], options: WritingOptions) -> frozenset[str] | None:
    """None where the headers cannot be read back: the files then count as unverified."""
    if not options.verify:
        return None
    try:
        return frozenset(look())
    except Interrupted:
        raise
    except XnatTuiError as error:
        log.warning("Headers could not be read back: %s", type(error).__name__)
        return None


def _archive(
    connection: Connection,
    step: Step,
    control: Control,
    options: WritingOptions,
    row: Received,
    place: Arrived,
) -> tuple[Failure | None, Arrived | None]:
    """Why it was not archived, or not wholly; and where it is now, None where that is not clear."""
    panel = Prearchive(connection, step.target.server, stop=control.stop, autorun=options.autorun)
    labels = Labels(step.lineage.subject, step.lineage.experiment)
    (change,) = panel.plan_archive([row], labels, step.carried(DicomUpload).overwrite)
    waits = f"It waits in the prearchive: {change.location}."
    if change.refusal:
        return Failure(step.path, change.refusal, waits), place
    subject, label = change.after["subject"], change.after["name"]
    try:
        panel.do(change)
    except (Conflict, ServerError, Unclear) as error:
        hint = error.hint if isinstance(error, Unclear) else waits
        return Failure(step.path, error.message, hint), None if isinstance(error, Unclear) else place
    where = f"{step.target.server}:{row.project}/{subject}/{label}"
    stored = Arrived(step.path, "archive", where, subject, label)
    if options.ohif:
        try:
            identifier, _ = archived_session(connection, row.project, label)
            viewer.rebuild(connection, row.project, identifier)
        except XnatTuiError as error:
            said = f"It is archived; the viewer's data were not rebuilt: {error.message}"
            return Failure(step.path, said, "See: xnat-tui ohif rebuild"), stored
    return None, stored


def _archived_place(step: Step, address: str) -> Arrived:
    """Of `/data/archive/projects/P/subjects/S/experiments/E`, or the address where it is written else."""
    words = address.removeprefix("/data").removeprefix("/archive").strip("/").split("/")
    if words[::2] != ["projects", "subjects", "experiments"] or len(words) != 6:
        return Arrived(step.path, "archive", address)
    project, subject, session = words[1::2]
    where = f"{step.target.server}:{project}/{subject}/{session}"
    return Arrived(step.path, "archive", where, subject, session)


def _received(address: str) -> Received:
    """A row made of `/data/prearchive/projects/P/TS/F`. Raises BadAnswer for anything else."""
    segments = address.removeprefix("/data").strip("/").split("/")
    if len(segments) != 5 or segments[:2] != ["prearchive", "projects"]:
        raise BadAnswer("The import service names an address that cannot be read.", "Look at the prearchive.")
    project = "" if segments[2] == UNASSIGNED else segments[2]
    return Received(project, segments[3], segments[4], segments[4], "", "", "/" + "/".join(segments))
