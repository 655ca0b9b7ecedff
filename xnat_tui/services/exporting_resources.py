"""One resource into the folder: what is complete stays, the rest comes as one zip or file by file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Interrupted,
    NotFound,
    Refused,
    ServerUnreachable,
    XnatTuiError,
)
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.location import Location
from xnat_tui.model.plan import Mode, Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State
from xnat_tui.services.copying import Control, check_stop, pause
from xnat_tui.services.exporting_files import Batch, Part, inside
from xnat_tui.services.exporting_run import ExportRun
from xnat_tui.services.layouts import Slot
from xnat_tui.services.manifest import Entry, md5_of
from xnat_tui.xnat import zips
from xnat_tui.xnat.connection import encode_uri
from xnat_tui.xnat.streams import CHUNK
from xnat_tui.xnat.zips import Member

SMALL = 8_000_000
"""Bytes of a file, on average, up to which a zip is quicker than a request for each."""
LARGEST_ZIP = 1_000_000_000
"""A zip waits on the disk until it is proved whole."""
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
ATTEMPTS = 3
ATTEMPTS_AT_WRONG = 2
"""What came whole and is not what was listed will hardly be another the next time."""


@dataclass(slots=True)
class _Fetch:
    """One resource while it is fetched."""

    run: ExportRun
    step: Step
    control: Control
    listing: Listing
    slot: Slot
    names: dict[str, str]
    location: Location
    files: int = 0
    bytes: int = 0
    skipped: int = 0
    verified: Evidence = field(default_factory=Evidence)
    failures: list[Failure] = field(default_factory=list)

    def uri(self, item: Item) -> str:
        return f"{self.step.source.uri}/files/{item.key}"

    def fail(self, item: Item, error: XnatTuiError) -> None:
        self.failures.append(Failure(f"{self.step.path}/files/{item.key}", error.message, error.hint))

    def entry(self, item: Item, target: Path, size: int, md5: str) -> Entry:
        name = self.names[item.key]
        natural = self.slot.natural(item.key)
        location = self.location.child(Kind.FILE, item.key)
        return self.run.entry(
            self.step,
            Entry(
                name,
                size,
                md5,
                str(location),
                item=f"{self.step.data['item']}/files/{item.key}",
                uri=self.uri(item),
                source_digest=item.digest or "",
                original=natural if natural != name else "",
                mtime=target.lstat().st_mtime_ns,
            ),
        )

    def arrived(self, item: Item, target: Path, size: int, md5: str) -> Entry:
        """Count a file that is in its place now, and what it rests on."""
        self.files += 1
        self.bytes += size
        self.control.on_file()
        self.verified += _evidence(item, size, md5)
        return self.entry(item, target, size, md5)


def fetch_resource(run: ExportRun, step: Step, control: Control) -> Outcome:
    """Fetch what is missing of a resource. A file that cannot be had is a failure of its own.

    Raises XnatTuiError where its files cannot be listed.
    """
    resource = _resource(step)
    listing = run.lists(step).of(resource, together=run.together(step))
    slot = Slot.from_data(step.data)
    names = slot.names((item.key for item in listing.items), folds=bool(step.data["folds"]))
    fetch = _Fetch(run, step, control, listing, slot, names, Location.parse(step.data["location"]))
    if listing.error is not None:
        fetch.failures.append(Failure(step.path, listing.error.message, listing.error.hint))
    try:
        _fetch_missing(fetch, _wanted(fetch, list(_chosen(fetch))))
    except Interrupted:
        raise
    except XnatTuiError as error:
        fetch.failures.append(Failure(step.path, error.message, error.hint))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "Check the folder, its rights and the space left."
        fetch.failures.append(Failure(step.path, f"The folder cannot be written to: {reason}.", hint))
    state = State.FAILED if fetch.failures else State.DONE
    return Outcome(
        step.number, state, fetch.files, fetch.bytes, fetch.skipped, fetch.verified, tuple(fetch.failures)
    )


def _fetch_missing(fetch: _Fetch, wanted: list[Item]) -> None:
    """Raises what makes it useless to go on: the server does not answer, the disk takes no more."""
    if _zip_is_better(fetch.run.policy.mode, wanted, fetch.listing):
        wanted = _by_zip(fetch, wanted)
    for item in wanted:
        check_stop(fetch.control)
        _by_itself(fetch, item)


def _resource(step: Step) -> Item:
    recorded = step.data.get("recorded", "")
    return Item(
        Kind.RESOURCE,
        step.data["label"],
        step.data["number"],
        uri=step.source.uri,
        files=int(recorded) if recorded else None,
    )


def _chosen(fetch: _Fetch) -> Iterator[Item]:
    only = fetch.step.data.get("only", "")
    items = [item for item in fetch.listing.items if not only or item.key == only]
    if only and not items:
        raise NotFound("The file is not there any more.", "Plan the export again.")
    seen: set[str] = set()
    for item in items:
        if item.key in seen:
            fetch.fail(item, Conflict("A second file with this path; XNAT gives only one of them."))
        else:
            seen.add(item.key)
            yield item


def _wanted(fetch: _Fetch, items: list[Item]) -> list[Item]:
    """The files that have to be fetched; those that are complete are counted."""
    run, wanted = fetch.run, []
    for item in items:
        name = fetch.names[item.key]
        if run.policy.overwrite_local:
            wanted.append(item)
        elif run.manifest.has(name, item, fetch.uri(item), fetch.step.data["server"]):
            known = run.manifest.get(name)
            assert known is not None, "what is complete is in the manifest"
            _skip(fetch, item, known.size, known.md5)
        elif not _is_there(fetch, item):
            wanted.append(item)
    return wanted


def _is_there(fetch: _Fetch, item: Item) -> bool:
    """Whether the bytes in the folder are those that the server lists; the manifest then learns of them."""
    target = fetch.run.folder / fetch.names[item.key]
    known = fetch.run.manifest.get(fetch.names[item.key])
    mine = known is not None and known.uri == fetch.uri(item) and known.server == fetch.step.data["server"]
    digest = item.digest or (known.md5 if mine and known and item.bytes in (None, known.size) else "")
    try:
        size = target.lstat().st_size
        if not digest or item.bytes not in (None, size) or not target.is_file():
            return False
        check_stop(fetch.control)
        if md5_of(inside(fetch.run.folder, fetch.names[item.key])) != digest:
            return False
    except (OSError, Conflict):
        return False
    fetch.run.manifest.add([fetch.entry(item, target, size, digest)])
    _skip(fetch, item, size, digest)
    return True


def _skip(fetch: _Fetch, item: Item, size: int, md5: str) -> None:
    fetch.skipped += 1
    fetch.verified += _evidence(item, size, md5)


def _evidence(item: Item, size: int, md5: str) -> Evidence:
    if item.digest:
        return Evidence(digest=1) if item.digest == md5 else Evidence(unverified=1)
    return Evidence(size=1) if item.bytes == size else Evidence(unverified=1)


def _zip_is_better(mode: Mode, wanted: list[Item], listing: Listing) -> bool:
    """One request for many small files, or for names that not every server decodes alike."""
    if mode is Mode.FILE or not wanted:
        return False
    if mode is Mode.ZIP:
        return True
    sizes = [item.bytes or 0 for item in listing.items]
    missing = sum(item.bytes or 0 for item in wanted)
    if sum(sizes) > LARGEST_ZIP:
        return False
    if not all(_PLAIN.fullmatch(item.key) for item in wanted):
        return True
    return len(wanted) > 2 and missing <= SMALL * len(wanted) and 2 * missing >= sum(sizes)


def _by_zip(fetch: _Fetch, wanted: list[Item]) -> list[Item]:
    """Take files out of the resource's zip; those that it does not bring, to be asked for by themselves."""
    by_path = {item.key: item for item in wanted}
    path = f"{encode_uri(fetch.step.source.uri)}/files"
    try:
        with zips.fetch(
            fetch.run.connection(fetch.step), path, folder=fetch.run.ready_folder(), on_bytes=_counted(fetch)
        ) as members:
            _unpack(fetch, members, by_path)
    except Interrupted:
        raise
    except XnatTuiError as error:  # damaged, or a name in it must not be a path: each file speaks for itself
        if type(error) is XnatTuiError:
            raise
    return list(by_path.values())


def _unpack(fetch: _Fetch, members: tuple[Member, ...], by_path: dict[str, Item]) -> None:
    batch = Batch()
    items: dict[Path, Item] = {}
    try:
        for member in members:
            check_stop(fetch.control)
            item = by_path.pop(member.path, None)
            part = _take(fetch, member, item) if item is not None else None
            if part is None or item is None:
                continue
            items[part.target] = item
            batch.parts.append(part)
            if batch.full:
                _finish(fetch, batch, items)
        _finish(fetch, batch, items)
    finally:
        batch.drop()


def _take(fetch: _Fetch, member: Member, item: Item) -> Part | None:
    """Write one member beside its place, and compare it with what the server lists."""
    try:
        part = Part(inside(fetch.run.folder, fetch.names[item.key]))
        with member.open() as opened:
            part.write(iter(lambda: opened.read(CHUNK), b""))
        _check(fetch, part, item)
    except XnatTuiError as error:
        fetch.fail(item, error)
        return None
    return part


def _check(fetch: _Fetch, part: Part, item: Item) -> None:
    """Raises BadAnswer, and keeps nothing, where what came is not what the server lists."""
    differs = item.bytes not in (None, part.size) or bool(item.digest and item.digest != part.md5)
    if fetch.run.policy.verify and differs:
        part.drop()
        raise BadAnswer(
            "What came differs from what the server lists.",
            "Refresh the catalog on the server, or take it as it is with --no-verify.",
        )


def _finish(fetch: _Fetch, batch: Batch, items: dict[Path, Item]) -> None:
    done = batch.finish()
    entries = [fetch.arrived(items[part.target], part.target, part.size, part.md5) for part in done]
    fetch.run.manifest.add(entries)


def _by_itself(fetch: _Fetch, item: Item) -> None:
    """One file as a stream. What may be a passing failure is tried again."""
    attempt = 0
    while True:
        attempt += 1
        try:
            part = _stream(fetch, item)
        except Interrupted:
            raise
        except ServerUnreachable:
            if attempt >= ATTEMPTS:
                raise
        except BadAnswer as error:
            if attempt >= ATTEMPTS_AT_WRONG:
                fetch.fail(item, error)
                return
        except XnatTuiError as error:
            fetch.fail(item, error)
            return
        else:
            _finish(fetch, Batch([part]), {part.target: item})
            return
        pause(fetch.control, attempt - 1)


def _stream(fetch: _Fetch, item: Item) -> Part:
    try:
        address = encode_uri(fetch.uri(item))
    except BadAnswer as error:  # it climbs, or is absolute: to ask again would not help
        raise Refused(error.message, error.hint) from error
    part = Part(inside(fetch.run.folder, fetch.names[item.key]))
    on_bytes = _counted(fetch)
    with fetch.run.connection(fetch.step).download(address) as download:
        part.write(_told(download, on_bytes))
    _check(fetch, part, item)
    return part


def _told(chunks: Iterable[bytes], on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in chunks:
        on_bytes(len(chunk))
        yield chunk


def _counted(fetch: _Fetch) -> Callable[[int], None]:
    """Tells how much has come, and ends the download when the step shall end."""

    def on_bytes(count: int) -> None:
        fetch.control.on_bytes(count)
        check_stop(fetch.control)

    return on_bytes
