import json


def test_what_was_changed_is_listed_and_taken_back(run, xnat):
    assert run("history").stderr == "No change is remembered.\n"
    before = run("demographics", "show", "lab:BRAINS/SUB-006", "--json").stdout
    assert run("demographics", "set", "lab:BRAINS/SUB-006", "gender=unknown", "-y").exit_code == 0
    listed = run("history", "lab:BRAINS")
    assert "lab:BRAINS/SUB-006  set  gender: (none) → unknown" in listed.stdout
    planned = run("history", "undo", "1", "-n")
    assert planned.stdout == "* lab:BRAINS/SUB-006  set  gender: unknown → (none)\n"
    assert run("history", "undo", "1").exit_code == 2, "nobody can be asked"
    undone = run("history", "undo", "1", "-y", "--json")
    assert undone.exit_code == 0, undone.stderr
    assert json.loads(undone.stdout)["changed"][0]["gender"] == ""
    assert run("demographics", "show", "lab:BRAINS/SUB-006", "--json").stdout == before
    rows = json.loads(run("history", "--json", "lab:").stdout)["items"]
    assert [(row["id"], row["undoes"], row["undone_by"]) for row in rows] == [(2, 1, None), (1, None, 2)]
    assert rows[1]["before"] == {"gender": ""}


def test_what_is_not_so_any_more_is_refused_with_the_reason(run, xnat):
    run("rename", "lab:BRAINS/SUB-008", "X8", "-y")
    run("rename", "lab:BRAINS/X8", "Y8", "-y")
    refused = run("history", "undo", "1", "-y")
    assert refused.exit_code == 5
    assert "refused: 1: label is Y8 now, and not X8 as this left it." in refused.stdout


def test_unknown_numbers_other_places_and_read_only_servers(run, writes):
    assert run("history", "undo", "7", "-y").exit_code == 5
    run("users", "add", "root:BRAINS", "reader", "--role", "member", "-y")
    assert run("history", "lab:TEACHING").stderr == "No change there is remembered.\n"
    assert "add" in run("history", "lab:BRAINS").stdout, "another name of the same server"
    run.configure(run.config_file.read_text().replace("[servers.root]", "[servers.root]\nread_only = true"))
    sent = writes()
    assert run("history", "undo", "1", "-y").exit_code == 4
    assert writes() == sent
    assert run("history", "forget", "1").stderr == "1 forgotten.\n"
    assert json.loads(run("history", "--json").stdout)["items"] == []
