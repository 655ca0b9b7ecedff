import json


def test_list(run):
    shown = run("autorun", "list", "lab:BRAINS", "--status", "queued")
    assert shown.exit_code == 0, shown.stderr
    assert [line.split() for line in shown.stdout.splitlines()] == [
        [
            "workflow_id",
            "session_label",
            "pipeline_name",
            "status",
            "launch_time",
            "userlogin",
            "step_description",
        ],
        ["26", "SUB-002_MR1", "xnat_tools/AutoRun.xml", "Queued", "2024-04-03", "09:35:40.123", "demo"],
        ["27", "SUB-012_MR1", "xnat_tools/AutoRun.xml", "Queued", "2024-04-03", "09:35:47.123", "member"],
    ]


def test_list_of_every_pipeline_as_json(run):
    document = json.loads(run("autorun", "list", "lab:BRAINS/SUB-005", "--all", "--json").stdout)
    (row,) = [one for one in document["items"] if one["status"] == "Running"]
    assert (row["pipeline_name"], row["step_description"], row["percentagecomplete"]) == (
        "dcm2niix",
        "convert",
        "66.0",
    )


def test_nothing_to_list(run):
    shown = run("autorun", "list", "lab:BRAINS/SUB-008")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "No such workflow.\n")


def test_dismiss(run):
    done = run("autorun", "dismiss", "lab:BRAINS", "-y")
    assert done.exit_code == 6
    assert done.stdout == (
        "* lab:BRAINS  dismiss  workflow_id: 26, id: CENTRAL_E00003, session_label: SUB-002_MR1, "
        "pipeline_name: xnat_tools/AutoRun.xml, status: Queued → Failed (Dismissed)\n"
        "! lab:BRAINS  dismiss  workflow_id: 27, id: CENTRAL_E00016, session_label: SUB-012_MR1, "
        "pipeline_name: xnat_tools/AutoRun.xml, status: Queued → Failed (Dismissed)\n"
        "    refused: Only its creator member or a site administrator may dismiss workflow 27.\n"
    )
    assert run("autorun", "dismiss", "root:BRAINS", "-y").exit_code == 0
    assert run("autorun", "list", "lab:BRAINS", "--status", "queued").stdout == ""
