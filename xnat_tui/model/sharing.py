"""Who sees an item: its projects, and the people of a project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_LABEL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Shared:
    """One project of an item, under the label that it has there."""

    project: str
    label: str
    name: str = ""
    """The project's title."""


@dataclass(frozen=True, slots=True)
class Projects:
    """The owner, and the projects that the item is shared into."""

    owner: Shared
    shares: tuple[Shared, ...] = ()

    def share(self, project: str) -> Shared | None:
        """The share into a project; None where the item is not shared there."""
        return next((one for one in self.shares if one.project == project), None)


class Role(StrEnum):
    """XNAT's own groups of a project: owners may delete, members edit, collaborators read
    (`docs/xnat-contract.md` 7.4)."""

    OWNER = "owner"
    MEMBER = "member"
    COLLABORATOR = "collaborator"


ACCESSIBILITIES = ("public", "protected", "private")
"""Everybody reads; everybody sees that it exists; only its users see it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A user of a project. `group` is the group's ID, `P_owner`."""

    login: str
    group: str
    title: str
    firstname: str = ""
    lastname: str = ""
    email: str = ""


def label_refusal(label: str) -> str:
    """Why XNAT would refuse a new label; "" where it would not.

    It accepts letters, digits, `_` and `-` (`docs/xnat-contract.md` 3.9). Dots and blanks exist in old data
    and cannot be made anew.
    """
    if _LABEL.fullmatch(label):
        return ""
    return f"{label!r} is no label that XNAT accepts: letters, digits, _ and - only."
