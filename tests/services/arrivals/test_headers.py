"""DICOM headers: from the first bytes of one file, with patient fields masked."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom import DataElement, config
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import Answer, ErrorPage
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import BadAnswer, NotFound, ServerError, UsageError
from xnat_tui.services.dicom import headers, images
from xnat_tui.services.dicom.headers import HeaderRow, first_header, read_fields, rows
from xnat_tui.services.workspace import Workspace
from xnat_tui.xnat.files import dicom_files
from xnat_tui.xnat.http.streams import CHUNK

SCAN = "lab:BRAINS/SUB-001/SUB-001_MR1/scans/2"
FILE = f"{SCAN}/resources/DICOM/files/IM0003.dcm"
Read = Callable[..., Dataset]


@pytest.fixture
def read(workspace: Workspace) -> Read:
    def header(location: str, **options: Any) -> Dataset:
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


@pytest.mark.parametrize("location", [SCAN, "lab:BRAINS/SUB-001/SUB-001_MR1", f"{SCAN}/resources/DICOM"])
def test_the_files_own_words_are_read_and_never_the_servers_dump(
    location: str, demo: DemoServer, read: Read
) -> None:
    read(location)
    read(location, names=("PatientAge",))
    assert not [one.path for one in demo.requests if "dicomdump" in one.path or "index=" in one.query]
    lists = [one.path for one in demo.requests if one.path.endswith("/files")]
    assert len(lists) == len(set(lists)) == 1


def test_a_large_file_is_not_sent_to_its_end(demo: DemoServer, read: Read) -> None:
    entry = stored(demo)
    whole = b"".join(entry.data.chunks()) + b"\0" * 100_000_000
    taken: list[int] = []

    class Counted(BytesContent):
        def chunks(self) -> Iterator[bytes]:
            for start in range(0, len(whole), 100_000):
                taken.append(start)
                yield whole[start : start + 100_000]

    entry.data, entry.size = Counted(whole), len(whole)
    assert read(FILE).InstanceNumber == 3
    assert max(taken) < 40_000_000  # what sockets hold


def test_only_the_beginning_of_a_large_file_is_read(
    demo: DemoServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = stored(demo)
    whole = b"".join(entry.data.chunks()) + b"\0" * 50_000_000
    entry.data, entry.size = BytesContent(whole), len(whole)
    fetched: list[int] = []
    parse = dicom_files._parse

    def counted(seen: bytes, *rest: Any) -> Any:
        fetched.append(len(seen))
        return parse(seen, *rest)

    monkeypatch.setattr(dicom_files, "_parse", counted)
    assert read(FILE).InstanceNumber == 3
    assert max(fetched) <= dicom_files.FIRST_BYTES + CHUNK


def test_a_header_longer_than_the_first_bytes_is_read_to_its_end(
    demo: DemoServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_files, "FIRST_BYTES", 200)
    assert read(FILE).HighBit == 15
    monkeypatch.setattr(dicom_files, "LARGEST_HEADER", 300)
    monkeypatch.setattr("xnat_tui.xnat.http.streams.CHUNK", 100)
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


@pytest.mark.parametrize(
    "keyword",
    [
        *("PatientName", "PatientID", "PatientBirthDate", "PatientAddress", "OtherPatientIDs", "EthnicGroup"),
        *(
            "PatientComments",
            "ImageComments",
            "StudyComments",
            "AdmissionID",
            "VisitComments",
            "ReasonForStudy",
        ),
        *("ReferringPhysicianTelephoneNumbers", "AccessionNumber", "StudyID", "InstitutionName", "TextValue"),
        *("CommentsOnThePerformedProcedureStep", "OrderCallbackPhoneNumber", "PersonAddress"),
        *("InterpretationText", "PatientInstitutionResidence", "NameOfPhysiciansReadingStudy"),
    ],
)
def test_what_may_name_a_person_is_masked(keyword: str) -> None:
    dataset = Dataset()
    setattr(dataset, keyword, "19700131" if keyword == "PatientBirthDate" else "secret")
    (row,) = rows(dataset)
    assert (row.keyword, row.value, row.masked) == (keyword, headers.MASK, True)


@pytest.mark.parametrize(
    "keyword",
    [
        "StudyDescription",
        "SeriesDate",
        "PatientPosition",
        "ImageOrientationPatient",
        "StationName",
        "ImageType",
    ],
)
def test_what_tells_of_the_examination_is_shown(keyword: str) -> None:
    assert not headers.is_personal(DataElement(keyword, "LO", "1"))


def test_every_masked_keyword_is_one_of_dicom() -> None:
    assert {keyword for keyword in headers._PERSONAL if tag_for_keyword(keyword) is None} == set()


def test_patient_fields_are_shown_on_request() -> None:
    texts = [row.value for row in rows(sample(), show_patient=True)]
    assert {"P-1", "Doe^Jane", "House^G", "born 1970"} <= set(texts)


def encoded(syntax: UID, *, private: int = 0) -> bytes:
    """A file with pixels, and so many bytes of a private element."""
    dataset = sample()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3"
    dataset.Modality = "MR"
    block = dataset.private_block(0x0029, "VENDOR", create=True)
    block.add_new(0x10, "OB", b"\0" * private)
    dataset.BitsAllocated, dataset.PixelData = 16, b"\1" * 8
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


SYNTAXES = [
    pytest.param(ExplicitVRLittleEndian, id="explicit"),
    pytest.param(ImplicitVRLittleEndian, id="implicit"),
    pytest.param(ExplicitVRBigEndian, id="big endian"),
    pytest.param(DeflatedExplicitVRLittleEndian, id="deflated"),
]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_encoding_is_read_and_a_huge_private_element_with_it(
    syntax: UID, demo: DemoServer, read: Read
) -> None:
    for private in (10, 3_000_000):
        stored(demo).data = BytesContent(encoded(syntax, private=private))
        header = read(FILE)
        assert (header.Modality, "PixelData" in header) == ("MR", False)
        (row,) = [row for row in rows(header, show_patient=True) if row.tag == "(0029,1010)"]
        assert row.value == f"{private} bytes"


@pytest.mark.parametrize("syntax", SYNTAXES[:2])
def test_a_file_without_a_preamble_is_read(syntax: UID, demo: DemoServer, read: Read) -> None:
    whole = encoded(syntax)
    stored(demo).data = BytesContent(whole[132:])
    assert read(FILE).Modality == "MR"
    stored(demo).data = BytesContent(whole[whole.index(b"\x08\x00\x16\x00") :])
    assert read(FILE).Modality == "MR"


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_cut_short_or_damaged_anywhere_is_read_or_said_to_be_damaged(
    syntax: UID, demo: DemoServer, read: Read
) -> None:
    whole = encoded(syntax)
    damaged = [whole[:length] for length in range(0, len(whole), 23)]
    damaged += [whole[:at] + b"\x55\xaa" + whole[at + 2 :] for at in range(140, len(whole), 17)]
    told = set()
    for content in damaged:
        stored(demo).data = BytesContent(content)
        try:
            rows(read(FILE))
        except BadAnswer as error:
            told.add(error.message)
    assert "This DICOM file is damaged: its header cannot be read." in told


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n" + b"x" * 500, b"<html>Sign in</html>" * 50, b"\0" * 1000, b"\xff" * 1000]
)
def test_what_is_no_dicom_file_is_said(content: bytes, demo: DemoServer, read: Read) -> None:
    stored(demo).data = BytesContent(content)
    with pytest.raises(BadAnswer, match="This is no DICOM file"):
        read(FILE)


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


def deflated(padding: int) -> bytes:
    """A file in Deflated Explicit VR Little Endian whose private element holds so many zeros."""
    header = Dataset()
    header.PatientID, header.SOPClassUID, header.SOPInstanceUID = "P", "1.2.840.10008.5.1.4.1.1.4", "1.2.3"
    header.private_block(0x0099, "PADDING", create=True).add_new(1, "OB", b"\0" * padding)
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with io.BytesIO() as file:
        header.save_as(file, enforce_file_format=True)
        return file.getvalue()


def test_a_deflated_header_is_inflated_only_as_far_as_it_goes(
    demo: DemoServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_files, "LARGEST_HEADER", 5_000_000)
    entry = stored(demo)
    for padding in (1_000_000, 10_000_000):
        whole = deflated(padding)
        entry.data, entry.size = BytesContent(whole), len(whole)
        if padding < dicom_files.LARGEST_HEADER:
            header = read(FILE)
            assert (header.PatientID, header.file_meta.TransferSyntaxUID) == (
                "P",
                DeflatedExplicitVRLittleEndian,
            )
        else:
            with pytest.raises(BadAnswer, match="No end of the header within 5000000 bytes"):
                read(FILE)
            assert read(FILE, names=("PatientID",)).PatientID == "P"


def test_a_picture_that_inflates_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_files, "LARGEST_INFLATED", 5_000_000)
    with pytest.raises(BadAnswer, match="more than 5000000 bytes"):
        images._decode_dicom(deflated(10_000_000), 0)
