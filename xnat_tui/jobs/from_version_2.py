"""Plans and steps as version 2 of the journal kept them, made into the documents of this version.

There a step had a `task` and a bag of texts, `data`, and a plan the choices of all verbs, `policy`. Nothing
is checked here: what reads the documents checks their types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    carried: dict[str, Any]
    match task:
        case "project":
            carried = {
                "name": bag.get("name", ""),
                "secondary_id": bag.get("secondary_ID", ""),
                "settings": json.loads(bag.get("settings", "{}")),
                "protocols": json.loads(bag.get("protocols", "[]")),
            }
        case "subject" | "assessor" | "reconstruction" | "catalogs" | "ohif" | "caches":
            carried = {}
        case "experiment":
            carried = {"imported": "overlay" in bag}
        case "scan":
            carried = {"type": bag.get("type", ""), "imported": "overlay" in bag}
        case "resource" if "label" in bag:
            carried = {
                **{name: bag.get(name, "") for name in _RESOURCE},
                "recorded": _count(bag),
                "exists": "exists" in bag,
                "refused": json.loads(bag.get("refused", "[]")),
            }
        case "import":
            carried = {"resources": json.loads(bag["resources"])}
        case "share":
            carried = {"id": bag["shared"], "owner": bag["owner"], "label": bag[old["kind"]]}
        case "download":
            carried = _download(bag)
        case "metadata":
            carried = {"location": bag["location"], "item": bag["item"], "names": _bindings(bag)}
        case "dataset":
            carried = {"participants": json.loads(bag.get("participants", "{}"))}
        case "files":
            carried = {"files": json.loads(bag["files"])}
        case "dicom" if not bag.get("archive"):
            carried = {
                "files": json.loads(bag["files"]),
                **{name: bag[name] for name in ("to", "overwrite")},
            }
        case "dicom":
            return {"task": "outdated", "reason": _ARCHIVES}
        case _:
            return {"task": "none"}
    return {"task": task, **carried}


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
