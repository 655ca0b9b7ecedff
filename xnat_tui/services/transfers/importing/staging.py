"""DICOM of this machine through a profile, before it is sent: what passes lies in a folder of one step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from xnat_tui.jobs.control import Control
from xnat_tui.model.options import TransferOptions
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Left, Treated
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.known_keys import check_key, remember_key
from xnat_tui.services.deidentifying.proof import NOTHING
from xnat_tui.services.deidentifying.stage import Stage
from xnat_tui.services.incoming import scratch
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.deidentified.treatment import open_treatment
from xnat_tui.services.transfers.importing.archives import Contents
from xnat_tui.services.transfers.importing.local_files import LocalFile


@contextmanager
def staged(
    files: Sequence[LocalFile], step: Step, control: Control, options: TransferOptions
) -> Iterator[tuple[list[LocalFile], Treated]]:
    """The files of one study as they may leave, under new names, and what became of all of them.

    Raises Interrupted, XnatTuiError where a file cannot be read or the disk is full, Conflict for another key
    than before, and what profile and key raise.
    """
    treatment = open_treatment(options)
    destination = f"{step.target.server}:{step.lineage.project}"
    check_key(destination, treatment.key)
    remember_key(destination, treatment.key)
    stage = Stage(treatment.profile, treatment.key, step.lineage.subject, NOTHING)
    passing: list[LocalFile] = []
    held: list[Left] = []
    with scratch() as folder, Contents() as contents:
        for number, file in enumerate(files):
            control.check()
            place = folder / f"{number:06}"
            try:
                with tempfile.TemporaryFile() as source, place.open("x+b") as target:
                    for chunk in contents.chunks(file):
                        source.write(chunk)
                    source.flush()
                    try:
                        name = stage.pass_file(source, target, file.name).name
                    except Held as why:
                        held.append(Left(f"{step.path}/files/{stage.name_of(file.name)}", why.message))
                        continue
                    size = target.seek(0, 2)
            except OSError as error:
                raise streams.disk_failure(error) from None
            passing.append(LocalFile(place, name, size))
        yield passing, Treated(changed=len(passing), held=tuple(held))
