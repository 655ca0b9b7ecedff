"""What a de-identification did, for whoever has to answer for it: no value of a person is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model.options import TransferOptions
from xnat_tui.model.transfer import Report
from xnat_tui.services import sheets
from xnat_tui.services.deidentifying.profile import read_profile
from xnat_tui.services.deidentifying.standard import BASIC, CODES, EDITION, Option
from xnat_tui.services.sheets import Sheet

_COLUMNS = ("held", "reason")


def write(report: Report, options: TransferOptions, path: Path) -> None:
    """Write the account of a job, readable by this user only. Raises UsageError for a job that de-identifies
    nothing, and where the file cannot be written."""
    if report.treated is None:
        raise UsageError(f"{report.job} de-identifies nothing.", "Name a job with --deidentify.")
    rows = tuple((left.path, left.reason) for left in report.treated.held)
    sheet = Sheet(f"De-identification {report.job}", tuple(_told(report, options)), _COLUMNS, rows)
    sheets.write([sheet], _document(report, options), path)


def _document(report: Report, options: TransferOptions) -> dict[str, Any]:
    found = report.to_dict()
    kept = ("job", "state", "done", "deidentified", "held", "verified")
    return {"profile": options.deidentify, "codes": _codes(options)} | {name: found[name] for name in kept}


def _told(report: Report, options: TransferOptions) -> Iterator[str]:
    treated, verified = report.treated, report.verified
    assert treated is not None
    yield f"Profile: {options.deidentify}, of DICOM PS3.15 ({EDITION})"
    yield from _codes(options)
    yield f"State: {report.state}; {len(report.failed)} failed"
    yield f"Files changed by the profile: {treated.changed}"
    yield f"Files that are no DICOM, cleaned and searched: {treated.passed}"
    yield f"Held, never sent: {len(treated.held)}"
    for reason, count in sorted(Counter(_kind(left.reason) for left in treated.held).items()):
        yield f"Held, {reason}: {count}"
    yield (
        f"Proved at the destination: {verified.digest} by digest of the new bytes, {verified.size} by size or"
        f" instance UID, {verified.unverified} not"
    )


def _codes(options: TransferOptions) -> list[str]:
    try:
        profile = read_profile(options.deidentify)
    except UsageError:  # its file is gone: its name has to do
        return []
    codes = [BASIC, *(CODES[option] for option in Option if option in profile.options)]
    return [f"{code.value} {code.meaning}" for code in codes]


def _kind(reason: str) -> str:
    """A reason without what it counts."""
    head, _, rest = reason.partition(": ")
    return rest if head.removesuffix("s").endswith(" file") and rest else reason
