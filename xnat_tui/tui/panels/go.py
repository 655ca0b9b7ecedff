"""Go to an address that is pasted or typed, to a label that is loaded, or to what a whole site has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.fuzzy import FuzzySearch
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, clean_lines, fit
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.panels.reading import ReadingPanel

if TYPE_CHECKING:
    from xnat_tui.services.browsing.site_search import Found, SiteFound

_MOST = 50
_FUZZY_AMONG = 5_000
"""Labels that are looked at letter by letter; beyond that, only those that contain what was typed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A row that can be gone to without asking a server."""

    pair: Pair

    @property
    def words(self) -> str:
        above = [pair.key for pair in self.pair.ancestors() if pair.group is None and pair.parent is not None]
        return " / ".join([*reversed(above), self.pair.key])


class GoPanel(ReadingPanel[Loaded | Place]):
    """Dismissed with what is loaded, or with the place that a server found.

    What nobody has is said here, the text kept to be mended: the pane stays as it is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    GoPanel OptionList { height: auto; max-height: 10; border: none; background: $surface; padding: 0;
                         scrollbar-size-vertical: 1; }
    """

    def __init__(
        self,
        loaded: Sequence[Loaded],
        find: Callable[[str], Place | SiteFound],
        reach: Callable[[Found], Place],
        site: str,
    ) -> None:
        """`find` asks a server for what is not loaded, `reach` for the place of what it found there; both
        wait on the network. `site` is the server that a label is looked for on; "" where nothing is open."""
        super().__init__("Go to")
        self._loaded = loaded
        self._find = find
        self._reach = reach
        self._site = site
        self._found: list[Loaded | Found | None] = []
        """What the lines offer; None stands for asking the server."""

    def body(self) -> list[Widget]:
        options = OptionList(compact=True, markup=False)
        options.can_focus = False
        return [
            Input(compact=True, placeholder="address, NAME:PROJECT/SUBJECT, /REST/path, ID or label"),
            options,
            Static("", id="hint", markup=False),
        ]

    def keys_entries(self) -> list[str]:
        return ["enter Go", "up/down Move", "esc Back"]

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._show("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    def on_resize(self) -> None:
        self.query_one(OptionList).styles.max_height = max(1, min(10, self.app.size.height - 6))

    def _show(self, text: str) -> None:
        self.complain("")
        near = [] if is_address(text) else nearest(text, self._loaded)
        self._found = [*near]
        lines = [clean(one.words) for one in near]
        if text and not is_address(text) and self._site:
            self._found.append(None)
            lines.append(clean(f"Search all of {self._site} for {text!r}"))
        sure = bool(near) and text.casefold() in near[0].pair.key.casefold()
        self._offer(lines, 0 if sure or not text else len(near))
        address = text and is_address(text)
        self.query_one("#hint", Static).update("An address: enter asks the server." if address else "")

    def _offer(self, lines: Sequence[str], at: int) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(fit(line, 62)) for line in lines])
        options.highlighted = min(at, len(lines) - 1) if lines else None

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if self._found:
            at = options.highlighted or 0
            options.highlighted = max(0, min(len(self._found) - 1, at + step))

    def _refused(self, error: XnatTuiError) -> None:
        self.query_one("#hint", Static).update("")
        self.complain_of(error)

    def _arrived(self, answer: Place | SiteFound) -> None:
        if isinstance(answer, Place):
            self.dismiss(answer)
            return
        from xnat_tui.services.browsing.site_search import WHERE_LOOKED

        self.complain(_unread(answer))
        text = self.query_one(Input).value.strip()
        alone = answer.found[0] if len(answer.found) == 1 and not answer.unreadable else None
        if alone is not None and text.casefold() in (alone.label.casefold(), alone.id.casefold()):
            self._go(alone)
            return
        self._found = [*answer.found[:_MOST]]
        self._offer([_line(one) for one in answer.found[:_MOST]], 0)
        more = len(answer.found) - _MOST
        said = f"{more} more: type more of it." if more > 0 else ""
        if not answer.found:
            nothing = f"{self._site} has nothing that is called {text!r}"
            seen = "Nothing found in what could be searched" if answer.unreadable else nothing
            said = f"! {seen}.\nLooked for in all {WHERE_LOOKED}; as far as you may read them."
        self.query_one("#hint", Static).update(clean_lines(said))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._go(self._found[event.option_index])

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        self._go(self._found[at] if at is not None and at < len(self._found) else None)

    def _go(self, wanted: Loaded | Found | None) -> None:
        text = self.query_one(Input).value.strip()
        if isinstance(wanted, Loaded):
            self.dismiss(wanted)
        elif wanted is not None:
            self.complain("Asking …")
            self.read("go", lambda: self._reach(wanted), self._arrived, self._refused)
        elif text:
            self.complain("Asking …")
            self.read("go", lambda: self._find(text), self._arrived, self._refused)


def _line(found: Found) -> str:
    """Label, kind and project, and which of its names was meant where that is not its label."""
    kind = "session" if found.kind is Kind.EXPERIMENT else str(found.kind)
    words = [found.label, kind if found.kind is Kind.PROJECT else f"{kind} in {found.project}"]
    words += [f"{found.because} {found.value}"] if found.because != "label" else []
    words += [f"shared into {', '.join(found.shared_into)}"] if found.shared_into else []
    words += [found.date] if found.date else []
    return clean("  ".join(words))


def _unread(answer: SiteFound) -> str:
    """What could not be searched, so that what is there may not be shown."""
    return "\n".join(f"! {what} could not be searched: {error.message}" for what, error in answer.unreadable)


def is_address(text: str) -> bool:
    """Whether a server has to be asked: a path, a location or an address of the browser."""
    return "/" in text or ":" in text


def nearest(text: str, loaded: Sequence[Loaded]) -> list[Loaded]:
    """What is called so, begins so, contains it, or has its letters in that order; the best first."""
    wanted = text.casefold()
    if not wanted:
        return []
    scored: list[tuple[float, int, Loaded]] = []
    search = FuzzySearch()
    for number, one in enumerate(loaded):
        key = one.pair.key.casefold()
        if key == wanted:
            score = 1000.0
        elif wanted in key:
            score = 500.0 + 100.0 * key.startswith(wanted) - len(key)
        elif number < _FUZZY_AMONG:
            score = search.match(wanted, key)[0]
        else:
            score = 0.0
        if score > 0:
            scored.append((-score, number, one))
    return [one for _, _, one in sorted(scored, key=lambda entry: entry[:2])[:_MOST]]
