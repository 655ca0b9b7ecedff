"""Documents made ready for another server, and answers to uploads that must not be believed."""

from __future__ import annotations

import pytest

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Kind
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.documents.writing import Attributes, duplicates

SESSION = """<?xml version="1.0"?>
<xnat:MRSession ID="A_E1" project="P" label="E1" UID="1.2" xmlns:xnat="http://nrg.wustl.edu/xnat"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://nrg.wustl.edu/xnat x.xsd">
<xnat:sharing><xnat:share project="Q"/></xnat:sharing>
<xnat:date>2020-02-29</xnat:date><xnat:note>5 &gt; 3 &amp; "x" 'y' é</xnat:note>
<xnat:fields><xnat:field name="site">3<!--hidden_fields[xnat_x_id="2"]--></xnat:field></xnat:fields>
<xnat:subject_ID>A_S1</xnat:subject_ID><xnat:scanner manufacturer="SIEMENS">Skyra</xnat:scanner>
<xnat:prearchivePath>/data/x</xnat:prearchivePath>
<xnat:scans><xnat:scan ID="1" type="T1" xsi:type="xnat:mrScanData">
<xnat:image_session_ID>A_E1</xnat:image_session_ID>
<xnat:file label="DICOM" xsi:type="xnat:resourceCatalog">
<xnat:tags><xnat:tag>raw</xnat:tag></xnat:tags></xnat:file>
</xnat:scan></xnat:scans>
<xnat:dcmPatientId>A_S1</xnat:dcmPatientId>
</xnat:MRSession>"""

ASSESSOR = """<xnat:QCManualAssessment ID="A_E2" project="P" label="QC" xmlns:xnat="http://nrg.wustl.edu/xnat">
<xnat:imageSession_ID>A_E1</xnat:imageSession_ID><xnat:note>A_E1</xnat:note>
<xnat:scans><xnat:scan><xnat:imageScan_ID>1</xnat:imageScan_ID></xnat:scan></xnat:scans>
</xnat:QCManualAssessment>"""


def _parsed(text):
    return item_xml.parse(text.encode())


def test_an_item_keeps_its_fields_and_loses_its_identity():
    document = item_xml.own(_parsed(SESSION), Kind.EXPERIMENT)
    assert dict(item_xml.facts(document)) == {
        "UID": "1.2",
        "date": "2020-02-29",
        "note": "5 > 3 & \"x\" 'y' é",
        "fields/field/name": "site",
        "fields/field": "3",
        "subject_ID": "A_S1",
        "scanner/manufacturer": "SIEMENS",
        "scanner": "Skyra",
        "dcmPatientId": "A_S1",
    }


def test_what_is_sent_reads_back_as_it_was():
    document = item_xml.own(_parsed(SESSION), Kind.EXPERIMENT)
    assert item_xml.facts(item_xml.parse(item_xml.serialise(document))) == item_xml.facts(document)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html><body>sign in</body></html>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        b"<xnat:a>",
        b"<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><a>&b;</a>",
    ],
)
def test_a_hostile_or_foreign_document_is_refused(body):
    with pytest.raises(BadAnswer):
        item_xml.parse(body)


def test_references_are_mapped_and_free_text_is_not():
    document = item_xml.own(_parsed(ASSESSOR), Kind.ASSESSOR)
    item_xml.remap(document, {"A_E1": "B_E7"}.get, lambda scan: scan == "1")
    assert ("imageSession_ID", "B_E7") in item_xml.facts(document)
    assert ("note", "A_E1") in item_xml.facts(document)


def test_what_dicom_says_is_never_taken_for_a_reference():
    document = item_xml.own(_parsed(SESSION), Kind.EXPERIMENT)
    item_xml.remap(document, {"A_S1": "B_S1"}.get, lambda scan: True)
    facts = dict(item_xml.facts(document))
    assert (facts["subject_ID"], facts["dcmPatientId"]) == ("B_S1", "A_S1")


@pytest.mark.parametrize(
    ("mapped", "has_scan", "named"),
    [({}, True, "imageSession_ID refers to A_E1"), ({"A_E1": "B_E1"}, False, "imageScan_ID refers to 1")],
)
def test_a_reference_without_a_counterpart_names_itself(mapped, has_scan, named):
    document = item_xml.own(_parsed(ASSESSOR), Kind.ASSESSOR)
    with pytest.raises(item_xml.Unmapped, match=named):
        item_xml.remap(document, mapped.get, lambda scan: has_scan)


@pytest.mark.parametrize(
    ("stored", "lost"),
    [
        ("<a><n>5 &gt; 3 &amp; x</n></a>", []),
        ("<a><n>5 &amp;gt; 3 &amp;amp; x</n></a>", []),  # as a parameter would have stored it
        ("<a><n>5 &amp;amp;gt; 3 &amp;amp;amp; x</n></a>", ["n"]),
        ("<a><n> 5 &gt; 3 &amp; x</n></a>", ["n"]),
        ("<a><n>5 &gt; 3 &amp; x\n</n></a>", ["n"]),
        ("<a/>", ["n"]),
        ("<a><n>5 > 3</n></a>", ["n"]),
    ],
)
def test_text_that_was_escaped_twice_or_cut_or_got_white_space_is_lost(stored, lost):
    assert item_xml.lost(_parsed("<a><n>5 &gt; 3 &amp; x</n></a>"), _parsed(stored)) == lost


def test_numbers_dates_and_booleans_may_come_back_in_another_spelling():
    sent = _parsed("<a><tr>2300.0</tr><ok>true</ok><t>10:35:00</t></a>")
    assert item_xml.lost(sent, _parsed("<a><tr>2300</tr><ok>1</ok><t>10:35:00.000</t></a>")) == []


def test_scans_travel_inside_their_session_without_their_files():
    session = _parsed(SESSION)
    scan = item_xml.own(item_xml.scans(session)["1"], Kind.SCAN)
    whole = item_xml.with_scans(item_xml.own(session, Kind.EXPERIMENT), [scan])
    assert item_xml.facts(item_xml.scans(whole)["1"]) == [("ID", "1"), ("type", "T1")]


def test_tags_of_a_resource_stand_in_its_sessions_document():
    uri = "/data/experiments/A_E1/scans/1/resources/12"
    assert item_xml.resource_attributes(_parsed(SESSION), uri, "DICOM")["tags"] == "raw"
    assert item_xml.resource_attributes(_parsed(SESSION), uri, "NIFTI") == {}


@pytest.mark.parametrize(
    ("type_", "root"),
    [
        ("xnat:mrScanData", "MRScan"),
        ("xnat:petScanData", "PETScan"),
        ("xnat:otherDicomScanData", "OtherDicomScan"),
        ("xnat:scScanData", "SCScan"),
    ],
)
def test_root_elements_are_named_after_their_type(type_, root):
    assert item_xml.root_name(type_) == root


def test_duplicates_are_not_written_and_say_so():
    assert duplicates('{"duplicates":["a.dcm","sub/b.dcm"]}') == ["a.dcm", "sub/b.dcm"]
    assert duplicates("") == duplicates("<html>") == []
    with pytest.raises(BadAnswer):
        duplicates('{"duplicates":[')


def test_attributes_are_sent_where_they_have_a_value():
    assert Attributes("DICOM", "", "a,b").params() == {"format": "DICOM", "tags": ["a", "b"]}
