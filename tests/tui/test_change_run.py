"""Panels' writes that are under way hold the door."""

import threading

from tests.tui.demo_pair import demo_pair
from tests.tui.driver import story
from xnat_tui.model.changes import Change
from xnat_tui.tui.panels.ask import AskChoice
from xnat_tui.tui.panels.change_run import Run


async def test_leaving_while_changes_are_made_asks_first(tmp_path, monkeypatch):
    go_on = threading.Event()
    done: list[str] = []

    def slowly(change: Change) -> str:
        go_on.wait()
        done.append(change.location)
        return ""

    with demo_pair(tmp_path, monkeypatch):
        async with story("lab:", "qc:") as told:
            run = Run(told.app.context, [Change("lab:P/A", "set"), Change("lab:P/B", "set")], slowly)
            run.start([0, 1])
            await told.pilot.press("q")
            await told.pilot.pause()
            assert isinstance(told.app.screen, AskChoice)
            assert "1 not begun will not be sent" in told.screen
            await told.pilot.press("enter")
            go_on.set()
            await told.settle()
            assert done == ["lab:P/A", "lab:P/B"]
            await told.pilot.press("q")
            await told.pilot.pause()
            assert told.app.return_value == 0
