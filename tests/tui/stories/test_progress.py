"""How far transfers are stands on the screen whatever else has to be said, and however narrow it is."""

from __future__ import annotations

import pytest

from tests.tui.driver import LARGE, SMALL, Size, Story, story
from tests.tui.stories.conftest import World
from xnat_tui.jobs.watch import JobView
from xnat_tui.model.transfer import State

UNDER_WAY = JobView(
    id="20261121-101500-copy",
    verb="copy",
    state=State.RUNNING,
    title="lab:BRAINS/SUB-0000000000000000000001/SUB-0000000000000000000001_MR1 to qc:BRAINS_OF_THE_OTHERS",
    files_done=1_234,
    files_total=123_456,
    bytes_done=41_000_000_000,
    bytes_total=100_000_000_000,
    rate=12_345_678.0,
    seconds_left=4_800.0,
    current=(),
    failures=12,
    left=3,
    note="",
    trouble=None,
    created=0.0,
)


async def watched(told: Story) -> None:
    """As if the journal knew of this transfer alone."""
    queue = told.main.queue
    queue.watch = lambda: None  # type: ignore[method-assign]  # the journal is not read again
    queue._seen([UNDER_WAY])
    await told.pilot.pause()


@pytest.mark.parametrize("size", [SMALL, (60, 20), (44, 20), LARGE])
async def test_the_share_is_seen_at_every_width_and_while_comparing(world: World, size: Size) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await told.press("=")
        await told.compared()
        told.main.comparison._unreadable = 123_456
        await watched(told)
        told.main.situation_changed()
        await told.pilot.pause()
        assert told.lines[0].endswith("   1 transfer 41%")
        if size is LARGE:
            assert " 41% copy" in told.line_with("running")
        await told.press("t")
        line = next(line for line in told.lines if "> copy" in line)
        assert "41%" in line
