"""What an upload is planned from, and the plan while it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xnat_tui.errors import UsageError
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import OnExisting, UploadOptions
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.plan import Finding, LeftOut, Step
from xnat_tui.services.reading.reader import Reader

OVERWRITE = {OnExisting.SKIP: "none", OnExisting.UPDATE: "append", OnExisting.OVERWRITE: "delete"}
"""What the archive does to a session that is there."""


@dataclass(frozen=True, slots=True)
class Context:
    """What was asked for; fixed for a whole plan."""

    reader: Reader
    """It remembers nothing from before: the plan tells what the server has now."""
    where: Location
    to: str
    options: UploadOptions
    filters: Filters
    sources: tuple[str, ...]

    def refuse_filters(self, what: str, names: Sequence[str]) -> None:
        """Raises UsageError for filters that nothing of what is sent could be held against."""
        every = (name for one in names for name in (one, f"exclude_{one}"))
        asked = next((name for name in every if getattr(self.filters, name, None)), "")
        if asked:
            option = f"--{asked.replace('_', '-')}"
            raise UsageError(f"{option} means nothing to {what}: all that is named is sent.", "Leave it out.")


@dataclass(slots=True)
class Draft:
    """Steps and findings so far. Only added to."""

    steps: list[Step] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    details: dict[int, tuple[FieldDifference, ...]] = field(default_factory=dict)
    """By step, old labels and new ones, which are in no document."""
