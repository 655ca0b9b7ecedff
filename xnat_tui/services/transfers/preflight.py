"""What to know before a copy: data types, rights, collisions, and what the destination does by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xnat_tui.errors import Interrupted, NotFound, Refused, ServerError, XnatTuiError
from xnat_tui.model.options import CopyOptions, Via, WritingOptions
from xnat_tui.model.plan import Finding
from xnat_tui.xnat.actions.anonymisation import is_enabled
from xnat_tui.xnat.http.connection import Connection, url_path

WRITING_ROLES = frozenset({"owners", "members", "owner", "member"})
READING_ROLES = frozenset({"collaborators", "collaborator"})


@dataclass(frozen=True, slots=True)
class DataTypes:
    """Types that a server knows (its schemas) and has set up (its search elements); None: could not ask.

    A type in the schemas alone can often be written by administrators only, so both lists count for
    what is secured. Scan types stand in the schemas only; servers before 1.7.6 list neither.
    """

    elements: frozenset[str] | None
    schemas: frozenset[str] | None

    def lacks(self, xsi_type: str, *, scan: bool = False) -> bool:
        """Whether the type is certainly missing; what could not be asked is not missing."""
        if self.schemas is not None and xsi_type not in self.schemas:
            return True
        return not scan and self.elements is not None and xsi_type not in self.elements


class TypesThere:
    """The types of a server, asked for when something is to be made there: at the first `lacks`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.asked: DataTypes | None = None

    def lacks(self, xsi_type: str, *, scan: bool = False) -> bool:
        """As `DataTypes.lacks`."""
        if self.asked is None:
            self.asked = data_types(self._connection)
        return self.asked.lacks(xsi_type, scan=scan)


def data_types(connection: Connection) -> DataTypes:
    """The types that a server lists, in two requests; None for a list that it does not give."""
    return DataTypes(_elements(connection), _schemas(connection))


def _elements(connection: Connection) -> frozenset[str] | None:
    try:
        return frozenset(
            row.required("ELEMENT_NAME") for row in connection.table("/data/search/elements", "ELEMENT_NAME")
        )
    except XnatTuiError:
        return None


def _schemas(connection: Connection) -> frozenset[str] | None:
    try:
        found = connection.get_json("/xapi/schemas/datatypes")
    except XnatTuiError:
        return None
    return frozenset(str(name) for name in found) if isinstance(found, list) else None


def types_missing(types: DataTypes | None, missing: Iterable[str], *, ignored: bool) -> list[Finding]:
    """What is to be said of types that are not there: an error, or a warning where they are `ignored`.

    `types` is None where nobody had to ask.
    """
    found = []
    if names := sorted(set(missing)):
        noun = "data type" if len(names) == 1 else "data types"
        message = f"The destination does not know the {noun} {', '.join(names)}: such items cannot be copied."
        ask = f"Ask its administrator to set the {'type' if len(names) == 1 else 'types'} up"
        hint = f"{ask}." if ignored else f"{ask}, or leave these out with --ignore-missing-datatypes."
        found.append(Finding("warning" if ignored else "error", message, hint))
    if types is not None and types.elements is None and types.schemas is None:
        found.append(Finding("warning", "The destination's data types could not be listed."))
    return found


def refused_here(connection: Connection) -> list[Finding]:
    """What forbids writing there whatever the server says; asks nobody."""
    if connection.server.read_only:
        name = connection.server.name
        return [Finding("error", f"{name} is marked read-only.", f"Take the mark off: server add {name} ...")]
    if not connection.user or connection.user == "guest":
        return [Finding("error", "A guest cannot write.", "Sign in to the destination first.")]
    return []


def rights(connection: Connection, project: str, *, creates: bool) -> list[Finding]:
    """Whether this user may write there, as far as the server tells."""
    if found := refused_here(connection):
        return found
    try:
        words = connection.get_json(f"/xapi/users/{url_path(connection.user)}/roles")
        if isinstance(words, list) and "Administrator" in words:
            return []
        if creates:
            return []  # the preference that allows it is only shown to administrators
        roles = connection.get_json("/xapi/access/projects")
    except XnatTuiError as error:
        return [Finding("warning", f"Your rights at the destination could not be read: {error.message}")]
    rows: list[Any] = roles if isinstance(roles, list) else [None]
    if not all(isinstance(row, dict) for row in rows):
        return [Finding("warning", "Your rights at the destination could not be read: no list came.")]
    role = next((str(row.get("role") or "") for row in rows if row.get("ID") == project), "")
    if role.lower() in WRITING_ROLES:
        return []
    if role.lower() in READING_ROLES:
        return [Finding("error", f"You are one of the {role} of {project}, who may not write there.")]
    if role:
        return [Finding("warning", f"What the {role} of {project} may do there is not known.")]
    return [Finding("warning", f"You are no member of {project}: writing there may be refused.")]


def openness(word: str, project: str, label: str) -> list[Finding]:
    """A new project becomes as open as its source: who may read there must be said before.

    "" is what could not be read and is not copied either: new projects are private.
    """
    if word not in ("public", "protected"):
        return []
    message = f"{project} is {word}, and the new project {label} will be {word} too."
    return [Finding("warning", message, "Create it as private yourself first, if that is not meant.")]


def change_reason(connection: Connection, options: WritingOptions) -> list[Finding]:
    """Whether the site refuses changes without a reason, as far as it tells this user."""
    if options.event_reason or connection.event_reason:
        return []
    try:
        wanted = connection.get_json("/xapi/siteConfig/requireChangeJustification")
    except XnatTuiError:
        return []  # mostly for administrators only; its refusals then say what is missing
    if wanted is not True:
        return []
    hint = "Give --event-reason, or save one: event_reason of the server in config.toml."
    return [Finding("error", f"{connection.server.name} wants a reason for each change.", hint)]


def autorun(connection: Connection, project: str, *, archives: bool, wanted: bool) -> list[Finding]:
    """Whether AutoRun starts on what arrives; with `archives` through the archiver, which starts it."""
    try:
        on = connection.get_json(f"/xapi/pipelines/autoRun/projects/{url_path(project)}")
    except (NotFound, Refused, ServerError):
        return []  # no pipelines there
    except XnatTuiError as error:
        return [Finding("info", f"Whether AutoRun is on could not be read: {error.message}")]
    if on is not True:
        return []
    if not archives:
        what = f"AutoRun is on in {project}; files that are copied directly do not start it."
        return [Finding("info", what)]
    if wanted:
        return [Finding("warning", f"AutoRun of {project} will start on every session that is archived.")]
    return [Finding("info", f"AutoRun is on in {project}, and is not started by this; --autorun would.")]


def scripts_met(connection: Connection, project: str, *, creates: bool = False) -> list[Finding]:
    """Which anonymisation scripts DICOM meets that a destination imports, by name.

    What a new project has comes along from its source, and is told by its own step.
    """
    scripts = {"the site's": ""} if creates else {"the site's": "", f"that of {project}": project}
    told, off = [], 0
    for words, key in scripts.items():
        try:
            on = is_enabled(connection, key)
        except Interrupted:
            raise
        except XnatTuiError:
            told.append(f"whether {words} is in force cannot be read")
            continue
        off += not on
        told.append(f"{words} is {'in force' if on else 'not in force'}")
    if creates:
        told.append(f"that of {project} comes along where its source has one in force")
    elif off == len(scripts):
        what = f"No anonymisation script is in force at the destination, neither {' nor '.join(scripts)}."
        return [Finding("info", what)]
    message = "The destination's anonymisation may rewrite the DICOM files that it imports"
    return [Finding("warning", f"{message}: {'; '.join(told)}.", "anon show prints the scripts.")]


def side_effects(connection: Connection, project: str, options: CopyOptions) -> list[Finding]:
    """What happens at the destination besides the copy."""
    exact = options.via is Via.FILES
    if exact:
        what = "Files are stored byte for byte: the destination's anonymisation does not see them."
        found = [Finding("info", what)]
    else:
        found = scripts_met(connection, project)
    return found + autorun(connection, project, archives=not exact, wanted=options.autorun)
