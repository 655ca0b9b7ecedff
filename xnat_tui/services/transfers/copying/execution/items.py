"""Writing items: a document of the source made into one of the destination, sent, and read back."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import partial

from lxml import etree

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Interrupted,
    NotFound,
    Refused,
    ServerError,
    ServerUnreachable,
    Unclear,
    XnatTuiError,
)
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import OnExisting, Via
from xnat_tui.model.plan import Action, Step
from xnat_tui.model.transfer import Failure, Kept, Outcome, State
from xnat_tui.model.work import ExperimentCopy, ItemShare, ProjectCopy, ScanCopy, ViewerRebuild
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.copying.execution.blanks import only_blank, send_blank
from xnat_tui.services.transfers.copying.execution.imports import scan_there, without_header_fields
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.xnat.actions import sharing, viewer
from xnat_tui.xnat.documents import catalogs, item_xml, study_protocols, writing
from xnat_tui.xnat.http.connection import encode_uri, url_path

log = logging.getLogger("xnat_tui.copying")

_DISPENSABLE = ("aliases", "publications", "studyProtocol")
"""Parts of a new project that a site may refuse, others' names in use or types it lacks: said, not fatal."""
_ABSTRACT = frozenset({"", "xnat:imageScanData"})


class NotKept(BadAnswer):
    """The server said yes to an item's document, and stored something else."""


def copied(run: CopyRun, step: Step, control: Control) -> Outcome:
    """`copy_item`; what the server took and did not keep is said of its fields, too."""
    try:
        return copy_item(run, step, control)
    except NotKept as error:
        return replace(Outcome.failed(step, error), attributes=Kept(lost=1))


def copy_item(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Create or update one item. Running it again changes nothing that is right already.

    Raises Conflict when an item that was to be created is there meanwhile with other fields, and
    NotKept when the server said yes and stored something else. What lacks fields is given them.
    """
    run.writing.add(step.number)
    try:
        return _copy_item(run, located(run, step), control)
    finally:
        run.writing.discard(step.number)


def _copy_item(run: CopyRun, step: Step, control: Control) -> Outcome:
    there = there_now(run, step)
    document = prepared(run, step, control)
    if there is not None:
        run.arrived(step, there)
        if _imported(step):
            document = _overlay(document, there)
        needed = item_xml.without(document, *_DISPENSABLE) if step.kind is Kind.PROJECT else document
        differing = item_xml.lost(needed, item_xml.own(there, step.kind))
        if not differing:
            unset = _copy_settings(run, step, control)  # made by this step before, or only these differ
            return _kept(step, unset + _custom_fields(run, step, there))
        if only_blank(document, differing) and step.action is Action.CREATE:
            unset = send_blank(run, step, document, differing) + _copy_settings(run, step, control)
            return _kept(step, unset + _custom_fields(run, step, there))
        replaces = run.options.on_existing is not OnExisting.SKIP or _imported(step)
        others = item_xml.contradicted(needed, item_xml.own(there, step.kind))
        if step.action is Action.CREATE and others and not replaces and not run.made_above(step):
            raise Conflict(
                f"It is there meanwhile, with other values in {_named(others)}.",
                "Plan the copy again; --on-existing update would change them.",
            )
    nested = scans_to_nest(run, step) if there is None else []
    if step.kind is Kind.SCAN and _imported(step) and there is not None:
        item_xml.retype(document, str(there.get(item_xml.XSI_TYPE, "")) or step.source.type)
        document = item_xml.standing_alone(document)
    elif step.kind is Kind.SCAN:  # nested, its element says `scan`; on its own, it is named after its type
        document = item_xml.own(run.document(step.source.uri), step.kind)
        if other := _other_type(step):
            item_xml.retype(document, other)
    failures: tuple[Failure, ...] = ()
    if step.kind is Kind.PROJECT and step.action is Action.CREATE:
        failures = _put_project(run, step, document, control)
    else:
        whole = item_xml.with_scans(document, nested) if nested else document
        failures = put(run, step, document, whole, control)
        failures += _copy_settings(run, step, control)
    if there is None:
        run.created.add(step.target.uri)
    return _kept(step, failures + _custom_fields(run, step, there))


def _imported(step: Step) -> bool:
    """Whether the import service has made the item, and people's words are added to that."""
    return isinstance(step.work, ExperimentCopy | ScanCopy) and step.work.imported


def _other_type(step: Step) -> str:
    """The data type that a scan gets instead of its own."""
    return step.work.type if isinstance(step.work, ScanCopy) else ""


def _kept(step: Step, failures: tuple[Failure, ...]) -> Outcome:
    """All that was written was read back, but for these."""
    return Outcome(
        step.number, State.DONE, failures=failures, attributes=Kept(lost=1) if failures else Kept(1)
    )


def there_now(run: CopyRun, step: Step) -> etree._Element | None:
    """The item at the destination, with as few questions as possible; one that failed is no "no"."""
    match step.kind:
        case Kind.SUBJECT | Kind.EXPERIMENT:
            if run.held(step, step.kind) is None:
                return None
            if step.kind is Kind.EXPERIMENT:
                return run.session_there(step)
            return run.stored(step.target.uri)
        case Kind.PROJECT:
            return run.stored(step.target.uri)
    session = run.session_there(step)
    if session is None:
        return None
    name = step.target.uri.rpartition("/")[2]
    parts = {
        Kind.SCAN: item_xml.scans,
        Kind.ASSESSOR: item_xml.assessors,
        Kind.RECONSTRUCTION: item_xml.reconstructions,
    }
    return parts[step.kind](session).get(name)


def prepared(run: CopyRun, step: Step, control: Control) -> etree._Element:
    """The source's document with the destination's references, ready to be sent."""
    document = item_xml.own(_source(run, step), step.kind)
    if other := _other_type(step):
        item_xml.retype(document, other)
    match step.kind:
        case Kind.PROJECT:
            _rename_project(document, step)
        case Kind.EXPERIMENT:
            held = run.held(step, Kind.SUBJECT)
            if held is None:
                raise NotFound("Its subject is not at the destination.", "Copy the subject first.")
            item_xml.set_text(document, "subject_ID", held.id)
        case Kind.ASSESSOR | Kind.RECONSTRUCTION:
            session = run.session_there(step)
            scans = item_xml.scans(session) if session is not None else {}
            mapped = partial(_mapped, run, step, control)
            item_xml.remap(document, mapped, lambda scan: _has_scan(run, step, scan, scans))
    return document


def _mapped(run: CopyRun, step: Step, control: Control, source_id: str) -> str | None:
    """The counterpart of what an item refers to. An assessor of the same session that is yet to come is
    written first, so that its own turn finds it there; two that refer to each other cannot be.
    """
    other = run.by_source.get(source_id)
    found = run.mapped(source_id)
    if found or other is None or other is step or other.kind is not Kind.ASSESSOR or not other.writes:
        return found
    if other.number not in run.writing and other.session == step.session:
        copy_item(run, other, control)
    return run.mapped(source_id)


def _source(run: CopyRun, step: Step) -> etree._Element:
    """Scans stand in their session's document, which is there already."""
    if step.kind is Kind.SCAN:
        session = run.document(step.source.uri.partition("/scans/")[0])
        found = item_xml.scans(session).get(step.source.id)
        if found is None:
            raise NotFound("The scan is no longer in its session.", "The source has changed: plan again.")
        return found
    return run.document(step.source.uri)


def _has_scan(run: CopyRun, step: Step, scan: str, known: dict[str, etree._Element]) -> bool:
    return scan in known or f"{step.session}/scans/{scan}" in run.created


def _rename_project(document: etree._Element, step: Step) -> None:
    """ID, title, secondary ID and aliases share one space of names per site: only free ones are sent."""
    if step.action is Action.CREATE:
        work, project = step.carried(ProjectCopy), step.lineage.project
        document.set("secondary_ID", work.secondary_id or project)
        item_xml.set_text(document, "name", work.name or project)
        names = ["aliases"] if step.source.id != project else []
        study_protocols.for_another(document, step.source.id, project, work.protocols)
    else:
        document.attrib.pop("secondary_ID", "")
        names = ["name", *_DISPENSABLE]
    for name in names:
        for element in document.findall(f"{{{item_xml.XNAT}}}{name}"):
            document.remove(element)


def scans_to_nest(run: CopyRun, step: Step) -> list[etree._Element]:
    """A new session's scans travel inside its document: one request instead of one for each."""
    if step.kind is not Kind.EXPERIMENT:
        return []
    source = item_xml.scans(run.document(step.source.uri))
    found = []
    for one in run.below[step.session]:
        scan = source.get(one.source.id)
        other = _other_type(one)
        wanted = other or one.source.type
        if one.kind is not Kind.SCAN or one.action is not Action.CREATE or scan is None:
            continue
        if wanted in _ABSTRACT or one.target.uri.rpartition("/")[2] != one.source.id:
            continue
        scan = item_xml.own(scan, Kind.SCAN)
        if other:
            item_xml.retype(scan, wanted)
        found.append(scan)
    return found


def _put_project(run: CopyRun, step: Step, document: etree._Element, control: Control) -> tuple[Failure, ...]:
    """Make a project with its settings; what it did not keep beside its own fields stops nothing below it."""
    bare = item_xml.without(document, *_DISPENSABLE)
    failures = put(run, step, bare, document, control)
    failures += _copy_settings(run, step, control)
    if len(bare) < len(document):
        stored = run.stored(step.target.uri)
        kept = bare if stored is None else item_xml.own(stored, step.kind)
        if differing := item_xml.lost(document, kept):
            failures += (Failure(step.path, f"The new project did not keep {_named(differing)}."),)
    return failures


def put(
    run: CopyRun, step: Step, document: etree._Element, whole: etree._Element, control: Control
) -> tuple[Failure, ...]:
    """Send, read back, compare. What ended unclearly is looked at before it is sent again.

    `whole` has more than `document`, which is sent where the server refuses that.
    """
    for attempt in range(ATTEMPTS):
        control.check()
        unclear: XnatTuiError | None = None
        try:
            writing.put_item(run.target, step.target.uri, whole)
        except (Unclear, ServerUnreachable) as error:
            unclear = error
        except (Refused, ServerError, Conflict):
            if whole is document or attempt == ATTEMPTS - 1:
                raise
            whole = document  # one bad scan must not keep its session away: they follow one by one
            continue
        stored = run.stored(step.target.uri)
        if stored is not None:
            differing = item_xml.lost(document, item_xml.own(stored, step.kind))
            blank = only_blank(document, differing)
            if not differing or blank:
                run.arrived(step, stored)
                if step.kind is Kind.EXPERIMENT:
                    run.keep_session(step.target.uri, stored)
                return send_blank(run, step, document, differing) if blank else ()
            if unclear is None:
                raise NotKept(
                    f"The server said yes, but did not keep {_named(differing)}.",
                    "Its data type may lack these fields, or you may lack the right to change them.",
                )
        elif unclear is None:
            raise BadAnswer(
                "The server said yes, but stored nothing.", "You may lack the right to write there."
            )
        if unclear is not None and attempt == ATTEMPTS - 1:
            raise unclear
        pause(control, attempt)
    raise AssertionError("the last attempt has returned or raised")


def _copy_settings(run: CopyRun, step: Step, control: Control) -> tuple[Failure, ...]:
    """The settings that the plan showed, each read back; what the rights there refuse is told."""
    failures = []
    settings = step.work.settings if isinstance(step.work, ProjectCopy) else {}
    for name, value in settings.items():
        control.check()
        project = step.lineage.project
        try:
            if writing.get_setting(run.target, project, name) == value:
                continue
            writing.put_setting(run.target, project, name, value)
            words = "" if writing.get_setting(run.target, project, name) == value else "it was not kept"
        except Interrupted:
            raise
        except XnatTuiError as error:
            if error.unreachable:
                raise
            words = error.message
        if words:
            what = name if name == writing.SCRIPT else f"{name} could not be set to {value}"
            failures.append(Failure(step.path, f"{what}: {words}"))
    return tuple(failures)


def _custom_fields(run: CopyRun, step: Step, there: etree._Element | None) -> tuple[Failure, ...]:
    """Custom forms keep their answers as JSON beside the item's own fields (1.8.8 and later).

    Their failure is reported and stops nothing that stands below the item.
    """
    text = item_xml.text_of(_source(run, step), "custom_fields")
    if text in ("", "{}") or (there is not None and text == item_xml.text_of(there, "custom_fields")):
        return ()
    path = f"/xapi/custom-fields{encode_uri(step.target.uri).removeprefix('/data')}/fields"
    try:
        sent = json.loads(text)
        if not isinstance(sent, dict):
            raise ValueError
        run.target.write("PUT", path, body=text.encode(), content_type="application/json")
        kept = run.target.get_json(path)
    except Interrupted:
        raise
    except (XnatTuiError, ValueError, RecursionError) as error:
        if isinstance(error, XnatTuiError) and error.unreachable:
            raise
        words = error.message if isinstance(error, XnatTuiError) else "they are no JSON object"
        return (Failure(step.path, f"The answers of its custom forms were not copied: {words}"),)
    if not isinstance(kept, dict) or any(kept.get(name) != value for name, value in sent.items()):
        return (Failure(step.path, "The server did not keep all answers of the custom forms."),)
    return ()


def share_item(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Show an item that another project there owns; Conflict means that it is shown already.

    An assessor is an experiment: where the server knows no shares below its session it is asked by itself.
    Raises what the server says, and BadAnswer where it says yes and does not show it.
    """
    control.check()
    work, project = step.carried(ItemShare), step.lineage.project
    uris = [f"/data/experiments/{work.id}"]
    if step.kind is Kind.SUBJECT:
        uris = [f"/data/projects/{work.owner}/subjects/{work.id}"]
    elif step.kind is Kind.ASSESSOR:
        uris = [f"{step.session}/assessors/{work.id}", *uris]
    refusal: XnatTuiError | None = None
    for uri in uris:
        try:
            sharing.put_share(run.target, uri, project, work.label)
            refusal = None
            break
        except NotFound as error:
            refusal = error
        except (Conflict, Unclear) as error:
            refusal = error
            break
    plural = Kind.SUBJECT.plural if step.kind is Kind.SUBJECT else Kind.EXPERIMENT.plural
    stored = run.stored(f"/data/projects/{url_path(project, plural, work.label)}")
    if stored is None or stored.get("ID") != work.id:
        raise refusal or BadAnswer("The server said yes, but does not show the item in the project.")
    run.arrived(step, stored)
    return Outcome(step.number, State.DONE)


def located(run: CopyRun, step: Step) -> Step:
    """The step with the scan's ID that the import service gave it there, where that is another one."""
    head, scans, tail = step.target.uri.partition("/scans/")
    if run.options.via is not Via.IMPORT or not scans:
        return step
    source = item_xml.scans(run.document(step.source.uri.partition("/scans/")[0]))
    scan = source.get(step.source.uri.partition("/scans/")[2].partition("/")[0])
    found = scan_there(run.session_there(step), scan) if scan is not None else None
    if found is None:
        return step
    rest = tail.partition("/")
    return replace(step, target=replace(step.target, uri=f"{head}/scans/{found}{rest[1]}{rest[2]}"))


def _overlay(document: etree._Element, there: etree._Element) -> etree._Element:
    """Raises Conflict where the importer made another type of session of it."""
    made, wanted = (one.get(item_xml.XSI_TYPE) or str(one.tag) for one in (there, document))
    if "scan" not in made.lower() and made != wanted:
        raise Conflict(
            "The import service made another type of session of it: its fields are not copied.",
            "Copy it with --via files to keep its type.",
        )
    if "ID" in document.attrib:  # of a scan, to which the importer may have given another
        document.set("ID", str(there.get("ID", "")))
    return without_header_fields(document)


def clear_caches(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Raises Forbidden for all but administrators."""
    control.check()
    catalogs.clear_caches(run.target)
    return Outcome(step.number, State.DONE)


def refresh_session(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Count a session's catalogs anew, or make its viewer's metadata. Raises NotFound."""
    control.check()
    held = run.held(step, Kind.EXPERIMENT)
    if held is None:
        raise NotFound("The session is not at the destination.")
    if isinstance(step.work, ViewerRebuild):
        viewer.rebuild(run.target, step.lineage.project, held.id)
    else:
        catalogs.refresh(run.target, f"/archive/experiments/{held.id}", catalogs.DEFAULT_OPTIONS)
    return Outcome(step.number, State.DONE)


def _named(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
