"""The scripts that rewrite DICOM on its way into a site or a project (`docs/xnat-contract.md` 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from xnat_tui.errors import BadAnswer, Forbidden, NotFound, Refused, ServerError
from xnat_tui.xnat.http.connection import Connection, url_path

_UNTOLD = (BadAnswer, Forbidden, NotFound, Refused, ServerError)


@dataclass(frozen=True, slots=True)
class Script:
    """The DicomEdit text of a site or project, and whether it is in force.

    `text` is None where the server does not show it: of a script that is switched off, some do not.
    Line ends are `\\n`, and none stands at the end.
    """

    text: str | None
    enabled: bool


def is_enabled(connection: Connection, project: str) -> bool:
    """Whether a script is in force. Raises as `read_script`."""
    enabled = connection.get_json(f"{_path(project)}/enabled")
    if not isinstance(enabled, bool):
        raise BadAnswer("The server does not tell whether the anonymisation script is in force.", "Reload.")
    return enabled


def script_text(connection: Connection, project: str) -> str:
    """The text of a script that is in force, without blank ends. BadAnswer (204) where there is none."""
    return _plain(connection.get_text(_path(project)))


def read_script(connection: Connection, project: str) -> Script:
    """The script of a project, or the site's where `project` is "".

    Raises Forbidden for those who may not see it, NotFound where the server has no such service, BadAnswer
    where it does not tell whether the script is in force.
    """
    enabled = is_enabled(connection, project)
    if enabled:
        return Script(script_text(connection, project), enabled)
    try:
        text = script_text(connection, project)
        if not text and not project:
            text = _plain(connection.get_text("/xapi/siteConfig/sitewideAnonymizationScript"))
    except _UNTOLD:
        text = ""
    return Script(text or None, enabled)


def put_script(connection: Connection, project: str, text: str) -> None:
    """Replace the script; whether it is then in force is read back. Raises what a write raises."""
    body = f"{text}\n".encode()
    connection.write("PUT", _path(project), body=body, content_type="text/plain; charset=UTF-8")


def put_enabled(connection: Connection, project: str, enabled: bool) -> None:
    """Put the script in force, or out of it. Raises what a write raises. Read back."""
    word = "true" if enabled else "false"
    connection.write(
        "PUT",
        f"{_path(project)}/enabled",
        params={"enable": word},
        body=word.encode(),
        content_type="application/json",
    )


def _path(project: str) -> str:
    return f"/xapi/anonymize/projects/{url_path(project)}" if project else "/xapi/anonymize/site"


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
