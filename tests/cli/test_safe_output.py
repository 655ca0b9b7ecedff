"""No verb passes on what steers a terminal, turns a line around or runs in a spreadsheet."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

STEERING = "\u202e\u2066\u200f\u061c\x9b\x1b[2J\x07\u2028"


def hostile_site(extra: str) -> Site:
    site = Site()
    project = site.add_project("P", users={"admin": "owner"}, fields={"description": f"=1{STEERING}{extra}"})
    project.fields["name"] = f"P{STEERING}"
    subject = site.add_subject(project, f"S{STEERING}", fields={"group": f"=1+1{STEERING}{extra}"})
    session = site.add_experiment(subject, f"E{STEERING}", fields={"note": f"@{STEERING}{extra}"})
    scan = site.add_scan(session, "1", fields={"type": f"T1{STEERING}{extra}"})
    resource = site.new_resource(f"R{STEERING}", format=f"F{STEERING}")
    content = BytesContent(b"x" + extra.encode())
    resource.add(FileEntry(f"f{STEERING}.dcm", content, content.md5, content.size))
    resource.populate_stats()
    scan.resources.append(resource)
    return site


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[DemoServer, DemoServer]]:
    with DemoServer(hostile_site("")) as one, DemoServer(hostile_site("2")) as other:
        yield one, other


@pytest.fixture
def run(program: Any, servers: tuple[DemoServer, DemoServer], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("SRC", "DST"):
        monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name}", "admin")
    program.configure(
        "".join(
            f'[servers.{name}]\nurl = "{server.url}"\nuser = "admin"\n'
            for name, server in zip(("src", "dst"), servers, strict=True)
        )
    )
    return program


VERBS = [
    ("show", "src:P", "--depth", "files"),
    ("show", "src:"),
    ("compare", "src:P", "dst:P", "--all", "--depth", "digests"),
    ("compare", "src:P", "dst:P", "--all", "--depth", "digests", "--csv"),
    ("verify", "src:P", "dst:P", "--all", "--csv"),
    ("verify", "src:P", "dst:P", "--all"),
    ("demographics", "show", "src:P"),
    ("demographics", "export", "src:P"),
    ("share", "list", "src:P"),
    ("users", "list", "src:P"),
    ("resources", "list", "src:P"),
    ("copy", "src:P", "dst:", "-n"),
    ("export", "src:P", "--to", "TMP/out", "-n"),
    ("-v", "show", "src:P", "--depth", "files"),
    ("-vv", "compare", "src:P", "dst:P"),
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_nothing_steers_the_terminal_that_a_verb_writes_to(
    run: Any, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    result = run(*(word.replace("TMP", str(tmp_path)) for word in verb))
    assert result.exit_code in (0, 1, 5), result.stderr
    for text in (result.stdout, result.stderr):
        assert not [one for one in text if one != "\n" and not one.isprintable()]


@pytest.mark.parametrize("verb", ["compare", "verify"])
@pytest.mark.parametrize("ending", ["csv", "md", "html", "json"])
def test_reports_of_verbs_are_private_and_harmless(run: Any, tmp_path: Path, verb: str, ending: str) -> None:
    report = tmp_path / f"report.{ending}"
    report.write_text("before")
    report.chmod(0o644)
    result = run(verb, "src:P", "dst:P", "--all", "--report", str(report))
    assert "Others could read" in result.stderr
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert not [one for one in report.read_text() if one != "\n" and not one.isprintable()]


def test_a_script_can_have_the_characters_themselves(run: Any) -> None:
    assert f"'=1{STEERING}" not in run("compare", "src:P", "dst:P", "--csv").stdout
    raw = run("compare", "src:P", "dst:P", "--csv", "--raw").stdout
    assert f",=1{STEERING}," in raw
