"""What the clients' scripts share: named checks, one line each. Runs in the clients' own environments."""

from __future__ import annotations

import sys
import time
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_failed: list[str] = []


@contextmanager
def check(name: str) -> Iterator[None]:
    """Print whether what is inside held; a failure does not stop the checks that follow."""
    started = time.monotonic()
    try:
        yield
    except Exception:  # noqa: BLE001  (whatever a client raises, the next check still runs)
        _failed.append(name)
        traceback.print_exc(file=sys.stdout)
        print(f"FAILED  {name}", flush=True)
    else:
        print(f"ok      {name} ({time.monotonic() - started:.1f} s)", flush=True)


def without(*names: str) -> None:
    """Let empty modules stand in for libraries that a client imports at start but that its checks do not use.

    pyxnat 1.6 loads nibabel, numpy and pandas for its derivatives, asks for none, and cannot start without.
    """
    for name in names:
        sys.modules.setdefault(name, types.ModuleType(name))


def arguments() -> tuple[str, str, Path]:
    """The addresses of the two servers, and a folder for this client alone with the DICOM in ``dicom/``."""
    one, other, folder = sys.argv[1:]
    return one, other, Path(folder)


def finish() -> None:
    """End the script: 1 when a check failed."""
    sys.exit(1 if _failed else 0)
