"""Who has access to a project, and how open it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import counted
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import ACCESSIBILITIES, Member, Role
from xnat_tui.services.administration.project_users import ProjectUsers
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import (
    ask_rights,
    ask_server,
    project_of,
    refuses_writing,
)
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel

_COLUMNS = (Column("login", 14), Column("role", 13), Column("name", 19), Column("mail", 19))
_ROLES = {
    Role.COLLABORATOR: "may read",
    Role.MEMBER: "may also edit and upload",
    Role.OWNER: "may also delete, and manage users",
}
"""The least first: a hasty enter gives away no more than that."""
_OPENNESS = {
    "public": "everybody can read all of its data",
    "protected": "everybody sees that it exists, its users see its data",
    "private": "only its users see it",
}


class _LastWord(Suggester):
    """Completes the last of several names."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        before, blank, begun = value.rpartition(" ")
        found = (name for name in self._names if begun and name.casefold().startswith(begun.casefold()))
        name = next(found, None)
        return None if name is None else f"{before}{blank}{name}"


class UsersPanel(RowsPanel[Member]):
    """A row per user and role."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add…"),
        Binding("e", "role", "Role…"),
        Binding("d", "remove", "Remove…"),
        Binding("o", "accessibility", "Accessibility…"),
        Binding("U,q", "leave", show=False),
    ]
    writes = frozenset({"add", "role", "remove", "accessibility"})
    heeds = frozenset({What.USERS})
    empty = "No user has a role here."

    def __init__(self, project: Place) -> None:
        super().__init__(f"Users · {project.location}", _COLUMNS)
        self._project = project
        self._service: ProjectUsers | None = None
        self._accessibility = ""
        self._logins: list[str] = []
        """Of the site's users, where its server tells them to this one."""

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._project.server, project_of(self._project))

    def on_mount(self) -> None:
        super().on_mount()
        ask_rights(self, self._project.server, project_of(self._project))

    def shown_places(self) -> Sequence[Place]:
        return [self._project]

    def read(self) -> list[Member]:
        service = self._service
        if service is None:
            service = self._service = self.context.workspace.users(self._project)
        self._accessibility = service.accessibility()
        members = service.members()
        try:
            self._logins = sorted(service.logins())
        except Interrupted:
            raise
        except XnatTuiError as error:  # only completion needs them; adding asks again, and says why
            self.context.remember(f"Logins are not completed: {error.message}")
        return members

    def rows_changed(self) -> None:
        count = len({row.login for row in self.rows})
        users = counted(count, "user")
        self.retitle(f"Users · {self._project.location} · {users} · {self._accessibility}")

    def key_of(self, row: Member) -> str:
        return f"{row.login}\n{row.group}"

    def cells(self, row: Member) -> Sequence[str]:
        return (row.login, row.title, f"{row.firstname} {row.lastname}".strip(), row.email)

    def about(self, row: Member) -> str:
        openness = _OPENNESS.get(self._accessibility, "")
        lines = [f"{row.login} is in {row.group}.", f"{self._accessibility}: {openness}."]
        return "\n".join(line for line in lines if line.strip(": ."))

    # writing

    def action_add(self) -> None:
        if self._refused:
            return

        def named(text: str | None) -> None:
            logins = (text or "").split()
            if logins:
                self._ask_role(f"Role of {', '.join(logins)}", logins)

        hint = "only people whom the site knows: nobody is invited"
        question = "Logins or mail addresses" + (" (right completes):" if self._logins else ":")
        panel = AskText("Add users", question, hint=hint, done="Role", suggester=_LastWord(self._logins))
        self.app.push_screen(panel, named)

    def action_role(self) -> None:
        logins = [row.login for row in self.chosen()]
        if not self._refused and logins:
            self._ask_role(f"Role of {', '.join(dict.fromkeys(logins))}", logins)

    def _ask_role(self, title: str, logins: Sequence[str]) -> None:
        choices = [Choice(role.value, role.value, words) for role, words in _ROLES.items()]

        def chosen(word: str | None) -> None:
            if word:
                self._plan("users of", lambda service: service.plan_add(logins, Role(word)))

        self.app.push_screen(AskChoice(title, choices), chosen)

    def action_remove(self) -> None:
        chosen = self.chosen()
        if self._refused or not chosen:
            return

        def plan(service: ProjectUsers) -> list[Change]:
            roles = {service.group(role): role for role in Role}
            return [
                change
                for row in chosen
                for change in (
                    service.plan_remove([row.login], roles[row.group])
                    if row.group in roles
                    else [_own_group(self._project, row)]
                )
            ]

        self._plan("users of", plan)

    def action_accessibility(self) -> None:
        if self._refused:
            return
        choices = [Choice(word, word, _OPENNESS[word]) for word in ACCESSIBILITIES]

        def chosen(word: str | None) -> None:
            if word:
                self._plan("accessibility of", lambda service: service.plan_accessibility(word))

        self.app.push_screen(AskChoice(f"Accessibility, now {self._accessibility}", choices), chosen)

    @property
    def _refused(self) -> bool:
        return refuses_writing(self) or self._service is None

    def _plan(self, word: str, make: Callable[[ProjectUsers], list[Change]]) -> None:
        service = self._service
        assert service is not None, "refused without one"

        def review(changes: list[Change]) -> None:
            if not changes:
                self.complain("That is so already.")
                return
            title, server = f"{word} {self._project.location}", self._project.server
            self.app.push_screen(ChangesPanel(title, changes, service.do, server=server))

        ask_server(self, "plan", lambda: make(service), review)


def _own_group(project: Place, member: Member) -> Change:
    """Groups that a project made itself have rights that cannot be read from here."""
    before = {"login": member.login, "GROUP_ID": member.group}
    refusal = f"{member.group} is a group of the project's own: change it on the server's pages."
    return Change(str(project.location), "remove", before, refusal=refusal)
