"""Who has access to a project: listed, added, removed, and how open the project is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xnat_tui.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    ServerError,
    Unclear,
    UsageError,
    XnatTuiError,
)
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.history import Area
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import ACCESSIBILITIES, Member, Role
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.xnat.actions import users as gateway
from xnat_tui.xnat.documents import writing

OPENNESS = {
    "public": "everybody who reaches the server can read all of its data",
    "protected": "everybody who is signed in sees that it exists, its users see its data",
    "private": "only its users see it",
}


class ProjectUsers:
    """The users of one project. Plans read; only `do` writes, and reads back.

    Raises NotFound for what is no project.
    """

    def __init__(self, reader: Reader, place: Place) -> None:
        item = place.item
        if item is None or item.kind is not Kind.PROJECT:
            raise NotFound(f"{place.location} is no project.", "Projects have users: name one.")
        self.reader = reader
        self.place = place
        self.project: Item = item

    def members(self) -> list[Member]:
        """Users with their groups. Raises Forbidden where this user may not see them."""
        try:
            return gateway.members(self.reader.connection, self.project.id)
        except Forbidden as error:
            raise Forbidden(
                f"The users of {self.project.id} are not visible to {self.reader.connection.user}.",
                "Its owners and members see them.",
                status=error.status,
            ) from None

    def accessibility(self) -> str:
        """`public`, `protected` or `private`. Raises BadAnswer where the server says none of them."""
        return gateway.accessibility(self.reader.connection, self.project.id)

    def logins(self) -> list[str]:
        """The site's users, as far as this one may see them: none where only administrators may."""
        return list(gateway.accounts(self.reader.connection) or ())

    def plan_add(self, logins: Iterable[str], role: Role) -> list[Change]:
        """Changes that give users a role. A user who has it already needs none.

        Only logins that the site knows are ever sent: XNAT invites an unknown mail address by mail.
        """
        members = self.members()
        accounts = gateway.accounts(self.reader.connection)
        found = []
        for given in dict.fromkeys(logins):
            login, refusal, note = _account(given, accounts)
            groups = [one.group for one in members if one.login == login]
            group = self.group(role)
            if group in groups:
                continue
            if not refusal and role is not Role.OWNER:
                refusal = self._last_owner(members, login)
            before = {"GROUP_ID": ", ".join(groups)} if groups else {}
            found.append(self._change("add", before, {"login": login, "GROUP_ID": group}, refusal, note))
        return found

    def plan_remove(self, logins: Iterable[str], role: Role | None = None) -> list[Change]:
        """Changes that take one or all of a user's roles; the last owner stays."""
        members = self.members()
        found = []
        for login in dict.fromkeys(logins):
            own = [
                one
                for one in members
                if login in (one.login, one.email) and (role is None or one.group == self.group(role))
            ]
            if not own:
                reason = f"{login} is no {role or 'user'} of {self.project.id}."
                found.append(self._change("remove", {"login": login}, {}, reason))
            for one in own:
                note = "this is you" if one.login == self.reader.connection.user else ""
                before = {"login": one.login, "GROUP_ID": one.group}
                refusal = self._last_owner(members, one.login) if one.group == self.group(Role.OWNER) else ""
                found.append(self._change("remove", before, {}, refusal, note))
        return found

    def plan_accessibility(self, word: str) -> list[Change]:
        """A change of how open the project is. Raises UsageError for an unknown word."""
        if word not in ACCESSIBILITIES:
            raise UsageError(f"{word!r} is none of {', '.join(ACCESSIBILITIES)}.")
        before = self.accessibility()
        if before == word:
            return []
        return [self._change("set", {"accessibility": before}, {"accessibility": word}, "", OPENNESS[word])]

    def about(self, change: Change) -> Place:  # noqa: ARG002  (all of them are of one project)
        """The project."""
        return self.place

    @kept(Area.USERS)
    def do(self, change: Change) -> str:
        """Carry out one planned change and read it back. Raises Forbidden for those who do not own it."""
        connection, project = self.reader.connection, self.project.id
        failure: XnatTuiError | None = None
        try:
            if change.verb == "add":
                gateway.put_member(connection, project, change.after["GROUP_ID"], change.after["login"])
            elif change.verb == "remove":
                gateway.delete_member(connection, project, change.before["GROUP_ID"], change.before["login"])
            else:
                writing.put_setting(connection, project, "accessibility", change.after["accessibility"])
        except (ServerError, Unclear) as error:
            failure = error
        self.reader.changed(self.place, What.USERS)
        if not self._holds(change):
            raise not_so(failure, BadAnswer("The server accepted it, and nothing has changed.", "Reload."))
        return is_so(failure)

    def group(self, role: Role) -> str:
        """A role's group, as XNAT names it: `P_owner`."""
        return f"{self.project.id}_{role}"

    def _holds(self, change: Change) -> bool:
        if change.verb == "set":
            return self.accessibility() == change.after["accessibility"]
        wanted = change.after if change.verb == "add" else change.before
        there = any(
            one.login == wanted["login"] and one.group == wanted["GROUP_ID"] for one in self.members()
        )
        return there is (change.verb == "add")

    def _last_owner(self, members: Sequence[Member], login: str) -> str:
        owners = {one.login for one in members if one.group == self.group(Role.OWNER)}
        return f"{login} is the last owner of {self.project.id}." if owners == {login} else ""

    def _change(
        self, verb: str, before: dict[str, str], after: dict[str, str], refusal: str, note: str = ""
    ) -> Change:
        where = str(self.place.location)
        return Change(where, verb, before, after, note=note, refusal=refusal, project=self.project.id)


def _account(given: str, accounts: dict[str, str] | None) -> tuple[str, str, str]:
    """The login that is meant, why it cannot be sent, and what is not known of it."""
    if accounts is None:
        if "@" in given:
            return given, "the site's users are not visible, and XNAT would invite an unknown address.", ""
        return given, "", "the site's users are not visible: whether this login exists is not known"
    if given in accounts:
        return given, "", ""
    by_mail = [login for login, mail in accounts.items() if mail.lower() == given.lower()]
    if len(by_mail) == 1:
        return by_mail[0], "", ""
    return given, "the site has no such user." if not by_mail else f"{len(by_mail)} users have it.", ""
