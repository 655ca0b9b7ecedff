"""The options that `export copy upload` share, as far as they mean something to each."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from xnat_tui.cli.help import TransferOption
from xnat_tui.cli.state import State
from xnat_tui.model.options import OPTIONS, Mode, OnExisting, TransferOptions, Via

_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmg]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_FILES = ("key", "label_map")
_MOST_WORKERS = 8
_MOST_ON_A_CLUSTER = 64


class RateType(click.ParamType[int]):
    """Bytes per second, such as `500k`, `20M` or `1.5MB/s`; units are decimal."""

    name = "rate"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _RATE.fullmatch(str(value).strip())
        rate = int(float(match["number"]) * _UNITS[match["unit"].lower()]) if match else 0
        if rate < 1:
            self.fail(f"{value!r} is no rate; write it as 500k, 20M or 1.5MB/s.", parameter, context)
        return rate


@dataclass(frozen=True, slots=True)
class _Spec:
    """One option: the choice that it sets, and how click is to read it."""

    name: str
    field: str
    attributes: Mapping[str, Any]
    own: bool = False
    """Whether the verb that it holds for declares it itself."""
    differs: bool = False
    """Whether not every verb that it holds for knows all of its words."""

    def verbs(self) -> list[str]:
        """Those to which it means something; all where it is no choice of how a plan is made."""
        return [verb for verb, kind in OPTIONS.items() if not self.field or self.field in _choices(kind)]

    def for_verb(self, verb: str) -> Callable[..., Any]:
        attributes = dict(self.attributes)
        if verb not in self.verbs():
            return refused_option(self.name, verb, self.verbs(), is_flag="is_flag" in attributes)
        if self.own:
            return lambda function: function
        if self.differs:
            words = {one: _words(OPTIONS[one], self.field) for one in self.verbs()}
            every = dict.fromkeys(word for known in words.values() for word in known)
            holders = {word: [one for one, known in words.items() if word in known] for word in every}
            attributes["type"] = VerbChoice(verb, words[verb], holders)
        return click.option(self.name, cls=TransferOption, **attributes)


class VerbChoice(click.Choice[str]):
    """Words that mean something to this verb; those of other verbs are refused with theirs."""

    def __init__(self, verb: str, offered: Sequence[str], holders: Mapping[str, Sequence[str]]) -> None:
        super().__init__(offered)
        self.verb = verb
        self.holders = holders

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        if value in self.holders and value not in self.choices:
            name = parameter.opts[0] if parameter is not None else "it"
            raise click.UsageError(meaningless(f"{name} {value}", self.verb, self.holders[value]), context)
        return super().convert(value, parameter, context)


def meaningless(option: str, verb: str, holders: Sequence[str]) -> str:
    """`--via means nothing to export: it holds for copy alone.`"""
    where = f"{holders[0]} alone" if len(holders) == 1 else " and ".join(holders)
    return f"{option} means nothing to {verb}: it holds for {where}."


def refused_option(
    name: str, verb: str, holders: Sequence[str], *, is_flag: bool = False
) -> Callable[..., Any]:
    """An option of other verbs that this one's help does not show, and that it refuses with a sentence."""

    def refuse(context: click.Context, parameter: click.Parameter, _value: Any) -> None:
        if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE:
            given = name.partition("/")[0]
            raise click.UsageError(meaningless(given, verb, holders), context)

    shape: dict[str, Any] = {"is_flag": True} if is_flag or "/" in name else {"type": click.UNPROCESSED}
    return click.option(name, hidden=True, expose_value=False, callback=refuse, **shape)


def _choices(kind: type[TransferOptions]) -> dict[str, Any]:
    """What a verb can be told, with what is usual."""
    return {one.name: one.default for one in fields(kind)}


def _words(kind: type[TransferOptions], field: str) -> list[str]:
    return [str(word) for word in type(_choices(kind)[field])]


def _spec(
    name: str, field: str = "", *, own: bool = False, differs: bool = False, **attributes: Any
) -> _Spec:
    return _Spec(name, field, attributes, own, differs)


_OPTIONS: tuple[_Spec, ...] = (
    _spec(
        "--workers",
        "workers",
        type=click.IntRange(1, _MOST_ON_A_CLUSTER),
        metavar="N",
        default=4,
        show_default=True,
        help=f"Transfers at once; more than {_MOST_WORKERS} only on a cluster.",
    ),
    _spec(
        "--mode", "mode", differs=True, default=Mode.AUTO.value, show_default=True, help="How files travel."
    ),
    _spec(
        "--rsync-source",
        "rsync_source",
        metavar="[USER@HOST:]FOLDER",
        help="The source's archive, for rsync.",
    ),
    _spec(
        "--rsync-destination",
        "rsync_destination",
        metavar="[USER@HOST:]FOLDER",
        help="The destination's archive, for rsync.",
    ),
    _spec(
        "--on-existing",
        "on_existing",
        type=click.Choice([choice.value for choice in OnExisting]),
        default=OnExisting.SKIP.value,
        show_default=True,
        help="What to do with what is there: add what is missing, replace what differs, or all.",
    ),
    _spec(
        "--skip-existing-sessions",
        "skip_existing_sessions",
        is_flag=True,
        help="Leave sessions alone that are there.",
    ),
    _spec("--fix-scan-types", "fix_scan_types", is_flag=True, help="Give scans the type of their modality."),
    _spec(
        "--ignore-missing-datatypes",
        "ignore_missing_datatypes",
        is_flag=True,
        help="Leave out what the destination lacks.",
    ),
    _spec(
        "--via",
        "via",
        type=click.Choice([via.value for via in Via]),
        default=Via.FILES.value,
        show_default=True,
        help="files keeps every byte; import hands DICOM to the import service, which may rewrite it.",
    ),
    _spec(
        "--shared",
        "shared",
        differs=True,
        default="skip",
        show_default=True,
        help="What to do with items shared into the source.",
    ),
    _spec("--autorun", "autorun", is_flag=True, help="Let what is archived start AutoRun."),
    _spec("--ohif", "ohif", is_flag=True, help="Rebuild the viewer's metadata afterwards."),
    _spec("--refresh-catalogs", "refresh_catalogs", is_flag=True, help="Refresh catalogs afterwards."),
    _spec("--clear-caches", "clear_caches", is_flag=True, help="Clear the server's caches afterwards."),
    _spec(
        "--bandwidth",
        "bandwidth",
        type=RateType(),
        metavar="RATE",
        help="Limit, such as 20M (bytes a second).",
    ),
    _spec(
        "--executor",
        "executor",
        metavar="dask=ADDRESS",
        help="Run the steps on the Dask cluster of this scheduler, such as dask=tcp://head:8786.",
    ),
    _spec(
        "--deidentify",
        "deidentify",
        metavar="PROFILE",
        help="Send nothing that says who it is: basic, basic+retain-..., or a TOML file.",
    ),
    _spec("--key", "key", metavar="FILE", help="The key that new UIDs, labels and dates are made by."),
    _spec("--map", "label_map", metavar="FILE.csv", help="Old and new labels: subject,new_subject[,...]."),
    _spec("--relabel", "relabel", metavar="RULE", help="New labels such as SITE-{n:04d}, kept in --map."),
    _spec(
        "--pass-resource",
        "pass_resource",
        multiple=True,
        metavar="LABEL",
        help="Let files that are no DICOM pass, of resources that are called so; repeatable.",
    ),
    _spec("--no-verify", "verify", is_flag=True, help="Do not compare sizes and digests afterwards."),
    _spec("--detach", is_flag=True, help="Start in the background."),
    _spec("--layout", "layout", own=True),
    _spec("--bids-map", "bids_map", own=True),
    _spec("--metadata/--no-metadata", "metadata", own=True),
    _spec("--overwrite", "overwrite_local", own=True, is_flag=True),
)


new_key_option = click.option(
    "--new-key",
    is_flag=True,
    cls=TransferOption,
    help="Make the file of --key first; it must not be there yet.",
)


def make_key(options: TransferOptions, *, new: bool) -> None:
    """Raises UsageError for a new key without a file, and for a file that is there."""
    from xnat_tui.services.deidentifying.keys import open_key

    if new:
        open_key(Path(options.key) if options.key else None, new)


def transfer_options(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The transfer options that mean something to a verb, handed over as `options`, of its own kind, and
    `detach: bool`.

    The others are refused with a sentence.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_options(*arguments: Any, **more: Any) -> Any:
            chosen = {
                spec.field: _absolute(spec, more.pop(_key(spec))) for spec in _OPTIONS if _offers(spec, verb)
            }
            return function(*arguments, options=_chosen(OPTIONS[verb], chosen), **more)

        decorated: Callable[..., Any] = with_options
        for spec in reversed(_OPTIONS):
            decorated = spec.for_verb(verb)(decorated)
        return decorated

    return decorate


def _absolute(spec: _Spec, value: Any) -> Any:
    """A file's place whatever folder the worker stands in."""
    return str(Path(value).expanduser().absolute()) if value and spec.field in _FILES else value


def _offers(spec: _Spec, verb: str) -> bool:
    return bool(spec.field) and not spec.own and verb in spec.verbs()


def _key(spec: _Spec) -> str:
    return spec.name.partition("/")[0].removeprefix("--").replace("-", "_")


def _chosen(kind: type[TransferOptions], chosen: dict[str, Any]) -> TransferOptions:
    if chosen["workers"] > _MOST_WORKERS and not chosen.get("executor"):
        raise click.UsageError(f"--workers is {_MOST_WORKERS} at most without --executor.")
    source, destination = chosen.get("rsync_source") or "", chosen.get("rsync_destination") or ""
    if (chosen["mode"] == Mode.RSYNC) != bool(source and destination) or bool(source) != bool(destination):
        raise click.UsageError("--mode rsync, --rsync-source and --rsync-destination go together.")
    known = {
        **{name: value for name, value in chosen.items() if value is not None},
        "verify": not chosen["verify"],
    }
    if "event_reason" in _choices(kind):
        known["event_reason"] = click.get_current_context().ensure_object(State).event_reason
    return kind(**known)
