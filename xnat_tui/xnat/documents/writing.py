"""Writing to an archive: items as XML, resources, files, and what XNAT's answers to these are worth.

A status of 200 says little here: a file that exists is answered with 200 and `{"duplicates": [...]}`, an
upload without the right to it with 200 and nothing (`docs/xnat-contract.md` 4.3). Callers read back what they
sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.actions.anonymisation import is_enabled, put_enabled, put_script, script_text
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.http.connection import LONG_SECONDS, WRITE_SECONDS, Connection, encode_uri, url_path

DOCUMENT_LIMIT = 256 * 1024 * 1024
"""Bytes of one item's document: a session with thousands of scans stays far below."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What XNAT keeps about a resource, and about each file in it."""

    format: str = ""
    content: str = ""
    tags: str = ""
    description: str = ""
    """Tags are separated by commas."""

    def params(self) -> dict[str, str | list[str]]:
        """As parameters of a PUT: what is empty is left out, each tag is one of its own."""
        named: dict[str, str | list[str]] = {
            "format": self.format,
            "content": self.content,
            "tags": [tag for tag in self.tags.split(",") if tag],
            "description": self.description,
        }
        return {name: value for name, value in named.items() if value}


def read_item(connection: Connection, uri: str) -> etree._Element:
    """An item's document. Raises NotFound for what is missing or hidden, BadAnswer for a page."""
    root = item_xml.ask(connection, encode_uri(uri), item_xml.parse, DOCUMENT_LIMIT)
    if etree.QName(root).namespace is None:  # XNAT's tables, say
        raise BadAnswer("The server's document of this item is no item's.", "Try again.")
    return root


def put_item(connection: Connection, uri: str, document: etree._Element) -> str:
    """Create an item or merge fields into it; the text is its accession ID where XNAT tells one.

    Without `allowDataDeletion` nothing that the document lacks is removed, and it is never sent
    (`docs/xnat-contract.md` 3.8).
    """
    answer = connection.write(
        "PUT",
        encode_uri(uri),
        params={"inbody": "true"},
        body=item_xml.serialise(document),
        content_type="text/xml; charset=UTF-8",
        timeout=WRITE_SECONDS,
    )
    text = answer.text.strip()
    return text.rpartition("/")[2] if text and not text.startswith("<") else ""


def put_fields(connection: Connection, uri: str, values: Mapping[str, str]) -> None:
    """Set fields of an item by their paths, `xnat:mrScanData/note`. Read back."""
    connection.write("PUT", encode_uri(uri), params=values, timeout=WRITE_SECONDS)


def put_resource(connection: Connection, uri: str, attributes: Attributes) -> None:
    """Create an empty resource; Conflict where it exists."""
    connection.write("PUT", encode_uri(uri), params=attributes.params(), timeout=WRITE_SECONDS)


@dataclass(frozen=True, slots=True)
class Body:
    """What an upload sends: re-opened when the request has to be repeated, never a spent handle."""

    open: Callable[[], BinaryIO]
    length: int
    on_bytes: Callable[[int], None] | None = None


def put_file(
    connection: Connection,
    resource_uri: str,
    path: str,
    body: Body,
    attributes: Attributes,
    *,
    overwrite: bool,
    update_stats: bool,
) -> list[str]:
    """Store one file below a resource; the list names what existed and was left alone.

    Only for paths of `A-Za-z0-9._-` and `/`: XNAT stores other characters of an address still encoded
    (`docs/xnat-contract.md` 4.3).
    `update_stats=False` writes no workflow row and leaves the resource's count to a later call.
    """
    return _upload(
        connection,
        f"{encode_uri(resource_uri)}/files/{url_path(*path.split('/'))}",
        body,
        {
            "inbody": "true",
            "overwrite": _word(overwrite),
            "update-stats": _word(update_stats),
            **attributes.params(),
        },
        "application/octet-stream",
    )


def put_zip(
    connection: Connection, resource_uri: str, body: Body, attributes: Attributes, *, overwrite: bool
) -> list[str]:
    """Have XNAT unpack a zip below a resource; the list names entries that existed and were left alone."""
    return _upload(
        connection,
        f"{encode_uri(resource_uri)}/files/files.zip",
        body,
        {
            "extract": "true",
            "inbody": "true",
            "overwrite": _word(overwrite),
            "update-stats": "true",
            **attributes.params(),
        },
        "application/zip",
    )


def _upload(
    connection: Connection, path: str, body: Body, params: Mapping[str, str | list[str]], content_type: str
) -> list[str]:
    answer = connection.upload(
        "PUT",
        path,
        body.open,
        body.length,
        content_type,
        params=params,
        on_bytes=body.on_bytes,
        timeout=LONG_SECONDS,
    )
    return duplicates(answer.text)


def duplicates(text: str) -> list[str]:
    """The names in `{"duplicates": [...]}`: they existed, and nothing was written for them.

    Any other text has none. Raises BadAnswer for an object that cannot be read.
    """
    text = text.strip()
    if not text.startswith("{"):
        return []
    try:
        told = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        told = None
    named = told.get("duplicates", []) if isinstance(told, dict) else None
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise BadAnswer("The server's answer to an upload cannot be read.", "Compare before going on.")
    return named


ACCESSIBILITY, AUTORUN, SCRIPT = "accessibility", "AutoRun", "anonymisation script"
SETTINGS = (ACCESSIBILITY, "prearchive_code", "quarantine_code", AUTORUN, SCRIPT)
"""Settings of a project that are one word each, AutoRun's `true` or `false`; and the script that rewrites
DICOM on its way into it, "" where it has none in force."""


def setting_words(name: str, value: str) -> str:
    """A setting in a few words, for a plan; of a script its length, not its text."""
    if name != SCRIPT:
        return f"{name} {value}"
    lines = len(value.splitlines())
    return f"{name} of {lines} lines" if lines > 1 else f"{name} of one line" if value else f"no {name}"


def get_setting(connection: Connection, project: str, name: str) -> str:
    """ "" for what is no word. Raises NotFound where the server does not have it, Forbidden."""
    if name == AUTORUN:
        value = connection.get_json(f"/xapi/pipelines/autoRun/projects/{url_path(project)}")
        return str(value).lower() if isinstance(value, bool) else ""
    if name == SCRIPT:
        return script_text(connection, project) if is_enabled(connection, project) else ""
    try:
        return connection.read_bytes(f"/data/projects/{url_path(project, name)}", _setting)
    except BadAnswer:
        return ""


def _setting(body: bytes) -> str:
    word = body.decode("utf-8", "replace").strip()
    if not word.isalnum():
        raise BadAnswer("The server does not tell this setting in a word.")
    return word


def put_setting(connection: Connection, project: str, name: str, value: str) -> None:
    """Set one of SETTINGS; a script is put in force, too. Raises what a write raises. Read back."""
    if name == AUTORUN:
        path = f"/xapi/pipelines/autoRun/projects/{url_path(project)}"
        connection.write("PUT", path, body=value.encode(), content_type="application/json")
        return
    if name == SCRIPT:
        put_script(connection, project, value)
        if not is_enabled(connection, project):
            put_enabled(connection, project, True)
        return
    connection.write("PUT", f"/data/projects/{url_path(project, name, value)}", timeout=WRITE_SECONDS)


def _word(flag: bool) -> str:
    return "true" if flag else "false"
