"""One resource while it is fetched: what is wanted of it, what has come, and what that rests on."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.errors import BadAnswer, Conflict, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.location import Location, relative_path
from xnat_tui.model.location import Step as LocationStep
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Failure
from xnat_tui.model.work import ResourceDownload
from xnat_tui.services.transfers.exporting.files import Part, inside, sync_folders
from xnat_tui.services.transfers.exporting.layouts import Slot
from xnat_tui.services.transfers.exporting.manifest import Entry, md5_of
from xnat_tui.services.transfers.exporting.run import ExportRun, now
from xnat_tui.services.transfers.exporting.standing import CHANGED, CHANGED_HINT, Standing


@dataclass(slots=True)
class Fetch:
    """One resource while it is fetched, by one thread."""

    run: ExportRun
    step: Step
    work: ResourceDownload
    """What the step carries."""
    control: Control
    resource: Item
    slot: Slot
    location: Location
    listing: Listing = field(default_factory=Listing)
    names: dict[str, str] = field(default_factory=dict)
    """Places in the export by the paths of all that is listed."""
    files: int = 0
    bytes: int = 0
    skipped: int = 0
    verified: Evidence = field(default_factory=Evidence)
    failures: list[Failure] = field(default_factory=list)
    wanted: dict[str, Item] = field(default_factory=dict)
    """Files that are still to come, by their path."""
    unproven: set[str] = field(default_factory=set)
    """Files that stand there already, and that only what comes can prove to be the same."""
    unlisted: set[str] = field(default_factory=set)
    """Paths that a zip has and the list had not: it may be older than they are."""
    doubled: set[str] = field(default_factory=set)
    """Files that a zip has twice: where nothing proves the first, they are asked for by themselves."""
    differing: set[str] = field(default_factory=set)
    """Files that came whole and not as they are listed."""
    _arrived: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    """Folders that are there for sure."""
    _words: str = ""

    def uri(self, item: Item) -> str:
        return f"{self.step.source.uri}/files/{item.key}"

    def item_words(self, item: Item) -> str:
        return f"{self.work.item}/files/{item.key}"

    def fail(self, item: Item, error: XnatTuiError) -> None:
        self.failures.append(Failure(f"{self.step.path}/files/{item.key}", error.message, error.hint))

    def take_list(self, listing: Listing) -> None:
        """The files as the server lists them now, each with its place."""
        paths = [item.key for item in listing.items]
        kept = self.run.manifest.places_of(self.work.server, self.step.source.uri, paths)
        self.listing = listing
        self.names = self.slot.names(paths, folds=self.work.folds, kept=kept)

    def ask_again(self, item: Item) -> None:
        """Want it once more; what was said against it does not hold until it has been asked for."""
        path = f"{self.step.path}/files/{item.key}"
        self.failures = [one for one in self.failures if one.path != path]
        self.wanted[item.key] = item

    @property
    def is_contradicted(self) -> bool:
        """Whether what came speaks against the list."""
        return bool(self.unlisted or self.differing)

    def is_proved(self, item: Item) -> bool:
        """Whether it has come with the MD5 that the server lists."""
        return item.key in self._arrived and bool(item.digest) and self.run.options.verify

    def entry(self, item: Item, size: int, md5: str, mtime: int) -> Entry:
        """The manifest's line about a file that is there now; `mtime` in nanoseconds since the epoch."""
        name = self.names[item.key]
        natural = self.slot.natural(item.key)
        connection = self.run.connection(self.step)
        return Entry(
            name,
            size,
            md5,
            self._location(item.key),
            item=self.item_words(item),
            uri=self.uri(item),
            server=connection.url,
            user=connection.user,
            time=now(),
            source_digest=item.digest or "",
            original=natural if natural != name else "",
            mtime=mtime,
        )

    def _location(self, path: str) -> str:
        """The short form of a file's: made for each of very many, so what is above it is worded once."""
        if not self._words:
            self._words = str(self.location)
        file = Location(self.location.server, (LocationStep(Kind.FILE, path),))
        tail = relative_path(file.steps) if "://" in file.server else file.path
        return f"{self._words}/{tail}"

    def new_part(self, item: Item) -> Part:
        """Raises Conflict or BadAnswer where the file's place cannot be had."""
        target = inside(self.run.folder, self.names[item.key], self.folders)
        return Part(target, self.run.incoming.place())

    def check(self, part: Part, item: Item) -> None:
        """Raises BadAnswer, and keeps nothing, where what came is not what the server lists; Conflict where
        it would replace something else."""
        differs = item.bytes not in (None, part.size) or bool(item.digest and item.digest != part.md5)
        if self.run.options.verify and differs:
            part.drop()
            self.differing.add(item.key)
            raise BadAnswer(
                "What came differs from what the server lists.",
                "Refresh the catalog on the server, or take it as it is with --no-verify.",
            )
        there = Path(part.target) if item.key in self.unproven else None
        if there is not None and there.is_file() and md5_of(there) != part.md5:
            part.drop()
            raise in_the_way(self.run, self.names[item.key], Standing.CHANGED)

    def arrived(self, part: Part, item: Item) -> None:
        """Count a file that is in its place now, and what it rests on; one that came twice counts once."""
        if item.key in self._arrived:
            return
        self._arrived.add(item.key)
        self.files += 1
        self.bytes += part.size
        self.control.on_file()
        self.verified += _evidence(item, part.size, part.md5)

    def note(self, landed: Sequence[tuple[Part, Item]]) -> None:
        """Have the manifest learn of files that are in their places, once these are sure to stay there."""
        sync_folders(part for part, _ in landed)
        self.run.manifest.add([self.entry(item, part.size, part.md5, part.mtime) for part, item in landed])

    def skip(self, item: Item, size: int, md5: str) -> None:
        self.skipped += 1
        self.verified += _evidence(item, size, md5)

    def on_bytes(self, count: int) -> None:
        """Tells how much has come, and ends the download when the step shall end."""
        self.control.on_bytes(count)
        self.control.check()

    def told(self, chunks: Iterable[builtins.bytes]) -> Iterator[builtins.bytes]:
        """The same bytes, counted as they pass."""
        for chunk in chunks:
            self.on_bytes(len(chunk))
            yield chunk


def in_the_way(run: ExportRun, name: str, what: Standing = Standing.TAKEN) -> Conflict:
    """What is said where a file of another item, of another server, or of the user has the place."""
    if what is Standing.CHANGED:
        return Conflict(f"{CHANGED}; it is left as it is.", CHANGED_HINT)
    known = run.manifest.get(name)
    return Conflict(
        f"{known.location if known else 'Another file'} was exported to the same place, and would be lost.",
        "Export to another folder, or replace it with --overwrite.",
    )


def _evidence(item: Item, size: int, md5: str) -> Evidence:
    if item.digest:
        return Evidence(digest=1) if item.digest == md5 else Evidence(unverified=1)
    return Evidence(size=1) if item.bytes == size else Evidence(unverified=1)
