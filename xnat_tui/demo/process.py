"""The two demo servers in a process of their own, so that an explorer paints before they are up.

The child, `python -m xnat_tui.demo.process --ports N M --with-parent`, serves until it is interrupted
or the process that started it closes its standard input, be it by dying.
"""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO

USER = "demo"
PASSWORD = "demo"  # noqa: S105  the sample data's own, printed for whoever asks
READY = "ready"
_STARTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo servers listen, on loopback, and how to sign in."""

    source: str
    destination: str
    user: str = USER
    password: str = PASSWORD


class DemoFailed(RuntimeError):
    """The demo servers did not start; the message says why."""


class DemoPair:
    """Two demo servers in a child process: their addresses are known before they are started.

    `start` returns at once; `wait` until they answer; `stop` ends them, and so does the end of this process.
    """

    def __init__(self, ports: tuple[int, int]) -> None:
        self.addresses = Addresses(*(f"http://127.0.0.1:{port}" for port in ports))
        self._ports = ports
        self._process: subprocess.Popen[bytes] | None = None
        self._said: list[str] = []
        self._told = threading.Event()

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own module, no shell
            [
                sys.executable,
                "-m",
                "xnat_tui.demo.process",
                "--ports",
                *map(str, self._ports),
                "--with-parent",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # ctrl+c in the terminal is the explorer's
        )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def wait(self) -> None:
        """Until both servers answer. Raises DemoFailed."""
        self._told.wait(_STARTING_SECONDS)
        if READY not in self._said:
            last = self._said[-1:] or ["no reason given"]
            raise DemoFailed(f"The demo servers did not start: {last[0]}")

    def stop(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(timeout=10)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _listen(self, stdout: IO[bytes] | None) -> None:
        """Read what the child says until it ends, so that its pipe never fills."""
        assert stdout is not None
        with stdout as said:
            for line in said:
                self._said.append(line.decode(errors="replace").strip())
                if self._said[-1] == READY:
                    self._told.set()
        self._told.set()


def free_ports(first: int | None = None) -> tuple[int, int]:
    """Two ports on loopback: `first` and the one after it, or two that are free."""
    if first is not None:
        return first, first + 1
    with socket.socket() as one, socket.socket() as other:
        for opened in (one, other):
            opened.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def start_pair(port: int | None = None) -> DemoPair:
    """Start the servers; return at once."""
    pair = DemoPair(free_ports(port))
    pair.start()
    return pair


@contextmanager
def serve(ports: tuple[int, int]) -> Iterator[Addresses]:
    """Both servers in this process, for as long as the block lasts."""
    from xnat_tui.demo.server import DemoServer
    from xnat_tui.demo.study import destination_site, source_site

    with (
        DemoServer(source_site(), port=ports[0]) as source,
        DemoServer(destination_site(), port=ports[1]) as destination,
    ):
        yield Addresses(source.url, destination.url)


def serve_pair(port: int | None = None) -> None:
    """Serve in the foreground: print addresses and sign-in, run until interrupted."""
    stop = _until_told()
    with serve(free_ports(port)) as addresses:
        print(f"source       {addresses.source}")  # noqa: T201
        print(f"destination  {addresses.destination}")  # noqa: T201
        print(f"sign in      user {addresses.user}, password {addresses.password}", flush=True)  # noqa: T201
        stop.wait()


def _until_told() -> threading.Event:
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    return stop


def _stop_with_parent(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ports", type=int, nargs=2)
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    stop = _until_told()
    if arguments.with_parent:
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    with serve(tuple(arguments.ports) if arguments.ports else free_ports()):
        print(READY, flush=True)  # noqa: T201
        stop.wait()


if __name__ == "__main__":
    main()
