"""Resources of an item and their files: made, filled, replaced and deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changes import Change, Result
from xnat_tui.model.display import cell_width, clean, fit, short_count, short_size
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.resources import SIDES, Resources
from xnat_tui.tui.screens.ask import AskChoice, AskText, Choice
from xnat_tui.tui.screens.changes import ChangesPanel
from xnat_tui.tui.screens.reading import ReadingPanel

Upload = Callable[[Sequence[Path], Location, bool], None]
"""Plans an upload of paths into a location, replacing what is there or not, and shows the plan."""
Changed = Callable[[], None]
_NAME_CELLS = 40


class ResourcesPanel(ReadingPanel[None]):
    """Two levels: the resources of an item, and the files of one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right", "open", "Files", priority=False),
        Binding("space", "mark", "Mark"),
        Binding("n", "create", "New…"),
        Binding("u", "upload", "Upload…"),
        Binding("R", "replace", "Replace…"),
        Binding("d", "delete", "Delete…"),
        Binding("slash", "filter", "Filter"),
        Binding("r", "reload", "Reload", show=False),
        Binding("h,left", "leave", show=False),
    ]
    DEFAULT_CSS = """
    ResourcesPanel > .panel--box { width: 78; }
    ResourcesPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0; }
    ResourcesPanel #about { height: auto; }
    ResourcesPanel Input { display: none; }
    ResourcesPanel Input.-shown { display: block; }
    """
    tall = True

    def __init__(self, place: Place, upload: Upload, changed: Changed) -> None:
        kinds = [item.kind for item in place.items]
        at = kinds.index(Kind.RESOURCE) if Kind.RESOURCE in kinds else len(kinds)
        self._owner = Place(place.server, place.items[:at])
        super().__init__(f"Resources · {self._owner.location}")
        self._start = place.items[at:]
        self._upload = upload
        self._changed = changed
        self._service: Resources | None = None
        self._opened: Item | None = None
        self._items: list[Item] = []
        self._shown: list[Item] = []
        self._marked: set[str] = set()

    def body(self) -> list[Widget]:
        return [
            OptionList(compact=True, markup=False),
            Input(compact=True, placeholder="filter by name"),
            Static("Reading …", id="about", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

        def open_service() -> tuple[Resources, Listing]:
            service = Resources(self.reader(self._owner.server), self._owner)
            return service, service.resources()

        self.read("service", open_service, self._begin)

    def _begin(self, found: tuple[Resources, Listing]) -> None:
        self._service, listing = found
        self._take(listing)
        if self._start:
            self._highlight(self._start[0])
            self._open(self._start[0])

    # reading

    def _read(self) -> None:
        service, opened = self._service, self._opened
        if service is None:
            return
        self.read("items", lambda: service.files(opened) if opened else service.resources(), self._take)

    def _take(self, listing: Listing) -> None:
        self._items = list(listing.items)
        self.complain("")
        if listing.error is not None:
            self.complain_of(listing.error)
        self._show()
        if self._opened is not None and len(self._start) > 1:
            self._highlight(self._start[1])
            self._start = ()

    def _highlight(self, item: Item) -> None:
        uris = [one.uri for one in self._shown]
        if item.uri in uris:
            self.query_one(OptionList).highlighted = uris.index(item.uri)

    # showing

    def _show(self) -> None:
        needle = self.query_one(Input).value.casefold()
        self._shown = [item for item in self._items if needle in item.key.casefold()]
        rows = self.query_one(OptionList)
        at = rows.highlighted or 0
        rows.clear_options()
        rows.add_options([Option(self._line(item)) for item in self._shown])
        rows.highlighted = min(at, len(self._shown) - 1) if self._shown else None
        opened = self._opened
        where = self._owner if opened is None else self._owner.child(opened)
        self.retitle(f"Resources · {where.location}")
        word = "resource" if opened is None else "file"
        count = len(self._shown)
        marked = f"   {len(self._marked)} marked" if self._marked else ""
        empty = "   n makes one, u uploads into a new one" if opened is None and not self._items else ""
        refusal = self.read_only(self._owner.server)
        said = [f"{count} {word}{'' if count == 1 else 's'}{marked}{empty}", refusal]
        self.query_one("#about", Static).update("\n".join(line for line in said if line))

    def _line(self, item: Item) -> str:
        mark = self.explorer.glyphs.mark if item.uri in self._marked else " "
        side = f"{item.side}/" if item.side else ""
        name = fit(side + clean(item.key or f"(no label, {item.id})"), _NAME_CELLS)
        line = f"{mark} {name}{' ' * (_NAME_CELLS - cell_width(name))}"
        files = f"{short_count(item.files):>5} files" if item.kind is Kind.RESOURCE else ""
        digest = "" if item.kind is Kind.RESOURCE or item.digest else "no digest"
        return f"{line}{files:<12}{short_size(item.bytes):>5}  {clean(item.type)} {digest}".rstrip()

    @property
    def _current(self) -> Item | None:
        at = self.query_one(OptionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def _chosen(self) -> list[Item]:
        marked = [item for item in self._items if item.uri in self._marked]
        current = self._current
        return marked or ([current] if current is not None else [])

    # moving about

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        current = self._current
        if current is not None and current.kind is Kind.RESOURCE:
            self._open(current)

    def _open(self, resource: Item) -> None:
        self._opened = resource
        self._marked.clear()
        self._items = []
        self._show()
        self._read()

    def action_leave(self) -> None:
        """Escape drops the filter, then goes up from the files, then leaves."""
        line = self.query_one(Input)
        if line.has_class("-shown"):
            line.remove_class("-shown")
            line.value = ""
            self.query_one(OptionList).focus()
        elif self._opened is not None:
            left, self._opened = self._opened, None
            self._marked.clear()
            self._start = (left,)
            self._read()
        else:
            self.dismiss(None)

    def action_mark(self) -> None:
        current = self._current
        rows = self.query_one(OptionList)
        at = rows.highlighted
        if current is None or at is None:
            return
        self._marked ^= {current.uri}
        self._show()
        rows.highlighted = min(at + 1, len(self._shown) - 1)

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

    def action_reload(self) -> None:
        if self._service is not None:
            self._service.reader.forget(self._owner)
            self._read()

    # writing

    def _refused(self) -> bool:
        refusal = self.read_only(self._owner.server)
        if refusal:
            self.complain(f"! {refusal}")
        return bool(refusal) or self._service is None

    def action_create(self) -> None:
        if self._refused():
            return
        service = self._service
        assert service is not None, "refused without one"

        def named(label: str | None) -> None:
            if not label:
                return
            if not service.has_sides:
                self._create(label, "")
                return
            choices = [Choice(side, side, _SIDE_WORDS[side]) for side in SIDES]
            self.app.push_screen(
                AskChoice("Which side?", choices), lambda side: self._create(label, side) if side else None
            )

        self.app.push_screen(AskText("New resource", "Label:", hint="NIFTI", done="Review"), named)

    def _create(self, label: str, side: str) -> None:
        service = self._service
        assert service is not None, "asked for with one"
        self.read(
            "plan",
            lambda: [service.plan_create(label, side=side)],
            lambda changes: self._review("create", changes),
        )

    def action_delete(self) -> None:
        chosen, service, opened = self._chosen(), self._service, self._opened
        if self._refused() or not chosen or service is None:
            return

        def plan() -> list[Change]:
            if opened is None:
                return service.plan_delete(chosen)
            return service.plan_delete_files(opened, chosen)

        self.read("plan", plan, lambda changes: self._review("delete", changes))

    def _review(self, word: str, changes: list[Change]) -> None:
        service = self._service
        assert service is not None, "a plan was made with it"

        def ended(_: Sequence[Result]) -> None:
            self._changed()
            if self.is_attached:
                self._marked.clear()
                self._read()

        server = self._owner.server
        self.app.push_screen(
            ChangesPanel(f"{word} in {self._owner.location}", changes, service.do, server=server, ended=ended)
        )

    def action_upload(self) -> None:
        self._ask_upload(replace=False)

    def action_replace(self) -> None:
        self._ask_upload(replace=True)

    def _ask_upload(self, *, replace: bool) -> None:
        """Files go into the opened resource or the one under the cursor; without any, into a new one."""
        if self._refused():
            return
        target = self._opened or self._current
        if target is not None:
            self._ask_paths(self._owner.child(target).location, replace)
            return

        def named(label: str | None) -> None:
            if label:
                side = SIDES[0] if self._service is not None and self._service.has_sides else ""
                self._ask_paths(self._owner.location.child(Kind.RESOURCE, label, side), replace)

        self.app.push_screen(AskText("Upload", "Label of the new resource:", done="Choose files"), named)

    def _ask_paths(self, where: Location, replace: bool) -> None:
        def problem(text: str) -> str:
            missing = [path for path in _paths(text) if not path.exists()]
            return (
                f"{missing[0]} does not exist."
                if missing
                else ""
                if text.strip()
                else "Name a file or folder."
            )

        def given(text: str | None) -> None:
            if text:
                self._upload(_paths(text), where, replace)

        title = f"{'Replace' if replace else 'Upload'} in {where}"
        question = "Files or folders of this machine, blanks between them:"
        self.app.push_screen(AskText(title, question, problem=problem, done="Plan"), given)

    def uploaded(self) -> None:
        """An upload into it has ended: show what is there now."""
        if self.is_attached:
            self.action_reload()


_SIDE_WORDS = {"out": "what it gave", "in": "what it was made of"}


def _paths(text: str) -> list[Path]:
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    return [Path(word).expanduser() for word in words]
