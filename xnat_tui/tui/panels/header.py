"""A DICOM header, or two side by side with the elements that differ before all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.model.display import cell_width, clean, fit
from xnat_tui.model.place import Place
from xnat_tui.services.dicom.header_pairs import HeaderPair, pair_headers
from xnat_tui.tui.explorer.pair_words import cut
from xnat_tui.tui.explorer.row_text import WORD_OF_GLYPH
from xnat_tui.tui.panels.panel import SHORT
from xnat_tui.tui.panels.reading import ReadingPanel
from xnat_tui.tui.terminal.theme import is_plain

if TYPE_CHECKING:
    from pydicom import Dataset

    from xnat_tui.services.deidentifying.preview import Preview, Treated
    from xnat_tui.services.reading.reader import Reader

_NAME_CELLS = 24
_WORD_CELLS = max(map(len, WORD_OF_GLYPH.values()))


@dataclass(frozen=True, slots=True)
class _Headers:
    """What was read for one position: the files on both sides, their headers, and how many there are."""

    source: Dataset | None
    destination: Dataset | None
    file: str
    at: int
    count: int


class HeaderPanel(ReadingPanel[None]):
    """Only the beginning of a file is fetched. Values that may name a person are masked until asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("H", "patient", "Patient fields"),
        Binding("b", "before_after", "Before/after"),
        Binding("right_square_bracket,right", "file(1)", "Next file"),
        Binding("left_square_bracket,left", "file(-1)", "Previous file"),
        Binding("n", "difference(1)", "Next difference", show=False),
        Binding("N", "difference(-1)", "Previous difference", show=False),
        Binding("j", "row(1)", show=False),
        Binding("k", "row(-1)", show=False),
        Binding("y", "copy_row", "Copy row"),
        Binding("r", "retry", "Read again", show=False),
        Binding("D,q", "leave", show=False),
    ]
    DEFAULT_CSS = """
    HeaderPanel > .panel--box { width: 100; }
    HeaderPanel > .panel--box.-tall { height: 100%; }
    HeaderPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0; }
    HeaderPanel #about { height: auto; }
    HeaderPanel #whole { height: auto; max-height: 4; display: none; }
    HeaderPanel #whole.-shown { display: block; }
    HeaderPanel Input { display: none; }
    HeaderPanel Input.-shown { display: block; }
    """
    tall = True

    def __init__(self, source: Place | None, destination: Place | None) -> None:
        place = source or destination
        assert place is not None, "a header of something"
        super().__init__(f"DICOM header · {place.location}")
        self._places = (source, destination)
        self._headers: _Headers | None = None
        self._pairs: list[HeaderPair] = []
        self._shown: list[HeaderPair] = []
        self._show_patient = False
        self._treated = False
        """Whether one header is shown, before and after a de-identification."""
        self._words = self.both and is_plain()
        self._held = ""
        self._at: int | None = None
        """The wanted file; None for the first one, or the one under the cursor."""

    @property
    def both(self) -> bool:
        """Whether there are two columns of values."""
        return self._treated or all(place is not None for place in self._places)

    def body(self) -> list[Widget]:
        return [
            Static("Reading …", id="about", markup=False),
            Input(compact=True, placeholder="filter by tag, name or value"),
            OptionList(compact=True, markup=False),
            Static("", id="whole", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._read()

    # reading

    def _read(self) -> None:
        source, destination = self._places
        at = self._at

        def read() -> _Headers:
            return _read_headers(
                (self.reader(source.server), source) if source is not None else None,
                (self.reader(destination.server), destination) if destination is not None else None,
                at,
            )

        self.read("header", read, self._take, self._refuse)

    def _refuse(self, error: XnatTuiError) -> None:
        if self._headers is None:
            self.query_one("#about", Static).update("")
        self.complain_of(error)

    def _take(self, headers: _Headers) -> None:
        self.complain("")
        self._headers = headers
        self._at = headers.at
        self._pair()

    def _pair(self) -> None:
        headers = self._headers
        if headers is None:
            return
        if not self._treated:
            self._pairs = pair_headers(headers.source, headers.destination, show_patient=self._show_patient)
            self._show()
            return
        header = headers.source if headers.source is not None else headers.destination
        assert header is not None
        show = self._show_patient
        self.read(
            "treated", lambda: _before_after(header, show_patient=show), self._take_treated, self._refuse
        )

    def _take_treated(self, found: Preview) -> None:
        if self._treated:
            self._pairs, self._held = [_treated_pair(one) for one in found.elements], found.held
            self._show()

    # showing

    def _show(self) -> None:
        needle = self.query_one(Input).value.casefold()
        self._shown = [pair for pair in self._pairs if needle in _searched(pair)]
        rows = self.query_one(OptionList)
        at = rows.highlighted or 0
        room = max(30, (rows.size.width or 74) - 2)
        rows.clear_options()
        rows.add_options([Option(self._line(pair, room)) for pair in self._shown])
        rows.highlighted = min(at, len(self._shown) - 1) if self._shown else None
        self._show_about()

    def _show_about(self) -> None:
        headers = self._headers
        if headers is None:
            return
        words = [f"file {headers.at + 1} of {headers.count}" if headers.count else "", clean(headers.file)]
        words.append(f"{len(self._shown)} of {len(self._pairs)} elements")
        if self._treated:
            changed = sum(bool(pair.glyph) for pair in self._pairs)
            words.append(f"before and after the basic profile: {changed} change")
        elif self.both:
            differing = sum(bool(pair.glyph) for pair in self._pairs)
            words.append(f"{differing} differ" if differing else "headers alike, pixels not compared")
        lines = ["   ".join(word for word in words if word)]
        masked = any(pair.row.masked for pair in self._pairs)
        if self.size.height < SHORT:
            lines = [cut(lines[0], self.size.width - 4)]
        elif masked:
            lines.append("Patient fields are masked; H shows them until you close this.")
        if self._treated and self._held:
            lines.append(f"It would be held: {self._held}.")
        self.query_one("#about", Static).update("\n".join(lines))

    def _line(self, pair: HeaderPair, room: int) -> Content:
        row = pair.row
        sign = pair.glyph or " "
        if self._words:
            sign += f" {WORD_OF_GLYPH[sign]:<{_WORD_CELLS}}"
        cells = min(_NAME_CELLS, max(8, room - 27 - cell_width(sign)))
        name = fit("  " * row.depth + clean(row.name or row.keyword or "(unknown)"), cells)
        left = f"{sign} {row.tag} {row.vr:<2} {name}{' ' * (cells - cell_width(name))} "
        space = room - cell_width(left)
        if not self.both:
            value = pair.source if pair.source is not None else pair.destination
            return Content(left + fit(clean(value or ""), space))
        half = (space - 1) // 2
        none = "(not here)" if self._words else "—"
        texts = [
            fit(none, half) if text is None else fit(clean(text), half)
            for text in (pair.source, pair.destination)
        ]
        line = f"{left}{texts[0]}{' ' * (half - cell_width(texts[0]))} {texts[1]}"
        return Content.styled(line, "bold") if pair.glyph else Content(line)

    @on(OptionList.OptionHighlighted)
    def _show_whole(self, event: OptionList.OptionHighlighted) -> None:
        """The values of the row under the cursor, where its line has no room for them."""
        pair = self._shown[event.option_index]
        values = [clean(text) for text in (pair.source, pair.destination) if text is not None]
        line = str(event.option.prompt)
        name = clean(pair.row.name or pair.row.tag)
        shortened = any(text not in line for text in (name, *values))
        whole = self.query_one("#whole", Static)
        whole.set_class(shortened, "-shown")
        whole.update(f"{name}: {' | '.join(values)}" if shortened else "")

    # keys

    def action_filter(self) -> None:
        line = self.query_one(Input)
        line.add_class("-shown")
        line.focus()

    @on(Input.Changed)
    def _filter(self) -> None:
        self._show()

    @on(Input.Submitted)
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(OptionList).focus()

    def action_leave(self) -> None:
        """Escape drops the filter first."""
        line = self.query_one(Input)
        if line.has_class("-shown"):
            line.remove_class("-shown")
            line.value = ""
            self.query_one(OptionList).focus()
        else:
            self.dismiss(None)

    def action_patient(self) -> None:
        self._show_patient = not self._show_patient
        self._pair()

    def action_before_after(self) -> None:
        """The header as the basic profile would leave it, beside what it is; nothing is changed anywhere."""
        self._treated = not self._treated
        self._held = ""
        self._words = self.both and is_plain()
        self._pair()

    def action_file(self, step: int) -> None:
        headers = self._headers
        if headers is not None and self._at is not None and 0 <= self._at + step < headers.count:
            self._at += step
            self._read()

    def action_row(self, step: int) -> None:
        """j and k, as in the trees."""
        rows = self.query_one(OptionList)
        rows.action_cursor_down() if step > 0 else rows.action_cursor_up()

    def action_difference(self, step: int) -> None:
        rows = self.query_one(OptionList)
        at = rows.highlighted if rows.highlighted is not None else -1
        ahead = range(at + 1, len(self._shown)) if step > 0 else range(at - 1, -1, -1)
        found = next((index for index in ahead if self._shown[index].glyph), None)
        if found is None:
            self.notify("No further difference." if step > 0 else "No earlier difference.", timeout=3)
        else:
            rows.highlighted = found

    def action_copy_row(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is None:
            return
        pair = self._shown[at]
        values = [text for text in (pair.source, pair.destination) if text is not None]
        self.app.copy_to_clipboard("\t".join((pair.row.tag, pair.row.vr, pair.row.name, *values)))
        self.notify(f"Copied {pair.row.tag}", timeout=3)

    def action_retry(self) -> None:
        self._read()


def _before_after(header: Dataset, *, show_patient: bool) -> Preview:
    """Raises UsageError without the library, and Held where the header cannot be treated."""
    from xnat_tui.services.deidentifying.preview import preview
    from xnat_tui.services.deidentifying.profile import Profile

    return preview(header, Profile(), None, "", show_patient=show_patient)


def _treated_pair(one: Treated) -> HeaderPair:
    """An element that is removed is only in the source, one that changes differs."""
    if one.before is None:
        glyph = ">"
    elif one.after is None:
        glyph = "<"
    else:
        glyph = "*" if one.after != one.before else ""
    return HeaderPair(one.row, one.before, one.after, glyph)


def _searched(pair: HeaderPair) -> str:
    row = pair.row
    texts = (row.tag, row.vr, row.name, row.keyword, pair.source or "", pair.destination or "")
    return " ".join(texts).casefold()


_Side = tuple["Reader", Place]


def _read_headers(source: _Side | None, destination: _Side | None, at: int | None) -> _Headers:
    """Headers of the file at a position, on the other side of the one with the same name.

    Without a position, of the file that was named, or the first. Raises what reading the first side raises;
    a file that only one side has leaves the other one's header out.
    """
    first, second = (source, destination) if source is not None else (destination, None)
    assert first is not None, "one side at least"
    files = _files(first)
    here = first[1].item
    if at is None:
        uris = [file.item.uri for file in files if file.item is not None]
        at = uris.index(here.uri) if here is not None and here.uri in uris else 0
    file = files[at] if files else first[1]
    header = _header(first[0], file)
    other = None
    if second is not None:
        twins = _files(second)
        names = [twin.item.key for twin in twins if twin.item is not None]
        name = file.item.key if file.item is not None else ""
        if name in names:
            other = _header(second[0], twins[names.index(name)])
        elif at < len(twins):
            other = _header(second[0], twins[at])
    label = file.item.key if files and file.item is not None else ""
    if source is None:
        return _Headers(None, header, label, at, len(files))
    return _Headers(header, other, label, at, len(files))


def _files(side: _Side) -> list[Place]:
    from xnat_tui.services.dicom.headers import dicom_files

    try:
        return dicom_files(*side)
    except NotFound:
        return []


def _header(reader: Reader, place: Place) -> Dataset:
    from xnat_tui.services.dicom.headers import first_header

    return first_header(reader, place)
