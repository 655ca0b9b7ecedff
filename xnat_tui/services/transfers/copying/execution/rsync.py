"""Files that go from one server's archive folder to the other's, behind both servers' backs.

A resource is made through the server, so that its folder and its catalog are the server's own; rsync brings
every file of the source's folder, those that no catalog lists included; the destination then adds them to its
catalog and counts them anew. Nothing is removed anywhere.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome
from xnat_tui.services.transfers.copying.archive_folders import is_remote
from xnat_tui.services.transfers.copying.execution.resources import ResourceSending
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.file_decisions import differs, evidence
from xnat_tui.xnat.documents import catalogs, item_xml, writing
from xnat_tui.xnat.http.connection import Connection

POLL_SECONDS = 0.2
PARTIAL = frozenset({23, 24})
"""Exit codes of rsync that mean: some files could not be read or had vanished, the others are there."""
_BELOW_ARCHIVE = re.compile(r"/([^/]+/(?:arc\d+|subjects|resources)/.+)/[^/]+$")


def rsync_resource(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Bring one resource's folder over. Verified by both servers' lists: nothing passes through here."""
    return _RsyncCopy(run, step, control).copy()


class _RsyncCopy(ResourceSending):
    @property
    def is_made_first(self) -> bool:
        """Always: no upload makes it."""
        return self.missing

    def send(self) -> None:
        """What is replaced goes through the server, which then knows: a refresh keeps old checksums."""
        if self.decision.replaced:
            self.wait_for(self.decision.replaced)
            super().send()
        if self.decision.missing:
            self._send_missing()

    def _send_missing(self) -> None:
        source = _folder(self.run.source, self.step.source.uri, self.work.label)
        target = _folder(self.run.target, self.step.target.uri, self.work.label)
        options = self.run.options
        message = _rsync(
            f"{options.rsync_source.rstrip('/')}/{source}/",
            f"{options.rsync_destination.rstrip('/')}/{target}/",
            options,
            self.control,
            self.work.only,
        )
        uri = self.step.target.uri.replace("/data", "/archive", 1)
        catalogs.refresh(self.run.target, uri, catalogs.DEFAULT_OPTIONS)
        self._prove_by_lists()
        if message and not self.failures:
            self.failures[""] = Failure(self.step.path, message, "Look at the source's folder.")

    def _prove_by_lists(self) -> None:
        there = {item.key: item for item in self.run.target_files(self.step)}
        sent = 0
        for item in self.decision.missing:
            other = there.get(item.key)
            if other is None:
                error = XnatTuiError(
                    "It is not in the destination's folder.", "The source's folder may lack it."
                )
                self.fail(item.key, error)
            elif differs(item, other):
                self.fail(item.key, BadAnswer("It arrived with another size or checksum than is listed."))
            else:
                self.evidence += evidence(item, other) if self.run.options.verify else Evidence(unverified=1)
                self.files += 1
                sent += other.bytes or 0
                self.control.on_file()
        self.bytes += sent
        if self.run.options.bandwidth is None:  # else rsync itself kept to it
            self.control.on_bytes(sent)


def _folder(connection: Connection, uri: str, label: str) -> str:
    """A resource's folder below the server's archive: what it tells of the resource's catalog file.

    Raises BadAnswer where it does not tell, as servers do to users who may not know.
    """
    owner, _, _ = uri.rpartition("/resources/")
    side = next((word for word in ("in", "out") if owner.endswith(f"/{word}")), "")
    document = writing.read_item(connection, owner.removesuffix(f"/{side}") if side else owner)
    path = item_xml.catalog_path(document, label, side)
    found = _BELOW_ARCHIVE.search(path)
    if found is None:
        raise BadAnswer(
            "The server does not tell in which folder it keeps these files.", "Leave --mode rsync out."
        )
    parts = found.group(1).split("/")
    if any(part in ("", ".", "..") for part in parts) or not path.isprintable():
        raise BadAnswer("The server names a folder that cannot be one of its archive.")
    return "/".join(parts)


def command(source: str, target: str, options: CopyOptions, only: bool) -> list[str]:
    """rsync with every file included: only the server's own catalog file stays what it is on each side."""
    words = ["rsync", "--recursive", "--copy-links", "--times", "--protect-args"]
    words += ["--exclude=/*_catalog.xml", "--ignore-existing"]
    if options.bandwidth:
        words.append(f"--bwlimit={max(1, options.bandwidth // options.workers // 1024)}")
    if only:
        words += ["--files-from=-", "--from0"]
    if any(map(is_remote, (source, target))):
        words.append("--rsh=ssh -o BatchMode=yes")
    return [*words, "--", source, target]


def _rsync(source: str, target: str, options: CopyOptions, control: Control, only: str) -> str:
    """Run it to its end; what it complains of where only some files could not be read.

    Raises XnatTuiError where it is missing or fails, Interrupted when the step is asked to stop.
    """
    failure: XnatTuiError | None = None
    with tempfile.TemporaryFile() as complaints, tempfile.TemporaryFile() as names:
        names.write(only.encode() + b"\0")
        names.seek(0)
        try:
            if not is_remote(target):
                Path(target).mkdir(parents=True, exist_ok=True)
            code = _watched(command(source, target, options, bool(only)), names, complaints, control)
        except FileNotFoundError:
            failure = XnatTuiError(
                "rsync is not installed on this machine.", "Install it, or use --mode auto."
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            failure = XnatTuiError(f"The destination's folder cannot be used: {reason}.", "Check its rights.")
        else:
            said = _first_line(complaints)
            if code == 0:
                return ""
            if code in PARTIAL:
                return f"rsync left something out: {said}"
            failure = XnatTuiError(
                f"rsync failed (code {code}): {said}", "Check both folders, and that ssh asks no password."
            )
    raise failure


def _watched(words: Sequence[str], names: IO[bytes], complaints: IO[bytes], control: Control) -> int:
    process = subprocess.Popen(  # noqa: S603  (a list of words, no shell)
        words, stdin=names, stdout=subprocess.DEVNULL, stderr=complaints
    )
    try:
        while True:
            try:
                return process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if control.stop.is_set():
                    break
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    control.check()
    raise AssertionError("it was left only because the step is to stop")


def _first_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    line = complaints.read(4000).decode(errors="replace").strip().partition("\n")[0]
    return "".join(char for char in line if unicodedata.category(char)[0] != "C")[:300] or "no reason told."
