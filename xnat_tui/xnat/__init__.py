"""The gateway: the only place that knows how an XNAT speaks."""
