"""Both demo servers in this process, saved as `lab` and `qc` in a configuration of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site


@dataclass(frozen=True, slots=True)
class DemoPair:
    """`lab` is the source of the demo study, `qc` its destination; `demo` owns projects on both."""

    lab: DemoServer
    qc: DemoServer
    patch: pytest.MonkeyPatch

    def sign_in_as(self, user: str) -> None:
        """Have the explorer sign in to `lab` as another user of the demo, whose password is the name."""
        self.patch.setenv("XNAT_TUI_PASSWORD_LAB", user)
        config.save_server(Server("lab", self.lab.url, user))

    def protect(self) -> None:
        """Have `lab` marked read-only."""
        config.save_server(Server("lab", self.lab.url, "demo", read_only=True))


@contextmanager
def demo_pair(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[DemoPair]:
    """Servers that run, and an environment in which only they are known."""
    patch.setenv("XNAT_TUI_CONFIG", str(folder / "config"))
    patch.setenv("XNAT_TUI_STATE", str(folder / "state"))
    patch.setenv("TERM", "xterm-256color")
    for name in ("LAB", "QC"):
        patch.setenv(f"XNAT_TUI_PASSWORD_{name}", "demo")
    with DemoServer(source_site()) as lab, DemoServer(destination_site()) as qc:
        config.save_server(Server("lab", lab.url, "demo"))
        config.save_server(Server("qc", qc.url, "demo"))
        yield DemoPair(lab, qc, patch)
