"""Every row of table E.1-1, for the basic profile and each option, at the top and within a sequence."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest
from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR

from xnat_tui.services.deidentifying import standard
from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.rules import Rules
from xnat_tui.services.deidentifying.standard import Action, Option

KEY = Key(b"k" * 32)
TABLE = list(csv.DictReader(files(standard.__package__).joinpath("table_e1_1.csv").read_text().splitlines()))
NESTED = 0x52009229  # Shared Functional Groups Sequence, of which no row says anything
VALUES = {
    **dict.fromkeys(("DA",), "19620315"),
    **dict.fromkeys(("TM",), "101112"),
    **dict.fromkeys(("DT",), "19620315101112.5+0100"),
    **dict.fromkeys(("UI",), "1.2.3.4"),
    **dict.fromkeys(("DS", "IS"), "62"),
    **dict.fromkeys(("FD", "FL"), 62.0),
    **dict.fromkeys(("US", "UL", "SS", "SL", "UV", "SV", "AT"), 62),
    **dict.fromkeys(("OB", "OW", "UN", "OF", "OD", "OL"), b"MUSTERMANN"),
    "AS": "062Y",
    "UR": "http://mustermann.example",
}


def inner() -> Dataset:
    item = Dataset()
    item.PatientName, item.SOPInstanceUID, item.PatientComments = "MUSTERMANN^X", "1.2.3.5", "MUSTERMANN"
    return item


def tags() -> list[int]:
    return [int(row["tag"].replace("X", "0"), 16) for row in TABLE if not row["tag"].startswith("0002")]


def everything(depth: int = 0) -> Dataset:
    dataset = Dataset()
    for tag in tags():
        vr = "OW" if tag >> 24 in (0x50, 0x60) else dictionary_VR(tag).partition(" ")[0]
        if tag >> 16 not in (0x0000,):
            dataset[tag] = DataElement(tag, vr, [inner()] if vr == "SQ" else VALUES.get(vr, "MUSTERMANN"))
    dataset.add_new(0x00091001, "LO", "MUSTERMANN")
    if not depth:
        dataset[NESTED] = DataElement(NESTED, "SQ", [everything(1)])
    return dataset


def treated(*options: Option) -> Dataset:
    dataset = everything()
    Rules(Profile(options=frozenset(options)), KEY, "S1").apply(dataset)
    return dataset


def expected(row: dict[str, str], option: Option | None) -> str:
    """The letters of the standard that hold for a row; C is asked for where it is done."""
    word = row[option] if option is not None else ""
    if word == "K" or (word == "C" and option is Option.RETAIN_MODIFIED_DATES):
        return word
    return row["basic"]


def test_the_library_and_the_standard_say_the_same() -> None:
    known = standard.basic_actions()
    for row, tag in zip(TABLE, (int(row["tag"].replace("X", "0"), 16) for row in TABLE), strict=True):
        letters = row["basic"].split("/")
        assert known[tag].value in letters, row
    assert len(known) >= len(TABLE)


@pytest.mark.parametrize("option", [None, *Option])
def test_every_row_is_treated_as_the_standard_says(option: Option | None) -> None:
    after = treated(*([option] if option else []))
    before = everything()
    for row in TABLE:
        tag = int(row["tag"].replace("X", "0"), 16)
        if tag not in before or tag in (0x00120062, 0x00120063, 0x00120064, 0x00280303):
            continue
        for dataset in (after, after[NESTED].value[0]):
            check(dataset, before, tag, expected(row, option), row["name"])


def check(after: Dataset, before: Dataset, tag: int, letters: str, name: str) -> None:
    if letters == "X":
        assert tag not in after, name
    elif letters == "K":
        same = after[tag].value == before[tag].value
        assert same or before[tag].VR == "SQ", name
    elif letters == "C" and tag in after:
        assert after[tag].value != before[tag].value or after[tag].VR in ("TM", "SH"), name
    elif letters == "Z" and tag not in (0x00100010, 0x00100020):
        assert after[tag].is_empty, name
    elif tag in after and before[tag].VR != "SQ":
        assert after[tag].value != before[tag].value, name
        assert "U" not in letters.split("/") or after[tag].value == KEY.uid("1.2.3.4"), name
    if letters != "K":
        assert tag not in after or "MUSTERMANN" not in str(after[tag].to_json_dict(None, 0)), name


def test_nothing_that_names_somebody_stays_anywhere_without_options() -> None:
    after = treated()
    assert "MUSTERMANN" not in after.to_json()
    assert not [one for one in after.iterall() if one.tag.is_private]
    assert after.PatientIdentityRemoved == "YES"
    assert [item.CodeValue for item in after.DeidentificationMethodCodeSequence] == ["113100"]
    assert after.LongitudinalTemporalInformationModified == "REMOVED"


def test_dates_of_one_subject_keep_their_distance() -> None:
    shifted = []
    for day in ("20200131", "20200301"):
        dataset = Dataset()
        dataset.StudyDate, dataset.StudyTime, dataset.AcquisitionDateTime = day, "1011", f"{day}101100.5"
        Rules(Profile(options=frozenset({Option.RETAIN_MODIFIED_DATES})), KEY, "S1").apply(dataset)
        assert (dataset.StudyTime, dataset.AcquisitionDateTime) == ("1011", f"{dataset.StudyDate}101100.5")
        shifted.append(dataset.StudyDate)
    from datetime import date

    first, second = (date.fromisoformat(day) for day in shifted)
    assert (second - first).days == 30
    assert first != date(2020, 1, 31)
    assert KEY.days("S1") != KEY.days("S2")


def test_what_is_unknown_to_the_standard_is_removed() -> None:
    dataset = Dataset()
    dataset.add_new(0x00187FFE, "LO", "MUSTERMANN")
    Rules(Profile(), KEY, "S1").apply(dataset)
    assert 0x00187FFE not in dataset


def test_actions_are_those_of_the_table() -> None:
    assert standard.action_of(0x60023000, frozenset()) == (Action.REMOVE, None)
    assert standard.action_of(0x00101010, frozenset({Option.RETAIN_PATIENT}))[0] is Action.KEEP
    assert standard.action_of(0x00102110, frozenset({Option.RETAIN_PATIENT}))[0] is Action.REMOVE


def test_what_a_profile_file_keeps_is_told_truly() -> None:
    dataset = Dataset()
    dataset.StudyDate, dataset.SeriesDescription, dataset.SeriesDate = "20200131", "t1", "20200131"
    Rules(Profile("study", keep=frozenset({0x00080020, 0x0008103E})), KEY, "S1").apply(dataset)
    assert (dataset.StudyDate, dataset.SeriesDescription) == ("20200131", "t1")
    assert dataset.SeriesDate != "20200131"
    assert dataset.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert dataset.DeidentificationMethod[0] == "Local profile"
    assert "DeidentificationMethodCodeSequence" not in dataset
