"""What is loaded, and how the program behaves as a process."""

import os
import subprocess
import sys

import pytest

HEAVY = {
    "textual",
    "requests",
    "urllib3",
    "xnat",
    "pydicom",
    "lxml",
    "rich",
    "numpy",
    "xnat_tui.services",
    "xnat_tui.xnat",
}


@pytest.fixture
def run(tmp_path):
    def run(*command, **environment):
        return subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={
                **os.environ,
                "XNAT_TUI_CONFIG": str(tmp_path / "config"),
                "XNAT_TUI_STATE": str(tmp_path / "state"),
                **environment,
            },
        )

    return run


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["server", "--help"], ["nonsense"]])
def test_help_and_version_load_nothing_heavy(run, arguments):
    program = (
        "import sys\n"
        "from xnat_tui.cli.root import cli\n"
        f"cli.main({arguments!r}, standalone_mode=False)\n"
        "print('LOADED', *sys.modules)\n"
    )
    loaded = run("-c", program).stdout.partition("LOADED ")[2].split()
    assert "click" in loaded
    assert HEAVY.intersection(loaded) == set()


def test_help_writes_nothing(run, tmp_path):
    assert run("-m", "xnat_tui", "--help").returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_errors_leave_with_their_code_and_without_a_traceback(run):
    result = run("-m", "xnat_tui", "server", "test", "lab")
    assert result.returncode == 2
    assert result.stderr.startswith("No server is saved as 'lab'.\n\nhint: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("closing", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_nothing(run, closing):
    result = shell(run, f"server list --json {closing}")
    assert (result.returncode, result.stderr) == (0, "")
    assert bool(result.stdout) is (">&-" not in closing.replace("2>&-", ""))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("server list --json >/dev/full", 6),
        ("--version >/dev/full", 6),
        ("server test lab 2>/dev/full", 2),
        ("server test lab --json >/dev/full 2>/dev/full", 2),
        ("server test lab 2>&-", 2),
    ],
)
def test_an_output_that_takes_nothing_is_told_by_the_code_and_never_as_differences(run, arguments, code):
    result = shell(run, arguments)
    assert result.returncode == code
    assert "Traceback" not in result.stderr
    if code == 6:
        assert result.stderr == (
            "Writing failed: No space left on device.\n\n"
            "hint: Look at where the output goes, and the space there.\n"
        )


def test_signs_that_an_encoding_lacks_are_spelled_out(run):
    told = "import sys; from xnat_tui.cli.streams import prepare_streams; prepare_streams(); "
    told += "print('lab:P → qc:P ⇄ d\xe9 …'); sys.stderr.write('\u2026')"
    result = run("-c", told, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (result.stdout, result.stderr) == ("lab:P -> qc:P <-> d\\xe9 ...\n", "...")


def shell(run, arguments):
    """The program with its streams as a shell opens or closes them."""
    line = f'exec "{sys.executable}" -m xnat_tui {arguments}'
    return run("-c", f"import os; os.execv('/bin/sh', ['sh', '-c', {line!r}])")


def test_a_reader_that_leaves_ends_it_quietly(run, tmp_path):
    program = (
        "import os, sys\n"
        "from xnat_tui.cli.root import cli\n"
        "reading, writing = os.pipe()\n"
        "os.close(reading)\n"
        "os.dup2(writing, 1)\n"
        "cli.main(['server', 'list', '--json'])\n"
    )
    result = run("-c", program)
    assert (result.returncode, result.stderr) == (141, "")


def complete(run, words, kind="bash"):
    return run(
        "-m",
        "xnat_tui",
        _XNAT_TUI_COMPLETE=f"{kind}_complete",
        COMP_WORDS=" ".join(words),
        COMP_CWORD=str(len(words) - 1),
    ).stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["xnat-tui", "serv"], ["plain,server"]),
        (["xnat-tui", "l"], ["plain,lab:"]),
        (["xnat-tui", "lab:", "q"], ["plain,qc:"]),
        (["xnat-tui", "server", "test", "q"], ["plain,qc"]),
        (["xnat-tui", "server", "logo"], ["plain,logout"]),
        (["xnat-tui", "--inse"], ["plain,--insecure"]),
        (["xnat-tui", "manual", "rec"], ["plain,recovery"]),
    ],
)
def test_the_shell_completes_verbs_servers_and_options(run, tmp_path, words, expected):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(
        "[servers.lab]\nurl = 'https://x'\n[servers.qc]\nurl = 'https://y'\n"
    )
    assert complete(run, words) == expected


def test_completion_survives_a_broken_configuration(run, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[servers\n")
    assert complete(run, ["xnat-tui", "server", "test", ""]) == []


def test_the_completion_script_is_printed(run):
    script = run("-m", "xnat_tui", _XNAT_TUI_COMPLETE="zsh_source").stdout
    assert script.startswith("#compdef xnat-tui")
