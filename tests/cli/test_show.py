"""`show`: globs anywhere in a location, counts in words."""

from __future__ import annotations

import json

import pytest

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.server import DemoServer


def paths(result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [item["path"] for item in json.loads(result.stdout)["items"] if item["kind"] == "resource"]


def test_a_glob_passes_over_places_that_lack_what_is_named_below_them(program, lab):
    found = paths(program("show", "lab:BRAINS/SUB-001/SUB-001_MR1/scans/*/resources/NIFTI", "--json"))
    assert found == [f"scans/{scan}/resources/NIFTI" for scan in (2, 3, 4)]
    assert program("show", "lab:[BE]*/SUB-001").exit_code == 0


def test_a_name_that_no_place_of_a_glob_has_is_not_found(program, lab):
    result = program("show", "lab:BRAINS/*/*/scans/*/resources/NOPE")
    assert result.exit_code == 5
    assert result.stderr.startswith("Nothing matches lab:BRAINS/*/*/scans/*/resources/NOPE.\n")


def test_an_assessor_is_found_by_its_own_address(program, lab):
    by_label = paths(program("show", "lab:BRAINS/SUB-001/SUB-001_MR1/assessors/SUB-001_MR1_FS", "--json"))
    assert by_label == ["out/resources/DATA", "in/resources/INPUT", "resources/LOG"]
    for address in (
        "/data/experiments/CENTRAL_E00018",
        "/data/projects/BRAINS/experiments/SUB-001_MR1_FS",
        "/app/action/DisplayItemAction/search_element/fs:fsData/search_field/fs:fsData.ID"
        "/search_value/CENTRAL_E00018/project/BRAINS",
    ):
        assert paths(program("show", lab.url + address, "--json")) == by_label
    one = f"{lab.url}/data/experiments/CENTRAL_E00018/out/resources/DATA/files"
    assert program("show", one).stdout == "out/DATA  FREESURFER  4 files  125\n"


def test_globs_that_name_several_are_refused_where_one_place_is_meant(program, lab):
    result = program("compare", "lab:*", "lab:BRAINS")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "lab:* names several places: lab:BRAINS, lab:LEGACY, …\n\nhint: Name one of them.\n"
    )
    assert program("compare", "lab:E*", "lab:EMPTY").exit_code == 0


def test_one_file_is_no_plural(program, lab):
    told = program("show", "lab:BRAINS/SUB-001/SUB-001_MR1", "--depth", "scans").stdout
    assert "  5  BOLD_REST  1 file  155k\n" in told
    assert "  1  LOCALIZER  3 files  42k\n" in told


FORBIDDEN = "Asking lab: not allowed: Not your project hint: Ask its owner for the right.\n"


def forbid(server: DemoServer, *projects: str) -> None:
    for project in projects:
        server.faults.add(f"/data/projects/{project}/subjects", ErrorPage(403, "Not your project"))


def test_a_glob_shows_what_can_be_read_and_names_in_its_place_what_cannot(program, lab):
    forbid(lab, "LEGACY")  # PHANTOMS is not open to this user by itself
    whole = program("show", "lab:*/SUB-00[12]", "--depth", "subjects")
    assert whole.exit_code == 6
    listed = json.loads(program("show", "lab:", "--json").stdout)["items"]
    expected = {"BRAINS": ["SUB-001", "SUB-002"], "TEACHING": ["SUB-002"]}
    expected |= {"LEGACY": ["LEGACY"], "PHANTOMS": ["PHANTOMS"]}
    shown = [line.split("  ")[0] for line in whole.stdout.splitlines()]
    assert shown == [name for project in listed for name in expected.get(project["id"], [])]
    assert whole.stdout.count("! not everything could be read") == 2
    assert f"! lab:LEGACY: {FORBIDDEN}" in whole.stderr

    document = json.loads(program("show", "lab:*/SUB-001", "--json").stdout)
    paths = {item["path"]: item.get("error", "") for item in document["items"]}
    assert {path for path, error in paths.items() if error} == {"projects/LEGACY", "projects/PHANTOMS"}
    assert "projects/BRAINS/subjects/SUB-001" in paths


def test_a_glob_of_which_nothing_can_be_read_does_not_say_that_nothing_matches(program, lab):
    forbid(lab, "LEG.*")
    result = program("show", "lab:LEG*/NOPE")
    assert result.exit_code == 6
    assert result.stderr == f"! lab:LEGACY: {FORBIDDEN}"


@pytest.mark.parametrize(
    "verb",
    [("export", "lab:*/SUB-001", "--to", "out"), ("copy", "lab:*/SUB-001", "lab:")],
    ids=lambda v: v[0],
)
def test_no_plan_leaves_out_in_silence_what_a_glob_leads_to_and_cannot_be_read(program, lab, verb):
    forbid(lab, "LEGACY")
    result = program(*verb, "--dry-run")
    assert result.exit_code == 4
    assert "lab:LEGACY could not be read" in result.stderr
    assert result.stdout == ""


def test_a_comparison_is_of_one_place_and_a_glob_that_names_more_is_refused(program, lab):
    result = program("compare", "lab:*/SUB-002", "lab:BRAINS/SUB-002")
    assert result.exit_code == 2
    assert "lab:*/SUB-002 names several places: " in result.stderr
    assert program("compare", "lab:BR*/SUB-002", "lab:BRAINS/SUB-002").exit_code == 0
    forbid(lab, "LEGACY")
    doubtful = program("compare", "lab:[BL]*/SUB-002", "lab:BRAINS/SUB-002")
    assert doubtful.exit_code == 4
    assert "lab:LEGACY could not be read" in doubtful.stderr


def test_a_server_shows_how_much_its_projects_own(program, lab):
    lines = program("show", "lab:").stdout.splitlines()
    assert "  BRAINS  Brains across the lifespan  11 subjects  17 experiments" in lines
    items = json.loads(program("show", "lab:", "--json").stdout)["items"]
    owned = {item["id"]: (item["subjects"], item["experiments"]) for item in items}
    assert owned["BRAINS"] == (11, 17)
    assert owned["EMPTY"] == (0, 0)
