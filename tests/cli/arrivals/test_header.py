"""`header` and `ohif`, by what they print."""

from __future__ import annotations

import json

SCAN = "lab:BRAINS/SUB-001/SUB-001_MR1/scans/2"
HEADER = """\
TAG          VR  NAME             VALUE
(0008,0060)  CS  Modality         MR
(0010,0010)  PN  Patient's Name   •••
(0010,0020)  LO  Patient ID       •••
(0018,0080)  DS  Repetition Time  2300
"""
TAGS = ("--tag", "Modality", "--tag", "(0010,00[12]0)", "--tag", "repetition*")


def test_a_header_with_patient_fields_masked(program, demo):
    result = program("header", SCAN, *TAGS)
    assert (result.exit_code, result.stdout) == (0, HEADER)
    assert result.stderr == "2 values about the patient are masked; --show-patient shows them.\n"


def test_a_header_with_patient_fields(program, demo):
    file = f"{SCAN}/resources/DICOM/files/IM0003.dcm"
    result = program("header", file, "--tag", "PatientID", "--show-patient", "--json")
    assert json.loads(result.stdout)["items"] == [
        {
            "tag": "(0010,0020)",
            "vr": "LO",
            "name": "Patient ID",
            "keyword": "PatientID",
            "value": "SUB-001",
            "masked": False,
            "depth": 0,
        }
    ]


def test_what_has_no_header(program, demo):
    assert program("header", "lab:BRAINS").exit_code == 2
    told = program("header", f"{SCAN}/resources/NIFTI")
    assert (told.exit_code, told.stderr) == (5, "This is no DICOM file.\n\nhint: Look at another file.\n")
    assert program("header", "lab:BRAINS/SUB-001/SUB-001_MR1/scans/77").exit_code == 5


def test_the_log_holds_no_patient(program, demo):
    program("-vv", "header", SCAN, "--show-patient")
    logs = [file.read_text() for file in program.state.rglob("*.log*")]
    assert logs
    assert not [text for text in logs if "Demo" in text or "19620" in text]


def test_ohif_rebuild(program, demo):
    demo.site.settings.plugins["ohifViewerPlugin"] = {}
    result = program("ohif", "rebuild", "lab:BRAINS/SUB-001/*1", "-y")
    assert (result.exit_code, result.stdout) == (0, "* lab:BRAINS/SUB-001/SUB-001_MR1  rebuild\n")
    assert demo.site.viewer_metadata == {"CENTRAL_E00001"}


def test_ohif_without_the_plugin(program, demo):
    result = program("ohif", "rebuild", "lab:BRAINS", "-y")
    assert result.exit_code == 5
    assert result.stderr.startswith("lab has no OHIF viewer plugin (ohifViewerPlugin).\n")


def test_a_header_before_and_after_with_the_reason(program, demo, tmp_path):
    asked = ("header", SCAN, "--deidentify", "basic+retain-modified-dates", "--key", str(tmp_path / "key"))
    assert program(*asked).exit_code == 2
    made = program(*asked, "--new-key", "--json")
    assert made.exit_code == 0, made.stderr
    items = {one["keyword"]: one for one in json.loads(made.stdout)["items"]}
    assert items["PatientName"]["value"] == "•••"
    assert items["PatientName"]["after"].startswith("ANON-")
    assert items["SOPInstanceUID"]["after"].startswith("2.25.")
    assert items["StudyDate"]["after"] not in (items["StudyDate"]["value"], None, "")
    assert (items["PatientBirthDate"]["after"], items["Modality"]["after"]) == ("", "MR")
    assert items["Modality"]["reason"] == "not in table E.1-1"
    assert items["PatientIdentityRemoved"]["value"] is None
    assert program(*asked, "--json").stdout == made.stdout
    assert "Demo" not in made.stdout


def test_without_a_key_nothing_is_told_that_hangs_on_it(program, demo):
    shown = program("header", SCAN, "--deidentify", "basic", "--tag", "*InstanceUID", "--tag", "PatientID")
    assert shown.exit_code == 0, shown.stderr
    assert "2.25." not in shown.stdout
    assert shown.stdout.count("(by the key)") == 4
    refused = program("header", SCAN, "--deidentify", "basi")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert program("header", SCAN, "--new-key").exit_code == 2
