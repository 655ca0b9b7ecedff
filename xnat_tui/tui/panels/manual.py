"""The manual, read in the explorer: over SSH there is no browser."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Markdown, MarkdownViewer, Tree
from textual.widgets.markdown import MarkdownTableOfContents

from xnat_tui.manual import NAMES, Topic, topics
from xnat_tui.tui.panels.panel import Panel

_NARROW = 60
"""Cells below which headings and text have no room beside each other."""
_CONTENTS = ""
"""The page that lists the topics, where the others have a name."""


class TopicViewer(MarkdownViewer):
    """Textual's viewer on the topics of the manual; a link leads to another one, and nowhere else."""

    def __init__(self) -> None:
        super().__init__(contents(), show_table_of_contents=False, open_links=False)
        self.page = _CONTENTS
        self._before: list[str] = []

    async def go(self, location: str | PurePath) -> None:
        name = str(location).removesuffix(".md")
        if name in NAMES:
            await self.turn_to(name)

    async def turn_to(self, page: str, *, remember: bool = True) -> None:
        """Show a topic, or the list of them, from its beginning."""
        if remember:
            self._before.append(self.page)
        self.page = page
        await self.document.update(Topic(page).text if page else contents())
        self.scroll_home(animate=False)

    def _on_markdown_table_of_contents_selected(self, message: Markdown.TableOfContentsSelected) -> None:
        """Go to a heading; the list of them gives its room back to the text."""
        message.stop()
        message.prevent_default()
        self.show_table_of_contents = False
        self.document.focus()
        heading = self.query_one(f"#{message.block_id}")
        self.call_after_refresh(lambda: self.scroll_to_widget(heading, top=True, animate=False))

    async def back(self) -> None:
        if self._before:
            await self.turn_to(self._before.pop(), remember=False)


def contents() -> str:
    """The topics by the digit that opens each."""
    lines = [f"{number}. [{one.title}]({one.name}.md)" for number, one in enumerate(topics(), 1)]
    return "\n".join(
        [
            "# Manual",
            "",
            *lines,
            "",
            "A digit opens one of the first nine, `n` and `p` go from one to the next.",
        ]
    )


class ManualPanel(Panel[None]):
    """All of the screen, since it is there to be read. Moving is the list's keys, whatever has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space,ctrl+d", "page(1)", show=False),
        Binding("pageup,ctrl+u", "page(-1)", show=False),
        Binding("home", "end(False)", show=False),
        Binding("end,G", "end(True)", show=False),
        Binding("n", "next(1)", "Next", tooltip="The next topic"),
        Binding("p", "next(-1)", "Previous", tooltip="The topic before"),
        Binding("t", "headings", "Headings", tooltip="The headings of this topic: arrows and enter go there"),
        Binding("c,0", "turn_to(0)", "Contents", tooltip="All topics"),
        Binding("left_square_bracket,backspace", "back", "Back", tooltip="Back to the page before"),
        *(Binding(str(number), f"turn_to({number})", show=False) for number in range(1, 10)),
    ]
    DEFAULT_CSS = """
    ManualPanel > .panel--box { width: 100; height: 100%; padding: 0; }
    ManualPanel TopicViewer { scrollbar-size-vertical: 1; }
    ManualPanel Markdown { padding: 0 1; }
    ManualPanel MarkdownH1 { content-align: left middle; margin: 0 0 1 0; }
    ManualPanel MarkdownH2 { margin: 0 0 1 0; }
    ManualPanel MarkdownFence { margin: 0 0 1 0; }
    ManualPanel MarkdownFence > Label { padding: 0 2; }
    ManualPanel MarkdownTableContent { keyline: none; grid-gutter: 0 1; }
    ManualPanel MarkdownTableOfContents > Tree { padding: 0 1; }
    ManualPanel .panel--keys { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__("Manual")

    def body(self) -> list[Widget]:
        return [TopicViewer()]

    def keys_entries(self) -> list[str]:
        return ["up/down Scroll", "n/p Topics", "t Headings", "c Contents", "[ Back", "esc Leave"]

    @property
    def viewer(self) -> TopicViewer:
        return self.query_one(TopicViewer)

    def on_mount(self) -> None:
        self.viewer.document.focus()

    def action_scroll(self, lines: int) -> None:
        self.viewer.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        self.viewer.scroll_relative(y=pages * max(1, self.viewer.size.height - 2), animate=False)

    def action_end(self, last: bool) -> None:
        if last:
            self.viewer.scroll_end(animate=False)
        else:
            self.viewer.scroll_home(animate=False)

    async def action_turn_to(self, number: int) -> None:
        await self._show(NAMES[number - 1] if number else _CONTENTS)

    async def action_next(self, by: int) -> None:
        pages = (_CONTENTS, *NAMES)
        await self._show(pages[(pages.index(self.viewer.page) + by) % len(pages)])

    async def _show(self, page: str) -> None:
        await self.viewer.turn_to(page)
        self.viewer.document.focus()

    async def action_back(self) -> None:
        await self.viewer.back()

    def action_headings(self) -> None:
        """Show the headings and go there, or put them away."""
        viewer = self.viewer
        viewer.show_table_of_contents = not viewer.show_table_of_contents
        if viewer.show_table_of_contents:
            headings = viewer.query_one(MarkdownTableOfContents)
            headings.styles.max_width = "100%" if viewer.size.width < _NARROW else "40%"
            headings.query_one(Tree).focus()
        else:
            viewer.document.focus()
