"""`jobs`: transfers remembered in the journal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Group
from xnat_tui.cli.running import follow, outcome_words
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.display import exactly, short_size, size_words
from xnat_tui.model.transfer import State as JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnat_tui.jobs.job import Job
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.watch import JobView

_JOB = click.argument("job", metavar="[ID]", required=False)


@click.group(cls=Group)
def jobs() -> None:
    """Show, resume and retry transfers.

    Without an ID the newest is meant: of those that can go on, or where something failed, if there are any.
    """


@jobs.command("list")
@pass_state
def list_(state: State) -> int:
    """All transfers that the journal remembers, the newest first."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.watch import Watch

    with Journal() as journal:
        views = Watch(journal).jobs()
    if state.output.wants_json:
        document = {"items": [_row(view) for view in views], "changed": [], "failed": []}
        state.output.document(document)
    elif not views:
        state.output.note("No transfer is remembered.")
    else:
        state.output.table(
            ["job", "state", "files", "bytes", "failed", "left", "what"],
            [
                (
                    view.id,
                    str(view.state),
                    f"{view.files_done} of {view.files_total}",
                    f"{short_size(view.bytes_done)} of {short_size(view.bytes_total)}",
                    str(view.failures),
                    str(view.left),
                    view.title,
                )
                for view in views
            ],
            right=["files", "bytes", "failed", "left"],
            whole=["state"],
        )
    return ExitCode.DONE


def _row(view: JobView) -> dict[str, Any]:
    return {
        "job": view.id,
        "verb": view.verb,
        "state": str(view.state),
        "title": view.title,
        "files_done": view.files_done,
        "files_total": view.files_total,
        "bytes_done": view.bytes_done,
        "bytes_total": view.bytes_total,
        "failures": view.failures,
        "left": view.left,
        "created": datetime.fromtimestamp(view.created).astimezone().isoformat(timespec="seconds"),
        "note": view.note,
    }


@jobs.command()
@_JOB
@click.option(
    "--report",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write what a de-identification did: .html, .md or .json, without any old value.",
)
@pass_state
def show(state: State, job: str | None, file: Path | None) -> int:
    """The report of one transfer."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.reporting import report

    with Journal() as journal:
        found = report(journal, _known(journal, job))
        title = journal.job(found.job).title
        options = journal.plan_without_steps(found.job).options
    if file is not None:
        from xnat_tui.services.transfers.deidentified import account

        account.write(found, options, file.expanduser())
    if state.output.wants_json:
        state.output.document(found.to_dict())
        return ExitCode.DONE
    verified, kept = found.verified, found.attributes
    for name, value in (
        ("job", found.job),
        ("what", title),
        ("state", outcome_words(found)),
        ("items", f"{found.done_items} done, {len(found.failed)} failed"),
        ("files", f"{found.done_files} sent ({size_words(found.done_bytes)}), {found.skipped} there already"),
        (
            "verified",
            f"{verified.digest} by digest, {verified.size} by size, {verified.unverified} unverified",
        ),
        ("attributes", f"{kept.proved} as planned, {kept.lost} not kept"),
        ("took", exactly(found.seconds)),
        *([("note", found.note)] if found.note else []),
    ):
        state.output.line(f"{name + ':':<12}{value}")
    for failure in found.failed:
        state.output.line(f"! {failure.path}: {failure.error}")
        if failure.hint:
            state.output.line(f"  hint: {failure.hint}")
    for left in found.treated.held if found.treated is not None else ():
        state.output.line(f"held {left.path}: {left.reason}")
    for left in found.left if found.treated is None else ():
        state.output.line(f"= {left.path}: {left.reason}")
    for one in found.arrived:
        state.output.line(f"→ {one.path}: {one.words}")
    return ExitCode.DONE


@jobs.command()
@_JOB
@click.option("--detach", is_flag=True, help="Start in the background.")
@pass_state
def resume(state: State, job: str | None, detach: bool) -> int:
    """Go on with a transfer that was stopped, exactly where it was."""
    from xnat_tui.jobs.journal import Journal

    with Journal() as journal:
        name = _known(journal, job, lambda known: known.state is not JobState.DONE)
    return _go_on(state, name, detach=detach)


@jobs.command()
@_JOB
@click.option("--detach", is_flag=True, help="Start in the background.")
@pass_state
def retry(state: State, job: str | None, detach: bool) -> int:
    """Try again what failed in a transfer; what is done or was left alone is not sent again.

    What could not be read as the transfer was planned needs a new plan, which the hint names.
    """
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.reporting import not_retried

    with Journal() as journal:
        name = _known(journal, job, lambda known: known.state is JobState.FAILED)
        again = journal.retry(name)
        refusal = None if again else not_retried(journal, name)
    if again:
        return _go_on(state, name, detach=detach)
    _document(state, name)
    if refusal is not None:
        raise refusal
    state.output.note(f"Nothing failed in {name}.")
    return ExitCode.DONE


def _go_on(state: State, job: str, *, detach: bool) -> int:
    """Have a worker take a job up again; follow it, unless it is to run in the background."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.services.transfers.running import worker

    with Journal() as journal, state.workspace() as workspace:
        if journal.job(job).state is not JobState.DONE:
            workspace.ask_passwords(journal.plan(job).servers)
        typed = workspace.typed_passwords
    running = worker.resume(job, passwords=typed, insecure=state.insecure)
    if not detach:
        return follow(state, running)
    _document(state, job)
    state.output.note(f"{job} runs in the background. See it with: xnat-tui jobs show {job}")
    return ExitCode.DONE


def _document(state: State, job: str) -> None:
    """The report as it stands now, where a script waits for one."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.reporting import report

    if state.output.wants_json:
        with Journal() as journal:
            state.output.document(report(journal, job).to_dict())


@jobs.command()
@_JOB
@pass_state
def forget(state: State, job: str | None) -> int:
    """Drop a transfer from the journal; what it moved stays.

    One that can still go on is only dropped by its ID.
    """
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.reporting import report
    from xnat_tui.services.transfers.running import worker

    with Journal() as journal:
        name = _known(journal, job)
        found = report(journal, name)
        if job is None and found.state is not JobState.DONE:
            raise UsageError(
                f"{name} is {found.state} and can go on.", f"Name it: xnat-tui jobs forget {name}"
            )
    worker.forget(name)
    if state.output.wants_json:
        state.output.document(found.to_dict())
    state.output.note(f"Forgot {name}.")
    return ExitCode.DONE


def _known(journal: Journal, job: str | None, wanted: Callable[[Job], bool] = lambda _: True) -> str:
    """The job of this ID; without one the newest that is wanted, or else the newest."""
    if job is not None:
        return journal.job(job).id
    known = journal.jobs()
    if not known:
        raise NotFound("No transfer is remembered.", "Start one with: xnat-tui export, copy or upload")
    return next((row.id for row in known if wanted(row)), known[0].id)
