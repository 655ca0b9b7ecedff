"""Sharing, unsharing, and change of ownership."""

from __future__ import annotations

import pytest

from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.site import Site

SESSION = "/data/projects/P1/subjects/S01/experiments/MR1"


def test_sharing_answers_html_unless_json_is_asked_for(admin, site: Site) -> None:
    page = admin.put(f"{SESSION}/projects/OPEN")
    assert (page.status_code, page.text[:5]) == (200, "<html")
    assert "OPEN" in site.experiment("MR1", "P1").shares
    table = admin.put("/data/projects/P1/subjects/S02/projects/OPEN?label=X2&format=json")
    rows = table.json()["ResultSet"]["Result"]
    assert [(row["ID"], row["label"]) for row in rows] == [("P1", "S02"), ("OPEN", "X2")]


def test_a_share_without_a_label_shows_the_original_one(admin, site: Site) -> None:
    admin.put("/data/projects/P1/subjects/S02/projects/OPEN?format=json")
    assert site.subject("S02", "OPEN") is site.subject("S02", "P1")


def test_repeating_a_share_relabels_it_with_409_for_sessions_and_200_for_subjects(admin, site: Site) -> None:
    again = admin.put(f"{SESSION}/projects/P2?label=OTHER&format=json")
    assert again.status_code == 409
    assert site.experiment("OTHER", "P2") is site.experiment("MR1", "P1")
    subject = admin.put("/data/projects/P1/subjects/S01/projects/P2?label=OTHER&format=json")
    assert subject.status_code == 200
    assert site.subject("OTHER", "P2") is site.subject("S01", "P1")


@pytest.mark.parametrize(
    ("tail", "code"),
    [("projects/P1", 409), ("projects/NOWHERE", 404), ("projects/OPEN?label=a%20b", 500)],
)
def test_impossible_targets(admin, tail: str, code: int) -> None:
    assert admin.put(f"{SESSION}/{tail}").status_code == code


def test_a_label_in_use_in_the_target_is_refused(admin, site: Site) -> None:
    site.add_subject(site.projects["OPEN"], "TAKEN")
    answer = admin.put("/data/projects/P1/subjects/S02/projects/OPEN?label=TAKEN&format=json")
    assert answer.status_code == 409
    assert site.subject("S02", "P1").shares == {}


def test_sharing_needs_the_create_right_there_and_the_sites_consent(client_of, site: Site) -> None:
    path = "/data/projects/P1/subjects/S02/projects/{}?format=json"
    assert client_of("mia").put(path.format("OPEN")).status_code == 403
    assert client_of("olga").put(path.format("P2")).status_code == 200
    site.settings.sharing_enabled = False
    assert client_of("olga").put(f"{SESSION}/projects/P2?label=Z").status_code == 403


def test_assessors_are_shared_by_themselves(admin, site: Site, session: Experiment) -> None:
    path = "/data/experiments/{}/assessors/{}/projects/P2?label=QC_B&format=json"
    assessor = session.assessor("QC1")
    assert admin.put(path.format(session.id, assessor.id)).status_code == 200
    assert site.experiment("QC_B", "P2") is assessor


def test_unsharing_removes_the_share_and_keeps_the_item(
    admin, client_of, site: Site, session: Experiment
) -> None:
    site.projects["P2"].users["carl"] = "collaborator"
    assert client_of("carl")("DELETE", f"{SESSION}/projects/P2").status_code == 403
    assert admin("DELETE", f"{SESSION}/projects/P2?format=json").status_code == 200
    assert (session.shares, site.experiment("MR1", "P1")) == ({}, session)
    assert admin("DELETE", f"{SESSION}/projects/P2").status_code == 404
    assert admin("DELETE", f"{SESSION}/projects/P1").status_code == 400


def test_delete_through_the_sharing_project_unshares(admin, site: Site) -> None:
    assert admin("DELETE", "/data/projects/P2/subjects/SHARED01?removeFiles=true").status_code == 200
    assert site.subject("S01", "P1") is not None
    assert site.subject("SHARED01", "P2") is None


def test_unsharing_is_refused_while_assessors_belong_to_the_project(
    admin, site: Site, session: Experiment
) -> None:
    site.add_assessor(session, "QC_P2", "xnat:qcManualAssessorData", project="P2")
    assert admin("DELETE", f"{SESSION}/projects/P2").status_code == 403


def test_primary_moves_the_ownership_and_consumes_the_share(
    admin, client_of, site: Site, session: Experiment
) -> None:
    path = f"{SESSION}/projects/P2?primary=true&format=json"
    site.projects["P2"].users["mia"] = "owner"
    assert client_of("mia").put(path).status_code == 403
    assert admin.put(path).status_code == 200
    assert (session.project, session.label, session.shares) == ("P2", "MR_SHARED", {})
    assert admin.put(f"/data/experiments/{session.id}/projects/P2?primary=true").status_code == 409


def test_primary_is_refused_where_the_label_is_taken(admin, site: Site) -> None:
    site.add_subject(site.projects["OPEN"], "S02")
    subject = site.subject("S02", "P1")
    assert admin.put("/data/projects/P1/subjects/S02/projects/OPEN?primary=true").status_code == 409
    assert subject.project == "P1"
