import pytest

from xnat_tui.demo.faults import DO_NOTHING, WriteThenDrop
from xnat_tui.errors import BadAnswer, Conflict, Forbidden, NotFound, UsageError
from xnat_tui.jobs.history import History
from xnat_tui.services.administration.project_settings import ProjectCreation, ProjectSettings, checked
from xnat_tui.services.administration.renaming import Renaming
from xnat_tui.services.administration.undoing import Undoing


@pytest.fixture
def service(reader, look):
    return ProjectSettings(reader, look("BRAINS"))


@pytest.fixture
def creation(reader):
    return ProjectCreation(reader, "lab")


WANTED = checked({"title": "Brains, ü & more", "prearchive": "manual", "accessibility": "protected"})


def test_settings_are_set_one_by_one_and_taken_back(xnat, reader, service, carry_out):
    changes = service.plan_set(WANTED)
    assert [(one.before, one.after) for one in changes] == [
        ({"name": "Brains across the lifespan"}, {"name": "Brains, ü & more"}),
        ({"prearchive_code": "4"}, {"prearchive_code": "0"}),
        ({"accessibility": "private"}, {"accessibility": "protected"}),
    ]
    assert [one.error for one in carry_out(changes, service.do)] == [None] * 3
    project = xnat.site.projects["BRAINS"]
    assert (project.settings["prearchive_code"], project.accessibility) == ("0", "protected")
    assert service.plan_set(WANTED) == []
    with History() as history:
        entries = [one for one in history.entries() if "prearchive_code" not in one.after]
    undoing = Undoing(reader, "lab", Renaming(reader, wait=lambda _: True))
    assert [one.error for one in carry_out(undoing.plan(entries).changes, undoing.do)] == [None] * 2
    assert service.values()["name"] == "Brains across the lifespan"


def test_what_is_taken_or_would_be_ignored_is_refused(service, reader, look):
    (taken,) = service.plan_set({"name": "teaching COLLECTION"})
    assert taken.refusal == "TEACHING has the ID, title or secondary ID teaching COLLECTION already."
    (cleared,) = service.plan_set({"description": ""})
    assert "XNAT ignores an empty value" in cleared.refusal
    for wrong in ({"colour": "red"}, {"accessibility": "open"}, {"prearchive_code": "1"}):
        with pytest.raises(UsageError):
            service.plan_set(wrong)
    with pytest.raises(NotFound):
        ProjectSettings(reader, look("BRAINS/SUB-001"))


def test_every_setting_is_read_back(xnat, service, carry_out):
    changes = service.plan_set({"description": "one", "keywords": "two"})
    xnat.faults.add("^PUT /data/projects/BRAINS", DO_NOTHING, times=1)
    xnat.faults.add("^PUT /data/projects/BRAINS", WriteThenDrop(), times=1)
    results = carry_out(changes, service.do)
    assert [type(one.error) for one in results] == [BadAnswer, type(None)]


def test_a_project_is_made_private_with_all_its_settings(xnat, creation, carry_out):
    (change,) = creation.plan("PILOT", {"name": "Pilot", "pi_lastname": "Hopper", "prearchive_code": "5"})
    assert (change.location, change.note) == ("lab:PILOT", "only its users see it")
    assert [one.error for one in carry_out([change], creation.do)] == [None]
    project = xnat.site.projects["PILOT"]
    assert (project.fields["name"], project.fields["pi_lastname"]) == ("Pilot", "Hopper")
    assert (project.accessibility, project.settings["prearchive_code"]) == ("private", "5")
    assert "has the ID" in creation.plan("pilot", {})[0].refusal
    assert "no label" in creation.plan("a b", {})[0].refusal
    assert isinstance(carry_out([change], creation.do)[0].error, Conflict)


def test_what_a_new_project_lacks_is_named_and_who_may_not_make_one_is_told(xnat, creation, carry_out):
    changes = creation.plan("PILOT", {"prearchive_code": "5"})
    xnat.faults.add("^PUT .*/prearchive_code/", DO_NOTHING)
    (result,) = carry_out(changes, creation.do)
    assert result.error.message == "It was made, but without its prearchive_code."
    xnat.site.settings.allow_non_admin_project_creation = False
    (result,) = carry_out(creation.plan("OTHER", {}), creation.do)
    assert isinstance(result.error, Forbidden)
