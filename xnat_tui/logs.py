"""The log file: rotating, private, and without secrets or patient fields.

Loggers below `xnat_tui` write to it, xnatpy's among them (`for_xnatpy`), and so do the libraries that would
otherwise write to the terminal behind the explorer's back.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.parse import quote, quote_plus

from xnat_tui.errors import ConfigError
from xnat_tui.model.display import clean_lines
from xnat_tui.paths import private_folder, state_folder

_FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
_BYTES = 2_000_000
_KEPT = 3
_MASK = "***"
_LIBRARIES = ("urllib3", "requests", "pydicom", "stamina", "asyncio", "xnat", "py.warnings")
_QUOTE_DATA = ("pydicom", "py.warnings")
"""Loggers whose messages quote values of DICOM elements."""
_SHORTEST_CONCEALED = 6
"""Characters. A shorter secret would blot out half of every line."""

_HIDDEN_KEYS = (
    r"(?:j_)?passw(?:or)?d|passwd|pwd|(?:xnat_)?pass|secret|alias|token|authorization|cookie|set-cookie|"
    r"xnat_csrf|jsession(?:id)?"
)
_PATIENT_KEYS = (
    r"gender|sex|dob|yob|age|birth_?date|birth_weight|gestational_age|post_menstrual_age|handedness|"
    r"education|educationdesc|race\d?|ethnicity|ses|height|weight|"
    r"(?:dcm)?patient_?'?s?_?(?:name|id|birth_?date|birth_?time|sex|age|size|weight|address|comments)|"
    r"dcmaccessionnumber"
)
_KEY_VALUE = re.compile(
    rf"""(?<![A-Za-z])(?P<key>{_HIDDEN_KEYS}|{_PATIENT_KEYS})(?P<close>["']?\]?\s*(?:=|:|%3D)\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|(?:Basic|Bearer)\s+[^\s'",;]+|\{?[^&,;\r\n"'})\]]+)""",
    re.IGNORECASE,
)
_PATTERNS = (
    (re.compile(r"(https?://)[^/\s@]+@", re.IGNORECASE), rf"\1{_MASK}@"),
    (re.compile(r"(tokens/(?:in)?validate/)[^\s?'\"]+", re.IGNORECASE), rf"\1{_MASK}"),
    (re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\1 {_MASK}"),
    (
        re.compile(rf"(<(?:\w+:)?(?:{_PATIENT_KEYS})\b[^>]*>)[^<]*", re.IGNORECASE),
        rf"\1{_MASK}",
    ),
    (re.compile(r"(\(0010,\s?[0-9a-f]{4}\))[^\r\n]*", re.IGNORECASE), rf"\1 {_MASK}"),
    (_KEY_VALUE, rf"\g<key>\g<close>{_MASK}"),
)
_QUOTED = re.compile(r"'[^'\r\n]*'|\"[^\"\r\n]*\"")

logging.getLogger("xnat_tui").addHandler(logging.NullHandler())

_concealed: set[str] = set()
_installed: list[tuple[logging.Logger, logging.Handler]] = []


def conceal(secret: str) -> None:
    """Never let this value into a log line, in whatever sentence it turns up."""
    if len(secret) >= _SHORTEST_CONCEALED:
        _concealed.update((secret, quote(secret, safe=""), quote_plus(secret)))


def redact(text: str) -> str:
    """The text without known secrets, credentials, session cookies and patient fields."""
    for secret in sorted(_concealed, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Rewrites every record that passes: message, traceback and stack, without secrets and without what
    would steer a terminal. For any handler of our loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: no record is dropped."""
        message = record.getMessage()
        if record.name.split(".")[0] in _QUOTE_DATA or record.name in _QUOTE_DATA:
            message = _QUOTED.sub(f"'{_MASK}'", message)
        record.msg, record.args = clean_lines(redact(message)), ()
        if record.exc_info:
            traceback = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_info, record.exc_text = None, clean_lines(redact(traceback))
        if record.stack_info:
            record.stack_info = clean_lines(redact(record.stack_info))
        return True


class _PrivateFileHandler(RotatingFileHandler):
    """Creates its files for this user only. Where the disk refuses a line, that is said once, and no more."""

    _said = False

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(handle, "a", encoding=self.encoding, errors="backslashreplace")  # noqa: PTH123 (a descriptor)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the library's name)
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._said:
            self._said = True
            with suppress(OSError):
                sys.stderr.write(
                    f"The log {self.baseFilename} cannot be written: {error.strerror}. Going on without it.\n"
                )

    def close(self) -> None:
        with suppress(OSError):  # what could not be written before cannot be now
            super().close()


def log_file() -> Path:
    """`logs/xnat-tui.log` in the state folder."""
    return state_folder() / "logs" / "xnat-tui.log"


def set_up(
    level: int | str = logging.INFO, file: Path | None = None, *, stderr: int | str | None = None
) -> Path:
    """Send the log to `file` (the state folder's by default), and from level `stderr` on to stderr as well.

    Calling it again replaces what it set up before. Raises ConfigError when the file cannot be written.
    """
    tear_down()
    path = file or log_file()
    try:
        if path.is_relative_to(state_folder()):
            private_folder(path.parent)
        handler: logging.Handler = _PrivateFileHandler(
            path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8"
        )
    except OSError as error:
        raise ConfigError(
            f"The log {path} cannot be written: {error.strerror}.",
            "Name another with --log FILE, or another folder in XNAT_TUI_STATE.",
        ) from None
    _install_all(handler, level, stderr)
    return path


def set_up_without_file(*, stderr: int | str | None = None) -> None:
    """As `set_up`, where no file can be written: only what stderr shall have is kept."""
    tear_down()
    _install_all(logging.NullHandler(), logging.CRITICAL, stderr)


def _install_all(handler: logging.Handler, level: int | str, stderr: int | str | None) -> None:
    ours = logging.getLogger("xnat_tui")
    ours.setLevel(min(_number(level), _number(stderr) if stderr is not None else logging.CRITICAL))
    _install(handler, level, [ours, *map(logging.getLogger, _LIBRARIES)])
    if stderr is not None:
        _install(logging.StreamHandler(sys.stderr), stderr, [ours])
    logging.captureWarnings(True)


def tear_down() -> None:
    """Take back what `set_up` did and close the files."""
    for logger, handler in _installed:
        logger.removeHandler(handler)
        logger.propagate = True
        handler.close()
    _installed.clear()
    logging.captureWarnings(False)


def for_xnatpy() -> logging.Logger:
    """The logger to hand to `xnat.connect(logger=...)`; without one xnatpy writes to stderr."""
    logger = logging.getLogger("xnat_tui.xnatpy")
    if not any(isinstance(entry, RedactingFilter) for entry in logger.filters):
        logger.addFilter(RedactingFilter())
    return logger


def _install(handler: logging.Handler, level: int | str, loggers: list[logging.Logger]) -> None:
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(RedactingFilter())
    for logger in loggers:
        logger.propagate = False
        logger.addHandler(handler)
        _installed.append((logger, handler))


def _number(level: int | str) -> int:
    return logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
