"""What a script may rely on: the names of the package, and a service for whatever staff do."""

from __future__ import annotations

import pytest

import xnat_tui
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
    with DemoServer(source_site()) as server:
        config.save_server(Server("lab", server.url, "demo"))
        with xnat_tui.connect("lab") as workspace:
            yield workspace


@pytest.mark.parametrize("name", xnat_tui.__all__)
def test_every_public_name_is_there(name):
    assert getattr(xnat_tui, name) is not None
    assert name in dir(xnat_tui)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        xnat_tui.conect  # noqa: B018


def test_a_script_changes_what_staff_change(workspace):
    subject = workspace.find_one("lab:BRAINS/SUB-004")
    demographics = workspace.demographics("lab")
    (result,) = workspace.carry_out(demographics, demographics.plan_set([subject], {"dob": "1990-01-17"}))
    assert (result.error, result.change.after["dob"]) == (None, "1990-01-17")
    resources = workspace.resources("lab:BRAINS/SUB-004")
    (made,) = workspace.carry_out(resources, [resources.plan_create("NOTES")])
    assert made.error is None
    assert "NOTES" in [item.key for item in workspace.resources(subject).resources().items]


def test_every_panel_has_its_service(workspace):
    place = workspace.find_one("lab:BRAINS/SUB-001/SUB-001_MR1")
    assert workspace.users("lab:BRAINS").accessibility() == "private"
    assert workspace.workflows("lab").at(place, every_pipeline=True)
    assert workspace.catalogs("lab").may_clear_caches() is False
    assert workspace.sharing("lab").projects_of(place).owner.project == "BRAINS"
    assert workspace.prearchive("lab").name == "lab"
    assert workspace.renaming("lab").plan_item(place.location, "SUB-001_NEW").changes
    with pytest.raises(xnat_tui.errors.NotFound, match="viewer plugin"):
        workspace.viewer("lab").check()
