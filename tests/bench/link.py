"""A network link of so many bits a second for one process: `python -m tests.bench.link RATE ADDRESS...`.

It listens on a port of its own for each of the addresses `HOST:PORT`, prints `ADDRESS=PORT` for each, and
hands bytes on until its standard input closes: all connections together at RATE bytes a second each way,
as a full duplex line does. What it lends at once is a tenth of a second's worth.

As a module that a Dask worker preloads, it has that worker's sockets go through the link that the
environment names in LINK: `ADDRESS=PORT,ADDRESS=PORT`. The worker itself knows nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from typing import Any

BURST_SECONDS = 0.1
PIECE = 1 << 16


class Line:
    """One direction of the link."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free = 0.0
        """When what was let through so far has passed."""

    async def passed(self, count: int) -> None:
        """So many bytes are through."""
        now = time.monotonic()
        self._free = max(self._free, now - BURST_SECONDS) + count / self._rate
        if self._free > now:
            await asyncio.sleep(self._free - now)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line) -> None:
    try:
        while piece := await reader.read(PIECE):
            await line.passed(len(piece))
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def _serve(rate: float, addresses: list[str]) -> None:
    up, down = Line(rate), Line(rate)
    told = []
    for address in addresses:
        host, _, port = address.partition(":")

        async def link(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            host: str = host,
            port: str = port,
        ) -> None:
            there, to = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pump(reader, to, up), _pump(there, writer, down))
            for one in (to, writer):
                one.close()

        server = await asyncio.start_server(link, "127.0.0.1", 0)
        told.append(f"{address}={server.sockets[0].getsockname()[1]}")
    print(",".join(told), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


def dask_setup(_worker: Any) -> None:
    """Called by a Dask worker that preloads this module."""
    named = dict(pair.split("=") for pair in os.environ["LINK"].split(","))
    connect = socket.socket.connect

    def linked(self: socket.socket, address: Any) -> None:
        port = named.get(f"{address[0]}:{address[1]}") if isinstance(address, tuple) else None
        connect(self, ("127.0.0.1", int(port)) if port else address)

    socket.socket.connect = linked  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), sys.argv[2:]))
