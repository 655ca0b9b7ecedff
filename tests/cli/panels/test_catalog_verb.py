import json

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.study.brains import session


def test_refresh_explains_its_options(run, xnat):
    done = run("catalog", "refresh", "lab:BRAINS/SUB-008/SUB-008_MR1", "-y")
    assert done.exit_code == 0, done.stderr
    assert (
        done.stdout == "* lab:BRAINS/SUB-008/SUB-008_MR1  refresh  options: append,checksum,populateStats\n"
    )
    assert done.stderr.startswith(
        "[x] append         add files on disk that are missing from the catalog\n"
        "[x] checksum       compute missing digests; reads those files\n"
        "[ ] delete         drop entries whose file is gone\n"
        "[x] populateStats  count files and bytes anew\n"
    )
    (call,) = [one for one in xnat.requests if one.path == "/data/services/refresh/catalog"]
    assert call.query.endswith("options=append,checksum,populateStats")


def test_deleting_entries_wants_the_project_typed(run, xnat):
    location = "lab:LEGACY/-a--b_C-/-a--b_C-_MR"
    refused = run("catalog", "refresh", location, "--delete", "-y")
    assert refused.exit_code == 2
    assert "hint: Add --confirm LEGACY to go on." in refused.stderr
    files = session(xnat.site, "-a--b_C-_MR", "LEGACY").scans["2"].resources[0].files
    assert "IM0002.dcm" in files
    assert run("catalog", "refresh", location, "--delete", "-y", "--confirm", "LEGACY").exit_code == 0
    assert "IM0002.dcm" not in files


def test_recount_as_json(run):
    done = run("catalog", "recount", "lab:BRAINS/SUB-008/SUB-008_MR1/scans/1", "-y", "--json", "-q")
    (row,) = json.loads(done.stdout)["changed"]
    assert row["options"] == "populateStats"
    assert row["note"].startswith("3 files, ")


def test_a_whole_project_one_session_after_the_other(run, xnat):
    xnat.faults.add("^POST /data/services/refresh/catalog", ErrorPage(500), times=1, after=3)
    done = run("catalog", "refresh", "lab:BRAINS", "--populate-stats", "-y")
    assert done.exit_code == 6
    assert done.stderr.count(": refresh done (") == 20
    assert done.stderr.count("! lab:BRAINS/") == 1
    assert done.stderr.endswith("20 done, 1 failed, 0 refused.\n")


def test_headers_and_scan_types(run):
    pulled = run("catalog", "pull-headers", "lab:BRAINS/SUB-008", "-y")
    assert pulled.exit_code == 0, pulled.stderr
    assert pulled.stdout.startswith("* lab:BRAINS/SUB-008/SUB-008_MR1  pullDataFromHeaders\n")
    assert run("catalog", "fix-scan-types", "lab:BRAINS/SUB-008", "-y").exit_code == 0


def test_clearing_caches_is_for_administrators(run):
    result = run("catalog", "clear-caches", "lab:", "-y")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == "Only a site administrator may clear a server's caches.\n"
    assert run("catalog", "clear-caches", "root:", "-y").exit_code == 0


def test_several_servers_are_not_mixed(run):
    assert run("catalog", "refresh", "lab:BRAINS/SUB-008", "root:BRAINS/SUB-009", "-y").exit_code == 2
