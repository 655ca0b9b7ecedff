"""What a failure of the source may say: errors of a server name files, labels and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xnat_tui.errors import Interrupted, XnatTuiError


def unsaid(error: XnatTuiError) -> XnatTuiError:
    """The same kind of failure in words of this program alone."""
    status = f" ({error.status})" if error.status else ""
    told = type(error)(
        f"It could not be read at the source: {error.title.lower()}{status}.",
        "Look at it with show or export, which name it.",
        status=error.status,
    )
    told.unreachable = error.unreachable
    return told


@contextmanager
def reading_source() -> Iterator[None]:
    """Raises what is raised within, as `unsaid`; Interrupted as it is."""
    failure: XnatTuiError
    try:
        yield
    except Interrupted:
        raise
    except XnatTuiError as error:
        failure = unsaid(error)
    else:
        return
    raise failure
