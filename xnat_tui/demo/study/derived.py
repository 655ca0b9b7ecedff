"""What is made from sessions: quality ratings, FreeSurfer results, ROI collections, reconstructions."""

from __future__ import annotations

from xnat_tui.demo.archive import Assessor, Experiment, Reconstruction
from xnat_tui.demo.images import uid
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import documents
from xnat_tui.demo.study.acquisitions import add_files


def add_qc(site: Site, session: Experiment) -> Assessor:
    """A manual rating with a sheet in its ``out`` resource; it refers to scan 2."""
    one = site.add_assessor(
        session,
        f"{session.label}_QC",
        "xnat:qcManualAssessorData",
        fields={
            "date": session.fields["date"],
            "rater": "jd",
            "incidentalFindings": "none",
            "scans/scan/imageScan_ID": "2",
            "scans/scan/motion": "1",
            "pass": "1",
            "comments": 'Ringing < 2 pixels; "good" & complete',
            "validation/status": "approved",
        },
    )
    sheet = {
        "rating.csv": documents.table([("scan", "motion", "pass"), ("2", "1", "yes")]),
        "rating.json": documents.as_json({"rater": "jd", "scale": 4}),
    }
    add_files(site, one.out_resources, "QC", sheet, format="CSV")
    return one


def add_freesurfer(site: Site, session: Experiment) -> Assessor:
    """A FreeSurfer run (type of a plugin) with ``in``, ``out`` and plain resources."""
    label = f"{session.label}_FS"
    one = site.add_assessor(
        session,
        label,
        "fs:fsData",
        fields={
            "date": session.fields["date"],
            "fs_version": "freesurfer-7.4.1",
            "measures/volumetric/ICV": "1510234.5",
            "validation/status": "questionable",
        },
    )
    add_files(
        site,
        one.in_resources,
        "INPUT",
        {"recon-all.args": documents.text("-all -i T1.nii.gz -s subject\n")},
        format="TEXT",
    )
    output = {
        "stats/aseg.stats": documents.text(
            "# Measure BrainSeg, 1130212.0, mm^3\n1 4 5211 Left-Lateral-Ventricle\n"
        ),
        "stats/lh.aparc.stats": documents.text("bankssts 1411 1003 2.51\n"),
        "scripts/recon-all.log": documents.text("recon-all finished without error\n"),
        "mri/.xdebug_mris_calc": documents.text(""),
    }
    add_files(site, one.out_resources, "DATA", output, format="FREESURFER", content="segmentation")
    add_files(site, one.resources, "LOG", {"slurm-4711.out": documents.text("COMPLETED\n")}, format="TEXT")
    return one


def add_roi_collection(site: Site, session: Experiment) -> Assessor:
    """An RTSTRUCT-like collection: its type exists only where the OHIF plugin is installed."""
    one = site.add_assessor(
        session,
        f"{session.label}_ROI",
        "icr:roiCollectionData",
        fields={
            "date": session.fields["date"],
            "name": "Lesion outline",
            "collectionType": "AIM",
            "UUID": uid("roi", session.label),
            "subjectID": session.subject.id,
            "references/seriesUID": session.scans["2"].fields["UID"],
        },
    )
    outline = {"lesion.xml": documents.text("<ImageAnnotationCollection/>\n")}
    add_files(site, one.out_resources, "AIM", outline, format="XML", content="EXTERNAL")
    return one


def add_reconstruction(site: Site, session: Experiment, reconstruction_id: str) -> Reconstruction:
    """A derived volume with an ``in`` note and an ``out`` resource."""
    one = site.add_reconstruction(
        session,
        reconstruction_id,
        fields={"type": "mean", "baseScanType": session.scans["2"].fields["type"], "inScans/scanID": "2"},
    )
    source = session.scans["2"].resource("DICOM")
    note = f"{len(source.files) if source else 0} images of scan 2\n"
    add_files(site, one.in_resources, "SOURCE", {"input.txt": documents.text(note)}, format="TEXT")
    settings = {f"{reconstruction_id}.json": documents.as_json({"method": "mean", "scans": ["2"]})}
    add_files(site, one.out_resources, "RESULT", settings, format="JSON")
    return one
