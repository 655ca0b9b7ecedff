"""The explorer in a pseudo-terminal of its own: what becomes of it when it is told to end."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

ADOPT = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from xnat_tui.__main__ import main; main()"
)
"""As a login does: the terminal's going away is told to the session that it controls."""
ORPHAN = "from xnat_tui.__main__ import main; main()"
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A program in a pseudo-terminal, and what it wrote there so far."""

    def __init__(self, program: str, folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "XNAT_TUI_CONFIG": str(folder / "config"),
            "XNAT_TUI_STATE": str(folder / "state"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=environment,
        )
        os.close(theirs)
        self.written = b""

    def read_until(self, text: bytes) -> None:
        while text not in self.written:
            self.written += os.read(self._ours, 65536)

    def hang_up(self) -> None:
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def close(self) -> None:
        self.hang_up()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(getattr(request, "param", ADOPT), tmp_path)
    try:
        terminal.read_until(b"Servers")
        yield terminal
    finally:
        terminal.close()


def test_told_to_end_it_gives_the_terminal_back(terminal: Terminal) -> None:
    assert ENTERED in terminal.written
    terminal.process.send_signal(signal.SIGTERM)
    terminal.read_until(LEFT)
    assert terminal.process.wait(60) == 128 + signal.SIGTERM


@pytest.mark.parametrize("terminal", [ADOPT, ORPHAN], indirect=True, ids=["session", "no session"])
def test_it_does_not_outlive_its_terminal(terminal: Terminal) -> None:
    terminal.hang_up()
    assert terminal.process.wait(60) == 128 + signal.SIGHUP
