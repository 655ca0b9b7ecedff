"""Plans that would move nothing: refused by the name of what left everything out, not made."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Tally
from xnat_tui.model.options import CopyOptions, ExportOptions, Mode, Shared
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Step
from xnat_tui.services.browsing.matching import check_matched
from xnat_tui.services.reading.reader import Reader

_SHARE = " --shared share shows it there from its owner's project, where that is there."
_DONE = {"copy": "copied", "export": "exported"}


def check_something(
    options: CopyOptions | ExportOptions,
    steps: Sequence[Step],
    tally: Tally,
    source: Reader,
    places: Sequence[Place],
) -> None:
    """Raises NotFound where filters let nothing pass of these places, or all there is shared in and so left
    out by the verb.

    What could not be read may have been meant: that is a plan, with its conflicts. What is in conflict or
    left out for another reason was not looked into, and is now.
    """
    if any(step.unread for step in steps):
        return
    looked_at = [kind for kind in Kind if kind is not Kind.RESOURCE or options.mode != Mode.METADATA]
    unseen = [(source, place) for place in places] if any(not step.writes for step in steps) else []
    check_matched(tally, places, unseen, looked_at)
    left = any(step.stays_behind for step in steps)
    own = any(not step.stays_behind and step.kind is not Kind.PROJECT for step in steps)
    offers = isinstance(options, CopyOptions) and options.shared is not Shared.SHARE
    if left and not own:
        raise NotFound(
            f"All that stands in {', '.join(str(place.location) for place in places)} is shared in from"
            f" elsewhere, or stands at what is, and is not {_DONE[options.verb]}.",
            "--shared copy takes along what is shared in." + (_SHARE if offers else ""),
        )
