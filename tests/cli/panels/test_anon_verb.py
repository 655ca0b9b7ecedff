import json

OLD = 'version "6.1"\n(0010,0010) := "Nobody"\n\t(0010,0020) := subject'
NEW = 'version "6.1"\n(0010,0010) := "\u202eNobody"\n\t(0010,0020) := subject'


def test_a_script_is_shown_word_for_word_set_and_switched(run, xnat, tmp_path):
    settings = xnat.site.projects["BRAINS"].settings
    settings.update(anon_script=OLD, anon_enabled="true")
    shown = run("anon", "show", "lab:BRAINS")
    assert (shown.exit_code, shown.stdout) == (0, f"{OLD}\n")
    assert shown.stderr == "The script of lab:BRAINS is in force: 3 lines.\n"
    file = tmp_path / "new.das"
    file.write_text(NEW, "utf-8")
    planned = run("anon", "set", "lab:BRAINS", str(file), "-n")
    assert planned.stdout == (
        "* lab:BRAINS  set  script: 3 lines → 3 lines\n"
        '      version "6.1"\n'
        '    - (0010,0010) := "Nobody"\n'
        '    + (0010,0010) := "<U+202E>Nobody"\n'
        "      ␉(0010,0020) := subject\n"
    )
    assert settings["anon_script"] == OLD
    done = json.loads(run("anon", "set", "lab:BRAINS", str(file), "-y", "--json").stdout)
    assert done["changed"][0]["script"] == NEW
    assert run("anon", "disable", "lab:BRAINS", "-y").stdout == (
        "* lab:BRAINS  disable  enabled: true → false\n"
    )
    row = json.loads(run("anon", "show", "lab:BRAINS", "--json").stdout)["items"][0]
    assert row == {"location": "lab:BRAINS", "project": "BRAINS", "enabled": False, "script": None}
    assert "disable  enabled: true → false" in run("history").stdout
    assert run("history", "undo", "1", "2", "-y").exit_code == 6, "the older one is not the last word"
    assert (settings["anon_script"].strip(), settings["anon_enabled"]) == (NEW, "true")


def test_the_sites_script_is_set_by_administrators_from_standard_input(run, xnat, writes):
    assert run("anon", "show", "lab:").stdout.startswith('version "6.1"\n')
    assert run("anon", "set", "locked:", "-", "-y", input=NEW).exit_code == 4
    assert writes() == 0
    assert run("anon", "set", "lab:", "-", "-y", input=NEW).exit_code == 4
    assert run("anon", "set", "root:", "-", "-y", input=NEW).exit_code == 0
    assert xnat.site.settings.site_script.strip() == NEW
    assert run("anon", "enable", "lab:").stderr == "Nothing to change.\n"
    assert run("anon", "set", "lab:", "-", "-y", input=b"\xff").exit_code == 2
    assert run("anon", "show", "lab:BRAINS/SUB-001").exit_code == 5
