"""BIDS names: what a description says outright wins, whole words tell the rest, nothing is guessed beyond."""

import re

import pytest
from bids_validator import BIDSValidator
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.options import Layout
from xnat_tui.model.place import Place
from xnat_tui.services.transfers.exporting import bids_schema
from xnat_tui.services.transfers.exporting.bids import Images
from xnat_tui.services.transfers.exporting.bids_map import SeriesMap, read_map
from xnat_tui.services.transfers.exporting.bids_series import what_it_is
from xnat_tui.services.transfers.exporting.layouts import Arrangement

BOTH = ("x.nii.gz", "x.json", "x.bval", "x.bvec")


def scan(number="2", type_="", description="", xsi="xnat:mrScanData", session="E1", **fields):
    given = {"type": type_, "series_description": description, **fields}
    return Item(
        Kind.SCAN, number, number, xsi, f"/data/experiments/{session}/scans/{number}", Fields.of(given)
    )


def place(one, subject="S1", session="E1"):
    above = (
        Item(Kind.PROJECT, "P", "P", uri="/data/projects/P"),
        Item(Kind.SUBJECT, subject, subject, uri=f"/data/subjects/{subject}"),
        Item(Kind.EXPERIMENT, session, session, "xnat:mrSessionData", f"/data/experiments/{session}"),
    )
    return Place("lab", (*above, one, Item(Kind.RESOURCE, "NIFTI", "7", uri=f"{one.uri}/resources/7")))


def names(resources, table=None):
    """Places of all files by (scan, path), and why resources got none."""
    arrangement = Arrangement(Layout.BIDS, folds=False)
    images = Images(table or SeriesMap(), arrangement.entities, lambda _: "", [])
    images.name(resources)
    found = {
        (one.of(Kind.SCAN).key, path): name
        for one, _ in resources
        for path, name in images.names(one).items()
    }
    return found, list(images.unnamed.values())


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (scan("2", "T1_MPRAGE", "t1_mprage_sag"), "anat/sub-S1_ses-E1_T1w"),
        (scan("2", "T1"), "anat/sub-S1_ses-E1_T1w"),
        (scan("3", "T2_FLAIR", "t2_space_dark-fluid"), "anat/sub-S1_ses-E1_FLAIR"),
        (scan("4", "DWI_64", "ep2d_diff"), "dwi/sub-S1_ses-E1_dwi"),
        (scan("4", "", "ep2d_diff_mddw_64_ADC"), "dwi/sub-S1_ses-E1_ADC"),
        (scan("5", "BOLD", "ep2d_bold_rest"), "func/sub-S1_ses-E1_task-rest_bold"),
        (scan("5", "BOLD_REST", "ep2d_bold"), "func/sub-S1_ses-E1_task-rest_bold"),
        (scan("5", "BOLD", "task-nback bold"), "func/sub-S1_ses-E1_task-nback_bold"),
        (scan("5", "BOLD", "task-forest_bold"), "func/sub-S1_ses-E1_task-forest_bold"),
        (scan("5", "", "ep2d_bold_forest"), "func/sub-S1_ses-E1_task-forest_bold"),
        (scan("5", "", "bold_run-2_task-t1rest_echo-1"), "func/sub-S1_ses-E1_task-t1rest_run-2_echo-1_bold"),
        (scan("5", "", "func_task-rest_run-01"), "func/sub-S1_ses-E1_task-rest_run-01_bold"),
        (scan("5", "", "task-a_dir-AP_sbref"), "func/sub-S1_ses-E1_task-a_dir-AP_sbref"),
        (scan("5", "", "dir-AP_epi"), "fmap/sub-S1_ses-E1_dir-AP_epi"),
        (scan("8", "FIELD_MAP", "gre_field_mapping"), "fmap/sub-S1_ses-E1_fieldmap"),
        (scan("2", "FDG", "brain", "xnat:petScanData"), "pet/sub-S1_ses-E1_pet"),
    ],
)
def test_names_say_what_a_series_is(one, expected):
    found, _ = names([(place(one), BOTH)])
    assert found[one.key, "x.nii.gz"] == f"sub-S1/ses-E1/{expected}.nii.gz"


@pytest.mark.parametrize(
    "description",
    ["my sequence", "Interest map", "prefmri study", "localizer T1", "ep2d_bold", "mt2prepared"],
)
def test_parts_of_words_and_unknown_tasks_make_no_name(description):
    found, why = names([(place(scan("2", "", description)), BOTH)])
    assert found == {}
    assert len(why) == 1


def test_sidecars_follow_their_image_where_the_standard_has_them():
    files = ("d.nii.gz", "d.json", "d.bval", "d.bvec", "other.json")
    dwi, _ = names([(place(scan("4", "DWI_64")), files)])
    stem = "sub-S1/ses-E1/dwi/sub-S1_ses-E1_dwi"
    assert {path: name for (_, path), name in dwi.items()} == {
        name: stem + name[1:] for name in files if name[0] == "d"
    }
    t1, _ = names([(place(scan("4", "T1")), files)])
    assert {path for _, path in t1} == {"d.nii.gz", "d.json"}


def test_several_images_of_one_scan_are_told_apart_by_echo_part_or_name():
    bold = scan("5", "BOLD", "task-a_bold")
    found, _ = names([(place(bold), ["f_e1.nii", "f_e2.nii", "f_e2_ph.nii"])])
    start = "sub-S1/ses-E1/func/sub-S1_ses-E1_task-a"
    assert sorted(found.values()) == [
        f"{start}_echo-1_bold.nii", f"{start}_echo-2_bold.nii", f"{start}_echo-2_part-phase_bold.nii",
    ]  # fmt: skip
    found, _ = names([(place(scan("2", "T1")), ["e_1.nii", "e-1.nii"])])
    start = "sub-S1/ses-E1/anat/sub-S1_ses-E1_acq"
    assert sorted(found.values()) == [f"{start}-e1_T1w.nii", f"{start}-e1dup2_T1w.nii"]


def test_repeated_scans_are_counted_and_a_stated_run_is_kept():
    resources = [(place(scan(number, "T1", text)), ["x.nii"]) for number, text in
                 (("1", ""), ("2", "T1 run-1"), ("3", ""))]  # fmt: skip
    found, _ = names(resources)
    assert sorted(found.values()) == [
        f"sub-S1/ses-E1/anat/sub-S1_ses-E1_run-{number}_T1w.nii" for number in (1, 2, 3)
    ]


WORDS = re.findall(
    r"\S+",
    """
    T1 T1w MPRAGE T2 FLAIR bold BOLD rest resting dwi DTI ADC FA pet SWI phasediff field map mp2rage UNI sbref
    epi m0scan asl func anat-T1w fmap task-Forest task-rest task-a_b run-1 run-2 run-02 acq-a acq-A acq-a+b
    acq-ü dir-AP echo-1 part-phase sub-9 ses-9 chunk-1 mod-x ce-gd rec-x space-y
    """,
)
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=5).flatmap(
    lambda words: st.sampled_from("_ -").map(lambda sign: sign.join(words))
)
STEMS = st.lists(
    st.one_of(
        st.sampled_from(["x", "X", "a_e1", "a_e2", "a_e2_ph", "d/x", "x_"]), st.text("aA_-.é ", min_size=1)
    ),
    min_size=1, max_size=3, unique=True,
)  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["S1", "s1", "S_1", "é", ""]),
            TEXTS,
            TEXTS,
            STEMS,
            st.sampled_from(["xnat:mrScanData", "xnat:petScanData"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_every_name_is_one_of_bids_and_no_two_are_alike(scans):
    resources = []
    for number, (subject, type_, description, stems, xsi) in enumerate(scans):
        one = scan(str(number), type_, description, xsi, session=f"E{number % 2}{subject}")
        paths = [stem + ending for stem in stems for ending in (".nii.gz", ".json", ".bval", ".bvec")]
        resources.append((place(one, subject, f"E{number % 2}{subject}"), paths))
    found, _ = names(resources)
    places = [name.casefold() for name in found.values()]
    assert len(set(places)) == len(places)
    judge = BIDSValidator()
    assert [name for name in found.values() if not judge.is_bids(f"/{name}")] == []


def table(tmp_path, text):
    path = tmp_path / "map.csv"
    path.write_text(text, encoding="utf-8")
    return read_map(path)


@pytest.mark.parametrize(
    "text",
    [
        "scan,suffix,entities\nmy *,bold,task-x_run-2\n",
        "scan_type,datatype,suffix,task,run\nmy *,func,bold,x,2\n",
        "my *,func/bold,task-x run-2\n",
        "glob;suffix;entities\n# a comment\n\nmy *;bold;task=x,run=2\n",
        "\ufeffdescription,suffix,entities\nmy scan,bold,task-x_run-2\n",
    ],
)
def test_a_table_may_be_written_in_several_ways(tmp_path, text):
    series = table(tmp_path, text).what_it_is(scan("1", "", "my scan"))
    assert (series.datatype, series.suffix, series.entities) == ("func", "bold", {"task": "x", "run": "2"})


def test_a_table_decides_only_where_it_says_something_and_an_exact_name_is_no_glob(tmp_path):
    rows = "scan,suffix,entities\nT1*,,acq-hires\n[AC] Dynamic,T2w,\nDWI*,,\n"
    found = table(tmp_path, rows)
    t1 = found.what_it_is(scan("1", "T1_MPRAGE", "acq-low_t1"))
    assert (t1.suffix, t1.entities) == ("T1w", {"acquisition": "hires"})
    assert found.what_it_is(scan("1", "[AC] Dynamic")).suffix == "T2w"
    assert found.what_it_is(scan("1", "DWI_64")).datatype == ""
    assert found.what_it_is(scan("1", "T2_FLAIR")) == what_it_is(scan("1", "T2_FLAIR"))


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("scan,suffix,entities\nT1,T1w,\nx,T1x,\n", "line 3, column 2", "'T1x' is no suffix"),
        ("scan,suffix,entities\nx,anat/bold,\n", "line 2, column 2", "a bold goes to func"),
        ("scan,suffix,entities\nx,sbref,\n", "line 2, column 2", "dwi/sbref or func/sbref"),
        ("scan,suffix,entities\nx,bold,tusk-a\n", "line 2, column 3", "'tusk-a' is no entity"),
        ("scan,suffix,entities\nx,bold,task-a b_run-x\n", "line 2, column 3", "'b' is no entity"),
        ("scan,suffix,entities\nx,bold,task-a_run-x\n", "line 2, column 3", "run- cannot be 'x'"),
        ("scan,suffix,entities\nx,T1w,dir-AP\n", "line 2, column 3", "a anat/T1w has no dir-"),
        ("scan,suffix,entities\nx,bold,sub-1\n", "line 2, column 3", "named by their labels"),
        ("scan,suffix,task,entities\nx,bold,a,task-b\n", "line 2, column 4", "task- is given twice"),
        ("scan,suffix,remark\nx,bold,a\n", "line 1, column 3", "'remark' is no column"),
        ("scan,suffix\n,bold\n", "line 2, column 1", "no scan type or description"),
        ("scan,suffix\nx,bold,a\n", "line 2, column 3", "more cells than columns"),
        ("scan,datatype,suffix\nx,brain,bold\n", "line 2, column 2", "'brain' is no data type"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_by_line_and_column(tmp_path, text, where, why):
    with pytest.raises(UsageError) as caught:
        table(tmp_path, text)
    assert f"map.csv, {where}: " in caught.value.message
    assert why in caught.value.message


def test_a_table_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="has no row"):
        table(tmp_path, "scan,suffix,entities\n")
    with pytest.raises(UsageError, match="cannot be read"):
        read_map(tmp_path / "none.csv")
    (tmp_path / "map.csv").write_bytes(b"scan,suffix\n\xff,T1w\n")
    with pytest.raises(UsageError, match="UTF-8"):
        read_map(tmp_path / "map.csv")


def test_words_and_their_order_are_those_of_the_schema():
    assert list(bids_schema.short_names().values())[:2] == ["sub", "tpl"]
    rule = bids_schema.rules()["func", "bold"]
    given = {"run": "1", "subject": "a", "echo": "2", "task": "t", "session": "b", "acquisition": "q"}
    assert bids_schema.file_stem(rule, given) == "sub-a_ses-b_task-t_acq-q_run-1_echo-2_bold"
    for wrong in ({"task": "t"}, given | {"stain": "x"}, given | {"run": "x"}):
        with pytest.raises(ValueError, match=r"missing|cannot be"):
            bids_schema.file_stem(rule, wrong)
