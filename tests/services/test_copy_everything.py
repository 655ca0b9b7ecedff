"""Something in every place that XNAT has: copied in every mode, compared in the server's own memory."""

from __future__ import annotations

import pytest

from xnat_tui.demo.archive import Derived, FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.site import Site
from xnat_tui.model.options import CopyOptions, Mode, OnExisting
from xnat_tui.model.transfer import Evidence

PLUGINS = ("icr:roiCollectionData", "fs:fsData")
TEXT = "n & <m> \"x\" 'y' é\nsecond line"


def _add(site, holder, label, files, **attributes):
    """A resource; a file's own format, content and tags may differ from its resource's."""
    resource = site.new_resource(label, **attributes)
    for path, (data, own) in files.items():
        content = BytesContent(data)
        kept = {name: own.get(name, getattr(resource, name)) for name in ("format", "content", "tags")}
        resource.add(FileEntry(path, content, content.md5, content.size, **kept))
    resource.populate_stats()
    holder.append(resource)


def _plain(**files):
    return {name.replace("__", "/").replace("_", "."): (data, {}) for name, data in files.items()}


def _project(site):
    project = site.add_project(
        "RICH",
        fields={"name": "A rich title", "description": TEXT, "keywords": "one two", "type": "study"}
        | {"pi_firstname": "Ada", "pi_lastname": "O'Hara", "secondary_ID": "RICH2", "alias": "RICHER"},
        variables={"funding": 'DFG & "x"'},
        custom_fields={"a": {"b": [1, 2, {"c": "ü"}]}, "none": None},
    )
    project.settings.update({"prearchive_code": "5", "quarantine_code": "0", "autorun": "false"})
    files = _plain(a_txt=b"A", sub__b_txt=b"B")
    attributes = {"format": "TXT", "content": "doc", "tags": ("t1", "t 2"), "description": "protocol, v1"}
    _add(site, project.resources, "protocol", files, **attributes)
    _add(site, project.resources, "nothing", {}, format="NONE", description="nothing in it")
    return project


def _subject(site, project):
    subject = site.add_subject(
        project,
        "S1",
        fields={"gender": "female", "dob": "1970-02-03", "handedness": "left", "education": "12"}
        | {"educationDesc": "school", "race": "r", "ethnicity": "e & f", "ses": "3", "employment": "2"}
        | {"height": "170.5", "height/units": "cm", "weight": "61.25", "weight/units": "kg"}
        | {"gestational_age": "40.0", "birth_weight": "3.2", "group": "control", "src": "external"},
        variables={"cohort": "A<B", "long": "x" * 3000},
        custom_fields={"form": {"q1": True, "q2": 1.5, "q3": 'a"b'}},
    )
    _add(site, subject.resources, "quest", _plain(q_csv=b"1,2"), format="CSV", tags=("x",))
    return subject


def _session(site, subject):
    session = site.add_experiment(
        subject,
        "S1_MR",
        fields={"date": "2020-01-02", "time": "10:11:12", "note": TEXT, "UID": "1.2.3", "modality": "MR"}
        | {"scanner": "Skyra", "scanner/manufacturer": "SIEMENS", "operator": "op", "visit_id": "v1"}
        | {"validation/status": "ok", "validation/notes": "fine", "pi_firstname": "I", "age": "50"}
        | {"dcmPatientId": "pid", "dcmPatientName": "A^B", "duration": "00:10:00", "fieldStrength": "3.0"},
        variables={"rater": "me"},
        custom_fields={"deep": [{"x": 1}]},
    )
    files: dict[str, tuple[bytes, dict[str, str]]] = {
        ".hidden": (b"h", {}),
        "empty": (b"", {}),
        "a b#c.log": (b"log", {}),
    }
    _add(site, session.resources, "logs", files, content="log", tags=("a", "b"), description="logs")
    types = ("xnat:mrScanData", "xnat:mrScanData", "xnat:srScanData", "xnat:scScanData")
    for number, (name, xsi_type) in enumerate(zip(("1", "2", "3-MR1", "SC-99"), types, strict=True)):
        scan = site.add_scan(
            session,
            name,
            xsi_type=xsi_type,
            fields={"type": "T2 weird/type, x", "quality": "questionable", "note": TEXT, "frames": "3"}
            | {"UID": f"1.2.3.{number}", "series_description": "s", "condition": "c", "documentation": "d"}
            | {"parameters/tr": "2300.0", "parameters/voxelRes/x": "1.0", "parameters/voxelRes/units": "mm"},
            custom_fields={"scanform": {"k": number}},
        )
        images = _plain(a_dcm=b"one%d" % number, b_dcm=b"two")
        _add(site, scan.resources, "DICOM", images, format="DICOM", content="RAW", description="images")
        own = {"format": "NIFTI", "content": "volume", "tags": ("file tag",)}
        volumes = {"a.nii.gz": (b"n%d" % number, own), "a.json": (b"{}", {"format": "JSON"})}
        _add(site, scan.resources, "NIFTI", volumes, format="NIFTI")
    return session


def _derived(site, session):
    rating = site.add_assessor(
        session,
        "S1_MR_QC",
        "xnat:qcManualAssessorData",
        fields={"date": "2020-01-03", "scans/scan/imageScan_ID": "3-MR1", "comments": TEXT, "pass": "1"},
        variables={"av": "1"},
        custom_fields={"af": {"z": 1}},
    )
    site.add_assessor(session, "A_FS", "fs:fsData", fields={"assessor_ID": rating.id, "measures/ICV": "1.5"})
    roi = {"subjectID": session.subject.id, "collectionType": "AIM", "UUID": "u"}
    site.add_assessor(session, "S1_ROI", "icr:roiCollectionData", fields=roi)
    fields = {"type": "mean", "baseScanType": "T1", "inScans/scanID": "1"}
    made = site.add_reconstruction(session, "mean_1", fields=fields)
    for one in (rating, made):
        _add(site, one.out_resources, "R", _plain(r_json=b"out"), format="JSON", tags=("t",))
        _add(site, one.in_resources, "R", _plain(r_json=b"in"), format="JSON", description="input")
    _add(site, rating.resources, "OWN", _plain(sub__o_csv=b"own"), format="CSV", content="own")


def rich_site():
    site = Site(plugin_types=PLUGINS)
    project = _project(site)
    subject = _subject(site, project)
    _derived(site, _session(site, subject))
    other = site.add_subject(project, "S2", fields={"yob": "1980", "gender": "M"})
    answers = site.add_experiment(
        other, "S2_VARS", "xnat:subjectVariablesData", fields={"date": "2021-01-01"}
    )
    answers.variables["x"] = "1"
    _add(site, answers.resources, "R", _plain(r_json=b"r"), format="JSON")
    site.add_subject(project, "S3", fields={"age": "44"})
    return site


def _resources(resources):
    return {
        (one.label, one.format, one.content, one.tags, one.description): {
            path: (b"".join(entry.data.chunks()), entry.format, entry.content, entry.tags)
            for path, entry in one.files.items()
        }
        for one in resources
    }


def everything(site, project_id):
    """All that a site holds of a project, accession IDs replaced by labels."""
    stores = (site.subjects, site.experiments, site.assessors)
    labels = {item.id: item.label for store in stores for item in store.values()}
    project = site.projects[project_id]
    found: dict[str, tuple] = {"project settings": (project.accessibility, dict(project.settings))}

    def keep(path, item):
        fields = {name: labels.get(value, value) for name, value in item.fields.items()}
        sides = (item.in_resources, item.out_resources) if isinstance(item, Derived) else ()
        files = [_resources(resources) for resources in (item.resources, *sides)]
        found[path] = (item.xsi_type, fields, dict(item.variables), dict(item.custom_fields), files)

    keep("", project)
    for subject in project.subjects.values():
        keep(subject.label, subject)
        for session in subject.experiments.values():
            keep(session.label, session)
            for kind in ("scans", "assessors", "reconstructions"):
                for item in getattr(session, kind).values():
                    keep(f"{session.label}/{kind}/{item.label or item.id}", item)
    return found


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.ZIP, Mode.FILE])
def test_everything_of_everything_arrives(servers, mode):
    source = rich_site()
    pair = servers(source, Site(plugin_types=PLUGINS))
    for _ in range(7):  # so that no accession ID is the same on both by chance
        pair.target.site.accession("S")
        pair.target.site.accession("E")
    result = pair.copy("RICH", project="RICH", options=CopyOptions(mode=mode))
    assert result.failures == []
    assert everything(pair.target.site, "RICH") == everything(source, "RICH")
    assert result.evidence == Evidence(digest=28)


def test_really_deflated_zips_bring_everything(servers):
    source = rich_site()
    source.settings.zip_level = -1
    pair = servers(source, Site(plugin_types=PLUGINS))
    result = pair.copy("RICH", project="RICH", options=CopyOptions(mode=Mode.ZIP))
    assert result.failures == []
    assert everything(pair.target.site, "RICH") == everything(source, "RICH")
    assert result.evidence == Evidence(digest=28)


def test_a_session_alone_brings_everything_too(servers):
    """Its document is read in place of the project's lists."""
    source = rich_site()
    pair = servers(source, Site(plugin_types=PLUGINS))
    assert pair.copy("RICH/S1/S1_MR", project="RICH").failures == []
    expected, found = everything(source, "RICH"), everything(pair.target.site, "RICH")
    inside = [path for path in expected if path.startswith("S1_MR")]
    assert len(inside) == 9
    assert {path: found.get(path) for path in inside} == {path: expected[path] for path in inside}


def test_under_another_id_only_the_aliases_stay_behind(servers):
    source = rich_site()
    pair = servers(source, Site(plugin_types=PLUGINS))
    assert pair.copy("RICH").failures == []
    del source.projects["RICH"].fields["alias"]
    assert everything(pair.target.site, "NEW") == everything(source, "RICH")


def test_every_write_was_on_the_plan(servers):
    pair = servers(rich_site(), Site(plugin_types=PLUGINS))
    plan = pair.plan("RICH")
    assert pair.run(plan).failures == []
    planned = tuple(step.target.uri for step in plan.steps if step.writes)
    written = [entry.path for entry in pair.target.requests if entry.method in ("PUT", "POST", "DELETE")]
    below = {
        path.replace("/xapi/custom-fields/", "/data/").replace("/xapi/pipelines/autoRun", "/data")
        for path in written
    }
    strangers = {path for path in below if not path.startswith(planned)}
    assert strangers == {"/data/services/auth"}
    assert len(written) > 30


def test_metadata_mode_brings_every_field_and_no_file(servers):
    source = rich_site()
    pair = servers(source, Site(plugin_types=PLUGINS))
    assert pair.copy("RICH", project="RICH", options=CopyOptions(mode=Mode.METADATA)).failures == []
    expected, found = everything(source, "RICH"), everything(pair.target.site, "RICH")
    assert {path: facts[:4] for path, facts in found.items()} == {
        path: facts[:4] for path, facts in expected.items()
    }
    assert pair.source.requests.count("GET", "/data/experiments") > 0
    assert not [entry for entry in pair.source.requests if "/files" in entry.path]


@pytest.mark.parametrize("whole", ["RICH", "RICH/S1", "RICH/S1/S1_MR"])
def test_answers_of_custom_forms_that_differ_are_found_and_brought(servers, whole):
    source = rich_site()
    pair = servers(source, Site(plugin_types=PLUGINS))
    assert pair.copy("RICH", project="RICH").failures == []
    session = next(one for one in source.experiments.values() if one.label == "S1_MR")
    changed = [
        session.scans["1"],
        session.assessor("S1_MR_QC"),
        session,
        session.subject,
        source.projects["RICH"],
    ]
    for item in changed[: 3 + 2 - whole.count("/")]:
        item.custom_fields["later"] = {"of": item.label or item.id}
    options = CopyOptions(on_existing=OnExisting.UPDATE)
    plan = pair.plan(whole, project="RICH", options=options)
    writing = [(step.kind, step.reason) for step in plan.steps if step.writes]
    assert sorted(writing) == sorted(
        (kind, "custom forms")
        for kind in ["scan", "assessor", "experiment", "subject", "project"][: 5 - whole.count("/")]
    )
    assert pair.run(plan).failures == []
    assert everything(pair.target.site, "RICH") == everything(source, "RICH")
    assert not pair.plan(whole, project="RICH", options=options).writes


def test_attributes_of_a_resource_that_cannot_be_changed_are_named(servers):
    source = rich_site()
    pair = servers(source, Site(plugin_types=PLUGINS))
    assert pair.copy("RICH", project="RICH").failures == []
    session = next(one for one in source.experiments.values() if one.label == "S1_MR")
    session.resources[0].description, session.resources[0].content = "other", "words"
    options = CopyOptions(on_existing=OnExisting.UPDATE)
    plan = pair.plan("RICH/S1/S1_MR", project="RICH", options=options)
    (step,) = [step for step in plan.steps if step.path.endswith("S1_MR/resources/logs")]
    assert step.reason == "the same files; its content, description there cannot be changed"
