"""The verb `manual`: what it prints where."""

import json
import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from xnat_tui.manual import NAMES, Topic


def test_without_a_topic_it_lists_all_with_a_line_each(program):
    told = program("manual")
    assert told.exit_code == 0
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["topic", *NAMES]
    assert "A first copy" in told.stdout
    assert told.stderr == "Read one with: xnat-tui manual TOPIC\n"


def test_a_pipe_gets_the_markdown_as_it_is(program):
    told = program("manual", "proofs")
    assert (told.exit_code, told.stdout, told.stderr) == (0, Topic("proofs").text, "")


def test_scripts_get_a_document(program):
    rows = json.loads(program("manual", "--json").stdout)["items"]
    assert [row["topic"] for row in rows] == list(NAMES)
    assert all(row["title"] and row["summary"] for row in rows)
    topic = Topic("rights")
    assert json.loads(program("manual", "rights", "--json").stdout) == {
        "topic": "rights",
        "title": topic.title,
        "text": topic.text,
    }


def test_an_unknown_topic_is_answered_with_the_nearest(program):
    told = program("manual", "recovry")
    assert told.exit_code == 2
    assert told.stderr == (
        "The manual has no topic 'recovry'.\n\nhint: Did you mean 'recovery'? All topics: xnat-tui manual\n"
    )
    assert program("manual", "zzz").stderr.endswith("hint: All topics: xnat-tui manual\n")


@pytest.mark.parametrize("columns", [60, 100])
def test_a_terminal_gets_it_laid_out_at_its_width(columns, tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    environment = os.environ | {"XNAT_TUI_STATE": str(tmp_path), "NO_COLOR": "1", "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "xnat_tui", "manual", "first-copy"]
    program = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    with suppress(OSError):  # Linux's way to say that nobody writes any more
        while piece := os.read(ours, 65536):
            written += piece
    os.close(ours)
    assert program.wait() == 0
    lines = written.decode().splitlines()
    widest = max(map(len, (line.rstrip() for line in lines)))
    assert columns - 15 < widest <= columns
    text = " ".join(" ".join(lines).split())
    assert "# A first copy" not in text
    assert "xnat-tui manual proofs says what the other signs mean" in text
    assert "manual proofs](" not in text
