"""What a transfer does to a site beside the data: AutoRun only when asked, a reason where one is wanted."""

from __future__ import annotations

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.demo.workflows import AUTORUN
from xnat_tui.model.options import CopyOptions, OnExisting, Via
from xnat_tui.services.administration.prearchive import work as prearchive_work

SESSION = "BRAINS/SUB-004/SUB-004_CT1"
IMPORT = CopyOptions(via=Via.IMPORT)
REASON = "Amendment 3: \"yes\" & 'no'"
CHANGES = ("PUT", "POST", "DELETE")


@pytest.fixture(autouse=True)
def _no_polling(monkeypatch):
    monkeypatch.setattr(prearchive_work, "POLL_SECONDS", 0.01)


def _autoruns(site):
    return [one for one in site.workflows.values() if one.pipeline_name == AUTORUN]


def _messages(plan):
    return [finding.message for finding in plan.findings]


@pytest.mark.parametrize("wanted", [False, True])
def test_what_is_imported_starts_autorun_only_when_asked(servers, wanted):
    target = Site()
    target.add_project("NEW")
    pair = servers(source_site(), target)
    plan = pair.plan(SESSION, options=CopyOptions(via=Via.IMPORT, autorun=wanted))
    said = "AutoRun of NEW will start on every session that is archived."
    assert (said in _messages(plan)) is wanted
    assert ("--autorun" in plan.command) is wanted
    assert pair.run(plan).failures == []
    assert bool(_autoruns(target)) is wanted


def test_copied_files_never_start_autorun(servers):
    pair = servers(source_site(), Site())
    assert pair.copy(SESSION, options=CopyOptions(autorun=True)).failures == []
    assert _autoruns(pair.target.site) == []


def _strict():
    site = Site()
    site.settings.require_change_justification = True
    return site


def test_a_site_that_wants_a_reason_blocks_a_plan_without_one(servers, make_site):
    pair = servers(make_site(), _strict())
    plan = pair.plan("P")
    assert plan.blocked
    assert "qc wants a reason for each change." in _messages(plan)


@pytest.mark.parametrize("via", ["files", "import"])
def test_the_reason_goes_along_with_every_change(servers, via):
    pair = servers(source_site(), _strict())
    pair.connections["qc"].event_reason = REASON
    options = CopyOptions(via=via, on_existing=OnExisting.UPDATE, refresh_catalogs=True)
    plan = pair.plan(SESSION, options=options)
    assert not plan.blocked
    assert pair.run(plan).failures == []
    changes = [entry for entry in pair.target.requests if entry.method in CHANGES]
    below_data = [entry for entry in changes if entry.path.startswith("/data/")]
    signing_in = [entry for entry in below_data if entry.path.startswith(("/data/services/auth", "/data/JS"))]
    unexplained = [e.path for e in below_data if "event_reason=Amendment%203" not in e.query]
    assert unexplained == [entry.path for entry in signing_in]
    assert len(below_data) > len(signing_in) + 2


def test_without_a_reason_the_refusal_says_what_is_missing(servers, make_site):
    pair = servers(make_site(), Site())
    plan = pair.plan("P")
    pair.target.site.settings.require_change_justification = True
    failures = pair.run(plan).failures
    assert any("--event-reason" in failure.hint for failure in failures)
