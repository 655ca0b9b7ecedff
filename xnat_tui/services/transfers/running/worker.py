"""The process that runs one job: `python -m xnat_tui.services.transfers.running.worker JOB`.

`start` puts it out of reach of terminal and session, so that closing the explorer or losing an SSH connection
does not stop it. Credentials are found again by the worker itself; a password that somebody typed reaches it
through a pipe, never through its command line or environment.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path

import xnat_tui
from xnat_tui import logs
from xnat_tui.credentials import Secret
from xnat_tui.errors import ConfigError, XnatTuiError
from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.claim import Claim
from xnat_tui.jobs.job import Trouble
from xnat_tui.jobs.journal import Journal, error_of
from xnat_tui.jobs.runner import run
from xnat_tui.jobs.threads import DaemonThreads
from xnat_tui.model.display import clean_lines
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import State
from xnat_tui.paths import private_folder, state_folder
from xnat_tui.services.servers import Prompt
from xnat_tui.services.transfers.running.elsewhere import Prepared, on_cluster, scheduler_of
from xnat_tui.services.transfers.running.following import Worker
from xnat_tui.services.transfers.running.opening import Compose, compose

NICENESS = 10
"""A transfer at full speed then leaves the explorer beside it the processor."""
COMMAND = (sys.executable, "-P", "-m", "xnat_tui.services.transfers.running.worker")
"""-P: a folder full of downloaded files is no place to import modules from."""
_STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Held back from the start until the claim is sure to be given back."""
_EXIT = {State.DONE: 0, State.FAILED: 6, State.PAUSED: 130, State.CANCELLED: 130}
_UNREACHABLE = 3
_log = logging.getLogger(__name__)


def start(
    job: str,
    *,
    passwords: Mapping[str, Secret] | None = None,
    insecure: bool = False,
    scheduler: str = "",
    command: Sequence[str] = COMMAND,
) -> Worker:
    """Run a job in a process of its own, and come back as soon as that has taken it up.

    `passwords`, by server name, are what the user typed; the worker asks nobody. With the address of a Dask
    `scheduler` the steps run on its cluster, whose machines find credentials of their own. A job that was
    paused or cancelled needs `Journal.resume` first; `resume` here does both. Raises NotFound, Conflict when
    the job is being run already, and whatever keeps the worker from beginning.
    """
    with Journal() as journal:
        journal.job(job)
        events = journal.events(job)
    log = log_file(job)
    typed = {name: secret.reveal() for name, secret in (passwords or {}).items()}
    options = ["--daemon", *(["--insecure"] if insecure else [])]
    options += ["--scheduler", scheduler] if scheduler else []
    with _private_log(log) as stream:
        process = subprocess.Popen(  # noqa: S603  (our own program)
            [*command, *options, job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            start_new_session=True,
            env=_environment(),
        )
        answer, _ = process.communicate(json.dumps(typed).encode())
    if not answer:
        raise XnatTuiError("The worker process could not be started.", f"Its log says why: {log}")
    if trouble := json.loads(answer):
        raise error_of(Trouble(**trouble))
    return Worker(job, after=events[-1].number if events else 0)


def resume(
    job: str,
    *,
    passwords: Mapping[str, Secret] | None = None,
    insecure: bool = False,
    scheduler: str = "",
    command: Sequence[str] = COMMAND,
) -> Worker:
    """Let a paused, interrupted or cancelled job go on: in its worker if that lives, else in a new one."""
    with Journal() as journal:
        if journal.resume(job):
            return Worker(job)
    return start(job, passwords=passwords, insecure=insecure, scheduler=scheduler, command=command)


def forget(job: str) -> None:
    """Remove a job from the journal, and its workers' logs. Raises NotFound, Conflict while one runs it."""
    with Journal() as journal:
        journal.forget(job)
    log = log_file(job)
    for file in (log, *log.parent.glob(f"{log.name}.[0-9]")):
        file.unlink(missing_ok=True)


def _give_way() -> None:
    """Leave the processor to others, who are people at work.

    Linux gives each session of processes an equal share (`autogroup`, sched(7)): a process alone in its
    session is nice to nobody before that is.
    """
    os.nice(NICENESS)
    for pause in (0.1, 0.2, 0.0):  # the kernel takes one such wish in 100 ms, from all users together
        try:
            Path("/proc/self/autogroup").write_text(str(NICENESS))
        except BlockingIOError:
            time.sleep(pause)
        except OSError:
            return  # a system without such groups
        else:
            return


def log_file(job: str) -> Path:
    """Where the worker of a job writes; readable by this user only."""
    return state_folder() / "logs" / f"{job}.log"


def main(arguments: Sequence[str] | None = None, compose: Compose = compose) -> int:
    """Run a job to its end; the exit code is that of the verb that would have run it.

    With `--daemon` the passwords come as a JSON object on stdin, and stdout says `{}` or why it cannot begin;
    the work is then done by a child that nobody waits for.
    """
    parser = argparse.ArgumentParser(prog="python -m xnat_tui.services.transfers.running.worker")
    parser.add_argument("job")
    parser.add_argument("--insecure", action="store_true", help="do not check TLS certificates")
    parser.add_argument("--scheduler", default="", help="run the steps on this Dask cluster: tcp://HOST:PORT")
    parser.add_argument("--daemon", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in _STOPPING:  # SIGINT too: a shell's background jobs inherit it ignored
        signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    passwords: dict[str, str] = {}
    if options.daemon:
        passwords = json.loads(sys.stdin.buffer.read() or b"{}")
        if os.fork():
            os._exit(0)
    _give_way()
    try:
        with Journal() as journal:
            claim = journal.claim(options.job)
            log = log_file(options.job)
            logs.set_up(file=log)
            if options.daemon:
                _tell({})
                _redirect(log)
            prompt = _answer(passwords)

            def prepare(plan: Plan) -> AbstractContextManager[Prepared]:
                if scheduler := options.scheduler or scheduler_of(plan):
                    return on_cluster(scheduler, options.job, plan, options.insecure)
                return _here(compose(plan, prompt, options.insecure))

            return _work(journal, claim, prepare)
    except XnatTuiError as error:
        if options.daemon:
            _tell(asdict(Trouble(type(error).__name__, error.message, error.hint)))
        else:
            hint = f"\n\nhint: {error.hint}" if error.hint else ""
            sys.stderr.write(clean_lines(f"{error.message}{hint}\n"))
        return 2
    finally:
        logs.tear_down()


@contextmanager
def _here(composed: AbstractContextManager[Execute]) -> Iterator[Prepared]:
    with composed as execute:
        yield execute, DaemonThreads


def _work(journal: Journal, claim: Claim, prepare: Callable[[Plan], AbstractContextManager[Prepared]]) -> int:
    """From the claim on, the journal is where the user reads what became of it."""
    job, code = claim.job, 2
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        plan = journal.plan(job)
        with prepare(plan) as (execute, factory):
            workers = plan.options.workers
            report = run(journal, job, execute, workers=workers, executor_factory=factory, claim=claim)
            code = _UNREACHABLE if journal.job(job).trouble else _EXIT[report.state]
    except KeyboardInterrupt:
        claim.let_go("Interrupted; it can be resumed.")
        return 130
    except Exception as error:  # noqa: BLE001  (kept in the journal, where its user will look for it)
        _log.error("The worker of job %s met an error", job, exc_info=error)
        if claim.let_go("Its worker was stopped by an error.") and code == 2:
            journal.trouble(job, _in_words(error, job))
    return code


def _in_words(error: Exception, job: str) -> XnatTuiError:
    if isinstance(error, XnatTuiError):
        return error
    return XnatTuiError(f"The worker failed: {type(error).__name__}.", f"The details: {log_file(job)}")


def _answer(passwords: Mapping[str, str]) -> Prompt:
    """Answers `credentials.find`, whose question ends with the server's name, or stands there itself."""

    def answer(question: str) -> str:
        if question in passwords:
            return passwords[question]
        return next((typed for name, typed in passwords.items() if question.endswith(f" at {name}")), "")

    return answer


def _tell(message: Mapping[str, str]) -> None:
    """Answer the process that started this one, which reads until the pipe closes."""
    sys.stdout.write(json.dumps(message))
    sys.stdout.flush()


def _redirect(log: Path) -> None:
    """Let go of the starter's pipes; what anything still prints goes to the log."""
    with _private_log(log) as stream, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(stream, 1)
        os.dup2(stream, 2)


@contextmanager
def _private_log(log: Path) -> Iterator[int]:
    """Raises ConfigError where it cannot be written."""
    try:
        private_folder(log.parent)
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"The log {log} cannot be written: {error.strerror}.",
            "Look at the space and the rights there, or set another state folder in XNAT_TUI_STATE.",
        ) from None
    try:
        yield stream
    finally:
        os.close(stream)


def _environment() -> dict[str, str]:
    """This process's, with the package importable where it is run from a checkout."""
    environment = dict(os.environ)
    root = str(Path(xnat_tui.__file__).parents[1])
    if root not in (*site.getsitepackages(), site.getusersitepackages()):
        paths = [environment.get("PYTHONPATH", ""), root]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


if __name__ == "__main__":
    sys.exit(main())
