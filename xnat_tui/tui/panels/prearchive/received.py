"""One session of the prearchive closely: what stands against it, scans, log, files, DICOM header."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean_lines, short_size
from xnat_tui.model.prearchive import Received
from xnat_tui.tui.panels.panel import Panel

if TYPE_CHECKING:
    from xnat_tui.services.administration.prearchive.details import Details
    from xnat_tui.xnat.http.connection import Connection


class ReceivedPanel(Panel[None]):
    """A view at a time, each read when it is first shown. `tell` gets what the details say in a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,enter", "view('details')", "Details"),
        Binding("f", "view('files')", "Files"),
        Binding("h", "view('header')", "Header"),
        Binding("H", "patient", "Show patient"),
        Binding("slash", "filter", "Filter"),
        Binding("r", "reload", "Reload"),
    ]
    DEFAULT_CSS = """
    ReceivedPanel > .panel--box { width: 78; }
    ReceivedPanel VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    ReceivedPanel #text { height: auto; }
    ReceivedPanel Input { display: none; }
    ReceivedPanel Input.-shown { display: block; }
    """
    tall = True

    def __init__(self, server: str, session: Received, tell: Callable[[Received, str], None]) -> None:
        super().__init__(session.name or session.folder)
        self._server = server
        self._session = session
        self._tell = tell
        self._view = "details"
        self._patient = False
        self._texts: dict[tuple[str, bool], list[str]] = {}

    def body(self) -> list[Widget]:
        return [
            VerticalScroll(Static("", id="text", markup=False)),
            Input(compact=True, placeholder="filter: words, all of them in a line"),
        ]

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.call_after_refresh(self.action_view, "details")

    def keys_entries(self) -> list[str]:
        hidden = set() if self._view == "header" else {"patient"}
        hidden.add(f"view('{self._view}')")
        kept = [one for one in self.shown_bindings() if one.action not in hidden]
        return [f"{one.key.partition(',')[0].replace('slash', '/')} {one.description}" for one in kept] + [
            "esc Back"
        ]

    # views

    def action_view(self, view: str) -> None:
        self._view = view
        self.retitle(f"{self._session.name or self._session.folder} · {view}")
        self.show_keys()
        self.query_one(VerticalScroll).scroll_home(animate=False)
        if (view, self._patient) in self._texts:
            self._show()
        else:
            self.action_reload()

    def action_patient(self) -> None:
        """Show patient fields of the header, or mask them again."""
        if self._view == "header":
            self._patient = not self._patient
            self.action_view("header")

    def action_reload(self) -> None:
        view, patient, session = self._view, self._patient, self._session
        self.complain("")
        self.query_one("#text", Static).update("loading…")

        def read() -> Details | list[str]:
            connection = self.context.workspace.connection(self._server)
            if view == "details":
                from xnat_tui.services.administration.prearchive.details import details

                return details(connection, session)
            return _READERS[view](connection, session, patient)

        def take(found: Details | list[str]) -> None:
            if not isinstance(found, list):
                self._tell(session, summary(found))
                found = details_lines(found, session.location(self._server))
            self._texts[view, patient] = found
            if self.is_attached and (view, patient) == (self._view, self._patient):
                self._show()

        self.context.run(("received", id(self)), read, take, self._fail)

    def _fail(self, error: XnatTuiError) -> None:
        self.context.remember(f"{error.title}: {error.message}")
        if self.is_attached:
            self.query_one("#text", Static).update("")
            hint = "  ".join(part for part in (error.hint, "r tries again.") if part)
            self.complain(f"! {error.message}\n{hint}")

    def _show(self) -> None:
        words = self.query_one(Input).value.casefold().split()
        lines = self._texts.get((self._view, self._patient), [])
        kept = [line for line in lines if all(word in line.casefold() for word in words)]
        self.query_one("#text", Static).update(clean_lines("\n".join(kept) or "Nothing is here."))

    # filter

    def action_filter(self) -> None:
        line = self.query_one(Input)
        line.add_class("-shown")
        line.focus()

    @on(Input.Changed)
    def _filtering(self) -> None:
        self._show()

    @on(Input.Submitted)
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(VerticalScroll).focus()

    def action_leave(self) -> None:
        line = self.query_one(Input)
        if line.has_class("-shown"):
            line.value = ""
            line.remove_class("-shown")
            self.query_one(VerticalScroll).focus()
        else:
            self.dismiss(None)


def summary(found: Details) -> str:
    """What stands against archiving, in a line."""
    if found.differences:
        first = found.differences[0]
        more = f" and {len(found.differences) - 1} more" if len(found.differences) > 1 else ""
        return f"Archived already; differs in {first.path or 'session'} {first.name}{more}."
    if found.problems:
        return found.problems[0].message
    return found.log[-1] if found.log else ""


def details_lines(found: Details, location: str) -> list[str]:
    """Everything that is known, what stands against archiving first."""
    one = found.session
    lines = [
        location,
        f"status   {one.status}",
        f"subject  {one.subject or '(none)'}   session  {one.name or '(none)'}",
        f"scanned  {one.scanned}".rstrip(),
        "",
    ]
    lines += [f"! {part}: {error.message} {error.hint}".rstrip() for part, error in found.unreadable.items()]
    lines += [f"{problem.type}: {problem.message}" for problem in found.problems]
    if found.archived:
        count = len(found.differences)
        lines.append(
            f"archived as {found.archived}: {f'{count} differences' if count else 'nothing differs'}"
        )
    for difference in found.differences:
        where = f"{difference.path or 'session'} {difference.name}"
        lines.append(f"  * {where}: {difference.prearchive} here, {difference.archive} in the archive")
    lines += ["", "scans"]
    for scan in found.scans:
        files = "?" if scan.files is None else scan.files
        size = short_size(scan.bytes) or "?"
        lines.append(f"  {scan.id:<5} {scan.series_description:<28} {scan.type:<20} {files:>5} {size:>4}")
    lines += ["", "log", *(f"  {line}" for line in found.log)]
    return lines


def _files(connection: Connection, session: Received, _patient: bool) -> list[str]:
    from xnat_tui.services.administration.prearchive.contents import files

    return [
        f"{one.scan:<5} {one.resource:<12} {short_size(one.bytes) or '?':>4}  {one.name}"
        for one in files(connection, session)
    ]


def _header(connection: Connection, session: Received, patient: bool) -> list[str]:
    from xnat_tui.services.administration.prearchive.contents import header

    return [
        f"{'  ' * row.depth}{row.tag} {row.vr:<2} {row.keyword or row.name:<28} {row.value}"
        for row in header(connection, session, show_patient=patient)
    ]


_READERS: dict[str, Callable[[Connection, Received, bool], list[str]]] = {
    "files": _files,
    "header": _header,
}
