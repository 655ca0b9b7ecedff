"""A session's files come as one stream: what is asked, what each step tells, and every trouble of it."""

import io
import re
import zipfile

import pytest

from xnat_tui.demo.faults import Answer, CutDownload, ErrorPage, LoginPage, Truncate
from xnat_tui.demo.site import Site
from xnat_tui.errors import Interrupted, ServerUnreachable
from xnat_tui.jobs.control import Control
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions, Layout
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.manifest import Manifest, md5_of
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor

SCANS = ("1", "2", "3")
STREAM = r"GET /data/experiments/[^/]+/files\?.*format=zip"
ANY_ZIP = r"GET .*format=zip"
SIZE = 4000
_SHAPES = (
    (r"/(XNAT|CENTRAL)_E\d+(,\w+)+", "/Es"),
    (r"/(XNAT|CENTRAL)_E\d+", "/E"),
    (r"/(XNAT|CENTRAL)_S\d+", "/S"),
    (r"resources/\d+", "resources/N"),
)


class StoppingAtOnce(Control):
    """Stopped as soon as a file has come."""

    def on_file(self) -> None:
        super().on_file()
        self.stop.set()


class Exporting:
    def __init__(self, pair, folder):
        self.pair, self.folder, self.faults = pair, folder, pair.source.faults

    def plan(self, location="lab:P", filters=None, **options):
        reader = Reader(self.pair.connections["lab"])
        places = list(find(reader, Location.parse(location)))
        options = {"metadata": False} | options
        return plan_export(reader, places, self.folder, ExportOptions(**options), filters or Filters())

    def run(self, plan=None, control=None, **options):
        plan = plan or self.plan(**options)
        self.pair.source.requests.clear()
        with export_executor(plan, self.pair.connections.__getitem__) as execute:
            return [execute(step, control or Control()) for step in plan.steps]

    def asked(self):
        """What was asked since a run began, without the numbers in it, and how often."""
        found: dict[str, int] = {}
        for one in self.pair.source.requests:
            shape = one.path
            for pattern, name in _SHAPES:
                shape = re.sub(pattern, name, shape)
            form = re.search(r"format=(\w+)", one.query)
            shape += f" {form[1]}" if form else ""
            found[shape] = found.get(shape, 0) + 1
        return found

    def files(self):
        """By what XNAT calls them."""
        found = {entry.item: (self.folder / entry.path) for entry in self.entries()}
        assert all(md5_of(self.folder / entry.path) == entry.md5 for entry in self.entries())
        return {name.partition("/experiments/")[2]: path.read_bytes() for name, path in found.items()}

    def entries(self):
        return [entry for entry in Manifest(self.folder) if entry.kind == "file"]


@pytest.fixture
def export(servers, tmp_path):
    return lambda site: Exporting(servers(site, Site()), tmp_path / "out")


def content(number, path):
    return (f"{number}/{path} ".encode() * SIZE)[:SIZE]


FILES = {
    f"E1/scans/{n}/resources/DICOM/files/{p}": content(n, p) for n in SCANS for p in ("a.dcm", "s/b.dcm")
}
"""By what XNAT calls them."""


@pytest.fixture
def study(put_file):
    def make(digests=True):
        site = Site()
        session = site.add_experiment(site.add_subject(site.add_project("P"), "S1"), "E1")
        for number in SCANS:
            resource = site.new_resource("DICOM", format="DICOM", content="RAW")
            for path in ("a.dcm", "s/b.dcm"):
                put_file(resource, path, content(number, path), digests=digests)
            site.add_scan(session, number, fields={"type": f"T {number}"}).resources.append(resource)
        return site

    return make


def named(files=None, typed=False):
    """As the session's own zip has it."""
    return [
        (re.sub(r"/scans/(\d)/", r"/scans/\1-T_\1/", name) if typed else name, data)
        for name, data in (FILES if files is None else files).items()
    ]


def packed(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def answered(body):
    return Answer(body, media_type="application/zip")


def failures(outcomes):
    return [failure for one in outcomes for failure in one.failures]


def everything(site, put_file):
    """All kinds of places that resources stand at."""
    session = next(iter(site.experiments.values()))

    def resource(holder, label, count=2):
        one = site.new_resource(label)
        for number in range(count):
            put_file(one, f"{number}.txt", f"{label} {number}".encode())
        holder.append(one)

    for number in "12":
        assessor = site.add_assessor(session, f"E1_A{number}", "xnat:qcAssessmentData")
        mean = site.add_reconstruction(session, f"mean{number}", fields={"type": "mean"})
        for derived in (assessor, mean):
            resource(derived.out_resources, "OUT")
            resource(derived.in_resources, "IN")
        resource(assessor.resources, "LOG")
    for holder in (session, session.subject, site.projects["P"]):
        resource(holder.resources, "NOTES")
        resource(holder.resources, "SCORES")


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("layout", list(Layout))
def test_all_of_a_session_is_one_list_and_one_stream_and_so_is_what_goes_into_it(
    export, study, put_file, layout, typed
):
    site = study()
    everything(site, put_file)
    site.settings.types_in_whole_zips = typed
    one = export(site)
    outcomes = one.run(layout=layout)
    assert failures(outcomes) == []
    assert one.asked() == {
        f"{place}/files {form}": 1
        for place in (
            *("/data/projects/P", "/data/subjects/S", "/data/experiments/E"),
            *("/data/experiments/E/assessors/ALL/in", "/data/experiments/E/reconstructions/ALL/in"),
        )
        for form in ("json", "zip")
    }
    fetched = [outcome.files for outcome in outcomes if outcome.files]
    assert fetched == [2] * 19
    assert sum((outcome.verified for outcome in outcomes), Evidence()) == Evidence(digest=2 * len(fetched))
    assert FILES.items() <= one.files().items()


def test_many_sessions_cost_a_stream_and_a_document_each_and_a_list_for_ten(export, put_file):
    site = Site()
    project = site.add_project("P")
    for subject in range(6):
        holder = site.add_subject(project, f"S{subject}")
        for visit in range(2):
            session = site.add_experiment(holder, f"S{subject}_{visit}")
            for number in range(6):
                resource = site.new_resource("DICOM")
                put_file(resource, "a.dcm", f"{session.label} {number}".encode())
                put_file(resource, "b.dcm", f"{number} {session.label}".encode())
                site.add_scan(session, str(number)).resources.append(resource)
    one = export(site)
    one.pair.source.requests.clear()
    plan = one.plan(metadata=True)
    planning = len(one.pair.source.requests)
    assert failures(one.run(plan)) == []
    assert one.asked() == {
        "/data/experiments/Es/files json": 2,
        "/data/experiments/E/files zip": 12,
        "/data/experiments/E xml": 12,
        "/data/subjects/S xml": 6,
        "/data/projects/P xml": 1,
    }
    assert planning <= 18
    assert len(one.entries()) == 144
    one.run(plan)
    assert "/data/experiments/E/files zip" not in one.asked()


def test_steps_of_one_stream_never_run_side_by_side(export, study):
    steps = export(study()).plan().steps
    assert len(steps) == 3
    assert len({step.session for step in steps}) == 1
    assert "" not in {step.session for step in steps}


def test_below_a_filter_only_what_passes_is_fetched(export, study):
    one = export(study())
    outcomes = one.run(one.plan(filters=Filters(scan=("2",))))
    assert failures(outcomes) == []
    assert set(one.files()) == {name for name in FILES if "/scans/2/" in name}
    assert not any("scans/2/resources/N/files" not in shape for shape in one.asked() if "json" not in shape)


def test_most_of_a_session_comes_as_its_stream_and_nothing_else_of_it_is_kept(export, study):
    one = export(study())
    assert failures(one.run(one.plan(filters=Filters(scan=("2", "3"))))) == []
    assert one.asked() == {"/data/experiments/E/files json": 1, "/data/experiments/E/files zip": 1}
    assert set(one.files()) == {name for name in FILES if "/scans/1/" not in name}


def test_all_scans_are_one_stream_where_most_of_the_session_stands_elsewhere(export, study, put_file):
    site = study()
    resource = site.new_resource("BACKUP")
    put_file(resource, "big.bin", bytes(SIZE * 20))
    next(iter(site.experiments.values())).resources.append(resource)
    one = export(site)
    assert failures(one.run(one.plan(filters=Filters(exclude_resource=("BACKUP",))))) == []
    assert one.asked()["/data/experiments/E/scans/ALL/files zip"] == 1
    assert one.files() == FILES


@pytest.mark.parametrize("ending", [CutDownload, Truncate], ids=["cut", "ended"])
@pytest.mark.parametrize("where", ["in a member", "between members", "before the end"])
@pytest.mark.parametrize("digests", [True, False])
def test_of_a_stream_that_breaks_off_what_came_whole_is_kept_and_the_rest_asked_for(
    export, study, ending, where, digests
):
    site = study(digests)
    body = packed(named())
    starts = [found.start() for found in re.finditer(b"PK\3\4", body)]
    size = {"in a member": starts[2] + 150, "between members": starts[2], "before the end": starts[-1] + 2}
    site.settings.zip_level = -1
    one = export(site)
    one.faults.add(STREAM, ending(size[where] + 20 * 2), times=1)
    outcomes = one.run()
    assert failures(outcomes) == []
    assert one.files() == FILES
    assert [outcome.files for outcome in outcomes] == [2, 2, 2]
    assert sum((outcome.verified for outcome in outcomes), Evidence()) == (
        Evidence(digest=6) if digests else Evidence(size=6)
    )
    whole = [entry.item for entry in one.entries()]
    assert len(whole) == len(set(whole)) == 6
    single = [shape for shape in one.asked() if "/resources/N/files/" in shape]
    assert (one.asked()["/data/experiments/E/files zip"] == 2) != bool(single)


@pytest.mark.parametrize(
    "refusal",
    [ErrorPage(403), ErrorPage(404), ErrorPage(500), LoginPage(), Answer("", 204), Answer("<html></html>")],
    ids=lambda fault: str(getattr(fault, "status", "page")),
)
def test_a_server_without_zips_gives_every_file_by_itself(export, study, refusal):
    one = export(study())
    fault = one.faults.add(ANY_ZIP, refusal)
    outcomes = one.run()
    assert fault.fired
    assert failures(outcomes) == []
    assert one.files() == FILES
    assert [outcome.verified for outcome in outcomes] == [Evidence(digest=2)] * 3


DICOM = "E1/scans/2/resources/DICOM/files/"


def changed(name, data):
    return [(one, data if one == name else was) for one, was in named()]


WRONG = {
    "other bytes": changed(f"{DICOM}a.dcm", bytes(SIZE)),
    "too long": changed(f"{DICOM}a.dcm", FILES[f"{DICOM}a.dcm"] + b"x"),
    "too short": changed(f"{DICOM}a.dcm", b"x"),
    "empty": changed(f"{DICOM}a.dcm", b""),
    "swollen": changed(f"{DICOM}a.dcm", bytes(40_000_000)),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_a_wrong_member_fails_alone_and_is_not_kept(export, study, what):
    one = export(study())
    one.faults.add(STREAM, answered(packed(WRONG[what])))
    outcomes = one.run()
    assert [failure.path for failure in failures(outcomes)] == [
        "subjects/S1/experiments/E1/scans/2/resources/DICOM/files/a.dcm"
    ]
    assert [outcome.state for outcome in outcomes] == [State.DONE, State.FAILED, State.DONE]
    assert one.files() == {name: data for name, data in FILES.items() if name != f"{DICOM}a.dcm"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_length_that_is_not_true_ends_the_stream_and_every_file_comes_all_the_same(export, study, method):
    one = export(study())
    body = bytearray(packed(named(), method))
    at = [found.start() for found in re.finditer(b"PK\3\4", body)][2]
    body[at + 22] ^= 1  # the size of the third file
    one.faults.add(STREAM, answered(bytes(body)))
    assert failures(one.run()) == []
    assert one.files() == FILES


def test_a_member_that_was_damaged_on_its_way_is_asked_for_again(export, study):
    one = export(study())
    body = packed(named(), zipfile.ZIP_STORED)
    data = FILES[f"{DICOM}a.dcm"]
    one.faults.add(STREAM, answered(body.replace(data, data[:-1] + b"!")))
    outcomes = one.run()
    assert failures(outcomes) == []
    assert one.files() == FILES
    assert [outcome.files for outcome in outcomes] == [2, 2, 2]
    assert one.asked()["/data/experiments/E/scans/2/resources/N/files/a.dcm"] == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_of_a_doubled_member_only_what_the_server_proves_is_believed(export, study, digests, first):
    one = export(study(digests))
    twin = (f"{DICOM}a.dcm", bytes(SIZE))
    members = [twin, *named()] if first else [*named(), twin]
    one.faults.add(STREAM, answered(packed(members)))
    outcomes = one.run()
    assert failures(outcomes) == []
    assert one.files() == FILES
    assert [outcome.files for outcome in outcomes] == [2, 2, 2]
    assert ("/data/experiments/E/scans/2/resources/N/files/a.dcm" in one.asked()) == (first or not digests)


def test_a_member_less_than_listed_is_asked_for_by_itself(export, study):
    one = export(study())
    one.faults.add(STREAM, answered(packed(named()[:-1])))
    assert failures(one.run()) == []
    assert one.files() == FILES
    assert one.asked()["/data/experiments/E/scans/3/resources/N/files/s/b.dcm"] == 1


def test_a_file_that_came_to_the_archive_after_it_was_listed_comes_along(export, study, put_file):
    site = study()
    one = export(site)
    plan = one.plan()
    asked = one.pair.connections["lab"].table
    scan = next(iter(site.experiments.values())).scans["2"]

    def table(path, *needed, **params):
        found = asked(path, *needed, **params)
        if params.get("all") == "true":
            put_file(scan.resources[0], "late.dcm", b"late")
            put_file(scan.resources[0], "a.dcm", b"changed")
        return found

    one.pair.connections["lab"].table = table
    outcomes = one.run(plan)
    assert failures(outcomes) == []
    assert [outcome.files for outcome in outcomes] == [2, 3, 2]
    assert one.files() == FILES | {f"{DICOM}late.dcm": b"late", f"{DICOM}a.dcm": b"changed"}


def test_a_member_that_nobody_lists_never_becomes_a_file(export, study, tmp_path):
    one = export(study())
    strange = [
        *("../../x", "/etc/x", "C:\\x", "E1/scans/2/resources/DICOM/files/../../../../x", "x"),
        *(f"{DICOM}more.dcm", "E1/scans/9/resources/DICOM/files/a.dcm", "E1/resources/DICOM/files/a.dcm"),
        *("E1/scans/2/resources/OTHER/files/a.dcm", "E1/assessors/2/resources/DICOM/files/a.dcm"),
    ]
    one.faults.add(STREAM, answered(packed([*((name, b"evil") for name in strange), *named()])))
    assert failures(one.run()) == []
    assert one.files() == FILES
    landed = [path for path in one.folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    assert len(landed) == len(FILES)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_where_two_scans_can_be_meant_by_a_folder_each_is_asked_for_by_itself(export, study, put_file):
    site = study()
    resource = site.new_resource("DICOM")
    put_file(resource, "c.dcm", content("9", "a.dcm"), digests=False)
    site.add_scan(next(iter(site.experiments.values())), "2-T_2").resources.append(resource)
    site.settings.types_in_whole_zips = True
    one = export(site)
    assert failures(one.run()) == []
    assert one.files() == FILES | {"E1/scans/2-T_2/resources/DICOM/files/c.dcm": content("9", "a.dcm")}
    single = {shape.partition("/resources/")[0] for shape in one.asked() if "/resources/" in shape}
    assert single == {"/data/experiments/E/scans/2", "/data/experiments/E/scans/2-T_2"}


@pytest.mark.parametrize("label", ["DICOM", ""])
def test_two_resources_of_one_label_or_none_are_kept_apart(export, study, put_file, label):
    site = study()
    resource = site.new_resource(label)
    put_file(resource, "a.dcm", content("9", "a.dcm"))
    next(iter(site.experiments.values())).scans["2"].resources.append(resource)
    one = export(site)
    outcomes = one.run()
    assert failures(outcomes) == []
    found = {entry.uri: (one.folder / entry.path).read_bytes() for entry in one.entries()}
    assert len(found) == 7
    assert sorted(found.values()) == sorted([*FILES.values(), content("9", "a.dcm")])


def test_a_list_of_several_sessions_that_is_refused_is_asked_for_one_by_one(export, study, put_file):
    site = study()
    other = site.add_experiment(next(iter(site.subjects.values())), "E2")
    resource = site.new_resource("DICOM")
    put_file(resource, "a.dcm", b"one")
    site.add_scan(other, "1").resources.append(resource)
    one = export(site)
    plan = one.plan()
    one.faults.add(r"GET /data/experiments/[^/]+,[^/]+/files", ErrorPage(500))
    assert failures(one.run(plan)) == []
    assert one.asked()["/data/experiments/E/files json"] == 2
    assert len(one.files()) == 7


def test_what_is_fetched_together_counts_once_and_is_told_while_it_comes(export, study):
    one = export(study())
    control = Control()
    plan = one.plan()
    with export_executor(plan, one.pair.connections.__getitem__) as execute:
        outcomes = [execute(plan.steps[0], control)]
        assert control.files == 6
        assert control.bytes > sum(map(len, FILES.values())) - 1
        later = Control()
        outcomes += [execute(step, later) for step in plan.steps[1:]]
    assert (later.files, later.bytes) == (0, 0)
    assert [(one.files, one.bytes) for one in outcomes] == [(2, 2 * SIZE)] * 3


def test_stopped_in_the_middle_of_a_stream_it_goes_on_with_what_is_missing(export, study):
    one = export(study())
    control, plan = StoppingAtOnce(), one.plan()
    with pytest.raises(Interrupted):
        one.run(plan, control)
    before = one.files()
    assert before.items() <= FILES.items()
    outcomes = one.run(plan)
    assert failures(outcomes) == []
    assert sum(outcome.files for outcome in outcomes) == len(FILES) - len(before)
    assert sum(outcome.skipped for outcome in outcomes) == len(before)
    assert one.files() == FILES
    assert one.asked().get("/data/experiments/E/files zip", 0) <= 1


def test_a_server_that_is_gone_leaves_the_other_steps_to_be_done(export, study, monkeypatch):
    one = export(study())
    plan = one.plan()
    gone = ServerUnreachable("No answer.")
    gone.unreachable = "lab"

    def download(*_arguments, **_params):
        raise gone

    with export_executor(plan, one.pair.connections.__getitem__) as execute:
        with monkeypatch.context() as patched:
            patched.setattr(one.pair.connections["lab"], "download", download)
            outcome = execute(plan.steps[0], Control())
        assert outcome.unreachable == "lab"
        rest = [execute(step, Control()) for step in plan.steps[1:]]
    assert failures(rest) == []
    assert [outcome.files for outcome in rest] == [2, 2]
