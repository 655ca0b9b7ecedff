"""A slow server on the command line: what it costs is said on stderr, and ctrl+c ends the waiting at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from xnat_tui.demo.faults import ErrorPage, Hang
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import synthetic_site

BIG = "src:BIG", "dst:BIG"


@pytest.fixture
def servers() -> Iterator[tuple[DemoServer, DemoServer]]:
    with DemoServer(synthetic_site(20, 2, 1)) as one, DemoServer(synthetic_site(20, 2, 1)) as other:
        yield one, other


@pytest.fixture
def run(program: Any, servers: tuple[DemoServer, DemoServer], monkeypatch: pytest.MonkeyPatch) -> Any:
    saved = zip(("src", "dst"), servers, strict=True)
    program.configure("".join(f'[servers.{name}]\nurl = "{one.url}"\nuser = "demo"\n' for name, one in saved))
    for name in ("SRC", "DST"):
        monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name}", "demo")
    return program


def test_what_a_fallback_costs_is_said_on_stderr(run: Any, servers: tuple[DemoServer, DemoServer]) -> None:
    servers[0].faults.add("imageScanData", ErrorPage(403))
    result = run("compare", *BIG)
    assert (result.exit_code, result.stdout) == (0, "")
    said = (
        "src does not tell enough of BIG in lists: up to 39 requests, one for each session.\n"
        "hint: ctrl+c stops it\n"
    )
    assert result.stderr.startswith(said)
    assert run("-q", "compare", *BIG).stderr == ""


HEARS_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("xnat_tui", run_name="__main__")
"""
"""The program as a shell starts it in front: what runs in the background of a script ignores ctrl+c."""


@pytest.mark.parametrize(
    "verb",
    [
        ("compare", *BIG),
        ("show", "src:BIG", "--depth", "resources"),
        ("copy", "src:BIG", "dst:NEW", "-n"),
        ("catalog", "refresh", "src:BIG", "-n"),
    ],
)
@pytest.mark.usefixtures("run")
def test_ctrl_c_ends_a_question_that_is_waited_for(
    servers: tuple[DemoServer, DemoServer], verb: tuple[str, ...]
) -> None:
    """Without it this would take minutes."""
    hanging = servers[0].faults.add(r"/data/projects/BIG/experiments\?", Hang())
    process = subprocess.Popen(
        [sys.executable, "-c", HEARS_CTRL_C, *verb], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while not hanging.fired:
            assert process.poll() is None
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
