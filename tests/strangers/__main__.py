"""Let other people's clients judge the demo server: ``python -m tests.strangers [NAME...]``.

Each client is installed from the package registry in its newest version, into an environment of its own, and
its script runs there against two demo servers that are its own as well. Prints a line for each check; ends
with 1 when one failed. ``--environments FOLDER`` keeps the environments for the next time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.strangers.sites import empty_site, filled_site, write_dicom
from xnat_tui.demo.server import DemoServer

ROOT = Path(__file__).parents[2]
CHECKS_SECONDS = 240
INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Client:
    """``with_NAME.py`` is its script, ``requirement`` what pip installs."""

    name: str
    requirement: str


CLIENTS = (
    Client("dax", "dax"),  # the one that takes longest to install begins
    Client("xnatctl", "xnatctl>=0.6"),
    Client("copyxnat", "copyxnat"),
    Client("xnatpy", "xnat"),
    Client("pyxnat", "pyxnat"),
)


def judged(client: Client, folder: Path) -> tuple[bool, str]:
    """Whether all checks held, and what to print."""
    started = time.monotonic()
    python = folder / client.name / ("Scripts" if os.name == "nt" else "bin") / "python"
    failure = _installed(client, python, folder / client.name)
    if failure:
        return False, f"FAILED  {client.name} cannot be installed\n{failure}"
    installed = time.monotonic()
    held, told = _checked(client, python)
    version = subprocess.run(
        [python, "-c", f"import importlib.metadata as m; print(m.version({_package(client)!r}))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    spent = f"installed in {installed - started:.0f} s, checked in {time.monotonic() - installed:.0f} s"
    return held, f"{_package(client)} {version}: {spent}\n{told}"


def _package(client: Client) -> str:
    return client.requirement.partition(">")[0]


def _installed(client: Client, python: Path, environment: Path) -> str:
    """Make or renew the environment; what pip said where it failed."""
    if not python.exists():
        # A copied interpreter is "busy" (ETXTBSY) while another thread of this process forks
        venv.create(environment, symlinks=os.name != "nt")
    # This pip serves all, and compiles nothing: a client loads a small part of what it depends on
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile"]
    command += ["--quiet", "--disable-pip-version-check", "--upgrade"]
    done = subprocess.run(
        [*command, client.requirement],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    return done.stderr if done.returncode else ""


def _checked(client: Client, python: Path) -> tuple[bool, str]:
    filled = filled_site()
    # xnatpy asks for a resource that it made as an item, and XNAT's source of 1.8.11 answers XML
    filled.settings.resource_as_json_item = client.name == "xnatpy"
    with (
        tempfile.TemporaryDirectory() as home,
        DemoServer(filled) as one,
        DemoServer(empty_site()) as other,
    ):
        write_dicom(Path(home) / "dicom")
        kept = {key: value for key, value in os.environ.items() if not key.upper().startswith("XNAT")}
        own = {"HOME": home, "USERPROFILE": home, "NO_PROXY": "*", "PYTHONWARNINGS": "ignore"}
        try:
            done = subprocess.run(
                [python, "-m", f"tests.strangers.with_{client.name}", one.url, other.url, home],
                env={**kept, **own},
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=CHECKS_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            told = late.output.decode(errors="replace") if late.output else ""
            return False, f"{told}FAILED  not done after {CHECKS_SECONDS} s\n"
    if done.returncode == 0:
        return True, "".join(f"{line}\n" for line in done.stdout.splitlines() if line.startswith("ok "))
    return False, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(one.name for one in CLIENTS))
    parser.add_argument("--environments", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    chosen = [one for one in CLIENTS if not given.names or one.name in given.names]
    if len(chosen) < len(set(given.names)):
        parser.error(f"known are {', '.join(one.name for one in CLIENTS)}")
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(len(chosen)) as pool:
        folder = (given.environments or Path(temporary)).absolute()
        under_way = [pool.submit(judged, one, folder) for one in chosen]
        failed = False
        for future in as_completed(under_way):
            held, told = future.result()
            failed = failed or not held
            print(told, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
