"""The stage between a download and an upload: one file in, and its bytes and name out, or held.

It knows one person, by the labels old and new. Whoever sends asks it for every file and sends nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from xnat_tui.services.deidentifying.dicom import deidentify
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.parsed import NotDicom
from xnat_tui.services.deidentifying.plain import pass_plain
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.proof import Lost
from xnat_tui.services.deidentifying.rules import Rules

_LIKE_DICOM = (".dcm", ".dicom", ".ima")


@dataclass(frozen=True, slots=True)
class Staged:
    """What a file has become. `treated` says whether it is DICOM that went through the profile."""

    name: str
    treated: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A profile and a key, for the files of one person.

    `label` is the subject's new one: by it dates are shifted, so that all that is sent as one person's is
    shifted alike, whenever and wherefrom it comes. `lost` is what the archive has of the person and nothing
    that leaves may hold; `renamed` are labels, old and new, that file names may contain.
    """

    profile: Profile
    key: Key
    label: str
    lost: Lost
    renamed: tuple[tuple[str, str], ...] = ()
    passes: bool = False
    """Whether files that are no DICOM may pass: the user has named their resource."""

    def name_of(self, path: str) -> str:
        """What a DICOM file is called, whatever it was: nothing of the old name is in it."""
        return f"{self.key.name(path)}.dcm"

    def plain_name_of(self, path: str) -> str:
        """What another file is called: as before, but for labels. Raises Held where that says too much."""
        for old, new in self.renamed:
            path = path.replace(old, new)
        if self.lost.in_text(path):
            raise Held("a value that it had to lose is in its name")
        return path

    def pass_file(self, source: IO[bytes], target: IO[bytes], path: str) -> Staged:
        """Write what may leave of a file that was called so. Raises Held, OSError, and UsageError without the
        library; what `target` holds then is worth nothing."""
        try:
            rules = Rules(self.profile, self.key, self.label, self.label)
            deidentify(source, target, rules, self.lost)
        except NotDicom:
            if not self.passes:
                raise
        else:
            return Staged(self.name_of(path), treated=True)
        if path.lower().endswith(_LIKE_DICOM):
            raise Held("it is called DICOM, and is none that can be read")
        name = self.plain_name_of(path)
        pass_plain(source, target, name, self.profile, self.lost)
        return Staged(name, treated=False)
