"""`upload`: plan, run, report."""

from __future__ import annotations

import json

DEST = "lab:BRAINS/S-9/S-9_MR"


def test_the_plan_of_dicom(program, demo, incoming):
    result = program("upload", str(incoming), "lab:BRAINS", "-n")
    assert (result.exit_code, result.stderr) == (
        0,
        "info: The destination's anonymisation may rewrite the DICOM files that it receives.\n"
        "Nothing was written (--dry-run).\n",
    )
    assert result.stdout == (
        f"Plan: upload {incoming} → lab:BRAINS\n"
        "  + upload   studies/2024-05-01_MR_1  3 files  42k  "
        "(Patient ID NEW-1; labels from the headers, by the server's rules)\n"
        "3 files, 42.3 kB; 1 upload.\n"
    )
    assert demo.requests.count("POST") == 0


def test_dicom_into_the_archive(program, demo, incoming):
    result = program("upload", str(incoming), DEST, "--to", "archive", "-y", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["state"], document["failed"]) == ("done", [])
    assert document["done"] == {"items": 1, "files": 3, "bytes": document["plan"]["bytes"]}
    assert document["verified"] == {"digest": 0, "size": 3, "unverified": 0}
    assert "S-9_MR" in {one.label for one in demo.site.experiments.values()}


def test_an_upload_to_a_bare_server_says_where_it_went(program, demo, incoming):
    result = program("upload", str(incoming), "lab:", "-y", "--json")
    assert result.exit_code == 0, result.stderr
    (row,) = [one for one in demo.site.prearchive if one.subject == "NEW-1"]
    place = f"lab:Unassigned/{row.timestamp}/{row.folder_name}"
    document = json.loads(result.stdout)
    (arrived,) = document["arrived"]
    assert arrived == {
        "path": "studies/2024-05-01_MR_1",
        "place": "prearchive",
        "location": place,
        "subject": "",  # the server does not show it to this user
        "session": "",
    }
    told = f"{place} in the prearchive; it has no project there, and only administrators see it"
    assert f"studies/2024-05-01_MR_1 → {told}" in result.stderr
    assert f"→ studies/2024-05-01_MR_1: {told}" in program("jobs", "show").stdout


def test_the_planned_steps_as_json(program, demo, incoming):
    document = json.loads(program("upload", str(incoming), DEST, "-n", "--json").stdout)
    assert document["state"] == "planned"
    (step,) = document["steps"]
    assert (step["action"], step["path"], step["kind"], step["files"]) == (
        "upload",
        "experiments/S-9_MR",
        "experiment",
        3,
    )


def test_files_into_a_resource(program, demo, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a b#c.txt").write_text("odd")
    (folder / "empty").touch()
    where = "lab:BRAINS/SUB-001/resources/UP"
    first = json.loads(program("upload", str(folder), where, "-y", "--json").stdout)
    assert (first["done"]["files"], first["verified"]["digest"], first["failed"]) == (2, 2, [])
    again = json.loads(program("upload", str(folder), where, "-y", "--json").stdout)
    assert (again["state"], again["done"]["files"], again["skipped"]) == ("done", 0, 2)
    (folder / "a b#c.txt").write_text("other")
    kept = program("upload", str(folder), where, "-y")
    assert kept.exit_code == 0, "as the plan said"
    assert "done, 1 left alone" in kept.stderr


def test_wrong_calls(program, demo, incoming, tmp_path):
    assert program("upload", str(incoming)).exit_code == 2
    assert program("upload", str(tmp_path / "gone"), "lab:BRAINS", "-y").exit_code == 5
    assert program("upload", str(incoming), "lab:NOPE", "-y").exit_code == 5
    (tmp_path / "note.txt").write_text("no image")
    nothing = program("upload", str(tmp_path / "note.txt"), "lab:BRAINS", "-y")
    assert (nothing.exit_code, "There is no DICOM to send." in nothing.stderr) == (5, True)
