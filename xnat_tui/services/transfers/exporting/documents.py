"""Metadata into the folder: every item's XML as its server gives it, and a table of all."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from lxml import etree

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.jobs.attempt import not_done
from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.model.work import DatasetDescription, DocumentDownload
from xnat_tui.model.written import cell_text, csv_text
from xnat_tui.services.transfers.exporting.bids_documents import Dataset
from xnat_tui.services.transfers.exporting.fetch import in_the_way
from xnat_tui.services.transfers.exporting.files import inside, write_whole
from xnat_tui.services.transfers.exporting.manifest import Entry
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.services.transfers.exporting.standing import Standing, document_changed
from xnat_tui.xnat.documents import item_xml

log = logging.getLogger("xnat_tui.export")

TABLE = "metadata.csv"
_FIRST_COLUMNS = ("location", "kind", "type")


def save_document(run: ExportRun, step: Step, control: Control) -> Outcome:
    """An item's XML, byte for byte.

    Raises BadAnswer where the answer is no document of this item, Conflict where another's has the place.
    """
    name, server = step.target.uri, run.connection(step).url
    another = run.manifest.belongs_to_another(name, step.source.uri, server)
    if another and not run.options.overwrite_local:
        raise in_the_way(run, name)
    if document_changed(run.manifest, name) and not run.options.overwrite_local:
        raise in_the_way(run, name, Standing.CHANGED)
    body, document = run.documents(step).of(step)
    if document.get("ID") != step.source.id:
        raise BadAnswer("The server answered with the document of another item.", "Plan the export again.")
    _write(run, step, step.target.uri, body)
    control.on_bytes(len(body))
    return Outcome(step.number, State.DONE)


def describe_dataset(_run: ExportRun, step: Step, _control: Control) -> Outcome:
    """Nothing yet: a dataset is described by what is in the folder when all other steps have ended."""
    return Outcome(step.number, State.DONE)


def finish(run: ExportRun) -> list[Outcome]:
    """What is made of everything that is in the folder by now: the table, and what BIDS asks for.

    The outcomes of those steps that had to do with what could not be made.
    """
    documents = next((step for step in run.plan.steps if isinstance(step.work, DocumentDownload)), None)
    described = next((step for step in run.plan.steps if isinstance(step.work, DatasetDescription)), None)
    made: list[tuple[Step | None, Callable[[Step], None]]] = [
        (documents, lambda _: save_table(run)),
        (described, lambda step: _describe(run, step)),
    ]
    failed: list[Outcome] = []
    for step, make in made:
        if step is not None:
            try:
                make(step)
            except (XnatTuiError, OSError) as error:
                failed.append(Outcome(step.number, State.FAILED, failures=(not_done(step, error),)))
    return failed


def _describe(run: ExportRun, step: Step) -> None:
    run.ready_folder()
    run.manifest.begin(run.options.layout)
    Dataset(run, step, _write).finish()


def _write(run: ExportRun, step: Step, name: str, body: bytes) -> None:
    """A file beside the archive's own; only an item's document came from somewhere.

    Raises Conflict where another of somebody else's making has its place.
    """
    target = Path(inside(run.folder, name))
    changed = not run.options.overwrite_local and document_changed(run.manifest, name, unknown=True)
    if changed and target.read_bytes() != body:
        raise in_the_way(run, name, Standing.CHANGED)
    part = write_whole(str(target), run.incoming.place(), body)
    entry = Entry(name, part.size, part.md5, "", kind="metadata")
    if name == step.target.uri and isinstance(step.work, DocumentDownload):
        work, uri = step.work, step.source.uri
        entry = replace(entry, location=work.location, item=work.item, uri=uri)
    run.manifest.add([run.entry(step, entry)])


def save_table(run: ExportRun) -> None:
    """One row per document that is in the folder, one column per field that any of them has, safe to be
    opened with a spreadsheet; the XML has every text as it is.

    Rows of documents that an earlier export brought stay as they are, and so does a table that was changed
    in the folder: the plan told it as a conflict.
    """
    if document_changed(run.manifest, TABLE, unknown=True) and not run.options.overwrite_local:
        return
    steps = [step for step in run.plan.steps if isinstance(step.work, DocumentDownload)]
    rows = [row for step in steps if (row := _row(run, step)) is not None]
    if not rows:
        return
    fresh = {row["location"] for row in rows}
    rows = [*(row for row in _rows_before(run) if row["location"] not in fresh), *rows]
    columns = [*_FIRST_COLUMNS, *sorted({name for row in rows for name in row} - {*_FIRST_COLUMNS})]
    body = csv_text([columns, *([row.get(name, "") for name in columns] for row in rows)]).encode()
    target = Path(inside(run.folder, TABLE))
    if not target.is_file() or target.read_bytes() != body:
        _write(run, steps[0], TABLE, body)


def _rows_before(run: ExportRun) -> list[dict[str, str]]:
    """Rows of the table that is there, of documents that the manifest knows."""
    known = {entry.location for entry in run.manifest if entry.kind == "metadata"}
    target = Path(inside(run.folder, TABLE))
    try:
        with target.open(newline="", encoding="utf-8") as opened:
            table = [[cell_text(one) for one in row] for row in csv.reader(opened)]
    except (FileNotFoundError, UnicodeDecodeError, csv.Error):
        return []
    names = table[0] if table else []
    rows = [dict(zip(names, row, strict=False)) for row in table[1:]]
    return [
        {name: value for name, value in row.items() if name and value}
        for row in rows
        if row.get("location") in known
    ]


def _row(run: ExportRun, step: Step) -> dict[str, str] | None:
    target = Path(inside(run.folder, step.target.uri))
    if not target.is_file():
        return None
    try:
        document = item_xml.parse(target.read_bytes())
    except BadAnswer:  # changed by somebody since: verifying the folder tells so
        log.warning("A document in the folder is no XML any more; it is left out of the table.")
        return None
    own = item_xml.without(item_xml.own(document, step.kind), "studyProtocol")
    found = {
        "location": step.carried(DocumentDownload).location,
        "kind": str(step.kind),
        "type": step.source.type,
    }
    found["ID"] = step.source.id
    for name, text in _fields(own):
        found[name] = f"{found[name]}; {text}" if name in found else text
    return found


def _fields(document: etree._Element) -> Iterator[tuple[str, str]]:
    """Fields by their path; custom variables as `fields/NAME`."""
    for variables in document.findall(f"{{{item_xml.XNAT}}}fields"):
        for variable in variables:
            yield f"fields/{variable.get('name', '')}", variable.text or ""
        document.remove(variables)
    yield from ((name, text) for name, text in item_xml.facts(document) if name not in _FIRST_COLUMNS)
