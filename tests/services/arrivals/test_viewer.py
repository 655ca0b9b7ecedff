"""Rebuilding the OHIF viewer's metadata."""

from __future__ import annotations

import pytest

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import Forbidden, NotFound, UsageError
from xnat_tui.model.changes import apply
from xnat_tui.services.administration.viewer import ViewerMetadata
from xnat_tui.services.workspace import Workspace


@pytest.fixture
def viewer(demo: DemoServer, workspace: Workspace) -> ViewerMetadata:
    demo.site.settings.plugins["ohifViewerPlugin"] = {}
    return ViewerMetadata(workspace.reader("lab"))


def test_a_project_is_rebuilt_session_by_session_each_once(
    demo: DemoServer, workspace: Workspace, viewer: ViewerMetadata
) -> None:
    places = [workspace.find_one(f"lab:BRAINS{below}") for below in ("", "/SUB-001", "/SUB-001/SUB-001_MR1")]
    changes = viewer.plan_rebuild(places)
    owned = [one for one in demo.site.experiments.values() if one.project == "BRAINS"]
    images = {one.id for one in owned if one.xsi_type.endswith("SessionData")}
    assert len(changes) == len(images)
    assert [result.error for result in apply(changes, viewer.do)] == [None] * len(images)
    assert demo.site.viewer_metadata == images


def test_what_is_shared_in_is_rebuilt_where_it_belongs(workspace: Workspace, viewer: ViewerMetadata) -> None:
    assert "T-01_MR" not in str(viewer.plan_rebuild([workspace.find_one("lab:TEACHING")]))
    (named,) = viewer.plan_rebuild([workspace.find_one("lab:TEACHING/T-01/T-01_MR")])
    assert named.refusal.startswith("It is shared in")


def test_a_missing_plugin_is_said_plainly(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="lab has no OHIF viewer plugin"):
        ViewerMetadata(workspace.reader("lab")).plan_rebuild([workspace.find_one("lab:BRAINS/SUB-001")])


def test_one_failure_leaves_the_others_done(
    demo: DemoServer, workspace: Workspace, viewer: ViewerMetadata
) -> None:
    changes = viewer.plan_rebuild([workspace.find_one("lab:BRAINS/SUB-002")])
    assert len(changes) > 1
    demo.faults.add("POST /xapi/viewer/", ErrorPage(403), times=1)
    errors = [type(result.error) for result in apply(changes, viewer.do)]
    assert errors == [Forbidden] + [type(None)] * (len(changes) - 1)


def test_a_scan_has_no_viewer_metadata(workspace: Workspace, viewer: ViewerMetadata) -> None:
    with pytest.raises(UsageError):
        viewer.plan_rebuild([workspace.find_one("lab:BRAINS/SUB-001/SUB-001_MR1/scans/2")])
