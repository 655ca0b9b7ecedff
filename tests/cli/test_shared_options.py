"""Filters and transfer options, as any verb gets them."""

from datetime import date

import click
import pytest
from click.testing import CliRunner

from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.root import cli
from xnat_tui.cli.transfer_options import transfer_options
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions, Mode, OnExisting, Shared, Via


@pytest.fixture
def parsed():
    """The keyword arguments that the options give, or the complaint."""

    def parsed(options, *arguments):
        seen = {}
        verb = click.command()(options(lambda **values: seen.update(values)))
        result = CliRunner().invoke(verb, list(arguments))
        return result.stderr if result.exit_code else seen

    return parsed


def test_without_options_nothing_is_filtered(parsed):
    assert parsed(filter_options) == {"filters": Filters()}


def test_every_filter_and_its_twin(parsed):
    arguments = "--subject S* --subject T --session E --type xnat:mrSessionData --modality MR --scan 3"
    twins = "--exclude-subject X --exclude-session Y --exclude-type xnat:ctSessionData --exclude-modality CT"
    more = "--scan-type T1* --exclude-scan 9? --exclude-scan-type loc* --exclude-resource SNAPSHOTS"
    rest = "--resource DICOM --since 2020-01-31 --until 20201231 --limit-subjects 5"
    assert parsed(filter_options, *f"{arguments} {twins} {more} {rest}".split())["filters"] == Filters(
        subject=("S*", "T"),
        session=("E",),
        type=("xnat:mrSessionData",),
        modality=("MR",),
        scan=("3",),
        scan_type=("T1*",),
        resource=("DICOM",),
        exclude_subject=("X",),
        exclude_session=("Y",),
        exclude_type=("xnat:ctSessionData",),
        exclude_modality=("CT",),
        exclude_scan=("9?",),
        exclude_scan_type=("loc*",),
        exclude_resource=("SNAPSHOTS",),
        since=date(2020, 1, 31),
        until=date(2020, 12, 31),
        limit_subjects=5,
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--since yesterday", "'yesterday' does not match the formats"),
        ("--since 31.01.2020", "does not match the formats"),
        ("--limit-subjects 0", "x>=1"),
        ("--since 2020-02-01 --until 2020-01-01", "--until 2020-01-01 is before --since 2020-02-01."),
    ],
)
def test_wrong_filters_are_refused(parsed, arguments, complaint):
    assert complaint in parsed(filter_options, *arguments.split())


def test_transfers_add_what_is_missing_and_verify_unless_told_otherwise(parsed):
    assert parsed(transfer_options("copy")) == {"options": CopyOptions(), "detach": False}


def test_every_transfer_option(parsed):
    arguments = (
        "--workers 8 --mode rsync --rsync-source a:/x --rsync-destination /y --on-existing overwrite "
        "--skip-existing-sessions --fix-scan-types --ignore-missing-datatypes --via import --shared share "
        "--ohif --refresh-catalogs --clear-caches --bandwidth 1.5MB/s --no-verify --detach"
    )
    assert parsed(transfer_options("copy"), *arguments.split()) == {
        "options": CopyOptions(
            workers=8,
            mode=Mode.RSYNC,
            rsync_source="a:/x",
            rsync_destination="/y",
            on_existing=OnExisting.OVERWRITE,
            skip_existing_sessions=True,
            fix_scan_types=True,
            ignore_missing_datatypes=True,
            via=Via.IMPORT,
            shared=Shared.SHARE,
            ohif=True,
            refresh_catalogs=True,
            clear_caches=True,
            bandwidth=1_500_000,
            verify=False,
        ),
        "detach": True,
    }


@pytest.mark.parametrize(
    ("text", "rate"), [("800", 800), ("500k", 500_000), ("20M", 20_000_000), ("1GB", 10**9)]
)
def test_rates_are_decimal_bytes_a_second(parsed, text, rate):
    assert parsed(transfer_options("copy"), "--bandwidth", text)["options"].bandwidth == rate


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--bandwidth fast", "'fast' is no rate"),
        ("--bandwidth 0", "'0' is no rate"),
        ("--workers 9", "--workers is 8 at most without --executor."),
        ("--mode turbo", "'turbo' is not one of"),
        ("--mode rsync", "go together"),
        ("--mode rsync --rsync-source /x", "go together"),
        ("--rsync-source /x --rsync-destination /y", "go together"),
    ],
)
def test_wrong_transfer_options_are_refused(parsed, arguments, complaint):
    assert complaint in parsed(transfer_options("copy"), *arguments.split())


def test_help_names_types_and_ids_as_they_are_written():
    told = CliRunner().invoke(cli, ["show", "--help"], terminal_width=200).stdout
    assert "Not these session types, such as xnat:mrSessionData." in told
    assert "Not these subjects by label or ID." in told
