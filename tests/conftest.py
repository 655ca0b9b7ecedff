"""For all tests: Hypothesis judges what is returned, not the clock of a machine that others use too, and
nothing waits before it asks again."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from xnat_tui.services.reading import garbage

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
gc.set_threshold(10_000, 20, 20)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """None for a few files or what `-k` picks, which is over before workers have started.

    Else more than there are cores: a third of the time is spent waiting for other processes and timers.
    """
    files = all(Path(argument.partition("::")[0]).suffix for argument in config.args)
    return 0 if files or config.option.keyword else min(6, 2 * (os.cpu_count() or 1) + 1)


def pytest_collection_finish() -> None:
    """Thousands of cases stay to the end: no search for garbage has to look at them again.

    Nor those of comparisons, which would thaw them every time: they search what tests have made alone.
    """
    gc.collect()
    gc.freeze()
    searching = (gc.collect, gc.get_count, gc.get_threshold, gc.set_threshold)
    vars(garbage)["gc"] = SimpleNamespace(
        **{one.__name__: one for one in searching},
        freeze=lambda: None,
        unfreeze=lambda: None,
        get_freeze_count=lambda: 0,
    )


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
