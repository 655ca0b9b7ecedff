"""How a verb's help is laid out: its own options first, those that many verbs share below, then examples."""

from __future__ import annotations

from typing import ClassVar

import click


class SharedOption(click.Option):
    """An option that several verbs take; their help shows it under this heading."""

    section: ClassVar[str] = ""


class FilterOption(SharedOption):
    section = "Filters"


class TransferOption(SharedOption):
    section = "Transfer"


class ConsentOption(SharedOption):
    section = "Consent"


class GlobalOption(SharedOption):
    """An option that every verb takes, before or after its name, and that ends up in the `State`."""

    section = "Everywhere"


class _Sectioned(click.Command):
    """Options under their headings, and examples at the end."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"": []}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and isinstance(parameter, click.Option):
                section = parameter.section if isinstance(parameter, SharedOption) else ""
                if parameter is self.get_help_option(context):
                    section = GlobalOption.section
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            if records:
                with formatter.section(section or "Options"):
                    formatter.write_dl(records, col_max=26)

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from xnat_tui.cli.examples import EXAMPLES

        super().format_epilog(context, formatter)
        examples = EXAMPLES.get(context.command_path.partition(" ")[2], ())
        if examples:
            with formatter.section("Examples"):
                for example in examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class Command(_Sectioned):
    """A verb."""


class Group(_Sectioned, click.Group):
    """A verb that has others below it."""

    command_class = Command

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(context, formatter)
        _Sectioned.format_options(self, context, formatter)
