"""What a copy makes of a project itself: its settings, what stays behind, and never itself."""

from __future__ import annotations

import pytest
from lxml import etree

from xnat_tui.demo.faults import DO_NOTHING, ErrorPage
from xnat_tui.demo.site import Site
from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, OnExisting
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.planning.plan import plan_copy


def _project_step(plan):
    return next(step for step in plan.steps if step.kind is Kind.PROJECT)


def _messages(plan):
    return " ".join(finding.message for finding in plan.findings)


@pytest.fixture
def furnished(make_site):
    site = make_site()
    project = site.projects["P"]
    project.accessibility = "protected"
    project.settings.update({"prearchive_code": "5", "quarantine_code": "1", "autorun": "false"})
    return site


def test_settings_are_in_the_plan_and_arrive(servers, furnished):
    pair = servers(furnished, Site())
    plan = pair.plan("P")
    step = _project_step(plan)
    assert step.path == "projects/NEW"
    assert step.reason == "accessibility protected, prearchive_code 5, quarantine_code 1, AutoRun false"
    assert pair.run(plan).failures == []
    there = pair.target.site.projects["NEW"]
    assert (there.accessibility, there.settings) == ("protected", furnished.projects["P"].settings)


def test_a_setting_that_the_destination_refuses_or_does_not_keep_is_told_and_stops_nothing(
    servers, furnished, held
):
    pair = servers(furnished, Site())
    pair.target.faults.add(r"PUT .*/prearchive_code/", ErrorPage(403))
    pair.target.faults.add(r"PUT .*/accessibility/", DO_NOTHING)
    result = pair.copy("P")
    said = {failure.error.partition(":")[0] for failure in result.failures}
    assert said == {
        "prearchive_code could not be set to 5",
        "accessibility could not be set to protected",
    }
    assert {failure.path for failure in result.failures} == {"projects/NEW"}
    assert held(pair.target.site, "NEW") == held(furnished, "P")


def test_settings_follow_where_a_killed_run_had_only_made_the_project(servers, furnished):
    pair = servers(furnished, Site())
    plan = pair.plan("P")
    pair.target.faults.add(r"PUT .*/(accessibility|quarantine_code)/", ErrorPage(500))
    assert pair.run(plan).failures
    pair.target.faults.clear()
    assert pair.run(plan).failures == []
    assert pair.target.site.projects["NEW"].accessibility == "protected"
    assert pair.target.site.projects["NEW"].settings["quarantine_code"] == "1"


def test_settings_that_cannot_be_read_stay_as_new_projects_have_them_and_that_is_said(servers, furnished):
    pair = servers(furnished, Site())
    pair.source.faults.add(r"GET .*/(accessibility|prearchive_code)", ErrorPage(403))
    plan = pair.plan("P")
    assert "cannot be read stay as new projects have them: accessibility, prearchive_code." in _messages(plan)
    assert pair.run(plan).failures == []
    assert pair.target.site.projects["NEW"].accessibility == "private"


def test_what_no_listing_tells_of_files_is_said_once(servers, make_site):
    pair = servers(make_site(), Site())
    plan = pair.plan("P")
    assert _messages(plan).count("Descriptions of single files stay behind") == 1
    pair.run(plan)
    assert "Descriptions of single files" not in _messages(pair.plan("P"))


SCRIPT = 'version "6.1"\n(0010,0010) := "Nobody"'


def script(site, project):
    return site.projects[project].settings.get("anon_script", "").strip()


def test_the_anonymisation_script_comes_along_and_the_plan_says_so(servers, furnished):
    furnished.projects["P"].settings.update(anon_script=SCRIPT, anon_enabled="true")
    pair = servers(furnished, Site())
    plan = pair.plan("P")
    assert _project_step(plan).reason.endswith("AutoRun false, anonymisation script of 2 lines")
    assert pair.run(plan).failures == []
    assert script(pair.target.site, "NEW") == SCRIPT
    assert pair.target.site.projects["NEW"].settings["anon_enabled"] == "true"


def test_a_script_that_is_switched_off_is_none_and_one_that_is_refused_is_told(servers, furnished):
    furnished.projects["P"].settings.update(anon_script=SCRIPT, anon_enabled="false")
    pair = servers(furnished, Site())
    assert "script" not in _project_step(pair.plan("P")).reason
    furnished.projects["P"].settings["anon_enabled"] = "true"
    pair.target.faults.add(r"PUT /xapi/anonymize", ErrorPage(500))
    (failure,) = pair.copy("P").failures
    assert failure.error.startswith("anonymisation script: ")
    assert "Nobody" not in failure.error


def test_settings_that_differ_in_an_existing_project_are_told_and_stay(servers, furnished):
    pair = servers(furnished, Site())
    pair.target.site.add_project("NEW", settings={"prearchive_code": "0"})
    plan = pair.plan("P")
    assert _project_step(plan).action is Action.SKIP
    told = "Settings of NEW stay as they are there: accessibility private there, protected here; prearch"
    assert told in _messages(plan)
    assert pair.run(plan).failures == []
    there = pair.target.site.projects["NEW"]
    assert (there.accessibility, there.settings["prearchive_code"]) == ("private", "0")


@pytest.mark.parametrize("choice", [OnExisting.UPDATE, OnExisting.OVERWRITE])
def test_settings_that_differ_are_changed_where_that_is_asked_for(servers, furnished, choice):
    furnished.projects["P"].settings.update(anon_script=SCRIPT, anon_enabled="true")
    pair = servers(furnished, Site())
    pair.copy("P")
    there = pair.target.site.projects["NEW"]
    there.accessibility = "private"
    there.settings.update(prearchive_code="0", anon_script="version 5", autorun="true")
    plan = pair.plan("P", options=CopyOptions(on_existing=choice))
    step = _project_step(plan)
    assert step.action is Action.UPDATE
    assert step.reason == (
        "accessibility private there, protected here, prearchive_code 0 there, 5 here, "
        "AutoRun true there, false here and anonymisation script of one line there, of 2 lines here"
    )
    assert "NEW is private and will be protected, as P is." in _messages(plan)
    assert pair.run(plan).failures == []
    assert (there.accessibility, there.settings["prearchive_code"]) == ("protected", "5")
    assert (script(pair.target.site, "NEW"), there.settings["autorun"]) == (SCRIPT, "false")
    again = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    assert _project_step(again).action is Action.SKIP


def test_a_script_of_the_destination_stays_where_the_source_has_none(servers, furnished):
    pair = servers(furnished, Site())
    pair.copy("P")
    pair.target.site.projects["NEW"].settings.update(anon_script=SCRIPT, anon_enabled="true")
    plan = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    assert _project_step(plan).action is Action.SKIP


def test_settings_that_one_side_does_not_show_are_not_changed_and_that_is_said(servers, furnished):
    pair = servers(furnished, Site())
    pair.target.site.add_project("NEW")
    pair.target.faults.add(r"GET .*/accessibility", ErrorPage(403))
    plan = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    assert "not readable on both sides are neither compared nor changed: accessibility." in _messages(plan)
    pair.run(plan)
    assert pair.target.site.projects["NEW"].accessibility == "private"


PROTOCOL = """<xnat:studyProtocol xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="{xsi}"
  ID="P_xnat_mrSessionData" name="MR Sessions" data-type="{type}" xsi:type="xnat:datatypeProtocol">
 <xnat:definitions>
  <xnat:definition ID="default" data-type="{type}" project-specific="false">
   <xnat:fields><xnat:field name="everywhere" datatype="string" type="custom"/></xnat:fields>
  </xnat:definition>
  <xnat:definition ID="reading" data-type="{type}" project-specific="true" description="Of readers">
   <xnat:fields>
    <xnat:field name="rater" datatype="string" type="custom" required="true" sequence="0"
     xmlPath="{type}/fields/field[name=rater]/field">
     <xnat:possibleValues><xnat:possibleValue display="Jane">jd</xnat:possibleValue></xnat:possibleValues>
    </xnat:field>
   </xnat:fields>
  </xnat:definition>
 </xnat:definitions>
</xnat:studyProtocol>"""


def define(site, data_type="xnat:mrSessionData"):
    """Have P define custom variables of sessions: a group of its own, and one of the whole site."""
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    protocol = etree.fromstring(PROTOCOL.format(type=data_type, xsi=xsi))
    site.projects["P"].protocols[f"P_{data_type}"] = protocol
    site.projects["P"].fields["alias"] = "PEE"
    return site


def _groups(site, project):
    protocols = site.projects[project].protocols
    return {
        key: {
            one.get("ID"): [field.get("name") for field in one.iter("{*}field")]
            for one in protocol.iter("{*}definition")
        }
        for key, protocol in protocols.items()
    }


def test_a_projects_own_definitions_come_along_and_what_stays_behind_is_said(servers, furnished):
    pair = servers(define(furnished), Site())
    plan = pair.plan("P")
    told = _messages(plan)
    assert "Definitions of custom variables go along, under IDs that begin with NEW_: xnat:mrSession" in told
    assert "belong to the whole site of P stay behind: default of xnat:mrSessionData" in told
    assert "Aliases of P stay behind: PEE." in told
    assert pair.run(plan).failures == []
    there = pair.target.site
    assert _groups(there, "NEW") == {"NEW_xnat_mrSessionData": {"NEW_reading": ["rater"]}}
    (value,) = there.projects["NEW"].protocols["NEW_xnat_mrSessionData"].iter("{*}possibleValue")
    assert (value.get("display"), value.text) == ("Jane", "jd")
    assert "alias" not in there.projects["NEW"].fields


def test_definitions_of_other_projects_there_stay_as_they_are(servers, furnished):
    target = Site()
    groups = {("default", "xnat:mrSessionData"): {"theirs"}, ("reading", "xnat:mrSessionData"): {"theirs"}}
    target.field_groups.update({key: set(names) for key, names in groups.items()})
    pair = servers(define(furnished), target)
    assert pair.copy("P", project="P").failures == []
    assert {key: target.field_groups[key] for key in groups} == groups
    assert target.field_groups["P_reading", "xnat:mrSessionData"] == {"rater"}


@pytest.mark.parametrize("outcome", ["dropped", "refused"])
def test_definitions_that_do_not_arrive_are_told_and_stop_nothing(servers, furnished, held, outcome):
    pair = servers(define(furnished), Site())
    pair.target.site.settings.study_protocols = outcome
    (failure,) = pair.copy("P").failures
    assert failure.error.startswith("The new project did not keep studyProtocol/ID, ")
    assert held(pair.target.site, "NEW") == held(furnished, "P")


def test_definitions_of_types_that_are_unknown_there_stay_behind(servers, make_site):
    pair = servers(define(make_site(plugin_types=("fs:fsData",)), "fs:fsData"), Site())
    plan = pair.plan("P")
    assert "of data types that are unknown there stay undefined: fs:fsData." in _messages(plan)
    assert pair.run(plan).failures == []
    assert pair.target.site.projects["NEW"].protocols == {}


def test_definitions_do_not_make_an_existing_project_differ(servers, furnished):
    pair = servers(furnished, Site())
    pair.copy("P")
    define(furnished)
    plan = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    assert _project_step(plan).action is Action.SKIP


def test_publications_come_along_and_one_that_is_refused_is_told(servers, furnished):
    furnished.projects["P"].fields["publications/publication/title"] = "On heads & tails"
    pair = servers(furnished, Site())
    assert pair.copy("P").failures == []
    there = pair.target.site.projects
    assert there["NEW"].fields["publications/publication/title"] == "On heads & tails"
    plan = pair.plan("P", project="BARE")
    pair.target.faults.add(r"PUT /data/projects/BARE\?", ErrorPage(500), times=1)
    first = pair.run(plan)
    assert [failure.error for failure in first.failures] == [
        "The new project did not keep publications/publication/title."
    ]
    assert there["BARE"].fields["description"] == furnished.projects["P"].fields["description"]


def test_an_alias_that_is_taken_does_not_keep_the_project_away(servers, furnished, held):
    furnished.projects["P"].fields["alias"] = "TAKEN"
    target = Site()
    target.add_project("OTHER", fields={"alias": "TAKEN"})
    pair = servers(furnished, target)
    result = pair.copy("P", project="P")
    assert [failure.error for failure in result.failures] == ["The new project did not keep aliases/alias."]
    assert held(target, "P") == held(furnished, "P")


@pytest.mark.parametrize("what", ["P", "P/S1", "P/S1/E1"])
@pytest.mark.parametrize("name", ["lab", "twin"])
def test_nothing_is_copied_onto_itself_whatever_the_server_is_called(servers, make_site, what, name):
    pair = servers(make_site(), Site())
    place, reader = pair.place(what), Reader(pair.connections["lab"])
    for depth in range(len(place.items) + 1):
        target = Place(name, place.items[:depth])
        with pytest.raises(UsageError, match="cannot be copied onto itself"):
            plan_copy(reader, [place], reader, target, CopyOptions(on_existing=OnExisting.OVERWRITE))


def test_an_item_shared_into_the_target_is_the_same_item_and_is_left_alone(servers, make_site):
    site = make_site()
    twin = site.add_project("TWIN")
    subject, session = next(iter(site.subjects.values())), next(iter(site.experiments.values()))
    site.share(subject, "TWIN")
    site.share(session, "TWIN")
    pair = servers(site, Site())
    reader = Reader(pair.connections["lab"])
    target = Place(
        "lab", (next(i for i in reader.below(Place("lab"), Kind.PROJECT).items if i.key == "TWIN"),)
    )
    options = CopyOptions(on_existing=OnExisting.OVERWRITE)
    plan = plan_copy(reader, [pair.place("P")], reader, target, options)
    alone = {step.path: step.reason for step in plan.steps if step.action is Action.SKIP}
    assert alone["subjects/S1"] == alone["subjects/S1/experiments/E1"]
    assert alone["subjects/S1"] == "the same item, shared into that project"
    assert {step.kind for step in plan.steps if step.writes} <= {Kind.PROJECT}
    assert twin.subjects == {}
