"""The manual: Markdown files beside this one, which the verb, the explorer and the man page show alike.

A topic's file begins with its title and one paragraph that says what it is about. Links lead to other
topics (`[manual proofs](proofs.md)`) and nowhere else. Every `sh` and `python` block is run by a test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files

NAMES = (
    "first-copy",
    "new-server",
    "nightly-export",
    "sync",
    "recovery",
    "undoing",
    "deidentifying",
    "tables",
    "scripting",
    "python",
    "proofs",
    "rights",
    "words",
    "changes",
)
"""The topics in the order in which somebody new would read them."""

_LINK = re.compile(r"\[([^]]+)\]\(([a-z-]+)\.md\)")


@dataclass(frozen=True)
class Topic:
    """One file of the manual."""

    name: str

    @cached_property
    def text(self) -> str:
        """The Markdown as it is shipped."""
        return files(__package__).joinpath(f"{self.name}.md").read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def summary(self) -> str:
        """The first paragraph, in one line."""
        return " ".join(self.text.split("\n\n")[1].split())

    @property
    def without_links(self) -> str:
        """The Markdown for where nothing can be clicked: a link is the command that shows its topic."""
        return _LINK.sub(r"`xnat-tui manual \2`", self.text)


def topics() -> list[Topic]:
    return [Topic(name) for name in NAMES]


def nearest(word: str) -> str:
    """The topic whose name is most like a word; "" where none is."""
    return next(iter(get_close_matches(word.lower(), NAMES, 1, 0.5)), "")
