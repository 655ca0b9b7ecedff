"""The stage between a download and an upload: one file in, and its bytes and name out, or held.

It knows one session's labels, old and new. Whoever sends asks it for every file and sends nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from xnat_tui.services.deidentifying.dicom import deidentify
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.proof import SHORTEST, Lost
from xnat_tui.services.deidentifying.relabel import Labels
from xnat_tui.services.deidentifying.rules import Rules


@dataclass(frozen=True, slots=True)
class Stage:
    """A profile, a key and new labels, for the files of one session.

    `subject` and `session` are the labels that they have; `person` is the same text for all that is one
    person's, such as the subject's ID. Two sessions of one person are shifted alike.
    """

    profile: Profile
    key: Key
    labels: Labels
    person: str
    subject: str
    session: str

    @property
    def new_subject(self) -> str:
        """Raises Held where no row gives the subject a label."""
        label = self.labels.subjects.get(self.subject, "")
        if not label:
            raise Held("its subject has no row in the table of labels")
        return self._proved(label)

    @property
    def new_session(self) -> str:
        """Raises Held where neither a row nor its subject's label says what it is to be called."""
        label = self.labels.session(self.subject, self.session)
        if not label:
            raise Held("its session has no row in the table of labels, nor its subject's label in its own")
        return self._proved(label)

    def pass_file(self, source: IO[bytes], target: IO[bytes]) -> str:
        """Write what may leave, and say what it is called: nothing of the old name is in it. Raises as
        `deidentify`, and Held where a label is missing."""
        rules = Rules(self.profile, self.key, self.person, self.new_subject)
        self.new_session  # noqa: B018
        uid = deidentify(source, target, rules, self._old)
        return f"{uid}.dcm"

    @property
    def _old(self) -> tuple[str, ...]:
        return tuple(label for label in (self.subject, self.session) if len(label) >= SHORTEST)

    def _proved(self, label: str) -> str:
        """A new label holds no old one. Raises Held."""
        if Lost(frozenset(), frozenset(self._old)).in_text(label):
            raise Held("its new label holds the old one")
        return label
