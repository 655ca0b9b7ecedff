"""What a write's answer is worth once the server was asked what it holds."""

from __future__ import annotations

from xnat_tui.errors import Unclear, XnatTuiError


def is_so(failure: XnatTuiError | None) -> str:
    """A note on a write whose outcome stands, whatever was answered."""
    return f"{_came(failure)}; read back, and it is so." if failure is not None else ""


def not_so(failure: XnatTuiError | None, unchanged: XnatTuiError) -> XnatTuiError:
    """What to raise where the outcome does not stand: `unchanged` if the server had said yes."""
    if not isinstance(failure, Unclear):
        return failure or unchanged
    message = f"{_came(failure)}; read back, and it is not so."
    hint = "The server may still be at it: look again before repeating it."
    return Unclear(message, hint, status=failure.status)


def _came(failure: XnatTuiError) -> str:
    return f"The server answered {failure.status}" if failure.status else "The answer was lost"
