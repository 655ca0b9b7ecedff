"""Steps on a Dask cluster that exists already, with the extra `dask`.

The steps run where the cluster's workers are; journal, order and outcomes stay with the process that runs the
job. Over there a step cannot be told to stop and reports no progress before its end; when a worker dies, Dask
runs its steps again on another, which steps allow.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from xnat_tui.errors import ServerUnreachable, UsageError

T = TypeVar("T")
_CONNECT_SECONDS = 30


class Cluster:
    """A connected cluster. `executor` is an `executor_factory` for `runner.run`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def executor(self, workers: int) -> Executor:
        """How many steps are under way is the runner's choice; where they run, the cluster's."""
        del workers
        return cast(Executor, self._client.get_executor(pure=False))

    def share(self, make: Callable[..., T], *values: object) -> T:
        """A stand-in for `make(*values)`, sent to the cluster once and made anew where a worker is lost.

        Only good as the `execute` of `runner.run`; what `make` gives must be picklable.
        """
        return cast(T, self._client.submit(make, *values))


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """Connect to a scheduler such as `tcp://head:8786`.

    Raises UsageError without the extra `dask`, ServerUnreachable when no scheduler answers.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise UsageError(
            "Running on a cluster needs Dask.", "Install it with: pip install 'xnat-tui[dask]'"
        ) from None
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ServerUnreachable(
            f"No Dask scheduler answers at {address} ({type(error).__name__}).",
            "Give its address as tcp://HOST:PORT.",
        ) from None
    with client:
        yield Cluster(client)
