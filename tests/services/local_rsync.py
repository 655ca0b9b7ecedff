"""What the tests need of rsync, for machines without it: one folder into another, as the options say.

Understands what `copying_rsync.command` writes for local folders, and refuses anything else.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"rsync: {message}\n")


def main(arguments: list[str]) -> int:
    parser = _Parser(prog="rsync")
    switches = ("--recursive", "--copy-links", "--times", "--protect-args", "--ignore-existing", "--from0")
    for switch in switches:
        parser.add_argument(switch, action="store_true")
    parser.add_argument("--exclude", default="")
    parser.add_argument("--bwlimit", type=int)
    parser.add_argument("--files-from", choices=["-"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    wanted = parser.parse_args(arguments)
    if not wanted.source.is_dir():
        print(f'rsync: change_dir "{wanted.source}" failed: No such file or directory (2)', file=sys.stderr)
        return 23
    return bring(wanted, names_of(wanted))


def names_of(wanted: argparse.Namespace) -> Iterable[Path]:
    if wanted.files_from:
        return [Path(os.fsdecode(name)) for name in sys.stdin.buffer.read().split(b"\0") if name]
    files = (path.relative_to(wanted.source) for path in wanted.source.rglob("*") if path.is_file())
    pattern = wanted.exclude.removeprefix("/")
    return [path for path in files if not (path.parent == Path() and path.match(pattern))]


def bring(wanted: argparse.Namespace, names: Iterable[Path]) -> int:
    code = 0
    for name in names:
        source, target = wanted.source / name, wanted.target / name
        if target.exists() and wanted.ignore_existing:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(source, target)
        except OSError as error:
            print(f'rsync: open "{source}" failed: {error.strerror}', file=sys.stderr)
            code = 23
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
