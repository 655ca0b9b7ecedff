"""`history`: what was changed through this program, and taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.changing import carry_out, fields_told
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.changes import Change
from xnat_tui.model.history import Outcome

if TYPE_CHECKING:
    from xnat_tui.model.history import Entry

_NUMBERS = click.argument("numbers", nargs=-1, required=True, type=click.IntRange(1), metavar="ID...")


class _Listing(Group):
    """Without the word of a subcommand it lists."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(context, args[0]) is None:
            args = ["list", *args]
        return super().resolve_command(context, args)


@click.group(cls=_Listing, invoke_without_command=True, subcommand_metavar="[LOC | VERB ...]")
@click.pass_context
def history(context: click.Context) -> Any:
    """List what was changed through this program, and take it back.

    Changes of demographics, labels, sharing, roles, and deletions are kept on this computer, readable by you
    only, with the values before and after: those may be patient data. `forget` removes them.
    """
    return context.invoke(list_) if context.invoked_subcommand is None else None


@history.command("list")
@click.argument("location", type=LOCATION, metavar="[LOC]", required=False)
@pass_state
def list_(state: State, location: str | None = None) -> None:
    """List changes at or below LOC, by its name before or after, or all; the newest first."""
    with state.workspace() as workspace:
        entries = workspace.history(location)
    if state.output.wants_json:
        state.output.document({"items": [_row(one) for one in entries], "changed": [], "failed": []})
    elif not entries:
        state.output.note(
            "No change is remembered." if location is None else "No change there is remembered."
        )
    else:
        rows = [
            (str(one.number), f"{one.moment:%Y-%m-%d %H:%M}", one.state, one.location, _what(one))
            for one in entries
        ]
        state.output.table(["ID", "when", "state", "where", "what"], rows, right=["ID"], fold="what")


@history.command()
@_NUMBERS
@write_options
@pass_state
def undo(state: State, numbers: tuple[int, ...], consent: Consent) -> int:
    """Take changes back, as far as what they left still stands.

    What somebody changed since is refused, with what stands there now. An undo is a change like any other,
    and can be taken back itself. What was deleted is gone.
    """
    from xnat_tui.jobs.history import History

    with History() as kept:
        entries = [kept.entry(number) for number in dict.fromkeys(numbers)]
    with state.workspace() as workspace:
        service = workspace.undoing(entries, told=lambda text: state.output.note(f"{text} (ctrl+c stops)"))
        plan = service.plan(entries)
        server = workspace.server(service.server)
        return carry_out(state, plan.changes, service.do, consent, server=server, notes=plan.notes)


@history.command()
@_NUMBERS
@pass_state
def forget(state: State, numbers: tuple[int, ...]) -> None:
    """Remove changes from the history, with the values that were kept. No server is touched."""
    from xnat_tui.jobs.history import History

    with History() as kept:
        for number in numbers:
            kept.entry(number)
        count = kept.forget(numbers)
    if state.output.wants_json:
        state.output.document({"items": [], "changed": [{"id": number} for number in numbers], "failed": []})
    state.output.note(f"{count} forgotten.")


def _what(entry: Entry) -> str:
    """The verb, with old and new values."""
    change = Change(entry.location, entry.verb, entry.before, entry.after)
    return f"{entry.verb}  {fields_told(change)}".rstrip()


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.number,
        "at": entry.moment.isoformat(timespec="seconds"),
        "server": entry.url,
        "user": entry.user,
        "location": entry.location,
        "kind": str(entry.kind),
        "verb": entry.verb,
        "before": dict(entry.before),
        "after": dict(entry.after),
        "state": "done" if entry.outcome is Outcome.DONE else "unclear",
        "undoes": entry.undoes or None,
        "undone_by": entry.undone_by or None,
    }
