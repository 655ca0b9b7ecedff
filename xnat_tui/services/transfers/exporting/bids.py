"""BIDS names for NIfTI images and their sidecars; nothing is converted, and what is unclear gets none.

A scan gets names where its type, its description, or the user's table says what it is, and where all that
a name must hold is known; the rest stands below `sourcedata/`, which no validator looks into.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.model.work import BidsImage
from xnat_tui.services.transfers.exporting import bids_schema
from xnat_tui.services.transfers.exporting.bids_map import SeriesMap
from xnat_tui.services.transfers.exporting.bids_schema import Rule

_RUN = re.compile(r"_run-(\d+)(?=_)")
_ECHO = re.compile(r"_e(\d+)(?=_|$)")
_PHASE = re.compile(r"_ph(?=_|$)")

Resources = Sequence[tuple[Place, Sequence[str]]]
"""Resources with the paths of their files."""


def is_named_image(path: str) -> bool:
    """Whether a place in an export is that of an image with a BIDS name."""
    return path.startswith("sub-") and bids_schema.image_ending(path) != ""


@dataclass(slots=True)
class _Draft:
    """An image while its run is not decided."""

    place: Place
    path: str
    ending: str
    rule: Rule
    folder: str
    entities: dict[str, str]
    run: str = ""
    files: Sequence[str] = ()

    @property
    def group(self) -> tuple[str, str]:
        """What repeated images share: their folder, and their name without a run, in whatever case."""
        return self.folder.casefold(), self.stem("").casefold()

    def stem(self, run: str) -> str:
        given = {name: value for name, value in self.entities.items() if name != "run"}
        return bids_schema.file_stem(self.rule, given | ({"run": run} if run else {}))


@dataclass(slots=True)
class Images:
    """Names all images of one export at once, so that those of one kind in a session can be counted.

    `entities` gives `sub-X[/ses-Y]` of a place, `places_of` where an image (by its address) was put by
    earlier exports, the last one first, and `known` the places of all images that the folder has.
    """

    table: SeriesMap
    entities: Callable[[Place], str]
    places_of: Callable[[str], Sequence[str]]
    known: Iterable[str]
    unnamed: dict[Place, str] = field(default_factory=dict)
    """Resources with images that get no name, and why."""
    _found: dict[str, list[BidsImage]] = field(default_factory=lambda: defaultdict(list))
    _names: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def of(self, place: Place) -> list[BidsImage]:
        return self._found.get(_uri(place), [])

    def names(self, place: Place) -> Mapping[str, str]:
        """Places of a resource's images, and of the sidecars that go with them, by path."""
        return self._names.get(_uri(place), {})

    def name(self, resources: Resources) -> None:
        """Decide on the images of these resources, in their order."""
        groups: dict[tuple[str, str], list[_Draft]] = defaultdict(list)
        for place, paths in resources:
            for draft in self._drafts(place, paths):
                groups[draft.group].append(draft)
        standing: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for name in self.known:
            group, run = _without_run(name)
            standing[group][name] = run
        for group, drafts in groups.items():
            for draft, run in _runs(drafts, standing[group], self._places):
                self._keep(draft, run)

    def _places(self, draft: _Draft) -> Sequence[str]:
        return self.places_of(f"{_uri(draft.place)}/files/{draft.path}")

    def _drafts(self, place: Place, paths: Sequence[str]) -> Iterable[_Draft]:
        scan, resource = place.of(Kind.SCAN), place.item
        if scan is None or resource is None or not _is_nifti(resource):
            return
        images = {path: ending for path in paths if (ending := bids_schema.image_ending(path))}
        if not images:
            return
        series = self.table.what_it_is(scan)
        if not series.datatype:
            self.unnamed[place] = series.reason
            return
        entities = self.entities(place.up_to(Kind.EXPERIMENT))
        subject, _, session = entities.partition("/")
        named = {"subject": subject.removeprefix("sub-"), "session": session.removeprefix("ses-")}
        apart = _told_apart({path: path[: -len(end)] for path, end in images.items()}, series.rule)
        for path, ending in images.items():
            files = {path[: -len(ending)] + end for end in bids_schema.SIDECAR_ENDINGS} & set(paths)
            if series.suffix == "dwi" and not {".bval", ".bvec"} <= {one[-5:] for one in files}:
                self.unnamed[place] = "its .bval and .bvec are not there"
                continue
            given = apart[path] | series.entities
            yield _Draft(
                place, path, ending, series.rule, f"{entities}/{series.datatype}", named | given,
                given.get("run", ""), sorted(files),
            )  # fmt: skip

    def _keep(self, draft: _Draft, run: str) -> None:
        scan, session = draft.place.of(Kind.SCAN), draft.place.of(Kind.EXPERIMENT)
        assert scan is not None
        stem = f"{draft.folder}/{draft.stem(run)}"
        asked = "TaskName" in bids_schema.required_fields(draft.rule.datatype, draft.rule.suffix)
        image = BidsImage(
            draft.path,
            stem,
            draft.ending,
            draft.entities["task"] if asked else "",
            _seconds(scan.fields.get("parameters/tr", "")),
            _moment(session, scan),
        )
        uri = _uri(draft.place)
        self._found[uri].append(image)
        self._names[uri][draft.path] = stem + draft.ending.lower()
        for path in draft.files:
            ending = path[path.rindex(".") :].lower()
            if ending in draft.rule.endings and not (asked and ending == ".json"):
                self._names[uri][path] = stem + ending


def _runs(
    drafts: list[_Draft], standing: Mapping[str, str], places: Callable[[_Draft], Sequence[str]]
) -> Iterable[tuple[_Draft, str]]:
    """The run of each image of one group: the one that it had, the one that it states, or the next.

    `standing` are the runs of the images that are in the folder, by place; "" is the only one so far.
    """
    before = {id(draft): [name for name in places(draft) if name in standing] for draft in drafts}
    had = {draft: standing[names[0]] for draft, names in before.items() if names}
    taken = {int(run or 1) for run in standing.values()}
    alone = len(drafts) == 1 and len(standing) <= len(had)
    for draft in drafts:
        if id(draft) in had:
            yield draft, had[id(draft)]
        elif alone:
            yield draft, draft.run
        else:
            run = draft.run
            if not run or int(run) in taken:
                run = str(next(number for number in range(1, len(taken) + 2) if number not in taken))
            taken.add(int(run))
            yield draft, run


def _without_run(name: str) -> tuple[tuple[str, str], str]:
    folder, _, last = name.rpartition("/")
    stem = last.partition(".")[0]
    found = _RUN.search(stem)
    return (folder.casefold(), _RUN.sub("", stem, count=1).casefold()), found[1] if found else ""


def _is_nifti(resource: Item) -> bool:
    return any("NIFTI" in text.upper() for text in (resource.key, resource.type))


def _uri(place: Place) -> str:
    assert place.item is not None
    return place.item.uri


def _seconds(milliseconds: str) -> str:
    """XNAT has times in ms, as DICOM has. What is no positive number is not known."""
    try:
        found = float(milliseconds)
    except ValueError:
        return ""
    return f"{found / 1000:.9g}" if 0 < found < float("inf") else ""


def _moment(session: Item | None, scan: Item) -> str:
    """Of the scan's start, where its day and its time are both known."""
    day = session.fields.get("date", "") if session is not None else ""
    time = scan.fields.get("startTime", "")
    text = f"{day}T{time}"
    return text if bids_schema.fits_format("datetime", text) else ""


def _told_apart(stems: Mapping[str, str], rule: Rule) -> dict[str, dict[str, str]]:
    """Entities that tell several images of one resource apart: echo and part, as converters mark them, or
    an acquisition by what the images are called. None where BIDS has neither: they are runs then."""
    if len(stems) == 1:
        return {path: {} for path in stems}
    marked = {path: _marks(stem, rule) for path, stem in stems.items()}
    if len({tuple(sorted(one.items())) for one in marked.values()}) == len(marked):
        return marked
    if "acquisition" not in rule.allowed:
        return {path: {} for path in stems}
    return {path: {"acquisition": label} for path, label in zip(stems, _labels(stems.values()), strict=True)}


def _marks(stem: str, rule: Rule) -> dict[str, str]:
    found = {}
    if "echo" in rule.allowed and (echo := _ECHO.search(stem)):
        found["echo"] = echo[1]
    if "part" in rule.allowed and _PHASE.search(stem):
        found["part"] = "phase"
    return found


def _labels(stems: Iterable[str]) -> list[str]:
    """A label for each, by its last segment, and by number if need be."""
    found: list[str] = []
    taken: set[str] = set()
    for stem in stems:
        clean = re.sub(r"[^A-Za-z0-9]", "", stem.rpartition("/")[2]) or "x"
        label, number = clean, 1
        while label.casefold() in taken:
            number += 1
            label = f"{clean}dup{number}"
        taken.add(label.casefold())
        found.append(label)
    return found


def without_times(fields: Mapping[str, Any]) -> bool:
    """Whether a sidecar of functional images says nothing of when its volumes were taken."""
    return not {"RepetitionTime", "VolumeTiming", "FrameAcquisitionDuration"} & fields.keys()
