"""A schedule in the words of what the machine has: systemd's user units, and a line for cron.

Nothing is installed, and nothing here holds a password: a run signs in by a saved token, netrc or keyring.
"""

from __future__ import annotations

import shlex

from xnat_tui.errors import UsageError
from xnat_tui.services.syncing.definitions import check_schedule

_CRON_MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
_CRON_HOURS = (1, 2, 3, 4, 6, 8, 12)


def units(name: str, program: str, every: str, at: str) -> dict[str, str]:
    """Texts by file name: `xnat-tui-sync-NAME.service`, its `.timer`, and `crontab`, one line, or why cron
    cannot say it. `program` is the command's path. Raises UsageError without a schedule, or for a bad one."""
    check_schedule(every, at)
    if not every and not at:
        raise UsageError("No schedule is named.", "Add --every 6h or --at 02:30.")
    unit = f"xnat-tui-sync-{name}"
    when = f"OnBootSec=5min\nOnUnitActiveSec={_systemd(every)}" if every else f"OnCalendar=*-*-* {at}:00"
    command = shlex.join([program, "sync", "run", name, "--yes", "--quiet"])
    return {
        f"{unit}.service": (
            f"[Unit]\nDescription=Sync {name} (xnat-tui)\nAfter=network-online.target\n\n"
            f"[Service]\nType=oneshot\nExecStart={command.replace('%', '%%')}\nSuccessExitStatus=1\n"
        ),
        f"{unit}.timer": (
            f"[Unit]\nDescription=When to sync {name} (xnat-tui)\n\n"
            f"[Timer]\n{when}\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
        ),
        "crontab": _cron(command, every, at),
    }


def _systemd(every: str) -> str:
    return every.replace("m", "min")


def _cron(command: str, every: str, at: str) -> str:
    command = command.replace("%", r"\%")
    if at:
        hour, minute = map(int, at.split(":"))
        return f"{minute} {hour} * * * {command}\n"
    number, unit = int(every[:-1]), every[-1]
    if unit == "m" and number in _CRON_MINUTES:
        return f"*/{number} * * * * {command}\n"
    if unit == "h" and number in _CRON_HOURS:
        return f"0 */{number} * * * {command}\n"
    if unit == "d" and number == 1:
        return f"0 0 * * * {command}\n"
    return f"# cron has no words for every {every}: use the timer, or --at.\n"
