"""Where something is: `lab:P/S/E/scans/3`, or any address that XNAT or a browser writes.

Grammar (`NAME` is a saved server or a base URL):

    NAME:                                   the server
    NAME:P[/S[/E[/scans/ID | /assessors/A | /reconstructions/R]]]
    ...[/in | /out]/resources/R[/files/path/below/the/resource]

A segment may be percent-encoded. One that names something exactly is that thing; else it may be a shell
glob, outside of what is encoded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.naming import is_glob, read_glob

_COLLECTIONS = {
    "scans": Kind.SCAN,
    "assessors": Kind.ASSESSOR,
    "reconstructions": Kind.RECONSTRUCTION,
}
_WORDS = {
    "projects": Kind.PROJECT,
    "subjects": Kind.SUBJECT,
    "experiments": Kind.EXPERIMENT,
    **_COLLECTIONS,
    "resources": Kind.RESOURCE,
}
_PLURALS = {kind: word for word, kind in _WORDS.items()}
_NEXT_LABEL = {None: Kind.PROJECT, Kind.PROJECT: Kind.SUBJECT, Kind.SUBJECT: Kind.EXPERIMENT}
_SIDES = ("in", "out")
_WITH_SIDES = (Kind.ASSESSOR, Kind.RECONSTRUCTION, Kind.EXPERIMENT)
"""An experiment named by its accession ID may be an assessor."""
_GLOB = re.compile(r"[*?\[]")
_SIGNS = re.compile(r"[*?\[\]]")
"""What is encoded of a literal name that holds a glob character: brackets in pairs."""
_HINT = "Write NAME:PROJECT/SUBJECT/SESSION/scans/ID, or paste an address from the browser."


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: a kind and the label, ID, or path that picks it; `side` for in and out resources.

    With `glob`, the name may be one: what is called so exactly comes first (`model.naming`).
    """

    kind: Kind
    name: str
    glob: bool = False
    side: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """A place on a server. `server` is a saved name, or a base URL without one."""

    server: str
    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str, servers: Mapping[str, str] | None = None) -> Location:
        """Read what a person typed or pasted. `servers` maps saved names to their base URLs.

        Raises UsageError when it is no location, or names a server that is not saved.
        """
        servers = servers or {}
        text = text.strip()
        if re.match(r"https?://", text, re.IGNORECASE):
            return _from_url(text, servers)
        name, colon, path = text.partition(":")
        if not colon or not name or "/" in name:
            saved = text.partition("/")[0]
            meant = f"{saved}:{text[len(saved) + 1 :]}"
            hint = f"Did you mean {meant!r}?" if saved in servers else _HINT
            raise UsageError(f"{text!r} is not a location.", hint)
        if servers and name not in servers:
            raise UsageError(f"No server is saved as {name!r}.", unsaved_hint(name, servers))
        return cls(name, _from_short_path(path.strip("'\""), text))

    @classmethod
    def of_uri(cls, server: str, uri: str) -> Location:
        """A REST address of this server as a location; as much of it as names items."""
        parts = re.sub(r"^/(data|REST)(/archive)?(/|$)", "", uri).strip("/").split("/")
        for end in range(len(parts), 0, -1):
            with suppress(UsageError):
                return cls(server, _from_rest_path("/".join(parts[:end]), uri))
        return cls(server)

    @property
    def kind(self) -> Kind:
        return self.steps[-1].kind if self.steps else Kind.SERVER

    @property
    def name(self) -> str:
        """The last label, or the server's name."""
        return self.steps[-1].name if self.steps else self.server

    @property
    def has_glob(self) -> bool:
        return any(step.glob for step in self.steps)

    @property
    def parent(self) -> Location:
        """One step up; a server is its own."""
        return Location(self.server, self.steps[:-1])

    def step(self, kind: Kind) -> Step | None:
        """The first step of a kind; None where the way does not lead through one."""
        return next((step for step in self.steps if step.kind is kind), None)

    def name_of(self, kind: Kind) -> str:
        """The name of the first step of a kind; "" without one."""
        step = self.step(kind)
        return step.name if step else ""

    def child(self, kind: Kind, name: str, side: str = "") -> Location:
        return Location(self.server, (*self.steps, Step(kind, name, side=side)))

    def starts_with(self, other: Location) -> bool:
        """Whether this is the other location, or stands below it."""
        return self.server == other.server and self.steps[: len(other.steps)] == other.steps

    @property
    def path(self) -> str:
        """The short form after the colon."""
        return "/".join(_short(self.steps))

    def __str__(self) -> str:
        if "://" in self.server:
            base = self.server.rstrip("/")
            return f"{base}/data/{relative_path(self.steps)}" if self.steps else base
        return f"{self.server}:{self.path}"


def unsaved_hint(name: str, servers: Iterable[str]) -> str:
    """What to do about a name under which no server is saved: the nearest one, or all that there are."""
    near = difflib.get_close_matches(name, servers, 1, 0.5)
    if near:
        return f"Did you mean {near[0]!r}? Add a server with: xnat-tui server add {name} URL"
    known = ", ".join(sorted(servers)) or "none"
    return f"Saved servers: {known}. Add one with: xnat-tui server add {name} URL"


def relative_path(steps: Iterable[Step]) -> str:
    """XNAT's own words, as the JSON documents use: `subjects/S/experiments/E/scans/3/resources/DICOM`."""
    words: list[str] = []
    for step in steps:
        if step.kind is Kind.FILE:
            words += ["files", step.name]
            continue
        if step.side:
            words.append(step.side)
        words += [_PLURALS[step.kind], step.name]
    return "/".join(words)


def _short(steps: Iterable[Step]) -> Iterable[str]:
    for step in steps:
        if step.kind is Kind.FILE:
            yield "files"
            yield "/".join(_quoted(part, step.glob) for part in step.name.split("/"))
            continue
        if step.side:
            yield step.side
        if step.kind in (Kind.RESOURCE, *_COLLECTIONS.values()):
            yield _PLURALS[step.kind]
        yield _quoted(step.name, step.glob)


def _quoted(name: str, glob: bool) -> str:
    """Encode only what would be read otherwise: a slash, a real %41, a literal glob character."""
    name = re.sub(r"%(?=[0-9A-Fa-f]{2})", "%25", name).replace("/", "%2F")
    if glob or not _GLOB.search(name):
        return name
    return _SIGNS.sub(lambda found: f"%{ord(found[0]):02X}", name)


def _step(kind: Kind, raw: str, side: str = "") -> Step:
    glob = is_glob(raw)
    return Step(kind, read_glob(raw) if glob else unquote(raw), glob=glob, side=side)


def _from_short_path(path: str, text: str) -> tuple[Step, ...]:
    parts = [part for part in path.split("/") if part]
    steps: list[Step] = []
    while parts:
        word = parts.pop(0)
        last = steps[-1].kind if steps else None
        if steps and (tail := _tail(word, parts, last, text)):
            steps += tail
        elif last in _NEXT_LABEL:
            steps.append(_step(_NEXT_LABEL[last], word))
        else:
            raise UsageError(f"{text!r} does not lead anywhere: {word!r} is out of place.", _HINT)
    return tuple(steps)


def _tail(word: str, parts: list[str], last: Kind | None, text: str) -> list[Step]:
    """Steps that are named by a word (`scans/3`, `resources/R`, `files/a/b`); [] when `word` is a label."""
    if word == "files" and last is Kind.RESOURCE:
        rest = "/".join(parts)
        parts.clear()
        return [_step(Kind.FILE, rest)] if rest else []
    side = ""
    if word in _SIDES and last in _WITH_SIDES and parts:
        side, word = word, parts.pop(0)
    fits = (word == "resources" and last not in (Kind.RESOURCE, Kind.FILE)) or (
        word in _COLLECTIONS and last is Kind.EXPERIMENT
    )
    if not fits:
        return []
    if not parts:
        raise UsageError(f"{text!r} ends in {word!r}: say which one.", _HINT)
    if word == "resources" and last in (Kind.ASSESSOR, Kind.RECONSTRUCTION):
        side = side or "out"  # as XNAT answers /assessors/A/resources
    return [_step(_WORDS[word], parts.pop(0), side)]


def _from_url(text: str, servers: Mapping[str, str]) -> Location:
    address = urlsplit(text)
    path = address.path
    cut = re.search(r"/(data|REST|app|xapi)(/|$)", path)
    base_path = path[: cut.start()] if cut else path.rstrip("/")
    rest = path[cut.start() :] if cut else ""
    base = f"{address.scheme.lower()}://{address.netloc.rpartition('@')[2].lower()}{base_path}"
    server = next((name for name, url in servers.items() if same_address(url, base)), base)
    if not cut:
        server, rest = _below_saved(base, servers, server)
    if match := re.match(r"/app/(?:action|template)/", rest):
        return Location(server, _from_app_path(rest[match.end() :], address.query, text))
    return Location(server, _from_rest_path(re.sub(r"^/(data|REST)(/archive)?/?", "", rest), text))


def _below_saved(base: str, servers: Mapping[str, str], server: str) -> tuple[str, str]:
    """An address without /data: whole, a server; below a saved one, a path that means the server."""
    for name, url in servers.items():
        if base.startswith(url.rstrip("/").lower() + "/"):
            return name, ""
    return server, ""


def same_address(one: str, other: str) -> bool:
    """Whether two base URLs are one server: case of the host and a closing slash do not count."""
    return _normal(one) == _normal(other)


def _normal(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    port = {"https": ":443", "http": ":80"}.get(parts.scheme.lower(), "")
    host = parts.netloc.lower().removesuffix(port) if port else parts.netloc.lower()
    return parts.scheme.lower(), host, parts.path.rstrip("/")


def _from_rest_path(path: str, text: str) -> tuple[Step, ...]:
    parts = [part for part in path.split("/") if part]
    steps: list[Step] = []
    while parts:
        word = parts.pop(0)
        last = steps[-1].kind if steps else None
        if word in ("projects", "subjects", "experiments"):
            if parts:
                steps.append(_step(_WORDS[word], parts.pop(0)))
            continue
        if steps and _is_list(word, parts):
            break  # it is an address of what the list belongs to
        tail = _tail(word, parts, last, text) if steps else []
        if not tail:
            raise UsageError(f"{text!r} is no address of an item: {word!r} is out of place.", _HINT)
        steps += tail
    return tuple(steps)


def _is_list(word: str, parts: list[str]) -> bool:
    """Whether an address ends here, with `scans`, `files`, `out/resources`: a list and no item."""
    if word in _SIDES and len(parts) == 1:
        word, parts = parts[0], []
    return not parts and word in (*_COLLECTIONS, "resources", "files", *_SIDES)


def _from_app_path(path: str, query: str, text: str) -> tuple[Step, ...]:
    """`DisplayItemAction/search_element/TYPE/search_field/F/search_value/ID[/project/P]`, or as a query."""
    parts = [unquote(part) for part in path.split("/") if part][1:]
    values = dict(parse_qsl(query)) | dict(zip(parts[::2], parts[1::2], strict=False))
    element = values.get("search_element", "").lower()
    value = values.get("search_value", "")
    project = values.get("project", "")
    if not element or not value:
        if project:
            return (Step(Kind.PROJECT, project),)
        raise UsageError(f"{text!r} names no item.", _HINT)
    if element == "xnat:projectdata":
        return (Step(Kind.PROJECT, value),)
    kind = Kind.SUBJECT if element == "xnat:subjectdata" else Kind.EXPERIMENT
    above = (Step(Kind.PROJECT, project),) if project else ()
    return (*above, Step(kind, value))
