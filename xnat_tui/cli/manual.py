"""`manual`: what is to be known beyond each verb's help, in the terminal."""

from __future__ import annotations

import sys

import click
from click.shell_completion import CompletionItem

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Command
from xnat_tui.cli.output import Output
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError
from xnat_tui.manual import NAMES, Topic, nearest, topics


class TopicType(click.ParamType[Topic]):
    """The name of one of the manual's topics."""

    name = "topic"

    def convert(
        self, value: str, _parameter: click.Parameter | None, _context: click.Context | None
    ) -> Topic:
        if value in NAMES:
            return Topic(value)
        near = nearest(value)
        meant = f"Did you mean {near!r}? " if near else ""
        raise UsageError(f"The manual has no topic {value!r}.", f"{meant}All topics: xnat-tui manual")

    def shell_complete(
        self, _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [
            CompletionItem(one.name, help=one.title) for one in topics() if one.name.startswith(incomplete)
        ]


@click.command(cls=Command)
@click.argument("topic", type=TopicType(), required=False)
@pass_state
def manual(state: State, topic: Topic | None) -> int:
    """Read the manual: its topics, or one of them.

    A terminal gets it laid out; a pipe or a file gets the Markdown.
    """
    if topic is None:
        _list(state.output)
    elif state.output.wants_json:
        state.output.document({"topic": topic.name, "title": topic.title, "text": topic.text})
    elif sys.stdout.isatty():
        _lay_out(state.output, topic)
    else:
        state.output.raw(topic.text)
    return ExitCode.DONE


def _list(output: Output) -> None:
    if output.wants_json:
        rows = [{"topic": one.name, "title": one.title, "summary": one.summary} for one in topics()]
        output.document({"items": rows})
    else:
        output.table(["topic", "about"], [(one.name, one.title) for one in topics()], fold="about")
        output.note("Read one with: xnat-tui manual TOPIC")


def _lay_out(output: Output, topic: Topic) -> None:
    from rich.markdown import Markdown
    from rich.theme import Theme

    console = output.console(sys.stdout)
    console.push_theme(Theme({"markdown.code": "bold cyan"}))  # on any background, dark or light
    console.print(Markdown(topic.without_links, code_theme="ansi_dark"))
