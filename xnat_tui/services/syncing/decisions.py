"""A comparison and a memory in, a verdict for every item, field and file out. Nothing is written."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.judging import same_text
from xnat_tui.model.location import relative_path
from xnat_tui.model.pairing import FieldDifference, Pair, Status
from xnat_tui.model.place import step_of
from xnat_tui.model.threeway import UNREAD, Base, Change, Deed, Ending, Judged, Where, Wishes, judge
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.syncing.memory import Known, Memory, Remembered
from xnat_tui.services.syncing.states import TOTALS, Bases, FileState, base_of_field, file_state, same_file

RENAMED = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
"""What has an accession ID, by which it is known under another label."""


@dataclass(slots=True)
class Told:
    """One thing that is not as it was: an item, one field of it, or a file."""

    path: str
    pair: Pair
    judged: Judged
    field: str = ""
    source: str = ""
    destination: str = ""
    state: Ending = Ending.VERIFIED
    reason: str = ""

    def __post_init__(self) -> None:
        self.state, self.reason = self.judged.state, self.judged.reason

    @property
    def moves(self) -> bool:
        """Whether a run has something to do for it at the destination."""
        return self.judged.deed in (Deed.COPY, Deed.UPDATE)


def walked(root: Pair) -> Iterator[tuple[Pair, str]]:
    """Every item with its path below the root; what stands below a missing one is missing with it."""
    waiting = [(root, "")]
    while waiting:
        pair, path = waiting.pop()
        if pair.group is None:
            yield pair, path
        if pair.both:
            for child in reversed(pair.children or ()):
                waiting.append((child, path if child.group is not None else below(path, child)))


def below(path: str, child: Pair) -> str:
    """A child's path."""
    item = child.item
    assert item is not None, "a pair has an item on one side"
    own = relative_path([step_of(item)])
    return f"{path}/{own}" if path else own


@dataclass(slots=True)
class Renames:
    """Items known under another label than they have now, by accession ID."""

    followed: dict[str, str] = field(default_factory=dict)
    """Renamed on both sides: path now → path in memory."""
    at_source: dict[str, str] = field(default_factory=dict)
    at_destination: dict[str, str] = field(default_factory=dict)
    """Path now → path in memory, renamed on that side alone."""

    def before(self, path: str) -> str:
        """Where the memory has what stands at a path now."""
        for now, old in self.followed.items():
            if path == now or path.startswith(f"{now}/"):
                return old + path[len(now) :]
        return path


def find_renames(comparison: Comparison, known: dict[str, Known]) -> Renames:
    """Which items that stand alone, or that the memory does not know, are known by their accession IDs."""
    sources = {one.source_id: path for path, one in known.items() if one.kind in RENAMED and one.source_id}
    targets = {
        one.destination_id: path for path, one in known.items() if one.kind in RENAMED and one.destination_id
    }
    found = Renames()
    for pair, path in walked(comparison.root):
        if pair.kind not in RENAMED or path in known or pair.error is not None:
            continue
        old = sources.get(pair.source.id) if pair.source is not None else None
        other = targets.get(pair.destination.id) if pair.destination is not None else None
        if pair.both and old is not None and old == other:
            found.followed[path] = old
        elif pair.source is not None and pair.destination is None and old is not None:
            found.at_source[path] = old
        elif pair.destination is not None and pair.source is None and other is not None:
            found.at_destination[path] = other
    for renamed in (found.at_source, found.at_destination):  # what is below a renamed subject goes with it
        for path, old in list(renamed.items()):
            if found.before(path) == old:
                del renamed[path]
    return found


class Decisions:
    """All verdicts of one run."""

    def __init__(
        self,
        comparison: Comparison,
        memory: Memory,
        pair: int,
        known: dict[str, Known],
        wishes: Wishes,
        *,
        shared: bool,
    ) -> None:
        """`shared` says whether what is shared into the source belongs to the sync."""
        self.comparison = comparison
        self.known = known
        self.wishes = wishes
        self.renames = find_renames(comparison, known)
        self.told: list[Told] = []
        self.gone: list[str] = []
        """Paths in memory of what is on neither side any more."""
        self._memory = memory
        self._pair = pair
        self._shared = shared
        self._old_names = {
            **{old: new for new, old in self.renames.at_source.items()},
            **{old: new for new, old in self.renames.at_destination.items()},
        }

    def old(self, path: str) -> Remembered | None:
        """What the memory has of what stands at a path now."""
        before = self.renames.before(path)
        return self._memory.remembered(self._pair, before) if before in self.known else None

    def make(self) -> None:
        """List the files of resources that are not as they were, then judge everything."""
        self.comparison.list_files(
            [pair for pair, _ in walked(self.comparison.root) if _has_other_files(pair)]
        )
        waiting: list[tuple[Pair, str]] = [(self.comparison.root, "")]
        while waiting:
            pair, path = waiting.pop()
            if pair.group is None and not self._judge(pair, path):
                continue
            if pair.kind is Kind.RESOURCE and pair.group is None:
                self._files(pair, path)
            elif pair.both:
                for child in reversed(pair.children or ()):
                    waiting.append((child, path if child.group is not None else below(path, child)))

    def _judge(self, pair: Pair, path: str) -> bool:
        """Whether what stands below is to be looked at by itself."""
        if not self._shared and pair.source is not None and pair.source.shared_from is not None:
            return False
        if pair.error is not None:
            sides = (("source", pair.source_error), ("destination", pair.destination_error))
            why = "; ".join(f"{side}: {error.message}" for side, error in sides if error)
            self._tell(Told(path, pair, UNREAD), reason=why)
            return pair.both and bool(pair.children)
        if not pair.both:
            self._one_sided(pair, path)
            return False
        if pair.status is Status.DIFFERS:
            self._fields(pair, path)
        return True

    def _tell(self, told: Told, *, state: Ending | None = None, reason: str = "") -> None:
        told.state = state or told.state
        told.reason = reason or told.reason
        self.told.append(told)

    def _one_sided(self, pair: Pair, path: str) -> None:
        renamed = self._old_names.get(path)
        if path in self.renames.at_source:
            self._renamed(pair, path, self.renames.at_source[path], Where.SOURCE)
            return
        if path in self.renames.at_destination:
            self._renamed(pair, path, self.renames.at_destination[path], Where.DESTINATION)
            return
        if renamed is not None:
            return  # told where it stands now
        base = Base(True, True) if self._is_known(pair, path) else None
        judged = judge(
            base,
            True if pair.source is not None else None,
            True if pair.destination is not None else None,
            agree=True,
            same=lambda _one, _other: True,
            wishes=self.wishes,
        )
        told = Told(path, pair, judged)
        if pair.source is None and pair.destination is not None and pair.destination.shared_from is not None:
            told.reason = f"shown there from {pair.destination.shared_from or 'another project'}"
        self._tell(told)

    def _is_known(self, pair: Pair, path: str) -> bool:
        """Whether the memory has this very item, and not another one that had its name."""
        row = self.known.get(self.renames.before(path))
        if row is None or pair.kind not in RENAMED:
            return row is not None
        known, item = (
            (row.source_id, pair.source)
            if pair.source is not None
            else (row.destination_id, pair.destination)
        )
        return item is None or item.id == known

    def _renamed(self, pair: Pair, path: str, old: str, where: Where) -> None:
        label, before = path.rpartition("/")[2], old.rpartition("/")[2]
        on_source = where is Where.SOURCE
        state = Ending.HELD if on_source else Ending.KEPT
        judged = Judged(Change.RENAMED, where, state, Deed.NOTHING)
        told = Told(path, pair, judged)
        told.source, told.destination = (label, before) if on_source else (before, label)
        if on_source:
            how = self._rename_there(pair, before, label)
            told.reason = f"it was {before}, and is so at the destination: {how}, then run again"
        else:
            told.reason = f"it was {before}, and is so at the source"
        self._tell(told)

    def _rename_there(self, pair: Pair, before: str, label: str) -> str:
        """The command that gives it the source's label; assessors have none."""
        if pair.kind not in (Kind.SUBJECT, Kind.EXPERIMENT):
            return "rename it there"
        root = self.comparison.destination.root
        where, above = root.location, pair.parent
        while above is not None and above.group is not None:
            above = above.parent
        if root.kind is Kind.PROJECT and above is not None and above.kind is Kind.SUBJECT:
            where = where.child(Kind.SUBJECT, above.key)
        return shlex.join(["xnat-tui", "rename", str(where.child(pair.kind, before)), label])

    def _fields(self, pair: Pair, path: str) -> None:
        old = self.old(path)
        for difference in pair.fields:
            if difference.name in TOTALS or (pair.kind is Kind.PROJECT and _is_its_own(difference.name)):
                continue
            judged = self._field(pair, old, difference)
            if judged.deed is Deed.NOTHING and judged.change is Change.NONE:
                continue
            self._tell(Told(path, pair, judged, difference.name, difference.source, difference.destination))

    def _field(self, pair: Pair, old: Remembered | None, difference: FieldDifference) -> Judged:
        if difference.name == "xsiType":
            why = "a data type cannot be changed"
            return Judged(Change.CHANGED, Where.BOTH, Ending.CONFLICT, Deed.NOTHING, why)
        judged = judge(
            base_of_field(old, difference.name),
            difference.source or None,
            difference.destination or None,
            agree=False,
            same=same_text,
            wishes=self.wishes,
        )
        if judged.deed not in (Deed.COPY, Deed.UPDATE):
            return judged
        why = _unwritable(pair.kind, pair.destination)
        return Judged(judged.change, judged.where, Ending.HELD, Deed.NOTHING, why) if why else judged

    def _files(self, pair: Pair, path: str) -> None:
        if not pair.both or pair.children is None:
            return
        row = self.old(path) if pair.differing_below or pair.status is not Status.SAME else None
        bases = Bases(row, pair)
        for file in pair.children:
            if file.both and file.status is Status.SAME:
                continue
            if file.error is not None:
                self._tell(Told(below(path, file), file, UNREAD), reason=file.error.message)
                continue
            one, other = file_state(file.source), file_state(file.destination)
            judged = judge(
                self._file_base(bases, row, file, one, other),
                one,
                other,
                agree=False,
                same=same_file,
                wishes=self.wishes,
            )
            if judged.change is Change.NONE and judged.deed is Deed.NOTHING:
                continue
            self._tell(Told(below(path, file), file, judged, "", _words(one), _words(other)))

    @staticmethod
    def _file_base(
        bases: Bases, row: Remembered | None, file: Pair, one: FileState | None, other: FileState | None
    ) -> Base[FileState] | None:
        """Where a resource is known and its files are not, a lone file may be new here or gone there: both
        sides are taken for changed."""
        if row is None or bases.known:
            return bases.of(file)
        never: FileState = [-1, None]
        return Base(never, never) if (one is None) != (other is None) else None


def _is_its_own(name: str) -> bool:
    """Whether a project's field belongs to its ID: aliases, and what only a new project is given."""
    return name.startswith(("alias", "studyProtocol", "publications"))


def _has_other_files(pair: Pair) -> bool:
    if pair.kind is not Kind.RESOURCE or pair.children is not None or not pair.both:
        return False
    return pair.error is None and any(one.name in TOTALS for one in pair.fields)


def _unwritable(kind: Kind, there: Item | None) -> str:
    if kind is Kind.RESOURCE:
        return "XNAT takes a resource's attributes only as it is made"
    if there is not None and there.shared_from is not None:
        return f"there it is {there.shared_from or 'another project'}'s, and only shown"
    return ""


def _words(state: FileState | None) -> str:
    if state is None:
        return ""
    size = "size unknown" if state[0] is None else f"{state[0]} bytes"
    return f"{size}, MD5 {state[1]}" if state[1] else size
