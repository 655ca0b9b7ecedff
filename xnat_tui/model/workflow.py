"""A workflow: one run of a pipeline, or the trace of one write, on one item."""

from __future__ import annotations

from dataclasses import dataclass

AUTORUN = "AutoRun"
DISMISSED = "Failed (Dismissed)"
"""XNAT's own word for a run that somebody has ended by hand."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """`status` is plain text. `started` is the server's local time, without a zone.

    What a server does not tell is "": a workflow without number or status cannot be ended.
    """

    id: str
    """Its number (`wrk_workflowData_id`)."""
    item: str
    """Accession ID of what it ran on; the project's ID for a project."""
    project: str
    pipeline: str
    status: str
    started: str = ""
    step: str = ""
    percent: str = ""
    user: str = ""
    """Who started it; "" where the server does not tell."""
    label: str = ""
    twin: int = 0
    """Which one of several without a number that are alike in all the server tells."""

    @property
    def key(self) -> str:
        """What it is told apart by, be it without a number."""
        return self.id or f"{self.item} {self.pipeline} {self.started} {self.status} {self.twin}"

    @property
    def open(self) -> bool:
        """Neither `Complete` nor `Failed...`: it blocks renaming and merging into its item
        (`docs/xnat-contract.md` 9.1)."""
        return self.status != "Complete" and not self.status.startswith("Failed")

    @property
    def is_autorun(self) -> bool:
        """AutoRun is what XNAT starts by itself after archiving: `xnat_tools/AutoRun.xml`."""
        return self.name == AUTORUN

    @property
    def name(self) -> str:
        """The pipeline's bare name: `AutoRun`."""
        return self.pipeline.rpartition("/")[2].removesuffix(".xml")
