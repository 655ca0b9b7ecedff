"""Who may see and change what."""

from __future__ import annotations

from xnat_tui.demo.archive import (
    Assessor,
    Experiment,
    Item,
    Project,
    Reconstruction,
    Scan,
    Subject,
)
from xnat_tui.demo.records import User
from xnat_tui.demo.site import Site, owner_of

GUEST = User("guest", "", "Guest", "Guest")
OWNER, MEMBER, COLLABORATOR = "owner", "member", "collaborator"


def role(user: User, project: Project) -> str:
    """``owner``, ``member``, ``collaborator`` or "" as the membership lists say; admins own all."""
    return OWNER if user.admin else project.users.get(user.login, "")


def sees_project(user: User, project: Project) -> bool:
    """Whether the project is listed: protected ones are, although their data are not readable."""
    return project.accessibility in ("public", "protected") or bool(role(user, project))


def reads_project(user: User, project: Project) -> bool:
    return project.accessibility == "public" or bool(role(user, project))


def edits_project(user: User, project: Project) -> bool:
    return role(user, project) in (OWNER, MEMBER)


def owns_project(user: User, project: Project) -> bool:
    return role(user, project) == OWNER


def can_read(site: Site, user: User, item: Item) -> bool:
    """An item is readable through its owner or any project it is shared into."""
    if isinstance(item, Project):
        return sees_project(user, item)
    if isinstance(item, Scan | Reconstruction):
        return can_read(site, user, item.session)
    if not isinstance(item, Subject | Experiment | Assessor):
        return False
    for project_id in (item.project, *item.shares):
        project = site.projects.get(project_id)
        if project is not None and reads_project(user, project):
            hidden = item.status == "quarantine" and project.settings["quarantine_code"] != "0"
            return not hidden or owns_project(user, project)
    return False


def can_edit(site: Site, user: User, item: Item) -> bool:
    """Owners and members of the owning project edit, unless the item is locked."""
    return _holds(site, user, item, (OWNER, MEMBER)) and not locked(item)


def can_delete(site: Site, user: User, item: Item) -> bool:
    """Only owners of the owning project delete."""
    if site.settings.prevent_data_deletion or locked(item):
        return False
    return _holds(site, user, item, (OWNER,))


def locked(item: Item) -> bool:
    holder = item.session if isinstance(item, Scan | Reconstruction) else item
    return holder.status in ("locked", "obsolete")


def _holds(site: Site, user: User, item: Item, roles: tuple[str, ...]) -> bool:
    project = site.projects.get(owner_of(item))
    return project is not None and role(user, project) in roles
