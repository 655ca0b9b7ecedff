"""Jobs as processes: which service runs which plan, in a worker, on a cluster, followed."""
