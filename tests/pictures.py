"""Make the pictures in screenshots/ from the real screens: `python -m tests.pictures [NAME...]`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.tui.driver import LARGE, SMALL, Size, Story, story
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.process import PASSWORD, USER, free_ports, serve

FOLDER = Path(__file__).parent.parent / "screenshots"

Scene = Callable[[Story], Awaitable[None]]


async def browse(told: Story) -> None:
    await told.press("enter", "j", "j", "j", "enter", "j", "enter", "j", "enter", "tab", "j", "enter", "tab")


async def compare(told: Story) -> None:
    await told.press("equals_sign")
    await told.compared()
    await told.press("n", "n", "n")


async def summary(told: Story) -> None:
    await compare(told)
    await told.press("S")


async def details(told: Story) -> None:
    await told.press("equals_sign")
    await told.compared()
    await told.press("slash")
    await told.type("SUB-011")
    await told.press("enter", "i")


async def plan(told: Story) -> None:
    await told.press("slash")
    await told.type("SUB-004")
    await told.press("enter", "space", "c")


async def transfers(told: Story) -> None:
    await plan(told)
    await told.press("enter")
    await told.until(lambda: told.main.queue.running() == 0 and bool(told.main.queue.views))
    await told.press("t")


async def servers(told: Story) -> None:
    await told.press("ctrl+o")


async def help_(told: Story) -> None:
    await told.press("question_mark")


async def actions(told: Story) -> None:
    await told.press("x")


async def prearchive(told: Story) -> None:
    await told.press("p", "j", "j", "enter", "escape")


async def archiving(told: Story) -> None:
    await told.press("p", "space", "space", "a", "tab")
    await told.type("{PatientID}_{StudyDate}")
    await told.press("enter")


async def workflows(told: Story) -> None:
    await told.press("w", "o", "a")


async def catalog(told: Story) -> None:
    await told.press("j", "j", "l", "j", "K")


async def demographics(told: Story) -> None:
    await told.press("j", "j", "E")
    await told.type("female")
    await told.press("down")
    await told.type("1961-04-09")


async def sharing(told: Story) -> None:
    await told.press("j", "j", "s")


async def users(told: Story) -> None:
    await told.press("U")


async def rename(told: Story) -> None:
    await told.press("M", "ctrl+u")
    await told.type("SUB-002_BASELINE")
    await told.press("enter")


async def deletion(told: Story) -> None:
    await told.press("j", "j", "j", "f8")


async def history(told: Story) -> None:
    await told.press("j", "j", "E")
    await told.type("female")
    await told.press("ctrl+s", "enter", "enter", "escape", "Z")


async def syncs(told: Story) -> None:
    await told.press("L")


async def search(told: Story) -> None:
    await told.press("g")
    await told.type("SUB-002")
    await told.press("enter")


async def resources(told: Story) -> None:
    await told.press("enter", "j", "j", "F", "enter", "space")


async def header(told: Story) -> None:
    await told.press("enter", "j", "j", "D")


async def image(told: Story) -> None:
    await told.press("enter", "j", "j", "I", "right", "right", "right", "right", "right")


SCENES: dict[str, tuple[Scene, str, str, Size]] = {
    "main": (compare, "lab:BRAINS", "qc:BRAINS", LARGE),
    "browse": (browse, "lab:", "qc:", SMALL),
    "compare": (compare, "lab:BRAINS", "qc:BRAINS", SMALL),
    "summary": (summary, "lab:BRAINS", "qc:BRAINS", SMALL),
    "details": (details, "lab:BRAINS", "qc:BRAINS", SMALL),
    "plan": (plan, "lab:BRAINS", "qc:BRAINS", SMALL),
    "transfers": (transfers, "lab:BRAINS", "qc:BRAINS", SMALL),
    "servers": (servers, "lab:", "qc:", SMALL),
    "help": (help_, "lab:", "qc:", SMALL),
    "actions": (actions, "lab:BRAINS", "qc:BRAINS", SMALL),
    "prearchive": (prearchive, "lab:BRAINS", "qc:BRAINS", SMALL),
    "archiving": (archiving, "lab:BRAINS", "qc:BRAINS", SMALL),
    "workflows": (workflows, "lab:BRAINS", "qc:BRAINS", SMALL),
    "catalog": (catalog, "lab:BRAINS", "qc:BRAINS", SMALL),
    "demographics": (demographics, "lab:BRAINS", "qc:BRAINS", SMALL),
    "sharing": (sharing, "lab:BRAINS", "qc:BRAINS", SMALL),
    "users": (users, "lab:BRAINS", "qc:BRAINS", SMALL),
    "rename": (rename, "lab:BRAINS/SUB-002", "qc:BRAINS", SMALL),
    "deletion": (deletion, "lab:BRAINS", "qc:BRAINS", SMALL),
    "history": (history, "lab:BRAINS", "qc:BRAINS", SMALL),
    "syncs": (syncs, "lab:BRAINS", "qc:BRAINS", SMALL),
    "search": (search, "lab:", "qc:", SMALL),
    "resources": (resources, "lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS", SMALL),
    "header": (header, "lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS", SMALL),
    "image": (image, "lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS", SMALL),
}


async def take(name: str) -> None:
    scene, source, destination, size = SCENES[name]
    async with story(source, destination, size) as told:
        await scene(told)
        picture = told.app.export_screenshot(title="xnat-tui")
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
    print(name)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(SCENES)
    with tempfile.TemporaryDirectory() as world:
        os.environ |= {"XNAT_TUI_CONFIG": f"{world}/config", "XNAT_TUI_STATE": f"{world}/state"}
        os.environ["TERM"] = "xterm-256color"
        os.environ |= {"XNAT_TUI_PASSWORD_LAB": PASSWORD, "XNAT_TUI_PASSWORD_QC": PASSWORD}
        for name in wanted:
            with serve(free_ports()) as addresses:
                config.save_server(Server("lab", addresses.source, USER))
                config.save_server(Server("qc", addresses.destination, USER))
                config.save_sync(
                    "nightly", {"source": "lab:BRAINS", "destination": "qc:BRAINS", "at": "02:30"}
                )
                asyncio.run(take(name))


if __name__ == "__main__":
    main()
