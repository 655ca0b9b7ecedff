from datetime import date

import pytest

from xnat_tui.model.patient_headers import Reading, conclude, fill

TODAY = date(2026, 1, 1)


def told(*headers: dict[str, str]):
    readings = [Reading(f"MR{number}", values) for number, values in enumerate(headers, 1)]
    found = conclude(readings, today=TODAY)
    return found.values, found.findings


def test_takes_what_all_headers_say():
    header = {"PatientSex": "F", "PatientBirthDate": "19610409", "PatientSize": "1.72", "PatientWeight": "70"}
    values, findings = told(header, {**header, "PatientWeight": "70.0"})
    assert values == {"gender": "female", "dob": "1961-04-09", "height": "172", "weight": "70"}
    assert findings == []


@pytest.mark.parametrize(("age", "years"), [("062Y", "62"), ("007Y", "7"), ("000Y", "0")])
def test_an_age_in_years_is_taken_where_there_is_no_birth_date(age, years):
    assert told({"PatientAge": age})[0] == {"age": years}


@pytest.mark.parametrize(
    ("age", "finding"),
    [
        ("030W", "age: 30 weeks (030W) without a birth date; age is in years"),
        ("018M", "age: 18 months (018M) without a birth date; age is in years"),
        ("400D", "age: 400 days (400D) without a birth date; age is in years"),
        ("130Y", "age: 130 is not plausible: 0 to 120 is."),
        ("62", "age: MR1 says '62', which is no age"),
    ],
)
def test_other_ages_are_shown_and_left_alone(age, finding):
    assert told({"PatientAge": age}) == ({}, [finding])


def test_a_birth_date_wins_over_an_age_in_weeks_that_fits_it():
    header = {"PatientAge": "030W", "PatientBirthDate": "20230815", "StudyDate": "20240312"}
    assert told(header) == ({"dob": "2023-08-15"}, [])


def test_a_birth_date_that_contradicts_the_age_is_left_alone():
    header = {"PatientAge": "018M", "PatientBirthDate": "19830101", "StudyDate": "20240312"}
    values, findings = told(header)
    assert values == {}
    assert findings == ["dob: 1983-01-01 does not fit the age 018M at 20240312 in MR1"]


@pytest.mark.parametrize("studied", ["19610408", "20990101"])
def test_a_birth_date_after_the_study_or_a_lifetime_before_it_is_left_alone(studied):
    values, findings = told({"PatientBirthDate": "19610409", "StudyDate": studied})
    assert values == {}
    assert findings == [f"dob: 1961-04-09 does not fit a study of {studied} in MR1"]


@pytest.mark.parametrize("born", ["20991231", "19610431", "1961", "00000000"])
def test_an_impossible_birth_date_is_left_alone(born):
    values, findings = told({"PatientBirthDate": born})
    assert values == {}
    assert len(findings) == 1
    assert findings[0].startswith("dob: ")


def test_sessions_that_disagree_are_named():
    values, findings = told({"PatientSex": "M"}, {"PatientSex": "F"}, {"PatientSex": "M"})
    assert values == {}
    assert findings == ["gender: M in MR1 and MR3; F in MR2"]


def test_an_implausible_weight_is_named_with_its_session():
    values, findings = told({"PatientWeight": "850"})
    assert values == {}
    assert findings == ["weight: MR1: 850 is not plausible: 0.1 to 700 is."]


def test_a_size_in_centimetres_is_not_taken_for_metres():
    assert told({"PatientSize": "172"}) == ({}, ["height: 172 m is not plausible"])


def test_a_sex_that_xnat_has_no_word_for_is_left_alone():
    assert told({"PatientSex": "X"}) == ({}, ["gender: PatientSex 'X' is none of M, F, O"])


def test_only_blanks_are_filled_unless_asked_otherwise():
    found = conclude([Reading("MR1", {"PatientSex": "F", "PatientBirthDate": "19610409"})], today=TODAY)
    values, notes = fill({"gender": "unknown", "yob": "1961"}, found, replace=False)
    assert values == {"gender": "female"}
    assert notes == ["dob: yob 1961 is stored and stays; DICOM says 1961-04-09"]
    assert fill({"yob": "1961"}, found, replace=True)[0] == {"gender": "female", "dob": "1961-04-09"}


def test_equal_values_are_no_change():
    found = conclude([Reading("MR1", {"PatientSize": "1.72", "PatientSex": "M"})], today=TODAY)
    assert fill({"height": "172.0", "gender": "male"}, found, replace=False) == ({}, [])


def test_no_header_says_nothing():
    assert told() == ({}, [])
