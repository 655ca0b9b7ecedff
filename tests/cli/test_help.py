"""What the help says is there, fits, and works."""

import shlex

import click
import pytest

from xnat_tui.cli.examples import EXAMPLES
from xnat_tui.cli.root import cli

SECTIONS = ["Options", "Transfer", "Filters", "Consent", "Everywhere", "Examples"]


def verbs(command=cli, path=()):
    yield " ".join(path)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from verbs(command.get_command(context, name), (*path, name))


@pytest.mark.parametrize("path", list(verbs()))
def test_every_help_fits_80_columns_and_ends_with_examples(program, path):
    told = program(*path.split(), "--help")
    assert told.exit_code == 0
    assert max(map(len, told.stdout.splitlines())) <= 80
    head, _, examples = told.stdout.partition("\nExamples:\n")
    assert examples.splitlines() == [f"  {example}" for example in EXAMPLES[path]]
    assert "[default: None]" not in head


def test_examples_are_for_verbs_that_exist():
    assert set(EXAMPLES) == set(verbs())


@pytest.mark.parametrize("example", [line for lines in EXAMPLES.values() for line in lines])
def test_every_example_is_understood(program, example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("subjects.csv", "shares.csv", "labels.csv"):
        (tmp_path / name).touch()
    program.configure("[servers.lab]\nurl = 'https://x'\n[servers.qc]\nurl = 'https://y'\n")
    words = shlex.split(example)
    assert words.pop(0) == "xnat-tui"
    command: click.Command | None = cli
    context = click.Context(cli, **cli.context_settings)
    while words and isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
    if not isinstance(command, click.Group):
        command.make_context("example", list(words), parent=context)


def test_options_stand_under_their_headings(program):
    lines = program("copy", "--help").stdout.splitlines()
    assert [line[:-1] for line in lines if line[:-1] in SECTIONS] == SECTIONS[1:]
    everywhere = program("jobs", "list", "--help").stdout.partition("Everywhere:\n")[2]
    names = [line.split()[0].rstrip(",") for line in everywhere.partition("\n\n")[0].splitlines()]
    assert {"--json", "-q", "-v", "--log", "--insecure", "--color", "--version"} < set(names)
    assert names[-1] == "-h"
