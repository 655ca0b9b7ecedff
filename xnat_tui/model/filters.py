"""Which items of a place are meant: the filters that every verb and the explorer share."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields
from datetime import date

from xnat_tui.model.entities import Item, Kind, modalities
from xnat_tui.model.naming import matches, unescaped


@dataclass(frozen=True, slots=True)
class Filters:
    """Names or shell globs per kind; several of one name widen, several names narrow; `exclude_*` wins.

    A value that names something exactly means that and nothing else: what a value names is found out by
    `services.browsing.naming`, before any of these are asked.

    `since` and `until` are inclusive session dates; a session without a date passes neither.
    """

    subject: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    scan: tuple[str, ...] = ()
    scan_type: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    exclude_subject: tuple[str, ...] = ()
    exclude_session: tuple[str, ...] = ()
    exclude_type: tuple[str, ...] = ()
    exclude_modality: tuple[str, ...] = ()
    exclude_scan: tuple[str, ...] = ()
    exclude_scan_type: tuple[str, ...] = ()
    exclude_resource: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    limit_subjects: int | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything may be left out at all, `limit_subjects` counted."""
        return any(getattr(self, one.name) for one in fields(self) if one.name != "limit_subjects") or (
            self.limit_subjects is not None
        )

    @property
    def narrowed(self) -> frozenset[Kind]:
        """The kinds of items of which some may not pass."""
        return frozenset(
            kind
            for kind, names in _ASKED.items()
            if any(getattr(self, name) or getattr(self, f"exclude_{name}", ()) for name in names)
        )

    def keeps(self, item: Item) -> bool:
        """Whether the item itself passes; what is below it is asked for by itself."""
        match item.kind:
            case Kind.SUBJECT:
                return _passes((item.key, item.id), self.subject, self.exclude_subject)
            case Kind.EXPERIMENT:
                return self._keeps_session(item)
            case Kind.SCAN:
                return _passes((item.key,), self.scan, self.exclude_scan) and _passes(
                    (item.fields.get("type", ""),), self.scan_type, self.exclude_scan_type
                )
            case Kind.RESOURCE:
                return _passes((item.key,), self.resource, self.exclude_resource)
        return True

    @property
    def by_modality(self) -> bool:
        """Whether sessions have to tell a modality, which costs a request where their row does not."""
        return bool(self.modality or self.exclude_modality)

    @property
    def selects_sessions(self) -> bool:
        """Whether a subject without any session left is meant at all."""
        return bool(self.session or self.type or self.modality or self.since or self.until)

    def leaves_beside(self, kind: Kind, above: Collection[Kind]) -> bool:
        """Whether an item of this kind, below items of those, stands beside what a filter means.

        A filter on scans means scans: not their session's assessors, reconstructions and resources. One on
        sessions or subjects does not mean the resources of what stands above them.
        """
        if kind in (Kind.ASSESSOR, Kind.RECONSTRUCTION):
            return self._narrows_scans
        if kind is not Kind.RESOURCE:
            return False
        if self._narrows_scans and Kind.SCAN not in above:
            return True
        excluded = self.exclude_session or self.exclude_type or self.exclude_modality
        if (self.selects_sessions or excluded) and Kind.EXPERIMENT not in above:
            return True
        return bool(self.subject or self.exclude_subject) and Kind.SUBJECT not in above

    @property
    def _narrows_scans(self) -> bool:
        return bool(self.scan or self.scan_type or self.exclude_scan or self.exclude_scan_type)

    def _keeps_session(self, item: Item) -> bool:
        if not _passes((item.key, item.id), self.session, self.exclude_session):
            return False
        if not _passes((item.type,), self.type, self.exclude_type):
            return False
        if not _passes(modalities(item), self.modality, self.exclude_modality):
            return False
        if self.since is None and self.until is None:
            return True
        try:
            day = date.fromisoformat(item.fields.get("date", ""))
        except ValueError:
            return False
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


NO_FILTERS = Filters()
_ASKED = {
    Kind.SUBJECT: ("subject",),
    Kind.EXPERIMENT: ("session", "type", "modality", "since", "until"),
    Kind.SCAN: ("scan", "scan_type"),
    Kind.RESOURCE: ("resource",),
}
"""Which filters are about which kind of item."""
_ABOVE = {
    Kind.SUBJECT: (Kind.SERVER, Kind.PROJECT),
    Kind.EXPERIMENT: (Kind.SERVER, Kind.PROJECT, Kind.SUBJECT),
    Kind.SCAN: (Kind.SERVER, Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT),
    Kind.RESOURCE: tuple(kind for kind in Kind if kind not in (Kind.RESOURCE, Kind.FILE)),
}


@dataclass(slots=True)
class Tally:
    """Filters at work: which kinds of items they met, and of which they kept any."""

    filters: Filters
    met: set[Kind] = field(default_factory=set)
    kept: set[Kind] = field(default_factory=set)

    def keeps(self, item: Item) -> bool:
        """As `Filters.keeps`, and counted."""
        self.met.add(item.kind)
        if not self.filters.keeps(item):
            return False
        self.kept.add(item.kind)
        return True

    def unmatched(self, places: Iterable[Kind], looked_at: Collection[Kind] = tuple(Kind)) -> str:
        """The options that nothing passed, `--scan-type X --scan 3`; "" where something did.

        `places` are the kinds of what was named: only what stands below them could have passed.
        """
        places = list(places)
        for kind, names in _ASKED.items():
            asked = [(name, values) for name in names if (values := getattr(self.filters, name))]
            if kind is Kind.SUBJECT and kind in self.met and self.filters.exclude_subject:
                asked.append(("exclude_subject", self.filters.exclude_subject))  # nothing at all is left
            if kind in self.kept or kind not in looked_at or not asked:
                continue
            if kind in self.met or any(place in _ABOVE[kind] for place in places):
                return " ".join(_option(name, values) for name, values in asked)
        return ""


def _option(name: str, values: object) -> str:
    option = f"--{name.replace('_', '-')}"
    found = values if isinstance(values, tuple) else (values,)
    return " ".join(f"{option} {unescaped(value) if isinstance(value, str) else value}" for value in found)


def _passes(names: Iterable[str], wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> bool:
    names = [name for name in names if name]
    if wanted and not _any_matches(names, wanted):
        return False
    return not _any_matches(names, unwanted)


def _any_matches(names: list[str], globs: tuple[str, ...]) -> bool:
    return any(matches(glob, *names) for glob in globs)
