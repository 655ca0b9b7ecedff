"""A plan tells everything beforehand, and writes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from xnat_tui.config import Server
from xnat_tui.demo.faults import EMPTY_RESULT, Answer, ErrorPage
from xnat_tui.demo.records import User
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import CopyOptions, Mode, OnExisting, Shared, Via
from xnat_tui.model.pairing import Depth, FieldDifference
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action
from xnat_tui.model.plan_documents import plan_document, plan_of
from xnat_tui.model.transfer import State
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.planning.plan import NewProject, plan_copy
from xnat_tui.xnat.documents.writing import SETTINGS


def _steps(plan, action):
    return {step.path: step.reason for step in plan.steps if step.action is action}


def test_planning_writes_nothing_anywhere(servers, held):
    pair = servers(source_site(), destination_site())
    before = held(pair.source.site, "BRAINS"), held(pair.target.site, "BRAINS")
    pair.plan("BRAINS", project="BRAINS", options=CopyOptions(on_existing=OnExisting.OVERWRITE, ohif=True))
    pair.plan("BRAINS", project="FRESH")
    assert (held(pair.source.site, "BRAINS"), held(pair.target.site, "BRAINS")) == before
    asked = [entry for server in (pair.source, pair.target) for entry in server.requests]
    sent = {(entry.method, entry.path) for entry in asked if entry.method != "GET"}
    assert sent == {("PUT", "/data/services/auth"), ("POST", "/data/search")}, "a search only reads"


def test_a_plan_survives_being_saved(servers):
    pair = servers(source_site(), destination_site())
    plan = pair.plan("BRAINS", project="BRAINS")
    assert plan_of(plan_document(plan)) == replace(plan, details={})


def test_what_is_replaced_is_told_with_both_values_and_kept_nowhere(servers):
    """They may be a patient's: the documents and the journal have the names of fields alone."""
    pair = servers(source_site(), destination_site())
    plan = pair.plan("BRAINS", project="BRAINS", options=CopyOptions(on_existing=OnExisting.UPDATE))
    of = {step.path: plan.details.get(step.number, ()) for step in plan.steps}
    assert FieldDifference("fields/cohort", "B", "A") in of["subjects/SUB-011"]
    logs = "subjects/SUB-009/experiments/SUB-009_MR1/resources/logs"
    assert of[logs] == (FieldDifference("notes.txt", "60 bytes", "15 bytes"),)
    assert "details" not in json.dumps(plan_document(plan))


def test_a_session_costs_one_request(servers):
    pair = servers(synthetic_site(3, 4, 6), Site())
    place = pair.place("BIG")
    reader = Reader(pair.connections["lab"])
    before = pair.connections["lab"].requests
    plan = plan_copy(reader, [place], Reader(pair.connections["qc"]), NewProject("qc", "NEW"))
    spent = pair.connections["lab"].requests - before
    assert plan.totals.upload == 72
    sessions, subjects = 12, 3
    assert spent <= sessions + 2 * subjects + 3


QC = "xnat:qcManualAssessorData"


def _with_derived(site, put_file):
    """Two sessions, each with a scan, three assessors and a reconstruction that hold files."""
    project = site.add_project("P")
    subject = site.add_subject(project, "S")
    for name in ("E1", "E2"):
        session = site.add_experiment(subject, name)
        site.add_scan(session, "1")
        holders = [site.add_assessor(session, f"{name}_A{number}", QC) for number in range(3)]
        for holder in (*holders, site.add_reconstruction(session, "R")):
            for group in (holder.in_resources, holder.out_resources):
                resource = site.new_resource("DATA")
                put_file(resource, "x.txt", b"data")
                resource.populate_stats()
                group.append(resource)
    return site


def test_files_of_assessors_and_reconstructions_are_asked_for_in_bulk(servers, put_file):
    pair = servers(_with_derived(Site(), put_file), _with_derived(Site(), put_file))
    plan = pair.plan("P", project="P")
    assert {step.action for step in plan.steps if step.kind is Kind.RESOURCE} == {Action.SKIP}
    assert sum(step.kind is Kind.RESOURCE for step in plan.steps) == 2 * 4 * 2
    for server in (pair.source, pair.target):
        asked = [entry.path for entry in server.requests if entry.path.endswith("/files")]
        assert len(asked) == 3, asked  # of all levels, into assessors, into reconstructions


def test_a_partial_copy_is_completed_and_what_differs_is_named(servers):
    pair = servers(source_site(), destination_site())
    plan = pair.plan("BRAINS", project="BRAINS", options=CopyOptions(ignore_missing_datatypes=True))
    created, sent, refused = (_steps(plan, one) for one in (Action.CREATE, Action.UPLOAD, Action.CONFLICT))
    assert "subjects/SUB-004" in created
    assert "subjects/SUB-001" not in created
    missing = sent["subjects/SUB-002/experiments/SUB-002_MR1/scans/3/resources/DICOM"]
    assert missing == "2 missing"
    same_size = "subjects/SUB-009/experiments/SUB-009_MR1/scans/2/resources/DICOM/files/IM0003.dcm"
    assert refused[same_size] == "there with other content; --on-existing update replaces it"
    assert "differs only in case" in refused["subjects/SUB-008"]
    roi = "subjects/SUB-012/experiments/SUB-012_MR1/assessors/SUB-012_MR1_ROI"
    assert "icr:roiCollectionData" in refused[roi]
    result = pair.run(plan)
    assert result.failures == []


def test_missing_data_types_block_unless_they_are_to_be_left_out(servers):
    pair = servers(source_site(), destination_site())
    plan = pair.plan("BRAINS/SUB-012")
    assert plan.blocked
    assert any("icr:roiCollectionData" in finding.message for finding in plan.findings)
    assert not pair.plan("BRAINS/SUB-012", options=CopyOptions(ignore_missing_datatypes=True)).blocked


def test_a_type_that_nobody_has_set_up_blocks_unless_it_is_to_be_left_out(servers):
    target = Site()
    target.settings.types_not_set_up = frozenset({"xnat:mrSessionData"})
    pair = servers(source_site(), target)
    plan = pair.plan("BRAINS/SUB-009")
    assert plan.blocked
    assert any("xnat:mrSessionData" in finding.message for finding in plan.findings)
    plan = pair.plan("BRAINS/SUB-009", options=CopyOptions(ignore_missing_datatypes=True))
    assert pair.run(plan).failures == []
    assert target.subject("SUB-009", "NEW") is not None
    assert target.experiment("SUB-009_MR1", "NEW") is None


@pytest.mark.parametrize("status", [400, 500])
def test_a_type_that_only_the_run_finds_missing_fails_alone(servers, status):
    target = Site()
    target.settings.unknown_type_status = status
    pair = servers(source_site(), target)
    pair.target.faults.add("^GET /data/search/elements|^GET /xapi/schemas/datatypes", ErrorPage(503))
    plan = pair.plan("BRAINS/SUB-012")
    assert not plan.blocked
    assert any("could not be listed" in finding.message for finding in plan.findings)
    failed = [name for name, one in pair.run(plan).outcomes.items() if one.state is State.FAILED]
    roi = "subjects/SUB-012/experiments/SUB-012_MR1/assessors/SUB-012_MR1_ROI"
    assert failed
    assert {name[: len(roi)] for name in failed} == {roi}
    assert target.experiment("SUB-012_MR1", "NEW") is not None
    assert target.experiment("SUB-012_MR1_ROI", "NEW") is None


def test_labels_that_xnat_refuses_are_named_before_anything_is_sent(servers):
    pair = servers(source_site(), destination_site())
    refused = _steps(pair.plan("LEGACY", project="FRESH"), Action.CONFLICT)
    assert "only letters, digits" in refused["subjects/Old Subject"]
    assert "no label" in " ".join(refused.values())
    assert "second resource with this label" in " ".join(refused.values())


def test_a_title_that_is_taken_gives_way_and_one_that_takes_the_id_is_a_conflict(servers, make_site):
    target = Site()
    target.add_project("ATLAS", fields={"name": "P", "secondary_ID": "ATLAS"})
    pair = servers(make_site(), target)
    fresh = pair.plan("P", project="FRESH")
    assert any("title P is taken" in finding.message for finding in fresh.findings)
    blocked = pair.plan("P", project="P")
    assert "title" in _steps(blocked, Action.CONFLICT)["projects/P"]
    assert pair.run(fresh).failures == []
    assert target.projects["FRESH"].fields["name"] == "FRESH"


@pytest.mark.parametrize(
    ("match", "action"),
    [
        (r"GET /data/experiments/[^/?]+\?format=json", ErrorPage(500)),
        (r"GET /data/experiments/[^/?]+\?format=json", Answer("<html>proxy</html>")),
    ],
)
def test_what_cannot_be_read_at_the_source_conflicts_and_is_never_left_out(servers, make_site, match, action):
    pair = servers(make_site(), Site())
    pair.source.faults.add(match, action)
    plan = pair.plan("P/S1/E1")
    assert list(_steps(plan, Action.CONFLICT)) == ["subjects/S1/experiments/E1"]
    assert any(finding.severity == "warning" for finding in plan.findings)


@pytest.mark.parametrize(
    ("whole", "match", "unread"),
    [
        ("P", r"/subjects\?", "projects/NEW"),
        ("P", r"/experiments[?/]", "subjects/S1"),
        ("P/S1", r"/experiments\?", "subjects/S1"),
    ],
)
def test_a_list_that_cannot_be_read_is_a_conflict_and_never_an_empty_one(
    servers, make_site, whole, match, unread
):
    pair = servers(make_site(), Site())
    places = [pair.place(whole)]
    pair.source.faults.add(f"GET .*{match}", ErrorPage(500))
    target = NewProject("qc", "NEW")
    plan = plan_copy(Reader(pair.connections["lab"]), places, Reader(pair.connections["qc"]), target)
    refused = _steps(plan, Action.CONFLICT)
    assert "could not be read" in refused[unread]
    assert any("will not be copied" in finding.message for finding in plan.findings)


def test_a_destination_that_cannot_be_read_is_not_taken_for_empty(servers, make_site):
    pair = servers(make_site(), Site())
    pair.copy("P")
    pair.target.faults.add(r"GET /data/projects/NEW/(subjects|experiments)\?", ErrorPage(500))
    plan = pair.plan("P", options=CopyOptions(on_existing=OnExisting.OVERWRITE))
    assert "subjects/S1" in _steps(plan, Action.CONFLICT)
    assert not _steps(plan, Action.CREATE)


def test_an_empty_list_of_files_with_200_is_no_reason_to_call_a_resource_complete(servers, make_site):
    pair = servers(make_site(), Site())
    pair.copy("P")
    pair.source.faults.add(r"GET .*/files\?", EMPTY_RESULT)
    plan = pair.plan("P")
    path = "subjects/S1/experiments/E1/scans/1/resources/DICOM"
    assert "counts 2 files" in _steps(plan, Action.CONFLICT)[path]


def test_a_public_project_makes_a_public_one_only_after_saying_so(servers, make_site):
    source = make_site()
    source.projects["P"].accessibility = "public"
    pair = servers(source, Site())
    plan = pair.plan("P")
    said = [one.message for one in plan.findings]
    assert "P is public, and the new project NEW will be public too." in said
    pair.run(plan)
    assert pair.target.site.projects["NEW"].accessibility == "public"


def test_filters_and_limits_narrow_the_plan(servers):
    pair = servers(synthetic_site(5, 2, 2), Site())
    two = pair.plan("BIG", filters=Filters(limit_subjects=2))
    assert sum(step.kind is Kind.SUBJECT for step in two.steps) == 2
    one = pair.plan("BIG", filters=Filters(session=("S00003_MR2",), scan=("2",)))
    kinds = [step.kind for step in one.steps]
    assert kinds == [Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.RESOURCE]
    assert one.command.endswith("--session S00003_MR2 --scan 2")


def test_existing_sessions_can_be_left_alone_as_they_are(servers):
    pair = servers(source_site(), destination_site())
    options = CopyOptions(skip_existing_sessions=True, ignore_missing_datatypes=True)
    plan = pair.plan("BRAINS", project="BRAINS", options=options)
    assert _steps(plan, Action.SKIP)["subjects/SUB-002/experiments/SUB-002_MR1"] == "the session exists"
    inside = "subjects/SUB-002/experiments/SUB-002_MR1/"
    assert not [step for step in plan.steps if step.path.startswith(inside)]


def _shared(make_site):
    source = make_site()
    source.add_project("Q")
    subject = next(iter(source.subjects.values()))
    source.share(subject, "Q", "Q1")
    source.share(next(iter(subject.experiments.values())), "Q", "Q1_MR")
    return source


def test_shared_items_are_skipped_shared_or_copied_and_never_doubled_unasked(servers, make_site):
    pair = servers(_shared(make_site), Site())
    pair.copy("P", project="P")
    with pytest.raises(NotFound, match="All that stands in lab:Q is shared in from elsewhere"):
        pair.plan("Q", project="Q")
    pair.source.site.add_subject(pair.source.site.projects["Q"], "OWN")
    skipped = pair.plan("Q", project="Q")
    assert _steps(skipped, Action.SKIP) == {"subjects/Q1": "shared in from P"}
    sharing = pair.plan("Q", project="Q", options=CopyOptions(shared=Shared.SHARE))
    assert _steps(sharing, Action.CREATE)["subjects/Q1/experiments/Q1_MR"] == "shared from P"
    assert pair.run(sharing).failures == []
    subject = next(one for one in pair.target.site.subjects.values() if one.project == "P")
    assert subject.shares == {"Q": "Q1"}
    assert [one.shares for one in subject.experiments.values()] == [{"Q": "Q1_MR"}]
    assert pair.run(pair.plan("Q", project="COPY", options=CopyOptions(shared=Shared.COPY))).failures == []
    assert len(pair.target.site.subjects) == 4


def test_one_resource_or_file_brings_what_stands_above_it_and_nothing_else(servers, make_site):
    pair = servers(make_site(), Site())
    reader = Reader(pair.connections["lab"])
    session = pair.place("P/S1/E1")
    scan = session.child(reader.below(session, Kind.SCAN).items[0])
    resource = scan.child(reader.below(scan, Kind.RESOURCE).items[0])
    file = resource.child(next(item for item in reader.below(resource, Kind.FILE).items if "/" in item.key))
    plan = plan_copy(reader, [file], Reader(pair.connections["qc"]), NewProject("qc", "NEW"))
    assert pair.run(plan).failures == []
    there = next(iter(pair.target.site.experiments.values()))
    assert list(there.scans["1"].resources[0].files) == ["sub/b.dcm"]


def test_a_session_goes_below_another_subject_where_the_target_says_so(servers, make_site):
    target = Site()
    project = target.add_project("OTHER")
    target.add_subject(project, "X9")
    pair = servers(make_site(), target)
    reader = Reader(pair.connections["qc"])
    place = Place("qc").child(reader.below(Place("qc"), Kind.PROJECT).items[0])
    place = place.child(reader.below(place, Kind.SUBJECT).items[0])
    plan = plan_copy(Reader(pair.connections["lab"]), [pair.place("P/S1/E1")], reader, place)
    assert pair.run(plan).failures == []
    assert [(one.label, one.subject.label) for one in target.experiments.values()] == [("E1", "X9")]


def test_a_label_that_another_subject_holds_is_a_conflict(servers, make_site):
    target = Site()
    other = target.add_subject(target.add_project("NEW"), "OTHER")
    target.add_experiment(other, "E1")
    pair = servers(make_site(), target)
    refused = _steps(pair.plan("P"), Action.CONFLICT)
    assert "below another subject" in refused["subjects/S1/experiments/E1"]


def test_read_only_servers_and_collaborators_are_told_before(servers, make_site):
    target = Site()
    target.add_project("NEW", users={"reader": "collaborator"})
    target.add_user(User("reader", "reader", "R", "R", "r@example.org"))
    pair = servers(make_site(), target)
    connection = pair.connections["qc"]
    connection.server = replace(connection.server, read_only=True)
    assert any("read-only" in finding.message for finding in pair.plan("P").findings)
    connection.server = Server("qc", pair.target.url)
    connection.user = "reader"
    assert pair.plan("P").findings


@pytest.mark.parametrize(
    "options",
    [
        CopyOptions(via=Via.IMPORT, mode=Mode.METADATA),
        CopyOptions(mode=Mode.RSYNC),
        CopyOptions(mode=Mode.RSYNC, via=Via.IMPORT),
    ],
)
def test_what_this_copy_cannot_do_is_refused(servers, make_site, options):
    pair = servers(make_site(), Site())
    with pytest.raises(UsageError):
        pair.plan("P", options=options)


def test_several_projects_go_to_a_server_and_paths_name_them(servers, make_site):
    source = make_site()
    source.add_subject(source.add_project("P2"), "S9")
    pair = servers(source, Site())
    places = [pair.place("P"), pair.place("P2")]
    reader = Reader(pair.connections["lab"])
    with pytest.raises(UsageError):
        plan_copy(reader, places, Reader(pair.connections["qc"]), NewProject("qc", "ONE"))
    plan = plan_copy(reader, places, Reader(pair.connections["qc"]), Place("qc"))
    assert "projects/P2/subjects/S9" in _steps(plan, Action.CREATE)
    assert pair.run(plan).failures == []
    assert {"P", "P2"} <= pair.target.site.projects.keys()


def test_what_exists_is_not_called_the_same(servers, make_site):
    """A project's own fields are told where they differ, as verifying will; others are said to be unread."""
    source, target = make_site(), make_site()
    source.projects["P"].variables["funding"] = "none"
    target.projects["P"].variables["funding"] = "DFG"
    pair = servers(source, target)
    plan = pair.plan("P", project="P")
    assert _steps(plan, Action.SKIP)["projects/P"] == "exists; fields/funding differs and stays"
    told = [one for one in plan.findings if one.message.startswith("Fields of ")]
    assert [one.severity for one in told] == ["info"]
    assert told[0].message.endswith("stay as they are, same or not.")
    target.projects["P"].variables["funding"] = "none"
    assert _steps(pair.plan("P", project="P"), Action.SKIP)["projects/P"] == "exists"


def test_unknown_data_types_are_one_finding_with_one_hint(servers, make_site):
    source = make_site(plugin_types=("fs:fsData", "icr:roiCollectionData"))
    session = next(iter(source.experiments.values()))
    for name in ("fs:fsData", "icr:roiCollectionData"):
        source.add_assessor(session, name.partition(":")[0].upper(), name)
    pair = servers(source, Site())
    for ignored, hinted in ((False, 1), (True, 0)):
        plan = pair.plan("P", project="P", options=CopyOptions(ignore_missing_datatypes=ignored))
        (told,) = [one for one in plan.findings if "does not know" in one.message]
        assert "data types fs:fsData, icr:roiCollectionData: such items" in told.message
        assert sum("--ignore-missing-datatypes" in one.hint for one in plan.findings) == hinted


@pytest.mark.parametrize("sessions", [4, 24])
def test_planning_a_copy_again_asks_what_a_comparison_of_digests_asks(servers, sessions):
    """And of each project its document and settings, which a comparison of what is below it leaves out."""
    pair = servers(synthetic_site(sessions // 2, 2, 1), synthetic_site(sessions // 2, 2, 1))
    readers = [Reader(pair.connections[name]) for name in ("lab", "qc")]
    one, other = (
        find_one(reader, Location.parse(f"{reader.connection.server.name}:BIG")) for reader in readers
    )
    before = [reader.connection.requests for reader in readers]
    plan = plan_copy(readers[0], [one], readers[1], other)
    spent = [reader.connection.requests - count for reader, count in zip(readers, before, strict=True)]
    anew = [Side(Reader(pair.connections[place.server]), place) for place in (one, other)]
    comparison = Comparison(*anew, depth=Depth.DIGESTS)
    comparison.run()
    assert plan.totals.skip == 1 + sessions // 2 + 3 * sessions
    assert spent == [count + len(SETTINGS) for count in comparison.requests]
