"""Pictures by the terminal's own means: kitty's graphics protocol, or sixels.

A picture stands on the screen as cells of placeholders, which Textual and the driver treat as text: what
covers them, moves them or takes them away needs no further care. kitty draws a part of the picture wherever
it meets a placeholder; for sixels, which belong to no cell, `CellScreen` does that. The terminal is asked
what it can do when the first picture is wanted, not at the start: nothing waits for the answer, and until
it comes, or without one, pictures are made of half blocks.
"""

from __future__ import annotations

import base64
import fcntl
import io
import os
import re
import struct
import termios
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from xnat_tui.errors import ConfigError

if TYPE_CHECKING:
    from PIL.Image import Image

    from xnat_tui.services.dicom.images import Frame, Window

SWITCH = "XNAT_TUI_IMAGES"
"""Environment variable; says what `images` in `[ui]` says, and wins over it."""


class Means(StrEnum):
    """What pictures are drawn with."""

    AUTO = "auto"
    KITTY = "kitty"
    SIXEL = "sixel"
    BLOCKS = "blocks"


CellSize = tuple[int, int]
"""Width and height in pixels."""

_USUAL_CELL: CellSize = (10, 20)


def wanted(configured: str, environ: Mapping[str, str]) -> Means:
    """What the environment says, else the configuration. Raises ConfigError for another word."""
    try:
        return Means(environ.get(SWITCH) or configured)
    except ValueError:
        raise ConfigError(f"{SWITCH} must be one of {', '.join(Means)}.") from None


@runtime_checkable
class Canvas(Protocol):
    """What the differential driver does for pictures; no other driver can."""

    def ask(self, questions: str, answered: Callable[[Answers], None]) -> None: ...

    def show(self, raster: Raster | None) -> None: ...


class Graphics:
    """What this terminal draws pictures with: half blocks, until it is known better."""

    def __init__(self, wanted: Means) -> None:
        self._wanted = wanted
        self._asked = False
        self._told: CellSize | None = None
        self.means = Means.BLOCKS

    @property
    def cell(self) -> CellSize | None:
        """The size of a cell, None while the terminal does not tell."""
        return _cell_of_terminal() or self._told

    def learn(self, driver: object, learnt: Callable[[], None]) -> None:
        """Ask the terminal, once; `learnt` is called when something better than half blocks is known."""
        if self._asked or self._wanted is Means.BLOCKS or not isinstance(driver, Canvas):
            return
        self._asked = True

        def take(answers: Answers) -> None:
            self._told = answers.cell
            if self._can(answers.means) and (answers.means is not Means.SIXEL or self.cell is not None):
                self.means = answers.means
                learnt()

        if self._wanted is not Means.AUTO:
            self.means = self._wanted if self._can(self._wanted) else Means.BLOCKS
        elif what := questions(os.environ):
            driver.ask(what, take)

    @staticmethod
    def _can(means: Means) -> bool:
        """Whether the libraries for it are here; without them there are half blocks."""
        needed = {Means.KITTY: ["PIL"], Means.SIXEL: ["PIL", "textual_image"]}.get(means, [])
        return all(find_spec(name) is not None for name in needed)


def _cell_of_terminal() -> CellSize | None:
    """What the pseudo-terminal says, which is right after a change of fonts too; many say nothing."""
    try:
        answer = fcntl.ioctl(2, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("HHHH", answer)
    size = (width // columns, height // rows) if rows and columns else (0, 0)
    return size if all(size) else None


# asking the terminal

_ASK_KITTY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_ASK_CELL = "\x1b[16t"
_ASK_ATTRIBUTES = "\x1b[c"
"""Every terminal answers this one, so it is asked last."""

_ANSWER = re.compile(
    r"\x1b_G(?P<kitty>[^\x1b]*)\x1b\\"
    r"|\x1b\[6;(?P<height>\d+);(?P<width>\d+)t"
    r"|\x1b\[\?(?P<attributes>[\d;]*)c"
)
_UNFINISHED = re.compile(r"\x1b(?:_(?:G[^\x1b]*\x1b?)?|\[(?:\?[\d;]*|6(?:;[\d;]*)?)?)\Z")
_SIXEL_ATTRIBUTE = "4"


def questions(environ: Mapping[str, str]) -> str:
    """What to send in order to learn the terminal's means; "" where that could only do harm.

    Multiplexers would take kitty's question for a new title, and are asked for sixels alone.
    """
    term = environ.get("TERM", "dumb")
    if term in ("dumb", "linux", "vt100", "vt220") or environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return ""
    multiplexed = "TMUX" in environ or "STY" in environ or term.startswith(("tmux", "screen"))
    return ("" if multiplexed else _ASK_KITTY) + _ASK_CELL + _ASK_ATTRIBUTES


class Answers:
    """Takes the terminal's answers out of what is typed, so that they are not taken for keys."""

    def __init__(self) -> None:
        self._held = ""
        self._kitty = self._sixel = False
        self.cell: CellSize | None = None
        self.complete = False

    @property
    def means(self) -> Means:
        """Sixels first: some terminals speak kitty's protocol but know no placeholders, and do sixels."""
        if self._sixel:
            return Means.SIXEL
        return Means.KITTY if self._kitty else Means.BLOCKS

    def feed(self, typed: str) -> str:
        """What is left of the input without answers; an unfinished one is held back."""
        typed = self._held + typed
        unfinished = _UNFINISHED.search(typed)
        self._held = typed[unfinished.start() :] if unfinished else ""
        return _ANSWER.sub(self._take, typed[: len(typed) - len(self._held)])

    def _take(self, answer: re.Match[str]) -> str:
        if answer["kitty"] is not None:
            self._kitty = answer["kitty"].endswith(";OK")
        elif answer["height"] is not None:
            size = int(answer["width"]), int(answer["height"])
            self.cell = size if all(size) else None
        else:
            self._sixel = _SIXEL_ATTRIBUTE in answer["attributes"].split(";")
            self.complete = True
        return ""


# placeholders

PLACEHOLDER = "\U0010eeee"
PICTURE_ID = 113
"""There is one picture at a time, on a screen that is ours alone."""
KITTY_STYLE = f"\x1b[38;5;{PICTURE_ID}m"
"""The colour tells kitty which picture a placeholder belongs to."""

_ORDINALS = (
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9"
    " 5ab-5ac 5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a"
    " 73d 73f-741 743 745 747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83"
    " f86-f87 135d-135f 17dd 193a 1a17 1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9"
    " 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f"
    " a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38"
    " 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)


def _ordinals() -> str:
    found = ""
    for part in _ORDINALS.split():
        first, _, last = part.partition("-")
        found += "".join(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return found


ORDINALS = _ordinals()
"""Marks that tell a placeholder's row and column, as kitty's protocol numbers them."""


def placeholders(row: int, columns: int) -> str:
    """One row of a picture, as text of so many cells."""
    return "".join(PLACEHOLDER + ORDINALS[row] + ORDINALS[column] for column in range(columns))


def placeholder_at(cell: str) -> tuple[int, int] | None:
    """Row and column within the picture of a placeholder, None for other text."""
    if not cell.startswith(PLACEHOLDER) or len(cell) != 3:
        return None
    return ORDINALS.index(cell[1]), ORDINALS.index(cell[2])


# encoding


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture as it is sent to a terminal. `columns` and `rows` are the cells that it covers."""

    columns: int
    rows: int
    data: str
    in_place: bool
    """Whether `data` draws where the cursor stands; else the terminal keeps it for its placeholders."""


REMOVAL = f"\x1b_Ga=d,d=I,i={PICTURE_ID},q=2\x1b\\"
"""Has kitty forget the picture."""
_CHUNK = 4096
_GREYS = 4
"""Sixels tell grey values that are at least so far apart; each level costs bytes."""


def encode(
    frame: Frame, means: Means, room: tuple[int, int], cell: CellSize | None, window: Window
) -> Raster:
    """A frame as large as it fits into `room` (cells), with true proportions."""
    wide, high = cell or _USUAL_CELL
    across, down = min(room[0], len(ORDINALS)), min(room[1], len(ORDINALS))
    height, width = frame.values.shape[0] * frame.aspect, frame.values.shape[1]
    scale = min(across * wide / width, down * high / height)
    columns = min(across, max(1, -int(-width * scale // wide)))
    rows = min(down, max(1, -int(-height * scale // high)))
    if means is Means.KITTY:
        kept = min(1.0, scale)  # the terminal enlarges by itself: no pixel is sent twice
        image = _image(frame, max(1, round(width * kept)), max(1, round(height * kept)), window)
        return Raster(columns, rows, _kitty(image, columns, rows), in_place=False)
    image = _image(frame, columns * wide, rows * high, window, whole=True)
    return Raster(columns, rows, _sixels(image), in_place=True)


def _image(frame: Frame, width: int, height: int, window: Window, *, whole: bool = False) -> Image:
    """Drawn to fit; `whole` fills up with black to exactly that size."""
    from PIL import Image

    from xnat_tui.services.dicom.images import draw

    picture = draw(frame, width, height, window)
    size = picture.width, picture.height
    if frame.coloured:
        image = Image.frombytes("RGB", size, picture.rgb)
    else:
        image = Image.frombytes("L", size, picture.rgb[::3])
    if not whole or size == (width, height):
        return image
    canvas = Image.new(image.mode, (width, height))
    canvas.paste(image, ((width - size[0]) // 2, (height - size[1]) // 2))
    return canvas


def _kitty(image: Image, columns: int, rows: int) -> str:
    """The picture as PNG in pieces, and a placement for placeholders of so many cells."""
    written = io.BytesIO()
    image.save(written, "PNG")
    text = base64.b64encode(written.getvalue()).decode()
    pieces = [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)]
    keys = f"a=t,f=100,t=d,i={PICTURE_ID},"
    sent = "".join(
        f"\x1b_G{'' if number else keys}q=2,m={int(number + 1 < len(pieces))};{piece}\x1b\\"
        for number, piece in enumerate(pieces)
    )
    return f"{sent}\x1b_Ga=p,U=1,i={PICTURE_ID},c={columns},r={rows},q=2\x1b\\"


def _sixels(image: Image) -> str:
    # not by way of textual_image.renderable: that asks the terminal, and waits for it, as it is imported
    from textual_image._sixel import image_to_sixels

    if image.mode == "L":
        image = image.point([min(255, (value + _GREYS // 2) // _GREYS * _GREYS) for value in range(256)])
    return _colours_first(image_to_sixels(image))


def _colours_first(sixels: str) -> str:
    """Colours are told before the first pixel: xterm draws in wrong ones what came before a later colour."""
    colours = "".join(colour[0] for colour in _COLOUR.finditer(sixels))
    head = _SIXEL_HEAD.match(sixels)
    assert head is not None, "sixels begin with their size"
    return head[0] + colours + _COLOUR.sub(lambda colour: colour[1], sixels[head.end() :])


_SIXEL_HEAD = re.compile(r'\x1bP[\d;]*q"[\d;]*')
_COLOUR = re.compile(r"(#\d+);2;\d+;\d+;\d+")
