"""Planning an upload of any files into a resource: what it lacks, what is replaced, what is there."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.naming import RESOURCE_LABEL
from xnat_tui.model.options import OnExisting
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, End, Finding, Step
from xnat_tui.model.work import FilesUpload, Untouched
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.transfers.file_decisions import Decision, decide
from xnat_tui.services.transfers.importing import local_files
from xnat_tui.services.transfers.importing.local_files import Found, LocalFile
from xnat_tui.services.transfers.uploading.draft import Context, Draft

_CATALOG = re.compile(r"[^/]*_catalog\.xml")


def plan_files(context: Context, draft: Draft, found: Found) -> None:
    """Steps for one resource: what it lacks, what is replaced, what is there, what differs."""
    context.refuse_filters("files of a resource", tuple(one.name for one in fields(Filters)))
    resource, prefix = _resource(context)
    uri, there = resource
    unique: dict[str, LocalFile] = {}
    for file in found.files:
        name = f"{prefix}{file.name}"
        sent = replace(file, name=name)
        if name in unique:
            _file_step(context, draft, Action.CONFLICT, [sent], uri, "several of these files have this name")
        elif _CATALOG.fullmatch(name):
            _file_step(
                context, draft, Action.CONFLICT, [sent], uri, "XNAT keeps this name for its own catalog"
            )
        else:
            unique[name] = sent
    decision = _decide(unique, there, context.options.on_existing)

    def files(items: list[Item]) -> list[LocalFile]:
        return [unique[item.key] for item in items]

    if decision.missing:
        _file_step(context, draft, Action.UPLOAD, files(decision.missing), uri)
    if decision.replaced:
        _file_step(context, draft, Action.UPDATE, files(decision.replaced), uri, "replaced")
    if decision.complete:
        _file_step(context, draft, Action.SKIP, files(decision.complete), uri, "the same files")
    for item in decision.refused:
        reason = "there with other content; --on-existing update replaces it"
        _file_step(context, draft, Action.CONFLICT, [unique[item.key]], uri, reason)
    if not found.files:
        draft.findings.append(Finding("error", "There is no file to send.", "Check the paths."))


def _resource(context: Context) -> tuple[tuple[str, list[Item]], str]:
    """Address of the resource and the files in it, and the folder below it that is meant."""
    steps = context.where.steps
    at = next(i for i, step in enumerate(steps) if step.kind is Kind.RESOURCE)
    owner = find_one(context.reader, Location(context.where.server, steps[:at]))
    named = steps[at]
    listing = context.reader.below(owner, Kind.RESOURCE)
    if listing.error is not None:
        raise listing.error
    same = [one for one in listing.items if named.name in (one.key, one.id) and one.side == named.side]
    if len(same) > 1:
        raise UsageError(f"Several resources are called {named.name}.", "Name it by its number.")
    prefix = f"{steps[at + 1].name.strip('/')}/" if len(steps) > at + 1 else ""
    if same:
        files = context.reader.below(owner.child(same[0]), Kind.FILE)
        if files.error is not None and not files.items and same[0].files != 0:
            raise files.error
        return (same[0].uri, list(files.items)), prefix
    if not RESOURCE_LABEL.fullmatch(named.name):
        raise UsageError(f"No resource can be called {named.name!r}.", "Use letters, digits, dot, _ and -.")
    return (f"{_holder(owner, named.side)}/resources/{named.name}", []), prefix


def _file_step(
    context: Context, draft: Draft, action: Action, files: list[LocalFile], uri: str, reason: str = ""
) -> None:
    alone = files[0].name if action is Action.CONFLICT else ""
    resource = context.where.name_of(Kind.RESOURCE)
    draft.steps.append(
        Step(
            number=len(draft.steps) + 1,
            action=action,
            work=Untouched() if alone else FilesUpload(local_files.packed(files)),
            path=f"resources/{resource}" + (f"/files/{alone}" if alone else ""),
            kind=Kind.FILE if alone else Kind.RESOURCE,
            source=End("", str(files[0].path.parent)),
            target=End(context.where.server, uri),
            files=len(files),
            bytes=sum(file.size for file in files),
            reason=reason,
            session=uri.partition("/resources/")[0].partition("/scans/")[0],
            replaces=action is Action.UPDATE,
        )
    )


def _holder(owner: Place, side: str) -> str:
    """Where a new resource goes: out and in are below the assessor, its own are those of an experiment."""
    item = owner.item
    if item is None:
        raise UsageError("A server has no resources.", "Name a project, subject, session or scan.")
    if side:
        return f"{item.uri}/{side}"
    return f"/data/experiments/{item.id}" if item.kind is Kind.ASSESSOR else item.uri


def _decide(sent: dict[str, LocalFile], there: list[Item], on_existing: OnExisting) -> Decision:
    """Only files that could be the same are read for their digest."""
    held = {item.key: item for item in there}
    local = []
    for name, file in sent.items():
        other = held.get(name)
        same_size = other is not None and other.digest and other.bytes in (None, file.size)
        digest = file.md5() if same_size and on_existing is not OnExisting.OVERWRITE else None
        local.append(Item(Kind.FILE, name, name, bytes=file.size, digest=digest))
    return decide(local, there, on_existing)
