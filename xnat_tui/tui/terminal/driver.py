"""A terminal driver that sends only the cells that changed: over SSH, bytes are what is waited for.

Textual keeps no copy of the screen and repaints whole widgets. `CellScreen` reads what it writes,
keeps a grid of what the terminal shows, and passes on the difference.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from select import POLLOUT, poll, select
from selectors import EVENT_READ, SelectSelector
from threading import Lock, RLock
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from rich.cells import cell_len, get_character_cell_size
from textual import events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from xnat_tui.tui.terminal.graphics import KITTY_STYLE, PLACEHOLDER, REMOVAL, Answers, Raster, placeholder_at

if TYPE_CHECKING:
    from types import FrameType

    from textual.app import App

SWITCH = "XNAT_TUI_DIFF_DRIVER"
"""Environment variable; `0` turns the differential driver off, whatever the configuration says."""

_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"

_TOKEN = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|\x1b\[(?P<row>\d*)(?:;(?P<column>\d*))?H"
    r"|(?P<link>\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\))"
    r"|(?P<newline>\r?\n)"
    r"|(?P<mode>\x1b\[\?[0-9;]*(?:[hl]|\$p)|\x1b\[[<>=][0-9;]*u|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x07)"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
"""What a frame consists of, and what may stand beside frames without drawing anything (`mode`)."""

_ALTERNATE_SCREEN = re.compile(r"\x1b\[\?(?:1049|1047|47)[hl]")

_AT_ONCE = 1024
"""Bytes that a terminal which takes any takes whole, as Linux and macOS have it: their buffers hold more."""

_BRIDGE = 4
"""Unchanged cells between two changed ones that are cheaper to send again than to jump over."""


class CellScreen:
    """What the terminal shows, as cells of (text, style); turns what is written into what must be sent.

    A style is the escape sequences that switch it on; a wide character is followed by a cell of
    empty text. Whatever is not understood is passed on as it is, and everything known is forgotten.
    """

    def __init__(self) -> None:
        self._wanted: dict[int, list[tuple[str, str]]] = {}
        self._shown: dict[int, list[tuple[str, str]]] = {}
        self._touched: set[int] = set()
        self._cursor = (0, 0)
        self._sent_cursor: tuple[int, int] | None = None
        self._in_sync = False
        self._raster: Raster | None = None
        self._raster_sent = False
        self._raster_at: tuple[int, int] | None = None
        """The cell of its upper left corner, as the placeholders tell."""

    def forget(self) -> None:
        """Take nothing for granted any more: whatever is drawn next is sent."""
        self._wanted.clear()
        self._shown.clear()
        self._touched.clear()
        self._sent_cursor = None
        self._raster_sent = False
        self._raster_at = None

    def redraw(self) -> str:
        """What clears the terminal and paints all that was drawn last."""
        self._shown.clear()
        self._sent_cursor = None
        self._raster_sent = False
        self._touched.update(self._wanted)
        return "\x1b[0m\x1b[2J" + self._changes()

    def show(self, raster: Raster | None) -> str:
        """Have placeholders stand for this picture from the next frame on; returns what to send now."""
        before, self._raster = self._raster, raster
        self._raster_sent = False
        kept = before is not None and not before.in_place
        return REMOVAL if kept and (raster is None or raster.in_place) else ""

    def feed(self, data: str) -> str:
        """What to send to the terminal in place of `data`; "" when it changes nothing.

        Between the marks of a synchronised update, the changes are held back until its end.
        """
        if data == _SYNC_START:
            self._in_sync = True
            return ""
        if data == _SYNC_END:
            self._in_sync = False
            changes = self._changes()
            return f"{_SYNC_START}{changes}{_SYNC_END}" if changes else ""
        passed_on = self._read(data)
        if passed_on is None:
            held = self._changes()
            self.forget()
            return held + data
        return passed_on if self._in_sync else passed_on + self._changes()

    def _read(self, data: str) -> str | None:
        """Draw into the wanted grid; returns the sequences that draw nothing, None at an unknown one."""
        passed_on: list[str] = []
        sgr = link = ""
        end = 0
        row, column = self._cursor
        for token in _TOKEN.finditer(data):
            if token.start() != end:
                return None
            end = token.end()
            text = token["text"]
            if text is not None:
                column = self._put(row, column, text, link + sgr)
            elif token["sgr"] is not None:
                sgr = "" if token["sgr"] in ("", "0") else sgr + token[0]
            elif token["row"] is not None:
                row, column = int(token["row"] or 1) - 1, int(token["column"] or 1) - 1
            elif token["newline"] is not None:
                row, column = row + 1, 0
            elif token["link"] is not None:
                link = "" if _ends_link(token["link"]) else token["link"]
            else:
                if _ALTERNATE_SCREEN.fullmatch(token["mode"]):
                    self.forget()
                passed_on.append(token["mode"])
        if end != len(data):
            return None
        self._cursor = (row, column)
        return "".join(passed_on)

    def _put(self, row: int, column: int, text: str, style: str) -> int:
        """Place a run of text; returns the column behind it."""
        cells = [(character, style) for character in text] if text.isascii() else _cells(text, style)
        line = self._wanted.setdefault(row, [])
        self._touched.add(row)
        if len(line) < column:
            line.extend([_UNKNOWN] * (column - len(line)))
        end = column + len(cells)
        if 0 < column < len(line) and line[column][0] == "" and line[column] is not _UNKNOWN:
            line[column - 1] = (" ", line[column - 1][1])
        if end < len(line) and line[end][0] == "" and line[end] is not _UNKNOWN:
            line[end] = (" ", line[end][1])
        line[column:end] = cells
        if PLACEHOLDER in text:
            self._locate(row, column, cells)
        return end

    def _locate(self, row: int, column: int, cells: list[tuple[str, str]]) -> None:
        for at, (text, _) in enumerate(cells, column):
            if (place := placeholder_at(text)) is not None:
                self._raster_at = (row - place[0], at - place[1])
                return

    def _changes(self) -> str:
        """Everything in which the wanted grid differs from the shown one, which is then the same."""
        text, damaged = self._painted(sorted(self._touched))
        self._touched.clear()
        raster = self._raster
        if raster is not None and self._raster_at is not None:
            if raster.in_place and (damaged or not self._raster_sent):
                text += self._drawn(raster, *self._raster_at)
            elif not raster.in_place and not self._raster_sent:
                text = raster.data + text
            self._raster_sent = True
        if text or self._cursor != self._sent_cursor:
            text += f"\x1b[{self._cursor[0] + 1};{self._cursor[1] + 1}H"
            self._sent_cursor = self._cursor
        return text

    def _painted(self, rows: Iterable[int]) -> tuple[str, bool]:
        """Cells of these rows that are not shown as wanted; and whether placeholders were among them."""
        pieces: list[str] = []
        style = ""  # stays switched on from span to span: it is most of what a short span costs
        damaged = False
        kept = self._raster is not None and not self._raster.in_place
        for row in rows:
            wanted, shown = self._wanted[row], self._shown.get(row, [])
            if wanted != shown:
                for start, stop in _spans(wanted, shown):
                    pieces.append(f"\x1b[{row + 1};{start + 1}H")
                    if any(text.startswith(PLACEHOLDER) for text, _ in wanted[start:stop]):
                        damaged = True
                        line = [_drawable(cell, kept) for cell in wanted]
                    else:
                        line = wanted
                    style = _paint(pieces, line, range(start, stop), row, style)
                self._shown[row] = list(wanted)
        pieces.append(_switch(style, ""))
        return "".join(pieces), damaged

    def _drawn(self, raster: Raster, row: int, column: int) -> str:
        """A picture of no cells, and again the text that lies over it."""
        covered = range(row, row + raster.rows)
        for line in covered:
            for at, (text, _) in enumerate(self._wanted.get(line, [])):
                over = column <= at < column + raster.columns and not text.startswith(PLACEHOLDER)
                if over and at < len(self._shown[line]):
                    self._shown[line][at] = _UNKNOWN
        text, _ = self._painted(line for line in covered if line in self._wanted)
        return f"\x1b[{row + 1};{column + 1}H{raster.data}{text}"


_UNKNOWN = ("", "unknown")


def _drawable(cell: tuple[str, str], kept: bool) -> tuple[str, str]:
    """What is printed for a placeholder: itself in the colour that names a kept picture, else a blank."""
    if not cell[0].startswith(PLACEHOLDER):
        return cell
    return (cell[0], KITTY_STYLE) if kept else (" ", cell[1])


def _ends_link(sequence: str) -> bool:
    return sequence.startswith("\x1b]8;;") and len(sequence) <= len("\x1b]8;;\x1b\\")


def _cells(text: str, style: str) -> list[tuple[str, str]]:
    """Text as cells: what has no width of its own joins the character before it."""
    cells: list[tuple[str, str]] = []
    cluster = ""
    for character in text:
        joins = cluster != "" and (get_character_cell_size(character) == 0 or cluster.endswith("\u200d"))
        if joins:
            before, cluster = cell_len(cluster), cluster + character
            lead = len(cells) - max(1, before)
            cells[lead] = (cluster, style)
            cells += [("", style)] * (cell_len(cluster) - before)
            continue
        cluster = character
        width = get_character_cell_size(character)
        if width:
            cells += [(character, style), *[("", style)] * (width - 1)]
        else:
            cluster = ""
    return cells


def _spans(wanted: list[tuple[str, str]], shown: list[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    """Where two lines differ, as (first, behind last); short gaps of the same style are bridged."""
    known = len(shown)
    start = stop = -1
    for column, cell in enumerate(wanted):
        if cell is _UNKNOWN or (column < known and cell == shown[column]):
            continue
        if start < 0:
            start = column
        elif column - stop > _BRIDGE or not _bridges(wanted, stop, column):
            yield start, stop
            start = column
        stop = column + 1
    if start >= 0:
        yield start, stop


def _bridges(line: list[tuple[str, str]], first: int, stop: int) -> bool:
    style = line[stop][1]
    return all(text != "" and its_style == style for text, its_style in line[first - 1 : stop])


def _paint(pieces: list[str], line: list[tuple[str, str]], span: range, row: int, style: str) -> str:
    """Append the cells of one span; takes and returns the style that is switched on.

    Behind emoji and composed characters the column is set anew: terminals disagree on how wide those
    are, and here, unlike with full repaints, a shifted line would stay.
    """
    uncertain = False
    for column in span:
        text, its_style = line[column]
        if text == "":
            continue
        if uncertain:
            pieces.append(f"\x1b[{row + 1};{column + 1}H")
        if its_style != style:
            pieces.append(_switch(style, its_style))
            style = its_style
        pieces.append(text)
        wide = column + 1 < len(line) and line[column + 1][0] == ""
        uncertain = (len(text) > 1 or (wide and not text.isalnum())) and not text.startswith(PLACEHOLDER)
    return style


def _switch(old: str, new: str) -> str:
    """From one style to another. `ESC[0;1m` resets and sets at once."""
    leave_link = "\x1b]8;;\x1b\\" if "\x1b]8;" in old else ""
    if not new:
        return f"\x1b[0m{leave_link}" if old else ""
    if old and new.startswith("\x1b["):
        return f"{leave_link}\x1b[0;{new[2:]}"
    return (f"\x1b[0m{leave_link}" if old else "") + new


def _takes_more(terminal: int) -> bool:
    """Whether a write would not wait. On Linux by `poll`, since `select` knows no descriptor above 1023; on
    macOS `poll` knows no terminals."""
    if sys.platform == "linux":
        asked = poll()
        asked.register(terminal, POLLOUT)
        return any(event & POLLOUT for _, event in asked.poll(0))
    return bool(select([], [terminal], [], 0)[1])


class Writer(WriterThread):
    """Textual's thread for output, without a change of threads for what the terminal takes at once: on a busy
    machine each change costs as much as drawing the frame did."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        stream = cast("TextIO", file)
        self._encoding = (stream.encoding, stream.errors or "strict")
        self._turn = Lock()
        self._waiting = 0

    def write(self, text: str) -> None:
        data = text.encode(*self._encoding)
        with self._turn:
            if not self._waiting and len(data) <= _AT_ONCE and _takes_more(self.fileno()):
                while data:
                    data = data[os.write(self.fileno(), data) :]
                return
            self._waiting += 1
        self._queue.put(text)

    def run(self) -> None:
        while (text := self._queue.get()) is not None:
            self._file.write(text)
            self._file.flush()
            with self._turn:
                self._waiting -= 1

    def stop(self) -> None:
        with self._turn:
            self._waiting += 1  # for ever: the terminal is another's now, and nothing goes past the thread
        super().stop()


class DiffDriver(LinuxDriver):
    """Textual's driver for Linux and macOS, with a `CellScreen` in front of its output.

    After anything else wrote on the terminal, call `redraw` (Ctrl+L).
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._cells = CellScreen()
        self._stale = False
        self._lock = RLock()  # the input thread switches modes while the app draws
        self._answers: Answers | None = None
        self._answered: Callable[[Answers], None] = lambda _: None

    def write(self, data: str) -> None:
        with self._lock:
            if self._stale:
                self._stale = False
                self._cells.forget()
            if changes := self._cells.feed(data):
                super().write(changes)

    def redraw(self) -> None:
        """Clear the terminal and paint it again, without asking any widget."""
        with self._lock:
            super().write(self._cells.redraw())

    def ask(self, questions: str, answered: Callable[[Answers], None]) -> None:
        """Ask the terminal something; `answered` is called on the app's loop if it ever answers."""
        with self._lock:
            self._answers, self._answered = Answers(), answered
            super().write(questions)

    def show(self, raster: Raster | None) -> None:
        """Have the placeholders that are drawn from now on stand for this picture, or for none."""
        with self._lock:
            if removal := self._cells.show(raster):
                super().write(removal)

    def run_input_thread(self) -> None:
        """As Textual's, but that answers to `ask` are taken out: its parser would make keys of them."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        with SelectSelector() as selector:
            selector.register(self.fileno, EVENT_READ)
            while not self.exit_event.is_set():
                for _ in selector.select(0.1):
                    if not (read := self._read()):
                        os.kill(os.getpid(), signal.SIGHUP)  # as it is told to whom a terminal controls
                        return
                    if typed := self._without_answers(decode(read)):
                        self._take(parser.feed(typed))
                self._take(parser.tick())
        with suppress(EOFError, ParseError):
            for _ in parser.feed(""):  # ends the parser
                pass

    def _read(self) -> bytes:
        """What was typed; nothing once the terminal is gone."""
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)

    def _without_answers(self, typed: str) -> str:
        answers = self._answers
        if answers is None:
            return typed
        typed = answers.feed(typed)
        if answers.complete:
            self._answers = None
            self._app.call_later(self._answered, answers)
        return typed

    def start_application_mode(self) -> None:
        with self._lock:
            self._cells.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with self._lock:
            assert self._writer_thread is not None, "Textual has just begun"
            self._writer_thread.stop()
            self._writer_thread = Writer(self._writer_thread._file)
            self._writer_thread.start()
        resized = signal.getsignal(signal.SIGWINCH)

        def forget_and_resize(number: int, frame: FrameType | None) -> None:
            self._stale = True
            if callable(resized):
                resized(number, frame)

        signal.signal(signal.SIGWINCH, forget_and_resize)

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Resize):
            self._stale = True
        super().process_message(message)


def driver_class(wanted: bool = True) -> type[LinuxDriver]:
    """The driver for an app: differential unless the configuration or the environment says no."""
    return DiffDriver if wanted and os.environ.get(SWITCH, "1") != "0" else LinuxDriver
