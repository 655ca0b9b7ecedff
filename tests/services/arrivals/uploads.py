"""How the tests of uploads run a plan, pack files, and read what has come."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import Outcome
from xnat_tui.services.transfers.uploading.steps import upload_executor
from xnat_tui.services.workspace import Workspace


def run(workspace: Workspace, plan: Plan, control: Control | None = None) -> list[Outcome]:
    with upload_executor(plan, workspace.connection) as execute:
        return [execute(step, control or Control()) for step in plan.steps]


def files_of(one: PrearchiveSession) -> int:
    return sum(len(files) for scan in one.scans.values() for files in scan.resources.values())


def contents(incoming: Path) -> dict[str, bytes]:
    return {
        path.relative_to(incoming).as_posix(): path.read_bytes()
        for path in sorted(incoming.rglob("*"))
        if path.is_file()
    }


def zipped(files: Mapping[str, bytes], where: Path) -> Path:
    with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return where


def tarred(files: Mapping[str, bytes]) -> bytes:
    with io.BytesIO() as written:
        with tarfile.open(fileobj=written, mode="w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return written.getvalue()


def reasons(plan: Plan) -> dict[str, str]:
    return {one.path: one.reason for one in plan.left_out}
