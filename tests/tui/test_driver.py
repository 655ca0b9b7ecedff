"""The differential driver: fewer bytes, and not one cell that looks different."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
import tty
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.color import ColorSystem
from rich.style import Style
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from xnat_tui.model.pairing import Pair
from xnat_tui.tui.explorer.rows import Rows
from xnat_tui.tui.terminal.driver import CellScreen, DiffDriver, Writer, driver_class

WIDTH, HEIGHT = 80, 24
SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"


class Terminal:
    """A terminal emulator that can be asked for every cell."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = pyte.Screen(width, height)
        self.screen.set_mode(pyte.modes.LNM)
        self.stream = pyte.Stream(self.screen)

    def feed(self, data: str) -> None:
        self.stream.feed(data.replace(SYNC_START, "").replace(SYNC_END, ""))

    def cells(self) -> list[list[tuple[object, ...]]]:
        lines, columns = range(self.screen.lines), range(self.screen.columns)
        return [[tuple(self.screen.buffer[line][column]) for column in columns] for line in lines]


class BothWays(HeadlessDriver):
    """Plays what Textual writes to one terminal as it is and to another through a `CellScreen`."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.cells = CellScreen()
        self.stock, self.differential = Terminal(), Terminal()
        self.stock_bytes = self.sent_bytes = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        sent = self.cells.feed(data)
        self.stock_bytes += len(data.encode())
        self.sent_bytes += len(sent.encode())
        self.stock.feed(data)
        self.differential.feed(sent)


async def play(app: App[None], script: Callable[[Pilot, BothWays], Awaitable[None]]) -> None:
    async def pilot_it(pilot: Pilot) -> None:
        app._sync_available = True
        driver = app._driver
        assert isinstance(driver, BothWays)
        await pilot.pause()
        try:
            await script(pilot, driver)
        finally:
            app.exit()

    app.driver_class = BothWays
    await app.run_async(headless=False, size=(WIDTH, HEIGHT), auto_pilot=pilot_it)


class Question(ModalScreen[None]):
    CSS = "Question { align: center middle; } Question > Static { width: 40; height: 5; border: round red; }"
    BINDINGS = [("escape", "dismiss", "Close")]

    def compose(self) -> Any:
        yield Static("Really? 東京 e\u0301 end")


STEPS = ["down", "right", "right", "right", "right", "space", "end", "pageup", "v", "down", "v", "tab"]
STEPS += ["left", "home", "1", "a", "asterisk"]


async def test_every_cell_is_as_with_the_stock_driver(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)

    async def script(pilot: Pilot[None], driver: BothWays) -> None:
        for step in STEPS:
            await pilot.press(step)
            await pilot.pause()
            assert driver.differential.cells() == driver.stock.cells(), step
        await app.push_screen(Question())
        await pilot.pause()
        assert driver.differential.cells() == driver.stock.cells()
        assert any("Really?" in line for line in driver.differential.screen.display)
        await pilot.press("escape")
        await pilot.pause()
        app.theme = "ansi-dark"
        await pilot.pause()
        assert driver.differential.cells() == driver.stock.cells()
        assert driver.sent_bytes < driver.stock_bytes / 3

    await play(app, script)


async def test_a_resize_is_drawn_from_scratch(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)

    async def script(pilot: Pilot[None], driver: BothWays) -> None:
        driver.stock, driver.differential = Terminal(60, 18), Terminal(60, 18)
        driver.cells.forget()
        await pilot.resize_terminal(60, 18)
        await pilot.pause()
        assert driver.differential.cells() == driver.stock.cells()
        assert "SUB-001" in driver.differential.screen.display[1]

    await play(app, script)


async def test_redraw_repairs_a_terminal_that_something_else_wrote_on(rows: Rows, tree_app: type) -> None:
    app = tree_app(rows)

    async def script(pilot: Pilot[None], driver: BothWays) -> None:
        driver.differential.feed("\x1b[5;5Hsomething else\x1b[41m wrote here")
        driver.differential.feed(driver.cells.redraw())
        assert driver.differential.cells() == driver.stock.cells()

    await play(app, script)


async def test_going_down_costs_few_bytes_and_standing_still_none(
    tree_app: type, wide: Callable[[int], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = tree_app(Rows(wide(1000), comparing=True))

    async def script(pilot: Pilot[None], driver: BothWays) -> None:
        assert app.console.color_system == "truecolor"
        before = driver.sent_bytes
        for _ in range(100):
            await pilot.press("down")
            await pilot.pause()
        assert app.left.scroll_y > 80
        assert (driver.sent_bytes - before) / 100 <= 700, (driver.sent_bytes - before) / 100
        assert driver.differential.cells() == driver.stock.cells()
        still = driver.sent_bytes
        app.refresh()
        app.left.refresh()
        for _ in range(10):
            await pilot.pause()
        assert driver.sent_bytes == still

    await play(app, script)


def rendered(text: str, style: str = "") -> str:
    return Strip.render_style(Style.parse(style), text, ColorSystem.TRUECOLOR) if style else text


FRAMES: list[list[str | tuple[str, str]]] = [
    ["\x1b[1;1H", "plain text"],
    ["\x1b[1;3H", ("red", "bold red"), "x"],
    ["\x1b[2;1H", "東京都", ("港区", "on blue")],
    ["\x1b[2;1H", "東a 都x "],
    ["\x1b[2;3H", ("京", "underline")],
    ["\x1b[3;1H", "e\u0301a\u0308 end"],
    ["\x1b[3;2H", "zz"],
    ["\x1b[1;1H", "line one\n", "\x1b[2;1H", "line two      "],
    ["\x1b[3;70H", ("to the edge", "reverse")],
    ["\x1b[4;1H", ("go", "link https://example.org"), " on"],
    ["\x1b[4;1H", ("go", "link https://example.org/2"), " on"],
]


def test_wide_and_combining_characters_links_and_overlaps_come_out_the_same() -> None:
    stock, differential, cells = Terminal(), Terminal(), CellScreen()
    for frame in FRAMES:
        data = "".join(part if isinstance(part, str) else rendered(*part) for part in frame)
        stock.feed(data)
        differential.feed(cells.feed(SYNC_START) + cells.feed(data) + cells.feed(SYNC_END))
        assert differential.screen.display == stock.screen.display, frame
        assert [[cell[1:] for cell in line] for line in differential.cells()] == [
            [cell[1:] for cell in line] for line in stock.cells()
        ], frame


def test_half_of_a_wide_character_overwritten_blanks_the_other_half() -> None:
    cells = CellScreen()
    cells.feed("\x1b[1;1H東京\x1b[1;1H")
    assert cells.feed("\x1b[1;2Ha\x1b[1;1H") == "\x1b[1;1H a\x1b[1;1H"
    assert cells.feed("\x1b[1;3Hb\x1b[1;1H") == "\x1b[1;3Hb \x1b[1;1H"


def test_after_a_character_of_doubtful_width_the_column_is_set_anew() -> None:
    cells = CellScreen()
    assert cells.feed("\x1b[1;1H☕\ufe0fx\x1b[1;1H") == "\x1b[1;1H☕\ufe0f\x1b[1;3Hx\x1b[1;1H"


def test_a_frame_that_changes_nothing_is_not_sent_at_all() -> None:
    cells = CellScreen()
    frame = "\x1b[1;1H" + rendered("hello", "red") + "\x1b[1;1H"
    assert cells.feed(SYNC_START) == ""
    assert cells.feed(frame) == ""
    assert "hello" in cells.feed(SYNC_END)
    assert cells.feed(SYNC_START) + cells.feed(frame) + cells.feed(SYNC_END) == ""


def test_only_the_changed_part_of_a_line_is_sent() -> None:
    cells = CellScreen()
    cells.feed("\x1b[1;1H" + "a" * 40 + "\x1b[1;1H")
    sent = cells.feed("\x1b[1;1H" + "a" * 20 + "b" + "a" * 19 + "\x1b[1;1H")
    assert sent == "\x1b[1;21Hb\x1b[1;1H"


@pytest.mark.parametrize(
    "sequence", ["\x1b[?1000h", "\x1b[>1u", "\x1b[?2026$p", "\x07", "\x1b]52;c;eA==\x07"]
)
def test_what_switches_modes_passes_through_and_nothing_is_forgotten(sequence: str) -> None:
    cells = CellScreen()
    frame = "\x1b[1;1Hhello\x1b[1;1H"
    cells.feed(frame)
    assert cells.feed(sequence) == sequence
    assert cells.feed(frame) == ""


@pytest.mark.parametrize("sequence", ["\x1b[2J", "\x1b[3L", "\x1b(0lqk", "\x1b[?1049h"])
def test_after_what_may_have_drawn_everything_is_sent_again(sequence: str) -> None:
    cells = CellScreen()
    frame = "\x1b[1;1Hhello\x1b[1;1H"
    cells.feed(frame)
    assert sequence in cells.feed(sequence)
    assert "hello" in cells.feed(frame)


def test_the_switch_brings_back_the_stock_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XNAT_TUI_DIFF_DRIVER", raising=False)
    assert driver_class() is DiffDriver
    assert driver_class(False) is LinuxDriver
    monkeypatch.setenv("XNAT_TUI_DIFF_DRIVER", "0")
    assert driver_class() is LinuxDriver


def written(*texts: str, read_from: int) -> tuple[str, list[str]]:
    """What a terminal shows of texts, when it is read only after so many; and the threads that wrote."""
    terminal, child = pty.openpty()
    tty.setraw(child)
    threads: list[str] = []

    class Told(io.TextIOWrapper):
        def write(self, text: str) -> int:
            threads.append(threading.current_thread().name)
            return super().write(text)

    file = Told(io.FileIO(child, "w"), "utf-8", write_through=True)
    writer = Writer(file)
    writer.start()
    for text in texts[:read_from]:
        writer.write(text)
    total, seen = len("".join(texts).encode()), os.read(terminal, 65536)
    for text in texts[read_from:]:
        writer.write(text)
    while len(seen) < total:
        seen += os.read(terminal, 65536)
    writer.stop()
    file.close()
    os.close(terminal)
    return seen.decode(), threads


def test_a_small_frame_is_sent_without_a_change_of_threads() -> None:
    frames = ["é" * 20, "second", "third"]
    assert written(*frames, read_from=1) == ("".join(frames), [])


def test_small_frames_are_encoded_as_the_terminals_file_has_it() -> None:
    terminal, child = pty.openpty()
    tty.setraw(child)
    file = io.TextIOWrapper(io.FileIO(child, "w"), "latin-1", "backslashreplace", write_through=True)
    writer = Writer(file)
    writer.start()
    writer.write("é\ud800")
    assert os.read(terminal, 100) == b"\xe9\\ud800"
    writer.stop()
    file.close()
    os.close(terminal)


def test_nothing_is_written_to_a_terminal_that_was_given_back() -> None:
    terminal, child = pty.openpty()
    tty.setraw(child)
    file = io.TextIOWrapper(io.FileIO(child, "w"), "utf-8", write_through=True)
    writer = Writer(file)
    writer.start()
    writer.stop()
    writer.write("late")
    file.write("$ ")  # the shell's
    assert os.read(terminal, 100) == b"$ "
    file.close()
    os.close(terminal)


def test_a_terminal_that_takes_nothing_holds_nobody_up_and_gets_all_in_order() -> None:
    frames = [f"{number:04}" * 200 for number in range(25)] + ["last"]
    seen, threads = written(*frames, read_from=26)
    assert seen == "".join(frames)
    assert set(threads) == {"textual-output"}


def test_a_large_frame_waits_in_the_thread() -> None:
    seen, threads = written("x" * 2000, "y", read_from=2)
    assert seen == "x" * 2000 + "y"
    assert threads[0] == "textual-output"


PROGRAM = """
import signal
from textual.app import App
from textual.widgets import Static
from xnat_tui.tui.terminal.driver import DiffDriver

class Small(App[None]):
    CSS = "Screen { background: black; }"
    def compose(self):
        yield Static("before")
    def on_ready(self):
        self.query_one(Static).update("hello from a real terminal")
        self.call_after_refresh(self.resized)
    def resized(self):
        assert signal.getsignal(signal.SIGWINCH).__name__ == "forget_and_resize"
        signal.raise_signal(signal.SIGWINCH)
        with self.suspend():
            pass
        self.call_after_refresh(self.exit)

Small(driver_class=DiffDriver).run()
"""


def test_on_a_real_terminal_it_starts_suspends_resumes_and_leaves_no_trace() -> None:
    terminal, child_side = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=child_side,
        stdout=child_side,
        stderr=child_side,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT)},
        start_new_session=True,
    )
    os.close(child_side)
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so at the end of a pseudo-terminal
            break
        if not piece:
            break
        output += piece
    os.close(terminal)
    assert program.wait() == 0, output.decode(errors="replace")[-2000:]
    text = output.decode()
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 2
    second = text.split("\x1b[?1049h")[2].split("\x1b[?1049l")[0]
    assert "hello from a real terminal" in second
