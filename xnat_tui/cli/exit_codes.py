"""Which error ends the program with which code: the one place that knows."""

from __future__ import annotations

from enum import IntEnum

from xnat_tui import errors


class ExitCode(IntEnum):
    """What a script can rely on. Codes from 64 on are no outcome of a verb."""

    DONE = 0
    DIFFERENCES = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    NOT_FOUND = 5
    FAILED = 6
    """Finished, and something failed on the way."""
    FAULT = 70
    """An error of this program, not of the call, the server or the data."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    """Whoever read the output has gone."""


_CODES: tuple[tuple[type[errors.XnatTuiError], ExitCode], ...] = (
    (errors.UsageError, ExitCode.USAGE),
    (errors.ServerUnreachable, ExitCode.UNREACHABLE),
    (errors.NotAllowed, ExitCode.NOT_ALLOWED),
    (errors.NotFound, ExitCode.NOT_FOUND),
    (errors.Conflict, ExitCode.NOT_FOUND),
    (errors.NotDicom, ExitCode.NOT_FOUND),
    (errors.Interrupted, ExitCode.INTERRUPTED),
)


def exit_code(error: errors.XnatTuiError) -> ExitCode:
    """The code of an error that ends a verb; what has no code of its own is FAILED."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)
