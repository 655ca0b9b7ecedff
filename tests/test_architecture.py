"""The rules that keep the layers apart, and start-up quick."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "xnat_tui"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 500
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "manager", "base", "common", "misc"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def top_level(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_importing_the_package_loads_no_screen_and_no_network() -> None:
    assert not top_level(loaded_by("import xnat_tui")) & {"textual", "rich", "requests", "xnat", "click"}


@pytest.mark.parametrize("layer", ["model", "xnat", "jobs", "services"])
def test_layers_below_the_fronts_know_no_screen_and_no_command_line(layer: str) -> None:
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in SOURCES
        if path.relative_to(PACKAGE).parts[0] == layer and path.name not in ("__init__.py", "__main__.py")
    ]
    loaded = loaded_by("\n".join(f"import {module}" for module in modules))
    assert f"xnat_tui.{layer}" in loaded
    assert not top_level(loaded) & {"textual", "click", "rich"}


def test_the_model_reaches_for_no_network() -> None:
    loaded = loaded_by("import xnat_tui.model.pairing, xnat_tui.model.plan, xnat_tui.model.location")
    assert not top_level(loaded) & {"requests", "urllib3", "xnat", "pydicom", "lxml"}


def test_the_demo_stands_alone() -> None:
    for path in (PACKAGE / "demo").rglob("*.py"):
        imported = imports_of(path)
        foreign = {name for name in imported if name.startswith("xnat_tui.") and ".demo" not in name}
        assert not foreign, f"{path.name} imports {foreign}"


@pytest.mark.parametrize("front", [("cli", "tui"), ("tui", "cli")])
def test_the_fronts_do_not_know_each_other(front: tuple[str, str]) -> None:
    here, other = front
    for path in (PACKAGE / here).rglob("*.py"):
        names = {name for name in imports_of(path) if name.startswith(f"xnat_tui.{other}")}
        assert names <= {"xnat_tui.tui.app"}, f"{path.name} imports {names}"


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_between_files() -> dict[str, set[str]]:
    """Every import of one file of the package by another: also late ones, and those for types alone."""
    files = {module_of(path): path for path in SOURCES}
    found: dict[str, set[str]] = {module: set() for module in files}
    for module, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in files else node.module for name in inside]
            found[module] |= {name for name in names if name in files and name != module}
    return found


def in_circles(imports: dict[str, set[str]]) -> set[str]:
    """The files that import themselves by way of others: what is left when nobody can be taken away."""
    left = {module: set(names) for module, names in imports.items()}
    while free := {one for one, names in left.items() if not names & left.keys()}:
        left = {one: names for one, names in left.items() if one not in free}
    importers = {one: {other for other in left if one in left[other]} for one in left}
    while free := {one for one, names in importers.items() if not names & importers.keys()}:
        importers = {one: names for one, names in importers.items() if one not in free}
    return set(importers)


def test_no_files_import_each_other_in_a_circle() -> None:
    assert sorted(in_circles(imports_between_files())) == []


def test_every_file_of_the_explorer_has_its_place_in_the_order_of_imports() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    order = next(one["layers"] for one in contracts if one["name"].startswith("In tui: "))
    layers = re.findall(r"[\w.]+", " ".join(order))
    modules = {module_of(path) for path in (PACKAGE / "tui").rglob("*.py")} - {"xnat_tui.tui"}
    placed = {module for module in modules if any(f"{module}.".startswith(f"{one}.") for one in layers)}
    assert modules - placed == {"xnat_tui.tui.explorer"}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_holds_one_idea_and_says_which(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert path.stem not in NAMES_THAT_SAY_NOTHING
    assert ast.get_docstring(ast.parse(text)), "a module says what it is for"
