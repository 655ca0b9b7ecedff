"""Plans as documents: what is written is read back equal, and what is no plan is not taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, ExportOptions, Layout, Mode, UploadOptions
from xnat_tui.model.plan import Action, End, Finding, LeftOut, Lineage, Plan, Step
from xnat_tui.model.plan_documents import plan_document, plan_of, step_document, step_of
from xnat_tui.model.work import (
    KINDS,
    BidsImage,
    Binding,
    DatasetDescription,
    DicomUpload,
    DocumentDownload,
    ExperimentCopy,
    FilesUpload,
    FileToSend,
    ItemShare,
    ListedResource,
    Outdated,
    ProjectCopy,
    ResourceCopy,
    ResourceDownload,
    ScanCopy,
    SessionImport,
    Work,
)

FILE = FileToSend("/in/a\udcff.dcm", "a.dcm", 3, 1, 9)
BOUND = Binding("P", "xnat", ("http://lab", "/data/projects/P", "/data/projects/P", "P"))
FULL: tuple[Work, ...] = (
    ProjectCopy("A title", "P2", {"accessibility": "private"}, ("xnat:subjectData",)),
    ExperimentCopy(imported=True),
    ScanCopy("xnat:mrScanData", imported=True),
    ResourceCopy("R", "7", "out", "a.txt", 0, "TXT", "doc", "v1", "a,b", exists=True, refused=("b.txt",)),
    SessionImport((ListedResource("/data/experiments/E/scans/1/resources/2", None),)),
    ItemShare("S_1", "P", "S1"),
    ResourceDownload(
        "P/S", "1__", "http://lab", "lab:P/S", "projects/P", folds=True, names=(BOUND,), left=("c",),
        places={"a.nii": "sub-1/a.nii"}, images=(BidsImage("a.nii", "sub-1/a", ".nii", acquired="now"),),
    ),
    DocumentDownload("lab:P", "projects/P", (BOUND,)),
    DatasetDescription({"sub-1": {"sex": "F"}}),
    FilesUpload((FILE,)),
    DicomUpload((FILE,), "archive", "append"),
    Outdated("It cannot."),
)  # fmt: skip


def step(work: Work) -> Step:
    return Step(
        number=2,
        action=Action.UPLOAD,
        work=work,
        path="subjects/S",
        kind=Kind.SUBJECT,
        source=End("lab", "/data/subjects/S_1", "S_1", "xnat:subjectData"),
        target=End("qc", "/data/projects/P/subjects/S"),
        files=1,
        bytes=10,
        reason="why",
        needs=(1,),
        session="/data/projects/P/subjects/S",
        lineage=Lineage("P", "S"),
        stays_behind=True,
        unread=True,
        replaces=True,
    )


def again(document: dict[str, Any]) -> dict[str, Any]:
    """As it comes out of a file."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


@pytest.mark.parametrize("work", FULL, ids=lambda work: work.task)
def test_a_step_comes_back_equal_whatever_it_carries(work):
    document = again(step_document(step(work)))
    assert document["work"]["task"] == work.task
    assert step_of(document) == step(work)


def test_every_kind_has_a_word_of_its_own():
    assert {kind.task for kind in KINDS.values()} == set(KINDS)
    assert {type(work).task for work in FULL} <= set(KINDS)


@pytest.mark.parametrize(
    "options",
    [
        CopyOptions(mode=Mode.FILE, bandwidth=5, event_reason="a move"),
        ExportOptions(layout=Layout.BIDS, bids_map="/map.csv"),
        UploadOptions(verify=False),
    ],
    ids=lambda options: options.verb,
)
def test_a_plan_comes_back_equal_with_the_options_of_its_verb(options):
    plan = Plan(
        options,
        ("lab:P",),
        "qc:P",
        (step(FULL[0]), step(FULL[1])),
        findings=(Finding("info", "x", "y"),),
        command="xnat-tui",
        root="P",
        left_out=(LeftOut("a", "b"),),
    )
    document = again(plan_document(plan))
    assert document["verb"] == options.verb
    assert plan_of(document) == plan


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "2"},
        {"action": "explode"},
        {"needs": ["1"]},
        {"replaces": "yes"},
        {"work": {"task": "none", "data": "x"}},
        {"work": {"task": "fly"}},
        {"work": {"task": "share"}},
        {"work": {"task": "resource", "recorded": "7"}},
        {"work": {"task": "files", "files": [["/a", "a", "three"]]}},
        {"work": {"task": "project", "settings": "{}"}},
        {"work": []},
    ],
    ids=str,
)
def test_what_is_no_step_is_never_taken_for_one(wrong):
    document = again(step_document(step(FULL[0])))
    with pytest.raises((ValueError, TypeError, LookupError)):
        step_of(document | wrong)


def test_options_of_no_verb_are_refused():
    document = again(plan_document(Plan(CopyOptions(), (), "qc:P", ())))
    for wrong in ({"verb": "fly"}, {"options": {"workers": "4"}}, {"options": {"mode": "turbo"}}):
        with pytest.raises((ValueError, LookupError)):
            plan_of(document | wrong)


def test_a_step_tells_its_kind_of_work_or_of_item():
    assert step(FULL[3]).task == "resource"
    assert replace(step(FULL[3]), work=KINDS["none"]()).task == "subject"
