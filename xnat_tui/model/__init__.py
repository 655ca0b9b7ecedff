"""What XNAT holds and what people do with it, as values: no input, no output."""
