"""Sending DICOM to the import service, and seeing it through to the prearchive or the archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    ServerError,
    ServerUnreachable,
    Unclear,
    XnatTuiError,
)
from xnat_tui.model.plan import Policy, Step
from xnat_tui.model.prearchive import UNASSIGNED, Labels, Received
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State
from xnat_tui.services import copying_streams as streams
from xnat_tui.services.copying import ATTEMPTS, Control, pause
from xnat_tui.services.local_files import CONTENT_TYPES, LocalFile, unpacked
from xnat_tui.services.prearchive import Prearchive
from xnat_tui.services.prearchive_details import archived_session
from xnat_tui.services.prearchive_work import send_and_watch
from xnat_tui.services.uploading_files import open_file, pack, parts
from xnat_tui.xnat import importing, viewer
from xnat_tui.xnat import prearchive as wire
from xnat_tui.xnat.connection import Connection
from xnat_tui.xnat.importing import Handler
from xnat_tui.xnat.writing import Body


def send(connection: Connection, step: Step, control: Control, policy: Policy) -> Outcome:
    """Send one study, or one archive; build it, and archive it where that is wanted.

    XNAT may rewrite DICOM on arrival, so nothing is verified by digest: the number of files that arrived is
    compared with the number of instances sent. What could not be archived waits in the prearchive. Raises
    Interrupted, and what the server says against it.
    """
    files = unpacked(step.data["files"])
    for file in files:
        file.check()
    arrived = _Sender(connection, step, control, policy).send(files)
    failures: list[Failure] = []
    counted: int | None = 0
    for address in arrived:
        count, failure = _see_through(connection, step, control, policy, address)
        counted = None if count is None or counted is None else counted + count
        failures += [failure] if failure else []
    expected = int(step.data.get("instances", "0"))
    if policy.verify and expected and counted is not None and counted < expected and not failures:
        message = f"{counted} of {expected} DICOM files are listed there."
        failures.append(Failure(step.path, message, "Look at it in the prearchive; send it again."))
    state = State.FAILED if failures else State.DONE
    size = sum(file.size for file in files)
    evidence = Evidence(unverified=len(files) if not failures else 0)
    return Outcome(step.number, state, len(files), size, 0, evidence, tuple(failures))


@dataclass(slots=True)
class _Sender:
    """The way of one step's files to the import service."""

    connection: Connection
    step: Step
    control: Control
    policy: Policy

    def send(self, files: list[LocalFile]) -> list[str]:
        """Addresses of the sessions that they are in now, each once."""
        found: dict[str, None] = {}
        for body, content_type, count in self._bodies(files):
            found.update(dict.fromkeys(self._import(body, content_type)))
            for _ in range(count):
                self.control.on_file()
        return list(found)

    def _bodies(self, files: list[LocalFile]) -> Iterator[tuple[Body, str, int]]:
        if self.step.data.get("archive"):
            (file,) = files
            kind = CONTENT_TYPES.get(file.path.suffix.lower(), "application/zip")
            yield Body(partial(open_file, file), file.size, self.control.on_bytes), kind, 1
            return
        for part in parts(files):
            with streams.spool() as packed:
                names = [f"{number:06}.dcm" for number in range(1, len(part) + 1)]
                length = pack(part, packed, self.control, names)
                body = Body(partial(streams.again, packed), length, self.control.on_bytes)
                yield body, CONTENT_TYPES[".zip"], len(part)

    def _import(self, body: Body, content_type: str) -> list[str]:
        """Again after a lost answer only with the importer that takes the same files in twice unharmed."""
        handler = importing.handler_for(self.connection, only_dicom=not self.step.data.get("archive"))
        attempt = 0
        while True:
            try:
                return importing.send(self.connection, body, content_type, handler, self._params())
            except (Unclear, ServerUnreachable):
                attempt += 1
                if handler is not Handler.DICOM_ZIP or attempt >= ATTEMPTS:
                    raise
                pause(self.control, attempt - 1)

    def _params(self) -> dict[str, str]:
        """Always to the prearchive first: there it can be counted, and a conflict loses nothing."""
        data = self.step.data
        project = data["project"]
        named = {"project": project, "subject": data["subject"], "session": data["label"]}
        dest = f"/prearchive/projects/{project}" if project else "/prearchive"
        quiet = {} if self.policy.autorun else {"triggerPipelines": "false"}
        return {"dest": dest, **quiet, **{name: value for name, value in named.items() if value}}


def _see_through(
    connection: Connection, step: Step, control: Control, policy: Policy, address: str
) -> tuple[int | None, Failure | None]:
    """How many files one session holds, None where that cannot be seen; and why it went no further."""
    if "/prearchive/" not in address:
        return None, None
    one = _received(address)
    try:
        # "commit" would archive at once in projects that archive by themselves
        send_and_watch(connection, one, lambda: wire.build(connection, one), control.stop, stays=True)
        row = wire.session(connection, one)
        count, _ = wire.size(connection, row)
    except NotFound:
        reason = "It has left the prearchive unasked: the project may archive by itself."
        return None, Failure(step.path, reason, "Look at the archive.")
    except Forbidden:
        if one.project:
            raise
        reason = "It is in the prearchive without a project, where only administrators see it."
        return None, None if step.data["to"] == "prearchive" else Failure(
            step.path, reason, "Name a project."
        )
    except Conflict as error:
        return None, Failure(step.path, error.message, f"It waits in the prearchive: {one.timestamp}.")
    if step.data["to"] == "prearchive":
        return count, None
    return count, _archive(connection, step, control, policy, row)


def _archive(
    connection: Connection, step: Step, control: Control, policy: Policy, row: Received
) -> Failure | None:
    panel = Prearchive(connection, step.target.server, stop=control.stop, autorun=policy.autorun)
    labels = Labels(step.data["subject"], step.data["label"])
    (change,) = panel.plan_archive([row], labels, step.data["overwrite"])
    waits = f"It waits in the prearchive: {change.location}."
    if change.refusal:
        return Failure(step.path, change.refusal, waits)
    try:
        panel.do(change)
    except (Conflict, ServerError, Unclear) as error:
        return Failure(step.path, error.message, error.hint if isinstance(error, Unclear) else waits)
    if policy.ohif:
        try:
            identifier, _ = archived_session(connection, row.project, change.after["name"])
            viewer.rebuild(connection, row.project, identifier)
        except XnatTuiError as error:
            said = f"It is archived; the viewer's data were not rebuilt: {error.message}"
            return Failure(step.path, said, "See: xnat-tui ohif rebuild")
    return None


def _received(address: str) -> Received:
    """A row made of `/data/prearchive/projects/P/TS/F`. Raises BadAnswer for anything else."""
    segments = address.removeprefix("/data").strip("/").split("/")
    if len(segments) != 5 or segments[:2] != ["prearchive", "projects"]:
        raise BadAnswer("The import service names an address that cannot be read.", "Look at the prearchive.")
    project = "" if segments[2] == UNASSIGNED else segments[2]
    return Received(project, segments[3], segments[4], segments[4], "", "", "/" + "/".join(segments))
