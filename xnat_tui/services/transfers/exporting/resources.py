"""One resource into the folder: what is complete stays, and what no larger zip brought comes as one zip or
file by file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Interrupted,
    NotFound,
    Refused,
    ServerUnreachable,
    XnatTuiError,
)
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportMode
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Failure, Outcome, State
from xnat_tui.model.work import ResourceDownload
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.exporting.fetch import Fetch, in_the_way
from xnat_tui.services.transfers.exporting.files import Part, inside
from xnat_tui.services.transfers.exporting.gathering import SMALL
from xnat_tui.services.transfers.exporting.layouts import Slot
from xnat_tui.services.transfers.exporting.manifest import Entry
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.services.transfers.exporting.session_lists import Neighbours, files_of
from xnat_tui.services.transfers.exporting.standing import Found, Standing, fetches_all, is_kept, standing
from xnat_tui.services.transfers.exporting.zips import own_zip
from xnat_tui.services.transfers.manners import addressable
from xnat_tui.xnat.http.connection import encode_uri
from xnat_tui.xnat.tables import listing

log = logging.getLogger("xnat_tui.export")

ATTEMPTS_AT_WRONG = 2
"""What came whole and is not what was listed will hardly be another the next time."""


def prepare(run: ExportRun, step: Step, control: Control, neighbours: Neighbours, folders: set[str]) -> Fetch:
    """A resource with what is missing of it; `neighbours` is what its session's list tells, `folders` those
    that are there for sure.

    Raises XnatTuiError where its files cannot be listed, and OSError.
    """
    work, uri = step.carried(ResourceDownload), step.source.uri
    resource = Item(Kind.RESOURCE, work.label, work.number, uri=uri, files=work.recorded)
    slot = Slot(work.folder, work.prefix, work.places)
    fetch = Fetch(run, step, work, control, resource, slot, Location.parse(work.location), folders=folders)
    fetch.take_list(files_of(run.connection(step), resource, neighbours))
    if (error := fetch.listing.error) is not None:
        fetch.failures.append(Failure(step.path, error.message, error.hint))
    fetch.wanted = {item.key: item for item in _wanted(fetch, list(_chosen(fetch)))}
    return fetch


def fetch_rest(fetch: Fetch, *, zipped: bool = True) -> bool:
    """What a larger zip did not bring, as one zip or file by file. A file that cannot be had is a failure of
    its own; `zipped` is whether the server gives zips, which is told of this one as well.

    Raises what makes it useless to go on: the server does not answer, the disk takes no more.
    """
    if fetch.is_contradicted:
        _look_again(fetch)
    answered = zipped
    for _ in range(ATTEMPTS if zipped else 0):
        if not _zip_is_better(fetch.run.options.mode, [*fetch.wanted.values()], fetch.listing):
            break
        before = len(fetch.wanted)
        whole = own_zip(fetch).take(fetch.run, [fetch])
        answered = whole or len(fetch.wanted) < before
        if whole or not answered:
            break
    settle_doubles(fetch)
    for item in list(fetch.wanted.values()):
        fetch.control.check()
        _by_itself(fetch, item)
        del fetch.wanted[item.key]
    return answered


def _look_again(fetch: Fetch) -> None:
    """Take the list of this moment, where a zip had more than the one before or something else.

    Lists are asked for ahead of the zips, and an archive goes on growing meanwhile. Raises XnatTuiError.
    """
    resource = replace(fetch.resource, files=None)
    fresh = listing.files(fetch.run.connection(fetch.step), resource)
    if fresh.error is not None:
        return
    known = {item.key: item for item in fetch.listing.items}
    fetch.take_list(fresh)
    changed = [item for item in _chosen(fetch) if item != known.get(item.key)]
    for item in _wanted(fetch, changed):
        fetch.ask_again(item)
    for key in fetch.unlisted - fetch.names.keys():
        log.warning(
            "step %d: its zip has a file more than its list, %d characters", fetch.step.number, len(key)
        )


def settle_doubles(fetch: Fetch) -> None:
    """Of a file that a zip has twice, only what the server's digest proves is believed."""
    for item in fetch.listing.items:
        if item.key in fetch.doubled and not fetch.is_proved(item):
            fetch.ask_again(item)
    fetch.doubled.clear()


def ended(fetch: Fetch, error: XnatTuiError | OSError | None = None) -> Outcome:
    """What became of it; `error` is what ended it."""
    failures, unreachable = list(fetch.failures), ""
    if isinstance(error, XnatTuiError):
        failures.append(Failure(fetch.step.path, error.message, error.hint))
        unreachable = error.unreachable
    elif error is not None:
        failures.append(no_room(fetch.step, error))
    return Outcome(
        fetch.step.number,
        State.FAILED if failures else State.DONE,
        fetch.files,
        fetch.bytes,
        fetch.skipped,
        fetch.verified,
        tuple(failures),
        unreachable,
    )


def no_room(step: Step, error: OSError) -> Failure:
    """What is said where the folder takes no more."""
    reason = error.strerror or type(error).__name__
    hint = "Check the folder, its rights and the space left."
    return Failure(step.path, f"The folder cannot be written to: {reason}.", hint)


def _chosen(fetch: Fetch) -> Iterator[Item]:
    only = fetch.work.only
    items = [item for item in fetch.listing.items if not only or item.key == only]
    if only and not items:
        raise NotFound("The file is not there any more.", "Plan the export again.")
    seen: set[str] = set()
    for item in items:
        if item.key in seen:
            fetch.fail(item, Conflict("A second file with this path; XNAT gives only one of them."))
        else:
            seen.add(item.key)
            yield item


def _wanted(fetch: Fetch, items: list[Item]) -> list[Item]:
    """The files that have to be fetched; those that are complete are counted."""
    run, wanted = fetch.run, []
    replacing = run.options.overwrite_local
    if fetches_all(run.options):
        return items
    recognised: list[Entry] = []
    told = set(fetch.work.left)
    for item in items:
        found = _found(fetch, item)
        if is_kept(found, item, run.options):
            fetch.skip(item, found.size, found.md5)
            name = fetch.names[item.key]
            if not found.noted or not run.manifest.is_here(name, fetch.uri(item), fetch.work.server):
                recognised.append(fetch.entry(item, found.size, found.md5, found.mtime))
        elif found.standing in (Standing.CHANGED, Standing.TAKEN) and not replacing:
            if item.key not in told:
                fetch.fail(item, in_the_way(run, fetch.names[item.key], found.standing))
        else:
            if found.standing is Standing.UNPROVEN:
                fetch.unproven.add(item.key)
            wanted.append(item)
    if recognised:
        run.manifest.add(recognised)
    return wanted


def _found(fetch: Fetch, item: Item) -> Found:
    fetch.control.check()
    name = fetch.names[item.key]
    try:
        inside(fetch.run.folder, name, fetch.folders)
        return standing(
            fetch.run.manifest, name, item, fetch.uri(item), fetch.work.server, fetch.item_words(item)
        )
    except (OSError, Conflict, BadAnswer):
        return Found(Standing.MISSING)  # what is wrong with its place is told when it is needed


def _zip_is_better(mode: ExportMode, wanted: list[Item], listed: Listing) -> bool:
    """One request for many small files, or for names that not every server decodes alike."""
    if mode is ExportMode.FILE or not wanted:
        return False
    if mode is ExportMode.ZIP:
        return True
    sizes = [item.bytes or 0 for item in listed.items]
    missing = sum(item.bytes or 0 for item in wanted)
    if not all(addressable(item.key) for item in wanted):
        return True
    return len(wanted) > 2 and missing <= SMALL * len(wanted) and 2 * missing >= sum(sizes)


def _by_itself(fetch: Fetch, item: Item) -> None:
    """One file as a stream. What may be a passing failure is tried again."""
    attempt = 0
    while True:
        attempt += 1
        try:
            part = _stream(fetch, item)
        except Interrupted:
            raise
        except ServerUnreachable:
            if attempt >= ATTEMPTS:
                raise
        except BadAnswer as error:
            if attempt >= ATTEMPTS_AT_WRONG:
                fetch.fail(item, error)
                return
        except XnatTuiError as error:
            fetch.fail(item, error)
            return
        else:
            part.land()
            fetch.arrived(part, item)
            fetch.note([(part, item)])
            return
        pause(fetch.control, attempt - 1)


def _stream(fetch: Fetch, item: Item) -> Part:
    try:
        address = encode_uri(fetch.uri(item))
    except BadAnswer as error:  # it climbs, or is absolute: to ask again would not help
        raise Refused(error.message, error.hint) from error
    part = fetch.new_part(item)
    with fetch.run.connection(fetch.step).download(address) as download:
        part.write(fetch.told(download))
    fetch.check(part, item)
    return part
