"""BIDS names for NIfTI files and their sidecars; nothing is converted, and what is unclear gets none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place

BIDS_VERSION = "1.9.0"
_IMAGE = re.compile(r"(?P<stem>.+)(?P<ending>\.nii(?:\.gz)?)", re.IGNORECASE)
_SIDECAR = re.compile(r"(?P<stem>.+)(?P<ending>\.(?:json|bval|bvec))", re.IGNORECASE)
_SERIES: tuple[tuple[str, str, str], ...] = (
    (r"localizer|scout|topogram|survey", "", ""),
    (r"phase.?diff", "fmap", "phasediff"),
    (r"field.?map|b0.?map", "fmap", "fieldmap"),
    (r"bold|fmri|rest(ing)?.?state", "func", "bold"),
    (r"dwi|dti|diff(usion)?|hardi|noddi", "dwi", "dwi"),
    (r"flair|dark.?fluid", "anat", "FLAIR"),
    (r"t2.?(star|\*)|swi", "anat", "T2starw"),
    (r"t1|mp2?rage|spgr", "anat", "T1w"),
    (r"t2", "anat", "T2w"),
    (r"\bpd\b|proton", "anat", "PDw"),
)
"""What a series is, by the first of these that its type or description holds; "" is left to nobody."""


@dataclass(frozen=True, slots=True)
class BidsNames:
    """The beginning and the end of the names of one scan's images: `HEAD[_acq-X][_run-N]_SUFFIX.nii.gz`."""

    folder: str
    head: str
    run: str
    suffix: str

    def to_data(self) -> dict[str, str]:
        return {"bids": self.folder, "head": self.head, "run": self.run, "suffix": self.suffix}

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> BidsNames | None:
        if not data.get("bids"):
            return None
        return cls(data["bids"], data["head"], data["run"], data["suffix"])

    def stem(self, acquisition: str = "") -> str:
        parts = [self.head, f"acq-{acquisition}" if acquisition else "", self.run, self.suffix]
        return f"{self.folder}/" + "_".join(part for part in parts if part)


class Series:
    """Tells scans of one kind in one session apart by `run-N`, in the order of asking."""

    def __init__(self) -> None:
        self._runs: Counter[tuple[str, str, str]] = Counter()

    def names(self, place: Place, entities: str) -> BidsNames | None:
        """Names for a scan's NIfTI resource; None for what stands elsewhere or is not clearly anything."""
        scan, resource = place.of(Kind.SCAN), place.item
        if scan is None or resource is None or not _is_nifti(resource):
            return None
        datatype, suffix = what_it_is(scan)
        if not datatype:
            return None
        head = entities.replace("/", "_")
        if datatype == "func":
            head += f"_task-{_task(scan)}"
        key = (head, datatype, suffix)
        self._runs[key] += 1
        number = self._runs[key]
        return BidsNames(f"{entities}/{datatype}", head, f"run-{number}" if number > 1 else "", suffix)


def _is_nifti(resource: Item) -> bool:
    return any("NIFTI" in text.upper() for text in (resource.key, resource.type))


def what_it_is(scan: Item) -> tuple[str, str]:
    """BIDS data type and suffix of a scan, ("", "") where its type and description do not tell."""
    if scan.type == "xnat:petScanData":
        return "pet", "pet"
    for text in (scan.fields.get("series_description", ""), scan.fields.get("type", "")):
        for pattern, datatype, suffix in _SERIES:
            if re.search(pattern, text, re.IGNORECASE):
                return datatype, suffix
    return "", ""


def _task(scan: Item) -> str:
    text = scan.fields.get("series_description", "") or scan.fields.get("type", "")
    if re.search("rest", text, re.IGNORECASE):
        return "rest"
    named = re.search(r"task[-_]?([A-Za-z0-9]+)", text, re.IGNORECASE)
    return named[1] if named else re.sub(r"[^A-Za-z0-9]", "", text) or "unknown"


def bids_names(names: BidsNames, paths: Iterable[str]) -> dict[str, str]:
    """Places of the images and of the sidecars that share their stem; other files are not in it."""
    paths = list(paths)
    stems = {found["stem"]: "" for path in paths if (found := _IMAGE.fullmatch(path))}
    if len(stems) > 1:
        stems = _acquisitions(stems)
    found_names: dict[str, str] = {}
    for path in paths:
        found = _IMAGE.fullmatch(path) or _SIDECAR.fullmatch(path)
        if found and found["stem"] in stems:
            found_names[path] = names.stem(stems[found["stem"]]) + found["ending"].lower()
    return found_names


def _acquisitions(stems: Iterable[str]) -> dict[str, str]:
    """Several images in one resource are told apart by what their names are, and by number if need be."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for stem in stems:
        clean = re.sub(r"[^A-Za-z0-9]", "", stem.rpartition("/")[2]) or "x"
        label, number = clean, 1
        while label.casefold() in taken:
            number += 1
            label = f"{clean}dup{number}"
        taken.add(label.casefold())
        found[stem] = label
    return found
