import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from xnat_tui import config, credentials
from xnat_tui.config import Server
from xnat_tui.credentials import Secret
from xnat_tui.errors import NotFound, ServerUnreachable, SignInFailed
from xnat_tui.model.clock import Clock

ALIAS = "0f7a1c1e-6f1d-4a55-9d0e-1b7f7f6a9c11"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
LAB = "[servers.lab]\nurl = 'https://xnat.example.org'\nuser = 'jdoe'\n"


def moment(when):
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


@pytest.fixture
def xnat(monkeypatch):
    """A server that answers by a table and records who signed in and what was asked."""
    fake = SimpleNamespace(
        sign_ins=[], asked=[], refuses=None, version="1.8.10", projects=3, ahead=timedelta(0)
    )
    fake.issued = {
        "alias": ALIAS,
        "secret": "s3cr3ts3cr3t",
        "estimatedExpirationTime": int(TOMORROW.timestamp() * 1000),
    }

    @contextmanager
    def opened(server, credential):
        fake.sign_ins.append((server, credential))
        if fake.refuses:
            raise fake.refuses

        def record(answer):
            def ask(path, **params):
                fake.asked.append((path, params))
                return answer

            return ask

        yield SimpleNamespace(
            user="jdoe" if credential else "guest",
            version=fake.version,
            clock=Clock(ahead=fake.ahead),
            table=record(range(fake.projects)),
            get_json=record(fake.issued),
            get_text=record('{"result": "OK"}'),
        )

    monkeypatch.setattr("xnat_tui.cli.server._open", opened)
    return fake


def test_a_server_is_added_listed_and_removed(program, tmp_path):
    (tmp_path / "ca.pem").write_text("")
    added = program("server", "add", "lab", "https://XNAT.example.org/ctx/", "--user", "jdoe", "--read-only")
    assert (added.exit_code, added.stdout) == (0, "")
    assert added.stderr == "Saved lab: https://xnat.example.org/ctx\n"
    assert program("server", "add", "qc", "http://127.0.0.1:8080", "--insecure").exit_code == 0
    assert program("server", "add", "third", "https://x", "--ca", str(tmp_path / "ca.pem")).exit_code == 0
    assert config.load().servers == {
        "lab": Server("lab", "https://xnat.example.org/ctx", "jdoe", read_only=True),
        "qc": Server("qc", "http://127.0.0.1:8080", verify=False),
        "third": Server("third", "https://x", verify=tmp_path / "ca.pem"),
    }
    assert program("server", "remove", "third").stderr == "Removed third.\n"
    listed = program("server", "list")
    assert listed.stdout == (
        "name  url                           user     verify  access      connections\n"
        "lab   https://xnat.example.org/ctx  jdoe     yes     read-only             8\n"
        "qc    http://127.0.0.1:8080         (guest)  no      read-write            8\n"
    )
    assert listed.stderr == ""


def test_an_empty_list_says_how_to_go_on(program):
    listed = program("server", "list")
    assert (listed.stdout, listed.exit_code) == ("", 0)
    assert listed.stderr == "No server is saved. Add one with: xnat-tui server add NAME URL\n"


def test_the_list_as_a_document(program):
    program.configure(LAB)
    assert json.loads(program("server", "list", "--json").stdout) == {
        "items": [
            {
                "name": "lab",
                "url": "https://xnat.example.org",
                "user": "jdoe",
                "verify": True,
                "read_only": False,
                "connections": 8,
            }
        ],
        "changed": [],
        "failed": [],
    }


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["lab", "https://y"], "lab is saved already.", 5),
        (["a b", "https://y"], "'a b' cannot name a server.", 2),
        (["qc", "y.example.org"], "'y.example.org' is no http or https address.", 2),
        (["qc", "https://me:hunter2@y"], "The address contains a user or a password.", 2),
        (["qc", "https://y", "--ca", "/no/such/file"], "'/no/such/file' does not exist", 2),
        (["qc", "https://y", "--ca", __file__, "--insecure"], "--ca and --insecure exclude each other.", 2),
        (["qc", "https://y", "--password", "x"], "No such option", 2),
    ],
)
def test_what_cannot_be_added_is_refused(program, arguments, message, code):
    program.configure(LAB)
    result = program("server", "add", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert "hunter2" not in result.stderr
    assert list(config.load().servers) == ["lab"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://x.org", True),
        ("https://x.org", False),
        ("http://localhost:80", False),
        ("http://[::1]/", False),
    ],
)
def test_an_unencrypted_address_is_warned_of(program, url, told):
    warning = "is not encrypted: passwords and data can be read on the way.\n"
    assert program("-q", "server", "add", "qc", url).stderr.endswith(warning) is told


@pytest.mark.parametrize("verb", ["test", "login", "logout", "remove"])
def test_an_unknown_name_names_the_nearest(program, verb):
    program.configure(LAB)
    result = program("server", verb, "labb")
    assert result.exit_code == 2
    assert result.stderr == (
        "No server is saved as 'labb'.\n\n"
        "hint: Did you mean 'lab'? Add a server with: xnat-tui server add labb URL\n"
    )


def test_testing_says_who_and_what_is_there(program, xnat, monkeypatch):
    program.configure(LAB)
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "hunter2")
    result = program("server", "test", "lab")
    assert result.stdout == (
        "server:       https://xnat.example.org\n"
        "version:      1.8.10\n"
        "signed in as: jdoe (with XNAT_TUI_PASSWORD_LAB)\n"
        "projects:     3 readable\n"
    )
    assert xnat.sign_ins[0][1].secret == Secret("hunter2")
    assert xnat.asked == [("/data/projects", {"columns": "ID"})]


def test_a_guest_is_said_to_be_one_and_an_unknown_version_too(program, xnat):
    program.configure("[servers.lab]\nurl = 'https://xnat.example.org'\n")
    xnat.version = ""
    assert program("server", "test", "lab").stdout == (
        "server:       https://xnat.example.org\n"
        "version:      unknown\n"
        "signed in as: guest\n"
        "projects:     3 readable\n"
    )


def test_a_test_tells_of_a_clock_that_is_wrong(program, xnat, monkeypatch):
    program.configure(LAB)
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "hunter2")
    xnat.ahead = timedelta(minutes=-7)
    assert "clock:        7 minutes behind this machine's\n" in program("server", "test", "lab").stdout
    (item,) = json.loads(program("server", "test", "lab", "--json").stdout)["items"]
    assert item["clock_ahead_seconds"] == -420


def test_a_test_as_a_document_has_no_secret(program, xnat, monkeypatch):
    program.configure(LAB)
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "hunter2")
    result = program("server", "test", "lab", "--json")
    (item,) = json.loads(result.stdout)["items"]
    assert (item["version"], item["signed_in_as"], item["guest"], item["projects"]) == (
        "1.8.10",
        "jdoe",
        False,
        3,
    )
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    ("error", "code"), [(ServerUnreachable("No route."), 3), (SignInFailed("Wrong password."), 4)]
)
def test_a_failing_test_has_its_exit_code(program, xnat, monkeypatch, error, code):
    program.configure(LAB)
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "hunter2")
    xnat.refuses = error
    result = program("server", "test", "lab")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"{error.message}\n")


def test_without_a_password_and_a_terminal_it_says_where_to_put_one(program, xnat):
    program.configure(LAB)
    result = program("server", "test", "lab")
    assert result.exit_code == 4
    assert "set XNAT_TUI_PASSWORD_LAB" in result.stderr
    assert xnat.sign_ins == []


def test_insecure_holds_for_one_run(program, xnat):
    program.configure("[servers.lab]\nurl = 'https://xnat.example.org'\n")
    program("server", "test", "lab", "--insecure")
    program("server", "test", "lab")
    assert [server.verify for server, _ in xnat.sign_ins] == [False, True]


@pytest.mark.usefixtures("terminal")
def test_login_asks_unseen_and_saves_a_token_but_no_password(program, xnat):
    program.configure(LAB)
    result = program("server", "login", "lab", input="hunter2\n")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "Password of jdoe at lab: " in result.stderr
    assert f"Signed in to lab as jdoe; the token holds until {moment(TOMORROW)}.\n" in result.stderr
    assert "hunter2" not in result.output
    assert xnat.asked == [("/data/services/tokens/issue", {})]
    saved = credentials.token(config.load().server("lab"))
    assert (saved.alias, saved.secret, saved.expires) == (ALIAS, Secret("s3cr3ts3cr3t"), TOMORROW)
    assert all(b"hunter2" not in file.read_bytes() for file in program.state.rglob("*") if file.is_file())


@pytest.mark.usefixtures("terminal")
def test_login_asks_for_the_user_where_none_is_saved(program, xnat):
    program.configure("[servers.lab]\nurl = 'https://xnat.example.org'\n")
    assert program("server", "login", "lab", input="jdoe\nhunter2\n").exit_code == 0
    assert xnat.sign_ins[0][1].user == "jdoe"
    assert credentials.find(config.load().server("lab")).user == ALIAS


def test_a_guest_cannot_log_in(program, xnat):
    program.configure("[servers.lab]\nurl = 'https://xnat.example.org'\n")
    result = program("server", "login", "lab")
    assert result.exit_code == 4
    assert "a guest has no token" in result.stderr


def test_login_does_not_use_an_old_token(program, xnat, monkeypatch):
    program.configure(LAB)
    monkeypatch.setenv("NETRC", "/dev/null")
    credentials.save_token(config.load().server("lab"), ALIAS, "old-secret", TOMORROW)
    assert program("server", "login", "lab").exit_code == 4
    assert xnat.sign_ins == []


@pytest.mark.parametrize("answer", [None, [], {}, {"alias": ALIAS}, {"alias": ALIAS, "secret": "s"}])
def test_an_answer_without_a_token_is_not_believed(program, xnat, monkeypatch, answer):
    program.configure(LAB)
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "hunter2")
    xnat.issued = answer
    result = program("server", "login", "lab")
    assert result.exit_code == 6
    assert credentials.token(config.load().server("lab")) is None


@pytest.fixture
def signed_in(program):
    program.configure(LAB)
    lab = config.load().server("lab")
    credentials.save_token(lab, ALIAS, "s3cr3ts3cr3t", TOMORROW)
    return lab


def test_logout_invalidates_and_forgets(program, xnat, signed_in):
    assert program("server", "logout", "lab").stderr == "Signed out of lab.\n"
    assert xnat.asked == [(f"/data/services/tokens/invalidate/{ALIAS}", {})]
    assert credentials.token(signed_in) is None
    assert program("server", "logout", "lab").stderr == "No token is saved for lab.\n"


@pytest.mark.parametrize("error", [SignInFailed("401"), NotFound("404")])
def test_a_token_that_the_server_has_forgotten_is_forgotten_here(program, xnat, signed_in, error):
    xnat.refuses = error
    result = program("server", "logout", "lab")
    assert result.exit_code == 0
    assert result.stderr == "Signed out of lab; the server did not know the token any more.\n"
    assert credentials.token(signed_in) is None


def test_a_logout_without_the_server_says_that_the_token_still_holds_there(program, xnat, signed_in):
    xnat.refuses = ServerUnreachable("No route.")
    result = program("server", "logout", "lab")
    assert result.exit_code == 3
    assert result.stderr == (
        f"The token of lab is forgotten here, but holds on the server until {moment(TOMORROW)}: No route.\n"
    )
    assert credentials.token(signed_in) is None


def test_a_damaged_token_is_forgotten_by_logout(program, xnat, signed_in):
    (file,) = (program.state / "tokens").iterdir()
    file.write_text("{")
    result = program("server", "logout", "lab")
    assert result.exit_code == 0
    assert result.stderr == f"The token file {file} is damaged.\nForgot an old token of lab.\n"
    assert not file.exists()


def test_removing_a_server_forgets_its_token(program, signed_in):
    result = program("server", "remove", "lab")
    assert result.stderr == (
        "Removed lab.\nIts token is forgotten here, and holds on the server until it expires.\n"
    )
    assert credentials.token(signed_in) is None
    assert config.load().servers == {}


def test_changes_as_a_document(program):
    result = program("server", "add", "lab", "https://x", "--json")
    assert json.loads(result.stdout)["changed"][0]["name"] == "lab"
    assert result.stderr == ""
