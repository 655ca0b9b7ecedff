"""Make the man page from the verbs and the manual: `python -m tests.man_page`.

click-man, the library for it, writes one page for each verb and knows nothing of a manual; nor does it
escape what roff would obey. So the head is made of the verbs here, and the topics of their Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from pathlib import Path

import click
from markdown_it import MarkdownIt
from markdown_it.token import Token

from xnat_tui import __version__
from xnat_tui.cli.help import GlobalOption
from xnat_tui.cli.root import cli
from xnat_tui.cli.verbs import VERBS
from xnat_tui.manual import topics

PAGE = Path(__file__).parent.parent / "xnat_tui" / "manual" / "xnat-tui.1"
_SIGNS = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
"""What roff would obey, or set as a typographic sign that no shell takes."""


def escaped(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def line(text: str) -> str:
    """A line of text, which is no request though it begins like one."""
    return f"\\&{text}" if text.startswith((".", "'")) else text


def bold(text: str) -> str:
    return f"\\fB{text}\\fP"


def inline(token: Token) -> str:
    """The text of a paragraph, heading or cell, in one line."""
    said: list[str] = []
    for child in token.children or ():
        match child.type:
            case "text":
                said.append(escaped(child.content))
            case "code_inline":
                said.append(bold(escaped(child.content)))
            case "softbreak" | "hardbreak":
                said.append(" ")
            case "strong_open":
                said.append("\\fB")
            case "em_open":
                said.append("\\fI")
            case "strong_close" | "em_close":
                said.append("\\fP")
            case other:
                raise ValueError(f"The man page cannot show {other}.")
    return line("".join(said))


def topic_lines(text: str) -> Iterator[str]:
    """A topic as roff: its title is a section, its headings are subsections."""
    tokens = iter(MarkdownIt().enable("table").parse(text))
    items: list[str] = []
    for token in tokens:
        match token.type:
            case "heading_open":
                title = inline(next(tokens))
                yield f'.SH "{title.upper()}"' if token.tag == "h1" else f'.SS "{title}"'
            case "paragraph_open":
                yield items.pop() if items else ".PP"
                yield inline(next(tokens))
            case "list_item_open":
                items = [f'.IP "{token.info}." 4' if token.info else ".IP \\(bu 2"]
            case "fence":
                yield from (".PP", ".in +4n", ".EX")
                yield from (line(escaped(one)) for one in token.content.splitlines())
                yield from (".EE", ".in")
            case "table_open":
                yield from table_lines(tokens)


def table_lines(tokens: Iterator[Token]) -> Iterator[str]:
    """Each row under its first cell: a terminal of any width has room for that."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline(token))
    for first, *others in rows[1:]:
        yield from (".TP", bold(first), ": ".join(other for other in others if other))


def verb_lines(command: click.Command, name: str, path: str) -> Iterator[str]:
    """A verb with its arguments and the first sentence of its help, then those below it."""
    context = click.Context(command, info_name=path)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield from (".TP", " ".join([bold(escaped(path)), *map(escaped, pieces)]))
    yield line(escaped(VERBS[name].help if path == name else first_sentence(command)))
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            yield from verb_lines(one, name, f"{path} {below}")


def first_sentence(command: click.Command) -> str:
    return cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ")


def option_lines(options: Iterable[click.Parameter]) -> Iterator[str]:
    context = click.Context(cli)
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            yield from (".TP", bold(escaped(record[0])), line(escaped(record[1])))


def head_lines() -> Iterator[str]:
    about = cleandoc(cli.help or "").split("\n\n")
    name = escaped("xnat-tui")
    yield f'.TH XNAT\\-TUI 1 "" "xnat\\-tui {__version__}" "User Commands"'
    yield from (".SH NAME", f"{name} \\- explore, compare, copy and export XNAT archives")
    yield ".SH SYNOPSIS"
    yield from synopsis("[SOURCE [DESTINATION]]", "VERB [OPTIONS] ...", "manual [TOPIC]")
    yield ".SH DESCRIPTION"
    yield from (escaped(" ".join(about[0].split())), ".PP", escaped(about[1]))
    yield escaped("A location is NAME:PROJECT/SUBJECT/SESSION, or an address pasted from the browser.")
    yield ".SH VERBS"
    yield from ("What each takes besides is told by", f"{bold(escaped('xnat-tui VERB --help'))}.")
    for verb in VERBS.values():
        yield from verb_lines(verb.load(), verb.name, verb.name)
    yield ".SH OPTIONS"
    yield "Before a verb or after it:"
    yield from option_lines(option for option in cli.params if isinstance(option, GlobalOption))


def synopsis(*forms: str) -> Sequence[str]:
    return [part for form in forms for part in (".br", f"{bold(escaped('xnat-tui'))} {escaped(form)}")][1:]


def page() -> str:
    lines = [*head_lines()]
    for topic in topics():
        if topic.name == "changes":
            continue
        lines += topic_lines(topic.without_links)
    return "\n".join([r".\" Made by python -m tests.man_page: change the manual's text instead.", *lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
