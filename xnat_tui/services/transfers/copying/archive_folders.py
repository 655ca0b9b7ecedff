"""Both servers' archive folders, as rsync reaches them."""

from __future__ import annotations

import re
from pathlib import Path

from xnat_tui.errors import UsageError
from xnat_tui.model.options import CopyOptions

_REMOTE = re.compile(r"[^/]+:")


def is_remote(folder: str) -> bool:
    """Whether it is on another machine: `[USER@]HOST:FOLDER`."""
    return _REMOTE.match(folder) is not None


def check_folders(options: CopyOptions) -> None:
    """Raises UsageError for folders that rsync cannot work with."""
    if not options.rsync_source or not options.rsync_destination:
        raise UsageError(
            "rsync needs both servers' archive folders.", "Give --rsync-source and --rsync-destination."
        )
    folders = (options.rsync_source, options.rsync_destination)
    if any(folder.startswith("-") for folder in folders):
        raise UsageError("An archive folder cannot begin with a dash.", "Write ./ before it.")
    if all(map(is_remote, folders)):
        raise UsageError(
            "rsync cannot copy from one remote machine to another.",
            "Run this on one of the two servers, or mount one of the folders here.",
        )
    for folder in folders:
        if not is_remote(folder) and not Path(folder).is_dir():
            raise UsageError(f"{folder} is no folder on this machine.", "Write HOST:FOLDER for another one.")
