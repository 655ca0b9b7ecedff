"""What a memory keeps of an item: the fields that count, and of a resource its totals and its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.judging import REFERENCES, Rules
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.model.threeway import Base
from xnat_tui.services.syncing.memory import Known, Remembered

FileState = list[Any]
"""Size in bytes and MD5, null where the server has none."""
TOTALS = frozenset({"file_count", "file_size"})
"""Differences of a resource that its files explain."""


class States:
    """Makes states of items by one comparison's rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._names: dict[tuple[Kind, str, tuple[str, ...]], tuple[int, ...]] = {}

    def of(self, item: Item) -> dict[str, Any]:
        """One side of an item, without what belongs to its server."""
        fields = item.fields
        key = (item.kind, item.type, fields.names)
        counted = self._names.get(key)
        if counted is None:
            counted = self._names[key] = tuple(
                number
                for number, name in enumerate(fields.names)
                if name not in REFERENCES and self._rules.counts(item.kind, name, item.type)
            )
        values = fields.values()
        found: dict[str, Any] = {"f": {fields.names[number]: values[number] for number in counted}}
        if fields.exhaustive:
            found["x"] = list(fields.exhaustive)
        if item.kind is Kind.RESOURCE:
            found["n"], found["b"] = item.files, item.bytes
        return found


def text_of(state: Mapping[str, Any], name: str) -> str | None:
    """A remembered field's text, "" for none; None where nothing was known of it."""
    fields: Mapping[str, str] = state["f"]
    if name in fields:
        return fields[name]
    return "" if name.startswith(tuple(state.get("x", ()))) else None


def base_of_field(row: Remembered | None, name: str) -> Base[str] | None:
    """What both sides had in a field when that was proved; None where it never was."""
    if row is None:
        return None
    source = text_of(row.source, name)
    destination = source if row.destination is None else text_of(row.destination, name)
    if source is None or destination is None:
        return None
    return Base(source or None, destination or None)


def file_state(file: Item | None) -> FileState | None:
    """One side of a file; None where it has none."""
    return None if file is None else [file.bytes, file.digest]


def same_file(one: FileState, other: FileState) -> bool:
    """Whether nothing says that a file is another one."""
    if one[0] is not None and other[0] is not None and one[0] != other[0]:
        return False
    return not (one[1] and other[1] and one[1] != other[1])


def same_totals(state: Mapping[str, Any], item: Item) -> bool:
    """Whether a resource's remembered count and bytes are those of now."""
    return None not in (item.files, item.bytes) and [state.get("n"), state.get("b")] == [
        item.files,
        item.bytes,
    ]


class Bases:
    """What the files of one resource were on both sides, as far as a memory tells."""

    def __init__(self, row: Remembered | None, pair: Pair) -> None:
        self._files = row.files if row is not None else None
        self._side: str = ""
        if row is not None and self._files is None:
            here, there = row.source, row.destination or row.source
            if pair.destination is not None and same_totals(there, pair.destination):
                self._side = "destination"  # unchanged since both were alike: it shows what both had
            elif pair.source is not None and same_totals(here, pair.source):
                self._side = "source"
        self.known = self._files is not None or bool(self._side)
        """Whether a file that is not among them is known to have been on neither side."""

    def of(self, file: Pair) -> Base[FileState] | None:
        """What one file was; None where neither side had it, or where nobody knows."""
        if self._files is not None:
            kept = self._files.get(file.key)
            return Base(*kept) if kept is not None else None
        if not self._side:
            return None
        state = file_state(file.destination if self._side == "destination" else file.source)
        return Base(state, state) if state is not None else None


def remembered(
    states: States, pair: Pair, path: str, old: Remembered | None, accepted: Collection[str] = ()
) -> Remembered | None:
    """What is true of a pair now that both sides are read: what agrees is as it is, what does not stays as it
    was last proved. `accepted` are fields, and files' paths, that are kept unlike. None where nothing is."""
    one, other = pair.source, pair.destination
    if one is None or other is None or pair.status is Status.UNREADABLE:
        return old
    here, there = states.of(one), states.of(other)
    unlike = {difference.name for difference in pair.fields} - set(accepted)
    before: Mapping[str, Any] | None = old.source if old is not None else None
    before_there = old.destination or old.source if old is not None else None
    as_listed = pair.status is Status.SAME and not pair.differing_below
    for now, then in ((here, before), (there, before_there)):
        _keep_unlike(now, then, unlike)
        if pair.kind is Kind.RESOURCE and not as_listed:
            now["n"], now["b"] = (then.get("n"), then.get("b")) if then else (None, None)
    files = _files(pair, old, here, there, accepted) if pair.kind is Kind.RESOURCE else None
    return Remembered(path, str(pair.kind), one.id, other.id, here, None if there == here else there, files)


def _keep_unlike(now: dict[str, Any], before: Mapping[str, Any] | None, unlike: Collection[str]) -> None:
    """Fields that differ, or that nobody told this time, are remembered as they were."""
    fields = now["f"]
    for name in unlike:
        fields.pop(name, None)
    if before is None:
        if unlike:
            now["x"] = []  # that a field is absent here says nothing about one that differs
        return
    for name, text in before["f"].items():
        if name in unlike or (name not in fields and not name.startswith(tuple(now.get("x", ())))):
            fields[name] = text


def _files(
    pair: Pair,
    old: Remembered | None,
    here: Mapping[str, Any],
    there: Mapping[str, Any],
    accepted: Collection[str],
) -> dict[str, Any] | None:
    if pair.children is None:
        kept = old.files if old is not None else None
        if kept is None or old is None or pair.status is not Status.SAME:
            return dict(kept) if kept is not None else None
        before = old.source, old.destination or old.source
        unchanged = all(
            (was.get("n"), was.get("b")) == (now["n"], now["b"])
            for was, now in zip(before, (here, there), strict=True)
        )
        return dict(kept) if unchanged else None
    found: dict[str, Any] = {}
    bases = Bases(old, pair)
    for file in pair.children:
        if (file.both and file.status is Status.SAME) or file.key in accepted:
            found[file.key] = [file_state(file.source), file_state(file.destination)]
        elif (base := bases.of(file)) is not None:
            found[file.key] = [base.source, base.destination]
    return found


def is_as_known(fresh: Remembered, known: Known | None) -> bool:
    """Whether a memory has an item so already; files that were not listed now say nothing."""
    return (
        known is not None
        and (known.source_id, known.destination_id) == (fresh.source_id, fresh.destination_id)
        and known.mark == fresh.mark
        and (fresh.files is None or known.files_mark == fresh.files_mark)
    )
