"""Assessors of another project: recognised in both ways of reading, compared and planned as what they are."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import pytest

from xnat_tui.demo.archive import Assessor
from xnat_tui.demo.faults import Answer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study.derived import add_freesurfer
from xnat_tui.errors import NotFound
from xnat_tui.model.entities import CHILD_KINDS, Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import CopyOptions, ExportOptions, ExportShared, Shared
from xnat_tui.model.plan import Plan
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.comparing.reports import document
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.xnat.http.connection import Connection

E1 = "subjects/S1/experiments/E1"
Q1 = "subjects/Q1/experiments/Q1_MR"
QC = "xnat:qcManualAssessorData"


def sharing_site(small: Any) -> Site:
    """P owns S1/E1 with three assessors, whose second Q sees as its own `SEEN`; Q has made a fourth there."""
    site: Site = small(plugin_types=("fs:fsData",))
    session = next(iter(site.experiments.values()))
    site.add_project("Q")
    site.share(session.subject, "Q", "Q1")
    site.share(session, "Q", "Q1_MR")
    rating = site.add_assessor(session, "OWN", QC, fields={"note": "plain"})
    rating.variables["rater"] = "jd"
    site.share(add_freesurfer(site, session), "Q", "SEEN")
    site.add_assessor(session, "UNSEEN", QC, fields={"note": "of P"})
    made = site.add_assessor(session, "MADE_BY_Q", QC, project="Q", fields={"date": "2021-01-02"})
    made.variables["rater"] = "mm"
    return site


def owned_session_site(small: Any) -> Site:
    """P owns S1/E1 with one assessor; Q has made two there, and shares the first with P, as `FROM_Q`."""
    site: Site = small(plugin_types=("fs:fsData",))
    session = next(iter(site.experiments.values()))
    site.add_project("Q")
    site.add_assessor(session, "OWN", QC, fields={"note": "plain"})
    shared = add_freesurfer(site, session)
    site.move(shared, "Q")
    site.share(shared, "P", "FROM_Q")
    return site


def at(connection: Connection, path: str) -> Any:
    return find_one(Reader(connection), Location.parse(f"lab:{path}"))


def told(reader: Reader, session: Any) -> dict[str, Any]:
    """What a reader tells of a session's assessors and of their resources."""
    found = {}
    for one in reader.below(session, Kind.ASSESSOR).items:
        below = reader.below(session.child(one), Kind.RESOURCE).items
        resources = sorted((item.side, item.key, item.uri, item.files) for item in below)
        found[one.key] = (one.id, one.shared_from, one.type, one.uri, resources)
    return found


def in_bulk(connection: Connection, session: Any) -> Reader:
    reader = Reader(connection)
    with ThreadPoolExecutor(2) as pool:
        read_project(reader, session.up_to(Kind.PROJECT), pool)
    return reader


def steps(plan: Plan, *, kind: Kind = Kind.ASSESSOR) -> dict[str, tuple[str, str]]:
    return {
        step.path.rpartition("/")[2]: (str(step.action), step.reason)
        for step in plan.steps
        if step.kind is kind
    }


def own(site: Site, label: str) -> Assessor:
    return next(one for one in site.assessors.values() if one.label == label)


def test_an_owned_session_tells_its_assessors_of_other_projects_in_bulk_too(servers, make_site):
    pair = servers(owned_session_site(make_site), Site())
    connection = pair.connections["lab"]
    session = at(connection, "P/S1/E1")
    by_document = told(Reader(connection), session)
    assert {key: owner for key, (_, owner, *_) in by_document.items()} == {"OWN": None, "FROM_Q": "Q"}
    bulk = in_bulk(connection, session)
    asked = connection.requests
    assert told(bulk, session) == by_document
    assert connection.requests == asked, "the bulk answers tell all of it, resources of all kinds too"
    (_, _, _, _, resources) = by_document["FROM_Q"]
    assert {side for side, *_ in resources} == {"in", "out", ""}


def test_assessors_that_the_project_does_not_show_are_told_by_the_sessions_document(servers, make_site):
    site = owned_session_site(make_site)
    site.add_assessor(next(iter(site.experiments.values())), "UNSEEN", QC, project="Q")
    pair = servers(site, Site())
    connection = pair.connections["lab"]
    session = at(connection, "P/S1/E1")
    by_document = told(Reader(connection), session)
    owners = {key: owner for key, (_, owner, *_) in by_document.items()}
    assert owners == {"OWN": None, "FROM_Q": "Q", "UNSEEN": "Q"}
    assert told(in_bulk(connection, session), session) == by_document


@pytest.mark.parametrize("outcome", ["missing", "refused"])
def test_an_owner_that_bulk_answers_do_not_tell_is_said_to_be_unknown(servers, make_site, outcome):
    site = owned_session_site(make_site)
    site.settings.assessor_owner_column = outcome
    pair = servers(site, Site())
    connection = pair.connections["lab"]
    session = at(connection, "P/S1/E1")
    bulk = told(in_bulk(connection, session), session)
    owners = {key: owner for key, (_, owner, *_) in bulk.items()}
    assert owners["OWN"] is None
    assert owners["FROM_Q"] in ("", "Q"), "never None, which would say that P owns it"


def test_a_site_wide_list_that_lacks_an_assessor_does_not_make_it_shared_in(servers, make_site):
    pair = servers(owned_session_site(make_site), Site())
    connection = pair.connections["lab"]
    session = at(connection, "P/S1/E1")
    in_bulk(connection, session)
    (asked,) = (entry for entry in pair.source.requests if entry.path == "/data/experiments")
    answer = connection.get_json("/data/experiments", **dict(parse_qsl(asked.query)))
    rows = answer["ResultSet"]["Result"]
    rows[:] = [row for row in rows if row["ID"] != own(pair.source.site, "OWN").id]
    answer["ResultSet"]["totalRecords"] = str(len(rows))
    pair.source.faults.add(r"GET /data/experiments\?", Answer(json.dumps(answer), 200, "application/json"))
    assert told(in_bulk(connection, session), session)["OWN"][1] is None


def test_a_shared_in_session_tells_whose_its_assessors_are_and_their_labels_here(servers, make_site):
    pair = servers(sharing_site(make_site), Site())
    session = at(pair.connections["lab"], "Q/Q1/Q1_MR")
    owners = {key: one[1] for key, one in told(Reader(pair.connections["lab"]), session).items()}
    assert owners == {"OWN": "P", "SEEN": "P", "UNSEEN": "P", "MADE_BY_Q": None}
    there = at(pair.connections["lab"], "P/S1/E1")
    reader = Reader(pair.connections["lab"])
    told(reader, session)
    owners = {key: one[1] for key, one in told(reader, there).items()}
    fs = next(key for key in owners if key.endswith("_FS"))
    assert owners == {"OWN": None, fs: None, "UNSEEN": None, "MADE_BY_Q": "Q"}


def test_a_shared_in_assessor_equals_an_owned_one_and_that_is_told(demo: Any) -> None:
    site = demo.servers["qc"].site
    session = site.experiment("SUB-002_MR1", "BRAINS")
    site.move(next(iter(session.assessors.values())), "BRAINS_QC")
    comparison = demo.compare("lab:BRAINS", "qc:BRAINS")
    found = document(comparison, everything=True)
    notes = {item["path"].rpartition("/")[2]: item["note"] for item in found["items"] if "note" in item}
    assert found["shared_on_one_side"] == 1
    (note,) = (note for note in notes.values() if "shared in" in note)
    assert note == "owned on the source, shared in from BRAINS_QC on the destination"


def test_shared_assessors_are_left_out_with_a_notice(servers, make_site):
    pair = servers(owned_session_site(make_site), Site())
    plan = pair.plan("P")
    assert steps(plan)["FROM_Q"] == ("skip", "shared in from Q")
    assert steps(plan)["OWN"][0] == "create"
    site = sharing_site(make_site)
    with pytest.raises(NotFound, match="All that stands in lab:Q is shared in from elsewhere, or stands at"):
        servers(site, Site()).plan("Q", project="Q")
    site.add_subject(site.projects["Q"], "Q2")
    shared = servers(site, Site()).plan("Q", project="Q")
    assert steps(shared, kind=Kind.SUBJECT) == {"Q1": ("skip", "shared in from P"), "Q2": ("create", "")}


def test_shared_assessors_are_shared_where_the_primary_exists(servers, make_site):
    source = sharing_site(make_site)
    pair = servers(source, Site(plugin_types=("fs:fsData",)))
    pair.copy("P", project="P")
    plan = pair.plan("Q", project="Q", options=CopyOptions(shared=Shared.SHARE))
    assert steps(plan) == {
        "OWN": ("skip", "it belongs to P and is not shared into Q"),
        "UNSEEN": ("skip", "it belongs to P and is not shared into Q"),
        "SEEN": ("create", "shared from P"),
        "MADE_BY_Q": ("create", ""),
    }
    assert pair.run(plan).failures == []
    there = pair.target.site
    fs = next(one for one in there.assessors.values() if one.label.endswith("_FS"))
    assert (fs.project, fs.shares) == ("P", {"Q": "SEEN"})
    made = own(there, "MADE_BY_Q")
    assert (made.project, made.session.project) == ("Q", "P")
    assert (made.variables, made.fields["date"]) == ({"rater": "mm"}, "2021-01-02")
    assert len(there.assessors) == 4, "nothing is there twice"
    again = pair.plan("Q", project="Q", options=CopyOptions(shared=Shared.SHARE))
    assert not again.writes
    assert steps(again)["SEEN"] == ("skip", "shared in from P; exists")
    labels = {step.path.rsplit("/", 1)[-1] for step in again.steps if step.stays_behind}
    assert labels == {"OWN", "UNSEEN"}


def test_an_assessor_is_not_shared_where_its_owner_does_not_have_it(servers, make_site):
    pair = servers(owned_session_site(make_site), Site(plugin_types=("fs:fsData",)))
    options = CopyOptions(shared=Shared.SHARE)
    missing = ("skip", "shared in from Q, which does not have it at the destination")
    assert steps(pair.plan("P", project="P", options=options))["FROM_Q"] == missing
    pair.copy("P", project="P")
    there = pair.target.site
    there.add_project("Q")
    session = next(iter(there.experiments.values()))
    label = next(one.label for one in pair.source.site.assessors.values() if one.project == "Q")
    there.add_assessor(session, label, "fs:fsData", project="Q")
    plan = pair.plan("P", project="P", options=options)
    assert steps(plan)["FROM_Q"] == ("create", "shared from Q")
    assert pair.run(plan).failures == []
    assert own(there, label).shares == {"P": "FROM_Q"}


def test_a_label_that_another_projects_assessor_has_there_is_a_conflict(servers, make_site):
    pair = servers(owned_session_site(make_site), Site())
    pair.copy("P", project="P")
    there = pair.target.site
    there.add_project("Q")
    there.move(own(there, "OWN"), "Q")
    plan = pair.plan("P", project="P")
    assert steps(plan)["OWN"] == (
        "conflict",
        "An assessor with this label stands there already, and Q owns it.",
    )


def test_a_copy_of_what_is_shared_keeps_the_labels_that_its_project_knows(servers, make_site):
    pair = servers(sharing_site(make_site), Site(plugin_types=("fs:fsData",)))
    result = pair.copy("Q", project="COPY", options=CopyOptions(shared=Shared.COPY))
    assert result.failures == []
    labels = {one.label for one in pair.target.site.assessors.values()}
    assert labels == {"OWN", "SEEN", "UNSEEN", "MADE_BY_Q"}
    assert {one.project for one in pair.target.site.assessors.values()} == {"COPY"}


def test_the_demo_makes_an_assessor_of_the_project_through_which_it_is_made(servers, make_site):
    pair = servers(sharing_site(make_site), Site())
    path = "/data/projects/Q/subjects/Q1/experiments/Q1_MR/assessors/NEW"
    pair.connections["lab"].write("PUT", path, params={"xsiType": QC})
    made = own(pair.source.site, "NEW")
    assert (made.project, made.session.label) == ("Q", "E1")


def test_an_export_leaves_shared_assessors_out_with_a_notice_unless_they_are_asked_for(
    servers, make_site, tmp_path
):
    pair = servers(owned_session_site(make_site), Site())
    connection = pair.connections["lab"]
    plan = plan_export(Reader(connection), [at(connection, "P")], tmp_path / "a", ExportOptions())
    notice = ("skip", "shared in from Q; --shared copy takes it along")
    assert steps(plan) == {"FROM_Q": notice}
    assert not any("assessors" in step.path for step in plan.steps if step.writes)
    whole = plan_export(
        Reader(connection), [at(connection, "P")], tmp_path / "b", ExportOptions(shared=ExportShared.COPY)
    )
    assert any("assessors/FROM_Q/" in step.path for step in whole.steps if step.writes)


def test_every_kind_below_a_session_is_still_read_at_once(servers, make_site):
    pair = servers(sharing_site(make_site), Site())
    reader = Reader(pair.connections["lab"])
    session = at(pair.connections["lab"], "Q/Q1/Q1_MR")
    reader.below(session, Kind.SCAN)
    asked = reader.connection.requests
    for kind in CHILD_KINDS[Kind.EXPERIMENT]:
        assert reader.below(session, kind).error is None
    assert reader.connection.requests == asked
