"""What a series is in the words of BIDS: by what its description says outright, else by its whole words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from xnat_tui.model.entities import Item
from xnat_tui.services.transfers.exporting import bids_schema
from xnat_tui.services.transfers.exporting.bids_schema import Rule

_ENTITY = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]+)-([A-Za-z0-9+]+)(?![A-Za-z0-9+])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"loc|locali[sz]er\w*|localisation|(aahead )?scout|topogram|survey", "", ""),
    (r"sbref", "func", "sbref"),
    (r"phase ?diff(erence)?", "fmap", "phasediff"),
    (r"field ?map(s|ping)?|b0 ?map", "fmap", "fieldmap"),
    (r"(bold|r?s?fmri)\d*|rest(ing)? ?state\d*", "func", "bold"),
    (r"adc", "dwi", "ADC"),
    (r"colfa", "dwi", "colFA"),
    (r"(dwi|dti|diff) (\w+ )*fa", "dwi", "FA"),
    (r"tracew?", "dwi", "trace"),
    (r"(dwi|dti|diff|diffusion|hardi|noddi|dki)\d*", "dwi", "dwi"),
    (r"flair|t2 ?flair|dark ?fluid", "anat", "FLAIR"),
    (r"t2 ?star ?w?|swi", "anat", "T2starw"),
    (r"mp2rage (\w+ )*uni(den)?", "anat", "UNIT1"),
    (r"mp2rage", "", ""),
    (r"t1w?i?|(t1 ?w? ?)?(me ?)?mprage|f?spgr|bravo", "anat", "T1w"),
    (r"t2w?i?", "anat", "T2w"),
    (r"pdw?|proton( density)?", "anat", "PDw"),
)
"""What a series is, by the first of these whole words that its description or type holds; "" gets no name."""
_PLAIN_SUFFIX = {"func": "bold", "dwi": "dwi", "fmap": "epi", "perf": "asl", "pet": "pet"}
"""What a description such as `func_task-rest` means, which names the data type alone."""
_NO_TASK = re.compile(
    r"(ep2d|epi|2d|3d|bold|fmri|func|functional|mb|sms|cmrr|ge|gre|mosaic|moco|pace|run|task|scan|series"
    r"|iso|mm|tr|te|sag|cor|tra|ax|p|ap|pa|lr|rl|max|t2|t2star|x|state)\d*|\d+(mm|ms|s|x)?\d*",
)
"""Words of a description of functional images that say how, and not while doing what."""


@dataclass(frozen=True, slots=True)
class Series:
    """Sort of image and entities (long name → value) of a series. `datatype` is "" where it gets no name."""

    datatype: str = ""
    suffix: str = ""
    entities: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    """Why it gets none."""

    @property
    def rule(self) -> Rule:
        return bids_schema.rules()[self.datatype, self.suffix]


def what_it_is(scan: Item) -> Series:
    """A scan's series, by its description first, then by its type; entities in either win over words."""
    texts = [text for name in ("series_description", "type") if (text := scan.fields.get(name, ""))]
    stated: dict[str, str] = {}
    for text in texts:
        stated = stated_entities(text) | stated
    if scan.type == "xnat:petScanData":
        return finished("pet", "pet", stated, texts)
    for text in texts:
        found = _stated_sort(text, stated) or _by_words(text)
        if found is not None:
            return finished(*found, stated, texts)
    return Series(reason="neither its type nor its description says what it is")


def finished(datatype: str, suffix: str, entities: dict[str, str], texts: list[str]) -> Series:
    """The series with what its sort needs, where that is known, and without what it cannot have."""
    if not datatype:
        return Series(reason="it is no image that BIDS names")
    rule = bids_schema.rules()[datatype, suffix]
    kept = {name: value for name, value in entities.items() if name in rule.allowed}
    if "task" in rule.required and "task" not in kept and (task := _task(texts)):
        kept["task"] = task
    missing = sorted(rule.required - kept.keys() - {"subject", "session"})
    if missing:
        return Series(entities=kept, reason=f"nothing tells its {' and its '.join(missing)}")
    return Series(datatype, suffix, kept)


def stated_entities(text: str) -> dict[str, str]:
    """Entities that a text spells out, such as `task-forest`; the last of a name, if there are two."""
    known = bids_schema.long_names()
    found = {}
    for match in _ENTITY.finditer(text):
        name = known.get(match[1], "")
        if name and name not in ("subject", "session") and bids_schema.fits(name, match[2]):
            found[name] = match[2]
    return found


def _stated_sort(text: str, stated: dict[str, str]) -> tuple[str, str] | None:
    """What a text in the manner of BIDS says: `task-rest_bold`, `func_task-rest`, `anat-T1w`, `T1w`."""
    text = text.strip()
    first, _, _ = text.partition("_")
    datatype, _, suffix = first.partition("-")
    if datatype in bids_schema.datatypes() and (suffix or "_" in text or datatype == text):
        suffix = suffix if suffix else _PLAIN_SUFFIX.get(datatype, "")
        if (datatype, suffix) in bids_schema.rules():
            return datatype, suffix
    last = text.rpartition("_")[2]
    if not (last == text or stated):
        return None
    sorts = bids_schema.datatypes_of(last)
    return next(((one, last) for one in sorts if _has_task(one, last) == ("task" in stated)), None) or next(
        ((one, last) for one in sorts), None
    )


def _has_task(datatype: str, suffix: str) -> bool:
    return "task" in bids_schema.rules()[datatype, suffix].required


def _by_words(text: str) -> tuple[str, str] | None:
    words = _spaced(text)
    for pattern, datatype, suffix in _WORDS:
        if re.search(rf"(?<= )(?:{pattern})(?= )", words):
            return datatype, suffix
    return None


def _spaced(text: str) -> str:
    """Its words in lower case, with a blank on both sides of each; entities are taken out before."""
    known = bids_schema.long_names()
    text = _ENTITY.sub(lambda match: " " if match[1] in known else match[0], text)
    text = _CAMEL.sub(" ", text).lower().replace("t2*", "t2star")
    return f" {' '.join(re.findall('[a-z0-9]+', text))} "


def _task(texts: list[str]) -> str:
    """What was done, by the words of a description that do not say how it was measured; "" if none does."""
    for text in texts:
        words = _spaced(text).split()
        if any(re.fullmatch(r"(rest|resting|rs|rsfmri)\d*", word) for word in words):
            return "rest"
        left = [word for word in words if not _NO_TASK.fullmatch(word)]
        if left:
            return "".join(left)
    return ""
