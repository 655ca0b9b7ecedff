import stat
from pathlib import Path

import pytest

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.errors import ConfigError


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config" / "config.toml"


@pytest.fixture
def write(file):
    def write(text):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    return write


def complaint(write, text):
    write(text)
    with pytest.raises(ConfigError) as caught:
        config.load()
    return caught.value


def test_without_a_file_the_defaults_hold(file):
    settings = config.load()
    assert settings.servers == {}
    assert settings.neutral_fields == ()
    assert settings.ui == config.Ui(theme="", ascii=False, diff_driver=True)


def test_everything_is_read(file, write):
    write(
        """
        [servers.lab]
        url = "https://XNAT.example.org:8443/xnat/"
        user = "jdoe"
        verify = "ca.pem"
        read_only = true
        connections = 3
        [servers."qc.2"]
        url = "http://127.0.0.1:8080"
        [keys]
        "tree.mark" = "space,insert"
        [compare]
        neutral_fields = ["note"]
        [ui]
        theme = "nord"
        ascii = true
        diff_driver = false
        [bookmarks]
        pilot = "lab:PILOT/S001"
        """
    )
    settings = config.load()
    lab = Server(
        "lab",
        "https://xnat.example.org:8443/xnat",
        "jdoe",
        file.parent / "ca.pem",
        read_only=True,
        connections=3,
    )
    assert settings.servers == {"lab": lab, "qc.2": Server("qc.2", "http://127.0.0.1:8080")}
    assert settings.keys == {"tree.mark": "space,insert"}
    assert settings.neutral_fields == ("note",)
    assert settings.ui == config.Ui("nord", ascii=True, diff_driver=False)
    assert settings.bookmarks == {"pilot": "lab:PILOT/S001"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[server.lab]\nurl='https://x'", "unknown key server.", "Did you mean 'servers'?"),
        ("[servers.a]\nurl='https://x'\nusr='a'", "unknown key servers.a.usr.", "Did you mean 'user'?"),
        (
            "[servers.a]\nurl='https://x'\nread-only=true",
            "unknown key servers.a.read-only.",
            "'read_only'",
        ),
        ("[servers.lab]\nuser='a'", "[servers.lab] has no url.", "url ="),
        ("[servers.lab]\nurl=1", "servers.lab.url must be text in quotes.", "Correct"),
        (
            "[servers.lab]\nurl='ftp://x'",
            "servers.lab.url: 'ftp://x' is no http or https address.",
            "https://",
        ),
        ("[servers.lab]\nurl='https://a:b@x'", "servers.lab.url: The address contains a user", "--user"),
        ("[servers.'a b']\nurl='https://x'", "servers.a b: 'a b' cannot name a server.", "letters"),
        (
            "[servers.a]\nurl='https://x'\nverify=1",
            "servers.a.verify must be true, false or the path",
            "",
        ),
        (
            "[servers.a]\nurl='https://x'\nread_only='no'",
            "servers.a.read_only must be true or false.",
            "",
        ),
        (
            "[servers.a]\nurl='https://x'\nconnections=0",
            "servers.a.connections must be a whole number",
            "",
        ),
        ("[servers.a]\nurl='https://x'\nconnections=true", "servers.a.connections must be a whole", ""),
        ("servers=1", "servers must be a table, written as [servers]", ""),
        ("[servers]\nlab='https://x'", "servers.lab must be a table, written as [servers.lab]", ""),
        ("[compare]\nneutral_fields='note'", "compare.neutral_fields must be a list of texts.", ""),
        ("[ui]\nthemes='nord'", "unknown key ui.themes.", "Did you mean 'theme'?"),
        ("[keys]\nmark=1", "keys.mark must be text in quotes.", ""),
        ("[ui\n", "is not valid TOML: ", "that line"),
    ],
)
def test_a_wrong_file_is_named_with_its_key_and_the_nearest_known_one(file, write, text, message, hint):
    error = complaint(write, text)
    assert str(file) in error.message
    assert message in error.message
    assert hint in error.hint


def test_a_password_in_an_address_is_not_repeated(file, write):
    error = complaint(write, "[servers.lab]\nurl='https://jdoe:hunter2@x'")
    assert "hunter2" not in error.message + error.hint


def test_a_file_in_another_encoding_is_named(file):
    file.parent.mkdir()
    file.write_bytes(b"# \xe9\n")
    with pytest.raises(ConfigError, match=r"config\.toml is not UTF-8"):
        config.load()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://xnat.example.org/", "https://xnat.example.org"),
        (" HTTPS://XNAT.Example.org/Ctx/ ", "https://xnat.example.org/Ctx"),
        ("http://[::1]:8080/xnat", "http://[::1]:8080/xnat"),
    ],
)
def test_an_address_is_saved_without_its_closing_slash_and_with_its_context_path(text, url):
    assert config.checked_url(text) == url


@pytest.mark.parametrize(
    "text",
    ["", "xnat.example.org", "https://", "https://x:port/", "https://x/?a=b", "https://x/#a", "https://x y/"],
)
def test_what_is_no_base_address_is_refused(text):
    with pytest.raises(ConfigError):
        config.checked_url(text)


def test_saving_keeps_comments_and_order_and_is_private(file, write):
    write(
        "# mine\n[ui]\ntheme = 'nord' # dark\n\n[servers.lab]\n# the old one\nurl='https://old'\nuser='a'\n"
    )
    config.save_server(Server("qc", "http://127.0.0.1:8080/", "b", Path("/etc/ca.pem"), read_only=True))
    config.save_server(Server("lab", "https://new/", ""))
    assert config.load().servers == {
        "lab": Server("lab", "https://new"),
        "qc": Server("qc", "http://127.0.0.1:8080", "b", Path("/etc/ca.pem"), read_only=True),
    }
    text = file.read_text()
    assert text.startswith("# mine\n[ui]\ntheme = 'nord' # dark\n")
    assert "# the old one" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_first_server_makes_a_private_folder_and_a_short_entry(file):
    config.save_server(Server("a.b", "https://x/"))
    assert file.read_text() == '[servers."a.b"]\nurl = "https://x"\n'
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "../x", ".", "a/b", "é", "-a"])
def test_a_bad_name_is_not_saved(file, name):
    with pytest.raises(ConfigError):
        config.save_server(Server(name, "https://x"))
    assert not file.exists()


def test_removing_leaves_the_rest(file, write):
    write("# top\n[servers.lab]\nurl = 'https://x'\n[servers.qc]\nurl = 'https://y'\n")
    config.remove_server("lab")
    assert file.read_text() == "# top\n[servers.qc]\nurl = 'https://y'\n"


def test_removing_what_is_not_saved_names_the_nearest(file, write):
    write("[servers.lab]\nurl = 'https://x'\n")
    with pytest.raises(ConfigError) as caught:
        config.remove_server("labb")
    assert "Did you mean 'lab'?" in caught.value.hint


def test_a_broken_file_is_not_overwritten(file, write):
    write("[servers.lab\n")
    with pytest.raises(ConfigError):
        config.save_server(Server("qc", "https://y"))
    assert file.read_text() == "[servers.lab\n"


def test_a_linked_file_stays_a_link(file, tmp_path, write):
    write("")
    file.unlink()
    file.symlink_to(tmp_path / "dotfiles.toml")
    config.save_server(Server("lab", "https://x"))
    assert file.is_symlink()
    assert config.load().servers == {"lab": Server("lab", "https://x")}


def test_a_server_is_found_by_name_and_by_address(file, write):
    write("[servers.lab]\nurl = 'https://x/ctx'\n")
    settings = config.load()
    lab = settings.servers["lab"]
    assert settings.server("lab") == lab
    assert settings.server("https://X:443/ctx/") == lab
    assert settings.server("https://other/") == Server("https://other", "https://other")
    with pytest.raises(ConfigError, match="No server is saved as 'leb'"):
        settings.server("leb")


def test_unchecked_certificates_hold_for_saved_and_other_servers(file, write):
    write("[servers.lab]\nurl = 'https://x'\n")
    settings = config.load().without_verification()
    assert settings.server("lab").verify is False
    assert settings.server("https://other").verify is False
    assert config.load().server("lab").verify is True


def test_bookmarks_are_kept_and_forgotten(file):
    config.save_bookmark("pilot", "lab:PILOT/S001")
    assert config.load().bookmarks == {"pilot": "lab:PILOT/S001"}
    config.save_bookmark("pilot", None)
    assert config.load().bookmarks == {}


def test_a_reason_for_changes_is_kept_through_a_saving_that_does_not_know_it(file):
    config.save_server(Server("qc", "https://x", event_reason="Amendment 3"))
    assert config.load().servers["qc"].event_reason == "Amendment 3"
    config.save_server(Server("qc", "https://y"))
    assert config.load().servers["qc"] == Server("qc", "https://y", event_reason="Amendment 3")


def test_a_reason_given_for_one_run_holds_for_every_server(file):
    config.save_server(Server("qc", "https://x", event_reason="saved"))
    settings = config.load().with_event_reason("typed")
    assert settings.server("qc").event_reason == "typed"
    assert settings.server("https://other").event_reason == "typed"
