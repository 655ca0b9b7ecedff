"""Files of resources out of zips, unpacked while these arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.services.transfers.exporting.fetch import Fetch
from xnat_tui.services.transfers.exporting.landing import Landing
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.xnat.files import zip_streams
from xnat_tui.xnat.files.zip_streams import Arriving, Unstreamable
from xnat_tui.xnat.http.connection import Connection, encode_uri

Whose = Callable[[Arriving], Fetch | None]
"""Which of the resources a member belongs to; None for others, and where two could be meant."""


@dataclass(slots=True)
class Zip:
    """One request for the files of one resource, or of several."""

    connection: Connection
    path: str
    params: Mapping[str, str]
    whose: Whose
    everything: bool
    """Whether all that it has is wanted: it is then read to its end."""
    on_bytes: Callable[[int], None]
    _taken: set[tuple[int, str]] = field(default_factory=set)

    def take(self, run: ExportRun, fetches: list[Fetch]) -> bool:
        """Have what is wanted of these resources land; whether the zip came whole, with nothing damaged.

        Of a zip that is cut off or damaged, the members that came whole before are kept; what did not come
        stays wanted. Raises Interrupted, and OSError where the folder takes no more.
        """
        whole = False
        with Landing(run) as landing:
            try:
                self._unpack(run, fetches, landing)
                whole = True
            except Interrupted:
                landing.finish()
                raise
            except XnatTuiError:  # what did not come is asked for once more, and then speaks for itself
                pass
            landing.finish()
            for fetch, item in landing.damaged:
                fetch.wanted[item.key] = item
        return whole and not landing.damaged

    def _unpack(self, run: ExportRun, fetches: list[Fetch], landing: Landing) -> None:
        """Raises what the download does."""
        arriving = zip_streams.stream(self.connection, self.path, on_bytes=self.on_bytes, **self.params)
        try:
            self._take_from(arriving, fetches, landing)
        except Unstreamable:
            arriving = zip_streams.spooled(
                self.connection, self.path, folder=run.folder, on_bytes=self.on_bytes, **self.params
            )
            self._take_from(arriving, fetches, landing)

    def _take_from(
        self,
        arriving: AbstractContextManager[Iterator[Arriving]],
        fetches: list[Fetch],
        landing: Landing,
    ) -> None:
        with arriving as members:
            for member in members:
                self._take(member, landing)
                if not self.everything and not any(fetch.wanted for fetch in fetches):
                    return

    def _take(self, member: Arriving, landing: Landing) -> None:
        """Write one member. Raises BadAnswer where the zip is damaged: nothing is kept of it then."""
        fetch = self.whose(member)
        if fetch is None:
            return
        item, known = fetch.wanted.get(member.path), (fetch.step.number, member.path)
        if item is not None:
            self._taken.add(known)
            landing.add(fetch, item, member.content)
            del fetch.wanted[member.path]
        elif known in self._taken:
            fetch.doubled.add(member.path)
        elif member.path not in fetch.names:
            fetch.unlisted.add(member.path)


def own_zip(fetch: Fetch) -> Zip:
    """The zip of one resource alone."""
    return Zip(
        fetch.run.connection(fetch.step),
        f"{encode_uri(fetch.step.source.uri)}/files",
        {},
        lambda _: fetch,
        len(fetch.wanted) == len(fetch.listing.items),
        fetch.on_bytes,
    )
