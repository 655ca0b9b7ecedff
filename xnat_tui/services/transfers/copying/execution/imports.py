"""A session's DICOM through the destination's import service, proved by SOP instance UIDs.

The service may rewrite what it gets, rename files and give scans other IDs. So no digest can be compared:
what counts is that every instance sent is found in the archived session. A UID that is found is reported as
verified by `size`, the weaker kind of evidence, never as `digest`; where scripts replaced the UIDs themselves
only the number of files can be compared, which stays `unverified`.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree

from xnat_tui.errors import BadAnswer, Forbidden, NotFound, Refused, ServerError, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State
from xnat_tui.model.work import DicomUpload, SessionImport
from xnat_tui.services.incoming import scratch
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.importing import sending as uploading_dicom
from xnat_tui.services.transfers.importing.local_files import LocalFile, packed
from xnat_tui.services.transfers.importing.studies import Instance, read_instance
from xnat_tui.services.transfers.streams import Hash, disk_failure
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.files import instances, zips
from xnat_tui.xnat.http.connection import encode_uri

log = logging.getLogger("xnat_tui.copy")


@dataclass(frozen=True, slots=True)
class _Instance:
    uid: str
    path: str
    """At the source, below the session."""
    file: LocalFile


def import_session(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Fetch a session's DICOM, hand in what the destination does not have yet, look for all of it there.

    Raises what the source or the import service says against it; what went no further than the prearchive
    is a failure that says where it waits.
    """
    failures: list[Failure] = []
    with scratch() as folder:
        instances = _fetch(run, step, control, folder, failures)
        there = _uids_there(run, step)
        missing = [one for one in instances if one.uid not in there]
        sent = _send(run, step, control, missing, merging=bool(there)) if missing else None
        if sent is not None and sent.failures:
            return replace(sent, number=step.number, failures=(*failures, *sent.failures))
    _remember(run, step)
    found = _uids_there(run, step) if missing else there
    evidence = Evidence()
    if not run.options.verify:
        evidence = Evidence(unverified=len(instances))
    else:
        lost = [one for one in instances if one.uid not in found]
        renamed = len(lost) == len(instances) <= len(found)  # scripts gave all of them other UIDs
        failures += [] if renamed else [_not_there(step, one) for one in lost]
        evidence = Evidence(size=len(instances) - len(lost), unverified=len(lost) if renamed else 0)
    size = sum(one.file.size for one in missing)
    state = State.FAILED if failures else State.DONE
    skipped = len(instances) - len(missing)
    return Outcome(step.number, state, len(missing), size, skipped, evidence, tuple(failures))


def _not_there(step: Step, one: _Instance) -> Failure:
    return Failure(
        f"{step.path}/{one.path}",
        "The destination's session does not have this instance.",
        "Look at the prearchive and at the destination's import settings; retry.",
    )


def _fetch(
    run: CopyRun, step: Step, control: Control, folder: Path, failures: list[Failure]
) -> list[_Instance]:
    """Every file of the planned resources, checked against the source's list; what is no DICOM is named.

    The import service leaves such files out without a word.
    """
    found: list[_Instance] = []
    places = (folder / f"{number:06}.dcm" for number in itertools.count())
    for uri, recorded in step.carried(SessionImport).resources:
        listed = {one.key: one for one in run.files_at(uri, recorded)}
        above = f"scans/{uri.partition('/scans/')[2]}/files"
        coming = _Coming(run, control, listed, places)
        coming.by_zip(uri)
        coming.by_themselves()
        for name, error in coming.lost.items():
            said = f"The source did not send it: {error.message}"
            failures.append(Failure(f"{step.path}/{above}/{name}", said, error.hint))
        for name, file in [*coming.files.items(), *coming.strays.items()]:
            problem = _problem(file, listed.get(name))
            read = read_instance(file) if not problem else None
            if isinstance(read, Instance):
                found.append(_Instance(read.instance, f"{above}/{name}", file))
                continue
            file.path.unlink()
            said = problem or f"It is not handed to the import service: {read.reason if read else ''}."
            failures.append(Failure(f"{step.path}/{above}/{name}", said, "Copy it with --via files."))
    return found


class _Coming:
    """The files of one resource while they come from the source, unpacked to these places.

    XNAT makes the names in its zips by replacing texts, so that a path with the session's, the scan's or the
    resource's ID in it comes under another name, or not at all where two become one.
    """

    def __init__(
        self, run: CopyRun, control: Control, listed: Mapping[str, Item], places: Iterator[Path]
    ) -> None:
        self._run = run
        self._control = control
        self._listed = listed
        self._places = places
        self.files: dict[str, LocalFile] = {}
        """By their names in the source's list."""
        self.strays: dict[str, LocalFile] = {}
        """Under names that no list has: on disk alone."""
        self.lost: dict[str, XnatTuiError] = {}

    def by_zip(self, uri: str) -> None:
        """All of them at once; a zip that is worth nothing leaves them to `by_themselves`."""
        try:
            with zips.fetch(self._run.source, f"{encode_uri(uri)}/files") as members:
                for member in members:
                    self._control.check()
                    named = self.files if member.path in self._listed else self.strays
                    named[member.path] = _unpacked(member.chunks(), next(self._places))
        except BadAnswer as error:
            log.warning("A zip of the source brings no more of a resource: %s", error.message)

    def by_themselves(self) -> None:
        """What came under another name by its content; what did not come, alone."""
        missing = [item for name, item in self._listed.items() if name not in self.files]
        if not missing:
            return
        contents = {(file.size, file.md5()): name for name, file in self.strays.items()}
        alone: set[tuple[int, str]] = set()
        for item in missing:
            name = contents.pop((item.bytes or 0, item.digest or ""), "")
            if name:
                self.files[item.key] = self.strays.pop(name)
            elif (file := self._alone(item)) is not None:
                self.files[item.key] = file
                alone.add((file.size, file.md5()))
        for content in alone & contents.keys():
            del self.strays[contents[content]]

    def _alone(self, item: Item) -> LocalFile | None:
        self._control.check()
        try:
            with self._run.source.download(encode_uri(item.uri)) as download:
                return _unpacked(download, next(self._places))
        except (BadAnswer, Forbidden, NotFound, Refused, ServerError) as error:
            self.lost[item.key] = error
        return None


def _problem(file: LocalFile, item: object) -> str:
    if item is None:
        return ""  # on disk, though no list has it
    digest, size = getattr(item, "digest", ""), getattr(item, "bytes", None)
    if (size is not None and size != file.size) or (digest and digest != file.md5()):
        return "What came has another size or checksum than the source lists."
    return ""


def _unpacked(chunks: Iterable[bytes], target: Path) -> LocalFile:
    """Raises what the chunks raise, BadAnswer for a damaged zip, XnatTuiError where the disk is full."""
    seen = Hash()
    failure: XnatTuiError
    try:
        with target.open("wb") as file:
            for chunk in chunks:
                seen.update(chunk)
                file.write(chunk)
    except OSError as error:
        failure = disk_failure(error)
    else:
        return LocalFile(target, target.name, seen.size)
    raise failure


def _send(run: CopyRun, step: Step, control: Control, missing: list[_Instance], *, merging: bool) -> Outcome:
    work = DicomUpload(
        packed(one.file for one in missing),
        to="archive",
        overwrite="append" if merging else "none",
    )
    options = replace(run.options, ohif=False, verify=False)  # this step proves it itself
    return uploading_dicom.send(run.target, replace(step, work=work), control, options)


def _remember(run: CopyRun, step: Step) -> None:
    """The importer made the session: its accession ID and scans are what the next steps need."""
    document = run.stored(step.target.uri)
    if document is None:
        raise NotFound("The destination does not show the session.", "Look at the prearchive.")
    run.arrived(step, document)
    run.keep_session(step.session, document)


def _uids_there(run: CopyRun, step: Step) -> set[str]:
    """SOP instance UIDs of all DICOM in the destination's session, read from its files."""
    held = run.held(step, Kind.EXPERIMENT)
    if held is None:
        return set()
    return instances.archived(run.target, f"/data/experiments/{held.id}")


_FROM_HEADERS = frozenset(
    {"UID", "operator", "acquisition_site", "date", "time", "startTime", "start_date", "startDate"}
)
"""Fields that the importer takes from headers, and that anonymisation may have changed on purpose."""


def without_header_fields(document: etree._Element) -> etree._Element:
    """What people wrote, and what tells nothing of a person: dates, UIDs, patient fields stay as imported."""
    for name in list(document.attrib):
        if _from_header(str(name)):
            del document.attrib[name]
    for child in list(document):
        if isinstance(child.tag, str) and _from_header(str(etree.QName(child).localname)):
            document.remove(child)
    return document


def _from_header(name: str) -> bool:
    return name in _FROM_HEADERS or name.startswith("dcm")


def scan_there(session: etree._Element | None, source: etree._Element) -> str | None:
    """The ID that the importer gave a scan of the source: the one with the same series UID."""
    uid = source.get("UID", "")
    if session is None or not uid:
        return None
    return next((name for name, one in item_xml.scans(session).items() if one.get("UID") == uid), None)
