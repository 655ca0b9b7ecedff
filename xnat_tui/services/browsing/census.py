"""How many subjects and experiments the projects of a server own: few questions, however many projects.

The site's lists are one way to know, its search engine is another; only where they agree of a project are its
counts believed. Where they do not, or one is refused, and where nothing is shown, which may mean that nothing
may be seen, the project is asked by itself.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.model.notice import Notice
from xnat_tui.services.reading.awaiting import interrupted_with_us
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables import site_lists
from xnat_tui.xnat.tables.bulk import REFUSALS
from xnat_tui.xnat.tables.site_lists import Owners

log = logging.getLogger("xnat_tui.census")


@dataclass(frozen=True, slots=True)
class Census:
    """What one project owns that this user may read; None, with the reason, where that is not known."""

    subjects: int | None = None
    experiments: int | None = None
    error: XnatTuiError | None = None


def count(connection: Connection, projects: Collection[Item]) -> dict[str, Census]:
    """What each of these projects owns, by project ID. Raises Interrupted; other errors are in the counts."""
    names = [item.id for item in projects]
    with (
        ThreadPoolExecutor(max(1, min(16, connection.server.connections)), "census") as pool,
        interrupted_with_us(connection),
    ):
        subjects = _counted(connection, pool, names, "subjects", site_lists.subjects)
        experiments = _counted(connection, pool, names, "experiments", site_lists.experiments)
    return {name: _census(subjects[name], experiments[name]) for name in names}


def _census(subjects: int | XnatTuiError, experiments: int | XnatTuiError) -> Census:
    return Census(
        subjects if isinstance(subjects, int) else None,
        experiments if isinstance(experiments, int) else None,
        next((one for one in (subjects, experiments) if isinstance(one, XnatTuiError)), None),
    )


def _counted(
    connection: Connection,
    pool: Executor,
    projects: Sequence[str],
    kind: str,
    question: Callable[[Connection], dict[str, Owners]],
) -> dict[str, int | XnatTuiError]:
    """How many of a kind each project owns, or why nobody knows."""
    try:
        by_type = question(connection)
    except REFUSALS as refusal:
        log.info("%s: its list of all %s refused: %s", connection, kind, type(refusal).__name__)
        by_type = {}
    counts = Counter(project for owners in by_type.values() for project in owners.values())
    doubted = set(projects) - counts.keys()
    for found in pool.map(partial(_contradicted, connection, frozenset(projects)), by_type.items()):
        doubted |= found
    smaller = [one for one in projects if one in doubted]
    _say(connection, 2 * len(smaller), kind)
    asked = dict(zip(smaller, pool.map(partial(_by_itself, connection, kind), smaller), strict=True))
    return {name: asked[name] if name in asked else counts[name] for name in projects}


def _contradicted(connection: Connection, projects: Collection[str], told: tuple[str, Owners]) -> set[str]:
    """The projects of which a second way tells otherwise, or nothing."""
    root, owners = told
    try:
        return site_lists.contradicted(connection, root, owners, projects)
    except REFUSALS as refusal:
        log.info("%s: no search for all of %s: %s", connection, root, type(refusal).__name__)
        return set(owners.values())


def _by_itself(connection: Connection, kind: str, project: str) -> int | XnatTuiError:
    try:
        return len(site_lists.owned(connection, project, kind))
    except Interrupted:
        raise
    except XnatTuiError as error:
        return error


def _say(connection: Connection, requests: int, kind: str) -> None:
    if requests < connection.patience.named_from:
        return
    name, costs = connection.server.name, f"{requests:,} requests, two for each project"
    connection.tell(
        Notice(
            f"{name} does not tell enough of its {kind} at once: up to {costs}.",
            f"{name}: up to {costs}",
            requests,
        )
    )
