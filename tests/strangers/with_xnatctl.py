"""xnatctl's read commands, uploads and downloads of sessions, and the transfer between two servers."""

from __future__ import annotations

import json
import os
from pathlib import Path

from click.testing import CliRunner
from xnatctl.cli.main import cli

from tests.strangers.checks import arguments, check, finish

SESSION = ("-P", "P1", "-E", "MR1")
READS = (
    "auth test",
    "auth status",
    "whoami",
    "health ping",
    "admin version",
    "admin plugins",
    "admin site-config get requireLogin",
    "admin user list",
    "admin user show olga",
    "admin user groups olga",
    "admin user roles olga",
    "anon show",
    "anon show -P P1",
    "api get /data/projects",
    "project list",
    "project show P1",
    "project users P1",
    "project access P1",
    "project requests P1",
    "subject list -P P1",
    "subject show S01 -P P1",
    "session list -P P1",
    "session list -P P1 -S S01",
    "session show -P P1 -E MR1",
    "session vars -P P1 -E MR1",
    "scan list -P P1 -E MR1",
    "scan show 1 -P P1 -E MR1",
    "resource list XNAT_E00001",
    "resource list XNAT_E00001 --scan 1",
    "resource list -P P1",
    "resource list -P P1 -S S01",
    "resource show XNAT_E00001 NOTES",
    "resource show XNAT_E00001 DICOM --scan 1",
    "prearchive list",
    "prearchive list --project P1",
    "prearchive settings -P P1",
    "search list",
    "pipeline list --project P1",
)
ABSENT = (
    "event list",
    "event types",
    "event actions",
    "scp list",
    "command list",
    "container list -P P1",
    "wrapper list",
    "xsync list",
)
"""What needs services that the demo server lacks: "not found", as from a server without the plugin."""
NOT_FOUND = 5


def main() -> None:
    one, other, folder = arguments()
    os.environ |= {"XNAT_USER": "admin", "XNAT_PASS": "admin"}
    _run("config", "init", "--url", one)
    _run("config", "add-profile", "there", "--url", other)
    with check("logs in"):
        _run("auth", "login")
    for command in READS:
        with check(command):
            _run(*command.split())
    for command in ABSENT:
        with check(f"{command}: not found"):
            _run(*command.split(), status=NOT_FOUND)
    with check("says what it reads"):
        listed = json.loads(_run("scan", "list", *SESSION, "-o", "json"))
        assert [(scan["id"], scan["type"]) for scan in listed] == [("1", "T1"), ("2", "T2 w/flair")], listed
        assert {row["label"] for row in json.loads(_run("session", "list", "-P", "P1", "-o", "json"))} == {
            "MR1",
            "VARS",
        }
    downloads(folder)
    uploads(folder)
    transfers(folder)
    finish()


def downloads(folder: Path) -> None:
    """Not with --verify: it expects resource labels in URI cells, where XNAT has the resources' numbers."""
    with check("session download, in one zip and in parallel"):
        for name, workers in (("one", "1"), ("many", "4")):
            target = folder / name
            _run("session", "download", *SESSION, "--out", str(target), "-w", workers, "--session-resources")
            names = {one.name for one in target.rglob("*") if one.is_file()}
            assert {"1.dcm", "2.dcm", "IM0001.dcm"} <= names or any(n.endswith(".zip") for n in names), names
    with check("scan download and resource download"):
        _run("scan", "download", *SESSION, "--scans", "1", "--out", str(folder / "scan"))
        _run("resource", "download", "XNAT_E00001", "NOTES", "-f", str(folder / "notes.zip"))
        assert (folder / "notes.zip").stat().st_size
    with check("resource refresh"):
        _run("resource", "refresh", "/archive/experiments/XNAT_E00001/resources/NOTES")


def uploads(folder: Path) -> None:
    sent = len(list((folder / "dicom").iterdir()))
    for mode in ("tar", "zip", "gradual"):
        with check(f"session upload --mode {mode}"):
            place = ("-P", "P1", "-S", f"UP_{mode}", "-E", f"UP_{mode}_MR")
            _run("session", "upload", str(folder / "dicom"), *place, "--mode", mode)
            assert _files("P1", f"UP_{mode}", f"UP_{mode}_MR") == sent
    with check("resource upload"):
        (folder / "note.txt").write_text("note")
        _run("resource", "upload", "XNAT_E00001", "SENT", str(folder / "note.txt"))
        assert "note.txt" in _run("resource", "show", "XNAT_E00001", "SENT", "-o", "json")


def transfers(folder: Path) -> None:
    there = ("-P", "REAL", "--dest-profile", "there", "--dest-project", "DEST")
    with check("project transfer-check"):
        _run("project", "transfer-check", *there)
    with check("project transfer between two servers, with its own verification"):
        _run("project", "transfer", *there, "-y", "-w", "1")
        assert _files("DEST", "R01", "R01_MR", "-p", "there") == 4
    with check("project transfer-status and transfer-history"):
        _run("project", "transfer-status", "-P", "REAL")
        _run("project", "transfer-history", "-P", "REAL")


def _files(project: str, subject: str, session: str, *profile: str) -> int:
    """Files at every level of a session, by the server's list."""
    path = f"/data/projects/{project}/subjects/{subject}/experiments/{session}/files?all=true&format=json"
    told = json.loads(_run("api", "get", path, "-o", "json", *profile))
    return len(told["ResultSet"]["Result"])


def _run(*words: str, status: int = 0) -> str:
    """What the command prints; AssertionError with all it said when it ends otherwise than expected.

    It runs in this process: starting xnatctl anew for each of its commands takes minutes.
    """
    done = CliRunner().invoke(cli, words, prog_name="xnatctl")
    assert done.exit_code == status, f"{done.exit_code}\n{done.output}\n{done.exception}"
    return done.stdout


if __name__ == "__main__":
    main()
