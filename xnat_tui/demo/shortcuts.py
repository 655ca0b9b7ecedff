"""The shortcut columns of each list and the schema paths that they stand for."""

from __future__ import annotations

import re

_DEMOGRAPHICS = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/"
_META = {"insert_date": "meta/insert_date", "last_modified": "meta/last_modified"}


def _paths(prefix: str, names: str) -> dict[str, str]:
    return {name: f"{prefix}/{name}" for name in names.split()}


PROJECTS = {
    **_paths("xnat:projectData", "ID secondary_ID name description keywords note"),
    "alias": "xnat:projectData/aliases/alias/alias",
    "pi_firstname": "xnat:projectData/PI/firstname",
    "pi_lastname": "xnat:projectData/PI/lastname",
}
SUBJECTS = {
    **_paths("xnat:subjectData", "project label ID group src"),
    "pi_firstname": "xnat:subjectData/investigator/firstname",
    "pi_lastname": "xnat:subjectData/investigator/lastname",
    **{
        name: _DEMOGRAPHICS + name
        for name in [
            "dob",
            "yob",
            "age",
            "gender",
            "handedness",
            "ses",
            "education",
            "educationDesc",
            "race",
            "ethnicity",
            "weight",
            "height",
            "gestational_age",
            "post_menstrual_age",
            "birth_weight",
        ]
    },
    **{name: f"xnat:subjectData/{path}" for name, path in _META.items()},
    "insert_user": "xnat:subjectData/meta/insert_user",
}
EXPERIMENTS = {
    **_paths("xnat:experimentData", "ID visit_id visit protocol date time note project label"),
    "pi_firstname": "xnat:experimentData/investigator/firstname",
    "pi_lastname": "xnat:experimentData/investigator/lastname",
    **{
        f"validation_{name}": f"xnat:experimentData/validation/{name}"
        for name in ("method", "status", "date", "notes")
    },
    **{name: f"xnat:experimentData/{path}" for name, path in _META.items()},
    "insert_user": "xnat:experimentData/meta/insert_user",
    "xsiType": "xnat:experimentData/extension_item/element_name",
    "subject_ID": "xnat:subjectAssessorData/subject_ID",
    "subject_label": "xnat:subjectData/label",
    "subject_project": "xnat:subjectData/project",
    **_paths(
        "xnat:imageSessionData",
        "scanner operator dcmAccessionNumber dcmPatientId dcmPatientName session_type modality UID",
    ),
    "studyInstanceUID": "xnat:imageSessionData/UID",
    "session_ID": "xnat:imageSessionData/ID",
    "session_label": "xnat:imageSessionData/label",
    "session_project": "xnat:imageSessionData/project",
    **_paths("xnat:mrSessionData", "coil fieldStrength marker stabilization"),
    **{
        f"tracer_{name}": f"xnat:petSessionData/tracer/{name}"
        for name in ("name", "startTime", "dose", "sa", "isotope", "totalmass", "intermediate")
    },
}
SCANS = {
    **_paths(
        "xnat:imageScanData",
        "ID type UID note quality condition series_description documentation scanner modality "
        "frames xnat_imagescandata_id",
    ),
    **{
        f"validation_{name}": f"xnat:imageScanData/validation/{name}"
        for name in ("method", "status", "date", "notes")
    },
    "scanTime": "xnat:imageScanData/startTime",
    **_paths("xnat:mrScanData", "coil fieldStrength marker stabilization"),
    **{name: f"xnat:imageScanData/{path}" for name, path in _META.items()},
    "insert_user": "xnat:imageScanData/meta/insert_user",
    "xsiType": "xnat:imageScanData/extension_item/element_name",
}
RECONSTRUCTIONS = _paths("xnat:reconstructedImageData", "ID type baseScanType xnat_reconstructedimagedata_id")
READ_ONLY = frozenset(
    [
        "insert_date",
        "insert_user",
        "last_modified",
        "xsiType",
        "subject_label",
        "subject_project",
        "session_ID",
        "session_label",
        "session_project",
        "xnat_imagescandata_id",
        "xnat_reconstructedimagedata_id",
    ]
)

DEMOGRAPHICS = frozenset(
    path.removeprefix(_DEMOGRAPHICS) for path in SUBJECTS.values() if path.startswith(_DEMOGRAPHICS)
) | {"employment", "race2", "race3", "race4", "race5", "race6"}
DATE_FIELDS = frozenset(("date", "dob", "meta/insert_date", "meta/last_modified"))
NUMERIC_FIELDS = frozenset(
    [
        "frames",
        "yob",
        "age",
        "education",
        "ses",
        "height",
        "weight",
        "birth_weight",
        "gestational_age",
        "post_menstrual_age",
        "employment",
        "file_count",
        "file_size",
        "dcmpatientweight",
        "fieldstrength_number",
        "parameters/tr",
        "parameters/te",
        "parameters/ti",
        "parameters/flip",
        "parameters/voxelres/x",
        "parameters/voxelres/y",
        "parameters/voxelres/z",
        "parameters/fov/x",
        "parameters/fov/y",
        "parameters/matrix/x",
        "parameters/matrix/y",
        "parameters/partitions",
        "xnat_abstractresource_id",
        "xnat_imagescandata_id",
    ]
)
_ALIASES = {
    "pi/firstname": "pi_firstname",
    "pi/lastname": "pi_lastname",
    "investigator/firstname": "pi_firstname",
    "investigator/lastname": "pi_lastname",
    "aliases/alias/alias": "alias",
    "aliases/alias": "alias",
}
_SPELLINGS = {
    path.split("/", 1)[1].split("]/")[-1].lower(): path.split("/", 1)[1].split("]/")[-1]
    for table in (PROJECTS, SUBJECTS, EXPERIMENTS, SCANS, RECONSTRUCTIONS)
    for path in table.values()
} | {
    name.lower(): name
    for name in [
        "age",
        "scanner/manufacturer",
        "scanner/model",
        "parameters/voxelRes/x",
        "parameters/voxelRes/y",
        "parameters/voxelRes/z",
        "parameters/fov/x",
        "parameters/fov/y",
        "parameters/imageType",
        "parameters/scanSequence",
        "parameters/seqVariant",
        "parameters/acqType",
        "acquisition_site",
        "dcmPatientBirthDate",
        "dcmPatientWeight",
        "startTime",
        "baseScanType",
        "employment",
        "initials",
    ]
}


def field_name(path: str) -> str:
    """The key in ``fields`` for a path below an item's type, whatever case it was written in."""
    bare = re.sub(r"^demographics(\[[^\]]*\])?/", "", path, flags=re.IGNORECASE)
    bare = re.sub(r"\[@?xsi:type=[^\]]*\]", "", bare)
    lowered = bare.lower()
    return _ALIASES.get(lowered) or _SPELLINGS.get(lowered, bare)
