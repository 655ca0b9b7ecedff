"""The command line as a whole: verbs, the explorer without one, and how every run ends."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from xnat_tui.cli.exit_codes import ExitCode, exit_code
from xnat_tui.cli.locations import LOCATION, saved_servers
from xnat_tui.cli.state import HELP_NAMES, State, attach_global_options, global_options
from xnat_tui.cli.verbs import LazyGroup
from xnat_tui.errors import Interrupted, UsageError, XnatTuiError

_EXPLORE = "explore"


class Root(LazyGroup):
    """Takes locations in a verb's place, and turns whatever ends a run into a message and an exit code."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> int:
        """Run and exit. With `standalone_mode=False` the exit code is returned."""
        arguments = list(sys.argv[1:] if args is None else args)
        state = State()
        code = self._run(arguments, prog_name or "xnat-tui", complete_var, state, **extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(
        self, arguments: list[str], name: str, complete_var: str | None, state: State, **extra: Any
    ) -> int:
        try:
            try:
                ended = super().main(arguments, name, complete_var, standalone_mode=False, obj=state, **extra)
                sys.stdout.flush()
                return ended if isinstance(ended, int) else ExitCode.DONE
            except _Gone:
                raise
            except click.exceptions.NoArgsIsHelpError as error:
                click.echo(error.format_message(), err=True)
                return ExitCode.USAGE
            except click.ClickException as error:
                state.json = state.json or "--json" in arguments
                return _end(state, _translated(error))
            except (click.Abort, KeyboardInterrupt):
                return _end(state, Interrupted("Interrupted.", "What was not finished can be started again."))
            except XnatTuiError as error:
                return _end(state, error)
            except OSError as error:
                if isinstance(error, BrokenPipeError):
                    raise
                return _end(state, _unwritten(error))
        except (BrokenPipeError, _Gone):
            # The interpreter flushes once more on its way out, and would complain then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return ExitCode.BROKEN_PIPE

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **extra)
        except BrokenPipeError as error:
            raise _Gone from error

    def invoke(self, context: click.Context) -> Any:
        """Faults and broken pipes are caught here: click would turn them into exit code 1, "differences"."""
        try:
            return super().invoke(context)
        except BrokenPipeError as error:
            raise _Gone from error
        except (click.ClickException, click.Abort, click.exceptions.Exit, XnatTuiError):
            raise
        except OSError as error:
            raise _unwritten(error) from error
        except Exception as error:
            import logging

            logging.getLogger("xnat_tui").exception("A fault of the program ended it.")
            raise _fault(context, error) from error

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(context, args[0])
        if command is not None:
            return args[0], command, args[1:]
        if ":" in args[0]:
            return _EXPLORE, _explore(), args
        if context.resilient_parsing:
            return None, None, args
        raise UsageError(f"{args[0]!r} is neither a verb nor a location.", self._nearest(context, args[0]))

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """What can stand first: a verb, an option, a saved server."""
        servers = LOCATION.shell_complete(context, self.params[0], incomplete)
        return [*super().shell_complete(context, incomplete), *servers]

    def _nearest(self, context: click.Context, word: str) -> str:
        near = difflib.get_close_matches(word, self.list_commands(context), 1, 0.5)
        if word in saved_servers():
            return f"Did you mean the server {word + ':'!r}?"
        if near:
            return f"Did you mean {near[0]!r}? All verbs: xnat-tui --help"
        return "A location is written NAME:PATH, or is an address. All verbs: xnat-tui --help"


class _Gone(Exception):
    """Nobody reads the output any more."""


class _Fault(XnatTuiError):
    """An error of this program."""

    title = "Fault"


@click.command(
    "xnat-tui",
    cls=Root,
    invoke_without_command=True,
    subcommand_metavar="[VERB ... | [SOURCE [DESTINATION]]]",
    epilog="A location is NAME:PROJECT/SUBJECT/SESSION, or an address pasted from the browser.",
    context_settings={"help_option_names": HELP_NAMES},
)
@click.option("--ascii", is_flag=True, help="Draw the explorer with plain characters.")
@click.pass_context
def cli(context: click.Context, ascii: bool) -> Any:
    """Explore two XNAT servers side by side; compare, export and copy what you picked.

    Without a verb the explorer opens.
    """
    state = context.ensure_object(State)
    state.ascii = ascii
    if context.invoked_subcommand is None:
        return context.invoke(_explore())
    return None


cli.params.extend(global_options())


def _explore() -> click.Command:
    from xnat_tui.cli.explore import explore

    return attach_global_options(explore)


def _translated(error: click.ClickException) -> XnatTuiError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "xnat-tui"
    path = path.removesuffix(f" {_EXPLORE}")
    return UsageError(error.format_message(), f"See: {path} --help")


def _end(state: State, error: XnatTuiError) -> ExitCode:
    state.output.error(error)
    return ExitCode.FAULT if isinstance(error, _Fault) else exit_code(error)


def _unwritten(error: OSError) -> XnatTuiError:
    """An error of the disk, or of the output itself, which has no name."""
    reason = error.strerror or _first_line(error)
    if error.filename:
        return XnatTuiError(f"{error.filename}: {reason}.", "Look at the space, the rights and the path.")
    return XnatTuiError(f"Writing failed: {reason}.", "Look at where the output goes, and the space there.")


def _fault(context: click.Context, error: Exception) -> _Fault:
    from xnat_tui import logs

    log = context.ensure_object(State).log or logs.log_file()
    return _Fault(
        f"xnat-tui failed unexpectedly: {type(error).__name__}: {_first_line(error)}",
        f"The details are in {log}. Please report this.",
    )


def _first_line(error: Exception) -> str:
    from xnat_tui.logs import redact

    return redact(str(error).partition("\n")[0])
