"""Whatever a verb writes is heard by an explorer that is open elsewhere: nothing that it shows is stale."""

from __future__ import annotations

import pytest

from xnat_tui.cli.verbs import VERBS
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.watch import Watch
from xnat_tui.model.changed import What
from xnat_tui.model.entities import CHILD_KINDS
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.workspace import Workspace

_ARCHIVED = {What.ITEMS, What.PREARCHIVE}
SESSION = "lab:BRAINS/SUB-004/SUB-004_CT1"
WRITES = {
    "rename": (["rename", SESSION, "SUB-004_NEW"], {What.ITEMS}, "BRAINS"),
    "rename of a subject": (["rename", "lab:BRAINS/SUB-004", "SUB-NEW"], {What.ITEMS}, "BRAINS"),
    "rename that merges": (
        ["rename", "lab:BRAINS/SUB-004", "--pattern", ".*", "--to", "SUB-009", "--merge"],
        {What.ITEMS},
        "BRAINS",
    ),
    "project": (["project", "set", "lab:BRAINS", "title=Brains"], {What.ITEMS}, "BRAINS"),
    "project that is new": (["project", "create", "lab:NEW"], {What.ITEMS}, ""),
    "anon": (["anon", "set", "lab:BRAINS", "FILE"], {What.SETTINGS}, ""),
    "demographics": (["demographics", "set", "lab:BRAINS/SUB-004", "dob=1990-01-17"], {What.ITEMS}, "BRAINS"),
    "share": (["share", "add", SESSION, "--into", "EMPTY"], {What.ITEMS}, "EMPTY"),
    "delete": (["delete", SESSION, "--confirm", "BRAINS"], {What.ITEMS}, "BRAINS"),
    "delete of a share": (["delete", "lab:TEACHING/SUB-002"], {What.ITEMS}, "TEACHING"),
    "move": (["move", SESSION, "lab:EMPTY", "--confirm", "BRAINS"], {What.ITEMS, What.FILES}, "BRAINS"),
    "history": (["history", "undo", "1"], {What.ITEMS}, "BRAINS"),
    "resources": (["resources", "create", f"{SESSION}/resources/NOTES"], {What.FILES}, "BRAINS/SUB-004"),
    "resources deleted": (
        ["resources", "delete", f"{SESSION}/scans/2/resources/DICOM", "--confirm", "BRAINS"],
        {What.FILES},
        "BRAINS/SUB-004",
    ),
    "upload": (["upload", "FILE", f"{SESSION}/resources/NOTES"], {What.FILES}, "BRAINS/SUB-004"),
    "copy": (["copy", "lab:BRAINS/SUB-004", "lab:EMPTY"], {What.ITEMS, What.FILES}, "EMPTY"),
    "sync": (["sync", "run", "heard"], {What.ITEMS, What.FILES}, "EMPTY"),
    "users": (["users", "accessibility", "lab:BRAINS", "public"], {What.USERS}, ""),
    "autorun": (["autorun", "dismiss", "lab:BRAINS/SUB-002"], {What.WORKFLOWS}, ""),
    "catalog": (["catalog", "refresh", SESSION], {What.FILES}, ""),
    "bench": (["bench", "lab:BRAINS"], {What.FILES}, ""),
    "ohif": (["ohif", "rebuild", SESSION], {What.FILES}, ""),
    "prearchive": (
        ["prearchive", "archive", "lab:BRAINS/SUB-013/SUB-013_MR1"],
        _ARCHIVED,
        "",
    ),
}
_BEFORE = {
    "history": ["demographics", "set", "lab:BRAINS/SUB-004", "dob=1990-01-17", "-y"],
    "sync": ["sync", "add", "heard", "lab:BRAINS", "lab:EMPTY", "--subject", "SUB-004"],
}
_READS = {
    "demo",
    "manual",
    "server",
    "show",
    "find",
    "table",
    "compare",
    "export",
    "verify",
    "datatypes",
    "header",
    "jobs",
}
"""Verbs that change no server: `jobs` lets workers do so, who say it themselves."""


def seen(reader: Reader, path: str) -> list[str]:
    """Everything that a reader shows at and below a place of one project."""
    from xnat_tui.model.location import Location
    from xnat_tui.services.browsing.find import find

    lines, waiting = [], list(find(reader, Location.parse(f"root:{path}")))
    while waiting:
        place = waiting.pop()
        lines.append(f"{place.location} {dict(place.items[-1].fields)} {place.items[-1].files}")
        for kind in CHILD_KINDS[place.kind]:
            waiting += [place.child(item) for item in reader.below(place, kind).items]
    return sorted(lines)


def test_every_verb_is_known_to_write_or_to_read():
    assert {line[0] for line, *_ in WRITES.values()} | _READS == set(VERBS)


@pytest.mark.usefixtures("brief_bench")
@pytest.mark.parametrize("name", WRITES)
def test_what_a_verb_writes_leaves_nothing_stale_elsewhere(run, xnat, tmp_path, monkeypatch, name):
    xnat.site.settings.plugins["ohifViewerPlugin"] = {}
    words, told, shown = WRITES[name]
    (tmp_path / "notes.txt").write_text("seen")
    words = [str(tmp_path / "notes.txt") if word == "FILE" else word for word in words]
    monkeypatch.setattr("xnat_tui.services.administration.prearchive.work.POLL_SECONDS", 0.0)
    if name in _BEFORE:
        assert run(*_BEFORE[name]).exit_code == 0
    with Workspace() as explorer, Journal() as journal:
        reader = explorer.reader("root")
        before = seen(reader, shown) if shown else []
        watch = Watch(journal)
        assert watch.changes() == []
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("xnat_tui.jobs.changes.ORIGIN", "another process")
            done = run(*words, "-y")
        assert done.exit_code == 0, done.output
        changes = watch.changes()
        assert {one.what for one in changes} == told
        explorer.hear(*changes)
        if shown:
            after = seen(reader, shown)
            assert after == seen(Reader(reader.connection), shown)
            assert after != before
        assert watch.changes() == []
