import click
import pytest
from click.testing import CliRunner

from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.output import Output
from xnat_tui.config import Server
from xnat_tui.errors import Forbidden, Interrupted, UsageError

QC = Server("qc", "https://x")
LOCKED = Server("old", "https://y", read_only=True)


@pytest.fixture
def ask():
    """Run the question as a verb would, with what somebody types."""

    def ask(*arguments, typed="", servers=(QC,), destroys=()):
        outcome = []

        @click.command()
        @write_options
        def verb(consent):
            outcome.append(consent.given(Output(), "Copy to qc:P?", servers=servers, destroys=destroys))

        result = CliRunner().invoke(verb, list(arguments), input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return outcome[0], result.stdout, result.stderr

    return ask


def test_a_dry_run_ends_with_the_plan_and_asks_nobody(ask):
    assert ask("-n", destroys=["P"]) == (False, "", "Nothing was written (--dry-run).\n")
    assert ask("--dry-run", "--yes", servers=[LOCKED])[0] is False


def test_yes_goes_on_unasked(ask):
    assert ask("-y") == (True, "", "")


def test_without_a_terminal_and_without_yes_it_refuses(ask):
    with pytest.raises(UsageError, match="no terminal to ask"):
        ask(typed="y\n")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_is_asked_on_stderr(ask):
    agreed, out, err = ask(typed="y\n")
    assert (agreed, out) == (True, "")
    assert err.startswith("Copy to qc:P? [y/N]: ")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_anything_but_yes_writes_nothing(ask, typed):
    with pytest.raises(Interrupted, match=r"Nothing was written\."):
        ask(typed=typed)


@pytest.mark.parametrize("arguments", [["--yes"], ["--yes", "--confirm", "P"], []])
@pytest.mark.usefixtures("terminal")
def test_a_read_only_server_refuses_every_write(ask, arguments):
    with pytest.raises(Forbidden, match="old is marked as read-only"):
        ask(*arguments, servers=[QC, LOCKED], destroys=["P"])


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("arguments", [[], ["--yes"]])
def test_deleting_asks_for_the_project_typed(ask, arguments):
    agreed, _, err = ask(*arguments, typed="BRAINS\n", destroys=["BRAINS"])
    assert agreed
    assert err.startswith("This deletes or overwrites in project BRAINS. Type its ID to go on: ")
    with pytest.raises(Interrupted):
        ask(*arguments, typed="brains\n", destroys=["BRAINS"])
    with pytest.raises(Interrupted):
        ask(*arguments, typed="y\n", destroys=["BRAINS"])


@pytest.mark.usefixtures("terminal")
def test_every_project_is_typed(ask):
    assert ask(typed="A\nB\n", destroys=["B", "A"])[0]
    with pytest.raises(Interrupted):
        ask(typed="A\nA\n", destroys=["B", "A"])


def test_yes_alone_does_not_delete(ask):
    with pytest.raises(UsageError) as caught:
        ask("--yes", destroys=["P"])
    assert caught.value.hint == "Add --confirm P to go on."


def test_confirm_alone_does_not_replace_yes(ask):
    with pytest.raises(UsageError, match="no terminal to ask") as caught:
        ask("--confirm", "P", destroys=["P"])
    assert caught.value.hint == "Add --yes to go on, or --dry-run to see the plan only."


def test_all_that_is_lacking_is_named_at_once(ask):
    with pytest.raises(UsageError) as caught:
        ask(destroys=["Q", "P"])
    assert caught.value.message == (
        "There is no terminal to ask for consent on. This deletes or overwrites in projects P, Q."
    )
    assert caught.value.hint == (
        "Add --yes --confirm P --confirm Q to go on, or --dry-run to see the plan only."
    )


def test_yes_with_the_projects_named_deletes_unasked(ask):
    assert ask("--yes", "--confirm", "P", "--confirm", "Q", destroys=["Q", "P"]) == (True, "", "")


@pytest.mark.usefixtures("terminal")
def test_confirm_on_a_terminal_still_asks_whether_to_go_on(ask):
    assert ask("--confirm", "P", typed="y\n", destroys=["P"])[0]
    with pytest.raises(Interrupted):
        ask("--confirm", "P", typed="n\n", destroys=["P"])


def test_confirming_another_project_is_an_error(ask):
    with pytest.raises(UsageError) as caught:
        ask("--yes", "--confirm", "Q", destroys=["P"])
    assert caught.value.hint == "It would do so in: P."


def test_a_script_may_confirm_where_nothing_is_destroyed_yet(ask):
    assert ask("--yes", "--confirm", "P") == (True, "", "")


@pytest.mark.usefixtures("terminal")
def test_a_hostile_project_does_not_steer_the_terminal(ask):
    _, _, err = ask(typed="P\x1b[2J\n", destroys=["P\x1b[2J"])
    assert "project P␛[2J." in err


def test_consent_is_no_by_itself():
    assert Consent() == Consent(dry_run=False, yes=False, confirm=())
