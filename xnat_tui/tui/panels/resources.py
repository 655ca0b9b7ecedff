"""Resources of an item and their files: made, filled, replaced and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import short_count, short_size
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.administration.resources import SIDES, Resources
from xnat_tui.services.local_paths import paths_of
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice
from xnat_tui.tui.panels.ask_path import AskPaths
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import (
    ask_rights,
    ask_server,
    complain_of,
    project_of,
    refuses_writing,
)
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel
from xnat_tui.tui.transfers.flows import upload

_COLUMNS = (
    Column("name", 38),
    Column("files", 5, right=True),
    Column("size", 5, right=True),
    Column("format", 12),
    Column("digest", 6),
)
_SIDE_WORDS = {"out": "what it gave", "in": "what it was made of"}


class ResourcesPanel(RowsPanel[Item]):
    """Two levels: the resources of an item, and the files of one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create", "New…"),
        Binding("u", "upload", "Upload…"),
        Binding("R", "replace", "Replace…"),
        Binding("d", "delete", "Delete…"),
        Binding("right,l", "open", show=False),
        Binding("left,h", "leave", show=False),
        Binding("r", "reload_anew", "Reload"),
        Binding("F,q", "leave", show=False),
    ]

    writes = frozenset({"create", "upload", "replace", "delete"})
    heeds = frozenset({What.ITEMS, What.FILES})

    def __init__(self, place: Place) -> None:
        kinds = [item.kind for item in place.items]
        at = kinds.index(Kind.RESOURCE) if Kind.RESOURCE in kinds else len(kinds)
        self._owner = Place(place.server, place.items[:at])
        super().__init__(f"Resources · {self._owner.location}", _COLUMNS)
        self._opened = place.items[at] if at < len(kinds) else None
        self._at = place.items[-1] if self._opened is not None else None
        """Where the cursor goes when the rows are there."""
        self._service: Resources | None = None
        self._doubt: XnatTuiError | None = None

    def keys_entries(self) -> list[str]:
        first = ["enter Files"] if self._opened is None else []
        return [*first, *super().keys_entries()]

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._owner.server, project_of(self._owner))

    def on_mount(self) -> None:
        super().on_mount()
        ask_rights(self, self._owner.server, project_of(self._owner))

    def shown_places(self) -> Sequence[Place]:
        return [self._owner]

    # rows

    def read(self) -> list[Item]:
        service = self._service
        if service is None:
            service = self._service = self.context.workspace.resources(self._owner)
        listing = service.files(self._opened) if self._opened else service.resources()
        if listing.error is not None and not listing.items:
            raise listing.error
        self._doubt = listing.error
        return list(listing.items)

    def rows_changed(self) -> None:
        where = self._owner if self._opened is None else self._owner.child(self._opened)
        self.retitle(f"Resources · {where.location}")
        uris = [row.uri for row in self.shown]
        if self._at is not None and self._at.uri in uris:
            self.listed.highlighted = uris.index(self._at.uri)
        self._at = None
        if self._doubt is not None:
            complain_of(self, self._doubt)

    def key_of(self, row: Item) -> str:
        return row.uri

    def cells(self, row: Item) -> Sequence[str]:
        name = f"{row.side}/{row.key}" if row.side else row.key
        files, digest = "", ""
        if row.kind is Kind.RESOURCE:
            files = short_count(row.files) or "?"
        else:
            digest = row.digest[:6] if row.digest else "none"
        return (name or f"(no label, {row.id})", files, short_size(row.bytes) or "?", row.type, digest)

    def about(self, row: Item) -> str:
        parent = self._owner if self._opened is None else self._owner.child(self._opened)
        lines = [str(parent.child(row).location)]
        content = row.fields.get("content", "")
        lines += [f"content {content}"] if content else []
        lines += [f"MD5 {row.digest}"] if row.digest else []
        return "\n".join(lines)

    @property
    def empty(self) -> str:  # type: ignore[override]
        return "No files." if self._opened is not None else "No resources. n makes one, u uploads into one."

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        current = self.current
        if current is not None and current.kind is Kind.RESOURCE:
            self._turn_to(current, None)

    def action_leave(self) -> None:
        """From the files up to the resources, and from there away."""
        filtered = self.query_one("#only").has_class("-shown")
        if self._opened is not None and not filtered and not self.marks:
            self._turn_to(None, self._opened)
        else:
            super().action_leave()

    def _turn_to(self, opened: Item | None, at: Item | None) -> None:
        self._opened, self._at = opened, at
        self.marks.clear()
        self.action_reload()

    def action_reload_anew(self) -> None:
        """Ask the server, whatever is remembered."""
        if self._service is not None:
            self._service.reader.forget(self._owner)
        super().action_reload()

    # writing

    def action_create(self) -> None:
        service = self._service
        if refuses_writing(self) or service is None:
            return

        def named(label: str | None) -> None:
            if label and service.has_sides:
                choices = [Choice(side, side, _SIDE_WORDS[side]) for side in SIDES]
                self.app.push_screen(
                    AskChoice("Which side?", choices), lambda side: create(label, side) if side else None
                )
            elif label:
                create(label, "")

        def create(label: str, side: str) -> None:
            def plan() -> list[Change]:
                return [service.plan_create(label, side=side)]

            ask_server(self, "plan", plan, lambda changes: self._review("create", changes))

        self.app.push_screen(AskText("New resource", "Label:", hint="NIFTI", done="Review"), named)

    def action_delete(self) -> None:
        chosen, service, opened = self.chosen(), self._service, self._opened
        if refuses_writing(self) or not chosen or service is None:
            return

        def plan() -> list[Change]:
            if opened is None:
                return service.plan_delete(chosen)
            return service.plan_delete_files(opened, chosen)

        ask_server(self, "plan", plan, lambda changes: self._review("delete", changes))

    def _review(self, word: str, changes: list[Change]) -> None:
        service = self._service
        assert service is not None, "a plan was made with it"

        title = f"{word} in {self._owner.location}"
        self.app.push_screen(ChangesPanel(title, changes, service.do, server=self._owner.server))

    def action_upload(self) -> None:
        self._ask_upload(replace=False)

    def action_replace(self) -> None:
        self._ask_upload(replace=True)

    def _ask_upload(self, *, replace: bool) -> None:
        """Files go into the opened resource or the one under the cursor; without any, into a new one."""
        if refuses_writing(self):
            return
        target = self._opened or self.current
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
            missing = [path for path in paths_of(text) if not path.exists()]
            if missing:
                return f"{missing[0]} does not exist."
            return "" if text.strip() else "Name a file or a folder."

        def given(text: str | None) -> None:
            if text:
                upload(self.context, paths_of(text), where, replace=replace)

        title = f"{'Replace' if replace else 'Upload'} · {where}"
        question = "Files or folders of this machine, blanks between them:"
        self.app.push_screen(AskPaths(title, question, problem=problem, done="Plan"), given)
