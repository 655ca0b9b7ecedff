import json

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent

SCAN = "lab:BRAINS/SUB-001/SUB-001_MR1/scans/1"


def test_list(run):
    result = run("resources", "list", "lab:BRAINS")
    assert result.stdout == (
        "label     file_count  file_size  format  content\n"
        "tables             4        354  CSV\n"
        "protocol           3        673          documentation\n"
    )
    assert run("resources", "list", f"{SCAN}/resources/DICOM").stdout == (
        "Name         Size  digest\n"
        "IM0001.dcm  14100  a0c2e528c7410b6ed60a9d290cb52533\n"
        "IM0002.dcm  14100  71150b28c2e1393a833215511a35fd21\n"
        "IM0003.dcm  14100  3f113c64055f79dabb936d9519d55d26\n"
    )


def test_list_of_both_sides_as_json(run):
    result = run("--json", "resources", "list", "lab:BRAINS/SUB-002/SUB-002_MR1/assessors/SUB-002_MR1_FS")
    found = {item["location"].partition("_FS/")[2]: item for item in json.loads(result.stdout)["items"]}
    assert sorted(found) == ["in/resources/INPUT", "out/resources/DATA", "resources/LOG"]
    assert found["out/resources/DATA"]["file_count"] == "4"


def test_nothing_to_list(run):
    result = run("resources", "list", "lab:BRAINS/SUB-008")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No resources.\n")


def test_create(run, xnat):
    result = run("resources", "create", "lab:BRAINS/SUB-008/resources/DOCS", "--format", "PDF", "-y")
    assert (result.exit_code, result.stdout) == (
        0,
        "* lab:BRAINS/SUB-008/resources/DOCS  create  label: DOCS, format: PDF\n",
    )
    (made,) = xnat.site.subject("SUB-008", "BRAINS").resources
    assert (made.label, made.format) == ("DOCS", "PDF")
    again = run("resources", "create", "lab:BRAINS/SUB-008/resources/docs", "-y")
    assert (again.exit_code, "refused: DOCS exists already." in again.stdout) == (5, True)


def test_create_needs_one_new_resource(run, writes):
    assert run("resources", "create", "lab:BRAINS/SUB-008", "-y").exit_code == 2
    assert run("resources", "create", "lab:BRAINS/SUB-008/resources/D*", "-y").exit_code == 2
    assert run("resources", "create", "locked:BRAINS/SUB-008/resources/D", "-y").exit_code == 4
    assert writes() == 0


def test_deleting_wants_the_project_typed(run, xnat, writes):
    chosen = (f"{SCAN}/resources/DICOM/files/IM0001.dcm", "lab:BRAINS/resources/tables")
    refused = run("resources", "delete", *chosen, "-y")
    assert (refused.exit_code, writes()) == (2, 0)
    assert refused.stdout == (
        "- lab:BRAINS/resources/tables  delete  label: tables, file_count: 4\n"
        f"- {SCAN}/resources/DICOM/files/IM0001.dcm  delete  Name: IM0001.dcm, Size: 14100\n"
    )
    done = run("resources", "delete", *chosen, "-y", "--confirm", "BRAINS")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (0, "2 done, 0 failed, 0 refused.")
    assert [one.label for one in xnat.site.projects["BRAINS"].resources] == ["protocol"]
    scan = xnat.site.experiment("SUB-001_MR1", "BRAINS").scans["1"]
    assert sorted(scan.resources[0].files) == ["IM0002.dcm", "IM0003.dcm"]


def test_a_file_that_another_ones_path_begins_with_is_not_deleted(run, xnat):
    """XNAT 1.8 deletes every file whose path starts with the one that is named."""
    scan = xnat.site.experiment("SUB-001_MR1", "BRAINS").scans["1"]
    scan.resources[0].add(FileEntry("IM0001.dcm.txt", BytesContent(b"note")))
    result = run("resources", "delete", f"{SCAN}/resources/DICOM/files/IM0001.dcm", "-y")
    assert (result.exit_code, "IM0001.dcm" in scan.resources[0].files) == (5, True)
    assert "refused: XNAT would delete IM0001.dcm.txt with it" in result.stdout


def test_only_resources_and_files_are_deleted(run, writes):
    assert run("resources", "delete", "lab:BRAINS/SUB-008", "-y", "--confirm", "BRAINS").exit_code == 2
    assert writes() == 0
