"""The three standard streams, made fit for whatever stands at their other end."""

from __future__ import annotations

import codecs
import io
import os
import sys

_PLAIN = {"→": "->", "⇄": "<->", "…": "...", "·": "-"}
"""What our own sentences use beyond ASCII, for an encoding that has none of it."""


def prepare_streams() -> None:
    """Let no closed stream and no character that cannot be encoded end a verb."""
    codecs.register_error("xnat-tui", _spelled_out)
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            _occupy(descriptor)
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", closefd=False))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and name != "stdin":
            stream.reconfigure(errors="xnat-tui")


def _occupy(descriptor: int) -> None:
    """Put the null device where a stream was closed: the next file opened would take its number."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


def _spelled_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """A codec's error handler: our signs in plain characters, all else as Python writes it (`\\xe9`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(sign, sign) for sign in text)
    return plain.encode("ascii", "backslashreplace").decode("ascii"), error.end
