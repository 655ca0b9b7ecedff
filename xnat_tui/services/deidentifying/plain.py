"""Files that are no DICOM."""

from __future__ import annotations

from typing import IO

from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.proof import Lost


def pass_plain(source: IO[bytes], target: IO[bytes], name: str, profile: Profile, lost: Lost) -> None:
    """Write what may leave of a file that is no DICOM. Raises Held."""
    raise Held("not there yet")
