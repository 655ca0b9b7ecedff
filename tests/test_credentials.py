import json
import os
import pickle
import stat
import sys
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from xnat_tui import credentials
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.errors import ConfigError, SignInFailed

LAB = Server("lab-1", "https://xnat.example.org:8443/ctx", "jdoe")
GUEST = Server("lab-1", "https://xnat.example.org:8443/ctx")
ALIAS = "0f7a1c1e-6f1d-4a55-9d0e-1b7f7f6a9c11"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    for name in ("XNAT_HOST", "XNAT_USER", "XNAT_PASS", "XNAT_TUI_PASSWORD_LAB_1"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setitem(sys.modules, "keyring", None)
    return tmp_path


@pytest.fixture
def netrc(tmp_path):
    path = tmp_path / "netrc"
    path.touch(0o600)
    return path.write_text


def own_variable(monkeypatch):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB_1", "from variable")


def xnat_variables(monkeypatch):
    monkeypatch.setenv("XNAT_HOST", "https://XNAT.example.org:8443/ctx/")
    monkeypatch.setenv("XNAT_USER", "envuser")
    monkeypatch.setenv("XNAT_PASS", "from xnat_pass")


def saved_token(monkeypatch):
    credentials.save_token(LAB, ALIAS, "from token", TOMORROW)


def netrc_entry(monkeypatch):
    path = Path(os.environ["NETRC"])
    path.touch(0o600)
    path.write_text(
        "machine xnat.example.org login jdoe password from_host\n"
        "machine xnat.example.org:8443 login jdoe password from_netrc\n"
    )


def in_keyring(monkeypatch):
    asked = []

    def get_credential(service, user):
        asked.append((service, user))
        return SimpleNamespace(username="jdoe", password="from keyring")

    fake_keyring(monkeypatch, get_credential)
    return asked


class KeyringError(Exception): ...


class NoKeyringError(KeyringError): ...


def fake_keyring(monkeypatch, get_credential):
    module, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    module.__spec__ = ModuleSpec("keyring", None)
    vars(module).update(get_credential=get_credential)
    vars(errors).update(KeyringError=KeyringError, NoKeyringError=NoKeyringError)
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


SOURCES = [
    (own_variable, "jdoe", "from variable", "XNAT_TUI_PASSWORD_LAB_1", False),
    (xnat_variables, "envuser", "from xnat_pass", "XNAT_USER and XNAT_PASS", False),
    (saved_token, ALIAS, "from token", "the saved token", True),
    (netrc_entry, "jdoe", "from_netrc", None, False),
    (in_keyring, "jdoe", "from keyring", "the system keyring", False),
]


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_sources_come_in_their_order(monkeypatch, first, tmp_path):
    for set_up, *_ in SOURCES[first:]:
        set_up(monkeypatch)
    _, user, secret, origin, is_token = SOURCES[first]
    found = credentials.find(LAB, lambda question: pytest.fail("nobody needs to be asked"))
    assert found == Credential(user, Secret(secret), origin or str(tmp_path / "netrc"), is_token)


def test_the_prompt_comes_last_and_is_told_who_and_where():
    asked = []

    def ask(question):
        asked.append(question)
        return "typed"

    found = credentials.find(LAB, ask)
    assert found == Credential("jdoe", Secret("typed"), "the prompt")
    assert asked == ["Password of jdoe at lab-1"]


@pytest.mark.parametrize("prompt", [None, lambda question: ""])
def test_a_user_without_any_password_cannot_sign_in(prompt):
    with pytest.raises(SignInFailed) as caught:
        credentials.find(LAB, prompt)
    assert caught.value.message == "No password or token was found for jdoe at lab-1."
    assert caught.value.hint == "Run: xnat-tui server login lab-1, or set XNAT_TUI_PASSWORD_LAB_1."


def test_no_user_and_nothing_found_is_a_guest_who_is_not_asked():
    assert credentials.find(GUEST, lambda question: pytest.fail("a guest has no password")) is None


ANYWHERE = Server("https://xnat.example.org", "https://xnat.example.org")


def test_at_an_address_that_is_not_saved_the_user_is_asked_for_first():
    answers = {
        "User at https://xnat.example.org": "jdoe",
        "Password of jdoe at https://xnat.example.org": "typed",
    }
    assert credentials.find(ANYWHERE, answers.pop) == Credential("jdoe", Secret("typed"), "the prompt")
    assert answers == {}
    assert credentials.find(ANYWHERE, {"User at https://xnat.example.org": ""}.pop) is None
    assert credentials.find(ANYWHERE) is None


def test_who_does_not_say_a_password_there_is_told_how_to_save_the_address():
    with pytest.raises(SignInFailed) as caught:
        credentials.find(ANYWHERE, lambda question: "" if credentials.is_secret(question) else "jdoe")
    assert caught.value.hint == (
        "Save it: xnat-tui server add NAME https://xnat.example.org --user USER, "
        "or set XNAT_HOST, XNAT_USER and XNAT_PASS."
    )


def test_a_password_without_a_user_is_said():
    with pytest.MonkeyPatch.context() as patch:
        own_variable(patch)
        with pytest.raises(ConfigError, match="LAB_1 is set, but no user is saved for lab-1"):
            credentials.find(GUEST)


def test_xnat_variables_of_another_address_are_not_sent_here(monkeypatch):
    xnat_variables(monkeypatch)
    monkeypatch.setenv("XNAT_HOST", "https://xnat.example.org/ctx")
    assert credentials.find(GUEST) is None


def test_an_alias_in_the_variables_is_known_as_a_token(monkeypatch):
    xnat_variables(monkeypatch)
    monkeypatch.setenv("XNAT_USER", ALIAS)
    found = credentials.find(LAB)
    assert found is not None
    assert found.is_token


def test_netrc_falls_back_to_the_host_alone(netrc):
    netrc("machine xnat.example.org login jdoe password p\ndefault login other password never\n")
    assert credentials.find(LAB).secret == Secret("p")


def test_the_default_of_netrc_goes_to_no_server(netrc):
    netrc("default login jdoe password never\n")
    assert credentials.find(GUEST) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_netrc_that_others_can_read_is_refused_like_a_token_file(netrc, tmp_path, mode):
    netrc("machine xnat.example.org login jdoe password p\n")
    path = tmp_path / "netrc"
    path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        credentials.find(LAB)
    assert caught.value.message == f"{path} is open to other users."
    assert caught.value.hint == f"Run: chmod 600 {path}"


def test_a_netrc_that_others_can_read_does_not_matter_to_a_server_that_is_not_in_it(netrc, tmp_path):
    netrc("machine other.example.org login jdoe password p\n")
    (tmp_path / "netrc").chmod(0o644)
    with pytest.raises(SignInFailed):
        credentials.find(LAB)


def test_netrc_of_another_user_is_passed_over(netrc):
    netrc("machine xnat.example.org:8443 login other password p\n")
    assert credentials.find(GUEST).user == "other"
    with pytest.raises(SignInFailed):
        credentials.find(LAB)


def test_a_broken_netrc_is_named_by_line_and_not_quoted(netrc, tmp_path):
    netrc("machine x login y password z\nhunter2 hunter2\n")
    with pytest.raises(ConfigError) as caught:
        credentials.find(LAB)
    assert caught.value.message == f"{tmp_path / 'netrc'} cannot be read as netrc: line 2."


def test_the_keyring_is_asked_by_address(monkeypatch):
    asked = in_keyring(monkeypatch)
    credentials.find(LAB)
    credentials.find(GUEST)
    assert asked == [(LAB.url, "jdoe"), (LAB.url, None)]


@pytest.mark.parametrize("kind", [NoKeyringError, KeyringError])
def test_a_keyring_that_does_not_work_stops_nobody(monkeypatch, kind):
    def refuse(service, user):
        raise kind

    fake_keyring(monkeypatch, refuse)
    assert credentials.find(LAB, lambda question: "typed").origin == "the prompt"


def test_the_token_file_is_private(tmp_path):
    credentials.save_token(LAB, ALIAS, "s3cret", TOMORROW)
    (file,) = (tmp_path / "state" / "tokens").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    saved = credentials.token(LAB)
    assert (saved.user, saved.alias, saved.secret) == ("jdoe", ALIAS, Secret("s3cret"))


def test_a_token_is_replaced_and_forgotten():
    credentials.save_token(LAB, ALIAS, "one1", TOMORROW)
    credentials.save_token(LAB, ALIAS, "two2", TOMORROW)
    assert credentials.token(LAB).secret == Secret("two2")
    assert credentials.forget_token(LAB) is True
    assert credentials.token(LAB) is None
    assert credentials.forget_token(LAB) is False


@pytest.mark.parametrize(
    "server",
    [
        Server("lab-1", "https://evil.example.org:8443/ctx", "jdoe"),
        Server("lab-1", LAB.url, "other"),
        Server("qc", LAB.url, "jdoe"),
    ],
    ids=["another address", "another user", "another name"],
)
def test_a_token_serves_only_where_it_was_issued(server):
    credentials.save_token(LAB, ALIAS, "s3cret", TOMORROW)
    assert credentials.token(server) is None


def test_an_expired_token_is_ignored():
    credentials.save_token(LAB, ALIAS, "s3cret", datetime.now(UTC) - timedelta(seconds=1))
    assert credentials.token(LAB) is None


def test_login_can_pass_over_the_saved_token():
    credentials.save_token(LAB, ALIAS, "s3cret", TOMORROW)
    assert credentials.find(LAB, lambda question: "typed", saved_token=False).origin == "the prompt"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"alias": "a"}', json.dumps({"url": "u", "expires": 1})])
def test_a_damaged_token_file_is_said_with_the_way_out(tmp_path, text):
    credentials.save_token(LAB, ALIAS, "s3cret", TOMORROW)
    (file,) = (tmp_path / "state" / "tokens").iterdir()
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        credentials.find(LAB)
    assert caught.value.message == f"The token file {file} is damaged."
    assert caught.value.hint == "Sign in again with: xnat-tui server login lab-1"


def test_a_token_that_others_can_read_is_refused(tmp_path):
    credentials.save_token(LAB, ALIAS, "s3cret", TOMORROW)
    (file,) = (tmp_path / "state" / "tokens").iterdir()
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="is open to other users"):
        credentials.token(LAB)


def test_the_name_of_a_server_never_leads_out_of_the_folder(tmp_path):
    server = Server("https://x/../../..", "https://x/../../..")
    credentials.save_token(server, ALIAS, "s3cret", TOMORROW)
    assert [file.parent for file in tmp_path.rglob("*.json")] == [tmp_path / "state" / "tokens"]


def test_a_secret_shows_itself_only_when_asked():
    secret = Secret("hunter2")
    credential = Credential("jdoe", secret, "the prompt")
    shown = f"{secret} {secret!r} {credential} {credential!r} {vars(SimpleNamespace(s=secret))}"
    assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != Secret("other")
    with pytest.raises(TypeError):
        pickle.dumps(credential)
