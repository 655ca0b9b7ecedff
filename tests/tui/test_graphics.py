"""Pictures by the terminal's own graphics, seen by a terminal that answers as real ones do."""

from __future__ import annotations

import base64
import codecs
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyte
import pytest
from PIL import Image
from rich.cells import cell_len

from tests.tui.demo_pair import DemoPair, demo_pair
from xnat_tui.config import IMAGES
from xnat_tui.errors import ConfigError
from xnat_tui.services.dicom.images import Frame, Window
from xnat_tui.tui.terminal.driver import CellScreen
from xnat_tui.tui.terminal.graphics import (
    ORDINALS,
    Answers,
    Graphics,
    Means,
    Raster,
    encode,
    placeholders,
    questions,
    wanted,
)

WIDTH, HEIGHT = 80, 24
ASK_KITTY, ASK_CELL, ASK_ATTRIBUTES = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\", "\x1b[16t", "\x1b[c"
KITTY = {ASK_KITTY: "\x1b_Gi=31;OK\x1b\\", ASK_CELL: "\x1b[6;20;10t", ASK_ATTRIBUTES: "\x1b[?62;c"}
SIXEL = {ASK_CELL: "\x1b[6;20;10t", ASK_ATTRIBUTES: "\x1b[?62;4;22c"}
NEITHER = {ASK_ATTRIBUTES: "\x1b[?1;2c"}
SILENT: dict[str, str] = {}
GRAPHICS = re.compile(r"\x1b_[^\x1b]*\x1b\\|\x1bP[^\x1b]*\x1b\\|\x1b\[[<>=][0-9;]*u")
UNFINISHED = re.compile(r"\x1b(?:[_P][^\x1b]*\x1b?|\[?[<>=]?[0-9;]*)?\Z")
CTRL_L = "\x0c"
PLACEHOLDER = "\U0010eeee"


class Terminal:
    """A pseudo-terminal with the explorer on it. It answers what is asked, and never on its own."""

    def __init__(self, fd: int, answers: dict[str, str]) -> None:
        self.fd = fd
        self.answers = answers
        self.sent = ""
        self.asked: set[str] = set()
        self._display = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self._display)
        self._unread = ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def until(self, done: Callable[[], bool]) -> None:
        """Read on until something has come about; the suite's time-out is the limit."""
        while not done():
            piece = self._decode(os.read(self.fd, 65536))
            self.sent += piece
            self._draw(piece)
            for question in (ASK_KITTY, ASK_CELL, ASK_ATTRIBUTES):
                if question in self.sent and question not in self.asked:
                    self.asked.add(question)
                    os.write(self.fd, self.answers.get(question, "").encode())

    def until_shown(self, text: str) -> None:
        self.until(lambda: text in self.screen)

    @property
    def screen(self) -> str:
        return "\n".join(self._display.display)

    def _draw(self, piece: str) -> None:
        """Show the text; pyte knows no pictures, which are cut out, whole ones only."""
        text = GRAPHICS.sub("", self._unread + piece)
        begun = UNFINISHED.search(text)
        self._unread = text[begun.start() :] if begun else ""
        self._stream.feed(text[: len(text) - len(self._unread)])

    def since(self, start: int) -> str:
        return self.sent[start:]


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[DemoPair]:
    with (
        pytest.MonkeyPatch.context() as patch,
        demo_pair(tmp_path_factory.mktemp("pair"), patch) as pair,
    ):
        yield pair


@contextmanager
def explorer(answers: dict[str, str], **environ: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    known = {name: text for name, text in os.environ.items() if name not in ("TMUX", "STY", "NO_COLOR")}
    program = subprocess.Popen(
        [sys.executable, "-m", "xnat_tui", "lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=Path(__file__).parents[2],
        env=known | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | environ,
        start_new_session=True,
    )
    os.close(theirs)
    terminal = Terminal(ours, answers)
    try:
        yield terminal
    finally:
        program.kill()  # told to end, it would wait for somebody to read its last frame
        program.wait()
        os.close(ours)


def open_picture(terminal: Terminal) -> None:
    terminal.until_shown("scans")
    terminal.press("\r")
    terminal.until_shown("T1_MPRAGE")
    terminal.press("jj")
    terminal.press("I")
    terminal.until_shown("1 of 10")


def leave_picture(terminal: Terminal) -> None:
    terminal.press("\x1b")
    terminal.until_shown("space Mark")


def test_kitty_gets_the_picture_once_and_draws_it_wherever_placeholders_stand(servers):
    with explorer(KITTY) as terminal:
        terminal.until_shown("scans")
        assert not terminal.asked, "nothing is asked before a picture is wanted"
        open_picture(terminal)
        terminal.until(lambda: terminal.sent.count(PLACEHOLDER) == 38 * 19)
        picture = kitty_picture(terminal.sent)
        assert (picture.size, picture.mode) == ((80, 80), "L")
        assert max(picture.tobytes()) > 200
        assert "\x1b_Ga=p,U=1,i=113,c=38,r=19,q=2\x1b\\" in terminal.sent
        # the colour is the picture's number; a style that was open before is ended with it
        assert re.search(rf"\x1b\[(0;)?38;5;113m{placeholders(0, 2)}", terminal.sent)
        # an answer that is slow finds half blocks drawn: the picture takes their place
        terminal.until(lambda: "▀" not in terminal.screen)

        before = len(terminal.sent)
        terminal.press("j")
        terminal.until_shown("2 of 10")
        terminal.until(lambda: "U=1" in terminal.since(before))
        assert kitty_picture(terminal.since(before)).tobytes() != picture.tobytes()
        assert PLACEHOLDER not in terminal.since(before)

        leave_picture(terminal)
        terminal.until(lambda: "\x1b_Ga=d,d=I,i=113,q=2\x1b\\" in terminal.sent)
        assert PLACEHOLDER not in terminal.screen


def test_sixels_are_drawn_in_place_again_after_something_covered_them_and_leave_no_trace(servers):
    with explorer(SIXEL) as terminal:
        open_picture(terminal)
        drawn = re.compile(r'\x1b\[3;22H\x1bP[\d;]*q"1;1;380;380(#\d+;2;\d+;\d+;\d+)+[^\x1b;]*\x1b\\')
        terminal.until(lambda: bool(drawn.search(terminal.sent)))
        assert PLACEHOLDER not in terminal.sent

        before = len(terminal.sent)
        terminal.press("?")
        terminal.until_shown("Keys of Image")
        assert "\x1bP" not in terminal.since(before)
        terminal.press("\x1b")
        terminal.until(lambda: bool(drawn.search(terminal.since(before))))
        assert "Keys of Image" not in terminal.screen

        before = len(terminal.sent)
        leave_picture(terminal)
        assert "\x1bP" not in terminal.since(before)
        below = terminal.since(before)
        assert all(f"\x1b[{row};" in below for row in range(3, 22)), "every row that the picture covered"


@pytest.mark.parametrize("answers", [NEITHER, SILENT], ids=["neither", "silent"])
def test_other_terminals_get_half_blocks(servers, answers):
    with explorer(answers) as terminal:
        open_picture(terminal)
        terminal.until(lambda: terminal.screen.count("▀") == 38 * 19)
        assert terminal.asked == {ASK_KITTY, ASK_CELL, ASK_ATTRIBUTES}
        assert PLACEHOLDER not in terminal.sent
        assert "\x1bP" not in terminal.sent
        terminal.press(CTRL_L)
        terminal.until(lambda: "\x1b[2J" in terminal.sent)
        terminal.until(lambda: terminal.screen.count("▀") == 38 * 19)
        leave_picture(terminal)


def test_with_few_colours_brightness_is_told_by_characters_and_nothing_is_asked(servers):
    with explorer(SILENT, TERM="linux", COLORTERM="") as terminal:
        open_picture(terminal)
        terminal.until(lambda: terminal.screen.count("▓") > 20)
        assert terminal.screen.count("▒") > 20
        assert "▀" not in terminal.screen
        assert not terminal.asked


def kitty_picture(sent: str) -> Image.Image:
    """What the pieces of a transmission make, put together as the protocol says."""
    pieces = re.findall(r"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\", sent)
    pieces = [(keys, data) for keys, data in pieces if "a=q" not in keys]
    assert pieces[0][0].startswith("a=t,f=100,t=d,i=113,q=2,m=")
    assert all(len(data) <= 4096 for _, data in pieces)
    assert [keys[-1] for keys, _ in pieces] == ["1"] * (len(pieces) - 1) + ["0"]
    return Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces))))


# what is asked, and what is made of the answers


@pytest.mark.parametrize(
    "environ",
    [{}, {"TERM": "dumb"}, {"TERM": "linux"}, {"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}],
)
def test_terminals_that_would_print_the_question_are_not_asked(environ):
    assert questions(environ) == ""


@pytest.mark.parametrize(
    "environ",
    [
        {"TERM": "tmux-256color"},
        {"TERM": "screen"},
        {"TERM": "xterm", "TMUX": "/tmp/x,1,0"},
        {"TERM": "xterm", "STY": "1"},
    ],
)
def test_multiplexers_are_asked_for_sixels_alone(environ):
    assert questions(environ) == ASK_CELL + ASK_ATTRIBUTES


def test_answers_are_taken_out_of_what_is_typed_wherever_they_are_cut():
    typed = "a\x1b_Gi=31;OK\x1b\\b\x1b[6;18;9tc\x1b[A\x1b[?62;22cd"
    for cut in range(len(typed)):
        answers = Answers()
        left = answers.feed(typed[:cut]) + answers.feed(typed[cut:])
        if typed[:cut].endswith("\x1b"):  # that may as well have been the key
            continue
        assert left == "abc\x1b[Ad", cut
        assert (answers.means, answers.cell, answers.complete) == (Means.KITTY, (9, 18), True), cut


def test_an_escape_key_is_not_held_back():
    assert Answers().feed("\x1b") == "\x1b"


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ("\x1b[?62;4;22c", Means.SIXEL),
        ("\x1b[?64;14c", Means.BLOCKS),
        ("\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[?62c", Means.BLOCKS),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62;4c", Means.SIXEL),
    ],
)
def test_sixels_win_where_a_terminal_does_both(answer, means):
    answers = Answers()
    assert answers.feed(answer) == ""
    assert answers.means is means


class Asked:
    """A driver that remembers what it was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def ask(self, questions: str, answered: Callable[[Answers], None]) -> None:
        self.questions.append(questions)
        self.answered = answered

    def show(self, raster: Raster | None) -> None:
        pass


def answered(*answers: str) -> Answers:
    made = Answers()
    for answer in answers:
        made.feed(answer)
    return made


def test_the_terminal_is_asked_once(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    graphics, driver, told = Graphics(Means.AUTO), Asked(), []
    for _ in range(2):
        graphics.learn(driver, lambda: told.append(graphics.means))
    assert len(driver.questions) == 1
    driver.answered(answered(KITTY[ASK_KITTY], KITTY[ASK_CELL], KITTY[ASK_ATTRIBUTES]))
    assert told == [Means.KITTY]


def test_sixels_need_a_size_of_cells(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    graphics, driver = Graphics(Means.AUTO), Asked()
    graphics.learn(driver, lambda: None)
    driver.answered(answered(SIXEL[ASK_ATTRIBUTES]))
    assert graphics.means is Means.BLOCKS


def test_what_is_configured_is_not_asked_for():
    for means in (Means.KITTY, Means.SIXEL, Means.BLOCKS):
        graphics, driver = Graphics(means), Asked()
        graphics.learn(driver, lambda: None)
        assert (graphics.means, driver.questions) == (means, [])


def test_without_the_libraries_there_are_half_blocks(monkeypatch):
    monkeypatch.setattr("xnat_tui.tui.terminal.graphics.find_spec", lambda _: None)
    graphics = Graphics(Means.KITTY)
    graphics.learn(Asked(), lambda: None)
    assert graphics.means is Means.BLOCKS


def test_the_environment_wins_over_the_configuration_and_a_wrong_word_is_named():
    assert wanted("kitty", {}) is Means.KITTY
    assert wanted("kitty", {"XNAT_TUI_IMAGES": "blocks"}) is Means.BLOCKS
    with pytest.raises(ConfigError, match="XNAT_TUI_IMAGES must be one of auto, kitty, sixel, blocks"):
        wanted("auto", {"XNAT_TUI_IMAGES": "ascii"})


def test_every_word_that_may_be_configured_means_something():
    assert [str(means) for means in Means] == list(IMAGES)


def test_rows_and_columns_are_numbered_as_kitty_numbers_them():
    from textual_image.renderable.tgp import _NUMBER_TO_DIACRITIC

    assert [ord(mark) for mark in ORDINALS] == _NUMBER_TO_DIACRITIC
    assert cell_len(placeholders(296, 297)) == 297


# pictures


def test_a_picture_keeps_its_proportions_in_cells_and_sends_no_pixel_twice():
    frame = Frame(np.arange(40 * 20, dtype=np.float32).reshape(20, 40), Window(400, 800))
    raster = encode(frame, Means.KITTY, (70, 30), (10, 20), frame.window)
    assert (raster.columns, raster.rows) == (70, 18)
    assert kitty_picture(raster.data).size == (40, 20)


def test_a_picture_larger_than_its_room_is_shrunk_before_it_is_sent():
    frame = Frame(np.zeros((400, 800, 3), np.float32), Window(127, 255))
    raster = encode(frame, Means.KITTY, (20, 20), (10, 20), frame.window)
    picture = kitty_picture(raster.data)
    assert (picture.size, picture.mode) == ((200, 100), "RGB")
    assert (raster.columns, raster.rows) == (20, 5)


def test_sixels_fill_whole_cells():
    frame = Frame(np.full((33, 21), 50, np.float32), Window(50, 100))
    raster = encode(frame, Means.SIXEL, (40, 10), (9, 19), frame.window)
    width, height = re.search(r'"1;1;(\d+);(\d+)', raster.data).groups()
    assert (int(width), int(height)) == (raster.columns * 9, raster.rows * 19)
    assert raster.rows == 10


# in the driver


def painted(cells: CellScreen, *rows: str) -> str:
    return cells.feed("".join(f"\x1b[{number};1H{text}" for number, text in enumerate(rows, 1)))


SIXELS = Raster(4, 2, "\x1bPq~\x1b\\", in_place=True)


def test_text_over_sixels_is_written_again_after_them():
    cells = CellScreen()
    painted(cells, placeholders(0, 4), placeholders(1, 4))
    cells.show(SIXELS)
    painted(cells, placeholders(0, 4), placeholders(1, 1) + "ok" + placeholders(1, 4)[9:])
    cells.show(SIXELS)
    sent = painted(cells, placeholders(0, 4))
    assert sent.startswith(f"\x1b[1;1H{SIXELS.data}\x1b[2;2Hok")


def test_after_a_resize_and_on_demand_the_picture_is_sent_again():
    for raster in (SIXELS, Raster(4, 1, "\x1b_Gdata\x1b\\", in_place=False)):
        cells = CellScreen()
        cells.show(raster)
        assert raster.data in painted(cells, placeholders(0, 4))
        assert raster.data not in painted(cells, placeholders(0, 4))
        cells.forget()
        assert raster.data in painted(cells, placeholders(0, 4))
        assert raster.data in cells.redraw()


def test_placeholders_of_no_picture_are_blanks():
    assert painted(CellScreen(), "a" + placeholders(0, 2) + "b").startswith("\x1b[1;1Ha  b")
