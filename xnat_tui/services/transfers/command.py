"""The command line that plans the same transfer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields

from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.options import TransferOptions

_FLAGS = (
    "skip_existing_sessions",
    "fix_scan_types",
    "ignore_missing_datatypes",
    "autorun",
    "ohif",
    "refresh_catalogs",
    "clear_caches",
)
_WORDS = ("on_existing", "mode", "rsync_source", "rsync_destination", "via", "shared", "executor")
_DEIDENTIFYING = (
    ("deidentify", "--deidentify"),
    ("key", "--key"),
    ("label_map", "--map"),
    ("relabel", "--relabel"),
)
_LISTS = ("subject", "session", "type", "modality", "scan", "scan_type", "resource")


def command(
    sources: Sequence[str], destination: str, options: TransferOptions, filters: Filters = NO_FILTERS
) -> str:
    """What several verbs can be told; only what is not as usual is told."""
    words = ["xnat-tui", options.verb, *map(shlex.quote, sources), shlex.quote(destination)]
    told = _unusual(options)
    for name in (one for one in _WORDS if one in told):
        words += [_option(name), shlex.quote(str(told[name]))]
    words += [_option(name) for name in _FLAGS if name in told]
    words += [
        part
        for name, option in _DEIDENTIFYING
        if name in told
        for part in (option, shlex.quote(str(told[name])))
    ]
    words += [part for label in options.pass_resource for part in ("--pass-resource", shlex.quote(label))]
    if options.bandwidth:
        words += ["--bandwidth", str(options.bandwidth)]
    if not options.verify:
        words.append("--no-verify")
    if "event_reason" in told:
        words += ["--event-reason", shlex.quote(str(told["event_reason"]))]
    for prefix in ("", "exclude_"):
        for name in _LISTS:
            for glob in getattr(filters, prefix + name):
                words += [_option(prefix + name), shlex.quote(glob)]
    for name in ("since", "until", "limit_subjects"):
        if getattr(filters, name) is not None:
            words += [_option(name), str(getattr(filters, name))]
    return " ".join(words)


def _unusual(options: TransferOptions) -> dict[str, object]:
    usual = type(options)()
    named = [one.name for one in fields(options)]
    return {name: getattr(options, name) for name in named if getattr(options, name) != getattr(usual, name)}


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
