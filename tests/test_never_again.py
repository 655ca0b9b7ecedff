"""Mistakes of other tools that this one must not make, faults that a transfer survives: where each is tested.

The tables point at the tests that fail when the mistake is made; what no other file tests is tested here.
A test that is renamed or removed without its line is found.
"""

from __future__ import annotations

import ast
import functools
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from xnat_tui.cli.root import cli
from xnat_tui.cli.verbs import VERBS
from xnat_tui.config import Server, Settings
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.errors import NotFound
from xnat_tui.jobs.control import Control
from xnat_tui.model.location import Location
from xnat_tui.model.options import CopyOptions, OnExisting, Via
from xnat_tui.model.plan import Plan
from xnat_tui.services.transfers.running.executors import executor_for
from xnat_tui.services.workspace import Workspace
from xnat_tui.xnat.files import zips

HERE = Path(__file__).parent

NEVER_AGAIN = {
    "CopyXnat: a listing that answered 500 taken for an empty list": (
        "services/test_copy_plan.py::test_what_cannot_be_read_at_the_source_conflicts_and_is_never_left_out",
        "services/test_copy_plan.py::test_a_list_that_cannot_be_read_is_a_conflict_and_never_an_empty_one",
        "services/test_copy_plan.py::test_a_destination_that_cannot_be_read_is_not_taken_for_empty",
        "services/test_copy_faults.py::test_a_source_that_fails",
        "services/test_compare_lies.py::test_what_no_question_can_tell_is_unreadable",
        "services/test_export_faults.py::test_a_list_that_cannot_be_believed_is_a_failure_and_never_an_empty_resource",
    ),
    "CopyXnat: the page of a 500 stored as the image": (
        "services/test_copy_faults.py::test_a_source_that_fails",
        "services/test_copy_anywhere.py::test_trouble_once_at_every_request_in_turn",
        "services/test_export_faults.py::test_a_file_that_keeps_coming_wrong_fails_alone_and_leaves_nothing",
        "xnat/test_downloads.py::test_a_web_page_in_place_of_a_file_is_refused",
    ),
    "CopyXnat: compared by names only, a truncated file there stays for ever": (
        "services/test_copy_anywhere.py::test_a_truncated_file_there_is_found_and_replaced_when_asked",
        "services/test_copy_run.py::test_what_differs_is_kept_replaced_or_sent_again_as_the_options_say",
        "services/test_hashing.py::test_other_bytes_of_one_size_are_found",
        "services/test_compare.py::test_the_study_differs_in_exactly_what_was_made_different",
    ),
    "CopyXnat: file names rewritten, one of two lost": (
        "services/test_copy_run.py::test_names_and_contents_of_every_kind_are_kept_in_every_mode",
        "services/test_copy_anywhere.py::test_names_that_differ_only_in_case_are_two_files",
        "services/arrivals/test_uploading.py::test_names_and_bytes_arrive_exactly",
        "services/test_export_beside.py::test_odd_names_arrive_and_are_proved_under_their_own_names",
    ),
    "CopyXnat: a failing `does it exist?` counted as no": (
        "services/test_copy_anywhere.py::test_a_question_that_fails_while_looking_for_what_exists_writes_nothing",
        "services/test_copy_faults.py::test_a_destination_that_fails",
    ),
    "CopyXnat: a dry run to a new project crashes, and downloads": (
        "services/test_copy_plan.py::test_planning_writes_nothing_anywhere",
        "cli/test_transfer.py::test_a_dry_run_tells_the_steps_and_writes_nothing_anywhere",
        "test_never_again.py::test_a_dry_run_to_a_new_project_fetches_no_file",
    ),
    "CopyXnat: reconstructions and in-resources left out, shared items doubled, a sleep per session": (
        "services/test_copy_everything.py::test_everything_of_everything_arrives",
        "services/test_copy_everything.py::test_a_session_alone_brings_everything_too",
        "services/test_copy_run.py::test_a_study_arrives_item_by_item_and_byte_by_byte",
        "services/test_copy_plan.py::test_shared_items_are_skipped_shared_or_copied_and_never_doubled_unasked",
        "test_never_again.py::test_a_copy_in_which_nothing_fails_never_waits",
    ),
    "CopyXnat: rsync leaves out *.json, *.log and dot files": (
        "services/test_copy_rsync.py::test_every_file_arrives_json_log_and_dot_files_included",
    ),
    "XNAT_CLI_Toolkit: archives the prearchive of every project": (
        "cli/arrivals/test_prearchive.py::test_a_project_is_archived_without_touching_another",
        "cli/arrivals/test_prearchive.py::test_nothing_is_done_to_a_whole_server",
        "services/arrivals/test_prearchive.py::test_archiving_verifies_the_session_and_touches_nothing_else",
        "xnat/test_prearchive.py::test_rows_of_another_project_are_dropped",
    ),
    "XNAT_CLI_Toolkit: ages in weeks become years, the last scan wins, no preview": (
        "panels/test_patient_headers.py::test_other_ages_are_shown_and_left_alone",
        "panels/test_patient_headers.py::test_sessions_that_disagree_are_named",
        "panels/test_demographics.py::test_headers_fill_what_is_blank_and_show_what_disagrees",
    ),
    "XNAT_CLI_Toolkit: password on the command line, patient data in logs, exit 0 always": (
        "test_never_again.py::test_no_option_of_any_verb_takes_a_secret",
        "test_logs.py::test_secrets_and_patient_fields_never_reach_the_file",
        "services/arrivals/test_headers.py::test_values_never_reach_a_warning_or_a_log",
        "cli/test_server.py::test_login_asks_unseen_and_saves_a_token_but_no_password",
        "cli/test_transfer.py::test_what_failed_is_named_and_the_rest_is_there",
    ),
    "XNAT Downloader: names lost by a suffix, `exists` counts as complete, endless retries, 0 is the last": (
        "services/test_export.py::test_every_file_of_the_demo_study_arrives_in_every_layout",
        "services/test_export_beside.py::test_odd_names_arrive_and_are_proved_under_their_own_names",
        "services/test_export.py::test_a_complete_file_is_never_fetched_again_and_an_incomplete_one_always",
        "xnat/test_reading.py::test_repeating_ends",
        "test_never_again.py::test_a_number_is_no_place_in_a_list",
    ),
    "datman: a retry sends the spent file handle, an empty body with overwrite=delete": (
        "xnat/test_writes.py::test_an_upload_is_opened_anew_after_signing_in_again",
        "xnat/test_prearchive.py::test_an_import_after_an_ended_session_opens_its_body_again",
        "services/arrivals/test_uploading_dicom.py::test_dicom_whose_answer_is_lost_is_neither_lost_nor_doubled",
        "test_never_again.py::test_deleting_before_an_import_is_never_asked_for",
    ),
    "datman: the page of a 504 over a good download, the path of a file never written": (
        "services/test_export_faults.py::test_a_good_file_outlives_a_failure_to_fetch_it_again",
        "services/test_export_faults.py::test_a_file_that_keeps_coming_wrong_fails_alone_and_leaves_nothing",
        "services/test_anywhere.py::test_an_export_is_proved_offline_after_trouble_at_any_request",
    ),
    "datman: AutoRun dismissal does nothing, rename takes 409 and 422 for success": (
        "panels/test_workflows.py::test_every_dismissal_is_read_back",
        "panels/test_renaming.py::test_a_rename_that_did_not_happen_is_never_repeated",
        "panels/test_renaming.py::test_without_a_dismissal_there_is_no_rename",
    ),
    "xnatctl: demographics, assessors, subject and project resources lost; zips in memory; a naive clock": (
        "services/test_copy_everything.py::test_everything_of_everything_arrives",
        "test_never_again.py::test_a_zip_beyond_a_few_megabytes_is_not_kept_in_memory",
        "services/test_copy_options.py::test_what_goes_together_is_bounded",
        "test_never_again.py::test_no_clock_of_a_server_decides_what_has_changed",
    ),
    "xnatpy copy-project: a request per field, a fixed list of them, a label counts as copied, exit 0": (
        "services/test_copy_anywhere.py::test_a_copy_asks_a_tenth_of_what_copyxnat_asks",
        "services/test_copy_everything.py::test_everything_of_everything_arrives",
        "services/test_copy_plan.py::test_a_partial_copy_is_completed_and_what_differs_is_named",
        "cli/test_transfer.py::test_what_failed_is_named_and_the_rest_is_there",
    ),
}

FAULTS = {
    "the connection cut in a download, an upload, a zip": (
        "services/test_copy_faults.py::test_a_source_that_fails",
        "services/test_copy_faults.py::test_a_destination_that_fails",
        "services/test_export_faults.py::test_a_zip_that_cannot_be_had_is_replaced_by_its_files",
        "services/arrivals/test_uploading_dicom.py::test_dicom_whose_answer_is_lost_is_neither_lost_nor_doubled",
    ),
    "500, 502, 503, 504, a lost answer, 200 without effect, a page instead, at any request": (
        "services/test_copy_anywhere.py::test_trouble_once_at_every_request_in_turn",
        "services/test_anywhere.py::test_an_export_is_proved_offline_after_trouble_at_any_request",
        "services/test_anywhere.py::test_files_are_uploaded_whole_after_trouble_at_any_request",
        "services/test_anywhere.py::test_dicom_is_archived_once_and_whole_after_trouble_at_any_request",
        "services/test_anywhere.py::test_a_copy_through_the_import_service_after_trouble_at_any_request",
    ),
    "a write that answers 200 and did nothing: no right, duplicates": (
        "services/test_copy_run.py::test_a_reader_of_the_destination_cannot_pretend",
        "services/test_copy_faults.py::test_a_destination_that_fails",
        "services/arrivals/test_uploading.py::test_a_200_without_the_right_to_write_is_no_success",
        "services/arrivals/test_uploading.py::test_duplicates_are_told",
    ),
    "a truncated zip": (
        "services/test_copy_faults.py::test_a_source_that_fails",
        "services/test_export_faults.py::test_of_a_zip_that_ends_early_the_whole_members_are_kept_and_only_the_rest_is_asked_for",
        "xnat/test_downloads.py::test_a_zip_that_ends_early_but_cleanly_is_refused",
    ),
    "a wrong digest in a catalog, a file of the catalog gone from disk": (
        "services/test_copy_faults.py::test_a_source_that_lies_about_one_file_loses_only_that_file",
        "services/test_export_faults.py::test_a_wrong_digest_and_a_file_gone_from_disk_fail_and_the_rest_comes",
    ),
    "the session expired in the middle": (
        "services/test_copy_faults.py::test_a_destination_that_fails",
        "xnat/test_on_demo.py::test_sessions_that_expire_under_eight_threads_lose_no_step",
        "services/arrivals/test_uploading.py::test_a_session_that_expires_in_an_upload_sends_the_whole_body_again",
    ),
    "the server restarted": ("services/test_copy_anywhere.py::test_both_servers_restarted_in_the_middle",),
    "the disk full": (
        "services/test_copy_anywhere.py::test_a_full_disk_is_said_and_nothing_half_is_stored",
        "services/test_export_faults.py::test_a_full_disk_ends_the_step_and_says_so",
    ),
    "two jobs on one target, one job resumed twice": (
        "services/test_copy_killed.py::test_two_jobs_on_one_target_at_once_wait_for_each_other_and_double_nothing",
        "services/test_copy_killed.py::test_the_same_copy_resumed_twice_at_once_runs_once",
        "services/test_export_faults.py::test_two_exports_at_once_into_one_folder_do_not_write_to_one_file",
    ),
    "kill -9 at 20 random moments": (
        "services/test_copy_killed.py::test_kill_9_at_any_request_and_resume_leaves_what_an_undisturbed_run_leaves",
        "services/test_export_killed.py::test_a_killed_export_resumes_where_it_was",
    ),
    "the source changed after planning": (
        "services/test_copy_anywhere.py::test_a_source_that_changed_after_planning_is_copied_as_it_is_now",
        "services/test_copy_anywhere.py::test_a_scan_that_vanished_after_planning_fails_alone",
        "services/test_export.py::test_a_file_that_changed_at_the_source_is_fetched_again",
    ),
    "names: climbing, absolute, odd, 255 bytes long, equal but for case": (
        "services/test_copy_anywhere.py::test_hostile_names_fail_alone_and_are_never_paths",
        "services/test_copy_run.py::test_names_and_contents_of_every_kind_are_kept_in_every_mode",
        "services/test_export_faults.py::test_names_that_would_leave_the_folder_fail_alone",
        "services/test_export.py::test_a_case_insensitive_folder_loses_no_file_and_the_manifest_has_the_names",
        "services/test_export_beside.py::test_odd_names_arrive_and_are_proved_under_their_own_names",
    ),
}


@functools.cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("line", [*NEVER_AGAIN, *FAULTS])
def test_every_line_has_its_tests(line: str) -> None:
    for test in {**NEVER_AGAIN, **FAULTS}[line]:
        file, _, name = test.partition("::")
        assert name in _tests_of(file), test


class Pair:
    """The sample studies as `lab`, an empty site as `qc`, and a workspace on both."""

    def __init__(self, lab: DemoServer, qc: DemoServer, workspace: Workspace) -> None:
        self.lab, self.qc, self.workspace = lab, qc, workspace

    def run(self, plan: Plan, control: Control | None = None) -> None:
        with executor_for(plan, self.workspace.connection) as execute:
            outcomes = [execute(step, control or Control()) for step in plan.steps]
        assert not [failure for outcome in outcomes for failure in outcome.failures]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    with ExitStack() as stack:
        lab, qc = (stack.enter_context(DemoServer(site)) for site in (source_site(), Site()))
        for name in ("LAB", "QC"):
            monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name}", "admin")
        servers = {name: Server(name, one.url, "admin") for name, one in (("lab", lab), ("qc", qc))}
        yield Pair(lab, qc, stack.enter_context(Workspace(Settings(servers=servers))))


def test_a_dry_run_to_a_new_project_fetches_no_file(pair: Pair) -> None:
    plan = pair.workspace.plan_copy(["lab:BRAINS/SUB-004"], "qc:NEW")
    assert plan.totals.files == 14
    fetched = [one for one in pair.lab.requests if "format=zip" in one.query or "/files/" in one.path]
    assert fetched == []
    assert "NEW" not in pair.qc.site.projects


def test_a_copy_in_which_nothing_fails_never_waits(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    class Awake(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise AssertionError(f"waited {timeout} s")

    def sleep(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    plan = pair.workspace.plan_copy(["lab:BRAINS/SUB-001", "lab:BRAINS/SUB-002"], "qc:NEW")
    control = Control()
    monkeypatch.setattr(control, "stop", Awake())
    monkeypatch.setattr(time, "sleep", sleep)
    pair.run(plan, control)


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for word, below in command.commands.items():
            yield from _commands(below, f"{name} {word}")


def test_no_option_of_any_verb_takes_a_secret() -> None:
    everything = [*_commands(cli, "xnat-tui")]
    for verb in VERBS.values():
        everything += _commands(verb.load(), verb.name)
    named = {
        f"{name} {word}"
        for name, command in everything
        for parameter in command.params
        for word in parameter.opts
    }
    assert len(named) > 200
    secret = ("pass", "secret", "token", "credential", "key")
    files = {  # the name of a key's file, whether to make it, and resources that pass
        f"{verb} {option}"
        for verb in ("header", "copy", "export", "upload", "sync add", "sync edit")
        for option in ("--key", "--new-key", "--pass-resource")
    }
    found = [one for one in named if any(word in one.rpartition(" ")[2].lower() for word in secret)]
    assert set(found) <= files


@pytest.mark.parametrize("where", ["lab:0", "lab:-1", "lab:1", "lab:BRAINS/0", "lab:BRAINS/SUB-001/0"])
def test_a_number_is_no_place_in_a_list(pair: Pair, where: str) -> None:
    with pytest.raises(NotFound):
        pair.workspace.find_one(Location.parse(where))


@pytest.mark.parametrize("choice", [OnExisting.SKIP, OnExisting.UPDATE])
def test_deleting_before_an_import_is_never_asked_for(
    pair: Pair, choice: OnExisting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.services.administration.prearchive.work.POLL_SECONDS", 0.0)
    pair.qc.site.add_project("NEW")
    options = CopyOptions(via=Via.IMPORT, on_existing=choice)
    for _ in range(2):
        pair.run(pair.workspace.plan_copy(["lab:BRAINS/SUB-004"], "qc:NEW", options=options))
        pair.workspace.forget_connection("qc")
    assert any(one.path == "/data/services/import" for one in pair.qc.requests)
    assert not [
        one
        for one in pair.qc.requests
        if "overwrite=delete" in one.query or (one.method == "DELETE" and not one.path.endswith("/JSESSION"))
    ]


def test_a_zip_beyond_a_few_megabytes_is_not_kept_in_memory(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    spilled: list[int] = []

    class Spool(tempfile.SpooledTemporaryFile[bytes]):
        def rollover(self) -> None:
            spilled.append(self.tell())
            super().rollover()

    assert zips.IN_MEMORY <= 16_000_000
    monkeypatch.setattr(zips, "IN_MEMORY", 10_000)
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Spool)
    connection = pair.workspace.connection("lab")
    session = pair.workspace.find_one("lab:BRAINS/SUB-004/SUB-004_CT1").item
    assert session is not None
    with zips.fetch(connection, f"/data/experiments/{session.id}/scans/2/files") as members:
        size = sum(member.size for member in members)
    assert size > 100_000
    assert spilled
    assert spilled[0] < size / 2


def test_no_clock_of_a_server_decides_what_has_changed(pair: Pair) -> None:
    """Times of two servers are not comparable: what differs is found by content, whatever the dates say."""
    pair.run(pair.workspace.plan_copy(["lab:BRAINS/SUB-004"], "qc:BRAINS"))
    site = pair.qc.site
    for store in (site.subjects, site.experiments):
        for item in store.values():
            item.insert_date = item.last_modified = item.insert_date.replace(year=2031)
    (session,) = site.experiments.values()
    session.scans["2"].fields["quality"] = "unusable"
    pair.workspace.forget_connection("qc")
    options = CopyOptions(on_existing=OnExisting.UPDATE)
    plan = pair.workspace.plan_copy(["lab:BRAINS/SUB-004"], "qc:BRAINS", options=options)
    changed = [(step.path.rpartition("/experiments/")[2], step.reason) for step in plan.steps if step.writes]
    assert changed == [("SUB-004_CT1/scans/2", "quality")]
