"""`jobs`: transfers remembered in the journal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.running import follow
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError
from xnat_tui.model.display import short_size
from xnat_tui.model.transfer import State as JobState

if TYPE_CHECKING:
    from xnat_tui.jobs.watch import JobView


@click.group()
def jobs() -> None:
    """Show, resume and retry transfers."""


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
            ["job", "state", "files", "bytes", "failed", "what"],
            [
                (
                    view.id,
                    str(view.state),
                    f"{view.files_done} of {view.files_total}",
                    f"{short_size(view.bytes_done)} of {short_size(view.bytes_total)}",
                    str(view.failures),
                    view.title,
                )
                for view in views
            ],
            right=["files", "bytes", "failed"],
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
        "created": datetime.fromtimestamp(view.created).astimezone().isoformat(timespec="seconds"),
        "note": view.note,
    }


@jobs.command()
@click.argument("job", metavar="ID", required=False)
@pass_state
def show(state: State, job: str | None) -> int:
    """The report of one transfer (by default the newest)."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.reporting import report

    with Journal() as journal:
        found = report(journal, _known(journal, job))
        title = journal.job(found.job).title
    if state.output.wants_json:
        state.output.document(found.to_dict())
        return ExitCode.DONE
    verified = found.verified
    for name, value in (
        ("job", found.job),
        ("what", title),
        ("state", str(found.state)),
        ("items", f"{found.done_items} done, {len(found.failed)} failed"),
        ("files", f"{found.done_files} sent ({short_size(found.done_bytes)}), {found.skipped} there already"),
        (
            "verified",
            f"{verified.digest} by digest, {verified.size} by size, {verified.unverified} unverified",
        ),
        ("seconds", f"{found.seconds:.1f}"),
    ):
        state.output.line(f"{name + ':':<10}{value}")
    for failure in found.failed:
        state.output.line(f"! {failure.path}: {failure.error}")
        if failure.hint:
            state.output.line(f"  hint: {failure.hint}")
    return ExitCode.DONE


@jobs.command()
@click.argument("job", metavar="ID", required=False)
@click.option("--detach", is_flag=True, help="Start in the background.")
@pass_state
def resume(state: State, job: str | None, detach: bool) -> int:
    """Go on with a transfer that was stopped, exactly where it was."""
    from xnat_tui.jobs.journal import Journal

    with Journal() as journal:
        name = _known(journal, job)
    return _go_on(state, name, detach=detach)


@jobs.command()
@click.argument("job", metavar="ID", required=False)
@click.option("--detach", is_flag=True, help="Start in the background.")
@pass_state
def retry(state: State, job: str | None, detach: bool) -> int:
    """Try again what failed in a transfer; what is done is not sent again."""
    from xnat_tui.jobs.journal import Journal

    with Journal() as journal:
        name = _known(journal, job)
        again = journal.retry(name)
    if not again:
        state.output.note(f"Nothing failed in {name}.")
        return ExitCode.DONE
    return _go_on(state, name, detach=detach)


def _go_on(state: State, job: str, *, detach: bool) -> int:
    """Have a worker take a job up again; follow it, unless it is to run in the background."""
    from xnat_tui.services import worker

    running = worker.resume(job, insecure=state.insecure)
    if detach:
        state.output.note(f"{job} runs in the background.")
        return ExitCode.DONE
    return follow(state, running)


@jobs.command()
@click.argument("job", metavar="ID")
@pass_state
def forget(state: State, job: str) -> int:
    """Drop a transfer from the journal; what it moved stays."""
    from xnat_tui.jobs.journal import Journal

    with Journal() as journal:
        journal.forget(job)
    state.output.note(f"Forgot {job}.")
    return ExitCode.DONE


def _known(journal: Any, job: str | None) -> str:
    if job is not None:
        return journal.job(job).id  # type: ignore[no-any-return]
    known = journal.jobs()
    if not known:
        raise UsageError("No transfer is remembered.")
    return str(known[0].id)


__all__ = ["JobState", "jobs"]
