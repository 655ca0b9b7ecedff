"""Strange text, narrow columns, sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.model.display import (
    about,
    cell_width,
    clean,
    counted,
    exactly,
    fit,
    short_count,
    short_size,
    size_words,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SUB-001", "SUB-001"),
        ("Müller Æ 東京", "Müller Æ 東京"),
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("a\nb\tc\x7f", "a␊b␉c␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("abc\u202efed", "abc<U+202E>fed"),
        ("a\u200bb\ufe0f", "a<U+200B>b<U+FE0F>"),
        ("a\u00a0b\u2028c", "a<U+00A0>b<U+2028>c"),
        ("\ud800", "<U+D800>"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text())
def test_cleaned_text_prints_and_cleaning_it_again_changes_nothing(text: str) -> None:
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("SUB-001", 7, "SUB-001"),
        ("SUB-001_MR_baseline", 11, "SUB-0…eline"),
        ("東京都港区", 7, "東…港区"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301…e\u0301"),
    ],
)
def test_the_middle_gives_way(text: str, cells: int, shown: str) -> None:
    assert fit(text, cells) == shown


@given(st.text(), st.integers(0, 40))
def test_fitted_text_never_takes_more_than_its_cells(text: str, cells: int) -> None:
    assert cell_width(fit(clean(text), cells)) <= cells


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, ""),
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1_600_000, "1.6M"),
        (9_999_999, "9.9M"),
        (31_457_280, "31M"),
        (999_999_999, "999M"),
        (1_100_000_000, "1.1G"),
        (10**21, "huge"),
    ],
)
def test_sizes_are_short_and_never_rounded_up(size: int | None, shown: str) -> None:
    assert short_size(size) == shown


@given(st.integers(0, 10**24))
def test_sizes_and_counts_take_at_most_four_cells(number: int) -> None:
    assert len(short_size(number)) <= 4
    assert len(short_count(number)) <= 4


def test_counts_keep_their_digits_as_long_as_they_fit() -> None:
    assert [short_count(n) for n in (None, 62, 9999, 181_204)] == ["", "62", "9999", "181k"]


@pytest.mark.parametrize(
    ("size", "words"),
    [(1, "1 byte"), (6, "6 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (31_400_000, "31.4 MB")],
)
def test_a_size_in_a_sentence_has_its_unit(size, words):
    assert size_words(size) == words


def test_counts_and_times_are_read_at_a_glance():
    assert [counted(count, "file") for count in (0, 1, 999, 72_000)] == [
        *("0 files", "1 file", "999 files", "72,000 files")
    ]
    assert (about(17), about(3700)) == ("17 seconds", "an hour")
    assert (exactly(0.44), exactly(125)) == ("0.44 seconds", "2 minutes and 5 seconds")
