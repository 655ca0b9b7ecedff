"""Files in which no text can be found by looking at their bytes, or in whose headers names stand by design.

What is compressed, drawn or scanned is held whatever it is called; other image formats by their endings,
since their headers have texts, mostly the patient's name among them, that nothing here treats.
"""

from __future__ import annotations

from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.transfers.importing.archives import looks_packed

START = 512
"""Bytes by which a file is told."""
_PACKED = "packed: nobody can look into it for names"
_DRAWN = "a picture or a document: it may show names"
_STARTS = {
    **dict.fromkeys((b"\x04\x22\x4d\x18", b"\x1f\x9d", b"\x1f\xa0", b"LZIP", b"]\0\0\x80\0"), _PACKED),
    **dict.fromkeys((b"\x89HDF", b"MATLAB 5.0", b"PAR1"), _PACKED),  # containers, compressed inside
    **dict.fromkeys((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"8BPS"), _DRAWN),
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _DRAWN),  # TIFF, and its larger kind
    **dict.fromkeys((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"RIFF", b"\x1aE\xdf\xa3"), _DRAWN),
    **dict.fromkeys((b"%PDF", b"%!PS", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), _DRAWN),
    b"MATRIX7": "an image of a kind whose header holds names",  # ECAT
}
_ENDINGS = {
    **dict.fromkeys(
        (".pdf", ".bmp", ".svg", ".html", ".htm", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx"), _DRAWN
    ),
    **dict.fromkeys((".odt", ".ods", ".odp", ".rtf", ".ps", ".eps", ".mp4", ".mov", ".avi"), _DRAWN),
    **dict.fromkeys(
        (
            *(".mgz", ".mgh", ".mnc", ".mha", ".mhd", ".nrrd", ".nhdr", ".head", ".brik", ".par", ".rec"),
            *(".v", ".spar", ".sdat", ".rda", ".gii"),
        ),
        "an image of a kind whose header has texts that cannot be treated",
    ),
}


def check_searchable(start: bytes, name: str) -> None:
    """Raises Held for a file, told by its first START bytes and its ending, that cannot be shown to hold no
    names."""
    if start[128:132] == b"DICM":
        raise Held("DICOM, which passes only as such")
    if looks_packed(start):
        raise Held(_PACKED)
    found = next((reason for magic, reason in _STARTS.items() if start.startswith(magic)), "")
    if start[4:8] == b"ftyp":
        found = _DRAWN
    found = found or next((reason for end, reason in _ENDINGS.items() if name.lower().endswith(end)), "")
    if found:
        raise Held(found)
