"""Several exports in one folder: none loses what another brought."""

import csv
import json

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.errors import BadAnswer
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions, Layout
from xnat_tui.model.transfer import State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.comparing.verification import verify_against, verify_manifest
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.manifest import NAME, Manifest
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor


class Exporting:
    def __init__(self, pair, folder):
        self.pair, self.folder = pair, folder
        self.plan = None

    def places(self, location):
        reader = Reader(self.pair.connections[location.partition(":")[0]])
        return reader, list(find(reader, Location.parse(location)))

    def export(self, location, **options):
        reader, places = self.places(location)
        self.plan = plan_export(reader, places, self.folder, ExportOptions(**options))
        with export_executor(self.plan, self.pair.connections.__getitem__) as execute:
            return [execute(step, Control()) for step in self.plan.steps]

    def verify(self, location):
        reader, places = self.places(location)
        return verify_against(reader, places, self.folder)


@pytest.fixture
def exporting(servers, tmp_path):
    def start(source, target=None):
        return Exporting(servers(source, target or Site()), tmp_path / "out")

    return start


def errors(outcomes):
    return {failure.error for outcome in outcomes for failure in outcome.failures}


def two_projects(make_site, put_file):
    """P and Q, each with a session E1 of a subject S1."""
    site = make_site()
    session = site.add_experiment(site.add_subject(site.add_project("Q"), "S1"), "E1")
    resource = site.new_resource("DICOM", format="DICOM", content="RAW")
    for name in ("a.dcm", "sub/b.dcm"):
        put_file(resource, name, f"of Q: {name}".encode())
    site.add_scan(session, "1", fields={"type": "T1"}).resources.append(resource)
    return site


@pytest.mark.parametrize("layout", [Layout.FLAT, Layout.BIDS])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_second_export_of_what_is_called_alike_gets_names_of_its_own(
    exporting, make_site, put_file, layout, overwrite
):
    one = exporting(two_projects(make_site, put_file))
    for location in ("lab:P", "lab:Q"):
        assert errors(one.export(location, layout=layout, overwrite_local=overwrite)) == set()
    assert any("or shares it: it goes to" in finding.message for finding in one.plan.findings)
    for location in ("lab:P", "lab:Q"):
        found = one.verify(location).summary
        assert (found["differs"], found["only_source"]) == (0, 0)
    assert {status: n for status, n in verify_manifest(one.folder).summary.items() if n}.keys() == {"same"}


def test_a_file_of_a_folder_without_bound_names_is_not_replaced(exporting, make_site, put_file):
    """As earlier versions left them: what has the place is another's, and stays."""
    one = exporting(two_projects(make_site, put_file))
    one.export("lab:P", layout=Layout.FLAT)
    lines = [json.loads(line) for line in (one.folder / NAME).read_text().splitlines()]
    old = [line | ({"manifest": 1} if "manifest" in line else {}) for line in lines if "owner" not in line]
    (one.folder / NAME).write_text("".join(json.dumps(line) + "\n" for line in old))
    outcomes = one.export("lab:Q", layout=Layout.FLAT)
    assert any("taken by another export" in finding.message for finding in one.plan.findings)
    assert any("would be lost" in error for error in errors(outcomes))
    assert any(outcome.state is State.FAILED for outcome in outcomes)
    assert one.verify("lab:P").summary["differs"] == one.verify("lab:P").summary["only_source"] == 0


def test_the_same_project_of_another_server_does_not_replace_the_first(exporting, make_site):
    one = exporting(make_site(), make_site({"a.dcm": b"another", "sub/b.dcm": b"two"}))
    one.export("lab:P")
    assert errors(one.export("qc:P")) == set()
    below = "S1/E1/scans/1-T1/resources/DICOM/files/a.dcm"
    assert (one.folder / "P" / below).read_bytes() == b"one"
    assert (one.folder / "P~2" / below).read_bytes() == b"another"


def test_the_table_keeps_the_rows_of_an_earlier_export(exporting, make_site, put_file):
    one = exporting(two_projects(make_site, put_file))
    one.export("lab:P")
    one.export("lab:Q")
    with (one.folder / "metadata.csv").open(newline="") as opened:
        rows = {row["location"]: row for row in csv.DictReader(opened)}
    assert rows.keys() == {"lab:P", "lab:P/S1", "lab:P/S1/E1", "lab:Q", "lab:Q/S1", "lab:Q/S1/E1"}
    assert rows["lab:P/S1"]["demographics/gender"] == "female"
    assert verify_manifest(one.folder).summary["differs"] == 0


def test_what_was_kept_against_the_servers_digest_is_not_called_the_same(exporting, make_site):
    site = make_site({"a.dcm": b"one"})
    session = next(iter(next(iter(site.projects["P"].subjects.values())).experiments.values()))
    session.scans["1"].resources[0].files["a.dcm"].digest = "0" * 32
    one = exporting(site)
    one.export("lab:P", verify=False, metadata=False)
    assert verify_manifest(one.folder).summary["differs"] == 1


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", ""])
def test_a_manifest_that_points_out_of_its_folder_is_refused(exporting, make_site, path):
    one = exporting(make_site())
    one.export("lab:P", metadata=False)
    line = {"path": path, "size": 1, "md5": "0" * 32, "location": "lab:P"}
    with (one.folder / NAME).open("a") as opened:
        opened.write(json.dumps(line) + "\n")
    with pytest.raises(BadAnswer, match="describes no file in it"):
        Manifest(one.folder)


ODD = [
    "n" * 255,
    "\u00e9.dcm",
    "e\u0301.dcm",
    "dots...",
    "space ",
    " lead.dcm",
    "nul.txt",
    "A.dcm",
    "a.dcm",
    "x",
    "x.part",
    "x~2",
    "sub/x",
    "q?#%20+&;,.dcm",
    "back\\slash.dcm",
    "metadata.csv",
    "manifest.jsonl",
    "experiment.xml",
    ".xnat-tui-incoming-x/y.dcm",
    "ü" * 127 + ".d",
]


@pytest.mark.parametrize("layout", list(Layout))
def test_odd_names_arrive_and_are_proved_under_their_own_names(exporting, make_site, layout):
    one = exporting(make_site({name: name.encode() for name in ODD}))
    assert errors(one.export("lab:P", layout=layout)) == set()
    entries = {entry.item.partition("/files/")[2]: entry for entry in Manifest(one.folder)}
    assert {name: (one.folder / entries[name].path).read_bytes() for name in ODD} == {
        name: name.encode() for name in ODD
    }
    for found in (one.verify("lab:P"), verify_manifest(one.folder)):
        assert {status for status, count in found.summary.items() if count} == {"same"}
    assert one.export("lab:P", layout=layout)[-1].files == 0


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("below", ["scans", "assessors", "reconstructions", "resources"])
def test_parts_of_a_session_are_proved_by_themselves(exporting, layout, below):
    one = exporting(source_site())
    reader, [session] = one.places("lab:BRAINS/SUB-001/SUB-001_MR1")
    kind = {"scans": Kind.SCAN, "assessors": Kind.ASSESSOR, "reconstructions": Kind.RECONSTRUCTION}
    items = reader.below(session, kind.get(below, Kind.RESOURCE)).items
    location = str(session.child(items[0]).location)
    assert errors(one.export(location, layout=layout)) == set()
    found = one.verify(location).summary
    assert found.pop("same") > 0
    assert set(found.values()) == {0}
