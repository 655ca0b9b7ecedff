"""What the global options say, and what every verb starts from."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from xnat_tui.cli.help import GlobalOption
from xnat_tui.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from xnat_tui.cli.output import Color, Output
    from xnat_tui.config import Settings
    from xnat_tui.model.notice import Notice
    from xnat_tui.services.workspace import Workspace


@dataclass(slots=True)
class State:
    """The global options, wherever on the line they stood."""

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    log: Path | None = None
    insecure: bool = False
    event_reason: str = ""
    color: Color = "auto"
    ascii: bool = False
    _settings: Settings | None = field(default=None, repr=False)
    _output: Output | None = field(default=None, repr=False)

    @property
    def output(self) -> Output:
        """Where this run speaks. First asked for when the options are read, or reading them failed."""
        if self._output is None:
            from xnat_tui.cli.output import Output

            self._output = Output(wants_json=self.json, quiet=self.quiet, color=self.color)
        return self._output

    @property
    def settings(self) -> Settings:
        """`config.toml` under the global options. Raises ConfigError."""
        if self._settings is None:
            from xnat_tui import config

            settings = config.load()
            if self.insecure:
                settings = settings.without_verification()
            if self.event_reason:
                settings = settings.with_event_reason(self.event_reason)
            if self.ascii:
                settings = replace(settings, ui=replace(settings.ui, ascii=True))
            self._settings = settings
        return self._settings

    def use_settings(self, settings: Settings) -> None:
        """Go on with these in place of `config.toml`."""
        self._settings = settings

    def workspace(self) -> Workspace:
        """A workspace on these settings that asks for passwords where there is a terminal."""
        from xnat_tui.services.workspace import Workspace

        return Workspace(self.settings, prompt=self.prompt, insecure=self.insecure, on_notice=self._notice)

    def _notice(self, notice: Notice) -> None:
        self.output.note(f"{notice.text}\nhint: ctrl+c stops it")

    @property
    def prompt(self) -> Callable[[str], str] | None:
        """Asks for a password, or who signs in; None where nobody can be asked."""
        return ask if has_terminal() else None

    def set_up_logs(self) -> None:
        from xnat_tui import logs

        level = "DEBUG" if self.verbose > 1 else "INFO"
        told = level if self.verbose else None
        try:
            logs.set_up(level, self.log, stderr=told)
        except ConfigError as error:
            if self.log is not None:
                raise
            logs.set_up_without_file(stderr=told)
            self.output.warning(f"{error.message} Going on without a log.")


pass_state = click.make_pass_decorator(State, ensure=True)


def has_terminal() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    from xnat_tui.credentials import is_secret

    hidden = is_secret(question)
    shown = question if hidden else f"{question} (nothing for guest)"
    return click.prompt(shown, hide_input=hidden, err=True, default="", show_default=False, type=str)


def global_options() -> list[click.Option]:
    """Fresh ones for one command."""

    def option(*declarations: str, **attributes: Any) -> GlobalOption:
        return GlobalOption(declarations, expose_value=False, is_eager=True, callback=_store, **attributes)

    return [
        option("--json", is_flag=True, help="One JSON document on stdout."),
        option("-q", "--quiet", is_flag=True, help="Say nothing beside data and errors."),
        option("-v", "--verbose", count=True, help="Show the log on stderr; -vv for more."),
        option("--log", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Log to FILE."),
        option("--insecure", is_flag=True, help="Do not verify TLS certificates."),
        option(
            "--event-reason", metavar="TEXT", help="Why: goes into the servers' audit trail of each change."
        ),
        option("--color", type=click.Choice(["auto", "always", "never"]), help="When to colour the output."),
        GlobalOption(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Show the version and exit.",
        ),
    ]


HELP_NAMES = ["-h", "--help"]


def attach_global_options(command: click.Command) -> click.Command:
    """Let a verb, and all verbs below it, take the global options as well. A second call changes nothing."""
    if any(isinstance(parameter, GlobalOption) for parameter in command.params):
        return command
    command.params.extend(global_options())
    command.context_settings.setdefault("help_option_names", HELP_NAMES)  # click keeps the first that it made
    if isinstance(command, click.Group):
        for below in command.commands.values():
            attach_global_options(below)
    elif command.callback is not None:
        command.callback = _with_logs(command.callback)
    return command


def _with_logs(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def started(*arguments: Any, **options: Any) -> Any:
        context = click.get_current_context()
        context.ensure_object(State).set_up_logs()
        context.find_root().call_on_close(_close_logs)
        try:
            return callback(*arguments, **options)
        except UsageError as error:
            error.hint = error.hint or f"See: {context.command_path.removesuffix(' explore')} --help"
            raise

    return started


def _close_logs() -> None:
    from xnat_tui import logs

    logs.tear_down()


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Only what was typed counts, so that a verb's silence does not take back what stood before it."""
    name = parameter.name or ""
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        state = context.ensure_object(State)
        setattr(state, name, state.verbose + value if name == "verbose" else value)


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from xnat_tui.version import __version__

        click.echo(f"xnat-tui {__version__}")
        context.exit()
