"""The journal of a million steps: bytes a step on disk, and how long it takes to open, list, show and claim.

Run it from the top of the repository: `python -m tests.bench.bench_journal [STEPS]`. The steps are those of a
copy: of each session one, with twelve scans of one resource each, labels and addresses of usual length. At
most 400 bytes a step and one second for each of the rest are meant to be taken.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.jobs.watch import Watch
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.plan import Action, End, Lineage, Plan, Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.model.work import ExperimentCopy, ResourceCopy, ScanCopy, SubjectCopy, Work

SCANS = 12


def copy_steps(project: str = "BRAINS") -> Iterator[Step]:
    """Those of a copy, without end: subjects, their sessions, and scans with a resource of DICOM each."""
    number = 0
    subject = 0

    def step(
        kind: Kind, path: str, source: End, target: str, work: Work, needs: tuple[int, ...], lineage: Lineage
    ) -> Step:
        nonlocal number
        number += 1
        files = kind is Kind.RESOURCE
        return Step(
            number=number,
            action=Action.UPLOAD if files else Action.CREATE,
            work=work,
            path=path,
            kind=kind,
            source=source,
            target=End("qc", target, "", source.type),
            files=160 if files else 0,
            bytes=84_123_456 + number if files else 0,
            needs=needs,
            session=target.partition("/scans/")[0],
            lineage=lineage,
        )

    while True:
        subject += 1
        who, what = f"SUB-{subject:05}", f"SUB-{subject:05}_MR1"
        path, target = f"subjects/{who}", f"/data/projects/{project}/subjects/{who}"
        end = End("lab", f"/data/subjects/LAB_S{subject:05}", f"LAB_S{subject:05}", "xnat:subjectData")
        yield step(Kind.SUBJECT, path, end, target, SubjectCopy(), (), Lineage(project, who))
        path, target, lineage = (
            f"{path}/experiments/{what}",
            f"{target}/experiments/{what}",
            Lineage(project, who, what),
        )
        session = f"/data/experiments/LAB_E{subject:05}"
        above: tuple[int, ...] = (number,)
        end = End("lab", session, f"LAB_E{subject:05}", "xnat:mrSessionData")
        yield step(Kind.EXPERIMENT, path, end, target, ExperimentCopy(), above, lineage)
        above = (*above, number)
        for scan in map(str, range(1, SCANS + 1)):
            end = End("lab", f"{session}/scans/{scan}", scan, "xnat:mrScanData")
            yield step(
                Kind.SCAN, f"{path}/scans/{scan}", end, f"{target}/scans/{scan}", ScanCopy(), above, lineage
            )
            held = str(1_000_000 + subject * 20 + int(scan))
            work = ResourceCopy("DICOM", held, recorded=160, format="DICOM", content="RAW")
            end = End("lab", f"{session}/scans/{scan}/resources/{held}", held, "DICOM")
            below = f"scans/{scan}/resources/DICOM"
            needs = (*above, number)
            yield step(Kind.RESOURCE, f"{path}/{below}", end, f"{target}/{below}", work, needs, lineage)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def size(path: Path) -> int:
    """Bytes of the journal and of what belongs to it."""
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=1_000_000)
    count = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.sqlite"
        with Journal(path) as journal:
            plan = Plan(CopyOptions(), ("lab:BRAINS",), "qc:BRAINS", tuple(islice(copy_steps(), count)))
            print(f"{count:,} steps are written in {seconds(lambda: journal.create(plan)):.1f} s:")
        print(f"  {size(path) / count:.0f} bytes a step")
        began = time.perf_counter()
        with Journal(path) as journal:
            opened = time.perf_counter() - began
            job = journal.jobs()[0].id
            print(f"  opened in {opened:.3f} s; jobs listed in {seconds(journal.jobs):.3f} s,")
            print(f"  as the queue sees them in {seconds(Watch(journal).jobs):.3f} s,")
            print(f"  one shown in {seconds(lambda: report(journal, job)):.3f} s")
            began = time.perf_counter()
            claim = journal.claim(job)
            print(f"  claimed in {time.perf_counter() - began:.3f} s")
            claim.begin(1, "k")
            keeping = seconds(lambda: claim.record([(Outcome(1, State.DONE), "k")]))
            print(f"  one outcome kept in {keeping * 1000:.1f} ms")
            print(f"  all steps that are queued are read in {seconds(lambda: journal.queued(job)):.1f} s")
    print(f"  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB at most")


if __name__ == "__main__":
    main()
