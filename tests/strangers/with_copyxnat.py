"""copyxnat shows, exports, copies in zip and file mode, and compares what it copied.

Its last release, 0.9.6, is of 2021. It asks for passwords on the terminal and, on current Python, needs
xmltodict's plain dictionaries to count as ordered ones. That, pyxnat's imports, and its pauses of half a
minute for the server's permission cache are all that is mended here.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

from tests.strangers.checks import arguments, check, finish, without

without("nibabel", "numpy", "pandas")

from copyxnat.pyreporter import pyreporter  # noqa: E402
from copyxnat.ui.command_line import run_command_line  # noqa: E402
from copyxnat.xnat import xml_cleaner, xnat_interface  # noqa: E402

pyreporter.getpass = lambda *_, **__: "admin"
xml_cleaner.OrderedDict = dict
xnat_interface.time = SimpleNamespace(sleep=lambda _: None)
_DIFFERENCE = re.compile(r"- Missing from (src|dst): \((\w+)\) [^/]+/[^/]+/(\S+)")


def main() -> None:
    one, other, folder = arguments()
    source = ["-s", one, "-u", "admin"]
    there = ["-d", other, "-w", "admin"]
    with check("shows a project down to its files"):
        shown = _run(folder, "show", *source, "-p", "P1")
        for text in (
            "(Subject) S01",
            "(Scan) 2",
            "(Out_Resource) REPORT",
            "(File) sub/x.dcm",
            "size:45 bytes",
        ):
            assert text in shown, text
    with check("exports a project to disk"):
        _run(folder, "export", *source, "-p", "P1")
        (exported,) = (one for one in (folder / "cache").rglob("1.dcm") if one.is_file())
        assert exported.read_bytes() == b"dicom" * 9
    with check("copies in zip mode, and finds nothing but reconstructions missing"):
        _run(folder, "copy", *source, "-p", "P1:ZIP", *there, "-t", "zip")
        assert _missing(_run(folder, "compare", *source, "-p", "P1:ZIP", *there)) == {
            ("dst", "Reconstruction", "S01/MR1/R1")
        }
    with check("copies file by file, and finds only its own flattened names differing"):
        _run(folder, "copy", *source, "-p", "P1:FILE", *there, "-t", "file")
        found = _missing(_run(folder, "compare", *source, "-p", "P1:FILE", *there))
        assert {one for one in found if not one[2].endswith("x.dcm")} == {
            ("dst", "Reconstruction", "S01/MR1/R1")
        }
        names = {("dst", "sub/x.dcm"), ("src", "sub_x.dcm")}
        assert {(side, path.split("DICOM/")[1]) for side, _, path in found if "DICOM" in path} == names
    with check("checks data types and asks for new catalogs"):
        _run(folder, "check-datatypes", *source, "-p", "P1", *there)
        _run(folder, "rebuild-catalog", *source, "-p", "P1")
    finish()


def _run(folder: Path, *words: str) -> str:
    told = io.StringIO()
    with redirect_stdout(told):
        status = run_command_line(["-c", str(folder / "cache"), *words])
    assert status == 0, told.getvalue()
    return told.getvalue()


def _missing(told: str) -> set[tuple[str, str, str]]:
    """What the comparison of the structure lists at its end: side, kind, and path below the project."""
    return set(_DIFFERENCE.findall(told.partition("Differences between project structure")[2]))


if __name__ == "__main__":
    main()
