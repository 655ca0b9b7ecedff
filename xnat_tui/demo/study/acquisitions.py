"""How sessions come about: protocols of scans, and the items, resources and files they leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from xnat_tui.demo import images
from xnat_tui.demo.archive import Experiment, FileEntry, Resource, Scan, Subject
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.images import Series, Study
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import documents

SCAN_TYPES = {
    "ct": "xnat:ctScanData",
    "pet": "xnat:petScanData",
    "us": "xnat:usScanData",
    "capture": "xnat:scScanData",
    "report": "xnat:srScanData",
}
MODALITY_OF_SESSION = {
    "xnat:mrSessionData": "MR",
    "xnat:ctSessionData": "CT",
    "xnat:petSessionData": "PT",
    "xnat:petmrSessionData": "PT",
    "xnat:usSessionData": "US",
    "xnat:otherDicomSessionData": "OT",
}


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A step of a protocol; ``parameters`` are scan fields below ``parameters/``."""

    id: str
    kind: str
    type: str
    description: str
    count: int = 8
    nifti: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)

    def header(self) -> dict[str, str]:
        keywords = {"tr": "RepetitionTime", "te": "EchoTime", "flip": "FlipAngle", "ti": "InversionTime"}
        found = {keywords[name]: value for name, value in self.parameters.items() if name in keywords}
        return {**found, "MagneticFieldStrength": "3"} if found else found


LOCALIZER = Acquisition(
    "1", "localizer", "LOCALIZER", "AAHead_Scout", 3, parameters={"tr": "3.15", "te": "1.37"}
)
T1 = Acquisition(
    "2", "t1", "T1_MPRAGE", "t1_mprage_sag_p2_iso", 10, True,
    {"tr": "2300", "te": "2.98", "ti": "900", "flip": "9"},
)  # fmt: skip
FLAIR = Acquisition(
    "3", "flair", "T2_FLAIR", "t2_space_dark-fluid", 8, True, {"tr": "5000", "te": "387", "ti": "1800"}
)
DWI = Acquisition(
    "4", "dwi", "DWI_64", "ep2d_diff_mddw_64", 6, True, {"tr": "7800", "te": "95", "flip": "90"}
)
BOLD = Acquisition("5", "enhanced", "BOLD_REST", "ep2d_bold_rest", 12, parameters={"tr": "2000", "te": "30"})
T2 = Acquisition("6", "t2", "T2_TSE", "t2_tse_tra", 6, parameters={"tr": "6000", "te": "99", "flip": "150"})
FIELD_MAP = Acquisition(
    "8", "bold", "FIELD_MAP", "gre_field_mapping", 4, parameters={"tr": "488", "te": "7.38"}
)
SCREENSHOT = Acquisition("99", "capture", "SCREENSHOT", "Workstation screenshot", 1)
MR = (LOCALIZER, T1, FLAIR, DWI, BOLD, T2, FIELD_MAP)
MR_SHORT = (LOCALIZER, T1, T2, FIELD_MAP)
PET = (
    Acquisition("1", "ct", "CTAC", "CT attenuation correction", 8),
    Acquisition("2", "pet", "PET_FDG", "FDG brain static", 8),
    Acquisition("3", "pet", "PET_FDG_NAC", "FDG brain static, uncorrected", 6),
)
CT = (
    Acquisition("1", "ct", "TOPOGRAM", "Topogram", 1),
    Acquisition("2", "ct", "CT_HEAD", "Head 5.0 J40s", 12),
    Acquisition("601", "report", "REPORT", "Radiology report", 1),
)
PETMR = (LOCALIZER, replace(T1, nifti=False), Acquisition("3", "pet", "PET_FET", "FET dynamic sum", 8))
US = (Acquisition("1", "us", "CRANIAL_US", "Neonatal head coronal sweep", 6),)
OTHER = (SCREENSHOT, Acquisition("601", "report", "REPORT", "Dose report", 1))


@lru_cache(maxsize=1024)
def _built(series: Series) -> dict[str, BytesContent]:
    return {name: BytesContent(data) for name, data in images.instances(series).items()}


def dicom(study: Study, step: Acquisition) -> Mapping[str, BytesContent]:
    """The files of a scan by name: built once, shared by all sites of the process."""
    return _built(
        Series(study, int(step.id), step.description, step.kind, step.count, parameters=step.header())
    )


@lru_cache(maxsize=256)
def _volume(study: Study, step_id: str, kind: str, count: int) -> BytesContent:
    series = Series(study, int(step_id), "", kind, count)
    pictures = [images.picture(series, number) for number in range(1, count + 1)]
    return documents.nifti(pictures, over_time=kind == "dwi")


def add_files(
    site: Site,
    resources: list[Resource],
    label: str,
    files: Mapping[str, BytesContent],
    **attributes: str,
) -> Resource:
    """A resource with digests and counts recorded; ``attributes`` are format and content."""
    resource = site.new_resource(label, **attributes)
    for path, data in files.items():
        resource.add(
            FileEntry(
                path, data, data.md5, data.size, resource.format, resource.content, modified=site.clock()
            )
        )
    resource.populate_stats()
    resources.append(resource)
    return resource


def add_session(
    site: Site,
    subject: Subject,
    study: Study,
    xsi_type: str,
    protocol: tuple[Acquisition, ...],
    **fields: str,
) -> Experiment:
    """A session labelled as its study, with all scans of a protocol and their files."""
    patient, day = study.patient, study.date
    given = {
        "date": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "time": f"{study.time[:2]}:{study.time[2:4]}:{study.time[4:]}",
        "UID": study.uid,
        "modality": MODALITY_OF_SESSION[xsi_type],
        "scanner": "SCANNER1",
        "scanner/manufacturer": study.manufacturer,
        "scanner/model": study.model,
        "operator": "MTRA 4",
        "acquisition_site": "Demo Institute",
        "dcmPatientId": patient.id,
        "dcmPatientName": patient.name,
    }
    if xsi_type == "xnat:mrSessionData":
        given["fieldStrength"] = "3.0"
    if "pet" in xsi_type:
        given.update({"tracer/name": "FDG", "tracer/dose": "185.5", "tracer/isotope": "F-18"})
    session = site.add_experiment(subject, study.label, xsi_type, fields={**given, **fields})
    for step in protocol:
        add_scan(site, session, study, step)
    site.add_workflow(session, "Transfer")
    return session


def add_scan(site: Site, session: Experiment, study: Study, step: Acquisition) -> Scan:
    series = Series(study, int(step.id), step.description, step.kind, step.count)
    files = dicom(study, step)
    fields = {
        "type": step.type,
        "quality": "usable",
        "series_description": step.description,
        "UID": series.uid,
        "modality": series.modality,
        "frames": str(step.count),
        "startTime": f"{study.time[:2]}:{(int(study.time[2:4]) + int(step.id)) % 60:02d}:{study.time[4:]}",
        "scanner/manufacturer": study.manufacturer,
        "scanner/model": study.model,
    }
    fields.update({f"parameters/{name}": value for name, value in step.parameters.items()})
    if series.modality == "MR":
        fields["parameters/voxelRes/x"] = fields["parameters/voxelRes/y"] = "3.0"
        fields["parameters/voxelRes/z"] = "5.0"
        fields["fieldStrength"] = "3.0"
    xsi_type = SCAN_TYPES.get(step.kind, "xnat:mrScanData")
    scan = site.add_scan(session, step.id, xsi_type=xsi_type, fields=fields)
    secondary = step.kind in ("capture", "report")
    add_files(
        site,
        scan.resources,
        "secondary" if secondary else "DICOM",
        files,
        format="DICOM",
        content="SECONDARY" if secondary else "RAW",
    )
    if step.nifti:
        add_nifti(site, scan, study, step)
    if step.type == "T1_MPRAGE":
        _add_snapshots(site, scan, study, step)
    return scan


def add_nifti(site: Site, scan: Scan, study: Study, step: Acquisition) -> Resource:
    """A converted volume with its sidecar, as dcm2niix names them."""
    stem = f"{study.label}_{step.id}_{step.description}"
    sidecar = {
        "Modality": "MR",
        "MagneticFieldStrength": 3,
        "SeriesDescription": step.description,
        "EchoTime": float(step.parameters.get("te", "0")) / 1000,
        "RepetitionTime": float(step.parameters.get("tr", "0")) / 1000,
        "ConversionSoftware": "dcm2niix",
    }
    files = {
        f"{stem}.nii.gz": _volume(study, step.id, step.kind, step.count),
        f"{stem}.json": documents.as_json(sidecar),
    }
    if step.kind == "dwi":
        files[f"{stem}.bval"] = documents.text("0 1000 1000 1000 1000 1000\n")
        files[f"{stem}.bvec"] = documents.text("0 1 0 0 .7 0\n0 0 1 0 .7 .7\n0 0 0 1 0 .7\n")
    return add_files(site, scan.resources, "NIFTI", files, format="NIFTI", content="T1" if step is T1 else "")


def _add_snapshots(site: Site, scan: Scan, study: Study, step: Acquisition) -> None:
    large, small = _snapshots(Series(study, int(step.id), step.description, step.kind, step.count))
    files = {
        f"{study.label}_{step.id}_qc.gif": large,
        f"{study.label}_{step.id}_qc_t.gif": small,
    }
    resource = add_files(site, scan.resources, "SNAPSHOTS", files, format="GIF", content="ORIGINAL")
    resource.files[f"{study.label}_{step.id}_qc_t.gif"].content = "THUMBNAIL"


@lru_cache(maxsize=256)
def _snapshots(series: Series) -> tuple[BytesContent, BytesContent]:
    """Kept, as volumes and DICOM are: they are half of what building a site takes."""
    middle = images.picture(series, series.count // 2)
    return documents.gif(middle), documents.gif(middle[::2, ::2])
