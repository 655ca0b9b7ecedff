"""What makes a folder of BIDS names a dataset: sidecars, tables, a description, and what is left aside.

Everything is made of what is in the folder when an export ends. A file that its user wrote or changed
stays as it is; the plan says so.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_tui.errors import Conflict
from xnat_tui.model.plan import Step
from xnat_tui.model.work import BidsImage, DatasetDescription, ResourceDownload
from xnat_tui.services.transfers.exporting import bids_schema
from xnat_tui.services.transfers.exporting.bids import is_named_image, without_times
from xnat_tui.services.transfers.exporting.bids_judging import read_sidecar, why_not
from xnat_tui.services.transfers.exporting.manifest import NAME
from xnat_tui.services.transfers.exporting.nifti_header import read_header
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.services.transfers.exporting.standing import document_changed
from xnat_tui.version import __version__

log = logging.getLogger("xnat_tui.export")

DESCRIPTION = "dataset_description.json"
IGNORE = ".bidsignore"
PARTICIPANTS = "participants.tsv"
OWN = (DESCRIPTION, IGNORE, PARTICIPANTS)
"""What stands at the top of a dataset beside its subjects."""
_UNKNOWN = "n/a"
_ALWAYS_IGNORED = (NAME, "metadata.csv")

Write = Callable[[ExportRun, Step, str, bytes], None]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One folder at the end of an export, and the step of the plan that describes it."""

    run: ExportRun
    step: Step
    write: Write
    """Writes a file and notes it in the manifest."""

    def finish(self) -> None:
        """Write what is missing or not as it should be. Raises OSError."""
        fetched = [
            (step, image)
            for step in self.run.plan.steps
            if isinstance(step.work, ResourceDownload)
            for image in step.work.images
            if (self.run.folder / image.name).is_file()
        ]
        for step, image in fetched:
            if image.task:
                self._sidecar(step, image)
        refused = {name: why for name in self._images() if (why := why_not(self.run.folder, name))}
        if refused:
            log.warning("%d images lack what BIDS asks for; %s has the reasons.", len(refused), IGNORE)
        refused |= dict.fromkeys(self._alone(), "Its image is not here.")
        refused |= {
            entry.path: f"It is an earlier name of what {now} is."
            for entry, now in self.run.manifest.doubles()
            if is_named_image(entry.path)
        }
        self._scans({image.name: image.acquired for _, image in fetched}, refused)
        self._participants()
        self._put(DESCRIPTION, _json(self._description()))
        self._put(IGNORE, "".join(_ignored(refused)).encode())

    def _images(self) -> list[str]:
        """Places of all images with BIDS names, of this export and of earlier ones."""
        entries = (entry.path for entry in self.run.manifest if entry.kind == "file")
        return sorted(path for path in entries if is_named_image(path) and (self.run.folder / path).is_file())

    def _alone(self) -> Iterator[str]:
        """Sidecars without their image, such as one that could not be fetched."""
        for entry in self.run.manifest:
            stem, dot, ending = entry.path.partition(".")
            if not entry.path.startswith("sub-") or dot + ending not in bids_schema.SIDECAR_ENDINGS:
                continue
            images = (self.run.folder / f"{stem}{one}" for one in bids_schema.IMAGE_ENDINGS)
            if not any(image.is_file() for image in images):
                yield entry.path

    def _put(self, name: str, body: bytes) -> None:
        target = self.run.folder / name
        if target.is_symlink():
            return
        if target.is_file() and target.read_bytes() == body and self.run.manifest.get(name) is not None:
            return
        changed = document_changed(self.run.manifest, name, unknown=True)
        if not self.run.options.overwrite_local and changed:
            return
        try:
            self.write(self.run, self.step, name, body)
        except Conflict:  # something that is no file stands there, or on the way there
            log.warning("A document of the dataset has no place in the folder; it is left out.")

    def _sidecar(self, step: Step, image: BidsImage) -> None:
        """The archive's own sidecar, which stays below sourcedata, with what BIDS asks for beside.

        A repetition time is the sidecar's own, else that of the image's header where it has a unit, else
        the one in the archive; where none of them has one it stays away.
        """
        uri = f"{step.source.uri}/files/{image.sidecar}"
        own = self.run.manifest.place_of(step.carried(ResourceDownload).server, uri)
        fields = (read_sidecar(self.run.folder / own) if own else None) or {}
        fields.setdefault("TaskName", image.task)
        if without_times(fields):
            header = read_header(self.run.folder / image.name)
            if header is not None and header.has_unit and header.step > 0 and len(header.shape) > 3:
                fields["RepetitionTime"] = round(header.step, 6)
            elif image.repetition_time:
                fields["RepetitionTime"] = float(image.repetition_time)
        self._put(f"{image.stem}.json", _json(fields))

    def _scans(self, acquired: Mapping[str, str], refused: Mapping[str, str]) -> None:
        """`sub-X_ses-Y_scans.tsv` of every session: its images, and when they were taken."""
        sessions: dict[str, list[str]] = defaultdict(list)
        for name in self._images():
            sessions[name.rsplit("/", 2)[0]].append(name)
        for session, names in sessions.items():
            table = f"{session}/{session.replace('/', '_')}_scans.tsv"
            before = {row["filename"]: row for row in self._rows(table) if "filename" in row}
            rows = []
            for name in names:
                if name in refused:
                    continue
                short = name[len(session) + 1 :]
                row = before.get(short, {"filename": short})
                time = acquired.get(name, "") if self.run.options.metadata else ""
                rows.append(row | {"acq_time": time or row.get("acq_time", _UNKNOWN)})
            if rows or before:
                self._put(table, _tsv(("filename", "acq_time"), rows))

    def _participants(self) -> None:
        """One row for each subject's folder, as the validator wants it."""
        told = self.step.carried(DatasetDescription).participants
        before = {row["participant_id"]: row for row in self._rows(PARTICIPANTS) if "participant_id" in row}
        here = sorted(path.name for path in self.run.folder.glob("sub-*") if path.is_dir())
        rows = [{"participant_id": name, **before.get(name, {}), **told.get(name, {})} for name in here]
        if rows or before:
            self._put(PARTICIPANTS, _tsv(("participant_id",), rows))

    def _rows(self, name: str) -> list[dict[str, str]]:
        """Rows of a table that an earlier export wrote; none of one that is somebody else's."""
        path = self.run.folder / name
        if self.run.manifest.get(name) is None or not path.is_file():
            return []
        with path.open(newline="", encoding="utf-8") as opened:
            return list(csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE))

    def _description(self) -> dict[str, Any]:
        return {
            "Name": ", ".join(self.run.plan.sources),
            "BIDSVersion": bids_schema.bids_version(),
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "xnat-tui", "Version": __version__}],
        }


def set_aside(folder: Path) -> dict[str, str]:
    """Names that an export wrote into `.bidsignore` of a folder, without their endings, and why."""
    try:
        lines = (folder / IGNORE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = itertools.pairwise(lines)
    return {
        name[1 : -len(".*")]: why[2:]
        for why, name in pairs
        if why.startswith("# ") and name.startswith("/") and name.endswith(".*")
    }


def participant(fields: Mapping[str, str]) -> dict[str, str]:
    """What a subject's row says, in the words of BIDS; what the archive does not know is `n/a`."""
    sex = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}
    hand = {"left": "left", "right": "right", "ambidextrous": "ambidextrous"}
    return {
        "sex": sex.get(fields.get("gender", "").casefold(), _UNKNOWN),
        "handedness": hand.get(fields.get("handedness", "").casefold(), _UNKNOWN),
    }


def _ignored(refused: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name}\n" for name in _ALWAYS_IGNORED)
    for name, why in refused.items():
        yield f"# {why}\n/{name.partition('.')[0]}.*\n"


def _tsv(first: Iterable[str], rows: list[dict[str, str]]) -> bytes:
    columns = list(dict.fromkeys((*first, *(name for row in rows for name in row))))
    text = io.StringIO()
    writer = csv.DictWriter(
        text, columns, restval=_UNKNOWN, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE,
        quotechar=None,
    )  # fmt: skip
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, indent=2, ensure_ascii=False).encode() + b"\n"
