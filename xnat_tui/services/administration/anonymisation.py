"""The anonymisation script of a site or a project: shown, replaced, switched on and off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from xnat_tui.errors import BadAnswer, Conflict, NotFound, ServerError, Unclear, UsageError, XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Kind
from xnat_tui.model.history import Area
from xnat_tui.model.place import Place
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.xnat.actions import anonymisation as gateway
from xnat_tui.xnat.actions.anonymisation import Script

SCRIPT, ENABLED = "script", "enabled"
_WORDS = {True: "true", False: "false"}
_UNSEEN = "what may stand there, switched off, is not shown by this server, so it is not kept in the history"


class Anonymisation:
    """The script of one project, or of a site. Plans read; only `do` writes, and reads back.

    Raises NotFound for what is neither.
    """

    def __init__(self, reader: Reader, place: Place) -> None:
        if place.kind not in (Kind.SERVER, Kind.PROJECT):
            raise NotFound(f"{place.location} has no script.", "Servers and projects have: name one.")
        self.reader = reader
        self.place = place
        self.project = place.item.id if place.item is not None else ""

    def script(self) -> Script:
        """The text, and whether it is in force. Raises Forbidden for those who may not see it."""
        return gateway.read_script(self.reader.connection, self.project)

    def plan_set(self, text: str) -> list[Change]:
        """A change that puts this text in force; none where it is. Raises UsageError for an empty one."""
        text = text.replace("\r\n", "\n").strip()
        if not text:
            raise UsageError("The script is empty.", "To switch it off: xnat-tui anon disable")
        return self.plan_state(text, enabled=True)

    def plan_enabled(self, enabled: bool) -> list[Change]:
        """A change that switches the script that is there on or off; none where it is so."""
        return self.plan_state(None, enabled=enabled)

    def plan_state(self, text: str | None, *, enabled: bool) -> list[Change]:
        """A change to a text, or with None to the one that is there, and to being in force or not."""
        now = self.script()
        wanted = now.text if text is None else text
        if (wanted, enabled) == (now.text, now.enabled):
            return []
        before, after = {ENABLED: _WORDS[now.enabled]}, {ENABLED: _WORDS[enabled]}
        note = ""
        if now.text is not None:
            before[SCRIPT] = now.text
        elif text is not None:
            note = _UNSEEN
        if wanted is not None:
            after[SCRIPT] = wanted
        if not enabled and wanted and not self.project:
            note = "every project of the site then receives DICOM as it was sent"
        verb = "set" if text is not None and text != now.text else "enable" if enabled else "disable"
        return [Change(str(self.place.location), verb, before, after, note=note, project=self.project)]

    def about(self, change: Change) -> Place:  # noqa: ARG002  (all of them are of one place)
        """The project, or the server."""
        return self.place

    @kept(Area.ANONYMISATION)
    def do(self, change: Change) -> str:
        """Carry out one planned change and read it back.

        Raises Conflict where the script is another one by now, Forbidden for those who do not own the
        project or administer the site.
        """
        connection = self.reader.connection
        if differs(self.script(), change.before):
            raise Conflict("The script was changed meanwhile.", "Look at it, and plan again.")
        failure: XnatTuiError | None = None
        wanted = change.after[ENABLED] == _WORDS[True]
        try:
            if change.verb == "set":
                gateway.put_script(connection, self.project, change.after[SCRIPT])
            if gateway.is_enabled(connection, self.project) is not wanted:
                gateway.put_enabled(connection, self.project, wanted)
        except (ServerError, Unclear) as error:
            failure = error
        self.reader.changed(self.place, What.SETTINGS)
        if differs(self.script(), change.after):
            raise not_so(failure, BadAnswer("The server accepted it, and nothing has changed.", "Reload."))
        return is_so(failure)


def differs(now: Script, values: Mapping[str, str]) -> bool:
    """Whether a script is certainly not what one side of a change says; a text that is not shown may be."""
    text = values.get(SCRIPT)
    if _WORDS[now.enabled] != values[ENABLED]:
        return True
    return now.text is not None and text is not None and now.text != text


@dataclass(frozen=True, slots=True)
class Line:
    """A line of two scripts: in both, in the first alone (`<`), or in the second alone (`>`)."""

    text: str
    sign: str = " "


def beside(first: str, second: str) -> list[Line]:
    """Two scripts as one list of lines, in order."""
    one, other = first.splitlines(), second.splitlines()
    found = []
    for kind, begin, end, there, until in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [Line(text) for text in one[begin:end]]
        else:
            found += [Line(text, "<") for text in one[begin:end]]
            found += [Line(text, ">") for text in other[there:until]]
    return found


def script_in(path: Path) -> str:
    """The text of a file. Raises UsageError where it cannot be read, or is no text."""
    try:
        return decoded(path.expanduser().read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def decoded(body: bytes) -> str:
    """Raises UsageError for what is no UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("The script is no text in UTF-8.") from None
