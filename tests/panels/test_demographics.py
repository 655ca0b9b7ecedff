from datetime import date

import pytest

from xnat_tui.demo.faults import DO_NOTHING, ErrorPage, WriteThenDrop, WriteThenError
from xnat_tui.demo.study.brains import subject
from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    Refused,
    ServerError,
    Unclear,
    UsageError,
)
from xnat_tui.model import demographics as rules
from xnat_tui.services.administration import demographics
from xnat_tui.services.administration.demographics import Demographics, checked_assignments

TODAY = date(2026, 1, 1)
ODD = 'd\'Aubigné & "others" <b>'


@pytest.fixture
def service(reader):
    return Demographics(reader)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gender", "Female"),
        ("gender", "fem"),
        ("handedness", "RIGHT"),
        ("dob", "31/01/1970"),
        ("dob", "1970-02-30"),
        ("dob", "2027-01-01"),
        ("dob", "1270-01-01"),
        ("yob", "2027"),
        ("age", "043"),
        ("age", "-1"),
        ("age", "130"),
        ("education", "31"),
        ("weight", "70kg"),
        ("weight", "850"),
        ("height", "0"),
        ("race", " x"),
        ("race", "a\nb"),
        ("race", "a\u202eb"),
    ],
)
def test_values_are_checked_before_anything_is_sent(name, text):
    with pytest.raises(UsageError, match=f"^{name}: "):
        rules.checked(name, text, today=TODAY)


@pytest.mark.parametrize(
    ("name", "text"),
    [("gender", "F"), ("dob", "1970-01-31"), ("weight", "61.25"), ("race", ODD), ("fields/site", "0010")],
)
def test_good_values_stay_as_they_are(name, text):
    assert rules.checked(name, text, today=TODAY) == text


def test_an_unknown_field_is_pointed_out():
    with pytest.raises(UsageError) as raised:
        rules.checked("gendr", "male")
    assert raised.value.hint == "Did you mean gender?"


def test_only_one_way_to_tell_the_age_can_be_given():
    with pytest.raises(UsageError, match="Only one of dob, yob, age"):
        rules.checked_values({"dob": "1970-01-01", "age": "50"}, today=TODAY)


@pytest.mark.parametrize("words", [["gender"], ["gender=male", "gender=female"]])
def test_assignments_are_name_and_value_once(words):
    with pytest.raises(UsageError):
        checked_assignments(words)
    assert checked_assignments(["race=a=b", "ses="]) == {"race": "a=b", "ses": ""}


def test_a_project_is_read_in_three_requests(xnat, reader, look, service):
    place = look("BRAINS")
    reader.below(place, "subject")
    before = len(xnat.requests)
    subjects = {one.person.label: one.person for one in service.subjects([place])}
    assert len(xnat.requests) - before == 3
    assert subjects["0010"].values["fields/site"] == "0010"
    assert subjects["SUB-001"].shares == ["TEACHING"]
    assert subjects["SUB-005"].values["ethnicity"] == 'd\'Aubigné & "others"'


def test_text_is_stored_to_the_letter(xnat, look, service, carry_out):
    wanted = {"race": ODD, "group": "A & B", "fields/site": "Zürich's", "educationDesc": "NULL", "ses": "3"}
    changes = service.plan_set([look("BRAINS/SUB-004")], wanted)
    (result,) = carry_out(changes, service.do)
    assert result.error is None
    stored = subject(xnat.site, "SUB-004")
    assert {name: stored.fields[name] for name in wanted if "/" not in name} == {
        "race": ODD,
        "group": "A & B",
        "educationDesc": "NULL",
        "ses": "3",
    }
    assert stored.variables["site"] == "Zürich's"


@pytest.mark.parametrize("one", [False, True], ids=["both would stay", "one replaces the other"])
def test_a_date_of_birth_drives_out_the_year_in_the_same_call(xnat, look, service, carry_out, one):
    xnat.site.settings.one_age_field = one
    (change,) = service.plan_set([look("BRAINS/SUB-004")], {"dob": "1990-01-17"})
    assert change.before == {"dob": "", "yob": "1990"}
    assert change.after == {"dob": "1990-01-17", "yob": ""}
    assert change.note == "yob gives way to dob"
    xnat.requests.clear()
    carry_out([change], service.do)
    (write,) = [one for one in xnat.requests if one.method == "PUT"]
    assert write.query == "dob=1990-01-17&yob=NULL"
    assert "yob" not in subject(xnat.site, "SUB-004").fields


def test_fields_and_variables_are_cleared(xnat, look, service, carry_out):
    changes = service.plan_set([look("BRAINS/SUB-004")], {"handedness": "", "fields/site": ""})
    assert [one.error for one in carry_out(changes, service.do)] == [None]
    stored = subject(xnat.site, "SUB-004")
    assert "handedness" not in stored.fields
    assert "site" not in stored.variables


def test_a_server_that_stores_the_word_for_clearing_gets_its_text_back(xnat, look, service, carry_out):
    xnat.site.settings.null_clears_fields = False
    before = dict(subject(xnat.site, "SUB-005").fields)
    assert before["ethnicity"]
    changes = service.plan_set([look("BRAINS/SUB-005")], {"ethnicity": ""})
    (result,) = carry_out(changes, service.do)
    assert isinstance(result.error, BadAnswer)
    assert subject(xnat.site, "SUB-005").fields == before
    (refused,) = carry_out(service.plan_set([look("BRAINS/SUB-005")], {"gender": ""}), service.do)
    assert isinstance(refused.error, Refused)
    assert subject(xnat.site, "SUB-005").fields == before


def test_what_stands_already_is_no_change(look, service):
    assert service.plan_set([look("BRAINS/SUB-011")], {"weight": "61.250", "gender": "female"}) == []


def test_a_shared_subject_is_said_to_change_elsewhere(look, service):
    (here,) = service.plan_set([look("BRAINS/SUB-001")], {"ses": "2"})
    assert here.note == "changes in TEACHING too, where this subject is shared"
    (there,) = service.plan_set([look("TEACHING/T-01")], {"ses": "2"})
    assert there.note == "changes in BRAINS too, where this subject is shared"


def test_a_shared_subject_is_written_through_its_owner(xnat, look, service, carry_out):
    changes = service.plan_set([look("TEACHING/T-01")], {"ses": "2"})
    assert [one.error for one in carry_out(changes, service.do)] == [None]
    assert subject(xnat.site, "SUB-001").fields["ses"] == "2"


def test_a_variable_that_differs_by_case_only_is_refused(look, service):
    (change,) = service.plan_set([look("BRAINS/SUB-001")], {"fields/Site": "x"})
    assert change.refusal == "it has fields/site already, which differs from fields/Site by case only."


def test_a_session_stands_for_its_subject_and_a_server_for_none(look, service):
    (change,) = service.plan_set([look("BRAINS/SUB-004/SUB-004_CT1")], {"ses": "1"})
    assert change.location == "lab:BRAINS/SUB-004"
    with pytest.raises(NotFound):
        service.plan_set([look("")], {"ses": "1"})


def test_a_change_made_by_somebody_else_meanwhile_is_not_overwritten(xnat, look, service, carry_out):
    changes = service.plan_set([look("BRAINS/SUB-004")], {"gender": "female"})
    subject(xnat.site, "SUB-004").fields["gender"] = "other"
    (result,) = carry_out(changes, service.do)
    assert isinstance(result.error, Conflict)
    assert subject(xnat.site, "SUB-004").fields["gender"] == "other"


def test_a_yes_that_stored_nothing_is_a_failure(xnat, look, service, carry_out):
    xnat.faults.add("^PUT /data/projects/BRAINS/subjects", DO_NOTHING)
    (result,) = carry_out(service.plan_set([look("BRAINS/SUB-004")], {"gender": "female"}), service.do)
    assert isinstance(result.error, BadAnswer)
    assert "gender" in result.error.message


def test_a_lost_answer_is_read_back(xnat, look, service, carry_out):
    xnat.faults.add("^PUT /data/projects/BRAINS/subjects", WriteThenDrop(), times=1)
    (result,) = carry_out(service.plan_set([look("BRAINS/SUB-004")], {"gender": "female"}), service.do)
    assert result.error is None
    assert result.note == "The answer was lost; read back, and it is so."


def test_a_failure_in_the_middle_leaves_the_other_rows_done(xnat, look, service, carry_out):
    changes = service.plan_set([look("BRAINS")], {"ses": "4"})
    xnat.faults.add("^PUT /data/projects/BRAINS/subjects", ErrorPage(500), times=1, after=2)
    results = carry_out(changes, service.do)
    failed = [result for result in results if result.error is not None]
    assert [type(result.error) for result in failed] == [ServerError]
    assert len(results) == 11
    stored = [one for one in xnat.site.projects["BRAINS"].subjects.values() if one.fields.get("ses") == "4"]
    assert len(stored) == 10


def test_a_reader_may_not_write(sign_in, xnat, carry_out, look):
    service = Demographics(sign_in("reader"))
    (result,) = carry_out(service.plan_set([look("BRAINS/SUB-004")], {"gender": "female"}), service.do)
    assert isinstance(result.error, Forbidden)
    assert subject(xnat.site, "SUB-004").fields["gender"] == "male"


def read_table(tmp_path, text):
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return demographics.read_table(path)


def test_a_table_names_subjects_by_label_or_id(xnat, look, service, tmp_path, carry_out):
    one = subject(xnat.site, "SUB-006")
    table = read_table(tmp_path, f"subject;ses;fields/site\n0010;3;007\n{one.id};;b\nNOPE;1;\n")
    changes = service.plan_table(look("BRAINS"), table)
    assert [(change.location, change.after) for change in changes] == [
        ("lab:BRAINS/0010", {"ses": "3", "fields/site": "007"}),
        ("lab:BRAINS/SUB-006", {"fields/site": "b"}),
        ("lab:BRAINS/NOPE", {"ses": "1"}),
    ]
    assert changes[2].refusal == "line 4: there is no such subject."
    assert [result.error for result in carry_out(changes, service.do)] == [None, None]
    assert subject(xnat.site, "0010").variables["site"] == "007"


def test_columns_are_found_whatever_their_case(look, service, tmp_path):
    table = read_table(tmp_path, "\ufeffSubject;Gender;educationdesc;fields/Site\n0010;male;twelve;007\n")
    (change,) = service.plan_table(look("BRAINS"), table)
    assert change.after == {"gender": "male", "educationDesc": "twelve", "fields/Site": "007"}
    with pytest.raises(UsageError, match="'genre' is not known") as error:
        read_table(tmp_path, "subject,genre\n0010,male\n")
    assert error.value.hint == "Did you mean gender?"


def test_one_subject_in_two_lines_is_refused_whatever_it_is_called(xnat, look, service, tmp_path):
    one = subject(xnat.site, "SUB-006")
    table = read_table(tmp_path, f"subject,ses\nSUB-006,1\n{one.id},2\n")
    first, second = service.plan_table(look("BRAINS"), table)
    assert (first.after, first.refusal) == ({"ses": "1"}, "")
    assert second.refusal == "line 3: line 2 is about the same subject."


def test_an_error_after_the_write_is_read_back(xnat, look, service, carry_out):
    xnat.faults.add("^PUT .*/subjects/", WriteThenError(500))
    (result,) = carry_out(service.plan_set([look("BRAINS/SUB-004")], {"race": "x"}), service.do)
    assert (result.error, subject(xnat.site, "SUB-004").fields["race"]) == (None, "x")
    assert result.note == "The server answered 500; read back, and it is so."


def test_a_lost_answer_to_what_did_not_happen_says_what_was_read_back(look, service, xnat, carry_out):
    xnat.faults.add("^PUT .*/subjects/", ErrorPage(504))
    (result,) = carry_out(service.plan_set([look("BRAINS/SUB-004")], {"race": "x"}), service.do)
    assert isinstance(result.error, Unclear)
    assert result.error.message == "The server answered 504; read back, and it is not so."


def test_an_empty_cell_clears_only_when_asked(look, service, tmp_path):
    table = read_table(tmp_path, "subject,handedness\nSUB-004,\n")
    assert service.plan_table(look("BRAINS"), table) == []
    (change,) = service.plan_table(look("BRAINS"), table, clear_empty=True)
    assert change.after == {"handedness": ""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,dob\nSUB-004,1990-02-30\n", "line 2, column dob: 1990-02-30 is not in the calendar."),
        ("subject,dob\nSUB-001,\nSUB-004,17.1.1990\n", "line 3, column dob: '17.1.1990' is no date"),
        ("subject,dob,age\nSUB-004,1990-02-03,5\n", "line 2, column age: only one of dob, yob, age"),
    ],
)
def test_a_wrong_cell_stops_the_whole_table(look, service, tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        service.plan_table(look("BRAINS"), read_table(tmp_path, text))


def test_headers_fill_what_is_blank_and_show_what_disagrees(look, service):
    changes, findings = service.plan_from_headers([look("BRAINS")])
    filled = {change.location.removeprefix("lab:BRAINS/"): change.after for change in changes}
    assert filled["SUB-006"] == {"gender": "female", "dob": "2023-08-15", "height": "68", "weight": "7.4"}
    assert filled["SUB-007"] == {"dob": "2022-09-05", "height": "82", "weight": "11.2"}
    assert filled["SUB-012"] == {"height": "172"}
    assert "SUB-011" not in filled
    assert "lab:BRAINS/SUB-011: dob: 19660214 in SUB-011_MR1; 19660412 in SUB-011_PT1" in findings
    assert "lab:BRAINS/SUB-012: gender: M in SUB-012_MR1; F in SUB-012_OT1" in findings
    assert any("SUB-012_OT1: 850 is not plausible" in finding for finding in findings)
    assert "lab:BRAINS/0010: dob: age 43 is stored and stays; DICOM says 1980-12-12" in findings


def test_every_scan_can_be_read(look, service):
    seen: list[str] = []
    service.plan_from_headers([look("BRAINS/SUB-006")], every_scan=True, on_read=seen.append)
    assert "lab:BRAINS/SUB-006/SUB-006_MR1/scans/1" in seen


def test_a_header_that_cannot_be_read_is_a_finding(xnat, look, service):
    xnat.faults.add("^GET .*/files", ErrorPage(403))
    xnat.faults.add("^GET /data/services/dicomdump", ErrorPage(403))
    changes, findings = service.plan_from_headers([look("BRAINS/SUB-006")])
    assert changes == []
    assert any("SUB-006_MR1" in finding for finding in findings)
