"""Threads that compute give way to the one that draws, as long as the explorer runs."""

from __future__ import annotations

import sys

from xnat_tui.config import Settings
from xnat_tui.tui.app import Explorer, run_explorer


def test_the_screen_gets_the_interpreter_soon_after_it_wants_it(monkeypatch):
    usual, seen = sys.getswitchinterval(), []
    monkeypatch.setattr(Explorer, "run", lambda _: seen.append(sys.getswitchinterval()))
    try:
        assert run_explorer(None, None, Settings()) == 0
    finally:
        sys.setswitchinterval(usual)
    assert seen[0] <= 0.001  # seconds; a key changes hands some five times
