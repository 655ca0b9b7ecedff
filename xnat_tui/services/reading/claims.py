"""What lists show nothing of at any item, or never two of: claims that a second way has to settle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.judging import Rules
from xnat_tui.model.pairing import Depth
from xnat_tui.services.reading.listed import VARIABLES, is_listed
from xnat_tui.services.reading.shown import SIDES, Root, levels
from xnat_tui.xnat.tables import joins
from xnat_tui.xnat.tables.absence import Claim, NoOtherNumber, Nothing, NothingElse
from xnat_tui.xnat.tables.bulk_sessions import SCANS_OF
from xnat_tui.xnat.tables.joins import Column, Join
from xnat_tui.xnat.tables.listing import EXPERIMENT_COLUMNS

_RULES = Rules(Depth.LABELS, is_listed=is_listed)
_DEMOGRAPHICS = "demographics[@xsi:type=xnat:demographicData]"
_SUBJECTS_OWN = frozenset({"group", "src"})
_NUMBER = "xnat_abstractresource_id"
_OF_ONE_QUESTION = (
    {joins.SCANS, joins.SCAN_RESOURCES},
    {joins.RECONSTRUCTIONS, joins.RECONSTRUCTION_OUT},
    {joins.ASSESSOR_IN, joins.ASSESSOR_OWN},
)
"""The joins that one answer tells together: it multiplies its rows for all of them, or for none. Each other
join has an answer of its own."""


def blank_columns(blank: Iterable[Column]) -> Iterator[Nothing]:
    """That nobody has a field of which no list shows a text."""
    for column in sorted(blank):
        if not column.field.startswith(VARIABLES) and _RULES.counts(*column):
            yield _nothing(column)


def _nothing(column: Column) -> Nothing:
    kind, name, scan_type = column
    match kind:
        case Kind.SUBJECT:
            path = name if name in _SUBJECTS_OWN else f"{_DEMOGRAPHICS}/{name}"
            return Nothing(joins.SUBJECT, path, name)
        case Kind.EXPERIMENT:
            return Nothing(joins.EXPERIMENT if name in EXPERIMENT_COLUMNS else joins.SESSION, name, name)
        case Kind.SCAN if scan_type:
            return Nothing(joins.SESSION, f"{scan_type}/{name}", Join(Kind.SCAN, "parameters", scan_type))
        case Kind.SCAN:
            return Nothing(joins.SESSION, f"scans/scan/{name}", joins.SCANS)
        case Kind.RECONSTRUCTION:
            return Nothing(joins.SESSION, f"{joins.RECONSTRUCTION}/{name}", joins.RECONSTRUCTIONS)
    assert kind is Kind.ASSESSOR, "no other kind has listed fields"
    return Nothing(joins.ASSESSOR, name, Join(Kind.EXPERIMENT, Kind.ASSESSOR.plural))


def unseen(wanted: Iterable[Join]) -> Iterator[Nothing]:
    """That nobody has a child which no list shows."""
    for join in wanted:
        if join in joins.PATHS:
            yield Nothing(*joins.PATHS[join], join)


def never_several(
    items: Iterable[Item],
    found: Mapping[str, Listing],
    project: str,
    shown: Collection[Join],
    several: Collection[Join],
) -> Iterator[Claim]:
    """That nobody has a second child where no answer has ever told of one."""
    multiplied = set(several).union(*(one for one in _OF_ONE_QUESTION if not one.isdisjoint(several)))
    wanted = [join for join in shown if join in joins.PATHS and join not in multiplied]
    if not wanted:
        return
    texts: dict[Join, dict[str, list[str]]] = {join: defaultdict(list) for join in wanted}
    for item in items:
        for owner, listings in levels(item, found, project):
            holder = owner.id if owner.kind is Kind.ASSESSOR else item.id
            for join, text in _shown_at(owner, listings):
                if join in texts:
                    texts[join][text].append(holder)
    for join in wanted:
        base, path = joins.PATHS[join]
        if join.what == Kind.RESOURCE.plural:
            yield NoOtherNumber(base, f"{path.removesuffix('label')}{_NUMBER}", join, list(texts[join]))
        else:
            yield NothingElse(base, path, join, texts[join])


def _shown_at(owner: Item, listings: Iterable[tuple[Kind, Listing]]) -> Iterator[tuple[Join, str]]:
    variables = Join(owner.kind, "variables")
    yield from (
        (variables, name.removeprefix(VARIABLES))
        for name, text in owner.fields.items()
        if name.startswith(VARIABLES)
    )
    for kind, listing in listings:
        for child in listing.items:
            if kind is Kind.RESOURCE:
                side = child.side if owner.kind in SIDES else ""
                yield Join(owner.kind, kind.plural, side), child.id
            else:
                yield Join(owner.kind, kind.plural), child.id


def applies(claim: Claim, root: Root) -> bool:
    """Whether items of this type can contradict a claim."""
    if claim.base != joins.SESSION:
        return root.kind is _KINDS[claim.base]
    scan_type = claim.path.partition("/")[0]
    if ":" in scan_type:
        return scan_type in SCANS_OF.get(root.type, ())
    return root.kind is Kind.EXPERIMENT and root.type.endswith("SessionData")


_KINDS = {joins.SUBJECT: Kind.SUBJECT, joins.EXPERIMENT: Kind.EXPERIMENT, joins.ASSESSOR: Kind.ASSESSOR}
