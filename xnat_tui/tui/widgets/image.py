"""A picture in the terminal: by its own graphics, else two pixels in each cell, else shades of characters."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from xnat_tui.errors import XnatTuiError
from xnat_tui.services.dicom.images import Frame, Picture, Window, draw
from xnat_tui.tui.context import context_of
from xnat_tui.tui.terminal.graphics import Canvas, Graphics, Means, Raster, encode, placeholders

_UPPER_HALF = "▀"
_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:-=+*#%@"

Rgb = tuple[int, int, int]


class ImageView(Widget):
    """Shows a frame as large as it fits, with true proportions: in half blocks, half a cell is about square.

    Rich tunes the colours down to what the terminal has; without colours, brightness becomes a character.
    """

    DEFAULT_CSS = "ImageView { height: 1fr; width: 1fr; background: $background; }"

    def __init__(self, graphics: Graphics, *, colours: bool = True, ascii_only: bool = False) -> None:
        super().__init__()
        self._graphics = graphics
        self._colours = colours
        self._ascii = ascii_only
        self._frame: Frame | None = None
        self._window: Window | None = None
        self._strips: list[Strip] = []

    def on_mount(self) -> None:
        self._graphics.learn(self.app._driver, self._draw)

    def on_unmount(self) -> None:
        self._place(None)

    def show(self, frame: Frame | None, window: Window | None = None) -> None:
        self._frame, self._window = frame, window
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        frame = self._frame
        if not self.is_attached or not width or not height:
            return
        if frame is None:
            self._place(None)
            self._fill([], 0)
        elif self._graphics.means is Means.BLOCKS:
            picture = draw(frame, width, 2 * height, self._window)
            lines = [self._line(picture, row) for row in range(0, picture.height, 2)]
            self._fill(lines, picture.width)
        else:
            self._encode(frame, self._window or frame.window)

    def _encode(self, frame: Frame, window: Window) -> None:
        """Off the screen: it takes some tenths of a second. What is shown stays until then."""
        graphics, room = self._graphics, (self.size.width, self.size.height)

        def refuse(error: XnatTuiError) -> None:
            graphics.means = Means.BLOCKS
            self._draw()
            context.report(error)

        context = context_of(self)
        context.run(
            ("picture", id(self)),
            lambda: encode(frame, graphics.means, room, graphics.cell, window),
            self._place,
            refuse,
        )

    def _place(self, raster: Raster | None) -> None:
        driver = self.app._driver
        if not isinstance(driver, Canvas) or (raster is not None and not self.is_attached):
            return
        driver.show(raster)
        if raster is not None:
            texts = (placeholders(row, raster.columns) for row in range(raster.rows))
            self._fill([[Segment(text, self.rich_style)] for text in texts], raster.columns)

    def _fill(self, lines: list[list[Segment]], width: int) -> None:
        """Show these lines of so many cells in the middle."""
        left = (self.size.width - width) // 2
        above = (self.size.height - len(lines)) // 2
        self._strips = [Strip([])] * above
        self._strips += [Strip([Segment(" " * left, self.rich_style), *line], left + width) for line in lines]
        self.refresh()

    def render_line(self, y: int) -> Strip:
        strip = self._strips[y] if y < len(self._strips) else Strip([])
        return strip.extend_cell_length(self.size.width, self.rich_style)

    def _line(self, picture: Picture, row: int) -> list[Segment]:
        """The cells that two rows of pixels make; below an odd last row there is nothing."""
        cells: list[tuple[Rgb, Rgb]] = []
        for column in range(picture.width):
            upper = picture.pixel(column, row)
            cells.append((upper, picture.pixel(column, row + 1) if row + 1 < picture.height else (0, 0, 0)))
        if not self._colours:
            return [Segment("".join(map(self._shade, cells)), self.rich_style)]
        character = " " if self._ascii else _UPPER_HALF
        return [
            Segment(character * len(list(run)), _mean_style(*colours) if self._ascii else _style(*colours))
            for colours, run in groupby(cells)
        ]

    def _shade(self, cell: tuple[Rgb, Rgb]) -> str:
        ramp = _ASCII_SHADES if self._ascii else _SHADES
        brightness = sum(sum(pixel) for pixel in cell) / (6 * 255)
        return ramp[min(int(brightness * len(ramp)), len(ramp) - 1)]


@lru_cache(maxsize=4096)
def _style(upper: Rgb, lower: Rgb) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


@lru_cache(maxsize=4096)
def _mean_style(upper: Rgb, lower: Rgb) -> Style:
    red, green, blue = ((one + other) // 2 for one, other in zip(upper, lower, strict=True))
    return Style(bgcolor=Color.from_rgb(red, green, blue))
