"""Making subjects and sessions that say nothing of anybody: a label, a type, and scans by their IDs."""

from __future__ import annotations

import copy
from datetime import date, timedelta

from lxml import etree

from xnat_tui.errors import BadAnswer, Conflict, NotFound, ServerUnreachable, Unclear
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Kept, Outcome, State
from xnat_tui.model.work import DeidentifiedSession
from xnat_tui.services.deidentifying.standard import Option
from xnat_tui.services.transfers.deidentified.run import DeidentifiedRun
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.documents.item_xml import XNAT

_QUALITIES = frozenset({"usable", "questionable", "unusable"})


def make_subject(run: DeidentifiedRun, step: Step, control: Control) -> Outcome:
    """A subject that is there stays as it is."""
    control.check()
    if run.stored(step, step.target.uri) is None:
        _put(run, step, etree.Element(f"{{{XNAT}}}Subject", nsmap={"xnat": XNAT}))
    return Outcome(step.number, State.DONE, attributes=Kept(1))


def make_session(run: DeidentifiedRun, step: Step, control: Control) -> Outcome:
    """The session with its scans, or those that it lacks. Raises Conflict where another subject has it."""
    control.check()
    subject = run.stored(step, step.target.uri.partition("/experiments/")[0])
    if subject is None:
        raise NotFound("Its subject is not at the destination.", "Plan again.")
    identifier = item_xml.accession_id(subject)
    source = run.document(step, step.source.uri)
    scans = [_bare_scan(one) for one in _planned(source, step)]
    stored = run.stored(step, step.target.uri)
    if stored is None:
        document = _bare_session(run, step, source, identifier)
        _put(run, step, item_xml.with_scans(document, scans) if scans else document)
        return Outcome(step.number, State.DONE, attributes=Kept(1))
    if item_xml.text_of(stored, "subject_ID") != identifier:
        raise Conflict("It stands there already, below another subject.", "Give it another label.")
    there = item_xml.scans(stored)
    for scan in scans:
        if scan.get("ID") not in there:
            control.check()
            uri = f"{step.target.uri}/scans/{scan.get('ID')}"
            writing.put_item(run.target(step), uri, item_xml.standing_alone(scan))
    now = run.stored(step, step.target.uri)
    lacking = [scan for scan in scans if now is None or scan.get("ID") not in item_xml.scans(now)]
    if lacking:
        raise BadAnswer("The server said yes, and does not have all of its scans.", "Retry the job.")
    return Outcome(step.number, State.DONE, attributes=Kept(1))


def _put(run: DeidentifiedRun, step: Step, document: etree._Element) -> None:
    """Send and read back; a lost answer is looked at before anybody calls it a failure."""
    unclear = None
    try:
        writing.put_item(run.target(step), step.target.uri, document)
    except (Unclear, ServerUnreachable) as error:
        unclear = error
    stored = run.stored(step, step.target.uri)
    if stored is None or item_xml.lost(document, item_xml.own(stored, step.kind)):
        missing = [] if stored is None else _missing_scans(document, stored)
        if stored is None or missing or _differs(document, stored, step.kind):
            raise unclear or BadAnswer("The server said yes, and did not keep it.", "Retry the job.")


def _missing_scans(document: etree._Element, stored: etree._Element) -> list[str]:
    return sorted(item_xml.scans(document).keys() - item_xml.scans(stored).keys())


def _differs(document: etree._Element, stored: etree._Element, kind: Kind) -> bool:
    bare = item_xml.without(document, "scans")
    return bool(item_xml.lost(bare, item_xml.own(stored, kind)))


def _planned(source: etree._Element, step: Step) -> list[etree._Element]:
    """Raises NotFound where a planned scan is gone."""
    there = item_xml.scans(source)
    wanted = step.carried(DeidentifiedSession).scans
    if any(scan not in there for scan in wanted):
        raise NotFound("A scan is no longer in its session.", "The source has changed: plan again.")
    return [there[scan] for scan in wanted]


def _bare_session(run: DeidentifiedRun, step: Step, source: etree._Element, subject: str) -> etree._Element:
    """The session's type, its date as far as the profile keeps dates, and its subject there."""
    document = etree.Element(source.tag, nsmap={"xnat": XNAT})
    if day := _day(run, step, item_xml.text_of(source, "date")):
        item_xml.set_text(document, "date", day)
    item_xml.set_text(document, "subject_ID", subject)
    return document


def _day(run: DeidentifiedRun, step: Step, text: str) -> str:
    options = run.treatment.profile.options
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    if Option.RETAIN_FULL_DATES in options:
        return text
    if Option.RETAIN_MODIFIED_DATES in options:
        return (day - timedelta(days=run.treatment.key.days(step.lineage.subject))).isoformat()
    return ""


def _bare_scan(scan: etree._Element) -> etree._Element:
    """ID and type, and the quality where it is one of XNAT's own words: descriptions are people's texts."""
    bare = copy.deepcopy(scan)
    for name in list(bare.attrib):
        if str(name) not in ("ID", item_xml.XSI_TYPE):
            del bare.attrib[name]
    quality = item_xml.text_of(scan, "quality")
    for child in list(bare):
        bare.remove(child)
    bare.text = bare.tail = None
    if quality in _QUALITIES:
        item_xml.set_text(bare, "quality", quality)
    return bare
