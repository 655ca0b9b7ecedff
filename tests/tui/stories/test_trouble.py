"""What goes wrong is said in place, with a hint, and everything else goes on working."""

from __future__ import annotations

import pytest

from tests.tui.driver import story
from tests.tui.stories.conftest import World
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.faults import Action, Answer, ErrorPage, ExpireSession, Hang, LoginPage, Truncate

SUBJECTS = r"GET /data/projects/LEGACY/subjects"
NOTHING = Answer("", 200, "application/json")
PROXY_PAGE = Answer("<html><body>Corporate proxy: please accept our terms</body></html>", 200)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(ErrorPage(403, "no"), ("403 Forbidden",), id="403"),
        pytest.param(NOTHING, ("Answer cannot",), id="empty-with-200"),
        pytest.param(PROXY_PAGE, ("Not an XNAT",), id="proxy-page"),
        pytest.param(Truncate(40), ("Answer cannot",), id="truncated"),
        pytest.param(ErrorPage(500, "boom"), ("500",), id="500"),
    ],
)
async def test_a_level_that_cannot_be_read_is_an_error_row(
    world: World, fault: Action, words: tuple[str, ...]
) -> None:
    world.lab.faults.add(SUBJECTS, fault)
    async with story("lab:", "qc:") as told:
        await told.find("LEGACY")
        await told.press("l", "j")
        row = told.line_with("R retries")
        assert "├ ! " in row
        for word in words:
            assert word[:16] in row
        assert told.lines[-3].strip().startswith("! "), "the summary line has the whole reason"
        await told.press("k", "i")
        told.has("! ")
        await told.press("escape")
        await told.find("TEACHING")
        await told.press("l")
        teaching = told.main.panes.cursor
        assert teaching is not None
        assert told.rows.row_of(teaching).visible > 1
        world.lab.faults.clear()
        await told.find("LEGACY")
        await told.press("r")
        told.lacks("R retries")


async def test_403_on_one_project_looks_like_this(world: World) -> None:
    world.lab.faults.add(SUBJECTS, ErrorPage(403, "no"))
    async with story("lab:", "qc:") as told:
        await told.find("LEGACY")
        await told.press("l", "j")
        told.shows("forbidden_80x24")


async def test_an_expired_session_is_signed_in_again_without_a_word(world: World) -> None:
    async with story("lab:", "qc:") as told:
        world.lab.expire_sessions()
        await told.find("BRAINS")
        await told.press("l")
        told.has("SUB-001")
        told.lacks("R retries")


async def test_a_session_that_cannot_be_renewed_says_so(world: World) -> None:
    async with story("lab:", "qc:") as told:
        world.lab.faults.add(r"GET /data/projects", LoginPage())
        world.lab.faults.add(r"(POST|PUT|GET) /data/(services/auth|JSESSION)", ErrorPage(401, "wrong"))
        world.lab.faults.add(r"GET /data/projects/BRAINS", ExpireSession())
        await told.find("BRAINS")
        await told.press("l", "j")
        assert "R retries" in told.screen
        assert "ession" in told.lines[-3]


async def test_a_server_that_nobody_answers_at(empty_world: object) -> None:
    config.save_server(Server("gone", "http://127.0.0.1:9"))
    async with story("gone:", "nowhere:") as told:
        assert "nothing answers at this address" in told.source.notice
        assert "Check the address" in told.source.notice
        assert "No server is saved as 'nowhere'." in told.destination.notice
        await told.press("x", "escape", "question_mark", "escape", "equals_sign")
        told.has("open a place in both panes first")


async def test_a_host_without_an_address(empty_world: object) -> None:
    config.save_server(Server("typo", "http://xnat.invalid"))
    async with story("typo:", "typo:") as told:
        assert "xnat.invalid" in told.source.notice or "typo" in told.source.notice
        assert "Check the address" in told.source.notice


async def test_a_load_that_hangs_tells_the_time_and_esc_stops_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.tui.explorer.levels.SLOW_SECONDS", 1)
    world.lab.faults.add(SUBJECTS, Hang(), times=1)
    async with story("lab:", "qc:") as told:
        await told.find("LEGACY")
        await told.pilot.press("l")
        await told.until_shown("1 s, esc stops it")
        await told.press("escape")
        told.has("! Interrupted", "R retries")
        await told.press("r")
        told.lacks("R retries")


async def test_a_comparison_says_what_takes_long_and_esc_ends_the_waiting(world: World) -> None:
    """Without it this would take two minutes."""
    scans = "BRAINS/experiments.*imageScanData"
    world.lab.faults.add(scans, ErrorPage(504), times=1)
    world.lab.faults.add(scans, Hang())
    async with story("lab:BRAINS", "qc:BRAINS", size=(140, 40)) as told:
        await told.pilot.press("equals_sign")
        await told.until_shown("lab: the scans asked once more (esc stops)")
        await told.pilot.press("escape")
        await told.until_shown("stopped: n goes on")


async def test_opening_a_place_that_hangs_is_stopped_by_esc(world: World) -> None:
    async with story("lab:", "qc:") as told:
        config.save_bookmark("two", "lab:BRAINS/SUB-002")
        told.app.context.workspace.reload_settings()
        world.lab.faults.add(r"GET /data/projects/BRAINS/subjects", Hang(), times=1)
        await told.press("b")
        await told.pilot.press("enter")
        await told.until_shown("esc stops it.")
        await told.pilot.press("escape")
        await told.until_shown("Stopped.")
        world.lab.faults.stopping = True
        await told.settle()
        world.lab.faults.stopping = False
        await told.press("r")
        assert str(told.source.root.location) == "lab:BRAINS/SUB-002"


async def test_the_log_panel_keeps_what_went_wrong(empty_world: object) -> None:
    config.save_server(Server("gone", "http://127.0.0.1:9"))
    async with story("gone:", "gone:") as told:
        await told.press("ctrl+g")
        told.has("Server unreachable: Asking gone: nothing answers")


async def test_a_fault_of_the_program_is_told_and_leaves_it_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    async with story("lab:", "qc:") as told:
        monkeypatch.setattr("xnat_tui.services.browsing.trees.Tree.fill", broken)
        await told.find("BRAINS")
        await told.press("l", "j")
        told.has("! Internal error")
        told.lacks("secret detail")
        await told.press("k", "k")
        assert told.app.is_running


async def test_a_toast_is_not_shown_twice(world: World) -> None:
    async with story("lab:", "qc:") as told:
        told.app.context.tell("A transfer has ended.")
        told.app.context.tell("A transfer has ended.")
        await told.settle()
        assert told.screen.count("A transfer has ended.") == 1
        assert all("A transfer" not in line for line in told.lines[-3:]), "the last lines stay free"


def test_a_fatal_error_shows_no_locals(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    from textual.app import App

    from xnat_tui.tui.app import Explorer

    app = Explorer(None, None, config.load(), driver=False)
    password = "hunter2-in-a-local"

    def sign_in() -> None:
        typed = password
        raise RuntimeError(len(typed))

    try:
        sign_in()
    except RuntimeError:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(App, "_close_messages_no_wait", lambda self: None)
            app._fatal_error()
    app._print_error_renderables()
    shown = capsys.readouterr()
    assert "RuntimeError" in shown.err + shown.out
    assert password not in shown.err + shown.out


async def test_a_server_that_went_away_is_said_with_the_next_try_and_esc_stops_asking(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 1000.0)
    monkeypatch.setattr("xnat_tui.xnat.http.retry.LONGEST_WAIT", 20.0)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        world.lab.stop()
        await told.pilot.press("R")
        await told.until_shown("! lab does not answer: next try in")
        assert "s, esc stops" in told.lines[0]
        await told.press("escape")
        await told.until(lambda: "does not answer" not in told.screen)
        told.lacks("loading")
        await told.pilot.press("=")
        await told.until_shown("! lab does not answer: next try in")
        while "does not answer" in told.screen or told.app.context.loader.waiting:
            await told.pilot.press("escape")  # what compares, then the rows that are shown
            await told.pilot.pause(0.02)
        assert told.main.comparison.shown is None or not told.main.comparison.runs
