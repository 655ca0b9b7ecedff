UNKNOWN = "note: whether renaming runs the project's anonymisation again is not known to this user\n"


def test_a_subject_with_its_sessions(run, xnat):
    done = run("rename", "lab:BRAINS/SUB-009", "P9", "--with-sessions", "-y")
    assert done.exit_code == 0
    assert done.stdout == (
        "* lab:BRAINS/SUB-009  rename  label: SUB-009 → P9\n"
        "* lab:BRAINS/SUB-009/SUB-009_MR1  rename  label: SUB-009_MR1 → P9_MR1\n"
        "* lab:BRAINS/SUB-009/SUB-009_MR2  rename  label: SUB-009_MR2 → P9_MR2\n"
    )
    assert done.stderr == UNKNOWN + (
        "[1/3] lab:BRAINS/SUB-009: rename done\n"
        "[2/3] lab:BRAINS/SUB-009/SUB-009_MR1: rename done\n"
        "[3/3] lab:BRAINS/SUB-009/SUB-009_MR2: rename done\n"
        "3 done, 0 failed, 0 refused.\n"
    )
    assert xnat.site.experiment("P9_MR2", "BRAINS") is not None


def test_yes_is_no_consent_to_dismissing_an_autorun(run, writes):
    refused = run("rename", "lab:BRAINS/SUB-002/SUB-002_MR1", "X", "-y")
    assert refused.exit_code == 5
    assert refused.stdout == (
        "! lab:BRAINS/SUB-002/SUB-002_MR1  rename  label: SUB-002_MR1 → X\n"
        "    refused: AutoRun is Queued on it since 2024-04-03 09:35:33.123.\n"
    )
    assert "note: --dismiss-autorun ends an AutoRun that blocks\n" in refused.stderr
    assert writes() == 0


def test_an_autorun_is_dismissed_by_option(run, xnat):
    done = run("rename", "lab:BRAINS/SUB-002/SUB-002_MR1", "X", "-y", "--dismiss-autorun")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[1] == "* lab:BRAINS/SUB-002/SUB-002_MR1  rename  label: SUB-002_MR1 → X"
    assert xnat.site.experiment("X", "BRAINS") is not None


def test_an_autorun_is_dismissed_after_asking(run, xnat, terminal, writes):
    refused = run("rename", "lab:BRAINS/SUB-002/SUB-002_MR1", "X", input="n\n")
    assert refused.exit_code == 5
    assert writes() == 0
    done = run("rename", "lab:BRAINS/SUB-002/SUB-002_MR1", "X", input="y\ny\n")
    assert done.exit_code == 0, done.stderr
    assert "AutoRun is Queued on SUB-002_MR1 since 2024-04-03 09:35:33.123.\n" in done.stderr
    assert xnat.site.experiment("X", "BRAINS") is not None


def test_a_table(run, tmp_path):
    table = tmp_path / "names.csv"
    table.write_text("subject,session,new_label\nSUB-008,,P8\nSUB-008,SUB-008_MR1,P8_MR1\nSUB-009,,SUB-011\n")
    done = run("rename", "lab:BRAINS", "--table", str(table), "-y")
    assert done.exit_code == 6
    assert done.stdout == (
        "* lab:BRAINS/SUB-008  rename  label: SUB-008 → P8\n"
        "* lab:BRAINS/SUB-008/SUB-008_MR1  rename  label: SUB-008_MR1 → P8_MR1\n"
        "! lab:BRAINS/SUB-009  rename  label: SUB-009 → SUB-011\n"
        "    refused: BRAINS has another SUB-011 already.\n"
    )


def test_wrong_usage(run, xnat):
    assert run("rename", "lab:BRAINS/SUB-008", "-y").exit_code == 2
    illegal = run("rename", "lab:BRAINS/SUB-008", "a b", "-y")
    assert (illegal.exit_code, len(xnat.requests)) == (2, 0)
    assert illegal.stderr == (
        "'a b' is no label that XNAT accepts: letters, digits, _ and - only.\n\n"
        "hint: See: xnat-tui rename --help\n"
    )
