"""Which items of a place are meant: the filters that every verb and the explorer share."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from xnat_tui.model.entities import Item, Kind, modalities


@dataclass(frozen=True, slots=True)
class Filters:
    """Shell globs per kind; several of one name widen, several names narrow; `exclude_*` wins.

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
        return any(getattr(self, field.name) for field in fields(self) if field.name != "limit_subjects") or (
            self.limit_subjects is not None
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
        return bool(self.modality or self.exclude_modality)

    @property
    def selects_sessions(self) -> bool:
        """Whether a subject without any session left is meant at all."""
        return bool(self.session or self.type or self.modality or self.since or self.until)

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


def _passes(names: Iterable[str], wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> bool:
    names = [name for name in names if name]
    if wanted and not _any_matches(names, wanted):
        return False
    return not _any_matches(names, unwanted)


def _any_matches(names: Iterable[str], globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for name in names for glob in globs)
