"""For all tests: Hypothesis judges what is returned, not the clock of a machine that others use too, and
nothing waits before it asks again."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Thousands of cases stay to the end: no search for garbage has to look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
