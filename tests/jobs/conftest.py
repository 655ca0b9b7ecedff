from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from xnat_tui.jobs.journal import Journal
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, TransferOptions
from xnat_tui.model.plan import Action, End, Plan, Step
from xnat_tui.model.work import ResourceCopy

StepMaker = Callable[..., Step]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("XNAT_TUI_STATE", str(folder))
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    return folder


@pytest.fixture
def journal(state: Path) -> Iterator[Journal]:
    with Journal() as opened:
        yield opened


@pytest.fixture
def make_step() -> StepMaker:
    def make(
        number: int, *needs: int, session: str = "", action: Action = Action.UPLOAD, **more: object
    ) -> Step:
        fields: dict[str, Any] = {
            "number": number,
            "action": action,
            "work": ResourceCopy("R"),
            "path": f"subjects/S/experiments/E{number}",
            "kind": Kind.EXPERIMENT,
            "source": End("lab", f"/data/experiments/{number}"),
            "target": End("qc", f"/data/projects/P/subjects/S/experiments/E{number}"),
            "files": 1,
            "bytes": 10,
            "needs": needs,
            "session": session,
        }
        return Step(**(fields | more))

    return make


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    def make(steps: Sequence[Step], *, options: TransferOptions | None = None) -> Plan:
        return Plan(options or CopyOptions(), ("lab:P",), "qc:P", tuple(steps))

    return make
