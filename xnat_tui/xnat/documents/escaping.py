"""Text as XNAT keeps it, and text as it was meant.

XNAT escapes the values of query and form parameters as XML before it stores them (`Tom's` becomes
`Tom&apos;s`), texts of documents it stores as they are. Which way a text came is not kept: what holds one of
the five entities is unescaped once, and only here (`docs/xnat-contract.md` 0.3).
"""

from __future__ import annotations

import re
from xml.sax.saxutils import unescape

_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos);")
_QUOTES = {"&quot;": '"', "&apos;": "'"}


def plain_text(stored: str) -> str:
    """What a stored text means."""
    if "&" not in stored or not _ENTITY.search(stored):
        return stored
    return unescape(stored, _QUOTES)


def document_text(text: str) -> str:
    """What a document has to say so that `plain_text` of it is this text.

    A parameter needs nothing: XNAT escapes it by itself.
    """
    return text.replace("&", "&amp;") if _ENTITY.search(text) else text
