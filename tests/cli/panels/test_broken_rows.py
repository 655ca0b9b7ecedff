"""Verbs on a server whose rows and documents lack what they must have: told by name, and never a crash."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.responses import Response

from xnat_tui.demo import calls


class Breaker:
    """Gives a key of every row and document of the demo server another value; ABSENT takes it away."""

    ABSENT = object()

    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()
        self.value: Any = ""
        self.met = 0

    def spoil(self, response: Response) -> Response:
        body = bytes(getattr(response, "body", b"") or b"")
        if not self.keys or not body:
            return response
        if body.startswith((b"{", b"[")):
            document = json.loads(body, strict=False)
            self._walk(document)
            return Response(json.dumps(document), response.status_code, media_type="application/json")
        if b"<?xml" in body[:100]:
            said = "" if self.value is self.ABSENT else ' \\1=""'
            changed, count = re.subn(rf' ({"|".join(self.keys)})="[^"]*"', said, body.decode())
            self.met += count
            return Response(changed, response.status_code, media_type="text/xml")
        return response

    def _walk(self, node: Any) -> None:
        if isinstance(node, list):
            for one in node:
                self._walk(one)
        elif isinstance(node, dict):
            for key in set(self.keys) & node.keys():
                self.met += 1
                if self.value is self.ABSENT:
                    del node[key]
                else:
                    node[key] = self.value
            for one in node.values():
                self._walk(one)


@pytest.fixture
def breaker(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    found, answered = Breaker(), calls._answer

    def answer(site: Any, request: Any, *more: Any) -> Response:
        response = answered(site, request, *more)
        signing = request.url.path.startswith(("/data/auth", "/data/JSESSION", "/data/services/auth"))
        return response if signing else found.spoil(response)

    monkeypatch.setattr(calls, "_answer", answer)
    monkeypatch.setattr("xnat_tui.services.administration.patience.REFUSED_WAITS", (0.0,))
    monkeypatch.setattr("xnat_tui.services.administration.patience.UNCLEAR_WAITS", (0.0,))
    return found


SESSION = "lab:BRAINS/SUB-002/SUB-002_MR1"
VERBS = {
    "show": ("show", "lab:BRAINS/SUB-002", "--depth", "files"),
    "compare": ("compare", "lab:BRAINS/SUB-002", "root:BRAINS/SUB-002"),
    "compare all fields": ("compare", SESSION, "root:BRAINS/SUB-002/SUB-002_MR1", "--fields", "all"),
    "verify": ("verify", SESSION, "root:BRAINS/SUB-002/SUB-002_MR1"),
    "copy": ("copy", "lab:BRAINS/SUB-002", "root:NEW", "-n"),
    "export": ("export", SESSION, "--to", "{folder}", "-n"),
    "datatypes": ("datatypes", "lab:BRAINS", "root:BRAINS"),
    "header": ("header", f"{SESSION}/scans/1"),
    "prearchive list": ("prearchive", "list", "root:"),
    "prearchive show": ("prearchive", "show", "lab:BRAINS"),
    "prearchive archive": ("prearchive", "archive", "lab:BRAINS", "-n"),
    "demographics show": ("demographics", "show", "lab:BRAINS"),
    "demographics set": ("demographics", "set", "lab:BRAINS/SUB-002", "race=x", "fields/site=7", "-y"),
    "demographics from-dicom": ("demographics", "from-dicom", "lab:BRAINS/SUB-002", "-n"),
    "share list": ("share", "list", "lab:BRAINS/SUB-002"),
    "share add": ("share", "add", "lab:BRAINS/SUB-002", "--into", "NEURO", "-n"),
    "users list": ("users", "list", "lab:BRAINS"),
    "users add": ("users", "add", "lab:BRAINS", "guest", "--role", "member", "-n"),
    "rename": ("rename", SESSION, "X", "-y", "--dismiss-autorun"),
    "autorun list": ("autorun", "list", "lab:BRAINS", "--all"),
    "autorun dismiss": ("autorun", "dismiss", "root:BRAINS", "-y"),
    "catalog refresh": ("catalog", "refresh", SESSION, "-y"),
}
KEYS = (
    *("ID", "URI", "label", "project", "subject_ID", "xsiType", "xnat_abstractresource_id", "cat_ID", "Name"),
    *("workflow_id", "status", "id", "login", "GROUP_ID", "ELEMENT_NAME", "timestamp", "url", "folderName"),
    *("data_fields", "name", "type", "xnat:imagescandata/id", "tag1", "launch_time", "role", "digest"),
)
VALUES = {
    "blank": "",
    "null": None,
    "absent": Breaker.ABSENT,
    "a number": 7.5,
    "a list": [3],
    "an object": {},
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_crashes_on_a_row_that_lacks_a_key(
    run: Any, breaker: Breaker, tmp_path: Any, verb: str
) -> None:
    arguments = [part.format(folder=tmp_path / "out") for part in VERBS[verb]]
    kinds, turn = list(VALUES), list(VERBS).index(verb)
    for number, key in enumerate(KEYS[turn % 2 :: 2]):  # the neighbouring verbs meet the others
        how = kinds[(number + turn) % len(kinds)]
        breaker.keys, breaker.value = (key,), VALUES[how]
        done = run(*arguments)
        told = f"{key} {how}: {done.stdout} {done.stderr} {done.exception}"
        assert "unexpectedly" not in done.stderr, told
        assert done.exit_code in (0, 1, 3, 4, 5, 6), told
    assert breaker.met


def rows(result: Any) -> list[dict[str, str]]:
    return json.loads(result.stdout)["items"]


@pytest.mark.parametrize(
    "value", ["", None, Breaker.ABSENT, True, {}], ids=["blank", "null", "absent", "true", "an object"]
)
def test_a_workflow_without_a_number_is_listed_and_dismissed_all_the_same(
    run: Any, breaker: Breaker, xnat: Any, value: Any
) -> None:
    """The search's rows lack it; asked for one by one, the server tells it (`wrk_workflowData_id`)."""
    whole = rows(run("autorun", "list", "root:BRAINS", "--json"))
    breaker.keys, breaker.value = ("workflow_id",), value
    found = rows(run("autorun", "list", "root:BRAINS", "--json"))
    assert [one["session_label"] for one in found] == [one["session_label"] for one in whole]
    assert [one["workflow_id"] for one in found if one["status"] == "Queued"] == ["26", "27"]
    done = run("autorun", "dismiss", "root:BRAINS", "-y")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (0, "2 done, 0 failed, 0 refused.")
    assert "Queued" not in {one.status for one in xnat.site.workflows.values()}


def test_a_number_that_is_told_nowhere_is_named_and_hides_no_other_row(run: Any, breaker: Breaker) -> None:
    whole = rows(run("autorun", "list", "root:BRAINS", "--json"))
    breaker.keys = ("workflow_id", "wrk_workflowData_id", "wrk_workflowdata_id")
    found = rows(run("autorun", "list", "root:BRAINS", "--json"))
    assert len(found) == len(whole) == 5
    assert {one["workflow_id"] for one in found} == {""}
    done = run("autorun", "dismiss", "root:BRAINS", "-y")
    assert done.exit_code == 6
    assert done.stdout.count("refused: the server does not tell its number (workflow_id).") == 2
    refused = run("rename", "root:BRAINS/SUB-002/SUB-002_MR1", "X", "-y", "--dismiss-autorun")
    assert refused.exit_code == 5
    assert "AutoRun blocks it. the server does not tell its number (workflow_id)." in refused.stdout


def test_a_status_that_is_not_told_is_no_status(run: Any, breaker: Breaker) -> None:
    breaker.keys, breaker.value = ("status",), ""
    done = run("autorun", "dismiss", "root:BRAINS", "-y")
    assert done.exit_code == 6
    assert "refused: the server does not tell its status." in done.stdout
    assert len(rows(run("autorun", "list", "root:BRAINS", "--json"))) == 5
