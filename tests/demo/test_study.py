import gzip
import hashlib
import struct
from collections.abc import Iterator
from io import BytesIO

import pydicom
import pytest

from xnat_tui.demo.archive import Assessor, Experiment, FileEntry, Item, Resource
from xnat_tui.demo.rights import can_read, reads_project, sees_project
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.demo.study.legacy import ODD_NAMES

Files = dict[str, tuple[Resource, FileEntry]]


@pytest.fixture(scope="module")
def source() -> Site:
    return source_site()


@pytest.fixture(scope="module")
def destination() -> Site:
    return destination_site()


def resources(item: Item) -> Iterator[tuple[str, Resource]]:
    for side in ("in_resources", "out_resources", "resources"):
        for number, one in enumerate(getattr(item, side, ())):
            yield f"{side.removesuffix('resources')}{one.label or number}", one


def items(site: Site, project_id: str) -> Iterator[tuple[str, Item]]:
    project = site.projects[project_id]
    yield "project", project
    for subject in project.subjects.values():
        yield subject.label, subject
        for session in subject.experiments.values():
            yield session.label, session
            for group in (session.scans, session.assessors, session.reconstructions):
                for key, one in group.items():
                    yield f"{session.label}/{one.label or key}", one


def files(site: Site, project_id: str = "BRAINS") -> Files:
    return {
        f"{name} {label} {path}": (resource, entry)
        for name, item in items(site, project_id)
        for label, resource in resources(item)
        for path, entry in resource.files.items()
    }


def session(site: Site, label: str, project_id: str = "BRAINS") -> Experiment:
    found = site.experiment(label, project_id)
    assert isinstance(found, Experiment)
    return found


def assessor(site: Site, label: str, project_id: str = "BRAINS") -> Assessor:
    found = site.experiment(label, project_id)
    assert isinstance(found, Assessor)
    return found


def data_of(entry: FileEntry) -> bytes:
    return b"".join(entry.data.chunks())


@pytest.mark.parametrize("project_id", ["BRAINS", "TEACHING", "PHANTOMS", "VAULT"])
def test_source_catalogs_record_true_sizes_digests_and_counts(source: Site, project_id: str) -> None:
    found = files(source, project_id).values()
    assert found
    for resource, entry in found:
        data = data_of(entry)
        assert entry.size == len(data)
        assert entry.digest == hashlib.md5(data).hexdigest()
        assert resource.file_count == len(resource.files)
        assert resource.file_size == sum(one.data.size for one in resource.files.values())


def test_every_dicom_file_of_the_study_parses_and_belongs_to_its_session(source: Site) -> None:
    checked = 0
    for _, item in items(source, "BRAINS"):
        for scan in item.scans.values() if isinstance(item, Experiment) else ():
            for entry in scan.resources[0].files.values():
                found = pydicom.dcmread(BytesIO(data_of(entry)))
                assert found.StudyInstanceUID == scan.session.fields["UID"]
                assert found.SeriesInstanceUID == scan.fields["UID"]
                assert found.PatientID == scan.session.subject.label
                checked += 1
    assert checked > 350


def test_study_is_small_and_complete(source: Site) -> None:
    everything = [entry for name in source.projects for _, entry in files(source, name).values()]
    assert len(everything) <= 1500
    assert sum(entry.data.size for entry in everything) <= 30_000_000
    types = {one.xsi_type for one in source.experiments.values()}
    assert types >= {f"xnat:{kind}SessionData" for kind in ("mr", "ct", "pet", "petmr", "us", "otherDicom")}
    assert len(source.projects["BRAINS"].subjects) == 11
    assert len(source.experiments) >= 20
    assert sum(len(one.scans) for one in source.experiments.values()) >= 80


def test_building_twice_gives_the_same_bytes_and_dates(source: Site) -> None:
    again = source_site()
    mine, other = files(source), files(again)
    assert {path: entry.digest for path, (_, entry) in mine.items()} == {
        path: entry.digest for path, (_, entry) in other.items()
    }
    assert [one.insert_date for one in source.experiments.values()] == [
        one.insert_date for one in again.experiments.values()
    ]


def test_sites_of_one_process_do_not_share_changes(source: Site) -> None:
    changed = source_site()
    session(changed, "SUB-001_MR1").fields["note"] = "changed"
    changed.subjects[next(iter(changed.subjects))].fields["gender"] = "other"
    assert session(source, "SUB-001_MR1").fields["note"] != "changed"
    assert next(iter(source.subjects.values())).fields["gender"] == "female"


def test_options_reach_the_site() -> None:
    site = source_site(version="1.7.6", settings=Settings(site_id="OLD", context_path="/xnat"))
    assert (site.version, site.settings.context_path) == ("1.7.6", "/xnat")
    assert next(iter(site.subjects)).startswith("OLD_S")


def test_brains_differ_in_exactly_the_files_that_are_named(source: Site, destination: Site) -> None:
    left, right = files(source), files(destination)
    lost = ("SUB-004", "SUB-008", "sub-008", "SUB-003", "SUB-012_MR1/SUB-012_MR1_ROI")
    parts = (
        "SUB-002_PT1",
        "SUB-002_MR1/4 ",
        "SUB-002_MR1/SUB-002_MR1_QC",
        "SUB-002_MR1/3 NIFTI",
        "SUB-005_PETMR1/pet_in_mr",
        "SUB-007_MR1/7 ",
        "SUB-007_MR1 QA",
        "project protocol",
    )
    single = {path for path in left.keys() ^ right.keys() if not path.startswith(lost + parts)}
    assert single == {
        "SUB-002_MR1/3 DICOM IM0007.dcm",
        "SUB-002_MR1/3 DICOM IM0008.dcm",
        "SUB-009_MR2/6 DICOM IM0007.dcm",
        "project tables derived/2024/volumes.csv",
    }
    for start in lost + parts:
        here = [path for path in left if path.startswith(start)]
        there = [path for path in right if path.startswith(start)]
        assert bool(here) != bool(there), start
    other = {path for path in left.keys() & right.keys() if left[path][1].data.md5 != right[path][1].data.md5}
    assert other == {
        "SUB-009_MR1/2 DICOM IM0003.dcm",
        "SUB-009_MR1 logs notes.txt",
        "SUB-011 questionnaires moca.csv",
    }
    same_size = {path for path in other if left[path][1].size == right[path][1].size}
    assert same_size == other - {"SUB-009_MR1 logs notes.txt"}


def test_label_that_differs_by_case_only(source: Site, destination: Site) -> None:
    assert source.subject("SUB-008", "BRAINS") is not None
    assert source.subject("sub-008", "BRAINS") is None
    assert destination.subject("sub-008", "BRAINS") is not None
    assert destination.subject("SUB-008", "BRAINS") is None
    assert session(destination, "sub-008_MR1").subject.label == "sub-008"


def test_destination_records_less_than_it_has(source: Site, destination: Site) -> None:
    one = session(destination, "SUB-009_MR1")
    assert {entry.digest for entry in one.scans["3"].resources[0].files.values()} == {""}
    assert one.scans["4"].resources[0].file_count is None
    assert one.scans["4"].resources[0].file_size is None
    stale = session(destination, "SUB-009_MR2").scans["2"].resources[0]
    assert stale.file_count == 4 != len(stale.files)
    untouched = session(source, "SUB-009_MR1")
    assert all(entry.digest for entry in untouched.scans["3"].resources[0].files.values())
    assert untouched.scans["4"].resources[0].file_count == 6


def test_changed_fields_are_exactly_the_named_ones(source: Site, destination: Site) -> None:
    right = dict(items(destination, "BRAINS"))
    changed = set()
    for name, item in items(source, "BRAINS"):
        twin = right.get(name)
        if twin is None:
            continue
        for kind in ("fields", "variables"):
            here, there = getattr(item, kind), getattr(twin, kind)
            for key in here.keys() | there.keys():
                if here.get(key) != there.get(key):
                    changed.add((name, key))
    assert changed == {
        ("project", "funding"),
        ("SUB-011", "handedness"),
        ("SUB-011", "weight"),
        ("SUB-011", "education"),
        ("SUB-011", "cohort"),
        ("SUB-011", "medication"),
        ("SUB-011_MR1", "date"),
        ("SUB-011_MR1", "note"),
        ("SUB-011_MR1", "rater"),
        ("SUB-011_MR1/2", "quality"),
        ("SUB-011_MR1/2", "note"),
        ("SUB-011_MR1/6", "parameters/te"),
        ("SUB-011_PT1", "tracer/dose"),
        ("SUB-011_PT1/SUB-011_PT1_QC", "pass"),
        ("SUB-002_MR1/3", "frames"),
    }
    assert float(source.subject("SUB-011", "BRAINS").fields["weight"]) == 61.25


def test_scan_types_that_differ_or_are_wrong(source: Site, destination: Site) -> None:
    assert session(source, "SUB-005_PETMR1").scans["3"].xsi_type == "xnat:petScanData"
    assert session(destination, "SUB-005_PETMR1").scans["3"].xsi_type == "xnat:mrScanData"
    wrong = session(source, "SUB-012_MR1").scans["6"]
    assert (wrong.xsi_type, wrong.fields["modality"]) == ("xnat:otherDicomScanData", "MR")


def test_destination_lacks_a_type_that_the_source_uses(source: Site, destination: Site) -> None:
    collection = assessor(source, "SUB-012_MR1_ROI")
    assert source.types.get(collection.xsi_type) is not None
    assert destination.types.get(collection.xsi_type) is None
    known = {one.name for one in destination.types}
    used = [*destination.experiments.values(), *destination.assessors.values()]
    assert {one.xsi_type for one in used} <= known


def test_assessors_and_reconstructions_have_in_and_out_resources(source: Site) -> None:
    surfaces = assessor(source, "SUB-001_MR1_FS")
    assert surfaces.in_resources
    assert surfaces.out_resources
    assert surfaces.resources
    mean = session(source, "SUB-001_MR1").reconstructions["mean_dwi"]
    assert mean.in_resources
    assert mean.out_resources


def test_dicom_ages_in_years_months_and_weeks(source: Site) -> None:
    ages = {}
    for label in ("SUB-004_CT1", "SUB-006_US1", "SUB-007_MR1"):
        entry = session(source, label).scans["1"].resources[0].files["IM0001.dcm"]
        ages[label] = pydicom.dcmread(BytesIO(data_of(entry))).PatientAge
    assert ages == {"SUB-004_CT1": "034Y", "SUB-006_US1": "030W", "SUB-007_MR1": "018M"}


def test_headers_of_a_subject_disagree_where_promised(source: Site) -> None:
    found = {}
    for label in ("SUB-011_MR1", "SUB-011_PT1", "SUB-012_MR1", "SUB-012_OT1"):
        scan = next(iter(session(source, label).scans.values()))
        header = pydicom.dcmread(BytesIO(data_of(scan.resources[0].files["IM0001.dcm"])))
        found[label] = (header.PatientBirthDate, header.PatientSex, float(header.PatientWeight))
    assert found == {
        "SUB-011_MR1": ("19660214", "F", 70),
        "SUB-011_PT1": ("19660412", "F", 70),
        "SUB-012_MR1": ("19850530", "M", 70),
        "SUB-012_OT1": ("19850530", "F", 850),
    }


def test_nifti_volume_is_a_valid_single_file_image_with_a_sidecar(source: Site) -> None:
    scan = session(source, "SUB-001_MR1").scans["2"]
    volume = next(one for one in scan.resources if one.label == "NIFTI")
    stem = "SUB-001_MR1_2_t1_mprage_sag_p2_iso"
    assert list(volume.files) == [f"{stem}.nii.gz", f"{stem}.json"]
    data = gzip.decompress(data_of(volume.files[f"{stem}.nii.gz"]))
    size, dimensions = struct.unpack_from("<i", data)[0], struct.unpack_from("<8h", data, 40)
    assert (size, data[344:348]) == (348, b"n+1\0")
    assert dimensions == (3, 80, 80, 10, 1, 1, 1, 1)
    assert len(data) == 352 + 80 * 80 * 10 * 2


def test_diffusion_has_a_volume_for_each_direction(source: Site) -> None:
    scan = session(source, "SUB-001_MR1").scans["4"]
    files = next(one for one in scan.resources if one.label == "NIFTI").files
    [volume] = [data_of(entry) for path, entry in files.items() if path.endswith(".nii.gz")]
    [values] = [data_of(entry) for path, entry in files.items() if path.endswith(".bval")]
    assert struct.unpack_from("<5h", gzip.decompress(volume), 40)[4] == len(values.split()) == 6


def test_snapshots_are_gifs_with_a_thumbnail(source: Site) -> None:
    scan = session(source, "SUB-001_MR1").scans["2"]
    snapshots = next(one for one in scan.resources if one.label == "SNAPSHOTS")
    widths = {}
    for entry in snapshots.files.values():
        data = data_of(entry)
        assert data.startswith(b"GIF89a")
        assert data.endswith(b"\0;")
        widths[entry.content] = struct.unpack_from("<H", data, 6)[0]
    assert widths == {"ORIGINAL": 80, "THUMBNAIL": 40}


def test_legacy_labels_and_file_names_are_odd_as_promised(source: Site, destination: Site) -> None:
    labels = {one.label for one in source.projects["LEGACY"].subjects.values()}
    assert labels == {"007", "-a--b_C-", "S.01", "Old Subject"}
    assert "Old Subject" not in {one.label for one in destination.projects["LEGACY"].subjects.values()}
    odd = session(source, "007_MR", "LEGACY").resources[0]
    assert (odd.label, tuple(odd.files)) == ("odd names", ODD_NAMES)
    assert len(ODD_NAMES[-1]) == 255


@pytest.mark.parametrize("site_name", ["source", "destination"])
def test_legacy_catalogs_lie_as_promised(site_name: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(site_name)
    one = session(site, "-a--b_C-_MR", "LEGACY")
    assert [resource.label for resource in one.resources] == ["MISC", "MISC", ""]
    assert len({resource.id for resource in one.resources}) == 3
    images = one.scans["2"].resources[0]
    assert images.files["IM0002.dcm"].missing_on_disk
    assert images.files["IM0003.dcm"].digest != images.files["IM0003.dcm"].data.md5
    assert [entry.path for entry in images.stray] == ["IM0004.dcm"]
    assert "IM0004.dcm" not in images.files
    twice = session(site, "S.01_2003.05", "LEGACY").scans.values()
    assert [scan.id for scan in twice] == ["1", "2", "2", "MR-6_b"]


def test_sharing_gives_items_labels_of_their_own(source: Site, destination: Site) -> None:
    assert source.subject("T-01", "TEACHING") is source.subject("SUB-001", "BRAINS")
    assert source.experiment("T-01_MR", "TEACHING") is session(source, "SUB-001_MR1")
    assert source.experiment("T-01_MR_FS", "TEACHING") is assessor(source, "SUB-001_MR1_FS")
    assert source.experiment("SUB-002_MR1", "TEACHING") is session(source, "SUB-002_MR1")
    assert destination.subject("QC-002", "BRAINS_QC") is destination.subject("SUB-002", "BRAINS")
    assert destination.experiment("QC-002_MR1", "BRAINS_QC") is session(destination, "SUB-002_MR1")


def test_users_see_what_their_role_allows(source: Site, destination: Site) -> None:
    demo, reader, outsider = (source.users[name] for name in ("demo", "reader", "outsider"))
    projects = source.projects
    assert {one.id for one in projects.values() if sees_project(demo, one)} == set(projects) - {"VAULT"}
    assert not reads_project(demo, projects["PHANTOMS"])
    assert {one.id for one in projects.values() if reads_project(outsider, one)} == {"TEACHING"}
    assert can_read(source, reader, session(source, "SUB-001_MR1"))
    assert projects["BRAINS"].users == {"demo": "owner", "member": "member", "reader": "collaborator"}
    assert not projects["EMPTY"].subjects
    assert destination.projects["ATLAS_2019"].users["demo"] == "collaborator"
    assert source.users["admin"].admin
    assert source.users["expired"].password_expired
    assert not source.users["disabled"].enabled


def test_a_destination_title_collides_with_a_source_project(source: Site, destination: Site) -> None:
    assert destination.projects["ATLAS_2019"].fields["name"] in source.projects


def test_stuck_autoruns_belong_to_two_users(source: Site) -> None:
    mine = source.open_workflow(session(source, "SUB-002_MR1").id)
    theirs = source.open_workflow(session(source, "SUB-012_MR1").id)
    assert mine is not None
    assert theirs is not None
    assert (mine.pipeline_name, mine.status, mine.create_user) == ("xnat_tools/AutoRun.xml", "Queued", "demo")
    assert (theirs.status, theirs.create_user) == ("Queued", "member")
    assert source.open_workflow(session(source, "SUB-001_MR1").id) is None
    statuses = {one.status for one in source.workflows.values()}
    assert statuses == {"Complete", "Queued", "Running", "Failed", "Failed (Dismissed)"}


def test_prearchive_has_every_status_and_an_unassigned_session(source: Site) -> None:
    statuses = {row.status for row in source.prearchive}
    plain = "RECEIVING RECEIVING_INTERRUPT BUILDING READY ARCHIVING CONFLICT ERROR MOVING DELETING SEPARATING"
    queued = {f"QUEUED_{name}" for name in ("BUILDING", "ARCHIVING", "MOVING", "DELETING", "SEPARATING")}
    assert statuses == {*plain.split(), "_ARCHIVING", *queued}
    assert len({row.url for row in source.prearchive}) == len(source.prearchive)
    assert "/prearchive/projects/Unassigned/" in "".join(row.url for row in source.prearchive)


def test_prearchive_conflict_repeats_an_archived_session_with_another_third_scan(source: Site) -> None:
    row = next(one for one in source.prearchive if one.status == "CONFLICT")
    archived = session(source, row.name)
    assert row.tag == archived.fields["UID"]
    for scan_id, alike in (("1", True), ("2", True), ("3", False)):
        incoming = row.scans[scan_id].resources["DICOM"]["IM0001.dcm"].md5
        assert (incoming == archived.scans[scan_id].resources[0].files["IM0001.dcm"].digest) is alike


def test_ready_prearchive_sessions_hold_dicom_of_their_subject(source: Site) -> None:
    ready = [one for one in source.prearchive if one.status == "READY"]
    assert [len(row.scans) for row in ready if row.scans]
    for row in ready:
        for scan in row.scans.values():
            for content in scan.resources["DICOM"].values():
                found = pydicom.dcmread(BytesIO(b"".join(content.chunks())))
                assert (found.StudyInstanceUID, found.PatientID) == (row.tag, row.subject)
                assert found.SeriesInstanceUID == scan.uid


def test_custom_variables_stand_at_project_subject_and_session(source: Site) -> None:
    assert source.projects["BRAINS"].variables["ethics"] == "2019/123-ek"
    subject = source.subject("SUB-001", "BRAINS")
    assert subject is not None
    assert subject.variables["site"] == "leipzig"
    assert subject.custom_fields["visits"] == 2
    assert session(source, "SUB-001_MR1").variables == {"rater": "jd"}


def test_synthetic_sites_have_the_shape_asked_for_and_agree_with_each_other() -> None:
    first, second = (
        synthetic_site(5, 2, 3, files_per_resource=4, file_size=1000, version="1.9.3") for _ in range(2)
    )
    project = first.projects["BIG"]
    sessions = list(first.experiments.values())
    assert (len(project.subjects), len(sessions), first.version) == (5, 10, "1.9.3")
    assert sessions[0].label == "S00001_MR1"
    images = sessions[-1].scans["3"].resources[0]
    assert (images.file_count, images.file_size) == (4, 4000)
    assert {entry.digest for entry in images.files.values()} == {
        hashlib.md5(data_of(entry)).hexdigest() for entry in images.files.values()
    }
    twins = files(second, "BIG")
    assert {path: entry.digest for path, (_, entry) in files(first, "BIG").items()} == {
        path: entry.digest for path, (_, entry) in twins.items()
    }


def test_synthetic_site_without_digests_leaves_catalogs_blank() -> None:
    site = synthetic_site(1, 1, 1, digests=False)
    assert [entry.digest for _, entry in files(site, "BIG").values()] == [""]


def test_synthetic_site_of_subjects_only_has_nothing_below_them() -> None:
    site = synthetic_site(3000)
    assert len(site.projects["BIG"].subjects) == 3000
    assert not site.experiments
