"""Colours and glyphs. Nothing is told by colour alone: every colour goes with a glyph of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

_DARK = {
    "diff-left": "#56B4E9",
    "diff-right": "#E69F00",
    "diff-both": "#FFF6D5",
    "diff-error": "#E0E0E0",
}
_LIGHT = {
    "diff-left": "#004F9E",
    "diff-right": "#7F4A00",
    "diff-both": "#101010",
    "diff-error": "#101010",
}
_SIXTEEN = {
    "diff-left": "ansi_bright_cyan",
    "diff-right": "ansi_yellow",
    "diff-both": "ansi_bright_white",
    "diff-error": "ansi_red",
}
_SIXTEEN_ON_LIGHT = {
    "diff-left": "ansi_blue",
    "diff-right": "ansi_red",
    "diff-both": "ansi_black",
    "diff-error": "ansi_red",
}


def variable_defaults(theme: Theme) -> Mapping[str, str]:
    """`$diff-left`, `$diff-right`, `$diff-both` and `$diff-error` for one theme.

    An app returns them from `get_theme_variable_defaults`, so that any theme can override them. Blue
    and orange stay apart in all three kinds of colour blindness; what differs on both sides is told
    by brightness, for want of a third hue that does. Errors are reversed, and need no hue.
    """
    if theme.ansi:
        colours = _SIXTEEN if theme.dark else _SIXTEEN_ON_LIGHT
    else:
        colours = _DARK if theme.dark else _LIGHT
    return colours


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What trees are drawn with; one cell each, but for the guides with two."""

    open: str = "▾"
    closed: str = "▸"
    mark: str = "✓"
    through: str = "│ "
    branch: str = "├ "
    corner: str = "└ "
    blank: str = "  "
    missing: str = "· · · ·"
    ellipsis: str = "…"
    dash: str = "—"
    words: bool = False
    """Whether a row says in words what its glyphs say."""


UNICODE = Glyphs()
ASCII = Glyphs(
    open="-",
    closed="+",
    mark="x",
    through="| ",
    branch="|-",
    corner="`-",
    missing=". . . .",
    ellipsis="~",
    dash="-",
)


def glyphs(ascii_only: bool, *, words: bool = False) -> Glyphs:
    """`words` for those who listen to the screen: what stands for something says it, lines are left out."""
    drawn = ASCII if ascii_only else UNICODE
    if not words:
        return drawn
    return replace(
        drawn, open="-", closed="+", through="  ", branch="  ", corner="  ", missing="(not here)", words=True
    )


def is_plain() -> bool:
    """Whether the environment asks for a screen that can be followed by ear."""
    return os.environ.get("XNAT_TUI_A11Y", "") not in ("", "0") or os.environ.get("TERM") == "dumb"


_DRAWN_AS = {
    "-": "—–─━═╌▾▼",
    "|": "│┃║▎▍▉▔▕",
    "+": "▸▶╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┣┫╋",
    "#": "▀▄█▌▐▁▂▃▅▆▇▊▋▓",
    "~": "…",
    ".": "·░",
    "*": "•",
    ">": "›→",
    "<": "‹←",
    "^": "↑",
    "v": "↓",
    "=": "⇄",
    "1": "Ⅰ",
    "2": "Ⅱ",
    "x": "×✓",
    ":": "▒",
    "?": "".join(map(chr, range(0x2400, 0x2422))),
}


class AsciiFilter(LineFilter):
    """Draws with ASCII what any widget draws otherwise; letters of labels stay what they are."""

    _PLAIN = {ord(mark): plain for plain, marks in _DRAWN_AS.items() for mark in marks}

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002  Textual's signature
        return [
            segment if segment.text.isascii() else segment._replace(text=segment.text.translate(self._PLAIN))
            for segment in segments
        ]
