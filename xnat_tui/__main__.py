"""`xnat-tui` and `python -m xnat_tui`."""

from __future__ import annotations

from xnat_tui.cli.root import cli
from xnat_tui.cli.streams import prepare_streams


def main() -> None:
    """Run the command line and exit with its code."""
    prepare_streams()
    cli.main(prog_name="xnat-tui")


if __name__ == "__main__":
    main()
