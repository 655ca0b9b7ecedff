import json


def test_list(run):
    shown = run("users", "list", "lab:BRAINS")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == (
        "login   displayname    firstname  lastname  email\n"
        "demo    Owners         Dana       Demo      demo@example.org\n"
        "member  Members        Max        Member    member@example.org\n"
        "reader  Collaborators  Rita       Reader    reader@example.org\n"
    )
    assert shown.stderr == "lab:BRAINS is private.\n"
    document = json.loads(run("users", "list", "lab:BRAINS", "--json", "-q").stdout)
    assert document["items"][0] == {
        "GROUP_ID": "BRAINS_owner",
        "displayname": "Owners",
        "login": "demo",
        "firstname": "Dana",
        "lastname": "Demo",
        "email": "demo@example.org",
    }


def test_users_that_are_not_visible(run):
    shown = run("users", "list", "lab:PHANTOMS")
    assert shown.exit_code == 4
    assert shown.stderr.startswith("The users of PHANTOMS are not visible to demo.\n")


def test_add_and_remove(run, xnat):
    added = run("users", "add", "root:BRAINS", "outsider@example.org", "--role", "member", "-y")
    assert added.exit_code == 0, added.stderr
    assert added.stdout == "* root:BRAINS  add  login: outsider, GROUP_ID: BRAINS_member\n"
    assert xnat.site.projects["BRAINS"].users["outsider"] == "member"
    removed = run("users", "remove", "root:BRAINS", "outsider", "-y")
    assert removed.stdout == "* root:BRAINS  remove  login: outsider, GROUP_ID: BRAINS_member\n"
    assert "outsider" not in xnat.site.projects["BRAINS"].users


def test_nobody_is_invited(run, xnat, writes):
    for server in ("lab", "root"):
        assert run("users", "add", f"{server}:BRAINS", "new@example.org", "-y").exit_code == 5
    assert writes() == 0


def test_accessibility(run, xnat):
    assert run("users", "accessibility", "lab:BRAINS").stdout == "ID      accessibility\nBRAINS  private\n"
    done = run("users", "accessibility", "lab:BRAINS", "protected", "-y")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "* lab:BRAINS  set  accessibility: private → protected\n"
        "    note: everybody who is signed in sees that it exists, its users see its data\n"
    )
    assert xnat.site.projects["BRAINS"].accessibility == "protected"
    assert run("users", "accessibility", "lab:BRAINS", "open", "-y").exit_code == 2
