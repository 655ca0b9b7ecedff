"""Where things land in an exported folder: a place of its own for every item, resource and file.

A server's names are hostile until checked: what would leave the folder, or cannot be a name there, gets
another name, two things never get the same one, and what was changed can be told from what was not.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.options import Layout
from xnat_tui.model.place import Place
from xnat_tui.model.work import Binding

LONGEST_NAME = 255
"""Bytes of one name, on every file system in use."""
_DEVICES = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_.-]{0,150}[A-Za-z0-9_-])?")
"""What most names are; the others are looked at letter by letter."""
_OURS = re.compile(r"\.xnat-tui-incoming-.*", re.IGNORECASE)
"""Where files are while they are written."""
_DRIVE = re.compile(r"[A-Za-z]:")
_FOLDERS = {Kind.SCAN: "scans", Kind.ASSESSOR: "assessors", Kind.RECONSTRUCTION: "reconstructions"}
_RESERVED = frozenset({"resources", "project.xml", "subject.xml", "experiment.xml"})
_ROOT_RESERVED = frozenset({"manifest.jsonl", "metadata.csv"})
_NO_WORD = re.compile(r"\W")


def safe_name(name: str) -> str:
    """A server's name as one segment of a path: unchanged where it can be one everywhere."""
    if _PLAIN.fullmatch(name) and not _DEVICES.fullmatch(name):
        return name
    name = "".join("_" if char in "/\\" or _invisible(char) else char for char in name)
    if name.strip(". ") == "":
        return "_" * max(1, len(name))
    if name[-1] in ". ":
        kept = name.rstrip(". ")
        name = kept + "_" * (len(name) - len(kept))
    if _DRIVE.match(name):
        name = f"{name[0]}_{name[2:]}"
    if _DEVICES.fullmatch(name) or _OURS.fullmatch(name):
        name = f"_{name}"
    return short_name(name)


def short_name(name: str) -> str:
    """A name of at most 255 bytes: a longer one keeps its beginning and its ending, and gets a hash."""
    raw = os.fsencode(name)
    if len(raw) <= LONGEST_NAME:
        return name
    mark = "~" + hashlib.md5(raw, usedforsecurity=False).hexdigest()[:8]
    ending = "".join(Path(name).suffixes[-2:])
    if len(os.fsencode(ending)) > 20:
        ending = ""
    room = LONGEST_NAME - len(mark) - len(os.fsencode(ending))
    return raw[:room].decode("utf-8", "ignore") + mark + ending


def _invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


def folds_case(folder: Path) -> bool:
    """Whether names that differ only in case are one name there. Asks without writing anything."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    while place != place.parent:
        other = place.with_name(place.name.swapcase())
        if other.name != place.name:
            return other.exists() and other.samefile(place)
        place = place.parent
    return False


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a resource's files go: a namespace that no other resource shares."""

    folder: str
    """Below the export, `/` between segments."""
    prefix: str = ""
    """Of every file name, in a folder that several resources share; folders below it are flattened."""
    images: Mapping[str, str] = field(default_factory=dict)
    """Files with a BIDS name: path below the resource → place in the export."""

    @property
    def key(self) -> str:
        return f"{self.folder}/{self.prefix}" if self.prefix else self.folder

    def names(
        self, paths: Iterable[str], *, folds: bool, kept: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The place in the export of every file, by its path below the resource.

        Depends on nothing but the arguments, so that every run names alike. `kept` are the places that
        files got in an earlier run; they stay there while that is a place of this resource.
        """
        ordered = sorted(set(paths))
        wanted = {path: self._wanted(path) for path in ordered}
        stays = {path: name for path, name in (kept or {}).items() if path in wanted and self._has(name)}
        wanted |= stays
        wanted |= {path: name for path, name in self.images.items() if path in wanted}
        folders = {fold(part, folds) for name in wanted.values() for part in _above(name)}
        taken: set[str] = set(folders)
        found: dict[str, str] = {}

        def rank(path: str) -> tuple[bool, bool, str]:
            return path not in stays, wanted[path] != self.natural(path), path

        for path in sorted(ordered, key=rank):
            name = _free(wanted[path], taken, folds)
            taken.add(fold(name, folds))
            found[path] = name
        return found

    def _has(self, name: str) -> bool:
        return name.startswith(f"{self.folder}/{self.prefix}")

    def natural(self, path: str) -> str:
        """What a file's place would be if every name could stay as it is."""
        if self.prefix:
            return f"{self.folder}/{self.prefix}{path.replace('/', '__')}"
        return f"{self.folder}/{path}"

    def _wanted(self, path: str) -> str:
        if self.prefix:
            return f"{self.folder}/{safe_name(self.prefix + path.replace('/', '__'))}"
        return "/".join((self.folder, *(safe_name(part) for part in path.split("/"))))


def fold(name: str, folds: bool) -> str:
    """A name as the folder's disk tells names apart: where it `folds`, without case and composed."""
    return unicodedata.normalize("NFC", name).casefold() if folds else name


def _above(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def _free(name: str, taken: set[str], folds: bool) -> str:
    """The name, or the first of `name~2.txt`, `name~3.txt` that nothing has."""
    if fold(name, folds) not in taken:
        return name
    folder, slash, last = name.rpartition("/")
    stem, dot, ending = last.partition(".") if not last.startswith(".") else (last, "", "")
    number = 2
    while True:
        other = folder + slash + short_name(f"{stem}~{number}{dot}{ending}")
        if fold(other, folds) not in taken:
            return other
        number += 1


class Arrangement:
    """Gives every item of one export its place, in the order of asking and never the same twice.

    A name that an earlier export gave stays its item's: `bound` are those of the folder's manifest. It is
    the item's while the item has the label that it had then; no other item gets it even after that.
    """

    def __init__(
        self, layout: Layout, *, folds: bool, server: str = "", bound: Iterable[Binding] = ()
    ) -> None:
        self.layout = layout
        self.folds = folds
        self.changed: dict[str, str] = {}
        """Names that could not stay: place in the export → what the server calls it."""
        self._server = server
        self._names: dict[tuple[str, ...], str] = {}
        self._taken: set[str] = {fold(name, folds) for name in _ROOT_RESERVED}
        self._taken_entities: set[str] = set()
        self._prefixes: dict[str, list[str]] = defaultdict(list)
        self._resources: dict[tuple[str, ...], str] = {}
        self._used: dict[str, tuple[str, ...]] = {}
        for one in bound:
            self._take_back(one)

    def _take_back(self, binding: Binding) -> None:
        """A name that an earlier export gave."""
        folder, _, prefix = binding.name.rpartition("/")
        if binding.layout == Layout.FLAT and folder:
            self._prefixes[folder].append(fold(prefix, self.folds))
        else:
            self._taken.add(fold(binding.name, self.folds))
            self._taken_entities.add(fold(binding.name, True))
        if binding.layout == self.layout:
            self._names[binding.owner] = binding.name

    def bindings(self) -> tuple[Binding, ...]:
        """The names that the place asked for last rests on."""
        return tuple(Binding(name, str(self.layout), owner) for name, owner in self._used.items())

    def slot(self, place: Place, images: Mapping[str, str] | None = None) -> Slot:
        """Where the files of a resource go; `images` are those that have a BIDS name."""
        resource = place.item
        assert resource is not None, "a resource is an item"
        self._used = {}
        name = resource.key or resource.id
        if self.layout is Layout.FLAT:
            return self._flat(place, name)
        owner = place.parent
        if self.layout is Layout.BIDS:
            above = f"sourcedata/{self._bids_folder(owner)}/{resource.side or 'resources'}"
            return Slot(self._resource_folder(place, above, name), images=images or {})
        side = f"/{resource.side}" if resource.side else ""
        above = f"{self._xnat_folder(owner)}{side}/resources"
        return Slot(self._resource_folder(place, above, name) + "/files")

    def document(self, place: Place) -> str:
        """Where the XML of a project, subject or experiment goes."""
        item = place.item
        assert item is not None, "a server has no document"
        self._used = {}
        if self.layout is Layout.XNAT:
            return f"{self._xnat_folder(place)}/{item.kind}.xml"
        if self.layout is Layout.BIDS:
            return f"sourcedata/{self._bids_folder(place)}/{item.kind}.xml"
        return f"{self._flat_folder(place)}/{item.kind}.xml"

    def entities(self, place: Place) -> str:
        """`sub-X` or `sub-X/ses-Y`: labels without what BIDS does not allow in them, still one each."""
        item = place.item
        assert item is not None, "a server has no folder"
        above = f"{self.entities(place.parent)}/ses-" if item.kind is Kind.EXPERIMENT else "sub-"
        owner = self._owner(place, item.key or item.id)
        found = self._known(owner, above)
        clean = re.sub(r"[^A-Za-z0-9]", "", item.key or item.id) or "x"
        number = 1
        while not found:
            wanted = above + (clean if number == 1 else f"{clean}dup{number}")
            if fold(wanted, True) not in self._taken_entities:
                found = wanted
            number += 1
        self._taken_entities.add(fold(found, True))
        return self._give(owner, found, item.key, stays=found == above + clean)

    def _owner(self, place: Place, label: str) -> tuple[str, ...]:
        """Whose a name is: by addresses, which stay while labels change, and by the label of now."""
        project = place.items[0]
        assert place.item is not None
        return (self._server, project.uri, place.item.uri, label)

    def _known(self, owner: tuple[str, ...], start: str) -> str:
        """The name that an item has already, "" where it stands elsewhere by now."""
        found = self._names.get(owner, "")
        return found if found.startswith(start) and "/" not in found[len(start) :] else ""

    def _give(self, owner: tuple[str, ...], name: str, label: str, *, stays: bool) -> str:
        self._names[owner] = name
        self._used[name] = owner
        if not stays:
            self.changed[name] = label
        return name

    def _xnat_folder(self, place: Place) -> str:
        """`P/S/E/scans/ID-TYPE`, as XNAT's own zips have it, below project and subject."""
        item = place.item
        assert item is not None, "a server has no folder"
        parent = place.parent
        above = self._xnat_folder(parent) if parent.items else ""
        return self._named(
            place, "/".join(part for part in (above, _FOLDERS.get(item.kind, "")) if part), item
        )

    def _named(self, place: Place, above: str, item: Item) -> str:
        name = _name(item)
        return self._take(self._owner(place, name), above, name)

    def _take(self, owner: tuple[str, ...], above: str, name: str) -> str:
        """The place of an item below a folder: the one that it has, or a free one."""
        start = f"{above}/" if above else ""
        found = self._known(owner, start)
        if not found:
            wanted = safe_name(name)
            if wanted.lower() in _RESERVED:
                wanted = f"_{wanted}"
            found = _free(start + wanted, self._taken, self.folds)
        self._taken.add(fold(found, self.folds))
        return self._give(owner, found, name, stays=found == start + name)

    def _resource_folder(self, place: Place, above: str, name: str) -> str:
        return self._take(self._resource_owner(place, name), above, name)

    def _resource_owner(self, place: Place, name: str) -> tuple[str, ...]:
        """By the label, which a resource keeps that is made anew; by its number where two have one label."""
        resource = place.item
        assert resource is not None
        above = place.parent.item or place.items[0]
        label = f"{resource.side}/resources/{name}"
        owner: tuple[str, ...] = (self._server, place.items[0].uri, above.uri, label)
        if self._resources.setdefault(owner, resource.uri) != resource.uri:
            owner = (*owner, resource.id)
        return owner

    def _flat_folder(self, place: Place) -> str:
        """One folder per session; what belongs to a project or subject has one of its own."""
        ending = next(kind for kind in (Kind.EXPERIMENT, Kind.SUBJECT, Kind.PROJECT) if place.of(kind))
        owner = place.up_to(ending)
        assert owner.item is not None
        return self._named(owner, "", owner.item)

    def _flat(self, place: Place, name: str) -> Slot:
        folder = self._flat_folder(place)
        parts = [_name(item) for item in place.items if item.kind in _FOLDERS]
        resource = place.item
        assert resource is not None
        start = "__".join(safe_name(part) for part in (*parts, resource.side, name) if part)
        owner = self._resource_owner(place, "__".join((*parts, name)))
        prefix = self._known(owner, f"{folder}/").rpartition("/")[2]
        number = 1
        while not prefix:
            wanted = f"{start}__" if number == 1 else f"{start}~{number}__"
            if not self._overlaps(folder, wanted):
                prefix = wanted
                self._prefixes[folder].append(fold(prefix, self.folds))
            number += 1
        self._give(owner, f"{folder}/{prefix}", name, stays=True)
        return Slot(folder, prefix)

    def _overlaps(self, folder: str, prefix: str) -> bool:
        """Whether a file of this prefix could get the name of one of another resource."""
        one = fold(prefix, self.folds)
        return any(other.startswith(one) or one.startswith(other) for other in self._prefixes[folder])

    def _bids_folder(self, place: Place) -> str:
        """`sub-X/ses-Y/scans/ID-TYPE`; what belongs to a project stands in its own folder."""
        item = place.item
        assert item is not None, "a server has no folder"
        if item.kind is Kind.PROJECT:
            return self._named(place, "", item)
        if item.kind is Kind.SUBJECT or item.kind is Kind.EXPERIMENT:
            return self.entities(place)
        above = f"{self._bids_folder(place.parent)}/{_FOLDERS[item.kind]}"
        return self._named(place, above, item)


def _name(item: Item) -> str:
    """A label; for a scan `ID-TYPE`, the type spelled as in XNAT's own zips."""
    name = item.key or item.id
    kind = item.fields.get("type", "") if item.kind is Kind.SCAN else ""
    return f"{name}-{_NO_WORD.sub('_', kind)}" if kind else name
