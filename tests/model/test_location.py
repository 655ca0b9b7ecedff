from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location, Step, relative_path, same_address
from xnat_tui.model.naming import matches

SERVERS = {"lab": "https://xnat.example.org/ctx", "qc": "http://127.0.0.1:8080"}
WORDS = {"scans", "assessors", "reconstructions", "resources", "files", "in", "out"}
label = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: (
        text.strip() == text
        and not text.startswith(("'", '"'))
        and not text.endswith(("'", '"'))
        and text not in WORDS
    )
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    kinds = draw(
        st.sampled_from(
            [
                (),
                (Kind.PROJECT,),
                (Kind.PROJECT, Kind.SUBJECT),
                (Kind.PROJECT, Kind.RESOURCE),
                (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT),
                (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN),
                (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.RESOURCE),
                (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.RESOURCE),
                (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR),
                (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.RECONSTRUCTION),
            ]
        )
    )
    return tuple(Step(kind, draw(label)) for kind in kinds)


@given(steps())
def test_what_is_printed_is_read_back_the_same(path: tuple[Step, ...]) -> None:
    location = Location("lab", path)
    assert Location.parse(str(location), SERVERS) == location


@given(steps())
def test_moving_up_and_down_ends_where_it_began(path: tuple[Step, ...]) -> None:
    location = Location("lab", path)
    child = location.child(Kind.RESOURCE, "R")
    assert child.parent == location
    assert child.starts_with(location)
    assert (child.kind, child.name) == (Kind.RESOURCE, "R")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("lab:", "lab:"),
        (
            "lab:P/S/E/scans/3/resources/DICOM/files/sub/a b.dcm",
            "lab:P/S/E/scans/3/resources/DICOM/files/sub/a b.dcm",
        ),
        ("lab:P/S/E/assessors/A/in/resources/R", "lab:P/S/E/assessors/A/in/resources/R"),
        ("lab:P/S/E/assessors/A/resources/R", "lab:P/S/E/assessors/A/out/resources/R"),
        ("lab:'P/Old%20Subject'", "lab:P/Old Subject"),
        ("https://xnat.example.org/ctx/data/projects/P/subjects/S", "lab:P/S"),
        ("HTTPS://XNAT.example.org:443/ctx/data/archive/projects/P", "lab:P"),
        ("http://127.0.0.1:8080/REST/projects/P/subjects/S/experiments/E/scans/3", "qc:P/S/E/scans/3"),
        (
            "https://xnat.example.org/ctx/app/action/DisplayItemAction/search_element/xnat:projectData"
            "/search_field/xnat:projectData.ID/search_value/P",
            "lab:P",
        ),
        (
            "http://127.0.0.1:8080/app/template/XDATScreen_report_xnat_projectData.vm"
            "?search_value=P&search_element=xnat:projectData",
            "qc:P",
        ),
        ("http://127.0.0.1:8080/data/projects/P/subjects/S/experiments/E/scans/3/files", "qc:P/S/E/scans/3"),
        (
            "http://127.0.0.1:8080/data/projects/P/subjects/S/experiments/E/assessors/A/out/resources",
            "qc:P/S/E/assessors/A",
        ),
    ],
)
def test_addresses_mean_places(text: str, short: str) -> None:
    assert str(Location.parse(text, SERVERS)) == short


@pytest.mark.parametrize(
    "text", ["", "P/S", "nobody:P", "lab:P/S/E/scans", "lab:P/S/E/x", "https://xnat.example.org/ctx/data/x/y"]
)
def test_what_leads_nowhere_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Location.parse(text, SERVERS)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "labb:P",
            "No server is saved as 'labb'.",
            "Did you mean 'lab'? Add a server with: xnat-tui server add labb URL",
        ),
        ("lab", "'lab' is not a location.", "Did you mean 'lab:'?"),
        ("lab/P/S", "'lab/P/S' is not a location.", "Did you mean 'lab:P/S'?"),
    ],
)
def test_a_near_miss_names_what_was_meant(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Location.parse(text, SERVERS)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_what_is_encoded_is_no_wildcard() -> None:
    glob = Location.parse("lab:P/MR_*").steps[1]
    assert (glob.name, glob.glob) == ("MR_*", True)
    plain = Location.parse("lab:P/MR_%2A").steps[1]
    assert (plain.name, plain.glob) == ("MR_*", False)
    mixed = Location.parse("lab:P/S/E/resources/R/files/a%5B1%5D*").steps[-1]
    assert matches(mixed.name, "a[1].txt")
    assert not matches(mixed.name, "a1.txt")


def test_paths_of_documents_use_xnats_words() -> None:
    location = Location.parse("lab:P/S/E/assessors/A/in/resources/R/files/a/b")
    assert (
        relative_path(location.steps[1:]) == "subjects/S/experiments/E/assessors/A/in/resources/R/files/a/b"
    )


def test_one_server_has_many_spellings() -> None:
    assert same_address("https://X.org:443/", "https://x.org")
    assert not same_address("https://x.org", "http://x.org")


@pytest.mark.parametrize(
    ("name", "shown"), [("a[1].txt", "a%5B1%5D.txt"), ("a].txt", "a].txt"), ("b*[c]", "b%2A%5Bc%5D")]
)
def test_a_name_with_a_glob_in_it_is_shown_encoded_as_a_whole(name, shown):
    resource = Location.parse("lab:P/resources/R")
    file = resource.child(Kind.FILE, name)
    assert str(file) == f"lab:P/resources/R/files/{shown}"
    assert Location.parse(str(file)) == file
