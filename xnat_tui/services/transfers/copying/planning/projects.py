"""A project that a copy makes: its names, its settings, and what of it stays behind."""

from __future__ import annotations

from collections.abc import Iterable

from xnat_tui.errors import Conflict, Interrupted, UsageError, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import same_address
from xnat_tui.model.options import OnExisting
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Finding
from xnat_tui.model.work import ProjectCopy
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.copying.planning.context import Draft
from xnat_tui.services.transfers.copying.planning.spots import Spot
from xnat_tui.xnat.documents import study_protocols, writing
from xnat_tui.xnat.documents.items import Document

_SHOWN = 5
_OPENNESS = {"private": 0, "protected": 1, "public": 2}


def check_not_itself(places: Iterable[Place], source: Reader, destination: Reader, target: Place) -> None:
    """Raises UsageError where something would be copied onto itself: one server may have two names."""
    if not same_address(source.connection.url, destination.connection.url):
        return
    there = [item.id for item in target.items]
    for place in places:
        if [item.id for item in place.items][: len(there)] == there:
            raise UsageError(
                f"{place.location} stands there already: it cannot be copied onto itself.",
                "Name another project as the destination.",
            )


def new_project(draft: Draft, place: Place, label: str) -> tuple[str, ProjectCopy]:
    """Why, and with what, a project is made: everything that its step will send beside its fields."""
    context, item = draft.context, place.item
    assert item is not None
    names = _names(draft, item, label)
    document = context.source.document(place)
    _note_aliases(draft, item, label, document)
    protocols = _protocols(draft, item, label, document)
    settings, unread = _settings(context.source, item.id)
    if unread:
        what = f"Settings of {item.id} that cannot be read stay as new projects have them: {_listed(unread)}."
        draft.findings.append(Finding("info", what))
    draft.findings += preflight.openness(settings.get(writing.ACCESSIBILITY, ""), item.id, label)
    reason = ", ".join(writing.setting_words(name, value) for name, value in settings.items())
    return reason, ProjectCopy(
        names.get("name", ""), names.get("secondary_ID", ""), settings, tuple(protocols)
    )


def differing_settings(draft: Draft, place: Place, spot: Spot) -> dict[str, tuple[str, str]]:
    """Settings that a project there has otherwise: its own value and the source's. What stays is said."""
    item, there = place.item, spot.item
    assert item is not None
    assert there is not None
    here, unread = _settings(draft.context.source, item.id)
    other, hidden = _settings(draft.context.there.reader, there.id)
    unknown = [name for name in writing.SETTINGS if name in unread or name in hidden]
    if unknown:
        what = f"Settings not readable on both sides are neither compared nor changed: {_listed(unknown)}."
        draft.findings.append(Finding("info", what))
    differing = {
        name: (other.get(name, ""), value)
        for name, value in here.items()
        if name not in unknown and value != other.get(name, "")
    }
    if differing and draft.context.options.on_existing is OnExisting.SKIP:
        told = "; ".join(change_words(name, *values) for name, values in differing.items())
        hint = "--on-existing update would change them to the source's."
        draft.findings.append(
            Finding("info", f"Settings of {there.id} stay as they are there: {told}.", hint)
        )
    elif writing.ACCESSIBILITY in differing:
        before, after = differing[writing.ACCESSIBILITY]
        if _OPENNESS.get(after, 0) > _OPENNESS.get(before, 0):
            hint = "Un-tick the project's step, or make the source private, if that is not meant."
            what = f"{there.id} is {before} and will be {after}, as {item.id} is."
            draft.findings.append(Finding("warning", what, hint))
    return differing


def change_words(name: str, before: str, after: str) -> str:
    """A setting of a project that differs, in a few words; a script by its length."""
    if name == writing.SCRIPT:
        return f"{writing.setting_words(name, before)} there, of {len(after.splitlines())} lines here"
    return f"{name} {before} there, {after} here"


def _names(draft: Draft, item: Item, label: str) -> dict[str, str]:
    """ID, title and secondary ID share one space of names on a site: what is taken gets the new ID."""
    names = {name: item.fields.get(name, "") for name in ("name", "secondary_ID")}
    listing = draft.context.there.reader.below(Place(draft.context.there.target.server), Kind.PROJECT)
    taken: set[str] = set()
    for project in listing.items:
        fields = (project.key, project.fields.get("name", ""), project.fields.get("secondary_ID", ""))
        taken |= {text.casefold() for text in fields if text}
    if label.casefold() in taken:
        raise Conflict(
            f"{label} is the title or the secondary ID of another project there.",
            "Choose another project ID.",
        )
    for name, text in names.items():
        if text and text.casefold() in taken:
            names[name] = label
            message = f"The {'title' if name == 'name' else 'secondary ID'} {text} is taken there."
            draft.findings.append(Finding("warning", message, f"The new project gets {label} instead."))
    return names


def _settings(source: Reader, project: str) -> tuple[dict[str, str], list[str]]:
    """What the rights on the source show of a project's settings, and the names of those that they do not."""
    found: dict[str, str] = {}
    unread: list[str] = []
    for name in writing.SETTINGS:
        try:
            value = writing.get_setting(source.connection, project, name)
        except Interrupted:
            raise
        except XnatTuiError:
            unread.append(name)
            continue
        if value:
            found[name] = value
        elif name != writing.SCRIPT:
            unread.append(name)
    return found, unread


def _protocols(draft: Draft, item: Item, label: str, document: Document) -> list[str]:
    """Data types whose definitions the new project gets: the project's own, where the type is known there."""
    if not any(name.startswith("studyProtocol") for name in document.fields):
        return []
    found = study_protocols.protocols(writing.read_item(draft.context.source.connection, item.uri))
    types = [study_protocols.data_type(one) for one in found]
    lacking = [name for name in types if draft.context.types.lacks(name)]
    if lacking:
        what = f"Custom variables of data types that are unknown there stay undefined: {_listed(lacking)}."
        draft.findings.append(Finding("warning", what))
    shared = [name for one in found for name in study_protocols.site_wide(one)]
    if shared:
        what = f"Groups of custom variables that belong to the whole site of {item.id} stay behind"
        hint = "They would change other projects there. Define them there, or values are in documents only."
        draft.findings.append(Finding("warning", f"{what}: {_listed(shared)}; the values are copied.", hint))
    known = [name for name in types if name and name not in lacking]
    if known:
        what = (
            f"Definitions of custom variables go along, under IDs that begin with {label}_: {_listed(known)}."
        )
        draft.findings.append(Finding("info", what))
    return known


def _note_aliases(draft: Draft, item: Item, label: str, document: Document) -> None:
    """Aliases belong to the old ID."""
    fields = document.fields
    aliases = [fields[name] for name in fields if name.startswith("alias")]
    if aliases and label != item.id:
        draft.findings.append(Finding("info", f"Aliases of {item.id} stay behind: {_listed(aliases)}."))


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:_SHOWN]) + (" ..." if len(found) > _SHOWN else "")
