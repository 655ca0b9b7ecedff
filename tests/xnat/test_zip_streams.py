"""Zips taken apart while they arrive: in any pieces, cut anywhere, damaged, and of every form that is met."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.files import zip_streams
from xnat_tui.xnat.files.zip_streams import Unstreamable
from xnat_tui.xnat.http.connection import Connection

FILES = {"a.dcm": b"dicom" * 30_000, "empty": b"", "sub/b.txt": b"few"}
NAME = "E/scans/1-T1/resources/R/files/"


class Pipe(io.BytesIO):
    """Cannot be written to but at its end, like an answer on its way."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise io.UnsupportedOperation


class Given(Connection):
    """Answers every download with the same pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    @contextmanager
    def download(self, path: str, /, **params: Any) -> Iterator[Any]:
        yield iter(self.pieces)


def zipped(method: int = zipfile.ZIP_DEFLATED, *, piped: bool = True, long: bool = False) -> bytes:
    out = Pipe() if piped else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in FILES.items():
            with archive.open(NAME + name, "w", force_zip64=long) as member:
                member.write(data)
    return out.getvalue()


def taken(body: bytes, size: int = 0, *, summed: bool = True) -> Iterator[tuple[str, bytes]]:
    """Every file that comes whole, of a zip that arrives in pieces of a size."""
    size = size or len(body) or 1
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    with zip_streams.stream(cast(Connection, Given(pieces)), "/data") as members:
        for one in members:
            yield one.path, b"".join(one.chunks if summed else one.content.unsummed())


@pytest.mark.parametrize("size", [1, 7, 1000, 0])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zipped(), id="deflated, sizes behind"),
        pytest.param(zipped(long=True), id="deflated, sizes behind in eight bytes"),
        pytest.param(zipped(piped=False), id="deflated, sizes before"),
        pytest.param(zipped(piped=False, long=True), id="deflated, long sizes before"),
        pytest.param(zipped(zipfile.ZIP_STORED, piped=False), id="stored"),
        pytest.param(zipped(zipfile.ZIP_STORED, piped=False, long=True), id="stored, long sizes"),
    ],
)
def test_every_form_arrives_in_pieces_of_any_size(body: bytes, size: int) -> None:
    assert dict(taken(body, size)) == FILES
    assert dict(taken(body, size, summed=False)) == FILES


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zipped(zipfile.ZIP_STORED), id="stored, sizes behind"),
        pytest.param(zipped(zipfile.ZIP_BZIP2, piped=False), id="another method"),
        pytest.param(zipped().replace(b"PK\7\x08", b""), id="no signature before the sizes behind"),
        pytest.param(zipped(piped=False).replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1"), id="encrypted"),
    ],
)
def test_what_needs_its_directory_says_so(body: bytes) -> None:
    with pytest.raises(Unstreamable):
        list(taken(body))


@given(st.data())
def test_cut_anywhere_it_ends_with_an_error_and_gave_nothing_wrong(data: st.DataObject) -> None:
    body = zipped(piped=data.draw(st.booleans()), long=data.draw(st.booleans()))
    cut = data.draw(st.integers(0, body.index(b"PK\1\2") + 3))
    found: dict[str, bytes] = {}
    with pytest.raises(BadAnswer):
        found.update(taken(body[:cut], 500))
    assert found.items() <= FILES.items()


@given(st.data())
def test_a_changed_byte_never_gives_a_wrong_file(data: st.DataObject) -> None:
    body = bytearray(
        zipped(data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])), piped=False)
    )
    place = data.draw(st.integers(0, body.index(b"PK\1\2") - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    try:
        found = dict(taken(bytes(body)))
    except BadAnswer:
        return
    wanted = set(FILES.values())
    assert set(found.values()) <= wanted, "a name may have changed, a content never"


def test_what_its_reader_does_not_want_any_more_passes_by() -> None:
    body = zipped(zipfile.ZIP_STORED, piped=False)
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    with zip_streams.stream(cast(Connection, Given(pieces)), "/data") as members:
        first = next(members)
        assert next(iter(first.content))
        assert [one.path for one in members] == ["empty", "sub/b.txt"]


def test_who_leaves_the_checksum_out_can_ask_for_it_afterwards() -> None:
    body = bytearray(zipped(zipfile.ZIP_STORED, piped=False))
    body[body.index(b"dicom")] ^= 1
    with zip_streams.stream(cast(Connection, Given([bytes(body)])), "/data") as members:
        verdicts = [one.content.damaged([b"".join(one.content.unsummed())]) for one in members]
    assert verdicts == [True, False, False]
    with pytest.raises(BadAnswer, match="damaged"):
        list(taken(bytes(body)))


def test_what_swells_comes_in_pieces_of_bounded_size() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME + "bomb", bytes(50_000_000))
    with zip_streams.stream(cast(Connection, Given([out.getvalue()])), "/data") as members:
        sizes = [len(chunk) for one in members for chunk in one.chunks]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 256 * 1024


def test_sizes_that_are_not_true_are_damage() -> None:
    body = bytearray(zipped(piped=False))
    struct.pack_into("<I", body, 22, len(FILES["a.dcm"]) + 1)
    with pytest.raises(BadAnswer, match="damaged"):
        list(taken(bytes(body)))
