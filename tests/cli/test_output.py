import io
import json

import pytest

from xnat_tui.cli.output import Output
from xnat_tui.model.display import clean_lines

ROWS = [("1.dcm", "512"), ("[red]a[/red]\x1b[31m", "7"), ("two\nlines", "10000")]
TABLE = """\
name               bytes
1.dcm                512
[red]a[/red]␛[31m      7
two␊lines          10000
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_table_is_aligned_plain_and_harmless(capsys):
    Output().table(["name", "bytes"], ROWS, right=["bytes"])
    assert capsys.readouterr().out == TABLE


def test_nothing_is_cut_or_folded_in_a_pipe(capsys):
    Output().table(["name"], [("x" * 500,)])
    assert capsys.readouterr().out == "name\n" + "x" * 500 + "\n"


JOBS = [("20261121-101500-copy", "done", "12", "lab:BRAINS/SUB-001 → qc:PILOT", "nothing to tell")]
CUT = """\
job                   state  files  what
20261121-101500-copy  done      12  lab:BR…c:PILOT
"""
FOLDED = """\
tag          name  value
(0008,0018)  UID   1.2.826.0.1.36800
                   43.10.1337.42
"""


def test_a_terminal_gets_lines_that_fit_and_is_told_what_does_not(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "50")
    stream = Terminal()
    headers = ["job", "state", "files", "what", "note"]
    Output(color="never").table(headers, JOBS, right=["files"], whole=["state"], to=stream)
    assert stream.getvalue() == CUT
    assert capsys.readouterr().err == ("Too narrow for: note. A wider terminal, a pipe or --json has them.\n")


def test_what_must_be_copied_whole_is_never_cut(monkeypatch):
    monkeypatch.setenv("COLUMNS", "12")
    stream = Terminal()
    Output(color="never").table(["job", "state"], [row[:2] for row in JOBS], whole=["state"], to=stream)
    assert stream.getvalue() == "job                   state\n20261121-101500-copy  done\n"


def test_a_long_value_goes_on_below_itself(monkeypatch):
    monkeypatch.setenv("COLUMNS", "36")
    stream = Terminal()
    row = ("(0008,0018)", "UID", "1.2.826.0.1.3680043.10.1337.42")
    Output(color="never").table(["tag", "name", "value"], [row], fold="value", to=stream)
    assert stream.getvalue() == FOLDED


@pytest.mark.parametrize(
    ("color", "stream", "no_color", "colored"),
    [
        ("auto", Terminal, "", True),
        ("auto", Terminal, "1", False),
        ("auto", io.StringIO, "", False),
        ("always", io.StringIO, "1", True),
        ("never", Terminal, "", False),
    ],
)
def test_color_follows_the_option_then_the_environment_then_the_stream(
    monkeypatch, color, stream, no_color, colored
):
    monkeypatch.setenv("NO_COLOR", no_color)
    out = stream()
    Output(color=color).table(["name"], [("a",)], to=out)
    assert ("\x1b[" in out.getvalue()) is colored


def test_a_document_is_one_and_ascii(capsys):
    output = Output(wants_json=True)
    output.document({"label": "é\u202e\x9b"})
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text) == {"label": "é\u202e\x9b"}
    with pytest.raises(RuntimeError):
        output.document({})


def test_data_and_notes_go_their_own_ways(capsys):
    output = Output()
    output.line("data\x07")
    output.note("note")
    output.warning("warning")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("data␇\n", "note\nwarning\n")


def test_quiet_silences_notes_only(capsys):
    output = Output(quiet=True)
    output.line("data")
    output.note("note")
    output.warning("warning")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("data\n", "warning\n")


@pytest.mark.parametrize(
    "hostile", ["\x00", "\x1b", "\r", "\t", "\x7f", "\x9b", "\u202e", "\u2028", "\ufeff", "\ud800"]
)
def test_every_character_that_steers_is_made_visible(hostile):
    text = clean_lines(f"a{hostile}b")
    assert hostile not in text
    assert len(text) >= 3
    assert text.startswith("a")
    assert text.endswith("b")
    text.encode("utf-8")
