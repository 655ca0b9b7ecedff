import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import click
import pytest

from tests.cli.conftest import stand_in
from xnat_tui import __version__, errors
from xnat_tui.cli import verbs
from xnat_tui.cli.exit_codes import ExitCode, exit_code
from xnat_tui.cli.state import State, pass_state
from xnat_tui.cli.verbs import VERBS, Verb


@pytest.fixture
def verb(monkeypatch):
    """Put a verb of the test's own into the table."""

    def add(callback, name="probe"):
        module = ModuleType(f"xnat_tui.cli.{name}")
        module.__spec__ = ModuleSpec(module.__name__, None)
        setattr(
            module, name, callback if isinstance(callback, click.Command) else click.command(name)(callback)
        )
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(verbs.VERBS, name, Verb(name, name, "A probe."))

    return add


@pytest.fixture
def explorer(monkeypatch, terminal):
    """Records how the explorer was opened."""
    opened = []

    def run_explorer(source, destination, settings, prepare=None):
        opened.append((source, destination, settings))
        return 0

    module = stand_in("xnat_tui.tui.app", run_explorer=run_explorer)
    monkeypatch.setitem(sys.modules, "xnat_tui.tui.app", module)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TEXTUAL_SMOOTH_SCROLL", "0")
    return opened


@pytest.mark.parametrize("name", [verb.name for verb in VERBS.values() if verb.exists])
def test_every_listed_verb_imports_and_shows_its_help(program, name):
    result = program(name, "--help")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"Usage: xnat-tui {name} ")
    assert "--json" in result.stdout


def test_the_help_lists_the_verbs_that_are_there_in_the_order_of_use(program):
    listed = program("--help").stdout.partition("Verbs:\n")[2].partition("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines()]
    assert names == [verb.name for verb in VERBS.values() if verb.exists]


def test_a_verb_whose_module_is_missing_is_not_listed(program, monkeypatch):
    monkeypatch.setitem(verbs.VERBS, "soon", Verb("soon", "no_such_module", "Not yet."))
    assert "soon" not in program("--help").stdout
    assert program("soon").exit_code == 2


@pytest.mark.parametrize("arguments", [["--version"], ["server", "list", "--version"]])
def test_the_version_is_told_before_and_after_a_verb(program, arguments):
    result = program(*arguments)
    assert (result.stdout, result.exit_code) == (f"xnat-tui {__version__}\n", 0)


def test_a_mistyped_verb_is_a_usage_error_that_names_the_nearest(program):
    result = program("servr", "list")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "'servr' is neither a verb nor a location.\n\n"
        "hint: Did you mean 'server'? All verbs: xnat-tui --help\n"
    )


def test_a_server_without_its_colon_is_recognised(program):
    program.configure("[servers.lab]\nurl = 'https://x'\n")
    assert program("lab").stderr.endswith("hint: Did you mean the server 'lab:'?\n")


def test_a_word_like_nothing_tells_what_a_location_is(program):
    assert "A location is written NAME:PATH" in program("qqqqq").stderr


@pytest.mark.parametrize(
    ("arguments", "source", "destination"),
    [
        ([], None, None),
        (["lab:"], "lab:", None),
        (["lab:P/S", "qc:P"], "lab:P/S", "qc:P"),
        (["https://x/data/projects/P", "qc:"], "https://x/data/projects/P", "qc:"),
        (["https://unsaved.example.org/", "--insecure"], "https://unsaved.example.org/", None),
    ],
)
def test_without_a_verb_the_explorer_opens_on_the_locations(
    program, explorer, arguments, source, destination
):
    program.configure("[servers.lab]\nurl = 'https://x'\n[servers.qc]\nurl = 'https://y'\n")
    result = program(*arguments)
    assert result.exit_code == 0, result.stderr
    assert [entry[:2] for entry in explorer] == [(source, destination)]
    assert result.stdout == result.stderr == ""


@pytest.mark.parametrize("arguments", [["--insecure", "--ascii", "lab:"], ["lab:", "--insecure", "--ascii"]])
def test_options_of_the_explorer_hold_before_and_after_its_locations(program, explorer, arguments):
    program.configure("[servers.lab]\nurl = 'https://x'\n")
    program(*arguments)
    settings = explorer[0][2]
    assert settings.ui.ascii is True
    assert settings.servers["lab"].verify is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere:P"], "No server is saved as 'nowhere'."),
        (["lab:P/S/E/scans"], "'lab:P/S/E/scans' ends in 'scans': say which one."),
        (["lab:", "rubbish"], "'rubbish' is not a location."),
        (["lab:", "lab:", "lab:"], "Got unexpected extra argument"),
        (["--json"], "The explorer has no --json."),
    ],
)
def test_the_explorer_is_not_opened_on_what_is_no_place(program, explorer, arguments, message):
    program.configure("[servers.lab]\nurl = 'https://x'\n")
    result = program(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert explorer == []


def test_the_explorer_needs_a_terminal(program):
    result = program()
    assert result.exit_code == 2
    assert result.stderr == (
        "The explorer needs a terminal.\n\nhint: Name a verb, such as: xnat-tui show LOCATION\n"
    )


def test_a_broken_configuration_is_told_with_its_file(program, explorer):
    program.configure("[servers.lab]\nurll = 'https://x'\n")
    result = program()
    assert result.exit_code == 2
    assert result.stderr == (
        f"{program.config_file}: unknown key servers.lab.urll.\n\n"
        "hint: Did you mean 'url'? Known here: url, user, verify, read_only, connections, "
        "event_reason, timezone.\n"
    )


GLOBAL = ["--json", "-q", "-vv", "--insecure", "--color", "never"]


@pytest.mark.parametrize(
    "arguments",
    [[*GLOBAL, "probe"], ["probe", *GLOBAL], ["-q", "-v", "probe", "-v", *GLOBAL[:1], *GLOBAL[3:]]],
)
def test_global_options_hold_before_and_after_the_verb(program, verb, arguments, tmp_path):
    seen: list[State] = []
    verb(pass_state(seen.append))
    result = program(*arguments, "--log", str(tmp_path / "log"))
    assert result.exit_code == 0, result.stderr
    (state,) = seen
    assert (state.json, state.quiet, state.verbose, state.insecure, state.color) == (
        True,
        True,
        2,
        True,
        "never",
    )
    assert state.log == tmp_path / "log"


def test_verbs_below_a_verb_take_them_too(program, verb):
    seen: list[State] = []

    @click.group()
    def probe(): ...

    probe.command("below")(pass_state(seen.append))
    verb(probe)
    program("probe", "--json", "below", "-q")
    assert (seen[0].json, seen[0].quiet, seen[0].verbose) == (True, True, 0)


def test_a_verb_returns_its_exit_code(program, verb):
    verb(lambda: ExitCode.DIFFERENCES)
    assert program("probe").exit_code == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.ConfigError, 2),
        (errors.ServerUnreachable, 3),
        (errors.TlsFailure, 3),
        (errors.NotXnat, 3),
        (errors.SignInFailed, 4),
        (errors.PasswordExpired, 4),
        (errors.SessionExpired, 4),
        (errors.Forbidden, 4),
        (errors.NotFound, 5),
        (errors.Conflict, 5),
        (errors.BadAnswer, 6),
        (errors.ServerError, 6),
        (errors.Refused, 6),
        (errors.Unclear, 6),
        (errors.Interrupted, 130),
    ],
)
def test_every_error_has_its_exit_code(kind, code):
    assert exit_code(kind("x")) == code


def failing(error):
    def probe():
        raise error

    return probe


def test_an_error_is_a_message_and_a_hint(program, verb):
    verb(failing(errors.NotFound("No such project: P.", "Look at: xnat-tui show lab:")))
    result = program("probe")
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr == "No such project: P.\n\nhint: Look at: xnat-tui show lab:\n"


def test_with_json_an_error_is_a_document_too(program, verb):
    verb(failing(errors.Forbidden("Not yours.", "Ask.")))
    result = program("probe", "--json")
    assert json.loads(result.stdout) == {
        "error": {"title": "Forbidden", "message": "Not yours.", "hint": "Ask."}
    }
    assert result.stderr == "Not yours.\n\nhint: Ask.\n"


@pytest.mark.parametrize("arguments", [["probe", "--nope", "--json"], ["--json", "probe", "--nope"]])
def test_a_usage_error_is_a_document_with_json(program, verb, arguments):
    verb(lambda: None)
    result = program(*arguments)
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["title"] == "Wrong usage"
    assert "--nope" in error["message"]
    assert error["hint"] == "See: xnat-tui probe --help"


def test_a_document_that_was_written_is_the_only_one(program, verb):
    @pass_state
    def probe(state: State):
        state.output.document({"items": []})
        raise errors.ServerError("Boom.")

    verb(probe)
    result = program("probe", "--json")
    assert json.loads(result.stdout) == {"items": []}
    assert (result.exit_code, result.stderr) == (6, "Boom.\n")


def test_a_servers_words_do_not_steer_the_terminal(program, verb):
    verb(failing(errors.ServerError("\x1b[2Jgone\u202e", "[bold]x[/bold]\x07")))
    result = program("probe")
    assert result.stderr == "␛[2Jgone<U+202E>\n\nhint: [bold]x[/bold]␇\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), errors.Interrupted("Stopped.")])
def test_an_interruption_ends_with_130(program, verb, error):
    verb(failing(error))
    assert program("probe").exit_code == 130


def test_a_full_disk_is_a_message_and_no_traceback(program, verb):
    verb(failing(OSError(28, "No space left on device", "/tmp/x")))
    result = program("probe")
    assert (result.exit_code, result.stderr) == (
        6,
        "/tmp/x: No space left on device.\n\nhint: Look at the space, the rights and the path.\n",
    )


def test_a_log_that_cannot_be_written_stops_only_who_asked_for_it(program, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "file"))
    told = program("server", "list", "--json")
    assert told.exit_code == 0
    assert told.stderr == (
        f"The log {tmp_path}/file/logs/xnat-tui.log cannot be written: File exists. Going on without a log.\n"
    )
    refused = program("server", "list", "--log", str(tmp_path / "missing" / "log"))
    assert refused.exit_code == 2
    assert not (tmp_path / "missing").exists()


def test_a_usage_error_without_a_hint_names_the_help(program, verb):
    verb(failing(errors.UsageError("Not like this.")))
    assert program("probe").stderr == "Not like this.\n\nhint: See: xnat-tui probe --help\n"


def test_a_fault_is_never_taken_for_differences_and_goes_to_the_log(program, verb, tmp_path):
    verb(failing(ZeroDivisionError("password=hunter2")))
    result = program("probe", "--log", str(tmp_path / "log"))
    assert result.exit_code == 70
    assert result.stderr == (
        "xnat-tui failed unexpectedly: ZeroDivisionError: password=***\n\n"
        f"hint: The details are in {tmp_path / 'log'}. Please report this.\n"
    )
    log = (tmp_path / "log").read_text()
    assert "ZeroDivisionError" in log
    assert "hunter2" not in log


def test_verbose_shows_the_log_on_stderr(program, verb):
    @pass_state
    def probe(state: State):
        import logging

        logging.getLogger("xnat_tui.probe").info("asking %s", "https://x/data?gender=male")
        logging.getLogger("xnat_tui.probe").debug("deep")

    verb(probe)
    assert program("probe").stderr == ""
    shown = program("probe", "-v").stderr
    assert shown.endswith("xnat_tui.probe: asking https://x/data?gender=***\n")
    assert "deep" not in shown
    assert "deep" in program("probe", "-vv").stderr


def test_a_log_that_cannot_be_written_is_told(program, verb, tmp_path):
    verb(lambda: None)
    (tmp_path / "file").write_text("")
    result = program("probe", "--log", str(tmp_path / "file" / "log"))
    assert result.exit_code == 2
    assert "--log FILE" in result.stderr


def test_too_many_locations_point_to_the_help_that_is_there(program, explorer):
    result = program("lab:", "qc:", "ro:")
    assert result.exit_code == 2
    assert "See: xnat-tui --help" in result.stderr
