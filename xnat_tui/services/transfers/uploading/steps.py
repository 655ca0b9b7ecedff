"""Running a planned upload: what each kind of step does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import UploadOptions, options_or_usual
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import DicomUpload, FilesUpload
from xnat_tui.services.transfers.importing import sending
from xnat_tui.services.transfers.running.registry import Connections, by_kind, runs
from xnat_tui.services.transfers.uploading import files


@runs(UploadOptions)
@contextmanager
def upload_executor(plan: Plan, connections: Connections) -> Iterator[Execute]:
    """What runs one step of an upload after the other; a step that fails is an outcome with its reason.

    Raises UsageError for a plan that is no upload.
    """
    options = options_or_usual(UploadOptions, plan.options)

    def send_dicom(step: Step, control: Control) -> Outcome:
        return sending.send(connections(step.target.server), step, control, options)

    def send_files(step: Step, control: Control) -> Outcome:
        return files.send(connections(step.target.server), step, control, options)

    yield by_kind(plan.verb, {DicomUpload: send_dicom, FilesUpload: send_files})
