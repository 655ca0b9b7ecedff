"""New labels: a table that says one thing of each subject, and numbers that are dealt once."""

from __future__ import annotations

import pytest

from xnat_tui.errors import ConfigError, UsageError
from xnat_tui.services.deidentifying.relabel import Labels, Rule, read_dealt, read_map, write_dealt


def table(folder, text):
    file = folder / "map.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_table_with_blanks_and_a_byte_order_mark(tmp_path):
    text = "\ufeffSubject, new_subject ,session,new_session\n P1 ,A-1,,\nP1,A-1,P1_MR1,SCAN-A\nP2,A-2,,\n"
    labels = read_map(table(tmp_path, text))
    assert labels.subjects == {"P1": "A-1", "P2": "A-2"}
    assert labels.sessions == {("P1", "P1_MR1"): "SCAN-A"}
    assert labels.unknown(["P1"]) == ["P2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject,new_subject\nP1,A\nP1,A\n", "stands in line 2 already"),
        ("subject,new_subject\nP1,A\nP2,a\n", "two lines give the label"),
        ("subject,new_subject\nP1,P2\nP2,B\n", "an old label and a new one"),
        ("subject,new_subject\nP1,\n", "nothing stands there"),
        ("subject,new_subject\nP1,a/b\n", "column new_subject"),
        ("subject,new_subjct\nP1,A\n", "'new_subjct' is not known"),
        ("subject,new_subject,session,new_session\nP1,A,S,X\nP1,B,T,Y\n", "another label"),
        ("subject,new_subject,session,new_session\nP1,A,S,X\nP2,B,S,x\n", "two lines give the label"),
        ("subject,new_subject,session,new_session\nP1,A,S,\n", "its old and its new label"),
        ("", "is empty"),
    ],
)
def test_a_table_that_cannot_be_meant(tmp_path, text, said):
    with pytest.raises(UsageError) as error:
        read_map(table(tmp_path, text))
    assert said in error.value.message


def test_numbers_are_dealt_once_and_remembered(tmp_path):
    file, rule = tmp_path / "who.csv", Rule("SITE-{n:04d}")
    first = rule.deal(["P9", "P2"], read_dealt(file).subjects)
    assert first == {"P2": "SITE-0001", "P9": "SITE-0002"}
    write_dealt(file, Labels(first, {("P9", "P9_MR1"): "SCAN-A"}))
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_dealt(file).sessions == {("P9", "P9_MR1"): "SCAN-A"}
    assert rule.deal(["P1", "P9"], read_dealt(file).subjects) == {**first, "P1": "SITE-0003"}


def test_no_subject_gets_what_another_is_called():
    assert Rule("S{n}").deal(["S1", "X"], {}) == {"S1": "S2", "X": "S3"}


def test_a_table_that_others_can_read_is_refused(tmp_path):
    file = table(tmp_path, "subject,new_subject\nP1,A\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="read by others"):
        read_dealt(file)


@pytest.mark.parametrize("text", ["SITE", "{n}{n}", "{x}", "{n!r}", "{n:{n}}", "S/{n}", "{n.real}"])
def test_what_is_no_rule(text):
    with pytest.raises(UsageError):
        Rule(text)
