"""What README, the rooms' READMEs and docstrings say is true of the program, and nothing is left unsaid."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

import xnat_tui
from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.root import cli
from xnat_tui.cli.verbs import VERBS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every `xnat-tui …` line of the code blocks, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    calls = [part.strip() for line in lines for part in line.split("&&")]
    return [re.sub(r"^\.venv/bin/", "", call) for call in calls if re.match(r"(\.venv/bin/)?xnat-tui ", call)]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    if words[0] not in VERBS:
        assert ":" in words[0], f"{words[0]} is neither a verb nor a location"
        return
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    rest = words[1:]
    if isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
    command.make_context(words[0], rest, resilient_parsing=False)


DOCUMENTS = {"README.md": README} | {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in (".github", "xnat_tui/docs")
    for path in (ROOT / folder).glob("*.md")
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_everything_that_a_document_leads_to_is_there_and_in_the_sdist(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert name.partition("/")[0] in packed
    for target in re.findall(r"\]\(([^)#:]+)\)", DOCUMENTS[name]):
        found = (ROOT / name).parent.joinpath(target).resolve().relative_to(ROOT)
        assert (ROOT / found).exists(), target
        assert found.parts[0] in packed, target


def test_the_wheel_gets_the_man_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    pages = {path: target for path, target in shared.items() if target.startswith("share/man/man1/")}
    assert pages
    assert all((ROOT / path).is_file() for path in pages)


def test_every_exit_code_is_explained() -> None:
    told = re.search(r"Exit codes: (.*?)\n\n", README, re.DOTALL)
    assert told is not None
    for code in (ExitCode.DONE, ExitCode.DIFFERENCES, ExitCode.USAGE, ExitCode.UNREACHABLE):
        assert re.search(rf"\b{int(code)} ", told[1])
    for code in (ExitCode.NOT_ALLOWED, ExitCode.NOT_FOUND, ExitCode.FAILED, ExitCode.INTERRUPTED):
        assert re.search(rf"\b{int(code)} ", told[1])


def test_the_python_of_the_readme_names_what_is_there() -> None:
    from xnat_tui.services.workspace import Workspace

    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    for block in blocks:
        compile(block, "README", "exec")
    named, offered = (set(re.findall(rf"{of}\.(\w+)\(", "".join(blocks))) for of in ("workspace", "xnat_tui"))
    assert named
    assert offered
    assert {name for name in named if not hasattr(Workspace, name)} == set()
    assert {name for name in offered if not hasattr(xnat_tui, name)} == set()


PACKAGE = ROOT / "xnat_tui"
ROOMS = sorted(
    folder.relative_to(PACKAGE).as_posix()
    for folder in (path.parent for path in PACKAGE.glob("*/**/__init__.py"))
    if any(path != folder / "__init__.py" for path in folder.rglob("*.py"))
)
MOST_LINES = 20


def room_text(room: str) -> str:
    return (PACKAGE / room / "README.md").read_text(encoding="utf-8")


@cache
def defined() -> dict[str, set[str]]:
    """Every class of the package, with the names of its members."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                members = {one.name for one in node.body if hasattr(one, "name")}
                members |= {ast.unparse(one.target) for one in node.body if isinstance(one, ast.AnnAssign)}
                members |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
                found.setdefault(node.name, set()).update(members)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_in_a_few_lines_what_it_is_for(room: str) -> None:
    text = room_text(room)
    assert text.startswith(f"# {room}: ")
    assert text.count("\n") <= MOST_LINES
    for word in ("Import", "Begin with"):
        assert word in text


@pytest.mark.parametrize("room", ROOMS)
def test_whatever_a_room_names_is_there(room: str) -> None:
    named = re.findall(r"`([^`]+)`", room_text(room))
    files = [name for name in named if re.fullmatch(r"[\w./-]+\.(py|md|tcss)|[\w-]+(/[\w-]+)+", name)]
    for name in files:
        places = (PACKAGE / room / name, PACKAGE / room / ".." / name, PACKAGE / name, ROOT / name)
        assert any(place.exists() for place in places), name
    for name in set(named) - set(files):
        if dotted := re.fullmatch(r"([A-Z]\w+)\.(\w+)", name):
            assert dotted[2] in defined().get(dotted[1], ()), name
        elif re.fullmatch(r"[A-Z][a-z]\w+", name):
            assert name in defined(), name


SAYING_ENOUGH = 3
"""Lines of a method that may go without a docstring: its name says what it is."""


def undocumented(path: Path) -> Iterator[str]:
    """Public classes, functions and longer methods without a docstring; a setter has its property's."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    waiting: list[tuple[ast.Module | ast.ClassDef, str]] = [(module, path.relative_to(PACKAGE).as_posix())]
    while waiting:
        holder, where = waiting.pop()
        for node in holder.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            method = isinstance(holder, ast.ClassDef) and isinstance(node, ast.FunctionDef)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            setter = any(ast.unparse(one).endswith(".setter") for one in node.decorator_list)
            if not ast.get_docstring(node) and not setter and not (method and lines <= SAYING_ENOUGH):
                yield f"{where}: {node.name}"
            if isinstance(node, ast.ClassDef):
                waiting.append((node, f"{where}: {node.name}"))


@pytest.mark.parametrize(
    "below", ["*.py", "model/**/*.py", "xnat/**/*.py", "jobs/**/*.py", "services/**/*.py"]
)
def test_what_is_offered_to_others_says_what_its_name_does_not(below: str) -> None:
    paths = sorted(PACKAGE.glob(below))
    assert paths
    assert [name for path in paths for name in undocumented(path)] == []


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def test_whatever_a_docstring_names_of_a_class_is_there() -> None:
    for path in PACKAGE.rglob("*.py"):
        for text in docstrings(path):
            for holder, member in re.findall(r"`([A-Z]\w+)\.(\w+)`", text):
                assert member in defined().get(holder, {member}), f"{path}: {holder}.{member}"


def test_no_docstring_leads_out_of_the_project() -> None:
    for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"`([a-z/-]+\.md)`", text):
            assert (PACKAGE / name).exists(), f"{path}: {name}"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows: list[list[str]] = []
    for line in lines[2:]:
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if not any(cells):
            break
        rows.append(cells)
    return rows


def known_keys() -> set[str]:
    from xnat_tui.tui.actions import ACTIONS
    from xnat_tui.tui.explorer.tree import PairTree
    from xnat_tui.tui.terminal.key_names import key_name

    bound = [action.keys for action in ACTIONS]
    bound += [binding.key for binding in PairTree.BINDINGS if hasattr(binding, "key")]
    return {key_name(key) for keys in bound for key in keys.split(",")}


def assert_verb(line: str) -> None:
    program, verb, *below = line.split()
    assert program == "xnat-tui"
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None, verb
    for name in below:
        assert isinstance(command, click.Group)
        command = command.commands[name]


@pytest.mark.parametrize("row", table("The panels"), ids=lambda row: row[0])
def test_every_panel_has_the_key_and_the_verb_that_the_readme_names(row: list[str]) -> None:
    key, _, verb = row
    assert key in known_keys()
    if verb:
        assert_verb(verb)


@pytest.mark.parametrize("row", table("What it replaces"), ids=lambda row: f"{row[0]} {row[1]}")
def test_every_function_of_the_tools_it_replaces_has_a_key_and_a_verb(row: list[str]) -> None:
    _, _, key, verb = row
    assert key in known_keys()
    assert_verb(verb)


def test_no_function_of_the_five_tools_is_missing_from_the_table() -> None:
    replaced = {(row[0], row[1]) for row in table("What it replaces")}
    verbs = ("show", "compare", "export", "copy", "check-datatypes", "ohif", "rebuild-catalog")
    assert {("CopyXnat", verb) for verb in verbs} <= replaced
    toolkit = ("authenticate", "list", "upload", "prearchive", "archive", "demographics", "share")
    assert {("XNAT_CLI_Toolkit", verb) for verb in toolkit} <= replaced
    assert {"DPUK project copy", "XNAT Downloader", "datman"} <= {tool for tool, _ in replaced}


CONTRACT = (ROOT / "xnat_tui" / "docs" / "xnat-contract.md").read_text(encoding="utf-8")
CERTAINTIES = {"source", "tests", "documented", "clients", "inferred", "not known"}


def cited_sections() -> set[str]:
    """Sections of the contract that docstrings and comments name: `xnat-contract.md` 2.8, 2.9."""
    cited: set[str] = set()
    for path in (ROOT / "xnat_tui").rglob("*.py"):
        text = re.sub(r"\s+#?\s*", " ", path.read_text(encoding="utf-8"))
        for told in re.findall(r"xnat-(?:rest|contract)\.md`? ((?:(?:, | and )?\d+(?:\.\d+a?)?)+)", text):
            cited |= set(re.findall(r"\d+(?:\.\d+a?)?", told))
    return cited


def test_every_section_of_the_contract_that_the_code_cites_is_there() -> None:
    headings = set(re.findall(r"^###? (\d+(?:\.\d+a?)?)\.? ", CONTRACT, re.MULTILINE))
    cited = cited_sections()
    assert cited
    assert cited <= headings


def test_every_fact_of_the_contract_says_how_certain_it_is_and_whence() -> None:
    rows = re.findall(r"^\| (.*) \|$", CONTRACT.partition("## 0. ")[2].partition("### 11.5")[0], re.MULTILINE)
    facts = [row.split(" | ") for row in rows if row != "fact | certainty | where"]
    assert len(facts) > 100
    for fact in facts:
        assert len(fact) == 3, fact
        assert set(fact[1].split(", ")) <= CERTAINTIES, fact
        assert fact[2], fact
