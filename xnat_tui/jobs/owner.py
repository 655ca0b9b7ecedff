"""Which process holds something, and whether it still lives.

On this host the process table says so. On another host only the heartbeat does: a claim that has not been
renewed for `STALE` seconds is dead.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

STALE = 60.0
"""Seconds; a worker renews its claim every few."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `mark` tells it from a later one of the same number, where the system says when it began."""

    pid: int
    host: str
    mark: str = ""

    @classmethod
    def this_process(cls) -> Owner:
        return cls(os.getpid(), this_host(), _mark(os.getpid()))

    def alive(self, heartbeat: float, now: float) -> bool:
        """`heartbeat` and `now` in seconds since the epoch."""
        if self.host != this_host():
            return now - heartbeat < STALE
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return not self.mark or _mark(self.pid) == self.mark
        return not self.mark or _mark(self.pid) == self.mark


def this_host() -> str:
    """The host's name, and which process numbers it means: containers of one host have their own."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _mark(pid: int) -> str:
    """When the process began, and in which boot; "" for a zombie, and where `/proc` does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    # The command's name, in brackets, may hold anything; the state comes first after it, the start 20th.
    state, *rest = fields.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot} {rest[18]}"
