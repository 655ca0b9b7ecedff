"""Subjects whose demographics are not of XNAT's usual kind."""

from types import SimpleNamespace
from typing import Any

import pytest

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.actions import demographics

SUBJECT = b"""<xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:own="urn:own"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="S1" label="S" group="a &amp; b">
  <xnat:demographics xsi:type="own:demographicData"><!--hidden_fields[id="1"]-->
    <xnat:gender>male</xnat:gender><xnat:height units="cm">172.0</xnat:height></xnat:demographics>
  <xnat:fields><xnat:field name="site"><!--hidden_fields[id="2"]-->
Z\xc3\xbcrich </xnat:field></xnat:fields>
</xnat:Subject>"""


class Recorder:
    """A connection that answers one document and keeps what is written."""

    def __init__(self, document: bytes = SUBJECT) -> None:
        self.document = document
        self.calls: list[tuple] = []

    def read_bytes(self, path, read, /, max_bytes, **params):
        assert params == {"format": "xml", "concealHiddenFields": "true"}
        return read(self.document)

    def write(self, method, path, /, params=None, body=None, **more):
        self.calls.append((method, path, dict(params), body))
        return SimpleNamespace(text="")


def recorder(document: bytes = SUBJECT) -> Any:
    """In the place of a connection."""
    return Recorder(document)


def test_a_document_is_read_to_the_letter():
    stored = demographics.read(recorder(), "P", "S1")
    assert stored.type == "own:demographicData"
    assert {name: text for name, text in stored.values.items() if text} == {
        "group": "a & b",
        "gender": "male",
        "height": "172.0",
        "fields/site": "Zürich ",
    }


def test_another_kind_of_demographics_is_addressed_by_its_type():
    connection = recorder()
    values = {"gender": "female", "dob": "", "group": "x", "fields/site": "1", "race": "it's"}
    demographics.write(connection, "P", "S1", values, "own:demographicData")
    (_, path, params, body), (_, _, plain, _) = connection.calls
    assert path == "/data/projects/P/subjects/S1"
    assert params == {"inbody": "true"}
    assert b'xsi:type="own:demographicData"' in body
    assert b"<xnat:race>it's</xnat:race>" in body
    assert b"gender" not in body
    assert plain == {
        "xnat:subjectData/demographics[@xsi:type=own:demographicData]/gender": "female",
        "xnat:subjectData/demographics[@xsi:type=own:demographicData]/dob": "NULL",
        "group": "x",
        "xnat:subjectData/fields/field[name=site]/field": "1",
    }


@pytest.mark.parametrize("text", ['"', "&", "'", "<", ">", "é", "NULL", "a\u00a0b", " a", "a "])
def test_what_a_parameter_would_change_goes_as_a_document(text):
    connection = recorder()
    demographics.write(connection, "P", "S1", {"race": text}, demographics.USUAL_TYPE)
    ((_, _, params, _),) = connection.calls
    assert params == {"inbody": "true"}


def test_a_page_in_place_of_the_document_is_not_believed():
    with pytest.raises(BadAnswer):
        demographics.read(recorder(b"<html><body>Sign in</body></html>"), "P", "S1")


def test_a_subject_without_an_owner_is_never_addressed():
    connection = recorder()
    with pytest.raises(BadAnswer):
        demographics.write(connection, "", "S1", {"race": "<"}, demographics.USUAL_TYPE)
    assert connection.calls == []
