"""The list engine: columns, shortcuts, filters and root types, one row per combination."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_plus

from xnat_tui.demo.archive import Item
from xnat_tui.demo.calls import Call
from xnat_tui.demo.columns import Column, UnknownColumn, joined_rows, joins, resolve
from xnat_tui.demo.datatypes import (
    IMAGE_ASSESSOR,
    IMAGE_SCAN,
    IMAGE_SESSION,
    RECONSTRUCTION,
    DataTypes,
)
from xnat_tui.demo.replies import Refusal, Table
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.shortcuts import DATE_FIELDS, NUMERIC_FIELDS
from xnat_tui.demo.site import Site

UNSECURED = frozenset(("xnat:experimentData", "xnat:subjectAssessorData", IMAGE_SESSION, IMAGE_ASSESSOR))
PAGE = 100


@dataclass(frozen=True, slots=True)
class ListKind:
    """One list: its shortcuts, default root and columns, primary key path, and abilities."""

    shortcuts: dict[str, str]
    root: str
    defaults: tuple[str, ...]
    primary: str = "ID"
    filters: bool = True
    paged: bool = True
    typed: bool = True
    keys: dict[str, str] = field(init=False, repr=False)
    """The first shortcut of each path, which is in lower case."""

    def __post_init__(self) -> None:
        keys = {path.lower(): name for name, path in reversed(self.shortcuts.items())}
        object.__setattr__(self, "keys", keys)


class Query:
    """A list request made ready: resolve once, then turn items into rows."""

    def __init__(self, call: Call, kind: ListKind) -> None:
        self.call, self.kind = call, kind
        site = call.site
        asked = self._asked()
        filters = self._filters()
        self.root = self._root(asked, filters)
        names = asked or self._defaults()
        self._outcomes: set[str] = set()
        sessions = _session_type(site.types, [self._path(name) or "" for name in names])
        self._columns: list[Column] = []
        self._add(site, self._primary_key(), f"{self.root}/{kind.primary}", sessions)
        for name in names:
            path = self._path(name)
            if path is not None:
                self._add(site, self._key(path), path, sessions)
        if self.root in UNSECURED and kind.typed:
            for name in ("xsiType", "project"):
                self._add(site, name, kind.shortcuts[name], sessions)
        self.visible = len(self._columns)
        self._tests: list[tuple[int, Callable[[str], bool]]] = []
        for path, wanted in filters:
            column = resolve(site, path, self.root, path.lower(), sessions)
            self._columns.append(column)
            self._tests.append((len(self._columns) - 1, matcher(column.name, wanted)))

    @property
    def keys(self) -> list[str]:
        return [column.key for column in self._columns[: self.visible]]

    def rows(self, items: Iterable[Item]) -> Iterator[tuple[Item, list[str]]]:
        """Rows with their root item; hidden filter columns are removed, and rows they doubled."""
        found = self._joined(items)
        if "cut" in self._outcomes:
            every = list(found)
            return iter(every[: len(every) - max(1, len(every) // 3)])
        return found

    def _joined(self, items: Iterable[Item]) -> Iterator[tuple[Item, list[str]]]:
        tree, width, types = joins(self._columns), len(self._columns), self.call.site.types
        doubling = any(column.steps for column in self._columns[self.visible :])
        for item in items:
            seen: set[tuple[str, ...]] = set()
            for row in joined_rows(types, tree, item, width):
                if not all(test(row[place]) for place, test in self._tests):
                    continue
                shown = row[: self.visible]
                if doubling:
                    if tuple(shown) in seen:
                        continue
                    seen.add(tuple(shown))
                yield item, shown
                if "single" in self._outcomes:
                    break

    def _asked(self) -> list[str]:
        raw = self.call.plain.get("columns", "")
        if not raw or raw == "DEFAULT":
            return []
        return unquote_plus(raw).split(",")

    def _defaults(self) -> list[str]:
        names = list(self.kind.defaults)
        types, root = self.call.site.types, self.root
        if self.kind.root == "xnat:experimentData" and "xsiType" in self.call.params:
            if types.is_a(root, IMAGE_ASSESSOR):
                names += ["session_ID", "session_label"]
            elif types.is_a(root, "xnat:subjectAssessorData"):
                names += ["subject_ID", "subject_label"]
        return names

    def _filters(self) -> list[tuple[str, str]]:
        below_project = "project" in self.call.path
        if not self.kind.filters or (below_project and not self.call.site.at_least(1, 8)):
            return []
        found = []
        for name, value in self.call.params.items():
            path = self._path(name)
            if path is not None and name not in ("xsiType", "columns", "format"):
                found.append((path, value))
        return found

    def _path(self, name: str) -> str | None:
        if name in self.kind.shortcuts:
            return self.kind.shortcuts[name]
        return name if "/" in name and ":" in name.split("/", 1)[0] else None

    def _key(self, path: str) -> str:
        return self.kind.keys.get(path.lower(), path.lower())

    def _primary_key(self) -> str:
        if self.root == self.kind.root and self.root not in UNSECURED:
            return self.kind.primary
        if self.root == "xnat:experimentData":
            return "ID"
        if self.root == IMAGE_SESSION:
            return "session_ID"
        return f"{self.root}/{self.kind.primary}".lower()

    def _root(self, asked: list[str], filters: list[tuple[str, str]]) -> str:
        types = self.call.site.types
        given = self.call.plain.get("xsiType", "")
        if given and "," not in given:
            known = types.get(given)
            if known is None:
                raise Refusal(400, f"Element not found: {given}")
            return known.name
        root = self.kind.root
        if not self.kind.typed:
            return root
        for path in [self._path(name) or "" for name in asked] + [path for path, _ in filters]:
            implied = _implied(types, path.split("/", 1)[0])
            if implied and types.is_a(implied, root):
                root = implied
        return root

    def _add(self, site: Site, key: str, path: str, sessions: str) -> None:
        if key in (column.key for column in self._columns):
            return
        outcomes = self._outcomes_of(site.settings, path)
        if "refused" in outcomes:
            raise UnknownColumn(path)
        if "missing" in outcomes:
            return
        self._outcomes |= outcomes
        if "blank" in outcomes:
            self._columns.append(Column(key, (), lambda _: "", path.lower()))
            return
        if self.kind.root == IMAGE_SCAN or self.kind.root == RECONSTRUCTION:
            # A scan list's own shortcuts may name other scan types: they are blank, not a filter.
            path = f"{self.root}/{path.split('/', 1)[1]}"
        self._columns.append(resolve(site, path, self.root, key, sessions))

    def _outcomes_of(self, settings: Settings, path: str) -> set[str]:
        """What becomes of a column that no source proves; nothing for one that answers as it should."""
        found = {what for part, what in settings.columns.items() if re.search(part, path, re.IGNORECASE)}
        if re.search(r"/reconstructions/", path, re.IGNORECASE):
            found.add(settings.reconstruction_columns)
        if re.search(r"/file/|/resources/resource/", path, re.IGNORECASE) and not path.endswith("/label"):
            found.add("missing" if settings.bulk_file_columns == "labels" else settings.bulk_file_columns)
        if re.search(r"scandata/extension_item/", path, re.IGNORECASE) and self.kind.root != IMAGE_SCAN:
            found.add(settings.scan_type_column)
        if self.root == IMAGE_SESSION and re.search(r"assessordata/project$", path, re.IGNORECASE):
            found.add(settings.assessor_owner_column)
        return found - {"full"}


def paged(call: Call, items: list[list[str]]) -> tuple[list[list[str]], bool]:
    """The page that ``limit`` and ``offset`` ask for, and whether it is one (1.8 and newer)."""
    asked = "limit" in call.params or "offset" in call.params
    if not asked or not call.site.at_least(1, 8):
        return items, False
    limit, offset = call.params.get("limit", str(PAGE)), call.params.get("offset", "0")
    if not offset.isdigit() or not (limit.isdigit() or limit == "*"):
        raise Refusal(400, "Invalid limit or offset")
    start = int(offset)
    return items[start:] if limit == "*" else items[start : start + int(limit)], True


def as_table(query: Query, rows: list[list[str]], page: bool = False) -> Table:
    return Table([*query.keys, "URI"], rows, total=not page)


def matcher(name: str, wanted: str) -> Callable[[str], bool]:
    """The test of a filter: text with commas and wildcards; dates and numbers also as ranges."""
    if name in DATE_FIELDS:
        return _any([_range(part, _date) for part in wanted.split(",")], _date)
    if name in NUMERIC_FIELDS:
        return _any([_range(part, _number) for part in wanted.split(",")], _number)
    patterns = [re.compile(_wildcards(part), re.DOTALL) for part in wanted.split(",")]
    # a missing value is SQL's NULL, which is like nothing, be the pattern `%`
    return lambda value: bool(value) and any(pattern.fullmatch(value) for pattern in patterns)


def _wildcards(part: str) -> str:
    return ".*".join(re.escape(piece) for piece in re.split(r"[%*]", part))


def _any(
    ranges: list[tuple[str | float, str | float]], convert: Callable[[str], str | float | None]
) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        own = convert(value)
        return own is not None and any(low <= own <= high for low, high in ranges)  # type: ignore[operator]

    return test


def _range(part: str, convert: Callable[[str], str | float | None]) -> tuple[str | float, str | float]:
    whole = convert(part)
    if whole is not None:
        return whole, whole
    for found in re.finditer("-", part):
        low, high = convert(part[: found.start()]), convert(part[found.end() :])
        if low is not None and high is not None:
            return low, high
    raise Refusal(400, f"Invalid value: {part}")


def _date(value: str) -> str | None:
    for pattern in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(value.split(" ")[0], pattern).strftime("%Y-%m-%d")
        except ValueError:
            continue
    return None


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _implied(types: DataTypes, type_name: str) -> str:
    known = types.get(type_name)
    if known is None:
        return ""
    if types.is_a(type_name, IMAGE_SCAN) or type_name == RECONSTRUCTION:
        return IMAGE_SESSION
    return known.name


def _session_type(types: DataTypes, paths: list[str]) -> str:
    for path in paths:
        known = types.get(path.split("/", 1)[0])
        if known is not None and types.is_a(known.name, IMAGE_SESSION):
            return known.name
    return ""
