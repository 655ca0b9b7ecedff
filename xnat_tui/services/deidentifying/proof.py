"""The proof: what a file had to lose is looked for in every byte of what would leave, and in its name.

Whatever the rules missed, and wherever it stands, is found here: parts of names, IDs, birth dates, accession
numbers, institutions and addresses, as the file itself has them and as the caller knows them, in every
encoding that they may have been written in. It cannot find what is not written as text, or is shorter than
SHORTEST.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING

from xnat_tui.services.deidentifying.standard import IDENTITY

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

    from xnat_tui.services.deidentifying.rules import Rules

_BETWEEN = re.compile(r"[\^=,;\s\\]+")
SHORTEST = 3
"""Characters of a word that is looked for in headers and names: shorter ones are in everything."""
IN_PIXELS = 5
"""Bytes: shorter ones stand in pixels by chance."""
_PIECE = 1 << 20
_LOOSE = 5
"""Letters of a word that is found also within a longer one."""
_ENCODINGS = (
    *(
        "utf-8",
        "latin-1",
        "utf-16-le",
        "utf-16-be",
        "cp1251",
        "iso2022_jp_2",
        "shift_jis",
        "euc_jp",
        "euc_kr",
    ),
    *("gb18030", "tis_620", *(f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 15))),
)
"""Those of DICOM's character sets (PS3.3 C.12.1.1.2), and what programs write beside them."""


def lost_of(dataset: Dataset, rules: Rules, more: Lost | None = None) -> Lost:
    """What a file must lose under these rules, from its header at any depth, and more that the caller knows
    of its person."""
    names = set(more.names if more else ())
    values = set(more.values if more else ())
    for element in dataset.iterall():
        if element.VR == "SQ" or not (element.VR == "PN" or element.keyword in IDENTITY):
            continue
        if not rules.keeps(int(element.tag)):
            (names if element.VR == "PN" else values).update(texts_of(element))
    return Lost(frozenset(names), frozenset(values))


def texts_of(element: DataElement) -> list[str]:
    """An element's values as texts; none of bytes."""
    value = element.value
    is_several = hasattr(value, "__iter__") and not isinstance(value, str | bytes | dict)
    several = value if is_several and not hasattr(value, "components") else [value]
    return [str(one) for one in several if one is not None and not isinstance(one, bytes)]


@dataclass(frozen=True)
class Lost:
    """What must not be found any more: of names each part, of other values the whole."""

    names: frozenset[str]
    values: frozenset[str]

    @cached_property
    def words(self) -> frozenset[str]:
        """Names and their parts, values, and dates of eight digits also as people write them."""
        bare = {word.strip("*\0 ") for word in self.values}
        for name in self.names:
            parts = [part.strip("*\0 ") for part in _BETWEEN.split(name)]
            long = [part for part in parts if len(part) >= SHORTEST]
            bare.update(long or [name.strip("*\0 ")])  # where a part is found, so is the whole
        found = {word for word in bare if len(word) >= SHORTEST and not _says_nothing(word.casefold())}
        return frozenset(found.union(*(_dates(word) for word in found)))

    def in_text(self, text: str) -> bool:
        """Whether a name of a file, or another short text, holds any."""
        return self.in_header(text.encode("utf-8", "replace"))

    def in_header(self, content: bytes) -> bool:
        """Whether bytes of a header hold any."""
        return _holds(content.lower(), self._patterns)

    def in_pixels(self, file: IO[bytes], start: int) -> bool:
        """Whether a file holds any from a place on; it is read in pieces that overlap."""
        file.seek(start)
        patterns = {written: rule for written, rule in self._patterns.items() if len(written) >= IN_PIXELS}
        overlap = max(map(len, patterns), default=0) + 1
        before = b""
        while piece := file.read(_PIECE):
            content = before + piece.lower()
            if content.strip(b"\0") and _holds(content, patterns):
                return True
            before = content[-overlap:]
        return False

    @cached_property
    def _patterns(self) -> Mapping[bytes, re.Pattern[bytes]]:
        """By how a word may have been written: a short word, or a number, is found where nothing of its kind
        goes on beside it, others everywhere."""
        found = {}
        for word in self.words:
            for written in _encoded(word):
                rule = re.escape(written)
                if word.isdecimal():
                    rule = b"(?<![0-9])" + rule + b"(?![0-9])"
                elif len(word) < _LOOSE and word.isascii():
                    rule = b"(?<![a-z])" + rule + b"(?![a-z])"
                found[written] = re.compile(rule)
        return found


NOTHING = Lost(frozenset(), frozenset())
"""Of a person whom nothing is known of."""


def _holds(content: bytes, patterns: Mapping[bytes, re.Pattern[bytes]]) -> bool:
    """One search for each: many at once take a hundred times as long."""
    return any(written in content and rule.search(content) for written, rule in patterns.items())


def _encoded(word: str) -> set[bytes]:
    """The bytes that a word may have been written as, ASCII letters in lower case as what is searched."""
    found = set()
    for written in {word, word.lower(), word.upper(), word.title(), word.casefold()}:
        low = "".join(letter.lower() if letter.isascii() else letter for letter in written)
        if low.isascii():  # one search for both orders of UTF-16: what stands between the zeros
            found |= {low.encode(), low.encode("utf-16-le")[:-1]}
            continue
        for encoding in _ENCODINGS:
            with suppress(UnicodeEncodeError):
                found.add(low.encode(encoding).lower())
    return found


def _dates(word: str) -> set[str]:
    if len(word) != 8 or not word.isdecimal():
        return set()
    year, month, day = word[:4], word[4:6], word[6:]
    return {
        f"{year}-{month}-{day}",
        f"{day}.{month}.{year}",
        f"{month}/{day}/{year}",
        f"{day}/{month}/{year}",
    }


def _says_nothing(word: str) -> bool:
    """Zeros, and what programs write for nothing."""
    return not word.strip("0") or word in ("none", "unknown", "anonymous", "anonymized", "n/a", "null", "yes")
