"""Every case says what must hold: a test that only runs something proves that it does not crash."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
SHARED = ("conftest.py", "driver.py")
"""Files whose functions are called from others'."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def called(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def claims(function: Function, claiming: set[str]) -> bool:
    """Whether it asserts, expects an error, or calls what does."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or not claiming.isdisjoint(
        called(function)
    )


def claiming(helpers: list[Function], known: set[str]) -> set[str]:
    """The names of helpers that claim something, those that call one another included."""
    found = {one.name for one in helpers if not one.name.startswith("test_") and claims(one, known)} | known
    return found if found == known else claiming(helpers, found)


def test_no_case_claims_nothing() -> None:
    shared = [one for name in SHARED for path in TESTS.rglob(name) for one in functions(path)]
    everywhere = claiming(shared, {"raises", "fail"}) | {"until_shown"}  # waits for what is to be shown
    silent = []
    for path in TESTS.rglob("test_*.py"):
        here = functions(path)
        names = claiming(here, everywhere)
        silent += [
            f"{path.relative_to(TESTS)}::{one.name}"
            for one in here
            if one.name.startswith("test_") and not claims(one, names)
        ]
    assert silent == []
