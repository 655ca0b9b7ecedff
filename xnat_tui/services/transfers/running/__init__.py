"""Jobs in processes of their own: the worker, its executors, and whoever follows it."""
