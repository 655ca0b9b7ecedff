"""Planning an export: the source walked, its files listed, the folder looked at, nothing written."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from xnat_tui.errors import UsageError
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.filters import NO_FILTERS, Filters, Tally
from xnat_tui.model.options import (
    ExportMode,
    ExportOptions,
    ExportShared,
    Layout,
    OnExisting,
    options_or_usual,
)
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, End, Finding, Plan, Step
from xnat_tui.model.work import DocumentDownload, ResourceDownload, Untouched, Work
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.show import Branch, walk
from xnat_tui.services.reading.awaiting import results
from xnat_tui.services.reading.file_lists import read_files
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.command import command
from xnat_tui.services.transfers.emptiness import check_something
from xnat_tui.services.transfers.exporting.bids_documents import DESCRIPTION
from xnat_tui.services.transfers.exporting.bids_planning import BidsPlan
from xnat_tui.services.transfers.exporting.documents import TABLE
from xnat_tui.services.transfers.exporting.doubles import doubles
from xnat_tui.services.transfers.exporting.gathering import gathering_at, streamed
from xnat_tui.services.transfers.exporting.layouts import Arrangement, Slot, folds_case
from xnat_tui.services.transfers.exporting.manifest import Manifest
from xnat_tui.services.transfers.exporting.planned import Counts, of_folder, of_names, of_steps, space
from xnat_tui.services.transfers.exporting.standing import (
    CHANGED,
    Standing,
    document_changed,
    fetches_all,
    is_kept,
    standing,
)

DOCUMENTED = frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT})
_SHOWN = 5


def plan_export(
    reader: Reader,
    places: Sequence[Place],
    folder: Path,
    options: ExportOptions | None = None,
    filters: Filters = NO_FILTERS,
) -> Plan:
    """What exporting these places to a folder would fetch: a step per resource, and one per document.

    Files that the folder's manifest shows to be complete are not fetched again. What cannot be read is a
    step that conflicts, with the reason, never left out. Raises UsageError.
    """
    chosen = options_or_usual(ExportOptions, options)
    chosen.refuse_deidentify("This transfer")
    folder = _checked(places, folder, chosen)
    meant = settled(filters, reader, places)
    walk_ = _Walk(reader, folder, chosen, meant)
    walk_.whole_paths = _spans_projects(places)
    walk_.add(places)
    walk_.check_not_empty(places)
    walk_.finish()
    sources = [str(place.location) for place in places]
    return Plan(
        sources=tuple(sources),
        destination=str(folder),
        steps=tuple(walk_.steps),
        options=chosen,
        findings=tuple(walk_.findings()),
        command=_command(sources, folder, chosen, filters),
    )


def _checked(places: Sequence[Place], folder: Path, options: ExportOptions) -> Path:
    if not places:
        raise UsageError("Nothing was chosen to export.", "Mark something, or name a location.")
    if len({place.server for place in places}) > 1:
        raise UsageError("One export has one source server.", "Start one export for each server.")
    if options.bids_map and options.layout is not Layout.BIDS:
        raise UsageError("--bids-map names images for --layout bids.", "Add --layout bids, or leave it out.")
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", "Name a folder; it is made when it is not there.")
    return folder.resolve()


def _spans_projects(places: Sequence[Place]) -> bool:
    """Whether paths have to name the project too."""
    whole_server = any(place.kind is Kind.SERVER for place in places)
    return whole_server or len({place.items[0].uri for place in places}) > 1


def _command(sources: Sequence[str], folder: Path, options: ExportOptions, filters: Filters) -> str:
    words = [f"--layout {options.layout}"] if options.layout is not Layout.XNAT else []
    words += [f"--bids-map {shlex.quote(options.bids_map)}"] if options.bids_map else []
    words += [] if options.metadata else ["--no-metadata"]
    asked = options.overwrite_local and options.on_existing is OnExisting.SKIP
    words += ["--overwrite"] if asked else []
    return " ".join([command([*sources, "--to"], str(folder), options, filters), *words])


class _Walk:
    """Steps in the order of the tree. Reads only."""

    def __init__(self, reader: Reader, folder: Path, options: ExportOptions, filters: Filters) -> None:
        self.reader = reader
        self.folder = folder
        self.options = options
        self.filters = filters
        self.manifest = Manifest(folder)
        self.steps: list[Step] = []
        self.whole_paths = False
        self._server = reader.connection.url
        self._arrangement = Arrangement(
            options.layout, folds=folds_case(folder), server=self._server, bound=self.manifest.bindings
        )
        self._bids = BidsPlan(reader, self.manifest, options, self._arrangement)
        self._seen: set[tuple[str, str]] = set()
        self._tally = Tally(filters)
        self._counts = Counts()

    def add(self, places: Sequence[Place]) -> None:
        """Plan these places with everything below them."""
        walked = []
        for place in places:
            top = place.up_to(Kind.RESOURCE)
            walked.append((place, top, self._branches(top)))
        files = [one.place for _, top, found in walked for one in found if self._has_files(one.place, top)]
        self._bids.name(files)
        for place, top, branches in walked:
            if self.options.metadata:
                self._documents_above(place)
            only = place.item.key if place.kind is Kind.FILE and place.item else ""
            for branch in branches:
                self._branch(branch, top, only)

    def _branch(self, branch: Branch, top: Place, only: str) -> None:
        place = branch.place
        if branch.error is not None:
            name = place.location.name
            why = f"{name} could not be read whole: {branch.error.message}"
            self._step(Action.CONFLICT, place, why, unread=True)
        if place.kind in DOCUMENTED and self.options.metadata and self._is_meant(place, top):
            self._document(place)
        if place.kind is Kind.RESOURCE and self._has_files(place, top):
            self._resource(place, only)
        elif place.kind in (Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR) and self._is_shared(place, top):
            owner = place.item.shared_from if place.item else ""
            note = f"shared in from {owner or 'another project'}; --shared copy takes it along"
            self._step(Action.SKIP, place, note, stays_behind=True)

    def _has_files(self, place: Place, top: Place) -> bool:
        if place.kind is not Kind.RESOURCE or self.options.mode is ExportMode.METADATA:
            return False
        return self._is_meant(place, top) and not (place != top and stands_beside(place, self.filters))

    def _is_meant(self, place: Place, top: Place) -> bool:
        """Whether an item belongs to what is exported, as the choice about shared items says."""
        owned = [kind for kind in (Kind.ASSESSOR, Kind.EXPERIMENT, Kind.SUBJECT) if place.of(kind)]
        if not owned:
            return True
        if owned[0] is Kind.ASSESSOR:
            return not any(self._is_shared(place.up_to(kind), top) for kind in owned[:2])
        return not self._is_shared(place.up_to(owned[0]), top)

    def _is_shared(self, place: Place, top: Place) -> bool:
        """Whether sharing keeps an item out; one that was named itself is always meant."""
        item = place.item
        below = len(place.items) > len(top.items)
        return bool(
            item and item.shared_from is not None and below and self.options.shared is not ExportShared.COPY
        )

    def _branches(self, top: Place) -> list[Branch]:
        """All places, with the files of resources read; once more where those show what the lists did not."""
        while True:
            branches = list(walk(self.reader, top, "resources", self.filters, self._tally).walk())
            if self.options.mode is ExportMode.METADATA:
                return branches
            resources = [branch.place for branch in branches if self._has_files(branch.place, top)]
            with ThreadPoolExecutor(max(2, self.reader.connection.server.connections), "export") as pool:
                results(read_files(self.reader, resources, pool), self.reader.connection)
            if not self.reader.take_reread():
                return branches

    def _documents_above(self, place: Place) -> None:
        """Below a session, the session's own document comes along."""
        if place.of(Kind.EXPERIMENT) and place.kind is not Kind.EXPERIMENT:
            self._document(place.up_to(Kind.EXPERIMENT))

    def _document(self, place: Place) -> None:
        item = place.item
        assert item is not None, "a server has no document"
        if not self._first("metadata", place):
            return
        target = self._arrangement.document(place)
        if not self.options.overwrite_local and document_changed(self.manifest, target):
            self._counts.left += 1
            self._step(
                Action.CONFLICT,
                place,
                f"Its XML document: {CHANGED[0].lower()}{CHANGED[1:]}; --overwrite would replace it.",
                target,
            )
            return
        action = Action.UPDATE if (self.folder / target).exists() else Action.CREATE
        work = DocumentDownload(str(place.location), _words(place), self._arrangement.bindings())
        self._step(action, place, "XML document", target, work)

    def _resource(self, place: Place, only: str) -> None:
        resource = place.item
        assert resource is not None, "a resource is an item"
        if not self._first(only, place):
            return
        slot = self._arrangement.slot(place, self._bids.names(place))
        listing = self.reader.below(place, Kind.FILE)
        work = ResourceDownload(
            folder=slot.folder,
            prefix=slot.prefix,
            places=slot.images,
            names=self._arrangement.bindings(),
            folds=self._arrangement.folds,
            label=resource.key,
            number=resource.id,
            recorded=resource.files,
            only=only,
            location=str(place.location),
            item=_words(place),
            server=self._server,
            images=self._bids.images(place),
            gathering=gathering_at(place),
        )
        if resource.files is None or any(item.bytes is None for item in listing.items):
            self._counts.uncounted += 1
        chosen = [item for item in listing.items if not only or item.key == only]
        wanted, known, left = self._wanted(slot, place, listing, chosen)
        for item, reason in left:
            self._step(Action.CONFLICT, place.child(item), reason)
        work = replace(work, left=tuple(item.key for item, _ in left))
        size = sum(item.bytes or 0 for item in wanted)
        self._counts.left += len(left)
        if not wanted and not known and listing.error is None:
            reason = "complete already" if listing.items else "no files"
            reason += ", as its digests prove" if listing.items and self.options.overwrite_local else ""
            if len(left) == len(listing.items) > 0:
                return
            size = sum(item.bytes or 0 for item in chosen) - sum(item.bytes or 0 for item, _ in left)
            count = len(chosen) - len(left)
            self._step(Action.SKIP, place, reason, slot.key, work, files=count, size=size)
            return
        reason = listing.error.message if listing.error else ""
        proved = len(chosen) - len(wanted) - len(left) if self.options.overwrite_local else known
        if proved and not reason:
            reason = f"{counted(proved, 'file')} there already, as digests prove"
        count = len(wanted) if listing.items else resource.files or 0
        self._step(
            Action.UPLOAD, place, reason, slot.key, work, files=count,
            size=size if listing.items else resource.bytes or 0,
        )  # fmt: skip

    def _wanted(
        self, slot: Slot, place: Place, listing: Listing, chosen: list[Item]
    ) -> tuple[list[Item], int, list[tuple[Item, str]]]:
        """The files to be fetched, how many are complete and not in the manifest, and those left."""
        resource = place.item
        assert resource is not None, "a resource is an item"
        paths = [item.key for item in listing.items]
        kept = self.manifest.places_of(self._server, resource.uri, paths)
        names = slot.names(paths, folds=self._arrangement.folds, kept=kept)
        self._counts.renamed += sum(name != slot.natural(path) for path, name in names.items())
        self._counts.placed |= {f"{resource.uri}/files/{path}": name for path, name in names.items()}
        replacing = self.options.overwrite_local
        if fetches_all(self.options):
            return chosen, 0, []
        known = 0
        wanted: list[Item] = []
        left: list[tuple[Item, str]] = []
        for item in chosen:
            name = names[item.key]
            uri, words = f"{resource.uri}/files/{item.key}", f"{_words(place)}/files/{item.key}"
            try:
                there = standing(self.manifest, name, item, uri, self._server, words)
            except OSError as error:
                left.append((item, f"{name} stands there and cannot be read: {error.strerror}."))
                continue
            found = there.standing
            self._counts.others += found is Standing.TAKEN and not replacing
            kept_there = is_kept(there, item, self.options)
            noted = there.noted and self.manifest.is_here(name, uri, self._server)
            known += kept_there and not noted
            if found in (Standing.TAKEN, Standing.CHANGED) and not replacing:
                left.append(
                    (
                        item,
                        f"{CHANGED}; --overwrite would replace it."
                        if found is Standing.CHANGED
                        else _taken(self.manifest, name),
                    )
                )
            elif not kept_there:
                wanted.append(item)
        return wanted, known, left

    def _first(self, what: str, place: Place) -> bool:
        """Whether this is the first time that an item is met: places may overlap."""
        item = place.item
        assert item is not None
        key = (what, item.uri)
        if key in self._seen or ("", item.uri) in self._seen:
            return False
        self._seen.add(key)
        return True

    def _step(
        self,
        action: Action,
        place: Place,
        reason: str,
        target: str = "",
        work: Work | None = None,
        *,
        files: int = 0,
        size: int = 0,
        stays_behind: bool = False,
        unread: bool = False,
    ) -> None:
        item = place.item or Item(Kind.SERVER, place.server)
        whole = self.whole_paths or place.kind in (Kind.PROJECT, Kind.SERVER)
        path = place.path_below(Place(place.server, () if whole else place.items[:1]))
        self.steps.append(
            Step(
                len(self.steps) + 1,
                action,
                work or Untouched(),
                path,
                item.kind,
                End(place.server, item.uri, item.id, item.type),
                End("", target),
                files,
                size,
                reason,
                stays_behind=stays_behind,
                unread=unread,
            )
        )

    def check_not_empty(self, places: Sequence[Place]) -> None:
        """Raises NotFound where filters let nothing pass, or where all is shared in and so left out."""
        check_something(self.options, self.steps, self._tally, self.reader, places)

    def findings(self) -> Iterator[Finding]:
        """What to know before: of the disk, of the folder, and of what is not fetched."""
        yield from space(self.folder, self.steps)
        yield from of_folder(self.manifest, self.options.layout, self._counts)
        yield from self._bids.findings()
        if self.manifest.layout == str(self.options.layout):
            yield from doubles(self.manifest, self._server, self._counts.placed)
        yield from of_names(self._arrangement, self._counts)
        yield from of_steps(self.steps, self._counts)

    def finish(self) -> None:
        """What comes in one stream, and what the folder as a whole gets."""
        if self.options.mode is not ExportMode.FILE:
            self.steps = list(streamed(self.steps))
        tabled = next((step for step in self.steps if isinstance(step.work, DocumentDownload)), None)
        changed = not self.options.overwrite_local and document_changed(self.manifest, TABLE, unknown=True)
        if tabled is not None and changed:
            self._counts.left += 1
            reason = f"{TABLE}: {CHANGED[0].lower()}{CHANGED[1:]}; --overwrite would replace it."
            self.steps.append(
                Step(
                    len(self.steps) + 1, Action.CONFLICT, Untouched(), TABLE, Kind.PROJECT,
                    tabled.source, End("", TABLE), reason=reason,
                )
            )  # fmt: skip
        writes = any(step.writes for step in self.steps) or self.options.overwrite_local
        if self.options.layout is not Layout.BIDS or not self.steps or not writes:
            return
        first = self.steps[0]
        self.steps.append(
            Step(
                len(self.steps) + 1, Action.CREATE, self._bids.dataset, DESCRIPTION, Kind.PROJECT,
                End(first.source.server, ""), End("", DESCRIPTION), reason="what BIDS asks for",
            )
        )  # fmt: skip


def _taken(manifest: Manifest, name: str) -> str:
    known = manifest.get(name)
    return f"{known.location if known else 'Another file'} was exported to the same place."


def _words(place: Place) -> str:
    return place.path_below(Place(place.server))


def stands_beside(place: Place, filters: Filters) -> bool:
    """Whether a filter leaves out what stands here, as it means other things (`Filters.leaves_beside`)."""
    kinds = [item.kind for item in place.items]
    return any(filters.leaves_beside(kind, kinds[:at]) for at, kind in enumerate(kinds))
