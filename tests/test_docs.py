"""What README says is true of the program."""

from __future__ import annotations

import re
import shlex
import tomllib
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
        for name in re.findall(r"workspace\.(\w+)\(", block):
            assert hasattr(Workspace, name)
        for name in re.findall(r"xnat_tui\.(\w+)\(", block):
            assert hasattr(xnat_tui, name)


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
