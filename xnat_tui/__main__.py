"""`xnat-tui` and `python -m xnat_tui`."""

from __future__ import annotations

from xnat_tui.cli.root import cli


def main() -> None:
    """Run the command line and exit with its code."""
    cli.main(prog_name="xnat-tui")


if __name__ == "__main__":
    main()
