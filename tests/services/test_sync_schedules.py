"""When a sync is due, and when next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xnat_tui.services.syncing.definitions import Sync

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("every", "at", "last", "due"),
    [
        ("", "", None, None),
        ("6h", "", None, NOON),
        ("6h", "", NOON - HOUR, NOON + 5 * HOUR),
        ("6h", "", NOON - 7 * HOUR, NOON - HOUR),
        ("", "02:00", NOON - 11 * HOUR, NOON - 10 * HOUR),
        ("", "02:00", NOON - 9 * HOUR, NOON + 14 * HOUR),
        ("", "14:00", NOON - HOUR, NOON + 2 * HOUR),
        ("", "14:00", NOON - 30 * HOUR, NOON),  # yesterday's was missed
    ],
)
def test_what_is_due_next_is_after_now_only_where_nothing_is_due_now(every, at, last, due):
    sync = Sync("x", "lab:P", "qc:P", every=every, at=at)
    assert sync.next_due(last, NOON) == due
    assert sync.due(last, NOON) is (due is not None and due <= NOON)
