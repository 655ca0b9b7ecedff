"""Plans and steps as version 2 of the journal kept them, made into the documents of this version.

There a step had a `task` and a bag of texts, `data`, and a plan the choices of all verbs, `policy`. Nothing
is checked here: what reads the documents checks their types.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from xnat_tui.model.options import OPTIONS

_SAME = (
    *("number", "action", "path", "kind", "source", "target"),
    *("files", "bytes", "reason", "needs"),
)
_RESOURCE = ("label", "number", "side", "only", "format", "content", "description", "tags")
_ARCHIVES = "An earlier version planned this, and sent archives as they were."


def plan_document(old: Mapping[str, Any]) -> dict[str, Any]:
    """A plan without its steps. Raises KeyError for what is none."""
    policy = old["policy"]
    known = {one.name for one in fields(OPTIONS[old["verb"]])}
    options = {name: value for name, value in policy.items() if name in known}
    rest = {name: value for name, value in old.items() if name != "policy"}
    return {"left_out": (), **rest, "options": options}


def step_document(old: Mapping[str, Any]) -> dict[str, Any]:
    """Raises KeyError, TypeError, ValueError for what is no step."""
    bag = old["data"]
    work = {"task": "none"} if old["action"] == "conflict" else _work(old, bag)
    experiment = bag["label"] if old["task"] == "dicom" else bag.get("experiment", "")
    return {
        **{name: old[name] for name in _SAME},
        "work": work,
        "session": bag.get("session", ""),
        "lineage": {
            "project": bag.get("project", ""),
            "subject": bag.get("subject", ""),
            "experiment": experiment,
        },
        "stays_behind": "stays_behind" in bag,
        "unread": "unread" in bag,
        "replaces": bool(bag.get("replaces")),
    }


def _work(old: Mapping[str, Any], bag: Mapping[str, str]) -> dict[str, Any]:
    task = old["task"]
    if task == "dicom" and bag.get("archive"):
        return {"task": "outdated", "reason": _ARCHIVES}
    if task == "share":  # whose label was kept by the word for its kind
        return {"task": task, "id": bag["shared"], "owner": bag["owner"], "label": bag[old["kind"]]}
    if task in _EMPTY:
        return {"task": task}
    if task not in _CARRIED or (task == "resource" and "label" not in bag):
        return {"task": "none"}
    return {"task": task, **_CARRIED[task](bag)}


def _project(bag: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": bag.get("name", ""),
        "secondary_id": bag.get("secondary_ID", ""),
        "settings": json.loads(bag.get("settings", "{}")),
        "protocols": json.loads(bag.get("protocols", "[]")),
    }


def _resource(bag: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name: bag.get(name, "") for name in _RESOURCE},
        "recorded": _count(bag),
        "exists": "exists" in bag,
        "refused": json.loads(bag.get("refused", "[]")),
    }


def _download(bag: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name: bag[name] for name in ("folder", "prefix", "server", "location", "item")},
        **{name: bag.get(name, "") for name in ("label", "number", "only")},
        "recorded": _count(bag),
        "folds": bool(bag["folds"]),
        "names": _bindings(bag),
        "places": json.loads(bag.get("images", "{}")),
        "images": json.loads(bag.get("images_named") or "[]"),
        "left": json.loads(bag.get("left", "[]")),
    }


def _bindings(bag: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "layout": layout, "owner": owner}
        for name, layout, *owner in json.loads(bag.get("names", "[]"))
    ]


def _count(bag: Mapping[str, str]) -> int | None:
    return int(bag["recorded"]) if bag.get("recorded") else None


_EMPTY = frozenset({"subject", "assessor", "reconstruction", "catalogs", "ohif", "caches"})
_CARRIED: Mapping[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
    "project": _project,
    "experiment": lambda bag: {"imported": "overlay" in bag},
    "scan": lambda bag: {"type": bag.get("type", ""), "imported": "overlay" in bag},
    "resource": _resource,
    "import": lambda bag: {"resources": json.loads(bag["resources"])},
    "download": _download,
    "metadata": lambda bag: {"location": bag["location"], "item": bag["item"], "names": _bindings(bag)},
    "dataset": lambda bag: {"participants": json.loads(bag.get("participants", "{}"))},
    "files": lambda bag: {"files": json.loads(bag["files"])},
    "dicom": lambda bag: {"files": json.loads(bag["files"]), "to": bag["to"], "overwrite": bag["overwrite"]},
}
