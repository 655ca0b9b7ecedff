"""The oracle: drawn trees compared in plain, knowing nothing of listings, joins, batches or documents."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from tests.services.drawn_trees import BELOW, UNLISTED, Item, Resource, spellings

Path = tuple[str, ...]
Verdicts = Counter[tuple[Path, str]]


def judged(one: Item, other: Item, depth: str, every_field: bool) -> Verdicts:
    """Each item's path with its verdict."""
    return Counter(_item(one, other, (), depth, every_field))


def _item(one: Item, other: Item, path: Path, depth: str, every_field: bool) -> Iterator[tuple[Path, str]]:
    names = {*one.fields, *other.fields}
    if not every_field and one.kind != "project":
        names.discard(UNLISTED.get(one.kind, ""))
    same = one.type == other.type and all(_meaning(one, name) == _meaning(other, name) for name in names)
    yield path, "same" if same else "differs"
    for kind in BELOW.get(one.kind, ()):
        left = {item.key: item for item in one.items if item.kind == kind}
        right = {item.key: item for item in other.items if item.kind == kind}
        for key in {**left, **right}:
            below = (*path, f"{kind} {key}")
            if key in left and key in right:
                yield from _item(left[key], right[key], below, depth, every_field)
            else:
                yield below, "only_source" if key in left else "only_destination"
    yield from _resources(one, other, path, depth)


def _meaning(item: Item, name: str) -> int | None:
    number = item.fields.get(name)
    return None if number is None else spellings(item.kind, name)[number][0]


def _resources(one: Item, other: Item, path: Path, depth: str) -> Iterator[tuple[Path, str]]:
    keys = {(resource.side, resource.label) for resource in (*one.resources, *other.resources)}
    for side, label in keys:
        left = [it for it in one.resources if (it.side, it.label) == (side, label)]
        right = [it for it in other.resources if (it.side, it.label) == (side, label)]
        below = (*path, f"resource {side}/{label}")
        ways = []
        for order in itertools.permutations(right, len(right)):
            pairs = list(itertools.zip_longest(left, order))
            ways.append([row for pair in pairs for row in _resource(*pair, below, depth)])
        yield from min(ways, key=lambda rows: sum(status != "same" for _, status in rows))


def _resource(
    one: Resource | None, other: Resource | None, path: Path, depth: str
) -> Iterator[tuple[Path, str]]:
    if one is None or other is None:
        yield path, "only_source" if one is not None else "only_destination"
        return
    status = "same" if one.format == other.format else "differs"
    if depth == "sizes" and status == "same":
        status = _counts(one, other)
    if depth != "digests":
        yield path, status
        return
    yield path, "unreadable" if _doubtful(one) or _doubtful(other) else status
    for name in {**one.files, **other.files}:
        left, right = one.files.get(name), other.files.get(name)
        below = (*path, f"file {name}")
        if left is not None and right is not None:
            differs = len(left.data) != len(right.data) or (
                left.digest and right.digest and left.data != right.data
            )
            yield below, "differs" if differs else "same" if left.digest and right.digest else "unverified"
        elif _doubtful(other if right is None else one):
            yield below, "unreadable"
        else:
            yield below, "only_source" if right is None else "only_destination"


def _counts(one: Resource, other: Resource) -> str:
    counted = one.count is not None and other.count is not None
    if not counted:
        if _doubtful(one) or _doubtful(other):
            return "unreadable"
        return "same" if (len(one.files), one.size) == (len(other.files), other.size) else "differs"
    return "same" if (one.count, one.size) == (other.count, other.size) else "differs"


def _doubtful(one: Resource) -> bool:
    """Fewer files listed than counted, or none where nobody ever counted: no fact."""
    return len(one.files) < one.count if one.count is not None else not one.files
