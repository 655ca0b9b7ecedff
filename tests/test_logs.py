import logging
import stat
import sys
import warnings
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from xnat_tui import logs
from xnat_tui.errors import ConfigError


@pytest.fixture(autouse=True)
def restored(tmp_path, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(logs, "_concealed", set())
    yield
    logs.tear_down()


@pytest.fixture
def file():
    return logs.set_up(logging.DEBUG)


SECRETS = [
    "Cookie: JSESSIONID=0A1B2C3D4E5F",
    "{'JSESSIONID': '0A1B2C3D4E5F'}",
    "GET /data/JSESSION;jsessionid=0A1B2C3D4E5F",
    "{'Authorization': 'Basic 0A1B2C3D4E5F=='}",
    "Authorization: Bearer 0A1B2C3D4E5F",
    "sent Basic 0A1B2C3D4E5F== to it",
    "username=jdoe&password=0A1B2C3D4E5F",
    "j_password=0A1B2C3D4E5F&j_username=jdoe",
    '{"alias": "0A1B2C3D4E5F", "x": 1}',
    '{"secret": "0A1B2C3D4E5F"}',
    "https://jdoe:0A1B2C3D4E5F@xnat.example.org/data",
    "/data/services/tokens/invalidate/a-b/0A1B2C3D4E5F",
    "/data/services/tokens/validate/0A1B2C3D4E5F/0A1B2C3D4E5F",
    "POST /x?XNAT_CSRF=0A1B2C3D4E5F",
    "XNAT_PASS=0A1B2C3D4E5F",
]
PATIENTS = [
    "PUT /data/projects/P/subjects/S?gender=0A1B2C3D4E5F&group=a",
    "?xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/dob=0A1B2C3D4E5F",
    "?yob=0A1B2C3D4E5F",
    "?a=b&age=0A1B2C3D4E5F",
    "{'handedness': '0A1B2C3D4E5F'}",
    "PatientName=0A1B2C3D4E5F^X",
    "dcmPatientId: 0A1B2C3D4E5F",
    "(0010,0020) Patient ID LO: '0A1B2C3D4E5F'",
    "(0010, 0030) Patient's Birth Date DA: '0A1B2C3D4E5F'",
    "<xnat:dob>0A1B2C3D4E5F</xnat:dob>",
    '<xnat:gender a="b">0A1B2C3D4E5F</xnat:gender>',
    "?dob%3D0A1B2C3D4E5F",
]


@pytest.mark.parametrize("text", SECRETS + PATIENTS)
def test_secrets_and_patient_fields_never_reach_the_file(file, text):
    logging.getLogger("xnat_tui.xnatpy").info("before %s", text)
    written = file.read_text()
    assert "before " in written
    assert "***" in written
    assert "0A1B2C3D4E5F" not in written


@pytest.mark.parametrize(
    "text",
    [
        "GET /data/projects/P/subjects?columns=ID,label&format=json -> 200",
        "message: page=2 of stage=3, image=4",
        "copied subjects/S1/experiments/E1/scans/3 (12 files)",
    ],
)
def test_the_rest_is_left_as_it_is(text):
    assert logs.redact(text) == text


def test_a_known_secret_is_hidden_wherever_it_turns_up(file):
    logs.conceal("p@ss w/rd")
    logging.getLogger("xnat_tui").error("tried p@ss w/rd, p%40ss%20w%2Frd and p%40ss+w%2Frd")
    assert file.read_text().endswith(": tried ***, *** and ***\n")


def test_a_very_short_secret_does_not_blot_out_the_log():
    logs.conceal("a")
    logs.conceal("")
    assert logs.redact("a cat") == "a cat"


def test_tracebacks_are_redacted_too(file):
    logs.conceal("hunter2")
    try:
        raise ValueError("login with hunter2 failed, gender=male")
    except ValueError:
        logging.getLogger("xnat_tui").exception("no luck")
    written = file.read_text()
    assert "ValueError: login with *** failed, gender=***" in written
    assert "Traceback" in written


def test_the_file_and_its_folder_are_private_also_after_rotation(file, monkeypatch):
    logging.getLogger("xnat_tui").info("one")
    for handler in logging.getLogger("xnat_tui").handlers:
        if isinstance(handler, RotatingFileHandler):
            handler.doRollover()
    logging.getLogger("xnat_tui").info("two")
    assert sorted(path.name for path in file.parent.iterdir()) == ["xnat-tui.log", "xnat-tui.log.1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_nothing_is_written_to_stderr_unless_asked_for(capfd):
    logs.set_up(logging.DEBUG)
    logging.getLogger("xnat_tui").error("quiet")
    logging.getLogger("urllib3.connectionpool").warning("quiet")
    logging.getLogger("pydicom").warning("quiet")
    assert capfd.readouterr() == ("", "")


def test_a_chosen_level_reaches_stderr_redacted(capsys):
    logs.set_up(logging.DEBUG, stderr=logging.WARNING)
    logging.getLogger("xnat_tui").info("low")
    logging.getLogger("xnat_tui").warning("password=hunter2")
    err = capsys.readouterr().err
    assert err.endswith("WARNING " + err.split("WARNING ")[1])
    assert "password=***" in err
    assert "low" not in err
    assert "hunter2" not in err


def test_levels_below_the_chosen_one_stay_out():
    file = logs.set_up("WARNING")
    logging.getLogger("xnat_tui").info("low")
    logging.getLogger("xnat_tui").warning("high")
    assert file.read_text().endswith("xnat_tui: high\n")
    assert "low" not in file.read_text()


def test_values_of_dicom_elements_are_not_quoted(file):
    logging.getLogger("pydicom").warning("Invalid value for VR PN: 'DOE^JOHN'")
    assert file.read_text().endswith("Invalid value for VR PN: '***'\n")


def test_warnings_of_libraries_go_to_the_file(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        file = logs.set_up()
        warnings.warn("odd value 'DOE^JOHN'", UserWarning, stacklevel=1)
        logs.tear_down()
    assert "odd value '***'" in file.read_text()
    assert capfd.readouterr().err == ""


def test_a_second_set_up_replaces_the_first(tmp_path):
    first = logs.set_up()
    second = logs.set_up(file=tmp_path / "other.log")
    logging.getLogger("xnat_tui").info("once")
    assert first.read_text() == ""
    assert second.read_text().count("once") == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/x\.log cannot be written"):
        logs.set_up(file=tmp_path / "file" / "x.log")


def test_the_logger_for_xnatpy_redacts_for_any_handler():
    logger = logs.for_xnatpy()
    assert logs.for_xnatpy() is logger
    seen = []

    class Seeing(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    handler = Seeing()
    logger.addHandler(handler)
    try:
        logger.warning("password=%s", "hunter2")
    finally:
        logger.removeHandler(handler)
    assert seen == ["password=***"]
    assert logger.name.startswith("xnat_tui.")


def test_without_set_up_nothing_falls_through_to_stderr():
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("xnat_tui").handlers)
    assert "xnat_tui.logs" in sys.modules


def test_a_full_disk_is_said_once_and_ends_nothing(capsys):
    logs.set_up(file=Path("/dev/full"))
    try:
        for number in range(3):
            logging.getLogger("xnat_tui").warning("line %s", number)
    finally:
        logs.tear_down()
    said = capsys.readouterr().err
    assert said == "The log /dev/full cannot be written: No space left on device. Going on without it.\n"


def test_what_would_steer_a_terminal_is_made_visible(tmp_path):
    file = logs.set_up(file=tmp_path / "log")
    try:
        try:
            raise ValueError("a\x1b[31m\u202eb")
        except ValueError:
            logging.getLogger("xnat_tui").exception("server said \x1b]0;owned\x07")
    finally:
        logs.tear_down()
    text = file.read_text()
    assert "server said ␛]0;owned␇" in text
    assert "a␛[31m<U+202E>b" in text
