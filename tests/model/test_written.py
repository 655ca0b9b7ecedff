"""What leaves the program: harmless in every format, and read again as what it was."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from xnat_tui.model.written import cell, cell_text, csv_text, html_text, markdown, spelled, unspelled

STEERING = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ud800\udfff",
]
ANY = st.text(st.characters(exclude_categories=()))
SPELLINGS = st.lists(
    st.sampled_from([*STEERING, "'", "=", "-", "+", "@", "1", "<", "U+", "000A", ">", "␊", "␛", "＝", " "])
).map("".join)


@pytest.mark.parametrize("write", [spelled, cell, markdown, html_text])
@pytest.mark.parametrize("steering", STEERING, ids=lambda one: f"{ord(one):04X}")
def test_nothing_that_steers_is_written(write, steering):
    written = write(f"a{steering}b{steering}")
    assert steering not in written
    assert all(unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in written)


@given(ANY | SPELLINGS)
@example("<U+000A>")
@example("␊")
@example("'=1")
@example("<U+FFFFFF>")
def test_what_was_written_is_read_as_what_it_was(text):
    assert unspelled(spelled(text)) == text
    assert cell_text(cell(text)) == text
    written = csv_text([[text, "end"]])
    assert written.count("\n") == 1
    ((found, end),) = csv.reader(io.StringIO(written))
    assert (cell_text(found), end) == (text, "end")


@pytest.mark.parametrize("text", ["=1", "+1", "-1+1", "@A", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "-x"])
def test_a_spreadsheet_runs_nothing(text):
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["-1", "-0.5", "-1e-6", "-", "=", "a=b", "'", "O'Neil", "2024-01-01", ""])
def test_figures_and_words_stay_as_they_are(text):
    assert cell(text) == text


def test_raw_cells_are_what_they_are():
    row = ["=1", "a\nb", "a\rb", "\x1b[31m", "-1"]
    assert next(csv.reader(io.StringIO(csv_text([row], raw=True), newline=""))) == row


@given(ANY.filter(lambda text: "\r" not in text) | st.text("`*_[]()|~#!$<>&:/@.wh\\- a1"))
@example("[x](http://evil.example)")
@example("<img src=x onerror=alert(1)>")
@example("https://evil.example www.evil.example a@b.example")
@example(".AL:")
@example(" evil.com ")
def test_markdown_shows_a_text_and_obeys_none(text):
    parser = MarkdownIt("gfm-like", {"linkify": True})
    line = f"x{text}x"
    tokens = parser.parse(f"| a | b |\n|---|---|\n| {markdown(line)} | end |\n")
    inline = [token for token in tokens if token.type == "inline"]
    assert [token.content for token in inline[:2]] == ["a", "b"]
    assert len(inline) == 4
    assert {token.type for token in inline[2].children} <= {"text", "text_special"}


@given(ANY)
def test_html_shows_a_text_and_obeys_none(text):
    assert not set(html_text(text)) & set("<>\"'")
