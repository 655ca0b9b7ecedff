"""The OHIF viewer plugin's metadata, and the web interface's way to download several sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lxml import etree
from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Derived, Experiment, FileEntry, Item, Scan
from xnat_tui.demo.archives import MEDIA_TYPES, stream
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.datatypes import IMAGE_SESSION
from xnat_tui.demo.placement import Placed, everything
from xnat_tui.demo.replies import Refusal, json_reply, streamed, text
from xnat_tui.demo.rights import can_edit, can_read
from xnat_tui.demo.site import owner_of
from xnat_tui.demo.targets import session_of

OHIF = "ohifViewerPlugin"
Wanted = dict[str, list[str]]


def regenerate(call: Call) -> Response:
    """Make a session's viewer metadata anew; 404 without the plugin."""
    session = _session(call)
    if not can_edit(call.site, call.user, session):
        raise Refusal(403)
    call.site.viewer_metadata.add(session.id)
    return text("", 201)


def metadata(call: Call) -> Response:
    """The viewer's description of a session, made when it is missing."""
    session = _session(call)
    call.site.viewer_metadata.add(session.id)
    series = [
        {
            "seriesInstanceUid": scan.fields.get("UID", ""),
            "seriesDescription": scan.fields.get("series_description", ""),
            "seriesNumber": scan.id,
        }
        for scan in session.scans.values()
    ]
    study = {"studyInstanceUid": session.fields.get("UID", ""), "patientName": session.subject.label}
    return json_reply({"transactionId": session.id, "studies": [{**study, "series": series}]})


def exists(call: Call) -> Response:
    if _session(call).id not in call.site.viewer_metadata:
        raise Refusal(404)
    return text("")


def regenerate_all(call: Call) -> Response:
    """Every imaging session of the site; administrators only."""
    _check_plugin(call)
    if not call.user.admin:
        raise Refusal(403)
    for one in call.site.experiments.values():
        if call.site.types.is_a(one.xsi_type, IMAGE_SESSION):
            call.site.viewer_metadata.add(one.id)
    return text("", 201)


def download_with_size(call: Call) -> Response:
    """Prepare a download: its ID and total size; 204 when nothing matches, 403 for unreadable data."""
    try:
        given = json.loads(call.body())
        wanted = {str(name): [str(one) for one in values] for name, values in given.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise Refusal(400, "A JSON map of lists is expected") from error
    sessions = _sessions(call, wanted)
    options = frozenset(wanted.get("options", []))
    members, unknown = [], 0
    for session in sessions:
        for place in everything(call, session):
            if not _chosen(place, wanted):
                continue
            unknown += place.resource.file_size is None
            members += [
                (_entry_name(place, entry, options), entry.data)
                for entry in place.resource.files.values()
                if not entry.missing_on_disk
            ]
    if not members:
        return Response(status_code=204)
    key = f"{call.user.login}-{call.site.count('download')}"
    call.site.downloads[key] = members
    size = sum(data.size for _, data in members)
    return json_reply({"id": key, "size": str(size), "resourcesOfUnknownSize": str(unknown)})


def download(call: Call) -> Response:
    members = call.site.downloads.get(call.path["download"])
    if members is None or not call.path["download"].startswith(f"{call.user.login}-"):
        raise Refusal(404)
    if call.path["form"] == "xml":
        root = etree.Element("Catalog", ID=call.path["download"])
        for name, data in members:
            etree.SubElement(root, "entry", name=name, size=str(data.size))
        return Response(etree.tostring(root), media_type="application/xml")
    if call.path["form"] != "zip":
        raise Refusal(404)
    headers = {"Content-Disposition": f'attachment; filename="{call.path["download"]}.zip"'}
    return streamed(stream("zip", members), MEDIA_TYPES["zip"], headers)


def routes() -> list[Route]:
    session = "/xapi/viewer/projects/{project}/experiments/{experiment}"
    return [
        route(session, GET=metadata, POST=regenerate),
        route(f"{session}/exists", GET=exists),
        route("/xapi/viewer/generate-all-metadata", POST=regenerate_all),
        route("/xapi/archive/downloadwithsize", POST=download_with_size),
        route("/xapi/archive/download/{download}/{form}", GET=download),
    ]


def _check_plugin(call: Call) -> None:
    if OHIF not in call.site.settings.plugins:
        raise Refusal(404)


def _session(call: Call) -> Experiment:
    """A session by its accession ID: labels are unknown to the viewer."""
    _check_plugin(call)
    session = session_of(call)
    if session.id != call.path["experiment"] or not call.site.types.is_a(session.xsi_type, IMAGE_SESSION):
        raise Refusal(404)
    return session


def _sessions(call: Call, wanted: Wanted) -> list[Experiment]:
    """The sessions named as ``P:subject:session:ID``, each once."""
    found: list[Experiment] = []
    for name in wanted.get("sessions", []):
        one = call.site.experiments.get(name.rsplit(":", 1)[-1])
        if one is None or not can_read(call.site, call.user, one):
            raise Refusal(403)
        if one in found:
            raise Refusal(500, "A session is listed twice")
        found.append(one)
    return found


def _entry_name(place: Placed, entry: FileEntry, options: frozenset[str]) -> str:
    """The path of a file in a prepared download: owners if asked, session, level, resource."""
    holder = place.holder
    session = holder.session if isinstance(holder, Scan | Derived) else holder
    levels = [owner_of(session)] if "projectIncludedInPath" in options else []
    if "subjectIncludedInPath" in options and isinstance(session, Experiment):
        levels.append(session.subject.label)
    levels.append(session.label)
    if isinstance(holder, Scan):
        kind = re.sub(r"\W", "_", holder.fields.get("type", ""))
        levels += ["scans", f"{holder.id}-{kind}" if kind else holder.id]
    elif isinstance(holder, Derived):
        levels += [f"{type(holder).__name__.lower()}s", holder.label or holder.id, place.side]
    between = [] if "simplified" in options else ["files"]
    levels += [] if "simplified" in options else ["resources"]
    return "/".join(one for one in (*levels, place.resource.label, *between, entry.path) if one)


def _chosen(place: Placed, wanted: Wanted) -> bool:
    """Scan resources by type and label, session resources by label, derived ones by type or ID."""
    holder = place.holder
    if isinstance(holder, Scan):
        kinds, formats = wanted.get("scan_types", []), wanted.get("scan_formats", [])
        return holder.fields.get("type", "") in kinds and place.resource.label in formats
    if isinstance(holder, Derived):
        return bool(_names(holder) & {*wanted.get("assessors", []), *wanted.get("reconstructions", [])})
    return place.resource.label in wanted.get("resources", [])


def _names(holder: Item) -> set[str]:
    def names() -> Iterator[str]:
        yield from (holder.id, holder.label, holder.xsi_type, holder.fields.get("type", ""))

    return set(names()) - {""}
