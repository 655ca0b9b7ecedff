import pytest

from xnat_tui.demo.faults import DO_NOTHING, ErrorPage, WriteThenDrop
from xnat_tui.demo.study.brains import session
from xnat_tui.errors import BadAnswer, Forbidden, NotFound
from xnat_tui.model.workflow import Workflow
from xnat_tui.services.administration.workflows import Workflows


@pytest.fixture
def service(reader):
    return Workflows(reader)


def told(found):
    return [(one.label, one.name, one.status) for one in found]


@pytest.mark.parametrize(
    ("status", "is_open"),
    [
        ("Queued", True),
        ("Running", True),
        ("Pending", True),
        ("Complete", False),
        ("Failed (Dismissed)", False),
    ],
)
def test_open_is_neither_complete_nor_failed(status, is_open):
    assert Workflow("1", "E", "P", "x", status).open is is_open


def test_a_project_lists_autoruns_in_one_request(xnat, look, service):
    place = look("BRAINS")
    before = len(xnat.requests)
    assert told(service.at(place)) == [
        ("SUB-001_MR1", "AutoRun", "Complete"),
        ("SUB-002_MR1", "AutoRun", "Queued"),
        ("SUB-012_MR1", "AutoRun", "Queued"),
        ("SUB-007_MR1", "AutoRun", "Failed"),
        ("SUB-011_MR1", "AutoRun", "Failed (Dismissed)"),
    ]
    assert len(xnat.requests) == before + 1


def test_every_pipeline_by_status_without_the_servers_html(look, service):
    (found,) = service.at(look("BRAINS"), every_pipeline=True, status=["running"])
    assert (found.pipeline, found.status, found.step, found.user) == (
        "dcm2niix",
        "Running",
        "convert",
        "demo",
    )


@pytest.mark.parametrize(
    "path", ["BRAINS/SUB-002", "BRAINS/SUB-002/SUB-002_MR1", "BRAINS/SUB-002/SUB-002_MR1/scans/1"]
)
def test_an_item_lists_its_own(look, service, path):
    assert told(service.at(look(path))) == [("SUB-002_MR1", "AutoRun", "Queued")]


def test_a_server_has_no_list(look, service):
    with pytest.raises(NotFound):
        service.at(look(""))


def test_without_the_right_to_search_an_item_still_tells_its_latest_autorun(xnat, look, service):
    xnat.site.settings.workflow_search_allowed = False
    (found,) = service.at(look("BRAINS/SUB-002/SUB-002_MR1"))
    assert (found.status, found.user) == ("Queued", "demo")
    with pytest.raises(Forbidden, match="does not let demo search workflows"):
        service.at(look("BRAINS"))


def test_dismissing_takes_open_autoruns_of_ones_own(xnat, look, service, carry_out):
    changes = service.plan_dismiss([look("BRAINS")])
    assert [(one.after["session_label"], one.refusal) for one in changes] == [
        ("SUB-002_MR1", ""),
        ("SUB-012_MR1", "Only its creator member or a site administrator may dismiss workflow 27."),
    ]
    assert [result.error for result in carry_out(changes, service.do)] == [None]
    assert xnat.site.open_workflow(session(xnat.site, "SUB-002_MR1").id) is None
    running = session(xnat.site, "SUB-005_PETMR1").id
    assert xnat.site.open_workflow(running).status == "Running"


def test_an_administrator_dismisses_all(sign_in, look, carry_out):
    service = Workflows(sign_in("admin"))
    changes = service.plan_dismiss([look("BRAINS")])
    assert [result.error for result in carry_out(changes, service.do)] == [None, None]
    assert service.plan_dismiss([look("BRAINS")]) == []


def test_a_workflow_named_by_number_whatever_it_runs(xnat, look, service, carry_out):
    (running,) = service.at(look("BRAINS"), every_pipeline=True, status=["Running"])
    over = service.at(look("BRAINS"))[0].id
    changes = service.plan_dismiss([look("BRAINS")], ids=[running.id, over, "999"])
    assert [one.refusal for one in changes] == [
        "",
        "it is over: Complete.",
        "there is no such workflow here.",
    ]
    assert [result.error for result in carry_out(changes, service.do)] == [None]
    assert xnat.site.open_workflow(running.item) is None


def test_a_403_names_the_creator(xnat, look, service, carry_out):
    xnat.faults.add("^GET /xapi/users/demo/roles", ErrorPage(404))
    changes = service.plan_dismiss([look("BRAINS/SUB-012")])
    (result,) = carry_out(changes, service.do)
    assert isinstance(result.error, Forbidden)
    assert result.error.message == "Only its creator member or a site administrator may dismiss workflow 27."


def test_every_dismissal_is_read_back(xnat, look, service, carry_out):
    changes = service.plan_dismiss([look("BRAINS/SUB-002")])
    xnat.faults.add("^PUT /data/workflows", DO_NOTHING, times=1)
    xnat.faults.add("^PUT /data/workflows", WriteThenDrop(), times=1)
    assert [type(one.error) for one in carry_out(changes, service.do)] == [BadAnswer]
    assert [one.error for one in carry_out(changes, service.do)] == [None]
