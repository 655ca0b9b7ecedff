"""The one place where changes are kept in the history: around the `do` of the services that make them.

Panels, verbs and Python all go through it. The entry is written before anything is sent, and where it cannot
be written nothing is sent. Values go into the history and nowhere else: never into a log.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from xnat_tui.errors import BadAnswer, ConfigError, Interrupted, ServerError, Unclear, XnatTuiError
from xnat_tui.jobs.history import History
from xnat_tui.model.changes import Change
from xnat_tui.model.history import Area, Entry, Outcome
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader

_log = logging.getLogger("xnat_tui.history")
_OPEN = (BadAnswer, Interrupted, ServerError, Unclear)
"""What a service raises where something may have been written all the same."""


class Keeping(Protocol):
    """A service whose changes are kept."""

    reader: Reader

    def about(self, change: Change) -> Place:
        """The item, or the server itself, that a planned change is about."""


S = TypeVar("S", bound=Keeping)
Do = Callable[[S, Change], str]


def kept(area: Area) -> Callable[[Do[S]], Do[S]]:
    """Decorates a service's `do`: what it changes is kept, with what stood there before.

    Raises ConfigError where nothing can be kept; nothing was sent then.
    """

    def decorate(do: Do[S]) -> Do[S]:
        @functools.wraps(do)
        def done(service: S, change: Change) -> str:
            number = _begin(service, area, change)
            try:
                note = do(service, change)
            except XnatTuiError as error:
                _end(number, Outcome.UNCLEAR if isinstance(error, _OPEN) else None)
                raise
            _end(number, Outcome.DONE)
            return note

        return done

    return decorate


def _begin(service: Keeping, area: Area, change: Change) -> int:
    place = service.about(change)
    connection = service.reader.connection
    entry = Entry(
        number=0,
        at=0.0,
        url=connection.url,
        user=connection.user,
        area=area,
        kind=place.kind,
        item=place.item.id if place.item is not None else "",
        location=change.location,
        verb=change.verb,
        project=change.project,
        before=change.before,
        after=change.after,
        undoes=change.undoes,
    )
    try:
        with History() as history:
            return history.begin(entry)
    except ConfigError as error:
        raise ConfigError(f"{error.message} Nothing was changed.", error.hint) from None


def _end(number: int, outcome: Outcome | None) -> None:
    """What is not ended stays as begun: nobody told. None forgets it: it was refused."""
    try:
        with History() as history:
            if outcome is None:
                history.drop(number)
            else:
                history.end(number, outcome)
    except ConfigError as error:
        _log.warning("the outcome of change %d could not be kept: %s", number, error.message)
