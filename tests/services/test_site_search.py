"""A whole site is searched in a few questions; what could not be read is told."""

from __future__ import annotations

import pytest

from tests.tui.demo_pair import demo_pair
from xnat_tui import connect
from xnat_tui.model.entities import Kind
from xnat_tui.services.browsing.site_search import search


@pytest.fixture
def servers(tmp_path, monkeypatch):
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


def test_labels_ids_patient_ids_and_uids_of_every_project_are_found_in_three_questions(servers):
    with connect("lab") as workspace:
        reader = workspace.reader("lab")
        before = reader.connection.requests
        told = search(reader, "sub-001_mr1")
        assert reader.connection.requests - before <= 3
        (session,) = told.found
        assert (session.kind, session.project, session.because) == (Kind.EXPERIMENT, "BRAINS", "label")
        assert session.shared_into == ("TEACHING",)
        assert workspace.find_one(session.location).item.key == "SUB-001_MR1"
        for text, because in (
            ("T-01_MR", "label in TEACHING"),
            (session.id, "ID"),
            ("1.2.826.0.1.3680043.10.1337.65598500364200354", "study UID"),
        ):
            best = search(reader, text).found[0]
            assert (best.id, best.because) == (session.id, because)
        assert {one.because for one in search(reader, "SUB-002").found} >= {"label"}
        assert {one.project for one in search(reader, "007").found} >= {"LEGACY"}
        assert search(reader, "no such thing anywhere").found == ()
