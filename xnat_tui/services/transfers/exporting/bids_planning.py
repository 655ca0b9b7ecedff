"""The part of a planned export that is BIDS: names for images, rows for subjects, what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xnat_tui.model.display import listed
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.options import ExportOptions, Layout
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Finding
from xnat_tui.model.work import BidsImage, DatasetDescription
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.bids import Images, is_named_image
from xnat_tui.services.transfers.exporting.bids_documents import (
    OWN,
    participant,
    set_aside,
)
from xnat_tui.services.transfers.exporting.bids_map import SeriesMap, read_map
from xnat_tui.services.transfers.exporting.layouts import Arrangement
from xnat_tui.services.transfers.exporting.manifest import Manifest
from xnat_tui.services.transfers.exporting.standing import document_changed

_SHOWN = 5


class BidsPlan:
    """Nothing of it holds for the other layouts. Reads only. Raises UsageError for a table that is wrong."""

    def __init__(
        self, reader: Reader, manifest: Manifest, options: ExportOptions, arrangement: Arrangement
    ) -> None:
        self._reader = reader
        self._manifest = manifest
        self._options = options
        self._arrangement = arrangement
        self._participants: dict[str, dict[str, str]] = {}
        self._scans: list[Item] = []
        self._table = read_map(Path(options.bids_map)) if options.bids_map else SeriesMap()
        server = reader.connection.url
        self._images = Images(
            self._table,
            arrangement.entities,
            lambda uri: manifest.names_of(server, uri),
            [entry.path for entry in manifest if is_named_image(entry.path)],
        )

    def name(self, resources: Sequence[Place]) -> None:
        """Names for all images at once: those of one kind in a session are counted."""
        if self._options.layout is not Layout.BIDS:
            return
        places = {place.item.uri: place for place in resources if place.item is not None}
        scans = {scan.uri: scan for place in places.values() if (scan := place.of(Kind.SCAN)) is not None}
        self._scans += scans.values()
        files = [(place, self._reader.below(place, Kind.FILE).items) for place in places.values()]
        self._images.name([(place, [item.key for item in items]) for place, items in files])
        for place in places.values():
            subject = place.of(Kind.SUBJECT)
            if subject is not None and self._images.of(place):
                told = participant(subject.fields) if self._options.metadata else {}
                self._participants[self._arrangement.entities(place.up_to(Kind.SUBJECT))] = told

    def names(self, place: Place) -> Mapping[str, str]:
        """Places of a resource's images and of their sidecars, by path."""
        return self._images.names(place)

    def images(self, place: Place) -> tuple[BidsImage, ...]:
        """A resource's images that have a BIDS name."""
        return tuple(self._images.of(place))

    @property
    def dataset(self) -> DatasetDescription:
        """What the step that describes the dataset carries."""
        return DatasetDescription(self._participants)

    def findings(self) -> Iterator[Finding]:
        """What stays of the folder's own, what stays below sourcedata, and what becomes of the incomplete."""
        if self._options.layout is not Layout.BIDS:
            return
        yield from self._own_documents()
        yield from self._idle_rows()
        unnamed = list(self._images.unnamed.items())
        hint = "Say what they are with --bids-map FILE.csv."
        for number, (place, why) in enumerate(unnamed[:_SHOWN]):
            what = f"{place.location} stays below sourcedata: {why}."
            yield Finding("warning", what, "" if number else hint)
        if len(unnamed) > _SHOWN:
            yield Finding("warning", f"{len(unnamed) - _SHOWN} more resources stay below sourcedata.")
        if aside := set_aside(self._manifest.folder):
            what = listed([*aside], _SHOWN)
            yield Finding("info", f"The folder's .bidsignore sets aside, with the reason: {what}.")

    def _idle_rows(self) -> Iterator[Finding]:
        idle = self._table.idle(self._scans)
        for row, earlier in idle[:_SHOWN]:
            why = (
                "an earlier row decides on all that it fits" if earlier else "it fits no scan of this export"
            )
            yield Finding("warning", f"{self._options.bids_map}, {row}: {why}.")
        if len(idle) > _SHOWN:
            yield Finding("warning", f"{len(idle) - _SHOWN} more rows of the table decide on nothing.")

    def _own_documents(self) -> Iterator[Finding]:
        if self._options.overwrite_local:
            return
        own = [name for name in OWN if document_changed(self._manifest, name, unknown=True)]
        if own:
            verb = "stay as they are" if len(own) > 1 else "stays as it is"
            what = f"{' and '.join(own)} of the folder {verb}; --overwrite would replace what is there."
            yield Finding("info", what)
