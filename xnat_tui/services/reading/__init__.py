"""One server's archive, read a level or a project at a time; only what is proved is believed."""
