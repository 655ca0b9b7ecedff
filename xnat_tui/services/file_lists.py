"""Fill a reader with the files of many resources, about ten sessions to a request.

Only answers that agree with a resource's recorded count are believed; for the others the reader then
asks the next smaller question, the resource's own list.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace

from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.prefetch import REFUSALS
from xnat_tui.services.reading import Reader
from xnat_tui.xnat import listing
from xnat_tui.xnat.connection import encode_uri
from xnat_tui.xnat.documents import place

log = logging.getLogger("xnat_tui.file_lists")

SESSIONS_AT_ONCE = 10
"""Accession IDs in one address: more would pass the length that servers accept, and answer slowly."""


def read_files(reader: Reader, resources: Sequence[Place], pool: Executor) -> list[Future[None]]:
    """Start asking for the files of these resources; the reader remembers what comes.

    Resources of projects and subjects cost one request for each owner.
    """
    sessions: dict[str, list[Item]] = defaultdict(list)
    owners: dict[str, list[Item]] = defaultdict(list)
    for where in resources:
        resource, session = where.item, where.of(Kind.EXPERIMENT)
        if resource is None or not resource.id:
            continue
        if session is not None:
            sessions[session.id].append(resource)
        else:
            owners[resource.uri.partition("/resources/")[0]].append(resource)
    names = list(sessions)
    jobs = [
        pool.submit(_read_owner, reader, encode_uri(owner), members, {})
        for owner, members in owners.items()
    ]
    for start in range(0, len(names), SESSIONS_AT_ONCE):
        chunk = names[start : start + SESSIONS_AT_ONCE]
        members = [resource for name in chunk for resource in sessions[name]]
        address = f"/data/experiments/{','.join(chunk)}"
        jobs.append(pool.submit(_read_owner, reader, address, members, {"all": "true"}))
    return jobs


def _read_owner(reader: Reader, address: str, resources: list[Item], params: dict[str, str]) -> None:
    found: dict[str, list[Item]] = defaultdict(list)
    anywhere = Item(Kind.RESOURCE, "")
    try:
        for row in reader.connection.table(f"{address}/files", **params):
            found[row["cat_ID"]].append(listing.file_item(row, anywhere))
    except REFUSALS as refusal:
        log.info("bulk question for files refused: %s", type(refusal).__name__)
        return
    known: dict[str, Listing] = {}
    for resource in resources:
        files = found.get(resource.id, [])
        if files and (resource.files is None or resource.files == len(files)):
            items = tuple(replace(file, uri=f"{resource.uri}/files/{file.key}") for file in files)
            known[place(resource.uri, Kind.FILE)] = Listing(items, None, reader.connection.user)
    reader.remember(known)
