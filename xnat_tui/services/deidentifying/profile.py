"""A profile: the basic one of PS3.15 with some of its options, or a user's file of them."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_tui.errors import ConfigError, UsageError
from xnat_tui.services.deidentifying.standard import IDENTITY, NOT_YET, Option

BASIC = "basic"
_KEYS = ("options", "remove", "keep")
_LARGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class Profile:
    """What is to be done. `keep` and `remove` are tags of the user's, which go before the table's rows."""

    name: str = BASIC
    options: frozenset[Option] = frozenset()
    keep: frozenset[int] = frozenset()
    remove: frozenset[int] = frozenset()

    @property
    def is_standard(self) -> bool:
        """Whether nothing is kept that the standard's profile would take away."""
        return not self.keep


def read_profile(named: str) -> Profile:
    """`basic`, `basic` with options (`basic+retain-uids`), or a TOML file.

    A file has `options = [...]` with names of `Option`, and `remove = [...]` and `keep = [...]` with keywords
    or tags such as `(0008,103E)`. Raises UsageError and ConfigError, which name what is not known and the
    nearest that is.
    """
    word, *options = named.split("+")
    if word == BASIC:
        return Profile(named, _options(options, "The profile"))
    path = Path(named).expanduser()
    if not path.is_file():
        raise UsageError(
            f"There is no profile {named!r}.", f"It is {BASIC}, {BASIC}+{Option.RETAIN_UIDS}, or a TOML file."
        )
    return _from_file(path)


def _from_file(path: Path) -> Profile:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigError(f"{path} is too large for a profile.")
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}.") from None
    for key in settings:
        if key not in _KEYS:
            raise ConfigError(f"{path}: there is no key {key!r}.", _nearest(key, _KEYS))
    keep, remove = (_tags(path, settings, key) for key in ("keep", "remove"))
    if both := keep & remove:
        raise ConfigError(f"{path}: ({min(both):08X}) is both kept and removed.", "Name it once.")
    for tag in sorted(keep):
        if _says_who(tag):
            raise ConfigError(
                f"{path}: ({tag:08X}) says who somebody is and cannot be kept.", "Leave it out."
            )
    options = _options(_words(path, settings, "options"), str(path))
    return Profile(path.stem, options, keep, remove)


def _says_who(tag: int) -> bool:
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    return dictionary_VR(tag) == "PN" or keyword_for_tag(tag) in IDENTITY


def _words(path: Path, settings: dict[str, Any], key: str) -> list[str]:
    words = settings.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{path}: {key} is no list of texts.", f'Write it so: {key} = ["..."]')
    return words


def _options(words: Iterable[str], whose: str) -> frozenset[Option]:
    found = set()
    for word in words:
        if word in NOT_YET:
            raise UsageError(f"{whose} asks for {word}, which is not there yet.", "Leave it out.")
        if word not in list(Option):
            raise UsageError(f"{whose} has no option {word!r}.", _nearest(word, list(Option)))
        found.add(Option(word))
    if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= found:
        raise UsageError(f"{whose} asks for full dates and for shifted ones.", "Choose one of the two.")
    return frozenset(found)


def _tags(path: Path, settings: dict[str, Any], key: str) -> frozenset[int]:
    return frozenset(_tag(path, word) for word in _words(path, settings, key))


def _tag(path: Path, word: str) -> int:
    from pydicom.datadict import dictionary_has_tag, keyword_dict

    if word in keyword_dict:
        return keyword_dict[word]
    digits = word.strip("()").replace(",", "").replace(" ", "")
    try:
        tag = int(digits, 16) if len(digits) == 8 else -1
    except ValueError:
        tag = -1
    if tag < 0:
        raise ConfigError(f"{path}: {word!r} is no attribute.", _nearest(word, keyword_dict))
    if (tag >> 16) % 2:
        raise ConfigError(
            f"{path}: {word} is a private attribute; those are always removed.", "Leave it out."
        )
    if not dictionary_has_tag(tag):
        raise ConfigError(
            f"{path}: the standard has no attribute {word}.", "Look its tag up, or leave it out."
        )
    return tag


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, 1, 0.5)
    return f"Did you mean {near[0]}?" if near else f"It is one of: {', '.join(names[:8])}."
