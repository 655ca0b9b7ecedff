import pytest

from xnat_tui.demo.faults import DO_NOTHING, WriteThenDrop
from xnat_tui.errors import BadAnswer, Conflict, Forbidden, NotFound, UsageError
from xnat_tui.jobs.history import History
from xnat_tui.model.place import Place
from xnat_tui.services.administration.anonymisation import Anonymisation
from xnat_tui.services.administration.renaming import Renaming
from xnat_tui.services.administration.undoing import Undoing
from xnat_tui.services.reading.reader import Reader

OLD = 'version "6.1"\n(0010,0010) := "Nobody"'
NEW = 'version "6.1"\n(0010,0010) := "Somebody else: ä"'


@pytest.fixture
def settings(xnat):
    return xnat.site.projects["BRAINS"].settings


@pytest.fixture
def service(reader, look):
    return Anonymisation(reader, look("BRAINS"))


@pytest.fixture
def site(sign_in):
    return Anonymisation(sign_in("admin"), Place("lab"))


def held(settings):
    return settings.get("anon_script", "").strip(), settings.get("anon_enabled")


def undo(reader):
    """The newest change, planned backwards."""
    with History() as history:
        entry = history.entries()[0]
    fresh = Reader(reader.connection)
    service = Undoing(fresh, "lab", Renaming(fresh, wait=lambda _: True))
    return service, service.plan([entry]).changes


@pytest.mark.parametrize("answer", ["hidden", "shown"])
def test_a_script_is_set_switched_off_and_on_and_each_is_taken_back(
    xnat, settings, service, reader, carry_out, answer
):
    xnat.site.settings.disabled_scripts = answer
    for text in (OLD, NEW):
        assert [one.error for one in carry_out(service.plan_set(text), service.do)] == [None]
    assert service.plan_set(f"{NEW}\n") == []
    (off,) = service.plan_enabled(False)
    assert (off.verb, off.before["script"]) == ("disable", NEW)
    assert [one.error for one in carry_out([off], service.do)] == [None]
    assert held(settings) == (NEW, "false")
    assert service.script().text == (NEW if answer == "shown" else None)

    undoing, changes = undo(reader)
    assert [one.error for one in carry_out(changes, undoing.do)] == [None]
    assert held(settings) == (NEW, "true")
    with History() as history:
        second = history.entries()[2]
    undoing = Undoing(reader, "lab", Renaming(reader, wait=lambda _: True))
    changes = undoing.plan([second]).changes
    assert [one.error for one in carry_out(changes, undoing.do)] == [None]
    assert held(settings) == (OLD, "true")


def test_what_is_replaced_unseen_is_said_to_be_not_kept(xnat, settings, service, carry_out):
    settings.update(anon_script=OLD, anon_enabled="false")
    (change,) = service.plan_set(NEW)
    assert "not shown by this server" in change.note
    assert "script" not in change.before
    xnat.site.settings.disabled_scripts = "shown"
    (change,) = service.plan_set(NEW)
    assert (change.before, change.note) == ({"enabled": "false", "script": OLD}, "")
    carry_out([change], service.do)
    assert held(settings) == (NEW, "true")


def test_what_somebody_else_set_meanwhile_is_not_written_over(settings, service, reader, carry_out):
    settings.update(anon_script=OLD, anon_enabled="true")
    changes = service.plan_set(NEW)
    settings["anon_script"] = "version 7"
    (result,) = carry_out(changes, service.do)
    assert isinstance(result.error, Conflict)
    assert held(settings)[0] == "version 7"
    carry_out(service.plan_set(NEW), service.do)
    settings["anon_script"] = "version 8"
    assert "another one now" in undo(reader)[1][0].refusal


def test_every_write_is_read_back(xnat, service, carry_out):
    changes = service.plan_set(NEW)
    xnat.faults.add("^PUT /xapi/anonymize", DO_NOTHING, times=2)
    assert isinstance(carry_out(changes, service.do)[0].error, BadAnswer)
    xnat.faults.clear()
    xnat.faults.add("^PUT /xapi/anonymize", WriteThenDrop(), times=1)
    (result,) = carry_out(changes, service.do)
    assert result.error is None
    assert "read back, and it is so" in result.note


def test_the_sites_script_is_the_administrators(xnat, site, reader, carry_out):
    (change,) = site.plan_set(NEW)
    assert (change.location, change.project) == ("lab:", "")
    assert [one.error for one in carry_out([change], site.do)] == [None]
    (off,) = site.plan_enabled(False)
    assert off.note == "every project of the site then receives DICOM as it was sent"
    carry_out([off], site.do)
    assert (xnat.site.settings.site_script.strip(), xnat.site.settings.anonymize) == (NEW, False)
    assert site.script().text == NEW
    undoing, changes = undo(site.reader)
    carry_out(changes, undoing.do)
    assert xnat.site.settings.anonymize
    mine = Anonymisation(reader, Place("lab"))
    assert isinstance(carry_out(mine.plan_set(OLD), mine.do)[0].error, Forbidden)
    with History() as history:
        assert [one.verb for one in history.entries()] == ["enable", "disable", "set"]


def test_only_sites_and_projects_have_one_and_nobody_sets_an_empty_one(reader, look, service):
    with pytest.raises(NotFound):
        Anonymisation(reader, look("BRAINS/SUB-001"))
    with pytest.raises(UsageError, match="empty"):
        service.plan_set(" \r\n")
    assert service.plan_enabled(False) == []
