import json


def test_show_set_and_create(run, xnat):
    shown = run("project", "show", "lab:BRAINS")
    assert "Brains across the lifespan" in shown.stdout
    row = json.loads(run("project", "show", "lab:BRAINS", "--json").stdout)["items"][0]
    assert (row["ID"], row["pi_lastname"], row["accessibility"]) == ("BRAINS", "Lovelace", "private")
    done = run("project", "set", "lab:BRAINS", "prearchive=overwrite", "pi_lastname=King", "-y")
    assert done.exit_code == 0, done.stderr
    assert xnat.site.projects["BRAINS"].fields["pi_lastname"] == "King"
    assert "pi_lastname: Lovelace → King" in run("history").stdout
    made = run("project", "create", "lab:PILOT", "title=Pilot", "-n")
    assert made.stdout == (
        "* lab:PILOT  create  ID: PILOT, accessibility: private, name: Pilot\n"
        "    note: only its users see it\n"
    )
    assert "PILOT" not in xnat.site.projects
    assert run("project", "create", "lab:PILOT", "title=Pilot", "-y").exit_code == 0
    assert run("project", "show", "lab:PILOT").exit_code == 0


def test_wrong_usage(run, writes):
    for words in (("set", "lab:BRAINS", "colour=red"), ("set", "lab:BRAINS", "x"), ("create", "lab:")):
        assert run("project", *words, "-y").exit_code == 2, words
    assert run("project", "create", "lab:TEACHING", "-y").exit_code == 5
    assert run("project", "create", "locked:NEW", "-y").exit_code == 4
    assert writes() == 0
