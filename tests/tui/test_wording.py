"""The explorer speaks of its own keys: no option of a verb is left in what a panel says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import xnat_tui
from xnat_tui.tui.wording import in_keys, told

PACKAGE = Path(xnat_tui.__file__).parent
ONLY_OF_VERBS = {
    "--glob",
    "--to",
    "--scan",
    "--subject",
    "--rsync-source",
    "--rsync-destination",
    "--mode rsync",
    "--mode",  # of rsync, and beside --via import
    *("--every", "--at"),  # of the definitions of syncs
    # of de-identification, which no panel does yet
    *("--key", "--new-key", "--deidentify", "--map", "--relabel", "--pass-resource"),
    *("--list-columns", "--parquet"),  # of the verb table
    "--user",  # within a whole command
}
"""What only a shell's user is told: the explorer neither reads globs nor uploads DICOM nor runs rsync."""
SAID_IN = ("services", "model", "xnat", "jobs")


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("--on-existing update replaces it.", '"when it exists: update" (o) replaces it.'),
        ("Leave out --ohif.", 'Leave out "rebuild viewer data: yes" (o).'),
        (
            "or leave these out with --ignore-missing-datatypes.",
            'or leave these out with "missing data types: leave out" (o).',
        ),
        ("take it as it is with --no-verify.", 'take it as it is with "verify: no" (o).'),
        ("--overwrite would replace it.", '"complete files: fetch again" (o) would replace it.'),
        ("--bids-map FILE.csv", '"names by table" (o)'),
        ("--autorun would.", '"start AutoRun: yes" (o) would.'),
        ("kept until --prefer source.", 'kept until "prefer: source" (o).'),
        ("back with --restore.", 'back with "restore: yes" (o).'),
        ("a label like x--shared copy", "a label like x--shared copy"),
    ],
)
def test_an_option_is_an_answer_in_the_plans_options(said: str, here: str) -> None:
    assert in_keys(said) == here


def test_what_happened_stands_above_what_to_do() -> None:
    assert told("It is there.", "--on-existing update replaces it.") == [
        "It is there.",
        '"when it exists: update" (o) replaces it.',
    ]
    assert told("It is there.", "") == ["It is there."]


def _sentences() -> list[str]:
    """Every text of the services in which an option stands, f-strings with their holes as a word."""
    found = []
    for room in SAID_IN:
        for path in (PACKAGE / room).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docs = {
                ast.get_docstring(node, clean=False)
                for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            }
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and node.value not in docs
                    and re.search(r"[ :;]--[a-z]|^--[a-z][a-z-]* [a-z ]+[.;]", node.value)
                ):
                    found.append(node.value)
    return found


def test_every_option_that_a_panel_may_say_is_known_here() -> None:
    sentences = _sentences()
    assert len(sentences) > 15, "the search itself finds them"
    left = [
        text
        for text in map(in_keys, sentences)
        if any(option not in ONLY_OF_VERBS for option in re.findall(r"--mode rsync|--[a-z][a-z-]+", text))
    ]
    assert not left
