"""Slices of a scan, one after the other, or the snapshots that the archive keeps of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.dicom.images import Frame, Images, Window
from xnat_tui.tui.panels.reading import ReadingPanel
from xnat_tui.tui.widgets.image import ImageView

_LAST = 1_000_000_000
"""Asks for the last frame of a file whose number of frames is not known yet."""


class ImagePanel(ReadingPanel[None]):
    """One file is fetched at a time: keys pressed meanwhile only change which one comes next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,j,right_square_bracket", "step(1)", "Next"),
        Binding("left,k,left_square_bracket", "step(-1)", "Previous"),
        Binding("pagedown", "jump(10)", "Ten files on", show=False),
        Binding("pageup", "jump(-10)", "Ten files back", show=False),
        Binding("home", "jump(-1000000)", "First file", show=False),
        Binding("end,G", "jump(1000000)", "Last file", show=False),
        Binding("up", "level(-1)", "Brighter"),
        Binding("down", "level(1)", "Darker"),
        Binding("plus", "contrast(-1)", "Contrast"),
        Binding("minus", "contrast(1)", "Less contrast", show=False),
        Binding("0", "reset", "As stored"),
        Binding("s", "snapshots", "Snapshots"),
        Binding(
            "o", "in_order", "In order", tooltip="Sort by position, else instance number; reads every file"
        ),
        Binding("D", "header", "Header"),
        Binding("r", "retry", "Try again", show=False),
        Binding("I,q", "leave", show=False),
    ]
    DEFAULT_CSS = """
    ImagePanel > .panel--box { width: 100%; }
    ImagePanel > .panel--box.-tall { height: 100%; }
    ImagePanel #about { height: 1; }
    """
    tall = True

    def __init__(self, place: Place) -> None:
        super().__init__(f"Image · {place.location}")
        self._place = place
        self._view: ImageView
        self._images: Images | None = None
        self._files: list[Place] = []
        self._slices: list[Place] = []
        self._wanted = (0, 0)
        """File and frame that the user wants to see."""
        self._frame: Frame | None = None
        self._window: Window | None = None
        self._busy = False

    def body(self) -> list[Widget]:
        few = self.app.console.color_system in (None, "standard")  # 16 colours have four greys
        self._view = ImageView(
            self.context.graphics,
            colours=not (few or self.app.no_color),
            ascii_only=self.context.settings.ui.ascii,
        )
        return [Static("Looking for pictures …", id="about", markup=False), self._view]

    def on_mount(self) -> None:
        self._begin()

    def _begin(self) -> None:
        def find() -> tuple[Images, list[Place]]:
            images = Images(self.reader(self._place.server), self._place)
            return images, images.files()

        self.read("files", find, self._found)

    def _found(self, found: tuple[Images, list[Place]]) -> None:
        self._images, self._files = found
        self._slices = self._files
        uris = [file.item.uri for file in self._files if file.item is not None]
        item = self._place.item
        here = item is not None and item.kind is Kind.FILE and item.uri in uris
        self._go((uris.index(item.uri) if here and item is not None else 0, 0))

    # fetching

    def _go(self, wanted: tuple[int, int]) -> None:
        if not self._files:
            return
        self._wanted = (min(max(wanted[0], 0), len(self._files) - 1), wanted[1])
        if not self._busy:
            self._fetch()

    def _fetch(self) -> None:
        images, wanted = self._images, self._wanted
        assert images is not None, "files were found"
        self._busy = True
        file = self._files[wanted[0]]
        self._say("loading …" if self._frame is None else "")
        self.read(
            "frame", lambda: images.frame(file, wanted[1]), lambda frame: self._take(file, frame), self._fail
        )

    def _take(self, file: Place, frame: Frame) -> None:
        self._busy = False
        self.complain("")
        if file is not self._files[self._wanted[0]]:
            self._fetch()
            return
        if self._wanted[1] != frame.number and self._wanted[1] < frame.frames:
            self._fetch()
            return
        self._wanted = (self._wanted[0], frame.number)
        self._frame = frame
        self._show()

    def _fail(self, error: XnatTuiError) -> None:
        self._busy = False
        self._frame = None
        self._view.show(None)
        self._say("")
        self.complain_of(error)

    # showing

    def _show(self) -> None:
        if self._frame is not None:
            self._view.show(self._frame, self._window)
            self._say("")

    def _say(self, more: str) -> None:
        at = self._wanted[0]
        file = self._files[at].item
        assert file is not None, "a file is an item"
        words = [f"{at + 1} of {len(self._files)}", clean(file.key), more]
        frame = self._frame
        if frame is not None:
            words += [f"frame {frame.number + 1} of {frame.frames}" if frame.frames > 1 else "", frame.about]
            if not frame.coloured:
                window = self._window or frame.window
                words.append(f"window {window.centre:g} / {window.width:g}")
        self.query_one("#about", Static).update("   ".join(word for word in words if word))

    # keys

    def action_step(self, step: int) -> None:
        """The next or previous frame, and beyond a file's last one the next file."""
        at, number = self._wanted
        frame = self._frame
        if frame is not None and 0 <= number + step < frame.frames:
            self._go((at, number + step))
        elif 0 <= at + step < len(self._files):
            self._go((at + step, 0 if step > 0 else _LAST))

    def action_jump(self, files: int) -> None:
        self._go((self._wanted[0] + files, 0))

    def action_level(self, step: int) -> None:
        self._adjust(centre=step)

    def action_contrast(self, step: int) -> None:
        self._adjust(width=step)

    def _adjust(self, centre: int = 0, width: int = 0) -> None:
        if self._frame is not None and not self._frame.coloured:
            self._window = (self._window or self._frame.window).moved(centre, width)
            self._show()

    def action_reset(self) -> None:
        self._window = None
        self._show()

    def action_retry(self) -> None:
        self.complain("")
        if self._files:
            self._go(self._wanted)
        else:
            self._begin()

    def action_snapshots(self) -> None:
        """Snapshots instead of slices, or slices again."""
        images = self._images
        if images is None or self._busy:
            return
        if self._files is not self._slices:
            self._turn_to(self._slices)
            return

        def found(files: list[Place]) -> None:
            if files:
                self._turn_to(files)
            else:
                self.complain("There are no snapshots of this.")

        self.read("snapshots", images.snapshots, found)

    def action_in_order(self) -> None:
        """As slices lie, and not by their files' names: those may be UIDs."""
        images, files = self._images, self._slices
        if images is None or self._busy or self._files is not files:
            return
        here = files[self._wanted[0]]

        def sorted_(found: list[Place]) -> None:
            if self._files is files:
                self._files = self._slices = found
                self._wanted = (found.index(here), self._wanted[1])
                self._show()

        def failed(error: XnatTuiError) -> None:
            self._say("")
            self.complain_of(error)

        self._say(f"reading the order of {len(files)} files …")
        self.read("order", lambda: images.in_order(files), sorted_, failed)

    def _turn_to(self, files: list[Place]) -> None:
        self._files = files
        self._frame = self._window = None
        self._go((0, 0))

    def action_header(self) -> None:
        from xnat_tui.tui.panels.header import HeaderPanel

        if self._files:
            self.app.push_screen(HeaderPanel(self._files[self._wanted[0]], None))
