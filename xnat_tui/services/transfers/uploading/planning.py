"""Planning an upload: DICOM for the import service, any files for a resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.display import listed
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.location import Location
from xnat_tui.model.options import UploadOptions, options_or_usual
from xnat_tui.model.plan import Finding, LeftOut, Plan
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.servers import Servers
from xnat_tui.services.transfers import preflight
from xnat_tui.services.transfers.command import command
from xnat_tui.services.transfers.importing import local_files
from xnat_tui.services.transfers.uploading.dicom_planning import plan_dicom
from xnat_tui.services.transfers.uploading.draft import Context, Draft
from xnat_tui.services.transfers.uploading.files_planning import plan_files

DESTINATIONS = ("prearchive", "archive")


def plan_upload(
    servers: Servers,
    paths: Sequence[Path | str],
    destination: Location | str,
    *,
    to: str = "prearchive",
    options: UploadOptions | None = None,
    filters: Filters = NO_FILTERS,
) -> Plan:
    """What sending these files, folders and archives would do; nothing is written.

    A destination of `.../resources/R` takes any files, with their names kept exactly; a server, project,
    subject or session takes DICOM through the import service, to the prearchive or on to the archive.
    There labels that the destination leaves open come from the DICOM headers, by the server's rules.
    Raises UsageError, NotFound, and what reading either side raises.
    """
    where = servers.location(destination) if isinstance(destination, str) else destination
    if where.has_glob and not _is_named(servers, where):
        raise UsageError(f"{where} is no single destination.", "Name one, without wildcards.")
    found = local_files.collect([Path(path) for path in paths])
    if to not in DESTINATIONS:
        raise UsageError(f"{to!r} is no place for an upload.", "Use prearchive or archive.")
    chosen = options_or_usual(UploadOptions, options)
    reader = Reader(servers.connection(where.server))
    context = Context(reader, where, to, chosen, filters, tuple(map(str, paths)))
    draft = Draft(left_out=[LeftOut(name, "no file, or no name for a server") for name in found.left_out])
    if where.step(Kind.RESOURCE) is not None:
        chosen.refuse_deidentify("An upload of any files")
        plan_files(context, draft, found)
    else:
        plan_dicom(context, draft, found)
    line = command(context.sources, str(where), chosen, filters)
    return Plan(
        options=chosen,
        sources=context.sources,
        destination=str(where),
        steps=tuple(draft.steps),
        findings=(
            *_reasons(draft.left_out),
            *draft.findings,
            *preflight.change_reason(reader.connection, chosen),
        ),
        command=line if where.step(Kind.RESOURCE) else f"{line} --to {to}",
        root=where.name_of(Kind.PROJECT),
        left_out=tuple(draft.left_out),
        details=draft.details,
    )


def _reasons(left_out: Sequence[LeftOut]) -> list[Finding]:
    """One finding for each reason; the plan itself has every file."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for one in left_out:
        reasons[one.reason].append(one.path)
    return [
        Finding("warning", f"{listed(paths)} {'is' if len(paths) == 1 else 'are'} left out: {reason}.")
        for reason, paths in reasons.items()
    ]


def _is_named(servers: Servers, where: Location) -> bool:
    """Whether what looks like a glob is the name of what stands there. What is new has no wildcards."""
    try:
        places = list(servers.find(where, globs=False))
    except (NotFound, UsageError):
        return False
    return len(places) == 1
