"""Resources and files: lists, uploads, downloads, removal."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent, PatternContent
from xnat_tui.demo.site import Site

SESSION = "/data/experiments/XNAT_E00001"
FILES = f"{SESSION}/resources/NOTES/files"


def paths(admin: Any) -> list[str]:
    return [row["URI"].split("/files/", 1)[1] for row in admin.rows(FILES)]


def test_resources_of_every_level_with_blank_counts(admin: Any) -> None:
    rows = admin.rows(f"{SESSION}/resources?all=true")
    found = {(row["category"], row["label"]): row["file_count"] for row in rows}
    assert found[("resources", "NOTES")] == ""
    assert found[("scans", "DICOM")] == "2"
    assert ("assessors", "EXTRA") in found
    assert [row["label"] for row in admin.rows(f"{SESSION}/assessors/QC1/resources")] == ["REPORT"]


def test_digests_vanish_when_checksums_are_off(admin: Any, site: Site) -> None:
    assert admin.rows(f"{SESSION}/files?all=true")[0]["digest"]
    site.settings.checksums = False
    assert {row["digest"] for row in admin.rows(f"{SESSION}/files?all=true")} == {""}


def test_uploads_and_duplicates(admin: Any) -> None:
    target = f"{FILES}/new.txt?inbody=true"
    first, second = (admin.put(target, data=b"one") for _ in range(2))
    assert (first.status_code, first.text) == (200, "")
    assert (second.status_code, second.json()) == (200, {"duplicates": ["new.txt"]})
    assert second.headers["Content-Type"].startswith("text/html")
    assert admin.put(f"{target}&overwrite=true", data=b"two").text == ""
    assert admin.get(f"{FILES}/new.txt").content == b"two"


@pytest.mark.parametrize(
    ("query", "kind", "status"),
    [
        ("", "", 400),
        ("", "application/dicom", 200),
        ("", "application/x-odd", 400),
        ("?inbody=true", "", 200),
    ],
)
def test_raw_bodies_need_a_known_type_or_inbody(admin: Any, query: str, kind: str, status: int) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert admin.put(f"{FILES}/raw.bin{query}", data=b"data", headers=headers).status_code == status


def test_multipart_uploads_and_inbody_exclude_each_other(admin: Any) -> None:
    assert admin("POST", FILES, files={"file": ("m.txt", b"m")}).status_code == 200
    assert "m.txt" in paths(admin)
    assert admin.put(f"{FILES}/n.txt?inbody=true", files={"file": ("n.txt", b"m")}).status_code == 406


def test_zips_are_extracted(admin: Any) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("deep/x #1.txt", "x")
        archive.writestr("empty.txt", "")
    address = f"{SESSION}/scans/1/resources/Z/files/z.zip?extract=true&inbody=true"
    assert admin.put(address, data=body.getvalue()).status_code == 200
    rows = admin.rows(f"{SESSION}/scans/1/resources/Z/files")
    assert [row["URI"].split("/files/")[1] for row in rows] == ["deep/x #1.txt", "empty.txt"]
    assert admin.get(f"{SESSION}/scans/1/resources/Z/files/deep/x%20%231.txt").content == b"x"


def test_uploads_without_the_right_are_silently_lost(client_of: Any, admin: Any) -> None:
    answer = client_of("carl").put(f"{FILES}/lost.txt?inbody=true", data=b"x")
    assert (answer.status_code, answer.text) == (200, "")
    assert "lost.txt" not in paths(admin)


def test_removal_takes_every_path_with_the_prefix(admin: Any, site: Site) -> None:
    assert admin("DELETE", f"{FILES}/a").status_code == 200
    assert paths(admin) == []
    assert admin("DELETE", f"{FILES}/a").status_code == 404


def test_removal_is_exact_before_1_8(admin: Any, site: Site) -> None:
    site.version = "1.7.6"
    assert admin("DELETE", f"{FILES}/a").status_code == 200
    assert paths(admin) == ["ab.txt", "a/b"]


def test_resources_are_made_once_and_removed_twice(admin: Any, client_of: Any) -> None:
    address = f"{SESSION}/resources/ONE"
    assert [admin.put(address).status_code for _ in range(2)] == [200, 409]
    assert client_of("mia")("DELETE", address).status_code == 403
    assert [admin("DELETE", address).status_code for _ in range(2)] == [200, 200]


def test_archives_are_streamed_in_the_layouts_of_xnat(admin: Any) -> None:
    answer = admin.get(f"{SESSION}/scans/ALL/files?format=zip")
    assert "Content-Length" not in answer.headers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="MR1.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "MR1/scans/2-T2_w_flair/resources/DICOM/files/sub/x.dcm" in archive.namelist()


def test_a_zip_is_deflated_as_asked_or_as_the_site_does(admin: Any, site: Site) -> None:
    site.experiments["XNAT_E00001"].resources[0].add(FileEntry("zeros.bin", BytesContent(bytes(100_000))))
    unasked, asked = f"{FILES}?format=zip", f"{FILES}?format=zip&compression=0"
    assert len(admin.get(unasked).content) > 100_000
    site.settings.zip_level = -1
    assert len(admin.get(unasked).content) < 10_000
    assert len(admin.get(asked).content) > 100_000


def test_a_generated_file_is_whole_and_has_its_length(admin: Any, site: Site) -> None:
    resource = site.experiments["XNAT_E00001"].resources[0]
    resource.add(FileEntry("big.bin", PatternContent(1_000_003, seed=4)))
    answer = admin.get(f"{FILES}/big.bin", headers={"Range": "bytes=10-"})
    assert answer.status_code == 200
    assert answer.content == b"".join(PatternContent(1_000_003, seed=4).chunks())
    assert answer.headers["Content-Length"] == "1000003"


def test_a_catalogued_file_may_be_missing_on_disk(admin: Any, site: Site) -> None:
    site.experiments["XNAT_E00001"].resources[0].files["a"].missing_on_disk = True
    assert "a" in paths(admin)
    assert admin.get(f"{FILES}/a").status_code == 404


def test_the_first_resource_of_a_typed_scan_is_raw_when_no_content_is_told(admin: Any, site: Site) -> None:
    session = site.experiments["XNAT_E00001"]
    typed = site.add_scan(session, "71", fields={"type": "T1"})
    untyped = site.add_scan(session, "72")
    for scan in (typed, untyped):
        files = f"{SESSION}/scans/{scan.id}/resources"
        assert admin.put(f"{files}/A?format=X").status_code == 200
        assert admin.put(f"{files}/B/files/b.txt?inbody=true", data=b"b").status_code == 200
    assert [one.content for one in typed.resources] == ["RAW", ""]
    assert [one.content for one in untyped.resources] == ["", ""]
    told = site.add_scan(session, "73", fields={"type": "T1"})
    files = f"{SESSION}/scans/73/resources/C/files"
    assert admin.put(f"{files}/c.txt?inbody=true&content=LABELS", data=b"c").status_code == 200
    assert [one.content for one in told.resources] == ["LABELS"]
    assert [row["file_content"] for row in admin.rows(files)] == ["LABELS"]
    raw = admin.rows(f"{SESSION}/scans/71/resources/B/files")
    assert [(row["file_format"], row["file_content"]) for row in raw] == [("", "")]


def test_an_index_asks_for_a_file_and_finds_none_below_a_resource(admin: Any) -> None:
    assert admin.get(f"{FILES}?index=0&format=json").status_code == 404
    assert admin.get(f"{FILES}?index=0&accept-not-found=true").status_code == 204
    assert admin.get(f"{SESSION}/files?index=99").status_code == 404
    first = admin.rows(f"{SESSION}/files")[0]
    assert admin.get(f"{SESSION}/files?index=0").content == admin.get(first["URI"]).content
