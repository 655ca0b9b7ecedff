"""Exports that meet trouble: what fails is said, nothing wrong is kept, and going on loses nothing."""

import hashlib
import io
import json
import os
import random
import threading
import zipfile

import pytest

from xnat_tui.demo.faults import (
    Answer,
    CutDownload,
    ErrorPage,
    ExpireSession,
    LoginPage,
    Truncate,
    WrongBytes,
)
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.errors import Interrupted, UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.location import Location
from xnat_tui.model.options import CopyOptions, ExportMode, ExportOptions, OnExisting
from xnat_tui.model.plan import Action, Plan
from xnat_tui.model.plan_documents import plan_document, plan_of
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting import landing as exporting_zip
from xnat_tui.services.transfers.exporting.files import Part, inside
from xnat_tui.services.transfers.exporting.manifest import Manifest
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor

FILES = {f"{number:02d}.dcm": bytes([number]) * 3000 for number in range(12)}
ZIP = r"GET .*/files\?.*format=zip"
ONE_FILE = r"GET .*/resources/\d+/files/[^?]"
FOLDER = "P/S1/E1/scans/1-T1/resources/DICOM/files"
PAGE = Answer("<html><body><h3>Proxy says hello</h3></body></html>")


class Export:
    def __init__(self, pair, folder):
        self.pair, self.folder, self.faults = pair, folder, pair.source.faults

    def plan(self, location="lab:P", **options):
        reader = Reader(self.pair.connections["lab"])
        places = list(find(reader, Location.parse(location)))
        return plan_export(reader, places, self.folder, ExportOptions(metadata=False, **options))

    def run(self, plan=None, control=None, **options):
        with export_executor(plan or self.plan(**options), self.pair.connections.__getitem__) as execute:
            return [execute(step, control or Control()) for step in (plan or self.plan(**options)).steps]

    def files(self):
        return {path.name: path.read_bytes() for path in self.folder.rglob("*.*") if _is_data(path)}

    def parts(self):
        return list(self.folder.rglob(".xnat-tui-incoming-*"))


def _is_data(path):
    return path.is_file() and path.name != "manifest.jsonl"


@pytest.fixture
def export(servers, make_site, tmp_path):
    def start(site=None):
        return Export(servers(site or make_site(dict(FILES)), Site()), tmp_path / "out")

    return start


def failures(outcomes):
    return [
        (failure.path.rpartition("/files/")[2], failure.error) for o in outcomes for failure in o.failures
    ]


@pytest.mark.parametrize(
    "fault",
    [CutDownload(2000), Truncate(2000), PAGE, LoginPage(), WrongBytes(), ErrorPage(500), ErrorPage(404)],
    ids=lambda fault: type(fault).__name__,
)
def test_a_zip_that_cannot_be_had_is_replaced_by_its_files(export, fault):
    one = export()
    ordered = one.faults.add(ZIP, fault)
    outcomes = one.run()
    assert ordered.fired
    assert failures(outcomes) == []
    assert one.files() == FILES
    assert one.parts() == []


@pytest.mark.parametrize("fault", [CutDownload(20_000), Truncate(20_000)], ids=lambda f: type(f).__name__)
def test_of_a_zip_that_ends_early_the_whole_members_are_kept_and_only_the_rest_is_asked_for(
    export, make_site, fault
):
    noise = random.Random(1)
    files = {f"{number:02d}.dcm": noise.randbytes(3000) for number in range(12)}
    one = export(make_site(files))
    one.faults.add(ZIP, fault, times=1)
    outcomes = one.run(mode=ExportMode.ZIP)
    assert failures(outcomes) == []
    assert outcomes[0].files == 12
    assert one.files() == files
    asked = [request for request in one.pair.source.requests if "format=zip" in request.query]
    assert len(asked) == 2


def test_after_a_cut_zip_less_than_half_comes_file_by_file(export, make_site):
    noise = random.Random(1)
    files = {f"{number:02d}.dcm": noise.randbytes(3000) for number in range(12)}
    one = export(make_site(files))
    one.faults.add(ZIP, Truncate(30_000), times=1)
    assert failures(one.run()) == []
    assert one.files() == files
    single = [request.path for request in one.pair.source.requests if request.path.endswith(".dcm")]
    assert 0 < len(single) < 6
    assert len(set(single)) == len(single)


def test_a_member_that_swells_beyond_what_was_listed_is_stopped_and_not_kept(export, monkeypatch):
    one = export()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("E1/scans/1-T1/resources/DICOM/files/00.dcm", bytes(50_000_000))
        for name in sorted(FILES)[1:]:
            archive.writestr(f"E1/scans/1-T1/resources/DICOM/files/{name}", FILES[name])
    one.faults.add(ZIP, Answer(packed.getvalue(), media_type="application/zip"))
    written: list[int] = []
    write = os.writev

    def counted(where, data):
        written.extend(map(len, data))
        return write(where, data)

    monkeypatch.setattr("os.writev", counted)
    outcomes = one.run()
    assert [name for name, _ in failures(outcomes)] == ["00.dcm"]
    assert one.files() == {name: data for name, data in FILES.items() if name != "00.dcm"}
    assert sum(map(len, FILES.values())) - 3000 < sum(written) < 1_000_000


def test_a_member_that_was_damaged_on_its_way_is_asked_for_again_alone(export):
    one = export()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in FILES.items():
            archive.writestr(f"E1/scans/1-T1/resources/DICOM/files/{name}", data)
    damaged = packed.getvalue().replace(FILES["05.dcm"], FILES["05.dcm"][:-1] + b"x")
    one.faults.add(ZIP, Answer(damaged, media_type="application/zip"))
    outcomes = one.run()
    assert failures(outcomes) == []
    assert outcomes[0].verified == Evidence(digest=12)
    assert one.files() == FILES
    single = [request.path for request in one.pair.source.requests if request.path.endswith(".dcm")]
    assert [path.rpartition("/")[2] for path in single] == ["05.dcm"]


def test_names_in_a_zip_that_climb_never_become_files(export, tmp_path):
    one = export()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("../../x", "/etc/x", "E1/scans/1/resources/DICOM/files/../../../../../x", "C:\\x"):
            archive.writestr(name, b"evil")
        for name, data in FILES.items():
            archive.writestr(f"E1/scans/1-T1/resources/DICOM/files/{name}", data)
    one.faults.add(ZIP, Answer(packed.getvalue(), media_type="application/zip"))
    assert failures(one.run()) == []
    assert one.files() == FILES
    assert list(tmp_path.rglob("*x")) == []
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_zip_that_cannot_be_unpacked_while_it_comes_is_unpacked_when_it_is_there(export):
    one = export()

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise io.UnsupportedOperation

    packed = Pipe()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in FILES.items():
            with archive.open(f"E1/scans/1-T1/resources/DICOM/files/{name}", "w") as member:
                member.write(data)
    one.faults.add(ZIP, Answer(packed.getvalue(), media_type="application/zip"))
    assert failures(one.run()) == []
    assert one.files() == FILES
    assert [request for request in one.pair.source.requests if request.path.endswith(".dcm")] == []


def test_two_exports_at_once_into_one_folder_do_not_write_to_one_file(export):
    one = export()
    plan = one.plan()
    threads = [threading.Thread(target=one.run, args=(plan,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.files() == FILES
    assert one.parts() == []
    assert {entry.md5 for entry in Manifest(one.folder)} == {
        hashlib.md5(data).hexdigest() for data in FILES.values()
    }


@pytest.mark.parametrize(
    "fault", [CutDownload(1000), Truncate(1000), PAGE, WrongBytes()], ids=lambda fault: type(fault).__name__
)
def test_a_file_that_keeps_coming_wrong_fails_alone_and_leaves_nothing(export, fault):
    one = export()
    one.faults.add(r"/files/03\.dcm", fault)
    outcomes = one.run(mode=ExportMode.FILE)
    assert [name for name, _ in failures(outcomes)] == ["03.dcm"]
    assert outcomes[0].state is State.FAILED
    assert (outcomes[0].files, outcomes[0].verified) == (11, Evidence(digest=11))
    assert one.files() == {name: data for name, data in FILES.items() if name != "03.dcm"}
    assert one.parts() == []


@pytest.mark.parametrize(
    "fault", [ErrorPage(504), PAGE, Truncate(1000)], ids=lambda fault: type(fault).__name__
)
@pytest.mark.parametrize("mode", [ExportMode.FILE, ExportMode.ZIP])
def test_a_good_file_outlives_a_failure_to_fetch_it_again(export, fault, mode):
    one = export()
    one.run()
    one.faults.add(ZIP, fault)
    one.faults.add(ONE_FILE, fault)
    again = {"overwrite_local": True, "on_existing": OnExisting.OVERWRITE}
    assert one.run(**again, mode=mode)[0].state is State.FAILED
    assert one.files() == FILES
    assert one.parts() == []


def test_a_failure_that_passes_is_not_noticed(export):
    one = export()
    one.faults.add(ONE_FILE, CutDownload(1000), times=1)
    one.faults.add(ONE_FILE, ExpireSession(), times=1, after=4)
    assert failures(one.run(mode=ExportMode.FILE)) == []
    assert one.files() == FILES


def test_a_wrong_digest_and_a_file_gone_from_disk_fail_and_the_rest_comes(export, make_site):
    site = make_site(dict(FILES))
    session = next(iter(next(iter(site.projects["P"].subjects.values())).experiments.values()))
    entries = session.scans["1"].resources[0].files
    entries["01.dcm"].digest = "0" * 32
    entries["02.dcm"].missing_on_disk = True
    one = export(site)
    found = dict(failures(one.run()))
    assert found.keys() == {"01.dcm", "02.dcm"}
    assert "differs from what the server lists" in found["01.dcm"]
    assert one.files().keys() == FILES.keys() - found.keys()
    asked_for = [request.path for request in one.pair.source.requests if "/files" in request.path]
    assert not any(path.endswith("01.dcm") for path in asked_for)


def test_a_wrong_digest_can_be_passed_over_and_is_then_unverified(export, make_site):
    site = make_site({"a.dcm": b"one"})
    session = next(iter(next(iter(site.projects["P"].subjects.values())).experiments.values()))
    session.scans["1"].resources[0].files["a.dcm"].digest = "0" * 32
    one = export(site)
    outcomes = one.run(verify=False)
    assert failures(outcomes) == []
    assert outcomes[0].verified == Evidence(unverified=1)


def test_a_list_that_cannot_be_believed_is_a_failure_and_never_an_empty_resource(export, make_site):
    site = make_site(dict(FILES))
    one = export(site)
    plan = one.plan()
    session = next(iter(next(iter(site.projects["P"].subjects.values())).experiments.values()))
    session.scans["1"].resources[0].files.popitem()
    outcomes = one.run(plan)
    assert outcomes[0].state is State.FAILED
    assert "counts 12 files in DICOM and lists 11" in outcomes[0].failures[0].error
    assert len(one.files()) == 11
    one.faults.add(r"GET .*/files\?format=json", ErrorPage(500))
    assert one.run(plan)[0].state is State.FAILED


def test_names_that_would_leave_the_folder_fail_alone(export, make_site, tmp_path):
    names = ["../../x", "/etc/x", "a b#c+d%20.dcm", "n" * 255, "ok.dcm"]
    one = export(make_site({name: name.encode() for name in names}))
    found = failures(one.run())
    assert len(found) == 2
    assert one.folder.joinpath(FOLDER, "a b#c+d%20.dcm").read_bytes() == b"a b#c+d%20.dcm"
    assert one.folder.joinpath(FOLDER, "n" * 255).is_file()
    assert set(tmp_path.rglob("x*")) == set()
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_link_in_the_folder_is_not_written_through(export, tmp_path):
    one = export()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (one.folder / "P").mkdir(parents=True)
    (one.folder / "P/S1").symlink_to(elsewhere)
    assert {error for _, error in failures(one.run())} == {"At P/S1 stands a symbolic link."}
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_a_files_place_is_not_followed(export, tmp_path):
    one = export()
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    one.folder.joinpath(FOLDER).mkdir(parents=True)
    one.folder.joinpath(FOLDER, "00.dcm").symlink_to(secret)
    assert [name for name, _ in failures(one.run())] == ["00.dcm"]
    assert secret.read_bytes() == b"mine"


def test_files_too_large_to_be_held_are_written_as_they_come_and_fail_alone(export, monkeypatch, tmp_path):
    monkeypatch.setattr(exporting_zip, "IN_HAND", 1000)
    one = export()
    one.folder.joinpath(FOLDER).mkdir(parents=True)
    one.folder.joinpath(FOLDER, "03.dcm").symlink_to(tmp_path / "elsewhere")
    outcomes = one.run(mode=ExportMode.ZIP)
    assert [name for name, _ in failures(outcomes)] == ["03.dcm"]
    assert outcomes[0].verified == Evidence(digest=11)
    assert one.files() == {name: data for name, data in FILES.items() if name != "03.dcm"}
    assert one.parts() == []


def test_stopped_in_the_middle_it_goes_on_with_what_is_missing(export):
    one = export()

    class Stopping(Control):
        def on_file(self) -> None:
            if len(one.files()) >= 5:
                self.stop.set()

    control = Stopping()
    plan = one.plan(mode=ExportMode.FILE)
    with pytest.raises(Interrupted):
        one.run(plan, control)
    before = one.files()
    assert before == {name: FILES[name] for name in before}
    assert len(before) == 5
    one.pair.source.requests.clear()
    outcomes = one.run(plan)
    assert (outcomes[0].files, outcomes[0].skipped) == (7, 5)
    fetched = [request for request in one.pair.source.requests if request.path.endswith(".dcm")]
    assert len(fetched) == 7
    assert one.files() == FILES


def test_a_full_disk_ends_the_step_and_says_so(export, monkeypatch):
    one = export()

    def full(_self, _chunks):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Part, "write", full)
    assert failures(one.run()) == [
        (failures_path(), "The folder cannot be written to: No space left on device.")
    ]


def failures_path():
    return "subjects/S1/experiments/E1/scans/1/resources/DICOM"


def test_a_document_that_is_a_page_or_anothers_is_not_kept(export):
    one = export()
    reader = Reader(one.pair.connections["lab"])
    plan = plan_export(
        reader,
        list(find(reader, Location.parse("lab:P"))),
        one.folder,
        ExportOptions(mode=ExportMode.METADATA),
    )
    one.faults.add(r"GET /data/subjects/.*format=xml", PAGE)
    other = '<xnat:Project xmlns:xnat="http://nrg.wustl.edu/xnat" ID="OTHER"/>'
    one.faults.add(r"GET /data/projects/P\?.*format=xml", Answer(other, media_type="text/xml"))
    outcomes = one.run(plan)
    assert [outcome.state for outcome in outcomes] == [State.FAILED, State.FAILED, State.DONE]
    assert [path.name for path in one.folder.rglob("*.xml")] == ["experiment.xml"]


def test_a_session_that_cannot_be_read_is_a_conflict_in_the_plan(export):
    one = export()
    one.faults.add(r"GET .*(scans|assessors|reconstructions|/experiments/[^/]*\?format=json)", ErrorPage(500))
    plan = one.plan("lab:P/S1/E1")
    assert any(
        step.action is Action.CONFLICT and "could not be read whole" in step.reason for step in plan.steps
    )
    assert any("could not be read" in finding.message for finding in plan.findings)


def test_oddities_of_an_old_archive_are_kept_apart(export):
    one = export(source_site())
    outcomes = one.run(one.plan("lab:LEGACY"))
    base = one.folder / "LEGACY/-a--b_C-/-a--b_C-_MR/resources"
    assert (base / "MISC/files/both.txt").read_text() == "same\n"
    assert (base / "MISC~2/files/both.txt").read_text() == "other\n"
    failed = {name for name, _ in failures(outcomes)}
    assert {"IM0002.dcm", "IM0003.dcm"} <= failed
    entries = [entry for entry in Manifest(one.folder) if entry.kind == "file"]
    assert len({entry.uri for entry in entries}) == len(entries) == 91


def test_a_name_in_a_saved_plan_cannot_leave_the_folder(export, tmp_path):
    one = export()
    document = json.loads(json.dumps(plan_document(one.plan())))
    document["steps"][0]["work"]["folder"] = "../outside"
    outcomes = one.run(plan_of(document))
    assert {error for _, error in failures(outcomes)} == {"A name would leave the exported folder."}
    assert not (tmp_path / "outside").exists()


def test_only_plans_of_exports_are_run(export):
    one = export()
    plan = Plan(options=CopyOptions(), sources=(), destination="", steps=())
    with (
        pytest.raises(UsageError, match="CopyOptions say nothing to export"),
        export_executor(plan, one.pair.connections.__getitem__),
    ):
        pass


def test_two_threads_make_the_same_folders(tmp_path):
    threads = [
        threading.Thread(target=inside, args=(tmp_path / "out", f"a/b/{number}/c/x")) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list((tmp_path / "out/a/b").iterdir())) == 8
