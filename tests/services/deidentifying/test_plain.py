"""Files that are no DICOM: their data leave unchanged, their texts do not; what nobody can search stays."""

from __future__ import annotations

import gzip
import io
import tempfile

import pytest

from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.plain import pass_plain
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.proof import Lost

LOST = Lost(frozenset({"Müller^Élodie", "Kim"}), frozenset({"HOSP-4711", "19620315"}))
PLANTED = ("Müller", "Élodie", "Kim", "HOSP-4711", "1962-03-15")
NOTHING = Lost(frozenset(), frozenset())


def sent(name: str, content: bytes, profile: Profile | None = None, lost: Lost = LOST) -> bytes:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(content)  # and stays at its end
        pass_plain(source, target, name, profile or Profile(), lost)
        target.seek(0)
        return target.read()


def why_held(name: str, content: bytes, profile: Profile | None = None, lost: Lost = LOST) -> str:
    with pytest.raises(Held) as held:
        sent(name, content, profile, lost)
    for value in PLANTED:
        assert value not in held.value.message
    return held.value.message


@pytest.mark.parametrize("name", ["events.tsv", "notes.txt", "list.csv", "README", "field.mat.txt"])
def test_other_files_pass_byte_for_byte(name: str) -> None:
    content = "onset\tduration\r\n1.0\tKimberly über\n".encode()
    assert sent(name, content) == content
    assert sent(name, b"") == b""


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_a_value_in_another_file_holds_it(planted: str, encoding: str) -> None:
    content = f"participant\tby\n1\t{planted}\n".encode(encoding)
    assert why_held("participants.tsv", content) == "a value that it had to lose is in it"


@pytest.mark.parametrize("at", [0, 500_000, (1 << 20) - 3, (1 << 20) + 3])
def test_a_short_name_is_found_wherever_it_stands_in_a_long_text(at: int) -> None:
    rows = b"1.0\t2.0\n" * 300_000
    assert sent("physio.tsv", rows) == rows
    assert why_held("physio.tsv", rows[:at] + b" Kim " + rows[at:])


def test_a_large_file_that_is_no_text_is_searched_as_pixels_are() -> None:
    content = bytes(range(256)) * 5000
    assert sent("signal.dat", content + b" Kim ") == content + b" Kim "
    assert why_held("signal.dat", content + b"hosp-4711" + content)


@pytest.mark.parametrize("name", ["sub-Elodie/T1.tsv", "HOSP-4711.txt", "a/19620315_T1.json"])
def test_a_value_in_the_name_holds_the_file(name: str) -> None:
    assert why_held(name.replace("Elodie", "Élodie"), b"{}") == "a value that it had to lose is in its name"


@pytest.mark.parametrize("name", ["dwi.bval", "DWI.BVEC"])
def test_gradients_pass_if_they_are_numbers(name: str) -> None:
    content = b"0 1000 1e3\r\n-0.5\t+0.25E-2 \n"
    assert sent(name, content) == content
    assert why_held(name, content + b"x").startswith("more than numbers")
    assert why_held(name, content + "é".encode()).startswith("more than numbers")
    assert why_held(name, b"0 19620315 0\n") == "a value that it had to lose is in it"


def packed_tar() -> bytes:
    import tarfile

    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        *(
            gzip.compress(b"1", mtime=0),
            b"PK\3\4....",
            b"BZh91",
            b"\xfd7zXZ\0",
            b"7z\xbc\xaf\x27\x1c",
            packed_tar(),
        ),
        *(
            b"\x28\xb5\x2f\xfd",
            b"Rar!\x1a\x07",
            b"\x89HDF\r\n\x1a\n",
            b"MATLAB 5.0 MAT-file",
            b"\x04\x22\x4d\x18",
        ),
    ],
    ids=lambda content: repr(content[:8]),
)
@pytest.mark.parametrize("name", ["data.bin", "physio.tsv", "sidecar.json", "dwi.bval"])
def test_what_is_packed_is_held_whatever_it_is_called(name: str, content: bytes) -> None:
    assert why_held(name, content).startswith("packed")


@pytest.mark.parametrize(
    "content",
    [
        *(b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\0", b"MM\0*"),
        *(b"RIFF....WEBP", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf1", b"\0\0\0\x18ftypmp42"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["report.bin", "table.csv", "T1.img"])
def test_what_may_show_names_is_held_whatever_it_is_called(name: str, content: bytes) -> None:
    assert why_held(name, content) == "a picture or a document: it may show names"


@pytest.mark.parametrize("ending", ["mgz", "mnc", "mha", "nrrd", "PAR", "HEAD", "spar"])
def test_other_formats_of_images_are_held(ending: str) -> None:
    assert "an image of a kind" in why_held(f"T1.{ending}", b"NRRD0004\ncontent: head")


@pytest.mark.parametrize("ending", ["html", "svg", "bmp", "docx"])
def test_pictures_and_documents_are_held_by_their_endings_too(ending: str) -> None:
    assert "a picture or a document" in why_held(f"report.{ending}", b"<p>")


def test_dicom_does_not_pass_as_another_file() -> None:
    assert why_held("image.txt", b"\0" * 128 + b"DICM" + b"\2\0\0\0").startswith("DICOM")


def test_what_is_looked_for_may_be_nothing() -> None:
    assert sent("notes.txt", b"by Kim", lost=NOTHING) == b"by Kim"
