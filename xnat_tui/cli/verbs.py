"""The verbs, by name: each module is imported when its verb runs, so that the rest starts at once."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from xnat_tui.cli.help import Group
from xnat_tui.cli.state import attach_global_options


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb's name, its home, and its line in the help, which must not need the home."""

    name: str
    module: str
    help: str

    @property
    def exists(self) -> bool:
        return importlib.util.find_spec(f"xnat_tui.cli.{self.module}") is not None

    def load(self) -> click.Command:
        """The click command, found in its module under the verb's own name."""
        command = getattr(importlib.import_module(f"xnat_tui.cli.{self.module}"), self.name)
        assert isinstance(command, click.Command)
        return attach_global_options(command)


VERBS = {
    verb.name: verb
    for verb in (
        Verb("demo", "demo", "Try it: two demo servers with sample data."),
        Verb("server", "server", "Save, test and sign in to servers."),
        Verb("show", "show", "Print a tree with sizes and counts."),
        Verb("table", "table", "One row for each subject, session, scan, resource or file."),
        Verb("find", "find", "Find anything on a site by a part of its names."),
        Verb("compare", "compare", "List the differences between two places."),
        Verb("export", "transfer", "Download to a folder."),
        Verb("copy", "transfer", "Copy between servers or projects."),
        Verb("sync", "sync", "Keep two projects alike, with a memory."),
        Verb("verify", "verify", "Prove a finished export or copy."),
        Verb("upload", "upload", "Send DICOM or other files to a server."),
        Verb("prearchive", "prearchive", "List, archive, move and rebuild prearchive sessions."),
        Verb("demographics", "demographics", "Show and set subjects' demographics."),
        Verb("share", "share", "Share items into other projects."),
        Verb("project", "project", "Show and set a project's settings; make one."),
        Verb("users", "users", "Show and set who has access to a project."),
        Verb("rename", "rename", "Rename subjects and sessions."),
        Verb("delete", "delete", "Delete items; what is only shared is unshared."),
        Verb("move", "move", "Copy, prove, and only then delete."),
        Verb("anon", "anon", "Show and set anonymisation scripts."),
        Verb("autorun", "autorun", "List workflows, dismiss stuck AutoRuns."),
        Verb("catalog", "catalog", "Refresh resource catalogs."),
        Verb("resources", "resources", "List, make and delete resources and files."),
        Verb("ohif", "ohif", "Rebuild the viewer's metadata."),
        Verb("datatypes", "datatypes", "Find data types that a destination lacks."),
        Verb("header", "header", "Show a DICOM header."),
        Verb("bench", "bench", "Measure a server, and say which settings fit."),
        Verb("history", "history", "List what was changed from here, and take it back."),
        Verb("jobs", "jobs", "Show, resume and retry transfers."),
        Verb("manual", "manual", "Read the manual."),
    )
}


class LazyGroup(Group):
    """A group that lists its verbs from the table and imports only the one that runs."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return [name for name, verb in VERBS.items() if verb.exists]

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        verb = VERBS.get(name)
        return verb.load() if verb is not None and verb.exists else None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name].help) for name in self.list_commands(context)])

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs from the table, and the options of the group itself."""
        verbs = [
            CompletionItem(name, help=VERBS[name].help)
            for name in self.list_commands(context)
            if name.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, context, incomplete)
