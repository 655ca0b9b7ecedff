"""Runs of syncs that this explorer has under way; they go on when their panel is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_tui.errors import XnatTuiError
from xnat_tui.tui.loader import Loader

if TYPE_CHECKING:
    from xnat_tui.jobs.watch import JobView
    from xnat_tui.model.transfer import Report
    from xnat_tui.services.syncing.entrance import SyncPlan, SyncReport
    from xnat_tui.services.workspace import Workspace


class SyncRuns:
    """What a run sends is a job in a process of its own; comparing before and after is done here."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self.far: dict[str, str] = {}
        """How far each is, in a word or two, by the sync's name."""
        self.watchers: list[Callable[[], None]] = []
        """Called whenever a run has come further, or to its end."""

    def start(
        self,
        workspace: Workspace,
        planned: SyncPlan,
        ended: Callable[[SyncReport], None],
        failed: Callable[[XnatTuiError], None],
    ) -> None:
        """Run what was planned; `ended` or `failed` is called whether its panel still stands or not."""
        name = planned.sync.name
        self._say(name, "running")

        def follow(view: JobView) -> None:
            self._loader.post(lambda: self._say(name, _words(view)))

        def run() -> SyncReport:
            from xnat_tui.services.transfers.running import worker

            def run_job(job: str) -> Report:
                return worker.start(job, passwords=workspace.typed_passwords).wait(on_view=follow)

            return workspace.syncing(run_job=run_job).run(planned)

        def done(report: SyncReport) -> None:
            self.far.pop(name, None)
            ended(report)
            self._tell()

        def refused(error: XnatTuiError) -> None:
            self.far.pop(name, None)
            failed(error)
            self._tell()

        self._loader.submit(("sync", name), run, done, refused)

    def _say(self, name: str, words: str) -> None:
        self.far[name] = words
        self._tell()

    def _tell(self) -> None:
        for watch in [*self.watchers]:
            watch()


def _words(view: JobView) -> str:
    if not view.bytes_total:
        return "sending"
    return f"sent {100 * view.bytes_done // view.bytes_total}%"
