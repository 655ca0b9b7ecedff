"""Everything that can go wrong, as the user meets it.

XnatTuiError                   message, hint, HTTP status; never a secret or a patient field
├── UsageError                 the call itself is wrong (exit 2)
│   └── ConfigError            a configuration file, named with its file and key
├── ServerUnreachable          no route, refused, timed out, 502/503/504 (exit 3)
│   ├── TlsFailure             the certificate could not be verified
│   └── NotXnat                something answered that is no XNAT (a proxy's page, no ResultSet)
├── NotAllowed                 (exit 4)
│   ├── SignInFailed           wrong password or token, no credentials at all
│   │   └── PasswordExpired    the server wants a new password first
│   ├── SessionExpired         signed in once, not any more, and signing in again failed
│   └── Forbidden              signed in, but this needs another role
├── NotFound                   missing, or not readable: XNAT answers 404 to both (exit 5)
├── Conflict                   exists already, is being processed, is locked (exit 5)
├── BadAnswer                  an XNAT answered what cannot be trusted: truncated, empty, contradictory
│   └── NotDicom               a file without a DICOM header, where one was asked for (exit 5)
├── ServerError                500 and the server's own words
├── Refused                    the server understood and said no: 400, 417, 422
├── Unclear                    a write whose answer was lost: read back before anything else
└── Interrupted                stopped by the user; what is done is kept (exit 130)
"""

from __future__ import annotations


class XnatTuiError(Exception):
    """What happened (`message`), and what to do about it (`hint`), both one or two plain sentences."""

    title = "Something went wrong"

    def __init__(self, message: str, hint: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        """The HTTP status behind it, where there was one."""
        self.unreachable = ""
        """The name of the server that could not be reached, where that is why: no HTTP answer to anything."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), self.message, self.hint, self.status))


def _restore(kind: type[XnatTuiError], message: str, hint: str, status: int | None) -> XnatTuiError:
    return kind(message, hint, status=status)


class UsageError(XnatTuiError):
    """The call itself is wrong."""

    title = "Wrong usage"


class ConfigError(UsageError):
    """A configuration file cannot be used; the message names the file and the key."""

    title = "Configuration"


class ServerUnreachable(XnatTuiError):
    """No answer: no route, refused, timed out, or a proxy's 502, 503 or 504."""

    title = "Server unreachable"


class TlsFailure(ServerUnreachable):
    """The server's certificate could not be verified."""

    title = "TLS"


class NotXnat(ServerUnreachable):
    """Something answered, but not an XNAT."""

    title = "Not an XNAT"


class NotAllowed(XnatTuiError):
    """Not signed in, or not with the rights that this needs."""

    title = "Not allowed"


class SignInFailed(NotAllowed):
    """Wrong password or token, a disabled account, or no credentials at all."""

    title = "Sign-in failed"


class PasswordExpired(SignInFailed):
    """The server wants the password changed before anything else."""

    title = "Password expired"


class SessionExpired(NotAllowed):
    """The server's session ended and signing in again did not work."""

    title = "Session expired"


class Forbidden(NotAllowed):
    """Signed in, but without the right to this."""

    title = "Forbidden"


class NotFound(XnatTuiError):
    """Missing, or not readable: XNAT answers 404 to both so that nothing leaks."""

    title = "Not found"


class Conflict(XnatTuiError):
    """It exists already, is being processed, or is locked."""

    title = "Conflict"


class BadAnswer(XnatTuiError):
    """An answer that must not be believed: empty, truncated, contradictory, not the asked format."""

    title = "Answer cannot be trusted"


class NotDicom(BadAnswer):
    """A file without a DICOM header, where one was asked for."""

    title = "Not DICOM"


class ServerError(XnatTuiError):
    """The server failed; the message carries its own words."""

    title = "Server error"


class Refused(XnatTuiError):
    """The server understood the request and refused it (400, 415, 417, 422)."""

    title = "Refused"


class Unclear(XnatTuiError):
    """A write ended without an answer: it may have happened. Read back before repeating it."""

    title = "Outcome unknown"


class Interrupted(XnatTuiError):
    """Stopped on request. What was finished is kept, and the job can be resumed."""

    title = "Interrupted"
