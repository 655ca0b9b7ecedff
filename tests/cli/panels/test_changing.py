"""What every verb of small writes does with its rows."""

import json

import pytest

from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent
from xnat_tui.cli.state import State
from xnat_tui.config import Server
from xnat_tui.errors import BadAnswer, Conflict, Forbidden, Interrupted, NotFound
from xnat_tui.model.changes import Change

LAB = Server("lab", "http://127.0.0.1:1")
YES = Consent(yes=True)


def rows(count: int) -> list[Change]:
    return [Change(f"lab:P/S{number}", "set", {"ses": ""}, {"ses": "1"}) for number in range(1, count + 1)]


def failing(**errors):
    def do(change):
        if error := errors.get(change.location.rpartition("/")[2]):
            raise error
        return ""

    return do


@pytest.mark.parametrize(
    ("error", "code"), [(Forbidden("no"), 4), (NotFound("no"), 5), (Conflict("no"), 5), (BadAnswer("no"), 6)]
)
def test_one_row_alone_ends_with_the_code_of_its_error(error, code, capsys):
    assert carry_out(State(), rows(1), failing(S1=error), YES, server=LAB) == code
    assert "! lab:P/S1: no\n" in capsys.readouterr().err


def test_a_failure_among_many_ends_with_6_and_the_others_are_done(capsys):
    state = State(json=True)
    error = Conflict("in use", "Take another.")
    assert carry_out(state, rows(3), failing(S2=error), YES, server=LAB) == 6
    document = json.loads(capsys.readouterr().out)
    assert [row["location"] for row in document["changed"]] == ["lab:P/S1", "lab:P/S3"]
    (failed,) = document["failed"]
    assert (failed["location"], failed["error"], failed["hint"]) == ("lab:P/S2", "in use", "Take another.")


def test_a_stop_leaves_the_rest_alone(capsys):
    code = carry_out(State(), rows(3), failing(S2=Interrupted("Stopped.")), YES, server=LAB)
    assert code == 130
    assert capsys.readouterr().err.endswith("1 done, 1 failed, 0 refused, 1 not begun.\n")


def test_an_interruption_tells_what_was_done_what_is_not_known_and_what_was_not_begun(capsys):
    code = carry_out(State(json=True), rows(3), failing(S2=KeyboardInterrupt()), YES, server=LAB)
    document = json.loads(capsys.readouterr().out)
    assert code == 130
    assert [row["location"] for row in document["changed"]] == ["lab:P/S1"]
    assert [(row["location"], row["error"], row["hint"]) for row in document["failed"]] == [
        (
            "lab:P/S2",
            "Stopped while it was being done: whether it was is not known.",
            "Look at it before doing it again.",
        )
    ]
    assert [row["location"] for row in document["items"]] == ["lab:P/S3"]


def test_refused_rows_are_never_done(capsys):
    changes = [Change("lab:P/S1", "set", refusal="not there."), *rows(1)]
    seen = []

    def do(change):
        seen.append(change)
        return ""

    assert carry_out(State(), changes, do, YES, server=LAB) == 6
    assert seen == changes[1:]
    assert carry_out(State(), changes[:1], do, YES, server=LAB) == 5
    assert seen == changes[1:]


def test_what_a_server_wrote_is_not_obeyed(capsys):
    changes = [Change("lab:P/S\x1b[2J", "set", {"race": "\x1b]0;x\x07"}, {"race": "b"})]
    carry_out(State(), changes, lambda _: "\x1b[2J", YES, server=LAB)
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
