"""`--modality` knows sessions that tell none: SR sessions, and PET-MR, which is both."""

from __future__ import annotations

import pytest

from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan
from xnat_tui.services.browsing import show
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader

SR, PETMR, OTHER = "SUB-001_MR1", "SUB-005_PETMR1", "SUB-012_OT1"


def session(demo: DemoServer, label: str) -> Experiment:
    (found,) = [one for one in demo.site.experiments.values() if one.label == label]
    return found


@pytest.fixture
def pair(servers):
    return servers(source_site(), destination_site())


@pytest.fixture
def reader(pair) -> Reader:
    """An SR session by its type, one that only its scans tell of, and PET-MR; none has a modality."""
    only_by_type = session(pair.source, SR)
    only_by_type.xsi_type = "xnat:srSessionData"
    for one in (only_by_type, session(pair.source, PETMR), session(pair.source, OTHER)):
        one.fields.pop("modality", None)
    for scan in session(pair.source, OTHER).scans.values():
        scan.xsi_type = "xnat:srScanData"
        scan.fields.pop("modality", None)
    return Reader(pair.connections["lab"])


def shown(reader: Reader, path: str, filters: Filters, depth: str) -> set[str]:
    place: Place = find_one(reader, Location.parse(f"lab:{path}"))
    branches = show.walk(reader, place, depth, filters).walk()
    return {one.place.item.key for one in branches if one.place.item and one.place.kind == "experiment"}


@pytest.mark.parametrize("depth", ["sessions", "resources"])
@pytest.mark.parametrize(
    ("modality", "label", "subject"),
    [
        ("SR", SR, "SUB-001"),
        ("SR", OTHER, "SUB-012"),
        ("PT", PETMR, "SUB-005"),
        ("PET", PETMR, "SUB-005"),
        ("MR", PETMR, "SUB-005"),
        ("PET-MR", PETMR, "SUB-005"),
    ],
)
def test_a_project_and_a_subject_alone_keep_the_same_sessions(
    reader: Reader, modality: str, label: str, subject: str, depth: str
) -> None:
    wanted, unwanted = Filters(modality=(modality,)), Filters(exclude_modality=(modality,))
    for path in ("BRAINS", f"BRAINS/{subject}"):
        assert label in shown(Reader(reader.connection), path, wanted, depth)
        assert label not in shown(Reader(reader.connection), path, unwanted, depth)


def test_an_sr_session_is_no_mr_session(reader: Reader) -> None:
    found = shown(reader, "BRAINS", Filters(modality=("MR",)), "sessions")
    assert PETMR in found
    assert not {SR, OTHER} & found


def test_only_what_does_not_tell_costs_a_request(reader: Reader) -> None:
    def requests(filters: Filters) -> int:
        fresh = Reader(reader.connection)
        before = fresh.connection.requests
        shown(fresh, "BRAINS", filters, "sessions")
        return fresh.connection.requests - before

    plain = requests(Filters(session=("*",)))
    assert requests(Filters(modality=("SR",))) == plain + 1


@pytest.mark.usefixtures("reader")
def test_copies_and_comparisons_keep_them_too(pair) -> None:
    filters = Filters(modality=("SR",))
    plan: Plan = pair.plan("BRAINS", filters=filters)
    sessions = {step.path.rpartition("/")[2] for step in plan.steps if step.kind == "experiment"}
    assert sessions == {SR, OTHER}
    readers = [Reader(one) for one in pair.connections.values()]
    sides = [Side(one, find_one(one, Location.parse("lab:BRAINS"))) for one in readers]
    comparison = Comparison(*sides, depth=Depth.LABELS, filters=filters)
    comparison.run()
    found = {one.key for one in items_of(comparison.root) if one.kind is Kind.EXPERIMENT}
    assert {SR, OTHER} <= found
    assert "SUB-002_MR1" not in found
