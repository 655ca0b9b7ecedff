"""The sample studies: ``source_site``, ``destination_site``, and ``synthetic_site`` for any size.

All people are invented, all anatomy is drawn. Sign-ins are ``admin``/``admin`` (administrator),
``demo``/``demo`` (owner of most), ``member``/``member``, ``reader``/``reader`` (collaborator),
``outsider``/``outsider``, ``expired``/``expired`` (password expired), ``disabled``/``disabled``.

Projects of the source (as ``demo``): BRAINS, LEGACY and EMPTY owned, TEACHING (public) edited,
PHANTOMS (protected) listed but unreadable, VAULT (only administrators) unseen. Projects of the
destination: BRAINS, BRAINS_QC and LEGACY owned, ATLAS_2019 read-only.

Differences between the two BRAINS (``SUB-001`` is equal throughout)

=========================  =================================================================
missing subject            SUB-004 (CT session) is only on the source
extra subject              SUB-003 is only on the destination
label differs by case      SUB-008 and SUB-008_MR1 are sub-008 and sub-008_MR1
missing session            SUB-002_PT1
missing scan               SUB-002_MR1 scan 4
missing resource           SUB-002_MR1 scan 3 NIFTI; project resource ``protocol``
missing file               SUB-002_MR1 scan 3 DICOM IM0007.dcm, IM0008.dcm;
                           project resource ``tables`` derived/2024/volumes.csv
missing assessor           SUB-002_MR1_QC
missing reconstruction     SUB-005_PETMR1 pet_in_mr
extra scan, resource       SUB-007_MR1 scan 7 and session resource ``QA``
extra file                 SUB-009_MR2 scan 6 DICOM IM0007.dcm
same size, other bytes     SUB-009_MR1 scan 2 DICOM IM0003.dcm; SUB-011 questionnaires moca.csv
other size                 SUB-009_MR1 resource ``logs`` notes.txt
digests missing            SUB-009_MR1 scan 3 DICOM on the destination
blank file_count           SUB-009_MR1 scan 4 DICOM on the destination
stale statistics           SUB-009_MR2 scan 2 DICOM on the destination
demographics               SUB-011 handedness, education gone; weight equal by value (61.25)
custom variables           SUB-011 cohort, medication gone; SUB-011_MR1 rater; project funding
session fields             SUB-011_MR1 date and note; SUB-011_PT1 tracer/dose
scan fields                SUB-011_MR1 scan 2 quality and note, scan 6 parameters/te;
                           SUB-002_MR1 scan 3 frames
assessor fields            SUB-011_PT1_QC pass
scan type                  SUB-005_PETMR1 scan 3 is a PET scan, an MR scan on the destination
data type missing          SUB-012_MR1_ROI: the destination lacks icr:roiCollectionData
=========================  =================================================================

Oddities

=========================  =================================================================
age in weeks, months       DICOM PatientAge of SUB-006 (030W) and SUB-007 (018M)
headers disagree           SUB-011_PT1 birth date; SUB-012_OT1 sex and an implausible weight (850);
                           prearchive SUB-014_MR1 age (018M) with its birth date (1983)
leading zeros              subject 0010 and 0010_MR (BRAINS), 007 and 007_MR (LEGACY)
leading, double dashes     LEGACY subject -a--b_C-
dots, spaces in labels     LEGACY S.01, S.01_2003.05; Old Subject, Old Subject_MR 1 (source only)
odd file names             LEGACY 007_MR resource ``odd names``
two resources, one label   LEGACY -a--b_C-_MR ``MISC``
resource without label     LEGACY -a--b_C-_MR
in the catalog, gone       LEGACY -a--b_C-_MR scan 2 DICOM IM0002.dcm
wrong digest in catalog    LEGACY -a--b_C-_MR scan 2 DICOM IM0003.dcm
on disk, not in catalog    LEGACY -a--b_C-_MR scan 2 DICOM IM0004.dcm
scan ID twice              LEGACY S.01_2003.05 scan 2
scan of a wrong type       LEGACY S.01_2003.05 scan MR-6_b, BRAINS SUB-012_MR1 scan 6
text that disturbs         LEGACY S.01_2003.05 scan MR-6_b series description
empty file                 mri/.xdebug_mris_calc of each FreeSurfer assessor
quotes, ampersands         SUB-001_MR1 note, SUB-005 ethnicity, comments of QC assessors
shared in, own label       TEACHING T-01, T-01_MR, T-01_MR_FS; BRAINS_QC QC-002, QC-002_MR1
shared in, same label      TEACHING SUB-002, SUB-002_MR1
title blocks an ID         ATLAS_2019 on the destination is titled TEACHING
stuck AutoRun              source SUB-002_MR1 (by demo) and SUB-012_MR1 (by member);
                           destination SUB-009_MR2 (by demo) and SUB-011_MR1 (by member)
running workflow           source SUB-005_PETMR1 dcm2niix
failed AutoRun             source SUB-007_MR1 (failed), SUB-011_MR1 (dismissed)
prearchive                 source: every status; CONFLICT with SUB-002_MR1, one Unassigned
=========================  =================================================================
"""

from xnat_tui.demo.study.sites import destination_site, source_site
from xnat_tui.demo.study.synthetic import synthetic_site

__all__ = ["destination_site", "source_site", "synthetic_site"]
