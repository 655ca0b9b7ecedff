"""From a plan to a report: shown, agreed to, run by a worker of its own, followed with a progress bar."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from xnat_tui.cli.confirm import Consent, refuse_read_only
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.progress import bar
from xnat_tui.cli.state import State
from xnat_tui.errors import Conflict, ServerUnreachable
from xnat_tui.model.display import counted, short_size, size_words
from xnat_tui.model.plan import SIGNS, Action, LeftOut, Plan
from xnat_tui.model.transfer import Report, Treated
from xnat_tui.model.transfer import State as JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnat_tui.services.transfers.running.following import Worker
    from xnat_tui.services.workspace import Workspace


def run_plan(state: State, workspace: Workspace, plan: Plan, consent: Consent, *, detach: bool) -> int:
    """The end of every transfer verb; its exit code."""
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.services.transfers.running import worker

    show_plan(state, plan)
    if consent.dry_run:
        if state.output.wants_json:
            state.output.document(planned(plan))
        consent.given(state.output, "", servers=())
        return ExitCode.NOT_FOUND if plan.blocked and not plan.steps else ExitCode.DONE
    targets = {step.target.server for step in plan.steps if step.target.server}
    refuse_read_only(workspace.server(name) for name in sorted(targets))
    if plan.blocked:
        why = "; the reasons stand above."
        if state.output.wants_json:
            why = ". " + " ".join(one.message for one in plan.findings if one.severity == "error")
        raise Conflict(f"This plan cannot be run{why}", "Mend that, then plan again.")
    if plan.asks:
        consent.given(
            state.output,
            f"{plan.verb.capitalize()} this to {plan.destination}?",
            servers=[workspace.server(name) for name in sorted(targets)],
            destroys={plan.root} if plan.destroys else (),
        )
    with Journal() as journal:
        job = workspace.remember(plan, journal)
    running = worker.start(job, passwords=workspace.typed_passwords, insecure=state.insecure)
    if detach:
        return _detached(state, job, plan)
    return follow(state, running, plan.left_out)


def wait(state: State, running: Worker) -> Report:
    """Watch a job that a worker runs until it ends. Raises ServerUnreachable where it is paused for that."""
    with bar(state) as on_view:
        return running.wait(on_view=on_view)


def follow(state: State, running: Worker, left_out: Sequence[LeftOut] = ()) -> int:
    """Watch a job that a worker runs until it ends, and report.

    Raises ServerUnreachable, with the report told, for a job that is paused because of that.
    """
    from xnat_tui.jobs.journal import Journal
    from xnat_tui.jobs.reporting import report

    try:
        ended = wait(state, running)
    except ServerUnreachable as error:
        with Journal() as journal:
            paused = report(journal, running.job)
        if error.message in paused.note:  # else its worker could not even begin
            tell(state, paused)
        raise
    return tell(state, _with(ended, left_out))


def _with(report: Report, left_out: Sequence[LeftOut]) -> Report:
    """What was never part of the job stands beside what became of it."""
    if not left_out:
        return report
    return replace(report, extra={**report.extra, "left_out": [asdict(one) for one in left_out]})


def tell(state: State, report: Report) -> int:
    """Print a report; the exit code that it deserves."""
    if state.output.wants_json:
        state.output.document(report.to_dict())
    tell_in_words(state, report)
    if report.state in (JobState.PAUSED, JobState.CANCELLED):
        state.output.note(f"Go on with: xnat-tui jobs resume {report.job}")
        return ExitCode.INTERRUPTED
    if report.failed or report.state is JobState.FAILED:
        return ExitCode.FAILED
    return ExitCode.DIFFERENCES if report.treated is not None and report.treated.held else ExitCode.DONE


def tell_in_words(state: State, report: Report) -> None:
    """What failed, what arrived where, and the sum of it, beside the document."""
    for failure in report.failed:
        state.output.warning(f"! {failure.path}: {failure.error}")
        if failure.hint:
            state.output.warning(f"  hint: {failure.hint}")
    if report.treated is not None:
        _tell_treated(state, report.treated)
    for one in report.arrived:
        state.output.note(f"{one.path} → {one.words}")
    state.output.note(_summary(report))


def _tell_treated(state: State, treated: Treated) -> None:
    """What is held, each with its reason, and the sum."""
    for left in treated.held:
        state.output.warning(f"held {left.path}: {left.reason}")
    changed, passed = counted(treated.changed, "file"), counted(treated.passed, "file")
    state.output.note(
        f"De-identified {changed}, let {passed} pass, held {counted(len(treated.held), 'item')}."
    )


def planned(plan: Plan) -> dict[str, Any]:
    """The JSON document of a dry run."""
    steps = [
        {
            "action": str(step.action),
            "path": step.path,
            "kind": str(step.kind),
            "files": step.files,
            "bytes": step.bytes,
            "reason": step.reason,
        }
        for step in plan.steps
    ]
    report = Report(job="", state=JobState.PLANNED, plan=plan.totals)
    findings = [asdict(finding) for finding in plan.findings]
    more = {"steps": steps, "findings": findings, "command": plan.command}
    return _with(report, plan.left_out).to_dict() | more


def show_plan(state: State, plan: Plan) -> None:
    """Print what would happen: data on stdout, or with --json a note beside the document that has it."""
    say = state.output.note if state.output.wants_json else state.output.line
    say(f"Plan: {plan.verb} {' '.join(plan.sources)} → {plan.destination}")
    for step in plan.steps:
        size = f"  {counted(step.files, 'file')}  {short_size(step.bytes)}" if step.files else ""
        reason = f"  ({step.reason})" if step.reason else ""
        say(f"  {SIGNS[step.action]} {plan.word(step.action):<8} {step.path or '.'}{size}{reason}")
        if plan.options.deidentify:  # who becomes whom is to be seen, and in no document
            for told in plan.details.get(step.number, ()):
                say(f"      {told.name}: {told.source} → {told.destination}")
    for left in plan.left_out:
        say(f"  - left out {left.path}  ({left.reason})")
    totals = plan.totals
    say(f"{counted(totals.files, 'file')}, {size_words(totals.bytes)}; {_counts(plan)}.")
    sys.stdout.flush()
    for finding in plan.findings:
        speak = state.output.note if finding.severity == "info" else state.output.warning
        speak(f"{finding.severity}: {finding.message}")
        if finding.hint:
            speak(f"  hint: {finding.hint}")


def _counts(plan: Plan) -> str:
    totals = asdict(plan.totals)
    words = [f"{count} {plan.word(name)}" for name, count in totals.items() if count and name in list(Action)]
    words += [f"{len(plan.left_out)} left out"] if plan.left_out else []
    return ", ".join(words) or "nothing to do"


def outcome_words(report: Report) -> str:
    """`done`, or `done, 3 left alone` where the plan announced conflicts."""
    return f"{report.state}, {len(report.left)} left alone" if report.left else str(report.state)


def proof_words(report: Report) -> str:
    """What stands on what: files by evidence, and whose attributes were read back."""
    verified, kept = report.verified, report.attributes
    told = [f"by digest {verified.digest}", f"by size {verified.size}", f"unverified {verified.unverified}"]
    told += [f"attributes of {counted(kept.proved, 'item')}"] if kept.proved else []
    told += [f"attributes of {counted(kept.lost, 'item')} not kept"] if kept.lost else []
    return ", ".join(told)


def _summary(report: Report) -> str:
    return (
        f"{report.job}: {outcome_words(report)}. {counted(report.done_items, 'item')}, "
        f"{counted(report.done_files, 'file')}, "
        f"{size_words(report.done_bytes)} in {report.seconds:.1f} s; "
        f"{counted(report.skipped, 'file')} there already, "
        f"{len(report.failed)} failed. Verified {proof_words(report)}."
    )


def _detached(state: State, job: str, plan: Plan) -> int:
    if state.output.wants_json:
        state.output.document(Report(job=job, state=JobState.QUEUED, plan=plan.totals).to_dict())
    state.output.note(f"{job} runs in the background. See it with: xnat-tui jobs show {job}")
    return ExitCode.DONE
