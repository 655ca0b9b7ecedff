"""Every action of the explorer, once: its keys, its words, and why it may not be done now.

The footer, `?`, the actions menu and the palette are all made from this table; `config.toml` rebinds
by the IDs. A label that ends in `…` leads to a question or a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from textual.binding import Binding

from xnat_tui.tui import selection as on
from xnat_tui.tui.action import Action, Opens
from xnat_tui.tui.explorer.tree_keys import KEYS as TREE_KEYS

ACTIONS: tuple[Action, ...] = (
    Action("pane.other", "tab", "Pane", "Go to the other pane", does="navigation.other_pane", footer=True),
    Action("pane.zoom", "z", "Zoom", "Show this pane alone, or both again", does="navigation.zoom"),
    Action("pane.swap", "u", "Swap", "Swap source and destination", does="navigation.swap"),
    Action("pane.open", "o", "Open…", "Open a server or project in this pane", does="navigation.open_place"),
    Action(
        "pane.open_there",
        "O",
        "Open there",
        "Open the cursor's place in the other pane",
        does="navigation.open_there",
        needs=("cursor",),
    ),
    Action("pane.up", "backspace", "Up", "To what holds this place, up to the server", does="navigation.up"),
    Action("pane.back", "left_square_bracket", "Back", "Back to the place before", does="navigation.back"),
    Action("pane.forward", "right_square_bracket", "Forward", "Forward again", does="navigation.forward"),
    Action("go.to", "g", "Go to…", "Go to an address, an ID or a label", does="navigation.go"),
    Action(
        "go.find",
        "ctrl+f",
        "Find…",
        "Find something in every project of this server",
        opens=Opens("panels.find:FindPanel", on.place, "open a server or project in this pane first (o)"),
    ),
    Action("go.bookmarks", "b", "Bookmarks…", "Open a bookmark", does="bookmarks.open"),
    Action(
        "go.add_bookmark",
        "B",
        "Add bookmark…",
        "Bookmark the cursor's place",
        does="bookmarks.add",
        needs=("cursor",),
    ),
    Action(
        "view.filter",
        "slash",
        "Filter",
        "Filter as you type; !text inverts, type:MR",
        does="view.filter",
        footer=True,
    ),
    Action("view.sort", "comma", "Sort…", "Sort by label, size, date or type", does="view.sort"),
    Action(
        "view.empty_groups",
        "full_stop",
        "Empty groups",
        "Show or hide empty groups",
        does="view.empty_groups",
    ),
    Action("view.reset", "0", "Show all", "No filter, everything shown, nothing marked", does="view.reset"),
    Action("view.reload", "r", "Reload", "Ask the server for this node again", does="view.reload"),
    Action(
        "view.reload_pane",
        "R",
        "Reload pane",
        "Ask the server for the whole pane again",
        does="view.reload_pane",
    ),
    Action(
        "view.details",
        "i,f3",
        "Details",
        "All fields of the item under the cursor",
        does="details.open",
        needs=("cursor",),
    ),
    Action("view.redraw", "ctrl+l", "Redraw", "Draw the whole screen anew", does="menus.redraw"),
    Action(
        "compare.toggle",
        "equals_sign",
        "Compare",
        "Compare the two panes, or stop",
        does="comparison.toggle",
        needs=("both",),
        footer=True,
        waits=True,
    ),
    Action("compare.next", "n", "Next", "Next difference or match", does="stepping.next"),
    Action("compare.previous", "N", "Previous", "Previous difference or match", does="stepping.previous"),
    Action(
        "compare.show",
        "f",
        "Show",
        "Show all, differences, left only, right only",
        does="comparison.show_only",
        needs=("comparing",),
    ),
    Action(
        "compare.depth",
        "d",
        "Depth",
        "Compare labels, sizes or digests",
        does="comparison.deepen",
        needs=("comparing",),
    ),
    Action(
        "compare.summary",
        "S",
        "Summary…",
        "Counts by kind and status, report",
        does="comparison.summary",
        needs=("comparing",),
    ),
    Action(
        "compare.verify",
        "V",
        "Verify",
        "Prove by digests that both sides are the same",
        does="comparison.verify",
        needs=("comparing",),
    ),
    Action(
        "compare.copy_missing",
        "m",
        "Copy missing…",
        "Copy all that only this side has",
        does="transfers.copy_missing",
        needs=("comparing", "target"),
        writes=True,
    ),
    Action(
        "transfer.copy",
        "c,f5",
        "Copy…",
        "Copy the marked items to the other pane",
        does="transfers.copy",
        needs=("cursor", "both", "target"),
        footer=True,
        writes=True,
    ),
    Action(
        "transfer.export",
        "e",
        "Export…",
        "Download the marked items to a folder",
        does="transfers.export",
        needs=("cursor",),
        footer=True,
    ),
    Action(
        "transfer.syncs",
        "L",
        "Syncs…",
        "Places kept alike: plan, run, reports",
        opens=Opens("panels.syncs.panel:SyncsPanel"),
    ),
    Action("transfer.queue", "t", "Transfers", "Running and finished transfers", does="transfers.show_queue"),
    Action(
        "copy.address",
        "y",
        "Copy address",
        "Put the address on the clipboard",
        does="clipboard.copy_address",
        needs=("cursor",),
    ),
    Action(
        "copy.command",
        "Y",
        "Copy command",
        "Put the equivalent command on the clipboard",
        does="clipboard.copy_command",
        needs=("cursor",),
    ),
    Action(
        "panel.prearchive",
        "p",
        "Prearchive…",
        "What has arrived and is not archived yet",
        opens=Opens(
            "panels.prearchive.panel:PrearchivePanel",
            on.place,
            "open a server or project in this pane first (o)",
        ),
    ),
    Action(
        "panel.workflows",
        "w",
        "Workflows…",
        "Workflows and AutoRun, stuck ones dismissed",
        opens=Opens(
            "panels.workflows:WorkflowsPanel",
            on.worked_on,
            "put the cursor on a project, or on something in one",
        ),
    ),
    Action(
        "panel.catalog",
        "K",
        "Catalogs…",
        "Refresh catalogs, scan types, viewer data",
        opens=Opens(
            "panels.catalog:CatalogPanel",
            on.items,
            "put the cursor on a project, or on something in one",
            clears_marks=True,
        ),
        needs=("here",),
        writes=True,
    ),
    Action(
        "panel.demographics",
        "E",
        "Demographics…",
        "Subjects' fields: a form, DICOM, a table",
        opens=Opens(
            "panels.demographics:DemographicsPanel",
            on.items,
            "put the cursor on a subject, or on a project for all of its subjects",
        ),
        needs=("cursor",),
        writes=True,
    ),
    Action(
        "panel.sharing",
        "s",
        "Sharing…",
        "Where items are shared; share, relabel, unshare",
        opens=Opens(
            "panels.sharing:SharingPanel", on.shareable, "put the cursor on a subject, session or assessor"
        ),
        writes=True,
    ),
    Action(
        "panel.rename",
        "M",
        "Rename…",
        "Other labels for subjects or sessions, by a pattern too",
        opens=Opens(
            "panels.rename:RenamePanel",
            on.renamable,
            "put the cursor on a subject, session or project, or mark some",
        ),
        needs=("here",),
        writes=True,
    ),
    Action(
        "panel.resources",
        "F",
        "Files…",
        "Resources and files: make, upload, replace, delete",
        opens=Opens(
            "panels.resources:ResourcesPanel", on.item, "put the cursor on a project, or on something in one"
        ),
        needs=("cursor",),
        writes=True,
    ),
    Action(
        "panel.delete",
        "f8",
        "Delete…",
        "Delete the marked items, once their plan is agreed to",
        opens=Opens(
            "panels.deletion:DeletionPanel",
            on.deletable,
            "mark, or put the cursor on, subjects, sessions or what is in them",
            clears_marks=True,
        ),
        needs=("cursor", "here"),
        writes=True,
    ),
    Action(
        "panel.users",
        "U",
        "Users…",
        "A project's users and accessibility",
        opens=Opens(
            "panels.users:UsersPanel", on.project, "put the cursor on a project, or on something in one"
        ),
        writes=True,
    ),
    Action(
        "panel.project",
        "P",
        "Project…",
        "A project's title and settings; a new project",
        opens=Opens(
            "panels.project:ProjectPanel",
            on.project_or_site,
            "open a server or project in this pane first (o)",
        ),
        writes=True,
    ),
    Action(
        "panel.anonymisation",
        "A",
        "Anonymisation…",
        "Scripts that rewrite DICOM on arrival, here and there",
        opens=Opens(
            "panels.anonymisation:AnonymisationPanel",
            on.project_or_site_of_both,
            "open a server or project in this pane first (o)",
        ),
        writes=True,
    ),
    Action(
        "panel.history",
        "Z",
        "History…",
        "What was changed from here; take it back",
        opens=Opens(
            "panels.history:HistoryPanel", on.place, "open a server or project in this pane first (o)"
        ),
    ),
    Action(
        "panel.table",
        "T",
        "Table…",
        "A row for each item below: sort, filter, mark, write",
        opens=Opens(
            "panels.table.panel:TablePanel", on.items, "put the cursor on a project, or on something in one"
        ),
    ),
    Action(
        "panel.header",
        "D",
        "DICOM header",
        "Header of a file, or of a scan's first one",
        opens=Opens(
            "panels.header:HeaderPanel",
            on.images_of_both,
            "put the cursor on a session, scan, resource or file",
        ),
    ),
    Action(
        "panel.image",
        "I",
        "Image",
        "Slices of a scan, drawn in the terminal",
        opens=Opens(
            "panels.image:ImagePanel", on.images, "put the cursor on a session, scan, resource or file"
        ),
    ),
    Action(
        "app.actions",
        "x,f9",
        "Actions",
        "Everything that can be done here",
        does="menus.actions_menu",
        footer=True,
    ),
    Action("app.palette", "colon,ctrl+p", "Palette", "Find a command by name", does="menus.palette"),
    Action("app.help", "question_mark,f1", "Help", "All keys", does="menus.help", footer=True),
    Action(
        "app.manual",
        "f12",
        "Manual",
        "The manual, by topics",
        opens=Opens("panels.manual:ManualPanel"),
    ),
    Action("app.servers", "ctrl+o", "Servers…", "Add, test and sign in to servers", does="menus.servers"),
    Action("app.log", "ctrl+g", "Log", "What went wrong so far", opens=Opens("panels.log:LogPanel")),
    Action(
        "app.unwind",
        "escape",
        "Back",
        "Undo one step: input, filter, range, marks, compare",
        does="leaving.unwind",
    ),
    Action("app.quit", "q,ctrl+q", "Quit", "Leave; transfers go on", does="leaving.quit"),
)


def bindings(actions: Iterable[Action] = ACTIONS) -> list[Binding]:
    """The actions as Textual's bindings; their IDs are what `[keys]` in `config.toml` names."""
    return [
        Binding(
            action.keys,
            f"do('{action.id}')",
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


BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
