"""When a run stops before it does anything: a side that is not what it was, as far as a memory can tell."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_tui.errors import Conflict
from xnat_tui.model.entities import Kind
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.syncing.decisions import walked
from xnat_tui.services.syncing.memory import Known

_COUNTED = frozenset({Kind.SUBJECT, Kind.EXPERIMENT})


def check_sides(name: str, comparison: Comparison, known: Mapping[str, Known]) -> None:
    """Raises Conflict where a side lists less than half of the subjects and sessions that it had, or where
    the destination has others in their place. What filters leave out, or was not read, counts for neither."""
    source, destination, replaced, still = _counted(comparison, known)
    adopt = f"xnat-tui sync adopt {name}"
    if source and source > still:
        raise Conflict(
            f"The source lists {still} of {still + source} subjects and sessions that it had:"
            " nothing was done.",
            f"If that is true, tell so with: {adopt}. Nothing is deleted at the destination.",
        )
    if destination and destination > still:
        raise Conflict(
            f"The destination lists {still} of {still + destination} subjects and sessions that it had: it"
            " was emptied, or is another one. Nothing was done.",
            f"If that is true, begin anew with: {adopt}",
        )
    if replaced * 2 > still:
        raise Conflict(
            f"At the destination {replaced} of {still} subjects and sessions have other accession IDs: it is"
            " another server, or was filled anew. Nothing was done.",
            f"If that is true, begin anew with: {adopt}",
        )


def _counted(comparison: Comparison, known: Mapping[str, Known]) -> tuple[int, int, int, int]:
    """Of what is remembered: gone at the source, gone at the destination, there with another ID, and still on
    both sides."""
    seen = {path: pair for pair, path in walked(comparison.root)}
    renamed = {pair.source.id for pair in seen.values() if pair.source is not None}
    renamed_there = {pair.destination.id for pair in seen.values() if pair.destination is not None}
    source = destination = replaced = still = 0
    for path, row in known.items():
        if row.kind not in _COUNTED or not row.source_id:
            continue
        standing = path
        while standing not in seen and standing.count("/") > 1:
            standing = standing.rsplit("/", 2)[0]
        pair = seen.get(standing)
        if (
            pair is None
            or pair.error is not None
            or (standing == path and not pair.both and pair.item is None)
        ):
            continue
        if pair.both:
            if standing == path:
                still += 1
                replaced += pair.destination is not None and pair.destination.id != row.destination_id
        elif pair.source is None and row.source_id not in renamed:
            source += 1
        elif pair.destination is None and row.destination_id not in renamed_there:
            destination += 1
    return source, destination, replaced, still
