"""Runs a job on a local cluster of two processes: `python cluster_run.py JOB FOLDER FATAL`."""

from __future__ import annotations

import sys

from distributed import LocalCluster

from tests.jobs.cluster_steps import Copy
from xnat_tui.jobs.cluster import cluster
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run

if __name__ == "__main__":
    job, folder, fatal = sys.argv[1:]
    processes = LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    with processes, Journal() as journal, cluster(processes.scheduler_address) as found:
        execute = found.share(Copy, folder, int(fatal))
        report = run(journal, job, execute, workers=4, executor_factory=found.executor)
    sys.exit(0 if not report.failed else 6)
