"""Consent: no verb changes a server before its plan was shown and agreed to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import click

from xnat_tui.cli import state as terminal
from xnat_tui.cli.help import ConsentOption
from xnat_tui.cli.output import Output
from xnat_tui.config import Server
from xnat_tui.errors import Forbidden, Interrupted, UsageError
from xnat_tui.model.display import clean, clean_lines


@dataclass(frozen=True, slots=True)
class Consent:
    """What the options of a writing verb say about going on."""

    dry_run: bool = False
    yes: bool = False
    confirm: tuple[str, ...] = ()
    """Project IDs whose items may be deleted or overwritten."""

    def given(
        self,
        output: Output,
        question: str,
        *,
        servers: Iterable[Server],
        destroys: Collection[str] = (),
    ) -> bool:
        """Whether to go on after the plan was printed; False means that it ends with the plan (--dry-run).

        `servers` are those that would be written to, `destroys` the IDs of projects in which something would
        be deleted or overwritten.
        Raises Forbidden for a read-only server, UsageError where nobody can be asked or a project's ID is
        wrong, Interrupted when the answer is no.
        """
        if self.dry_run:
            output.note("Nothing was written (--dry-run).")
            return False
        refuse_read_only(servers)
        if destroys and (wrong := [project for project in self.confirm if project not in destroys]):
            raise UsageError(
                f"--confirm {wrong[0]} names no project that this would overwrite or delete in.",
                f"It would do so in: {', '.join(sorted(destroys))}.",
            )
        if not terminal.has_terminal():
            self._check_complete(destroys)
        typed = False
        for project in sorted(destroys):
            typed |= self._confirm_project(project)
        if not self.yes and not typed and not click.confirm(clean_lines(question), err=True):
            raise Interrupted("Nothing was written.")
        return True

    def _check_complete(self, destroys: Collection[str]) -> None:
        """Raises UsageError where nobody can be asked and options are lacking; it names all of them."""
        projects = [project for project in sorted(destroys) if project not in self.confirm]
        lacking = [*([] if self.yes else ["--yes"]), *(f"--confirm {project}" for project in projects)]
        if not lacking:
            return
        told = [] if self.yes else ["There is no terminal to ask for consent on."]
        if projects:
            noun = "project" if len(projects) == 1 else "projects"
            told.append(f"This deletes or overwrites in {noun} {', '.join(projects)}.")
        beside = "" if self.yes else ", or --dry-run to see the plan only"
        raise UsageError(" ".join(told), f"Add {' '.join(lacking)} to go on{beside}.")

    def _confirm_project(self, project: str) -> bool:
        """Whether the ID had to be typed, which is consent enough."""
        if project in self.confirm:
            return False
        answer = click.prompt(
            f"This deletes or overwrites in project {clean(project)}. Type its ID to go on",
            err=True,
            default="",
            show_default=False,
        )
        if answer.strip() != project:
            raise Interrupted("Nothing was written: the project's ID was not typed.")
        return True


def refuse_read_only(servers: Iterable[Server]) -> None:
    """Raises Forbidden when one of them is marked read-only in `config.toml`."""
    for server in servers:
        if server.read_only:
            raise Forbidden(
                f"{server.name} is marked as read-only.",
                f"Set read_only = false under [servers.{server.name}] in config.toml to write to it.",
            )


_option = functools.partial(click.option, cls=ConsentOption)


def write_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-n/--dry-run`, `-y/--yes` and `--confirm`, handed over as `consent: Consent`."""

    @_option("-n", "--dry-run", is_flag=True, help="Print the plan and write nothing.")
    @_option("-y", "--yes", is_flag=True, help="Go on without asking.")
    @_option(
        "--confirm",
        multiple=True,
        metavar="PROJECT",
        help="Agree to deleting or overwriting in PROJECT, as typing its ID would.",
    )
    @functools.wraps(function)
    def with_consent(*arguments: Any, dry_run: bool, yes: bool, confirm: tuple[str, ...], **rest: Any) -> Any:
        return function(*arguments, consent=Consent(dry_run, yes, confirm), **rest)

    return with_consent


def local_write_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `write_options`, for what changes no server: only replacing files of one's own is asked about."""

    @_option("-n", "--dry-run", is_flag=True, help="Print the plan and write nothing.")
    @_option("-y", "--yes", is_flag=True, help="Do not ask before replacing files.")
    @click.option("--confirm", multiple=True, hidden=True, callback=_refuse_confirm, expose_value=False)
    @functools.wraps(function)
    def with_consent(*arguments: Any, dry_run: bool, yes: bool, **rest: Any) -> Any:
        return function(*arguments, consent=Consent(dry_run, yes), **rest)

    return with_consent


def _refuse_confirm(context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> None:
    if value:
        raise click.UsageError("--confirm means nothing here: no server is changed.", context)
