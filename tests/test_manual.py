"""The manual: every command in it is run, on demo servers, and ends with the exit code that the text says.

A command ends with 0 unless the comment behind it says `exit code N`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import xnat_tui
from tests import man_page
from tests.tui.demo_pair import DemoPair, demo_pair
from xnat_tui import config
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.root import cli
from xnat_tui.cli.verbs import VERBS
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.jobs.journal import Journal
from xnat_tui.manual import NAMES, Topic, topics
from xnat_tui.model.pairing import BELOW, GLYPHS

FOLDER = Path(sys.modules["xnat_tui.manual"].__file__ or "").parent
MOST_LINES = 130
MOST_CODE = 74
"""Characters of a line of code that fits the explorer's viewer at 80 columns."""
PROGRAM = """#!/bin/sh
case "$1" in
*:*) "{python}" -c '{explorer}' "$@" ;;
*) "{python}" -m xnat_tui "$@" ;;
esac
code=$?
echo "$code" >> "{calls}"
exit $code
"""
EXPLORER = """
import os, pty, sys, termios
program, terminal = pty.fork()
if program == 0:
    os.execv(sys.executable, [sys.executable, "-m", "xnat_tui", *sys.argv[1:]])
termios.tcsetwinsize(terminal, (24, 80))
written = b""
try:
    while b"Help" not in written:
        written += os.read(terminal, 65536)
    os.write(terminal, b"q")
    while os.read(terminal, 65536):
        pass
except OSError:  # it has left
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(program, 0)[1]))
"""
"""Opens the explorer in a terminal of its own, and leaves it as a user does."""

Run = Callable[[str], list[int]]


def blocks(topic: Topic, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", topic.text, re.DOTALL | re.MULTILINE)


def promised(block: str) -> list[int]:
    """The exit code of each call in a block, in order."""
    codes = []
    for line in block.replace("\\\n", " ").splitlines():
        if re.search(r"(^|[\s(;&|])xnat-tui ", line.partition("#")[0]):
            said = re.search(r"# .*exit code (\d+)", line)
            codes.append(int(said[1]) if said else 0)
    return codes


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("XNAT_HOST", "XNAT_USER", "XNAT_PASS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


def plain_calls(block: str) -> list[list[str]]:
    """The words of each call, where a block is nothing but calls of verbs; else nothing."""
    lines = [line.partition(" #")[0] for line in block.replace("\\\n", " ").splitlines()]
    if not all(line.startswith("xnat-tui ") for line in lines) or re.search(r"[$;&|>]", "".join(lines)):
        return []
    calls = [shlex.split(line) for line in lines]
    return calls if all(words[1] in VERBS for words in calls) else []


@pytest.fixture
def run(tmp_path: Path, servers: DemoPair, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a block as a shell would; the exit codes of the calls in it. The explorer is left by `q`.

    Calls that need no shell are made in this process, which takes a quarter of the time.
    """
    home, programs, calls = tmp_path / "home", tmp_path / "bin", tmp_path / "calls"
    home.mkdir()
    programs.mkdir()
    program = programs / "xnat-tui"
    program.write_text(PROGRAM.format(python=sys.executable, calls=calls, explorer=EXPLORER))
    program.chmod(0o755)
    environment = os.environ | {
        "HOME": str(home),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }

    def run(block: str) -> list[int]:
        for theirs, ours in (
            ("https://xnat.example.org", servers.lab.url),
            ("https://qc.example.org", servers.qc.url),
            ("--user jdoe", "--user demo"),
        ):
            block = block.replace(theirs, ours)
        if words := plain_calls(block):
            monkeypatch.setenv("HOME", str(home))
            monkeypatch.chdir(home)
            results = [CliRunner().invoke(cli, one[1:]) for one in words]
            codes = [result.exit_code for result in results]
            assert codes == promised(block), "\n".join([block, *(result.output for result in results)])
            return codes
        calls.write_text("")
        ran = subprocess.run(
            ["bash", "-u", "-c", block],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        codes = [int(line) for line in calls.read_text().splitlines()]
        assert codes == promised(block), f"{block}\n{ran.stdout}\n{ran.stderr}"
        return codes

    return run


def forget_servers(_: DemoPair) -> None:
    config.config_file().unlink()


def leave_transfers_behind(servers: DemoPair) -> None:
    """One that failed for a reason that is mended by now, and a newer one that its worker left."""
    with xnat_tui.connect("lab", "qc") as workspace, Journal() as journal:
        plan = workspace.plan_copy("lab:BRAINS/SUB-004", "qc:BRAINS")
        servers.qc.faults.add("PUT .*/scans/2/resources", ErrorPage(403, "Locked"))
        assert workspace.run(plan).failed
        servers.qc.faults.clear()
        scan = "lab:BRAINS/SUB-001/SUB-001_MR1/scans/1"
        workspace.remember(workspace.plan_export(scan, config.config_file().parent / "scan"), journal)


BEFORE = {"first-copy": forget_servers, "recovery": leave_transfers_behind}
"""What has happened to the readers of a topic, unless they just have two servers saved."""


@pytest.mark.parametrize("name", [one.name for one in topics() if blocks(one, "sh")])
def test_every_command_ends_as_the_text_says(name: str, run: Run, servers: DemoPair) -> None:
    BEFORE.get(name, lambda _: None)(servers)
    for block in blocks(Topic(name), "sh"):
        assert run(block)


def test_every_example_in_python_runs(
    servers: DemoPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    examples = [block for topic in topics() for block in blocks(topic, "python")]
    assert examples
    for example in examples:
        exec(example, names)


def inline_commands() -> list[str]:
    told = [found for one in topics() for found in re.findall(r"`(xnat-tui [^`]+)`", prose(one))]
    return sorted(set(told))


def prose(topic: Topic) -> str:
    return re.sub(r"^```.*?^```", "", topic.text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("command", inline_commands())
def test_every_verb_and_option_in_a_sentence_is_there(command: str) -> None:
    _, verb, *words = command.split()
    assert verb in VERBS or ":" in verb, verb
    found = cli.get_command(click.Context(cli), verb)
    while isinstance(found, click.Group) and words:
        found = found.commands[words.pop(0)]
    if found is not None:
        known = {name for option in found.params for name in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known


def test_every_file_is_a_topic_and_every_topic_a_file() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.md")) == sorted(NAMES)


@pytest.mark.parametrize("topic", topics(), ids=NAMES)
def test_a_topic_is_short_says_what_it_is_about_and_leads_to_others_only(topic: Topic) -> None:
    lines = topic.text.splitlines()
    assert lines[0].startswith("# ")
    assert topic.summary.endswith(".")
    assert len(lines) <= MOST_LINES
    for language in ("sh", "python", "text", "toml"):
        for block in blocks(topic, language):
            assert max(map(len, block.splitlines())) <= MOST_CODE
    for text, target in re.findall(r"\[([^]]+)\]\(([^)]+)\)", topic.text):
        assert target.removesuffix(".md") in NAMES
        assert text == f"manual {target.removesuffix('.md')}"


def first_cells(name: str, heading: str) -> list[str]:
    """What stands first in the rows of the table below a heading."""
    section = Topic(name).text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (.*?) \|", section, re.MULTILINE)[1:]


def test_every_exit_code_is_told_to_whoever_writes_scripts() -> None:
    assert first_cells("scripting", "Exit codes") == [str(int(code)) for code in sorted(ExitCode)]
    told = {int(code) for code in first_cells("proofs", "Exit codes")}
    assert told == {code for code in ExitCode if code < 64 or code is ExitCode.INTERRUPTED}


def test_every_glyph_is_told() -> None:
    told = " ".join(first_cells("proofs", "Signs of a comparison"))
    assert set(re.findall(r"`(.)`", told)) == {"=", BELOW, *GLYPHS.values()} - {" "}


def test_the_man_page_is_what_the_verbs_and_the_manual_give() -> None:
    assert man_page.PAGE.read_text(encoding="utf-8") == man_page.page(), "python -m tests.man_page"


def test_the_man_page_has_no_request_that_a_text_made() -> None:
    requests = {line.split()[0] for line in man_page.page().splitlines() if line.startswith((".", "'"))}
    assert requests <= {*(".TH", ".SH", ".SS", ".PP", ".TP", ".IP", ".EX", ".EE", ".in", ".br"), '.\\"'}
    assert len(man_page.page().split(".SH ")) > len(NAMES)
