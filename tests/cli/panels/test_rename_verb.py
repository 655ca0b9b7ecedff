import json

from xnat_tui.demo.faults import ErrorPage

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
        "    refused: AutoRun is Queued on it since 2024-04-03 09:35:40.123.\n"
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
    assert "AutoRun is Queued on SUB-002_MR1 since 2024-04-03 09:35:40.123.\n" in done.stderr
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


def test_a_pattern_over_what_a_location_names(run, xnat):
    done = run("rename", "lab:BRAINS/SUB-009/*", "--pattern", r"SUB-(\d+)_MR(\d)", "--to", "V{2}_{1}", "-y")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "* lab:BRAINS/SUB-009/SUB-009_MR1  rename  label: SUB-009_MR1 → V1_009\n"
        "* lab:BRAINS/SUB-009/SUB-009_MR2  rename  label: SUB-009_MR2 → V2_009\n"
    )
    merging = ("rename", "lab:BRAINS/SUB-009", "--pattern", ".*", "--to", "SUB-008")
    assert "refused: BRAINS has another SUB-008 already. --merge" in run(*merging, "-y").stdout
    done = run(*merging, "--merge", "-y", "--json")
    assert [row["subject"] for row in json.loads(done.stdout)["changed"]] == ["SUB-008"] * 2
    assert "SUB-009 stays, without sessions" in done.stderr
    assert xnat.site.experiment("V1_009", "BRAINS").subject.label == "SUB-008"
    assert "V1_009" in run("history", "lab:BRAINS/SUB-008/V1_009").stdout


def test_wrong_usage(run, xnat):
    assert run("rename", "lab:BRAINS/SUB-008", "-y").exit_code == 2
    for more in (("--pattern", "a"), ("--merge", "X"), ("--pattern", "(", "--to", "b"), ("X", "--to", "b")):
        assert run("rename", "lab:BRAINS", *more, "-y").exit_code == 2, more
    illegal = run("rename", "lab:BRAINS/SUB-008", "a b", "-y")
    assert (illegal.exit_code, len(xnat.requests)) == (2, 0)
    assert illegal.stderr == (
        "'a b' is no label that XNAT accepts: letters, digits, _ and - only.\n\n"
        "hint: See: xnat-tui rename --help\n"
    )


def test_a_half_done_rename_is_finished_by_the_same_call(run, xnat, monkeypatch):
    """The subject is renamed, its first session is not: the program was stopped while it looked."""
    monkeypatch.setattr("xnat_tui.services.administration.entrance._wait", interrupted)
    xnat.faults.add("^PUT .*label=P9_MR1", ErrorPage(504), times=1)
    call = ("rename", "lab:BRAINS/SUB-009", "P9", "--with-sessions", "-y")
    stopped = run(*call)
    assert stopped.exit_code == 130
    assert "lab:BRAINS/SUB-009/SUB-009_MR1: the server answered 504, and may still be" in stopped.stderr
    assert "Looking again in 1 s, for 300 s at most. (ctrl+c stops)" in stopped.stderr
    assert "hint: The same call goes on where this ended" in stopped.stderr
    assert (labels(xnat, "P9"), stopped.stderr.count("not begun")) == (["SUB-009_MR1", "SUB-009_MR2"], 1)
    again = run(*call)
    assert again.exit_code == 0, again.stderr
    assert "SUB-009 is not there and lab:BRAINS/P9 is: taken for renamed already" in again.stderr
    assert labels(xnat, "P9") == ["P9_MR1", "P9_MR2"]
    assert run(*call).exit_code == 0


def test_a_half_done_table_is_finished_by_the_same_call(run, xnat, tmp_path, monkeypatch):
    monkeypatch.setattr("xnat_tui.services.administration.entrance._wait", interrupted)
    table = tmp_path / "names.csv"
    table.write_text("subject,session,new_label\nSUB-008,,P8\nSUB-008,SUB-008_MR1,P8_MR1\nSUB-009,,P9\n")
    xnat.faults.add("^PUT .*label=P8_MR1", ErrorPage(504), times=1)
    call = ("rename", "lab:BRAINS", "--table", str(table), "-y")
    assert run(*call).exit_code == 130
    again = run(*call, "--json")
    assert again.exit_code == 0, again.stderr
    document = json.loads(again.stdout)
    assert [one["label"] for one in document["changed"]] == ["P8_MR1", "P9"]
    assert document["failed"] == []
    assert any(note.startswith("line 2: SUB-008 is not there") for note in document["notes"])
    assert labels(xnat, "P8") == ["P8_MR1"]


def test_a_label_that_nobody_has_is_still_not_found(run, writes):
    assert run("rename", "lab:BRAINS/SUB-404", "X", "-y").exit_code == 5
    assert writes() == 0


def test_a_free_label_and_a_taken_one_prove_no_rename(run, writes, tmp_path):
    """What stands under the new label may have been another item from the first."""
    for old, new in (("SUB-404", "SUB-009"), ("SUB-008/GONE", "SUB-008_MR1")):
        told = run("rename", f"lab:BRAINS/{old}", new, "-y")
        assert told.exit_code == 5, told.stderr
        assert "taken for renamed" not in told.stderr
        assert "nothing shows that this renamed it" in told.stderr
    table = tmp_path / "names.csv"
    table.write_text("subject,session,new_label\nSUB-404,,SUB-009\nSUB-404,SUB-009_MR1,X\n")
    told = run("rename", "lab:BRAINS", "--table", str(table), "-y")
    assert told.exit_code == 6
    assert told.stdout.count("refused: line") == 2
    assert writes() == 0


def test_a_rename_that_cannot_be_kept_in_mind_is_not_sent(run, xnat, program):
    program.state.mkdir(exist_ok=True)
    (program.state / "renames.jsonl").mkdir()
    told = run("rename", "lab:BRAINS/SUB-009", "P9", "-y")
    assert told.exit_code == 2
    assert "renames.jsonl cannot be written" in told.stderr
    assert xnat.site.subject("SUB-009", "BRAINS") is not None


def interrupted(_seconds):
    raise KeyboardInterrupt


def labels(xnat, subject):
    return sorted(one.label for one in xnat.site.subject(subject, "BRAINS").experiments.values())
