"""Items: documents, creation, change, rename, removal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import etree

from xnat_tui.demo.site import Site

SUBJECT = "/data/projects/P1/subjects/S01"
SESSION = f"{SUBJECT}/experiments/MR1"


def test_a_session_document_holds_all_but_files(admin: Any) -> None:
    item = admin.get("/data/experiments/XNAT_E00001?format=json").json()["items"][0]
    children = {child["field"]: child["items"] for child in item["children"]}
    assert set(children) >= {"scans/scan", "assessors/assessor", "sharing/share", "resources/resource"}
    scan = children["scans/scan"][0]
    assert scan["data_fields"]["parameters/tr"] == 2300.0
    assert scan["children"][0]["items"][0]["data_fields"]["file_count"] == 2


def test_xml_has_hidden_comments_unless_concealed(admin: Any) -> None:
    shown = admin.get(f"{SUBJECT}?format=xml").content
    assert b"hidden_fields[" in shown
    assert etree.fromstring(shown).get("label") == "S01"
    assert b"hidden_fields[" not in admin.get(f"{SUBJECT}?format=xml&concealHiddenFields=true").content


def test_subjects_answer_their_id_with_201_then_200(admin: Any) -> None:
    path = "/data/projects/P1/subjects/NEW?gender=male&dob=1990-01-01"
    answers = [admin.put(path) for _ in range(2)]
    assert [(one.status_code, one.text) for one in answers] == [(201, "XNAT_S00003"), (200, "XNAT_S00003")]


def test_parameters_are_stored_escaped_and_documents_exactly(admin: Any, site: Site) -> None:
    admin.put(SESSION, params={"note": "Tom's <b>"})
    assert site.experiments["XNAT_E00001"].fields["note"] == "Tom&apos;s &lt;b&gt;"
    body = (
        b"<xnat:MRSession xmlns:xnat='http://nrg.wustl.edu/xnat'>"
        b"<xnat:note>Tom's &lt;b></xnat:note></xnat:MRSession>"
    )
    assert admin.put(SESSION, data=body, headers={"Content-Type": "text/xml"}).status_code == 200
    assert site.experiments["XNAT_E00001"].fields["note"] == "Tom's <b>"


def test_documents_merge_unless_deletion_is_allowed(admin: Any, site: Site) -> None:
    body = b"<xnat:MRSession xmlns:xnat='http://nrg.wustl.edu/xnat'/>"
    headers = {"Content-Type": "text/xml"}
    admin.put(SESSION, data=body, headers=headers)
    assert len(site.experiments["XNAT_E00001"].scans) == 2
    admin.put(f"{SESSION}?allowDataDeletion=true", data=body, headers=headers)
    assert not site.experiments["XNAT_E00001"].scans


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/data/projects/P1/subjects/S01/experiments/NEW", 417),
        ("PUT", "/data/projects/P1/subjects/S01/experiments/NEW?xsiType=xnat:imageSessionData", 400),
        ("PUT", "/data/projects/P1/subjects/S01/experiments/B%20D?xsiType=xnat:mrSessionData", 417),
        ("PUT", "/data/projects/P1/subjects/B%C3%A4D", 500),
        ("PUT", "/data/projects/P1/subjects/S01?gender=neither", 400),
        ("PUT", f"{SESSION}/scans/1?xsiType=xnat:ctScanData", 409),
        ("PUT", f"{SESSION}/scans/9", 417),
        ("PUT", f"{SESSION}/scans/9?xsiType=xnat:mrScanData", 200),
        ("PUT", "/data/projects/p%20x", 417),
        ("PUT", "/data/projects/P3?name=project%20one", 409),
        ("PUT", "/data/projects/P3", 200),
        ("PUT", f"{SESSION}/assessors/QC2?xsiType=xnat:qcManualAssessorData", 201),
    ],
)
def test_status_of_writes(admin: Any, method: str, path: str, status: int) -> None:
    assert admin(method, path).status_code == status


def test_null_deletes_and_empty_is_ignored(admin: Any, site: Site) -> None:
    admin.put(f"{SUBJECT}?dob=&gender=NULL&xnat:subjectData/fields/field%5Bname%3Dsite%5D/field=NULL")
    subject = site.subjects["XNAT_S00001"]
    assert subject.fields == {"dob": "1980-02-29"}
    assert subject.variables == {}


def test_rename_swallows_other_parameters(admin: Any, site: Site) -> None:
    answer = admin.put(f"{SUBJECT}?label=S99&gender=male")
    assert (answer.status_code, answer.text) == (200, "")
    subject = site.subject("S99", "P1")
    assert subject is not None
    assert subject.fields["gender"] == "female"


def test_rename_conflicts(admin: Any, site: Site) -> None:
    assert admin.put(f"{SUBJECT}?label=S02").status_code == 409
    site.add_workflow(site.experiments["XNAT_E00001"], "xnat_tools/AutoRun.xml", "Queued")
    answer = admin.put(f"{SESSION}?label=MR9")
    assert answer.status_code == 409
    assert "<h3>Specified session is being processed (xnat_tools/AutoRun.xml).</h3>" in answer.text


def test_deleting_through_a_sharing_project_unshares(admin: Any, site: Site) -> None:
    assert admin("DELETE", "/data/projects/P2/subjects/SHARED01/experiments/MR_SHARED").status_code == 200
    assert "XNAT_E00001" in site.experiments
    assert not admin.rows("/data/projects/P2/experiments")


def test_only_owners_delete(client_of: Any, site: Site) -> None:
    assert client_of("mia")("DELETE", SESSION).status_code == 403
    assert client_of("carl").put(f"{SUBJECT}?gender=male").status_code == 403
    assert client_of("olga")("DELETE", f"{SUBJECT}?removeFiles=true").status_code == 200
    assert site.orphaned == []
    assert "XNAT_E00001" not in site.experiments


def test_a_session_moves_to_another_subject(admin: Any, site: Site) -> None:
    answer = admin.put("/data/projects/P1/experiments/MR1?subject_ID=XNAT_S00002")
    assert answer.status_code == 200
    assert site.experiments["XNAT_E00001"].subject.label == "S02"


def test_project_settings(admin: Any) -> None:
    assert admin.put("/data/projects/P1/accessibility/public").status_code == 200
    assert admin.get("/data/projects/P1/accessibility").text == "public"
    assert admin.put("/data/projects/P1/prearchive_code/5").status_code == 200
    assert admin.get("/data/projects/P1/prearchive_code").text == "5"


def test_a_refused_creation_leaves_nothing(admin: Any, site: Site) -> None:
    assert admin.put("/data/projects/P1/subjects/S77?gender=neither").status_code == 400
    assert site.subject("S77", "P1") is None


def test_documents_cannot_change_who_an_item_is(admin: Any) -> None:
    for attribute in ("ID", "project", "label"):
        body = f"<xnat:Subject xmlns:xnat='http://nrg.wustl.edu/xnat' {attribute}='other'/>"
        answer = admin.put(f"{SUBJECT}?inbody=true", data=body)
        assert answer.status_code == 400
    assert admin.put(f"{SUBJECT}?inbody=true", data="<no").status_code == 422


def test_addresses_that_a_servlet_container_refuses(admin: Any) -> None:
    for path in ("/data/projects/P1%2FX", "/data//projects", "/data/projects;x=1"):
        assert admin.get(path).status_code == 400


@pytest.mark.parametrize("serializer", ["xalan", "jdk"])
def test_a_comment_comes_before_an_elements_text(admin: Any, site: Site, serializer: str) -> None:
    site.settings.xml_serializer = serializer
    subject = next(iter(site.projects["P1"].subjects.values()))
    subject.variables["site"] = "3"
    subject.fields["addID"], subject.fields["addID/name"] = "123", "ext"
    path = f"/data/subjects/{subject.id}?format=xml"
    shown = admin.get(path).text
    gap = "\n" if serializer == "xalan" else "\n            "
    assert re.search(rf'<xnat:field name="site">\s*<!--hidden_fields\[[^]]*\]-->{gap}3', shown)
    assert re.search(r'<xnat:addID name="ext">\s*<!--hidden_fields\[[^]]*\]-->\n *123', shown)
    concealed = admin.get(f"{path}&concealHiddenFields=true").text
    assert "hidden_fields" not in concealed
    assert '<xnat:field name="site">3</xnat:field>' in concealed
    site.settings.hidden_fields_concealed = False
    assert admin.get(f"{path}&concealHiddenFields=true").text == shown


def test_a_document_keeps_the_white_space_of_a_text_and_drops_what_is_nothing_else(
    admin: Any, site: Site
) -> None:
    body = (
        b"<xnat:MRSession xmlns:xnat='http://nrg.wustl.edu/xnat'><xnat:fields>"
        b"<xnat:field name='a'><!--hidden_fields[]-->\n 1 </xnat:field><xnat:field name='b'>\n</xnat:field>"
        b"<xnat:field name='c'>\n<!--x-->2</xnat:field></xnat:fields>"
        b"<xnat:note> x\n</xnat:note></xnat:MRSession>"
    )
    assert admin.put(SESSION, data=body, headers={"Content-Type": "text/xml"}).status_code == 200
    session = site.experiments["XNAT_E00001"]
    assert session.variables == {"a": "\n 1 ", "b": "", "c": "2"}
    assert session.fields["note"] == " x\n"
