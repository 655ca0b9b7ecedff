"""DICOM headers: from the first bytes of one file, with patient fields masked."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import Answer, ErrorPage
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import BadAnswer, NotFound, ServerError, UsageError
from xnat_tui.services import headers
from xnat_tui.services.headers import HeaderRow, first_header, read_fields, rows
from xnat_tui.services.workspace import Workspace
from xnat_tui.xnat import dicom
from xnat_tui.xnat.streams import CHUNK

SCAN = "lab:BRAINS/SUB-001/SUB-001_MR1/scans/2"
FILE = f"{SCAN}/resources/DICOM/files/IM0003.dcm"
Read = Callable[..., Dataset]


@pytest.fixture
def read(workspace: Workspace) -> Read:
    def header(location: str, **options: object) -> Dataset:
        return first_header(workspace.reader("lab"), workspace.find_one(location), **options)

    return header


def test_a_file_a_scan_and_a_session_have_a_header_without_pixels(read: Read) -> None:
    assert read(FILE).InstanceNumber == 3
    assert read(SCAN).SeriesNumber == 2
    session = read("lab:BRAINS/SUB-001/SUB-001_MR1")
    assert session.PatientID == "SUB-001"
    assert "PixelData" not in session
    assert session.file_meta.TransferSyntaxUID


def test_a_scan_costs_two_requests_once_its_session_is_known(workspace: Workspace) -> None:
    place, reader = workspace.find_one(SCAN), workspace.reader("lab")
    before = reader.connection.requests
    first_header(reader, place)
    assert reader.connection.requests - before == 2


def test_only_the_beginning_of_a_large_file_is_read(
    demo: DemoServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = stored(demo)
    whole = b"".join(entry.data.chunks()) + b"\0" * 50_000_000
    entry.data, entry.size = BytesContent(whole), len(whole)
    fetched: list[int] = []
    parse = dicom._parse
    monkeypatch.setattr(dicom, "_parse", lambda seen, *rest: fetched.append(len(seen)) or parse(seen, *rest))
    assert read(FILE).InstanceNumber == 3
    assert max(fetched) <= dicom.FIRST_BYTES + CHUNK


def test_a_header_longer_than_the_first_bytes_is_read_to_its_end(
    demo: DemoServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom, "FIRST_BYTES", 200)
    assert read(FILE).HighBit == 15
    monkeypatch.setattr(dicom, "LARGEST_HEADER", 300)
    monkeypatch.setattr("xnat_tui.xnat.streams.CHUNK", 100)
    with pytest.raises(BadAnswer, match="No end of the header within 300 bytes"):
        read(FILE)


def stored(demo: DemoServer) -> FileEntry:
    """What the server holds of FILE."""
    (session,) = [one for one in demo.site.experiments.values() if one.label == "SUB-001_MR1"]
    (resource,) = [one for one in session.scans["2"].resources if one.label == "DICOM"]
    return resource.files["IM0003.dcm"]


def test_fields_are_exactly_what_the_file_says(workspace: Workspace) -> None:
    place = workspace.find_one("lab:BRAINS/SUB-007/SUB-007_MR1")
    wanted = ("PatientAge", "PatientSex", "ImageType", "StudyComments")
    assert read_fields(workspace.reader("lab"), place, wanted) == {
        "PatientAge": "018M",
        "PatientSex": "M",
        "ImageType": "ORIGINAL\\PRIMARY",
    }


def test_where_no_file_can_be_read_the_servers_own_dump_is_asked(demo: DemoServer, read: Read) -> None:
    demo.faults.add("GET .*/files/IM", Answer("no image", media_type="application/octet-stream"))
    found = read(SCAN)
    assert (found.PatientID, found.SeriesNumber) == ("SUB-001", 2)
    assert read(SCAN, names=("PatientAge",)).PatientAge == "062Y"
    with pytest.raises(BadAnswer, match="no DICOM file"):
        read(FILE)


def test_a_failing_server_is_no_missing_header(demo: DemoServer, read: Read) -> None:
    demo.faults.add("GET .*/files/IM", ErrorPage(500, "disk gone"))
    with pytest.raises(ServerError, match="disk gone"):
        read(SCAN)


def test_what_has_no_header_is_said(read: Read) -> None:
    with pytest.raises(UsageError):
        read("lab:BRAINS")
    with pytest.raises(BadAnswer):
        read(f"{SCAN}/resources/NIFTI")
    with pytest.raises(NotFound):
        read("lab:BRAINS/SUB-001/SUB-001_MR1/scans/99")


def sample() -> Dataset:
    dataset = Dataset()
    dataset.PatientID = "P-1"
    dataset.PatientBirthDate = ""
    dataset.OperatorsName = "Doe^Jane"
    dataset.Rows = 80
    inner = Dataset()
    inner.CodeValue = "T-A0100"
    inner.RequestingPhysician = "House^G"
    dataset.AnatomicRegionSequence = Sequence([inner])
    dataset.OtherPatientIDsSequence = Sequence([inner])
    dataset.DerivationDescription = "x" * 200
    block = dataset.private_block(0x0019, "VENDOR", create=True)
    block.add_new(0x01, "LO", "born 1970")
    return dataset


def test_patient_fields_are_masked_wherever_they_stand() -> None:
    found = {row.tag: row for row in rows(sample())}
    masked = {tag for tag, row in found.items() if row.masked}
    assert masked == {"(0008,1070)", "(0010,0020)", "(0010,1002)", "(0019,1001)", "(0032,1032)"}
    assert {found[tag].value for tag in masked} == {headers.MASK}
    assert found["(0010,0030)"] == HeaderRow(
        "(0010,0030)", "DA", "Patient's Birth Date", "PatientBirthDate", ""
    )
    assert found["(0008,0100)"].depth == 1
    assert found["(0028,0010)"].value == "80"
    assert found["(0008,2111)"].value.endswith("… (200 characters)")
    texts = " ".join(row.value for row in rows(sample()))
    assert not [secret for secret in ("P-1", "Doe", "House", "1970") if secret in texts]


def test_patient_fields_are_shown_on_request() -> None:
    texts = [row.value for row in rows(sample(), show_patient=True)]
    assert {"P-1", "Doe^Jane", "House^G", "born 1970"} <= set(texts)


def test_values_never_reach_a_warning_or_a_log(
    demo: DemoServer, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Dataset()
    broken.file_meta = FileMetaDataset()
    broken.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    broken.SOPClassUID = broken.SOPInstanceUID = "1.2.3"
    with config.disable_value_validation():
        broken.add_new("PatientAge", "AS", "secretly old")
    body = io.BytesIO()
    broken.save_as(body, enforce_file_format=True)
    stored(demo).data = BytesContent(body.getvalue())
    assert rows(read(FILE), show_patient=True)[-1].value == "secretly old"
    assert "secretly" not in caplog.text
