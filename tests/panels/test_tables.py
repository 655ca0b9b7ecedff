import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.errors import UsageError
from xnat_tui.services import tables

COLUMNS = {"required": ("subject", "gender"), "optional": ("label",), "key": ("subject",)}


@pytest.fixture
def read(tmp_path):
    def read_text(content: str | bytes, **options):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tables.read(path, **{**COLUMNS, **options})

    return read_text


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_reads_every_separator_with_and_without_a_byte_order_mark(read, separator, mark):
    text = separator.join(("subject", "gender")) + "\r\n" + separator.join(("007", "male")) + "\r\n"
    table = read(mark + text.encode())
    assert table.columns == ("subject", "gender")
    assert [(row.line, dict(row.cells)) for row in table.rows] == [(2, {"subject": "007", "gender": "male"})]


def test_reads_what_a_spreadsheet_calls_unicode_text(read):
    assert read("subject\tgender\nÄ1\tmale\n".encode("utf-16")).rows[0]["subject"] == "Ä1"


def test_column_names_ignore_case_and_cells_may_be_quoted(read):
    table = read('Gender, SUBJECT\n"male", "a, b"\n\n')
    assert dict(table.rows[0].cells) == {"gender": "male", "subject": "a, b"}
    assert table.rows[0]["label"] == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "table.csv is empty."),
        ("subject\nS\n", "table.csv, line 1: the column gender is missing."),
        ("subject,gender,colour\n", "table.csv, line 1: a column 'colour' is not known."),
        ("subject,gender,gender\n", "table.csv, line 1: the column gender stands there twice."),
        ("subject,gender\nS\n", "table.csv, line 2: 1 cells where 2 columns are named."),
        ("subject,gender\nS,\n", "table.csv, line 2, column gender: nothing stands there."),
        ("subject,gender\nS,M\nT,F\nS,F\n", "table.csv, line 4, column subject: S stands in line 2 already."),
        (b"subject,gender\nS,M\nM\xfcller,F\n", "table.csv, line 3: no text in UTF-8."),
        ('subject,gender\nS,"M\n', "table.csv, line 2: unexpected end of data."),
    ],
)
def test_says_where_a_table_is_wrong(read, content, message):
    with pytest.raises(UsageError) as raised:
        read(content)
    assert raised.value.message == message


def test_a_near_miss_of_a_column_is_pointed_out(read):
    with pytest.raises(UsageError) as raised:
        read("subject,gendre\n")
    assert raised.value.hint == "Did you mean gender?"


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        tables.read(tmp_path / "none.csv", required=("subject",))


def test_what_is_written_is_read_again(tmp_path, read):
    row = {"subject": "007", "gender": 'a "b", c'}
    text = tables.write(["subject", "gender"], [row])
    assert dict(read(text).rows[0].cells) == row


@pytest.mark.parametrize("raw", [False, True])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text(" =+-@'␊\t\r\n1", min_size=1)
)
def test_every_text_that_is_written_is_read_again(tmp_path_factory, raw, text):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    tables.save(path, tables.write(["subject", "gender"], [{"subject": text, "gender": text}], raw=raw))
    (row,) = tables.read(path, required=("subject", "gender"), raw=raw).rows
    assert dict(row.cells) == {"subject": text, "gender": text}


def test_a_table_is_for_its_user_unless_others_are_to_read_it(tmp_path):
    for readable, mode in ((False, 0o600), (True, 0o644)):
        path = tmp_path / f"{mode}.csv"
        tables.save(path, "a\n", readable=readable)
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_saving_never_replaces_a_file(tmp_path):
    path = tmp_path / "table.csv"
    tables.save(path, "a\n")
    with pytest.raises(UsageError, match="exists already"):
        tables.save(path, "b\n")
    assert path.read_text() == "a\n"
