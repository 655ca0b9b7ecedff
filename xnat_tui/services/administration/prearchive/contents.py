"""What a received session holds: its scans counted, its files, the header of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xnat_tui.model.prearchive import Received, total
from xnat_tui.services.dicom.headers import HeaderRow, rows
from xnat_tui.xnat.actions import prearchive as wire
from xnat_tui.xnat.http.connection import Connection


@dataclass(frozen=True, slots=True)
class Figures:
    """`files` and `bytes` are None where the server tells only some of them."""

    scans: int
    files: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file of a scan that waits in the prearchive."""

    scan: str
    resource: str
    name: str
    bytes: int | None


def figures(connection: Connection, one: Received) -> Figures:
    """One request. Raises XnatTuiError."""
    held = wire.holdings(connection, one)
    counts = [count for resources in held.values() for count in resources.values()]
    return Figures(len(held), total(files for files, _ in counts), total(size for _, size in counts))


def files(connection: Connection, one: Received) -> Sequence[ReceivedFile]:
    """Every file, one request per scan's resource. Raises XnatTuiError."""
    return [
        ReceivedFile(scan, resource, name, size)
        for scan, resources in wire.holdings(connection, one).items()
        for resource in resources
        for name, size, _ in wire.files(connection, one, scan, resource)
    ]


def header(connection: Connection, one: Received, *, show_patient: bool = False) -> Sequence[HeaderRow]:
    """The header of its first file, read from some kB; patient fields masked unless asked for.

    Raises NotFound without a file, BadAnswer where it is no DICOM.
    """
    return rows(wire.first_header(connection, one), show_patient=show_patient)
