"""DICOM through the import service: complete by SOP instance UIDs, never called verified by digest."""

from __future__ import annotations

import io

import pydicom
import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import ErrorPage, WriteThenDrop
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.demo.study.brains import session as session_of
from xnat_tui.errors import UsageError
from xnat_tui.model.options import CopyOptions, Mode, Via
from xnat_tui.model.plan import Action
from xnat_tui.services.administration.prearchive import work as prearchive_work

IMPORT = CopyOptions(via=Via.IMPORT, ignore_missing_datatypes=True)
SESSION = "BRAINS/SUB-002/SUB-002_MR1"
PATH = "subjects/SUB-002/experiments/SUB-002_MR1"


@pytest.fixture(autouse=True)
def _no_polling(monkeypatch):
    monkeypatch.setattr(prearchive_work, "POLL_SECONDS", 0.01)


def _uids(session):
    return {
        (scan.fields["UID"], _header(entry).SOPInstanceUID)
        for scan in session.scans.values()
        for resource in scan.resources
        if resource.label in ("DICOM", "secondary")
        for entry in resource.files.values()
    }


def _header(entry):
    return pydicom.dcmread(io.BytesIO(b"".join(entry.data.chunks())), stop_before_pixels=True)


def _there(pair):
    return pair.target.site.experiment("SUB-002_MR1", "NEW")


def test_every_instance_arrives_and_is_not_called_verified_by_digest(servers):
    pair = servers(source_site(), Site())
    plan = pair.plan(SESSION, options=IMPORT)
    step = next(step for step in plan.steps if step.task == "import")
    assert (step.action, step.path, step.kind) == (Action.UPLOAD, PATH, "experiment")
    assert "may rewrite" in step.reason
    result = pair.run(plan)
    assert result.failures == []
    source, there = session_of(pair.source.site, "SUB-002_MR1"), _there(pair)
    assert _uids(there) == _uids(source)
    outcome = result.outcomes[f"{PATH} import"]
    assert outcome.verified.digest == outcome.verified.unverified == 0
    assert outcome.verified.size == outcome.files == len(_uids(source)) == step.files
    assert pair.target.site.prearchive == []


@pytest.mark.parametrize(
    ("site", "project", "told"),
    [
        (True, "false", "imports: the site's is in force; that of NEW is not in force."),
        (False, "true", "imports: the site's is not in force; that of NEW is in force."),
        (False, "false", "No anonymisation script is in force at the destination, neither the site's nor"),
    ],
)
def test_the_plan_says_which_scripts_the_bytes_will_meet(servers, site, project, told):
    pair = servers(source_site(), Site())
    pair.target.site.settings.anonymize = site
    pair.target.site.add_project("NEW", settings={"anon_script": "version 6", "anon_enabled": project})
    messages = [finding.message for finding in pair.plan(SESSION, options=IMPORT).findings]
    assert len([one for one in messages if told in one]) == 1


def test_scripts_that_cannot_be_read_and_those_of_a_new_project_are_told(servers):
    pair = servers(source_site(), Site())
    pair.target.faults.add("GET /xapi/anonymize/", ErrorPage(403))
    (told,) = [one.message for one in pair.plan(SESSION, options=IMPORT).findings if "rewrite" in one.message]
    assert "whether the site's is in force cannot be read; that of NEW comes along where its source" in told


def test_what_people_wrote_is_laid_over_and_what_headers_say_stays_as_imported(servers):
    source = source_site()
    session = session_of(source, "SUB-002_MR1")
    scan = session.scans["2"]
    scan.fields["quality"], scan.fields["note"] = "questionable", 'moved & "shook"'
    session.fields["note"] = "came back for a second visit"
    pair = servers(source, Site())
    assert pair.copy(SESSION, options=IMPORT).failures == []
    there = _there(pair)
    assert there.scans["2"].fields["quality"] == "questionable"
    assert there.scans["2"].fields["note"] == 'moved & "shook"'
    assert there.fields["note"] == "came back for a second visit"
    session_puts = [e for e in pair.target.requests if e.method == "PUT" and e.path.endswith("SUB-002_MR1")]
    assert len(session_puts) == 1


def test_patient_fields_of_the_source_are_not_written_over_anonymised_ones(servers):
    source = source_site()
    session = session_of(source, "SUB-002_MR1")
    session.fields["dcmPatientName"] = "Somebody^Real"
    session.fields["note"] = "a note"
    pair = servers(source, Site())
    assert pair.copy(SESSION, options=IMPORT).failures == []
    assert _there(pair).fields["note"] == "a note"
    assert _there(pair).fields.get("dcmPatientName") != "Somebody^Real"


def test_other_resources_travel_as_files_and_keep_every_byte(servers, held):
    pair = servers(source_site(), Site())
    result = pair.copy(SESSION, options=IMPORT)
    expected, found = held(pair.source.site, "BRAINS"), held(pair.target.site, "NEW")
    for path in found:
        if path.startswith(f"{PATH}/scans/"):
            here, there = (
                {label: one for label, one in side[path][3].items() if label not in ("DICOM", "secondary")}
                for side in (expected, found)
            )
            assert there == here
    assert result.evidence.digest > 0


def test_importing_again_sends_nothing(servers):
    pair = servers(source_site(), Site())
    plan = pair.plan(SESSION, options=IMPORT)
    pair.run(plan)
    before = len(_uids(_there(pair)))
    pair.target.requests.clear()
    again = pair.run(plan)
    assert again.failures == []
    assert again.outcomes[f"{PATH} import"].files == 0
    assert again.outcomes[f"{PATH} import"].skipped == before
    assert not [step for step in pair.plan(SESSION, options=IMPORT).steps if step.task == "import"]
    assert pair.writes() == 0


def test_only_what_is_missing_is_merged_in(servers):
    pair = servers(source_site(), Site())
    pair.copy(SESSION, options=IMPORT)
    there = _there(pair)
    whole = _uids(there)
    files = there.scans["2"].resources[0].files
    for name in list(files)[:3]:
        del files[name]
    there.scans["2"].resources[0].populate_stats()
    result = pair.copy(SESSION, options=IMPORT)
    assert result.failures == []
    assert _uids(there) == whole
    assert result.outcomes[f"{PATH} import"].files == 3


@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("fourth", ["plain.dcm", "{label}_1.dcm"])
def test_names_that_xnat_changes_in_its_zips_are_neither_lost_nor_sent_twice(servers, digests, fourth):
    """It replaces texts: IDs of session, scan and resource in a path, too, and two names may become one."""
    source = source_site()
    session = session_of(source, "SUB-002_MR1")
    resource = session.scans["2"].resources[0]
    files = list(resource.files.values())
    for entry, name in zip(
        files,
        (
            f"{session.id}_1.dcm",
            "scans/2/b.dcm",
            f"x/{resource.id}/files/c.dcm",
            fourth.format(label=session.label),
        ),
        strict=False,
    ):
        del resource.files[entry.path]
        entry.path = name
        resource.files[name] = entry
    for entry in resource.files.values():
        entry.digest = entry.digest if digests else ""
    pair = servers(source, Site())
    result = pair.copy(SESSION, options=IMPORT)
    assert result.failures == []
    assert _uids(_there(pair)) == _uids(session)
    outcome = result.outcomes[f"{PATH} import"]
    assert (outcome.files, outcome.verified.size) == (len(_uids(session)),) * 2


def test_a_file_that_is_no_dicom_is_named_and_not_lost_without_a_word(servers):
    source = source_site()
    resource = session_of(source, "SUB-002_MR1").scans["2"].resources[0]
    content = BytesContent(b"not an image")
    resource.add(FileEntry("readme.txt", content, content.md5, content.size))
    resource.populate_stats()
    pair = servers(source, Site())
    result = pair.copy(SESSION, options=IMPORT)
    where = f"{PATH}/scans/2/resources/{resource.id}/files/readme.txt"
    failures = result.outcomes[f"{PATH} import"].failures
    assert [failure.path for failure in failures] == [where]
    assert failures[0].error == "It is not handed to the import service: no DICOM."


def test_a_scan_that_gets_another_id_still_gets_its_fields(servers):
    source = source_site()
    session = session_of(source, "SUB-002_MR1")
    scan = session.scans.pop("2")
    scan.id = "2-RENAMED"
    session.scans["2-RENAMED"] = scan
    scan.fields["note"] = "renamed by hand"
    pair = servers(source, Site())
    result = pair.copy(SESSION, options=IMPORT)
    assert result.failures == []
    there = _there(pair)
    assert "2-RENAMED" not in there.scans
    assert there.scans["2"].fields["note"] == "renamed by hand"


@pytest.mark.parametrize("action", [ErrorPage(500), ErrorPage(503), WriteThenDrop()])
def test_an_import_that_fails_once_is_true_and_can_be_resumed(servers, action):
    pair = servers(source_site(), Site())
    plan = pair.plan(SESSION, options=IMPORT)
    pair.target.faults.add(r"POST /data/services/import", action, times=1)
    first = pair.run(plan)
    if _there(pair) is None:
        assert first.failures
    again = pair.run(plan)
    assert again.failures == []
    assert _uids(_there(pair)) == _uids(session_of(pair.source.site, "SUB-002_MR1"))


def test_what_the_import_service_cannot_take_is_refused_before(servers):
    pair = servers(source_site(), Site())
    with pytest.raises(UsageError):
        pair.plan(SESSION, options=CopyOptions(via=Via.IMPORT, mode=Mode.METADATA))
