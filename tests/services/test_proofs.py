"""A bulk answer is believed once it is proved: what servers leave blank, cut off or hide changes no verdict,
and neither does the scope at which something is asked about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.services.conftest import Sites
from tests.services.little_study import little_destination, little_source
from xnat_tui.demo.faults import Answer, ErrorPage
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, Plan
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.transfers.copying.planning.plan import NewProject, plan_copy
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.xnat.tables import searches

JOINS = {
    "subject resources": "subjectData/resources/resource/",
    "subject variables": "subjectData/fields/field/",
    "session variables": "subjectAssessorData/fields/field/",
    "session resources": "experimentData/resources/resource/",
    "scans": "imageScanData/",
    "scan resources": "imageScanData/file/",
    "counts of scan resources": "imageScanData/file/file_(count|size)",
    "contents of resources": "/content$",
    "types of scans": "imageScanData/extension_item/",
    "qualities": "imageScanData/quality",
    "parameters": "mrScanData/parameters/",
    "reconstructions": "reconstructions/reconstructedImage/",
    "out of reconstructions": "reconstructedImage/out/file/",
    "into reconstructions": "reconstructedImage/in/file/",
    "assessor variables": "imageAssessorData/fields/field/",
    "out of assessors": "imageAssessorData/out/file/",
    "into assessors": "imageAssessorData/in/file/",
    "assessors' own": "imageAssessorData/resources/resource/",
    "owners of assessors": "imageAssessorData/(ID|project)$",
}


def verdicts(comparison: Comparison, below: str = "") -> dict[str, str]:
    return {
        "/".join(filter(None, (below, reports.path_of(comparison, pair)))): (
            "unverified" if pair.unverified else str(pair.status)
        )
        for pair in items_of(comparison.root)
    }


def steps(plan: Plan) -> set[tuple[str, str, int, int]]:
    return {(str(step.action), step.path, step.files, step.bytes) for step in plan.steps}


class Study:
    """BRAINS on two servers of which one answers some columns otherwise."""

    def __init__(self, sites: Any, folder: Path) -> None:
        self.sites = sites
        self.folder = folder
        self.compared = {depth: verdicts(sites.compare(depth=depth)) for depth in ("sizes", "digests")}
        self.copied, self.exported = steps(self.plan_copy()), steps(self.plan_export())

    def plan_copy(self) -> Plan:
        source = self.sites.reader("lab")
        return plan_copy(source, [self.place(source)], self.sites.reader("qc"), NewProject("qc", "ANEW"))

    def plan_export(self) -> Plan:
        source = self.sites.reader("lab")
        return plan_export(source, [self.place(source)], self.folder, ExportOptions())

    def place(self, reader: Any) -> Place:
        return find_one(reader, Location.parse("lab:BRAINS"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    with ExitStack() as stack:
        source, target = (
            stack.enter_context(DemoServer(site)) for site in (little_source(), little_destination())
        )
        yield Study(Sites(source, target, stack), tmp_path_factory.mktemp("export"))


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("answer", ["blank", "cut"])
def test_comparing_copying_and_exporting_miss_nothing_that_a_column_does_not_tell(
    study: Study, join: str, answer: str
) -> None:
    settings = study.sites.servers["lab"].site.settings
    settings.columns = {JOINS[join]: answer}
    try:
        for depth, truth in study.compared.items():
            assert verdicts(study.sites.compare(depth=depth)) == truth
        assert steps(study.plan_copy()) == study.copied
        assert steps(study.plan_export()) == study.exported
    finally:
        settings.columns = {}


@pytest.mark.parametrize("join", ["subject resources", "session resources", "out of reconstructions"])
def test_what_both_servers_leave_blank_is_found_all_the_same(study: Study, join: str) -> None:
    servers = study.sites.servers.values()
    for server in servers:
        server.site.settings.columns = {JOINS[join]: "blank"}
    try:
        assert verdicts(study.sites.compare()) == study.compared["sizes"]
    finally:
        for server in servers:
            server.site.settings.columns = {}


def test_a_place_has_one_verdict_by_itself_and_within_what_holds_it(study: Study) -> None:
    whole = study.compared["digests"]
    both = [
        path
        for path, status in whole.items()
        if path.count("/") in (1, 3, 5) and "resources" not in path and not status.startswith("only_")
    ]
    assert {path.count("/") for path in both} == {1, 3, 5}
    for path in both:
        labels = "/".join(path.split("/")[1::2][:2] + path.split("/")[4:])
        alone = study.sites.compare(f"lab:BRAINS/{labels}", f"qc:BRAINS/{labels}", depth="digests")
        inside = {one: status for one, status in whole.items() if f"{one}/".startswith(f"{path}/")}
        assert verdicts(alone, path) == inside, path


@pytest.mark.parametrize(("depth", "more"), [("labels", 0), ("sizes", 0), ("digests", 20)])
def test_two_hundred_sessions_cost_their_questions_and_the_proofs(
    pair_of: Any, depth: str, more: int
) -> None:
    sites = pair_of(synthetic_site(100, 2, 2), synthetic_site(100, 2, 2))
    comparison = sites.compare("lab:BIG", "qc:BIG", depth=depth)
    assert max(comparison.requests) <= 16 + 1 + more
    assert comparison.summary().same > 600


def test_a_disproved_kind_costs_a_request_for_each_session_and_no_other_kind(pair_of: Any) -> None:
    sites = pair_of(synthetic_site(20, 2, 2), synthetic_site(20, 2, 2))
    usual = sites.compare("lab:BIG", "qc:BIG").requests[0]
    sites.servers["lab"].site.settings.columns = {"imageScanData/file/": "blank"}
    comparison = sites.compare("lab:BIG", "qc:BIG")
    assert comparison.summary().differs == comparison.summary().only_destination == 0
    assert usual < comparison.requests[0] <= usual + 40
    assert len([one for one in sites.servers["lab"].requests if "/data/subjects/" in one.path]) <= 4


def test_a_server_without_filters_is_asked_for_each_item(pair_of: Any) -> None:
    sites = pair_of(synthetic_site(6, 1, 1), synthetic_site(6, 1, 1))
    for server in sites.servers.values():
        server.site.settings.columns = {"subjectData/resources/resource/": "blank"}
        server.faults.add(r"columns=ID&.*=(\*|%2A)", ErrorPage(400))
    subject = next(iter(sites.servers["lab"].site.subjects.values()))
    subject.resources.append(sites.servers["lab"].site.new_resource("NOTES", format="TEXT"))
    found = verdicts(sites.compare("lab:BIG", "qc:BIG", depth="labels"))
    assert found["subjects/S00001/resources/NOTES"] == "only_source"


def test_a_proof_is_remembered_for_the_next_project(pair_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = pair_of(synthetic_site(8, 1, 1), synthetic_site(8, 1, 1))
    for server in sites.servers.values():
        site = server.site
        site.add_reconstruction(next(iter(site.experiments.values())), "mean")
        later = site.add_project("LATER", users={"demo": "owner"})
        for number in range(8):
            site.add_experiment(site.add_subject(later, f"L{number}"), f"L{number}_MR", "xnat:mrSessionData")
    asked: list[str] = []
    ask = searches.ask

    def noted(connection: Any, root: str, fields: Any, where: Any) -> Any:
        asked.append(str(where))
        return ask(connection, root, fields, where)

    monkeypatch.setattr(searches, "ask", noted)
    sites.compare("lab:", "qc:")
    later_asked = "".join(one for one in asked if "LATER" in one)
    assert "fields/field/name" in later_asked, "nothing proved those"
    assert "reconstructedImage/ID" not in later_asked


BLANK = {
    "a scan's note": ("scan", "note", "imageScanData/note"),
    "a coil": ("scan", "coil", "mrScanData/coil"),
    "a matrix": ("scan", "parameters/matrix/x", "mrScanData/parameters/matrix/x"),
    "a visit": ("session", "visit_id", "experimentData/visit_id"),
    "a kind of session": ("session", "session_type", "imageSessionData/session_type"),
    "a year of birth": ("subject", "yob", "demographicData.*/yob"),
    "a group": ("subject", "group", "subjectData/group"),
    "a note of an assessor": ("assessor", "note", "experimentData/note"),
}


def deep_site() -> Site:
    """Sessions with a scan and an assessor each, so that there is something of every kind."""
    site = synthetic_site(8, 1, 1)
    for session in list(site.experiments.values()):
        site.add_assessor(session, f"{session.label}_QC", "xnat:qcManualAssessorData")
    return site


def one_of(site: Site, kind: str) -> Any:
    session = list(site.experiments.values())[3]
    return {
        "session": session,
        "subject": session.subject,
        "scan": next(iter(session.scans.values())),
        "assessor": next(iter(session.assessors.values())),
    }[kind]


@pytest.mark.parametrize("search", ["full", "refused", "empty"])
@pytest.mark.parametrize("column", BLANK)
def test_a_column_that_both_servers_leave_blank_hides_no_difference(
    pair_of: Any, column: str, search: str
) -> None:
    kind, name, pattern = BLANK[column]
    sites = pair_of(deep_site(), deep_site())
    for server in sites.servers.values():
        server.site.settings.columns = {f"{pattern}$": "blank"}
        server.site.settings.item_search = search
    one_of(sites.servers["lab"].site, kind).fields[name] = "7"
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="labels")
    assert comparison.summary().differs == 1


SECOND = {
    "a subject's variable": (("subject", "variables"), "subjectData/fields/field/"),
    "a session's variable": (("session", "variables"), "subjectAssessorData/fields/field/"),
    "an assessor's variable": (("assessor", "variables"), "imageAssessorData/fields/field/"),
    "a subject's resource": (("subject", "resources"), "subjectData/resources/resource/"),
    "a session's resource": (("session", "resources"), "experimentData/resources/resource/"),
    "a scan": (("session", "scans"), "imageScanData/"),
    "a reconstruction": (("session", "reconstructions"), "reconstructions/reconstructedImage/"),
    "what went into an assessor": (("assessor", "in_resources"), "imageAssessorData/(in|resources)/"),
}


def give(site: Site, kind: str, what: str, number: int) -> None:
    owner = one_of(site, kind) if number else None
    for one in [owner] if owner else every(site, kind):
        label = f"{what}{number}"
        if what == "variables":
            one.variables[label] = "yes"
        elif what == "scans":
            if number:
                site.add_scan(one, label, xsi_type="xnat:mrScanData")
        elif what == "reconstructions":
            site.add_reconstruction(one, label)
        else:
            getattr(one, what).append(site.new_resource(label, format="TEXT"))


def every(site: Site, kind: str) -> list[Any]:
    sessions = [one for one in site.experiments.values() if one.project == "BIG"]
    found: dict[str, list[Any]] = {
        "session": sessions,
        "subject": [one.subject for one in sessions],
        "assessor": [one for session in sessions for one in session.assessors.values()],
    }
    return found[kind]


@pytest.mark.parametrize("search", ["full", "refused"])
@pytest.mark.parametrize("kind", SECOND)
def test_a_second_one_is_found_where_no_list_shows_two_of_anything(
    pair_of: Any, kind: str, search: str
) -> None:
    (owner, what), pattern = SECOND[kind]
    sites = pair_of(deep_site(), deep_site())
    for server in sites.servers.values():
        give(server.site, owner, what, 0)
        server.site.settings.columns = {pattern: "single"}
        server.site.settings.item_search = search
    give(sites.servers["lab"].site, owner, what, 1)
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="labels")
    summary = comparison.summary()
    assert summary.differs + summary.only_source == 1
    source = sites.reader("lab")
    plan = plan_copy(
        source, [find_one(source, Location.parse("lab:BIG"))], sites.reader("qc"), NewProject("qc", "ANEW")
    )
    assert [step for step in plan.steps if f"{what}1" in step.path] or what == "variables"


@pytest.mark.parametrize("hostile", ["a name no XML carries", "a number that is none", "too many names"])
def test_what_no_search_can_carry_is_asked_for_item_by_item(
    pair_of: Any, hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = pair_of(deep_site(), deep_site())
    for server in sites.servers.values():
        server.site.settings.columns = {"subjectData/(fields/field|resources/resource)/": "single"}
        for place, subject in enumerate(every(server.site, "subject")):
            if hostile == "a number that is none":
                subject.resources.append(server.site.new_resource("NOTES", format="TEXT"))
                subject.resources[0].id = f"x{place}"
            else:
                subject.variables["a\x01b" if hostile.startswith("a name") else f"v{place}"] = "yes"
    monkeypatch.setattr("xnat_tui.xnat.tables.absence.MOST_TERMS", 5)
    one_of(sites.servers["lab"].site, "subject").variables["zz"] = "more"
    summary = sites.compare("lab:BIG", "qc:BIG", depth="labels").summary()
    assert (summary.differs, summary.only_source, summary.only_destination) == (1, 0, 0)


class Hiding:
    """A server that hides one resource in its lists and documents, and lists its files."""

    def __init__(self, sites: Any, *, in_document: bool) -> None:
        self.sites = sites
        server = sites.servers["lab"]
        session = list(server.site.experiments.values())[3]
        self.session, self.number = session, str(session.scans["2"].resources[0].id)
        connection = sites.reader("lab").connection
        for path in (self._scans(connection), self._resources(server)):
            self._answer(server, path, json.loads(connection.get_bytes(*path[1:2], **path[2])))
        if in_document:
            path = (rf"/experiments/{session.id}\?", f"/data/experiments/{session.id}", {"format": "json"})
            self._answer(server, path, json.loads(connection.get_bytes(path[1], **path[2])))

    def _scans(self, connection: Any) -> tuple[str, str, dict[str, str]]:
        log = self.sites.servers["lab"].requests
        before = len(log)
        self.sites.compare("lab:BIG", "qc:BIG", depth="labels")
        (asked,) = [one for one in list(log)[before:] if "imageScanData" in one.query and "note" in one.query]
        return "imageScanData.*note", asked.path, dict(parse_qsl(asked.query))

    def _resources(self, server: Any) -> tuple[str, str, dict[str, str]]:
        names = ",".join(server.site.experiments)
        return (
            "/resources[?].*all=true",
            f"/data/experiments/{names}/resources",
            {"all": "true", "format": "json"},
        )

    def _answer(self, server: Any, path: tuple[str, str, dict[str, str]], found: Any) -> None:
        server.faults.add(path[0], Answer(json.dumps(self._without(found)), 200, "application/json"))

    def _without(self, found: Any) -> Any:
        if isinstance(found, dict):
            return {
                name: str(len(found["Result"]) - 1) if name == "totalRecords" else self._without(one)
                for name, one in found.items()
            }
        if isinstance(found, list):
            return [self._without(one) for one in found if not self._is_it(one)]
        return found

    def _is_it(self, one: Any) -> bool:
        values = {**one, **one.get("data_fields", {})} if isinstance(one, dict) else {}
        return any(
            name.endswith("xnat_abstractresource_id") and str(value) == self.number
            for name, value in values.items()
        )


@pytest.mark.parametrize("in_document", [False, True])
def test_a_file_of_a_resource_that_no_list_knows_has_its_session_read_again(
    pair_of: Any, in_document: bool
) -> None:
    sites = pair_of(synthetic_site(6, 1, 2), synthetic_site(6, 1, 2))
    hiding = Hiding(sites, in_document=in_document)
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    path = f"subjects/{hiding.session.subject.label}/experiments/{hiding.session.label}/scans/2"
    found = verdicts(comparison)
    if in_document:
        assert found[path] == "unreadable"
        (pair,) = [one for one in items_of(comparison.root) if reports.path_of(comparison, one) == path]
        assert pair.source_error is not None
        assert hiding.number in pair.source_error.message
    else:
        assert set(found.values()) == {"same"}
    assert comparison.summary(Kind.RESOURCE).only_destination == 0
    assert comparison.summary().unread == 0


@pytest.mark.parametrize("kind", ["subjects", "experiments"])
def test_nothing_is_planned_over_what_a_destination_leaves_out_of_a_list(pair_of: Any, kind: str) -> None:
    sites = pair_of(source_site(), destination_site())
    source, there = sites.reader("lab"), sites.reader("qc")
    columns = "ID,label" if kind == "subjects" else "ID,label,subject_ID,xsiType"
    address = f"/data/projects/BRAINS/{kind}"
    listed = json.loads(there.connection.get_bytes(address, columns=columns, format="json"))["ResultSet"]
    del listed["Result"][len(listed["Result"]) * 2 // 3 :]
    listed["totalRecords"] = str(len(listed["Result"]))
    cut = Answer(json.dumps({"ResultSet": listed}), 200, "application/json")
    sites.servers["qc"].faults.add(rf"{address}\?.*columns={columns.replace(',', '(,|%2C)')}(&|$)", cut)
    plan = plan_copy(
        source,
        [find_one(source, Location.parse("lab:BRAINS/SUB-011"))],
        there,
        find_one(there, Location.parse("qc:BRAINS")),
    )
    assert not [step.path for step in plan.steps if step.action is Action.CREATE]
    reasons = [step.reason for step in plan.steps if step.action is Action.CONFLICT]
    assert any("what stands there already is not known" in reason for reason in reasons)
