"""Every action of the explorer, once: its keys, its words, and why it may not be done now.

The footer, `?`, the actions menu and the palette are all made from this table; `config.toml` rebinds
by the IDs. A label that ends in `…` leads to a question or a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from textual.binding import Binding

from xnat_tui.tui.explorer.tree_keys import KEYS as TREE_KEYS


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action can be done now."""

    comparing: bool = False
    has_cursor: bool = False
    has_marks: bool = False
    both_open: bool = False
    target_refusal: str = ""
    """Why nothing can be written to the other side; "" when it can."""
    here_refusal: str = ""
    """Why nothing can be written to this pane's server."""
    cursor_kind: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """`id` is `area.verb`; `method` the name of the screen's `action_…`."""

    id: str
    method: str
    keys: str
    label: str
    help: str
    needs: tuple[str, ...] = ()
    """Conditions of the table below that must hold."""
    footer: bool = False
    writes: bool = False

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.id.partition(".")[2].replace("_", " ")

    def why_not(self, situation: Situation) -> str:
        """Why it cannot be done now, in words for the user; "" when it can."""
        for need in self.needs:
            if reason := _REASONS[need](situation):
                return f"{self.label.rstrip('…')}: {reason}"
        return ""


def _comparing(situation: Situation) -> str:
    return "" if situation.comparing else "only while comparing (= starts)"


def _cursor(situation: Situation) -> str:
    return "" if situation.has_cursor else "nothing is under the cursor"


def _both(situation: Situation) -> str:
    return "" if situation.both_open else "open a place in both panes first (o, g)"


def _target(situation: Situation) -> str:
    return situation.target_refusal


def _here(situation: Situation) -> str:
    return situation.here_refusal


def _session(situation: Situation) -> str:
    return "" if situation.cursor_kind in ("experiment", "scan") else "put the cursor on a session or scan"


def _shareable(situation: Situation) -> str:
    if situation.has_marks or situation.cursor_kind in ("subject", "experiment", "assessor"):
        return ""
    return "put the cursor on a subject, session or assessor"


def _renamable(situation: Situation) -> str:
    return (
        "" if situation.cursor_kind in ("subject", "experiment") else "put the cursor on a subject or session"
    )


def _imaging(situation: Situation) -> str:
    kinds = ("experiment", "scan", "assessor", "reconstruction", "resource", "file")
    return "" if situation.cursor_kind in kinds else "put the cursor on a session, scan, resource or file"


_REASONS = {
    "comparing": _comparing,
    "cursor": _cursor,
    "both": _both,
    "target": _target,
    "here": _here,
    "session": _session,
    "shareable": _shareable,
    "renamable": _renamable,
    "imaging": _imaging,
}

ACTIONS: tuple[Action, ...] = (
    Action("pane.other", "other_pane", "tab", "Pane", "Go to the other pane", footer=True),
    Action("pane.zoom", "zoom", "z", "Zoom", "Show this pane alone, or both again"),
    Action("pane.swap", "swap", "u", "Swap", "Swap source and destination"),
    Action("pane.open", "open_place", "o", "Open…", "Open a server or project in this pane"),
    Action(
        *("pane.open_there", "open_there", "O", "Open there", "Open the cursor's place in the other pane"),
        needs=("cursor",),
    ),
    Action("pane.back", "back", "left_square_bracket", "Back", "Back to the place before"),
    Action("pane.forward", "forward", "right_square_bracket", "Forward", "Forward again"),
    Action("go.to", "go", "g", "Go to…", "Go to an address, an ID or a label"),
    Action("go.bookmarks", "bookmarks", "b", "Bookmarks…", "Open a bookmark"),
    Action(
        "go.add_bookmark",
        "add_bookmark",
        "B",
        "Add bookmark…",
        "Bookmark the cursor's place",
        needs=("cursor",),
    ),
    Action(
        "view.filter", "filter", "slash", "Filter", "Filter as you type; !text inverts, type:MR", footer=True
    ),
    Action("view.sort", "sort", "comma", "Sort…", "Sort by label, size, date or type"),
    Action("view.empty_groups", "empty_groups", "full_stop", "Empty groups", "Show or hide empty groups"),
    Action("view.reload", "reload", "r", "Reload", "Ask the server for this node again"),
    Action("view.reload_pane", "reload_pane", "R", "Reload pane", "Ask the server for the whole pane again"),
    Action(
        "view.details",
        "details",
        "i,f3",
        "Details",
        "All fields of the item under the cursor",
        needs=("cursor",),
    ),
    Action("view.redraw", "redraw", "ctrl+l", "Redraw", "Draw the whole screen anew"),
    Action(
        "compare.toggle",
        "compare",
        "equals_sign",
        "Compare",
        "Compare the two panes, or stop",
        needs=("both",),
        footer=True,
    ),
    Action("compare.next", "next_difference", "n", "Next", "Next difference or match"),
    Action("compare.previous", "previous_difference", "N", "Previous", "Previous difference or match"),
    Action(
        "compare.show",
        "show_only",
        "f",
        "Show",
        "Show all, differences, left only, right only",
        needs=("comparing",),
    ),
    Action("compare.depth", "depth", "d", "Depth", "Compare labels, sizes or digests", needs=("comparing",)),
    Action(
        "compare.summary",
        "summary",
        "S",
        "Summary…",
        "Counts by kind and status, report",
        needs=("comparing",),
    ),
    Action(
        *("transfer.copy", "copy", "c,f5", "Copy…", "Copy the marked items to the other pane"),
        needs=("cursor", "both", "target"),
        footer=True,
        writes=True,
    ),
    Action(
        *("transfer.export", "export", "e", "Export…", "Download the marked items to a folder"),
        needs=("cursor",),
        footer=True,
    ),
    Action("transfer.queue", "transfers", "t", "Transfers", "Running and finished transfers"),
    Action(
        "copy.address",
        "copy_address",
        "y",
        "Copy address",
        "Put the address on the clipboard",
        needs=("cursor",),
    ),
    Action(
        *("copy.command", "copy_command", "Y", "Copy command", "Put the equivalent command on the clipboard"),
        needs=("cursor",),
    ),
    Action("panel.prearchive", "prearchive", "p", "Prearchive…", "What has arrived and is not archived yet"),
    Action("panel.workflows", "workflows", "w", "Workflows…", "Workflows and AutoRun, stuck ones dismissed"),
    Action(
        *("panel.catalog", "catalog", "K", "Catalogs…", "Refresh catalogs, scan types, viewer data"),
        needs=("here",),
        writes=True,
    ),
    Action(
        *(
            "panel.demographics",
            "demographics",
            "E",
            "Demographics…",
            "Subjects' fields: a form, DICOM, a table",
        ),
        needs=("cursor",),
        writes=True,
    ),
    Action(
        *("panel.sharing", "sharing", "s", "Sharing…", "Where items are shared; share, relabel, unshare"),
        needs=("shareable",),
        writes=True,
    ),
    Action(
        *("panel.rename", "rename", "M", "Rename…", "Another label for a subject or session"),
        needs=("renamable", "here"),
        writes=True,
    ),
    Action(
        *(
            "panel.resources",
            "resources",
            "F",
            "Files…",
            "Resources and files: make, upload, replace, delete",
        ),
        needs=("cursor",),
        writes=True,
    ),
    Action(*("panel.users", "users", "U", "Users…", "A project's users and accessibility"), writes=True),
    Action(
        *("panel.header", "header", "D", "DICOM header", "Header of a file, or of a scan's first one"),
        needs=("imaging",),
    ),
    Action(
        *("panel.image", "image", "I", "Image", "Slices of a scan, drawn in the terminal"),
        needs=("imaging",),
    ),
    Action("app.actions", "actions_menu", "x,f9", "Actions", "Everything that can be done here", footer=True),
    Action("app.palette", "palette", "colon,ctrl+p", "Palette", "Find a command by name"),
    Action("app.help", "help", "question_mark,f1", "Help", "All keys", footer=True),
    Action("app.servers", "servers", "ctrl+o", "Servers…", "Add, test and sign in to servers"),
    Action("app.log", "show_log", "ctrl+g", "Log", "What went wrong so far"),
    Action("app.unwind", "unwind", "escape", "Back", "Undo one step: input, filter, range, marks, compare"),
    Action("app.quit", "quit_explorer", "q,ctrl+q", "Quit", "Leave; transfers go on"),
)


def bindings(actions: Iterable[Action] = ACTIONS) -> list[Binding]:
    """The actions as Textual's bindings; their IDs are what `[keys]` in `config.toml` names."""
    return [
        Binding(
            action.keys,
            f"do('{action.method}')",
            action.label.rstrip("…"),
            show=action.footer,
            id=action.id,
            tooltip=action.help,
        )
        for action in actions
    ]


def rebound(keys: Mapping[str, str], actions: Iterable[Action] = ACTIONS) -> tuple[Action, ...]:
    """The actions with the keys that the user gave them, so that whatever shows a key shows the real one."""
    return tuple(replace(action, keys=keys.get(action.id, action.keys)) for action in actions)


def unknown_ids(keys: Mapping[str, str]) -> list[str]:
    """A sentence for each name in `[keys]` that no action has."""
    known = [action.id for action in ACTIONS]
    known += [key.id for key in TREE_KEYS if isinstance(key, Binding) and key.id]
    said = []
    for name in keys:
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            said.append(f"{name!r} is no action." + (f" Did you mean {near[0]!r}?" if near else ""))
    return said


def by_method(actions: Iterable[Action] = ACTIONS) -> Mapping[str, Action]:
    return {action.method: action for action in actions}
