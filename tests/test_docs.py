"""What README says is true of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import xnat_tui
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.root import cli
from xnat_tui.cli.verbs import VERBS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every `xnat-tui …` line of the code blocks, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    calls = [part.strip() for line in lines for part in line.split("&&")]
    return [re.sub(r"^\.venv/bin/", "", call) for call in calls if re.match(r"(\.venv/bin/)?xnat-tui ", call)]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    if words[0] not in VERBS:
        assert ":" in words[0], f"{words[0]} is neither a verb nor a location"
        return
    command: click.Command | None = cli.get_command(click.Context(cli), words[0]) if isinstance(cli, click.Group) else None
    assert command is not None
    rest = words[1:]
    if isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
    command.make_context(words[0], rest, resilient_parsing=False)


def test_every_picture_of_the_readme_is_there() -> None:
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_every_exit_code_is_explained() -> None:
    told = re.search(r"Exit codes: (.*?)\n\n", README, re.DOTALL)
    assert told is not None
    for code in (ExitCode.DONE, ExitCode.DIFFERENCES, ExitCode.USAGE, ExitCode.UNREACHABLE):
        assert re.search(rf"\b{int(code)} ", told[1])
    for code in (ExitCode.NOT_ALLOWED, ExitCode.NOT_FOUND, ExitCode.FAILED, ExitCode.INTERRUPTED):
        assert re.search(rf"\b{int(code)} ", told[1])


def test_the_python_of_the_readme_names_what_is_there() -> None:
    from xnat_tui.services.workspace import Workspace

    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    for block in blocks:
        compile(block, "README", "exec")
        for name in re.findall(r"workspace\.(\w+)\(", block):
            assert hasattr(Workspace, name)
        for name in re.findall(r"xnat_tui\.(\w+)\(", block):
            assert hasattr(xnat_tui, name)
