from __future__ import annotations

import pytest

from xnat_tui.errors import BadAnswer, UsageError
from xnat_tui.xnat.http.addresses import encode_uri, query_string, url_path


def test_every_character_outside_the_unreserved_is_encoded() -> None:
    assert url_path("data", "A b/c", "ü+%#~._-") == "data/A%20b%2Fc/%C3%BC%2B%25%23~._-"


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_move_the_address_is_refused(segment: str) -> None:
    with pytest.raises(UsageError):
        url_path("projects", segment)


def test_a_half_character_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="no address can carry"):
        url_path("a\ud800b")


def test_a_server_uri_is_encoded_but_keeps_its_slashes() -> None:
    uri = "/data/experiments/X_E1/resources/12/files/sub dir/100%.dcm?a#b"
    expected = "/data/experiments/X_E1/resources/12/files/sub%20dir/100%25.dcm%3Fa%23b"
    assert encode_uri(uri) == expected


@pytest.mark.parametrize("uri", ["data/x", "", "/", "/data/../xapi", "/data//x", "http://elsewhere/data"])
def test_a_server_uri_that_leads_away_is_not_believed(uri: str) -> None:
    with pytest.raises(BadAnswer):
        encode_uri(uri)


def test_query_values_are_encoded_lists_repeat_and_none_is_left_out() -> None:
    params: dict[str, str | int | list[str] | None] = {
        "columns": "ID,xnat:a/b[name=x]",
        "n": 3,
        "all": True,
        "off": False,
        "no": None,
        "r": ["a", "b"],
    }
    assert query_string(params) == "columns=ID,xnat:a/b%5Bname%3Dx%5D&n=3&all=true&off=false&r=a&r=b"
