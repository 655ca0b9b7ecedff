"""A table of places that were named: looked up, tabulated, and with what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import Table, Unread
from xnat_tui.services.asking.tabulating import check_table, tabulate
from xnat_tui.services.reading.reader import Reader

Told = Callable[[Place, XnatTuiError], None]


def ask_table(
    of: str,
    reader: Callable[[str], Reader],
    wanted: Sequence[Location | Place],
    find: Callable[[Told], Iterable[Place]],
    filters: Filters,
) -> Table[Place]:
    """As `tabulate`, with the requests and users of each server; `find` looks up what is wanted, and tells
    what a glob led to and could not be read."""
    check_table(of, filters)
    connections = {one.server: reader(one.server).connection for one in wanted}
    before = {server: connection.requests for server, connection in connections.items()}
    unread: list[Unread] = []
    places = list(find(lambda place, error: unread.append(Unread.of(place.location, error))))
    called = [one.location if isinstance(one, Place) else one for one in wanted]
    table = tabulate(of, reader, places, filters, unread, called)
    return replace(
        table,
        users={server: connection.user or "guest" for server, connection in connections.items()},
        requests={server: one.requests - before[server] for server, one in connections.items()},
    )
